/* SPDX-License-Identifier: ISC */
/* test/support/test_turns.c - waiting in tests on a ground whose time is real: turn after turn, for
 * as long as the ground's file says. */
#include "test_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "test_common.h"

void test_log_nowhere(struct rung_platform *p, enum rung_log_level level, const char *text,
                      size_t len)
{
    (void)p;
    (void)level;
    (void)text;
    (void)len;
}

void test_turn(struct rung_platform *p, bool wait)
{
    rung_run_begin(p);
    test_ground_turn(p, wait);
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
    rung_timer_start(p, &limit, test_ground_limit_ns);
    while (!done(arg) && !p->stopped && limit.active)
        test_turn(p, true);
    bool expired = !limit.active;
    rung_timer_stop(p, &limit);
    if (done(arg))
        return;
    test_check_running(p);
    if (expired)
        fail_msg("not done after %llu s; last log line: '%s'",
                 (unsigned long long)(test_ground_limit_ns / RUNG_NS_PER_S), test_log_last(p));
}

void test_run_turns(struct rung_platform *p, unsigned n)
{
    while (n-- > 0)
        test_turn(p, false);
}
