/* SPDX-License-Identifier: ISC */
/* test/lwip/open_test.c - lwIP's state is the program's, so there is one stack in a program; and
 * one that cannot be opened leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "lwip_int.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "virtual/virtual.h"

static void a_second_stack_is_refused_in_one_line(void **state)
{
    struct forger f;
    struct rung_lwip second;
    (void)state;
    forger_open(&f);
    struct rung_lwip_keys keys = f.keys;
    struct rung_lwip_needs needs = {.net = &f.pair.net};
    keys.slot = "other";
    size_t lines = test_log_count(f.p), blocks = test_heap_blocks(f.p);
    assert_int_equal(rung_lwip_open(&second, f.p, &keys, &needs), RUNG_E_BUSY);
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_non_null(strstr(test_log_last(f.p), "other: there can be one lwIP stack in a program"));
    assert_int_equal(test_heap_blocks(f.p), blocks);
    forger_connect(&f, 4000, 1000, NULL, 0); /* the first does not mind */
    assert_non_null(f.conn);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void another_may_follow_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct forger f;
        forger_open(&f);
        forger_connect(&f, 4000, 1000, NULL, 0);
        assert_non_null(f.conn);
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

static void open_on_stopped(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, RUNG_OK);
}

static void open_stop(struct rung_lwip *stack, struct rung_platform *p)
{
    struct rung_op ops[3] = {
        {.done = open_on_stopped}, {.done = open_on_stopped}, {.done = open_on_stopped}};
    rung_tcp_stop(&stack->tcp, &ops[0]);
    rung_udp_stop(&stack->udp, &ops[1]);
    rung_dns_stop(&stack->dns, &ops[2]);
    test_run_turns(p, 10);
}

static struct rung_lwip_keys open_keys(const char *ipv4, const char *ipv6, const char *dns)
{
    struct rung_lwip_keys keys = {
        .slot = "tcp", .backlog = 16, .max_connections = 64, .max_half_open = 16, .time_wait = 8,
        .memory = 1u << 20, .rx_memory = 1u << 20, .tx_buffer = 65536, .tx_memory = 1u << 20,
        .linger = 30 * RUNG_NS_PER_S, .ipv4.prefix = 24, .ipv6.prefix = 64};
    if (ipv4)
        assert_int_equal(rung_addr_parse(&keys.ipv4.addr, ipv4), RUNG_OK);
    if (ipv6)
        assert_int_equal(rung_addr_parse(&keys.ipv6.addr, ipv6), RUNG_OK);
    if (dns)
        assert_int_equal(rung_addr_parse(&keys.dns, dns), RUNG_OK);
    return keys;
}

struct open_rig {
    struct rung_platform *p;
    struct rung_net_pair pair;
    struct rung_lwip stack;
    struct rung_lwip_needs needs;
};

static void open_begin(struct open_rig *rig)
{
    struct rung_net_pair_keys keys = {
        .slot = "net", .mtu = 1500, .depth = 64, .pool = 64, .max_frags = 18};
    struct rung_net_pair_needs nothing = {0};
    rig->p = test_platform_new();
    assert_int_equal(rung_net_pair_open(&rig->pair, rig->p, &keys, &nothing), RUNG_OK);
    rig->needs = (struct rung_lwip_needs){.net = &rig->pair.net};
}

static void open_end(struct open_rig *rig)
{
    struct rung_op closed = {.done = open_on_stopped};
    open_stop(&rig->stack, rig->p);
    rung_net_close(&rig->pair.net, &closed);
    test_run_turns(rig->p, 10);
    test_platform_free(rig->p);
}

/* Opens a stack, and another once that has failed; the n-th allocation of the first fails, if n is
 * positive. With no duplicates looked for, as here, lwIP has joined groups and has something to
 * send before it comes to the other keys. */
static enum rung_err open_once(const struct rung_lwip_keys *keys, long n)
{
    struct open_rig rig;
    open_begin(&rig);
    size_t blocks = test_heap_blocks(rig.p);
    test_heap_fail_after(rig.p, n);
    enum rung_err err = rung_lwip_open(&rig.stack, rig.p, keys, &rig.needs);
    test_heap_fail_after(rig.p, 0);
    if (err) {
        assert_int_equal(test_heap_blocks(rig.p), blocks);
        test_run_turns(rig.p, 4);
        struct rung_lwip_keys good = open_keys("10.0.0.2", NULL, NULL);
        assert_int_equal(rung_lwip_open(&rig.stack, rig.p, &good, &rig.needs), RUNG_OK);
    }
    open_end(&rig);
    return err;
}

/* A guest may have less memory than the key says: half of it is for the app. */
static void no_more_than_half_of_the_machine(void **state)
{
    static const uint64_t left[][2] = {
        {1u << 20, 1u << 19}, {3u << 20, 1u << 20}, {UINT64_MAX, 1u << 20}};
    struct rung_lwip_keys keys = open_keys("10.0.0.2", NULL, NULL);
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(left); i++) {
        struct open_rig rig;
        open_begin(&rig);
        rung_virtual_heap_say_left(rig.p, left[i][0]);
        assert_int_equal(rung_lwip_open(&rig.stack, rig.p, &keys, &rig.needs), RUNG_OK);
        assert_int_equal(rig.stack.core->max_memory, left[i][1]);
        open_end(&rig);
    }
}

/* Forged handshakes leave most of the memory to others, if there is some. */
static void handshakes_leave_room(void **state)
{
    static const struct open_half {
        uint32_t key, most;
        uint64_t memory;
        uint32_t connections;
    } cases[] = {
        {4096, 4096, 64u << 20, 32768}, {4096, 2048, 8u << 20, 32768},
        {4096, 1024, 1u << 20, 32768},  {4, 4, 1u << 20, 32768},
        {4096, 256, 256u << 10, 32768}, {2048, 1500, 64u << 20, 3000},
        {2048, 1024, 64u << 20, 1500},
    };
    struct rung_lwip_keys keys = open_keys("10.0.0.2", NULL, NULL);
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct open_rig rig;
        keys.max_half_open = cases[i].key;
        keys.memory = cases[i].memory;
        keys.max_connections = cases[i].connections;
        open_begin(&rig);
        assert_int_equal(rung_lwip_open(&rig.stack, rig.p, &keys, &rig.needs), RUNG_OK);
        assert_int_equal(rig.stack.core->max_half_open, cases[i].most);
        open_end(&rig);
    }
}

static void bad_keys_leave_nothing_behind(void **state)
{
    struct rung_lwip_keys bad[] = {
        open_keys("10.0.0.0", NULL, NULL), open_keys(NULL, "::1", NULL),
        open_keys("10.0.0.2", "fd00::2", "0.0.0.0"), open_keys(NULL, NULL, "0.0.0.0"),
        open_keys(NULL, "fd00::2", NULL), open_keys("10.0.0.2", NULL, NULL)};
    (void)state;
    bad[4].ipv6.prefix = 48;
    bad[5].max_connections = 0;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++)
        assert_int_equal(open_once(&bad[i], 0), RUNG_E_RANGE);
}

static void no_memory_leaves_nothing_behind(void **state)
{
    struct rung_lwip_keys dhcp = open_keys(NULL, "fd00::2", NULL);
    unsigned failed = 0;
    (void)state;
    for (long n = 1; n <= 40; n++) {
        enum rung_err err = open_once(&dhcp, n);
        assert_true(err == RUNG_OK || err == RUNG_E_NOMEM);
        failed += err != RUNG_OK;
    }
    assert_in_range(failed, 4, 39); /* the core, its buckets, and DHCP's at least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_stack_is_refused_in_one_line),
        cmocka_unit_test(another_may_follow_it),
        cmocka_unit_test(no_more_than_half_of_the_machine),
        cmocka_unit_test(handshakes_leave_room),
        cmocka_unit_test(bad_keys_leave_nothing_behind),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
