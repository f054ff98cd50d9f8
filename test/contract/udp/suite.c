/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite.c - runs the cases for both families, and a case's beginning and end. */
#include "suite.h"

#define UDP_WAIT_MS 20000u
#define UDP_SETTLE_MS 20u
#define UDP_TURNS_PER_MS 20u /* a loop that spins makes hundreds */

static enum rung_family udp_family;

void udp_begin(struct udp_test *t, const struct udp_how *how)
{
    static const struct udp_how defaults;
    struct rung_addr addr;
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->family = udp_family;
    t->rig = udp_fixture.make(t->p);
    enum rung_err err = udp_fixture.open(t->rig, how ? how : &defaults, &t->udp);
    if (err == RUNG_E_NOTSUP)
        udp_skip(t, "this module has no such setting");
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    if (!udp_fixture.host(t->rig, t->family, &addr))
        udp_skip(t, "no addresses of this family here");
}

struct stopping {
    struct rung_op op;
    struct udp_test *t;
    unsigned done_count;
    int result;
};

static void udp_on_stopped(struct rung_op *op, int result)
{
    struct stopping *stopping = rung_container_of(op, struct stopping, op);
    assert_int_equal(stopping->t->in_call, 0);
    stopping->done_count++;
    stopping->result = result;
}

static bool udp_is_stopped(void *arg)
{
    return ((struct stopping *)arg)->done_count > 0;
}

void udp_stop(struct udp_test *t)
{
    struct stopping stopping = {.op.done = udp_on_stopped, .t = t};
    t->in_call++;
    rung_udp_stop(t->udp, &stopping.op);
    t->in_call--;
    assert_int_equal(stopping.done_count, 0);
    for (unsigned i = 0; i < t->sock_count; i++)
        t->socks[i].socket = NULL;
    udp_wait(t, udp_is_stopped, &stopping);
    test_run_turns(t->p, 3);
    assert_int_equal(stopping.done_count, 1);
    assert_int_equal(stopping.result, RUNG_OK);
    t->udp = NULL;
}

void udp_end(struct udp_test *t)
{
    if (t->udp)
        udp_stop(t);
    for (unsigned i = 0; i < t->sock_count; i++)
        sock_release_held(&t->socks[i]);
    assert_int_equal(t->out_count, 0);
    while (t->outs) {
        struct udp_out *out = t->outs;
        t->outs = out->next;
        assert_int_equal(out->released, 1);
        free(out);
    }
    udp_fixture.free(t->rig);
    test_platform_free(t->p);
}

void udp_skip(struct udp_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    udp_end(t);
    skip();
}

/* xorshift64* (Vigna 2016). */
uint32_t udp_chance(struct udp_test *t, uint32_t below)
{
    t->chance ^= t->chance >> 12;
    t->chance ^= t->chance << 25;
    t->chance ^= t->chance >> 27;
    return (uint32_t)((t->chance * UINT64_C(2685821657736338717)) >> 33) % below;
}

struct rung_addr udp_host(struct udp_test *t, uint16_t port)
{
    struct rung_addr addr;
    assert_true(udp_fixture.host(t->rig, t->family, &addr));
    addr.port = port;
    return addr;
}

/* The peer does not wake the loop of the stack under test: a timer does. */
struct ticker {
    struct rung_timer timer;
    struct udp_test *t;
    unsigned ticks, limit;
    unsigned turns;
    bool (*done)(void *arg);
    void *arg;
};

static void udp_on_tick(struct rung_timer *timer)
{
    struct ticker *ticker = rung_container_of(timer, struct ticker, timer);
    ticker->ticks++;
    rung_timer_start(ticker->t->p, timer, RUNG_NS_PER_MS);
}

static bool udp_tick_done(void *arg)
{
    struct ticker *ticker = arg;
    ticker->turns++;
    return ticker->ticks >= ticker->limit || (ticker->done && ticker->done(ticker->arg));
}

static struct ticker udp_run(struct udp_test *t, unsigned limit, bool (*done)(void *arg), void *arg)
{
    struct ticker ticker = {.timer.fn = udp_on_tick, .t = t, .limit = limit, .done = done,
                            .arg = arg};
    assert_int_equal(t->in_call, 0);
    rung_timer_start(t->p, &ticker.timer, RUNG_NS_PER_MS);
    test_run_until(t->p, udp_tick_done, &ticker);
    rung_timer_stop(t->p, &ticker.timer);
    return ticker;
}

void udp_wait(struct udp_test *t, bool (*done)(void *arg), void *arg)
{
    if (udp_run(t, UDP_WAIT_MS, done, arg).ticks >= UDP_WAIT_MS)
        fail_msg("not done after %u ms; last log line: '%s'", UDP_WAIT_MS, test_log_last(t->p));
}

void udp_settle(struct udp_test *t)
{
    unsigned turns = udp_run(t, UDP_SETTLE_MS, NULL, NULL).turns;
    if (turns > UDP_SETTLE_MS * UDP_TURNS_PER_MS)
        fail_msg("the loop spins: %u turns with nothing to do", turns);
}

static uint8_t udp_pattern(uint32_t number, size_t at)
{
    return (uint8_t)(number * 37 + at * 11 + (at >> 8));
}

void udp_fill(uint8_t *data, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++)
        data[i] = udp_pattern(number, i);
    if (len >= sizeof(number))
        memcpy(data, &number, sizeof(number));
}

uint32_t udp_check(const uint8_t *data, size_t len)
{
    uint32_t number = 0;
    if (len < sizeof(number))
        return 0;
    memcpy(&number, data, sizeof(number));
    for (size_t i = sizeof(number); i < len; i++)
        if (data[i] != udp_pattern(number, i))
            fail_msg("datagram %u of %zu bytes is wrong at %zu", number, len, i);
    return number;
}

static int udp_run_group(enum rung_family family)
{
    static const struct CMUnitTest *const files[] = {udp_open_cases, udp_io_cases, udp_life_cases};
    struct CMUnitTest all[64];
    char name[128];
    size_t count = 0;
    for (size_t f = 0; f < RUNG_ARRAY_LEN(files); f++) {
        for (const struct CMUnitTest *c = files[f]; c->name; c++) {
            assert(count < RUNG_ARRAY_LEN(all));
            all[count++] = *c;
        }
    }
    udp_family = family;
    snprintf(name, sizeof(name), "udp/%s/ipv%d", udp_fixture.module, (int)family);
    return _cmocka_run_group_tests(name, all, count, NULL, NULL);
}

int main(void)
{
    return udp_run_group(RUNG_AF_IPV4) + udp_run_group(RUNG_AF_IPV6) != 0;
}
