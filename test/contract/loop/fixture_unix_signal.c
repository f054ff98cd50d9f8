/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix_signal.c - SIGINT, SIGTERM and SIGPIPE, in processes of their
 * own. */
#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture_unix.h"
#include "rung/clock.h"
#include "unix/unix.h"

static const char *const argv_none[] = {"test", NULL};

struct signals {
    int first, second; /* to raise */
    bool stuck;        /* both in one callback */
};

struct raiser {
    struct rung_platform *p;
    struct rung_task task;
    struct rung_timer timer;
    const struct signals *signals;
};

static void raiser_on_task(struct rung_task *task)
{
    struct raiser *raiser = rung_container_of(task, struct raiser, task);
    raise(raiser->signals->first);
    if (raiser->signals->stuck)
        raise(raiser->signals->second);
}

static void raiser_on_timer(struct rung_timer *timer)
{
    rung_loop_stop(rung_container_of(timer, struct raiser, timer)->p, 33);
}

/* Ends with the status that the stop asked for by the first signal gives, plus 40. */
static int raise_signals(void *arg)
{
    const struct signals *signals = arg;
    struct raiser raiser = {.task.fn = raiser_on_task, .timer.fn = raiser_on_timer};
    raiser.signals = signals;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    raiser.p = rung_unix_new(1, argv_none);
    if (!raiser.p)
        return 1;
    rung_loop_defer(raiser.p, &raiser.task);
    rung_timer_start(raiser.p, &raiser.timer, 20 * RUNG_NS_PER_S); /* a signal that is lost */
    int status = rung_loop_run(raiser.p);
    if (signals->second && !signals->stuck)
        raise(signals->second);
    rung_timer_stop(raiser.p, &raiser.timer);
    rung_unix_free(raiser.p);
    return 40 + status;
}

static void test_first_signal_stops(void **state)
{
    static struct signals cases[] = {{SIGINT, 0, false}, {SIGTERM, 0, false}};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        int status = unix_in_child(raise_signals, &cases[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 40);
    }
}

static void test_second_signal_kills(void **state)
{
    static struct signals cases[] = {
        {SIGINT, SIGINT, false}, {SIGTERM, SIGTERM, false}, {SIGINT, SIGTERM, false},
        {SIGTERM, SIGINT, false}, {SIGINT, SIGINT, true}, {SIGTERM, SIGTERM, true},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        int status = unix_in_child(raise_signals, &cases[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), cases[i].second);
    }
}

/* Freed, the platform no longer stands between a signal and the process. */
static int raise_after_free(void *arg)
{
    signal(SIGTERM, SIG_DFL);
    (void)arg;
    rung_unix_free(rung_unix_new(1, argv_none));
    raise(SIGTERM);
    return 40;
}

static void test_free_gives_signals_back(void **state)
{
    (void)state;
    int status = unix_in_child(raise_after_free, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static int write_to_nobody(void *arg)
{
    int ends[2];
    (void)arg;
    signal(SIGPIPE, SIG_DFL);
    struct rung_platform *p = rung_unix_new(1, argv_none);
    if (!p || pipe(ends) != 0)
        return 1;
    close(ends[0]);
    bool error = write(ends[1], "x", 1) < 0 && errno == EPIPE;
    rung_unix_free(p);
    return error ? 40 : 2;
}

static void test_sigpipe_is_ignored(void **state)
{
    (void)state;
    int status = unix_in_child(write_to_nobody, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 40);
}

int fixture_unix_signal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_signal_stops),
        cmocka_unit_test(test_second_signal_kills),
        cmocka_unit_test(test_free_gives_signals_back),
        cmocka_unit_test(test_sigpipe_is_ignored),
    };
    return cmocka_run_group_tests_name("unix: signals", tests, NULL, NULL);
}
