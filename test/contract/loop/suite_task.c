/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_task.c - deferred calls and struct rung_op, which is built on them. */
#include "suite.h"

#include <stdlib.h>

#include "rung/clock.h"

static void defer_all(struct suite_actor a[], unsigned n, struct suite_trace *trace)
{
    for (unsigned i = 0; i < n; i++) {
        suite_actor_init(&a[i], trace, (char)('a' + i));
        rung_loop_defer(trace->p, &a[i].task);
    }
}

static void test_runs_once_later_in_order(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a[4];
    (void)state;
    defer_all(a, 4, &trace);
    rung_loop_defer(trace.p, &a[0].task); /* active: does nothing, and keeps its place */
    assert_string_equal(trace.text, "");
    assert_true(a[3].task.active);
    suite_expect(&trace, "abcd");
    rung_loop_defer(trace.p, &a[1].task);
    suite_expect(&trace, "abcdb");
    test_platform_free(trace.p);
}

/* Takes the tasks of the string out of a queue of five, puts a sixth in, and compares. */
static void undefer_case(const char *out, const char *left)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a[5], last;
    defer_all(a, 5, &trace);
    suite_actor_init(&last, &trace, 'z');
    for (; *out; out++) {
        rung_loop_undefer(trace.p, &a[*out - 'a'].task);
        assert_false(a[*out - 'a'].task.active);
        rung_loop_undefer(trace.p, &a[*out - 'a'].task); /* inactive: does nothing */
    }
    rung_loop_defer(trace.p, &last.task);
    suite_expect(&trace, left);
    test_platform_free(trace.p);
}

static void test_undefer(void **state)
{
    (void)state;
    undefer_case("a", "bcdez");
    undefer_case("c", "abdez");
    undefer_case("e", "abcdz");
    undefer_case("ed", "abcz");
    undefer_case("ba", "cdez");
    undefer_case("abcde", "z");
    undefer_case("edcba", "z");
}

static void undefer_other(struct suite_actor *actor)
{
    rung_loop_undefer(actor->trace->p, &actor->other->task);
}

static void requeue_other(struct suite_actor *actor)
{
    undefer_other(actor);
    rung_loop_defer(actor->trace->p, &actor->other->task);
}

static void test_undefer_from_a_task(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a[6];
    (void)state;
    defer_all(a, 6, &trace);
    a[0].then = undefer_other; /* the next */
    a[0].other = &a[1];
    a[2].then = requeue_other; /* goes to the end */
    a[2].other = &a[3];
    a[4].then = undefer_other; /* the last */
    a[4].other = &a[5];
    suite_expect(&trace, "aced");
    test_platform_free(trace.p);
}

static void defer_self(struct suite_actor *actor)
{
    if (actor->trace->len < 9)
        rung_loop_defer(actor->trace->p, &actor->task);
}

static void test_tasks_take_turns(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a[3];
    (void)state;
    defer_all(a, 3, &trace);
    a[0].then = a[2].then = defer_self;
    suite_expect(&trace, "abcacacaca");
    test_platform_free(trace.p);
}

/* A task that defers itself until a timer has run, and does not write: it may be for ever. */
struct poller {
    struct rung_platform *p;
    struct rung_task task;
    struct rung_timer timer;
    unsigned polls;
};

static void poller_on_task(struct rung_task *task)
{
    struct poller *poller = rung_container_of(task, struct poller, task);
    poller->polls++;
    if (poller->timer.active)
        rung_loop_defer(poller->p, task);
}

static void poller_on_timer(struct rung_timer *timer)
{
    (void)timer;
}

static bool poller_done(void *arg)
{
    struct poller *poller = arg;
    return !poller->task.active;
}

static void test_timers_run_between_tasks(void **state)
{
    struct poller poller = {.task.fn = poller_on_task, .timer.fn = poller_on_timer};
    (void)state;
    poller.p = test_platform_new();
    rung_timer_start(poller.p, &poller.timer, 5 * RUNG_NS_PER_MS);
    rung_loop_defer(poller.p, &poller.task);
    test_run_until(poller.p, poller_done, &poller);
    assert_true(poller.polls > 1);
    test_platform_free(poller.p);
}

static void free_self(struct suite_actor *actor)
{
    free(actor);
}

static void test_callback_may_free_its_task(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct suite_actor *actor = malloc(sizeof(*actor));
        assert_non_null(actor);
        suite_actor_init(actor, &trace, 'x');
        actor->then = free_self;
        rung_loop_defer(trace.p, &actor->task);
    }
    suite_expect(&trace, "xxxx");
    test_platform_free(trace.p);
}

/* What a module and its caller do with an operation. */
struct request {
    struct rung_op op;
    struct rung_platform *p;
    unsigned done, again;
    int result;
};

static void request_cancel(struct rung_op *op)
{
    struct request *request = rung_container_of(op, struct request, op);
    rung_op_finish(request->p, op, RUNG_E_CANCELED);
}

static void request_on_done(struct rung_op *op, int result)
{
    struct request *request = rung_container_of(op, struct request, op);
    assert_null(op->cancel);
    assert_false(op->task.active); /* the caller's again: it may be submitted at once */
    request->done++;
    request->result = result;
    if (request->again > 0) {
        request->again--;
        rung_op_finish(request->p, op, result + 1);
    }
}

static bool request_done(void *arg)
{
    struct request *request = arg;
    return request->done > 0 && request->again == 0 && !request->op.task.active;
}

static void test_op_finishes_once_and_later(void **state)
{
    static const int results[] = {0, 4096, RUNG_E_IO};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(results); i++) {
        struct request request = {.op.done = request_on_done, .p = test_platform_new()};
        rung_op_finish(request.p, &request.op, results[i]);
        assert_int_equal(request.done, 0); /* never inside submit */
        test_run_until(request.p, request_done, &request);
        test_run_turns(request.p, 3);
        assert_int_equal(request.done, 1);
        assert_int_equal(request.result, results[i]);
        test_platform_free(request.p);
    }
}

static void test_op_can_be_submitted_from_done(void **state)
{
    struct request request = {.op.done = request_on_done, .p = test_platform_new(), .again = 3};
    (void)state;
    rung_op_finish(request.p, &request.op, 10);
    test_run_until(request.p, request_done, &request);
    test_run_turns(request.p, 3);
    assert_int_equal(request.done, 4);
    assert_int_equal(request.result, 13);
    test_platform_free(request.p);
}

static void test_op_cancel(void **state)
{
    struct request request = {.op.done = request_on_done, .p = test_platform_new()};
    (void)state;
    request.op.cancel = request_cancel; /* as a module does at submit */
    assert_int_equal(rung_op_cancel(&request.op), RUNG_OK);
    assert_int_equal(request.done, 0); /* done() comes later, and */
    assert_int_equal(rung_op_cancel(&request.op), RUNG_E_NOTSUP); /* cannot be called off twice */
    test_run_until(request.p, request_done, &request);
    test_run_turns(request.p, 3);
    assert_int_equal(request.done, 1);
    assert_int_equal(request.result, RUNG_E_CANCELED);
    test_platform_free(request.p);
}

int suite_task(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_once_later_in_order),
        cmocka_unit_test(test_undefer),
        cmocka_unit_test(test_undefer_from_a_task),
        cmocka_unit_test(test_tasks_take_turns),
        cmocka_unit_test(test_timers_run_between_tasks),
        cmocka_unit_test(test_callback_may_free_its_task),
        cmocka_unit_test(test_op_finishes_once_and_later),
        cmocka_unit_test(test_op_can_be_submitted_from_done),
        cmocka_unit_test(test_op_cancel),
    };
    return cmocka_run_group_tests_name("tasks and operations", tests, NULL, NULL);
}
