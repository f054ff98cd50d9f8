/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite.c - runs the cases for both families, and a case's beginning and end. */
#include "suite.h"

#define TCP_WAIT_MS 20000u
#define TCP_SETTLE_MS 20u
#define TCP_TURNS_PER_MS 20u /* a loop that spins makes hundreds */

static enum rung_family tcp_family;

void tcp_begin(struct tcp_test *t, const struct tcp_how *how)
{
    static const struct tcp_how defaults;
    struct rung_addr addr;
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->family = tcp_family;
    t->rig = tcp_fixture.make(t->p);
    enum rung_err err = tcp_fixture.open(t->rig, how ? how : &defaults, &t->tcp);
    if (err == RUNG_E_NOTSUP)
        tcp_skip(t, "this module has no such setting");
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    if (!tcp_fixture.host(t->rig, t->family, &addr))
        tcp_skip(t, "no addresses of this family here");
}

struct stopping {
    struct rung_op op;
    struct tcp_test *t;
    unsigned done_count;
    int result;
};

static void tcp_on_stopped(struct rung_op *op, int result)
{
    struct stopping *stopping = rung_container_of(op, struct stopping, op);
    assert_int_equal(stopping->t->in_call, 0);
    stopping->done_count++;
    stopping->result = result;
}

static bool tcp_is_stopped(void *arg)
{
    return ((struct stopping *)arg)->done_count > 0;
}

void tcp_stop(struct tcp_test *t)
{
    struct stopping stopping = {.op.done = tcp_on_stopped, .t = t};
    t->in_call++;
    rung_tcp_stop(t->tcp, &stopping.op);
    t->in_call--;
    assert_int_equal(stopping.done_count, 0);
    t->listener = NULL;
    for (unsigned i = 0; i < t->app_count; i++)
        t->apps[i]->conn = NULL;
    tcp_wait(t, tcp_is_stopped, &stopping);
    test_run_turns(t->p, 3);
    assert_int_equal(stopping.done_count, 1);
    assert_int_equal(stopping.result, RUNG_OK);
    t->tcp = NULL;
}

void tcp_end(struct tcp_test *t)
{
    if (t->tcp)
        tcp_stop(t);
    for (unsigned i = 0; i < t->app_count; i++)
        app_release_held(t->apps[i]);
    assert_int_equal(t->out_count, 0);
    while (t->outs) {
        struct tcp_out *out = t->outs;
        t->outs = out->next;
        assert_int_equal(out->released, 1);
        free(out);
    }
    tcp_fixture.free(t->rig);
    test_platform_free(t->p);
}

void tcp_skip(struct tcp_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    tcp_end(t);
    skip();
}

/* xorshift64* (Vigna 2016). */
uint32_t tcp_chance(struct tcp_test *t, uint32_t below)
{
    t->chance ^= t->chance >> 12;
    t->chance ^= t->chance << 25;
    t->chance ^= t->chance >> 27;
    return (uint32_t)((t->chance * UINT64_C(2685821657736338717)) >> 33) % below;
}

struct rung_addr tcp_host(struct tcp_test *t, uint16_t port)
{
    struct rung_addr addr;
    assert_true(tcp_fixture.host(t->rig, t->family, &addr));
    addr.port = port;
    return addr;
}

/* The peer does not wake the loop of the stack under test: a timer does. */
struct ticker {
    struct rung_timer timer;
    struct tcp_test *t;
    unsigned ticks, limit;
    unsigned turns;
    bool (*done)(void *arg);
    void *arg;
};

static void tcp_on_tick(struct rung_timer *timer)
{
    struct ticker *ticker = rung_container_of(timer, struct ticker, timer);
    ticker->ticks++;
    rung_timer_start(ticker->t->p, timer, RUNG_NS_PER_MS);
}

static bool tcp_tick_done(void *arg)
{
    struct ticker *ticker = arg;
    ticker->turns++;
    return ticker->ticks >= ticker->limit || (ticker->done && ticker->done(ticker->arg));
}

void tcp_wait(struct tcp_test *t, bool (*done)(void *arg), void *arg)
{
    struct ticker ticker = {.timer.fn = tcp_on_tick, .t = t, .limit = TCP_WAIT_MS, .done = done,
                            .arg = arg};
    assert_int_equal(t->in_call, 0);
    rung_timer_start(t->p, &ticker.timer, RUNG_NS_PER_MS);
    test_run_until(t->p, tcp_tick_done, &ticker);
    rung_timer_stop(t->p, &ticker.timer);
    if (ticker.ticks >= ticker.limit)
        fail_msg("not done after %u ms; last log line: '%s'", ticker.limit, test_log_last(t->p));
}

static unsigned tcp_turns(struct tcp_test *t, unsigned ms)
{
    struct ticker ticker = {.timer.fn = tcp_on_tick, .t = t, .limit = ms};
    rung_timer_start(t->p, &ticker.timer, RUNG_NS_PER_MS);
    test_run_until(t->p, tcp_tick_done, &ticker);
    rung_timer_stop(t->p, &ticker.timer);
    return ticker.turns;
}

void tcp_pause(struct tcp_test *t, unsigned ms)
{
    tcp_turns(t, ms);
}

void tcp_settle(struct tcp_test *t)
{
    unsigned turns = tcp_turns(t, TCP_SETTLE_MS);
    if (turns > TCP_SETTLE_MS * TCP_TURNS_PER_MS)
        fail_msg("the loop spins: %u turns with nothing to do", turns);
}

static int tcp_run_group(enum rung_family family)
{
    static const struct CMUnitTest *const files[] = {
        tcp_listen_cases, tcp_connect_cases, tcp_stream_cases, tcp_press_cases,
        tcp_end_cases, tcp_life_cases, tcp_short_cases,
    };
    struct CMUnitTest all[128];
    char name[128];
    size_t count = 0;
    for (size_t f = 0; f < RUNG_ARRAY_LEN(files); f++) {
        for (const struct CMUnitTest *c = files[f]; c->name; c++) {
            assert(count < RUNG_ARRAY_LEN(all));
            all[count++] = *c;
        }
    }
    tcp_family = family;
    snprintf(name, sizeof(name), "tcp/%s/ipv%d", tcp_fixture.module, (int)family);
    return _cmocka_run_group_tests(name, all, count, NULL, NULL);
}

int main(void)
{
    return tcp_run_group(RUNG_AF_IPV4) + tcp_run_group(RUNG_AF_IPV6) != 0;
}
