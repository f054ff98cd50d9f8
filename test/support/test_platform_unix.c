/* SPDX-License-Identifier: ISC */
/* test/support/test_platform_unix.c - test_platform.h on the Unix platform. Log lines do not reach
 * standard error unless RUNG_TEST_LOG is set. */
#include "test_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <uv.h>

#include "rung/clock.h"
#include "test_common.h"
#include "unix/unix.h"

#define TEST_LIMIT_S 20

static void test_log_nowhere(struct rung_platform *p, enum rung_log_level level, const char *text,
                             size_t len)
{
    (void)p;
    (void)level;
    (void)text;
    (void)len;
}

struct rung_platform *test_platform_new_args(const char *const words[], size_t count)
{
    static const char *const argv[] = {"test", NULL};
    struct rung_platform *p = rung_unix_new(1, argv);
    assert_non_null(p);
    p->args = words;
    p->arg_count = count;
    p->log_line = test_log_nowhere;
    return test_adopt(p);
}

void test_platform_free(struct rung_platform *p)
{
    if (!p)
        return;
    size_t blocks = test_disown(p);
    rung_unix_free(p);
    if (blocks > 0)
        fail_msg("%zu blocks of the heap are still allocated", blocks);
}

static void test_turn(struct rung_platform *p, uv_run_mode mode)
{
    rung_run_begin(p);
    uv_run(rung_unix_loop(p), mode);
    p->running = false; /* not rung_run_end(): a stop waits for rung_loop_run() to report it */
    p->now_read = false;
}

static void test_on_limit(struct rung_timer *timer)
{
    (void)timer; /* inactive now: that is what test_run_until() looks at */
}

void test_run_until(struct rung_platform *p, bool (*done)(void *arg), void *arg)
{
    struct rung_timer limit = {.fn = test_on_limit};
    rung_timer_start(p, &limit, TEST_LIMIT_S * RUNG_NS_PER_S);
    while (!done(arg) && !p->stopped && limit.active)
        test_turn(p, UV_RUN_ONCE);
    bool expired = !limit.active;
    rung_timer_stop(p, &limit);
    if (done(arg))
        return;
    test_check_running(p);
    if (expired)
        fail_msg("not done after %d s; last log line: '%s'", TEST_LIMIT_S, test_log_last(p));
}

void test_run_turns(struct rung_platform *p, unsigned n)
{
    while (n-- > 0)
        test_turn(p, UV_RUN_NOWAIT);
}
