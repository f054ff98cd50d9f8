/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_misuse.c - "misuse is a bug and asserts": each in a process of its own,
 * in builds that have assertions. */
#include "suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rung/args.h"
#include "rung/heap.h"

static void run_within(struct rung_task *task)
{
    struct suite_actor *actor = rung_container_of(task, struct suite_actor, task);
    rung_loop_run(actor->trace->p);
}

static void misuse_run(struct rung_platform *p)
{
    struct suite_trace trace = {.p = p};
    struct suite_actor a = {.trace = &trace, .task.fn = run_within};
    rung_loop_defer(p, &a.task);
    rung_loop_run(p);
}

static void misuse_timer(struct rung_platform *p)
{
    struct rung_timer timer = {0};
    rung_timer_start(p, &timer, 0);
}

static void misuse_task(struct rung_platform *p)
{
    struct rung_task task = {0};
    rung_loop_defer(p, &task);
}

static void never(struct rung_op *op, int result)
{
    (void)op;
    (void)result;
}

static void misuse_op(struct rung_platform *p)
{
    struct rung_op op = {.done = never};
    rung_op_finish(p, &op, 0);
    rung_op_finish(p, &op, 0);
}

static void misuse_alloc(struct rung_platform *p)
{
    rung_free(p, rung_alloc(p, 0));
}

static void misuse_align(struct rung_platform *p)
{
    rung_free(p, rung_alloc_aligned(p, 48, 10));
}

static void misuse_args(struct rung_platform *p)
{
    rung_args_word(p, rung_args_count(p));
}

static void (*const misuses[])(struct rung_platform *p) = {
    misuse_run, misuse_timer, misuse_task, misuse_op, misuse_alloc, misuse_align, misuse_args,
};

static void test_misuse_asserts(void **state)
{
    (void)state;
#ifdef NDEBUG
    print_message("skipped: a release has no assertions; the debug and asan presets run it\n");
    skip();
#endif
    for (size_t i = 0; i < RUNG_ARRAY_LEN(misuses); i++) {
        int status = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); /* the assertion's words */
            signal(SIGABRT, SIG_DFL); /* cmocka's handler would make a failed test of it */
            static struct rung_platform *volatile p; /* for those who look for leaks */
            p = test_platform_new();
            misuses[i](p);
            _exit(0);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("misuse %zu went unnoticed (status %#x)", i, (unsigned)status);
    }
}

int suite_misuse(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_misuse_asserts)};
    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
