/* SPDX-License-Identifier: ISC */
/* test/support/test_wait.c - running the loop by a ticking timer. */
#include "test_wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "rung/loop.h"
#include "test_platform.h"

#define TEST_WAIT_MS 20000u
#define TEST_SETTLE_MS 20u
#define TEST_TURNS_PER_MS 20u /* a loop that spins makes hundreds */

struct test_ticker {
    struct rung_timer timer;
    struct rung_platform *p;
    unsigned ticks, limit;
    unsigned turns;
    bool (*done)(void *arg); /* NULL: only the limit ends it */
    void *arg;
};

static void test_on_tick(struct rung_timer *timer)
{
    struct test_ticker *ticker = rung_container_of(timer, struct test_ticker, timer);
    ticker->ticks++;
    rung_timer_start(ticker->p, timer, RUNG_NS_PER_MS);
}

static bool test_tick_done(void *arg)
{
    struct test_ticker *ticker = arg;
    ticker->turns++;
    return ticker->ticks >= ticker->limit || (ticker->done && ticker->done(ticker->arg));
}

static void test_tick(struct test_ticker *ticker)
{
    ticker->timer.fn = test_on_tick;
    rung_timer_start(ticker->p, &ticker->timer, RUNG_NS_PER_MS);
    test_run_until(ticker->p, test_tick_done, ticker);
    rung_timer_stop(ticker->p, &ticker->timer);
}

void test_wait(struct rung_platform *p, bool (*done)(void *arg), void *arg)
{
    struct test_ticker ticker = {.p = p, .limit = TEST_WAIT_MS, .done = done, .arg = arg};
    test_tick(&ticker);
    if (ticker.ticks >= ticker.limit)
        fail_msg("not done after %u ms; last log line: '%s'", ticker.limit, test_log_last(p));
}

void test_settle(struct rung_platform *p)
{
    struct test_ticker ticker = {.p = p, .limit = TEST_SETTLE_MS};
    test_tick(&ticker);
    if (ticker.turns > TEST_SETTLE_MS * TEST_TURNS_PER_MS)
        fail_msg("the loop spins: %u turns with nothing to do", ticker.turns);
}

void test_pause(struct rung_platform *p, unsigned ms)
{
    struct test_ticker ticker = {.p = p, .limit = ms};
    test_tick(&ticker);
}
