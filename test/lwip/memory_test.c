/* SPDX-License-Identifier: ISC */
/* test/lwip/memory_test.c - the key memory when it runs short: no peer that acknowledges nothing
 * has the last of it, however small its segments are, and new connections are refused before old
 * ones starve. In virtual time. */
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
#include "test_virtual.h"

enum { MEMORY_PORT = 5000, MEMORY_BYTES = 60000, MEMORY_PEERS = 50, MEMORY_MANY = 1000 };

static const uint8_t memory_bytes[MEMORY_BYTES];
static const uint8_t memory_mss64[] = {2, 4, 0, 64, 3, 3, 7, 1};
static const uint8_t memory_mss536[] = {2, 4, 0x02, 0x18, 3, 3, 7, 1};
static const uint8_t memory_mss1460[] = {2, 4, 0x05, 0xb4, 3, 3, 7, 1};

static void memory_release(struct rung_buf *buf)
{
    (void)buf;
}

static void memory_send(struct rung_tcp_conn *conn, struct rung_buf *buf)
{
    *buf = (struct rung_buf){
        .data = memory_bytes, .len = sizeof(memory_bytes), .release = memory_release};
    assert_int_equal(rung_tcp_send(conn, &buf, 1), 1);
}

/* All that was sent to a peer which acknowledges what comes. */
static void memory_take(struct forger *f, struct forged_tcp *next, size_t len)
{
    uint32_t end = next->ack + (uint32_t)len;
    struct forged_tcp got;
    size_t payload;
    for (unsigned turn = 0; turn < 2000 && next->ack != end; turn++) {
        test_run_turns(f->p, 4);
        while (forger_next_tcp(f, &got, &payload))
            if (got.port == next->port && got.seq == next->ack)
                next->ack += (uint32_t)payload;
        forger_send_tcp(f, next);
    }
    assert_int_equal(next->ack, end);
}

/* A connection that gets all that the app has. */
static void memory_serve(struct forger *f, struct rung_tcp_conn *conn, struct forged_tcp *next)
{
    struct rung_buf buf;
    memory_send(conn, &buf);
    memory_take(f, next, sizeof(memory_bytes));
}

/* Peers that are sent as much as there is room for, and acknowledge nothing. */
static void memory_hold(struct forger *f, struct rung_tcp_conn *conns[], struct rung_buf bufs[],
                        unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        forger_connect(f, (uint16_t)(MEMORY_PORT + i), 1000, memory_mss64, sizeof(memory_mss64));
        conns[i] = f->conn;
        memory_send(conns[i], &bufs[i]);
        test_run_turns(f->p, 4);
        forger_drain(f);
    }
    f->conn = NULL;
}

static void a_small_mss_leaves_memory_to_the_others(void **state)
{
    struct rung_tcp_conn *conns[MEMORY_PEERS], *old;
    struct rung_buf bufs[MEMORY_PEERS];
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, memory_mss1460, 8);
    old = f.conn;
    memory_hold(&f, conns, bufs, MEMORY_PEERS);
    assert_true(f.stack.core->memory < f.stack.core->max_memory / 2);
    memory_serve(&f, old, &next);
    next = forger_connect(&f, 4001, 1000, memory_mss1460, 8);
    memory_serve(&f, f.conn, &next);
    for (unsigned i = 0; i < MEMORY_PEERS; i++)
        rung_tcp_abort(conns[i]);
    rung_tcp_abort(old);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

/* As much as lwIP takes is on its way to one peer, be its path as narrow as 576. */
static void the_usual_mss_is_not_held_back(void **state)
{
    const uint8_t *const options[] = {memory_mss536, memory_mss1460};
    struct forger f;
    (void)state;
    forger_open(&f);
    f.stack.core->max_memory = 64u << 20;
    f.stack.core->tx_buffer = TCP_SND_BUF;
    for (uint16_t k = 0; k < RUNG_ARRAY_LEN(options); k++) {
        struct forged_tcp next = forger_connect(&f, (uint16_t)(4000 + k), 1000, options[k], 8);
        struct rung_buf bufs[TCP_SND_BUF / MEMORY_BYTES + 1];
        forger_send_tcp(&f, &next); /* the window, scaled */
        for (size_t i = 0; i < RUNG_ARRAY_LEN(bufs); i++)
            memory_send(f.conn, &bufs[i]);
        test_run_turns(f.p, 4);
        assert_true(rung_container_of(f.conn, struct lwip_conn, base)->pcb->snd_buf < 1460);
        memory_take(&f, &next, sizeof(bufs) / sizeof(bufs[0]) * sizeof(memory_bytes));
        rung_tcp_abort(f.conn);
    }
    forger_close(&f);
}

/* With next to nothing left a few segments at a time are sent all the same. */
static void a_few_segments_always_leave(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, memory_mss64, sizeof(memory_mss64));
    f.stack.core->max_memory = f.stack.core->memory - f.stack.core->cached + 8192;
    memory_serve(&f, f.conn, &next);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

/* Whether a new peer is let in. */
static bool memory_knock(struct forger *f, uint16_t port)
{
    struct forged_tcp next = {.port = port, .seq = 1, .flags = FORGED_SYN}, answer;
    size_t payload;
    forger_drain(f);
    forger_send_tcp(f, &next);
    if (!forger_next_tcp(f, &answer, &payload))
        return false;
    next = (struct forged_tcp){
        .port = port, .seq = 2, .ack = answer.seq + 1, .flags = FORGED_ACK};
    forger_send_tcp(f, &next);
    return true;
}

static void the_last_of_it_is_for_old_connections(void **state)
{
    struct rung_tcp_conn *conns[MEMORY_MANY], *old;
    unsigned n = 0;
    struct forger f;
    (void)state;
    forger_open(&f);
    f.stack.core->max_memory = 128u << 10;
    f.stack.core->max_conns = 32768;
    struct forged_tcp next = forger_connect(&f, 4000, 1000, memory_mss1460, 8);
    old = f.conn;
    size_t lines = test_log_count(f.p);
    for (; n < MEMORY_MANY && memory_knock(&f, (uint16_t)(MEMORY_PORT + n)); n++)
        conns[n] = f.conn;
    f.conn = NULL;
    assert_in_range(n, 100, MEMORY_MANY - 1);
    assert_false(memory_knock(&f, 4001));
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_non_null(strstr(test_log_last(f.p), "new ones wait outside"));
    assert_non_null(strstr(test_log_last(f.p), "tcp.memory"));
    memory_serve(&f, old, &next);
    rung_virtual_advance_ns(f.p, 11 * RUNG_NS_PER_S);
    assert_false(memory_knock(&f, 4001));
    assert_int_equal(test_log_count(f.p), lines + 2);
    rung_tcp_abort(conns[0]);
    assert_true(memory_knock(&f, 4001));
    conns[0] = f.conn;
    for (unsigned i = 0; i < n; i++)
        rung_tcp_abort(conns[i]);
    rung_tcp_abort(old);
    forger_close(&f);
}

static void memory_refused(struct forger *f, uint16_t port)
{
    size_t lines = test_log_count(f->p);
    assert_false(memory_knock(f, port));
    assert_int_equal(test_log_count(f->p), lines + 1);
    assert_non_null(strstr(test_log_last(f->p), "tcp.memory"));
}

/* No memory for lwIP's part of a connection, or none for ours: the heap may end before the key. */
static void so_it_says_where_nothing_is_left(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    struct lwip_core *core = f.stack.core;
    rung_lwip_port_trim(core);
    core->max_memory = core->memory;
    memory_refused(&f, 4000);
    rung_virtual_advance_ns(f.p, 11 * RUNG_NS_PER_S);
    core->max_memory = 1u << 20;
    rung_lwip_port_trim(core);
    test_heap_fail_after(f.p, 2);
    memory_refused(&f, 4001);
    assert_true(memory_knock(&f, 4002));
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

/* However many begin a handshake and do not end it, who does is let in. */
static void a_flood_leaves_room(void **state)
{
    static const struct memory_flood {
        uint32_t half; /* as opening makes it of so much memory */
        uint64_t memory;
    } floods[] = {{16, 1u << 20}, {1024, 1u << 20}, {256, 256u << 10}, {64, 64u << 10}};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(floods); i++) {
        struct forger f;
        forger_open(&f);
        struct lwip_core *core = f.stack.core;
        uint64_t before = core->memory - core->cached;
        core->max_half_open = floods[i].half;
        core->max_conns = 32768;
        core->max_memory = floods[i].memory;
        for (uint16_t n = 0; n < 2000; n++) {
            struct forged_tcp syn = {.port = (uint16_t)(10000 + n), .seq = n, .flags = FORGED_SYN};
            forger_send_tcp(&f, &syn);
            forger_drain(&f);
        }
        assert_in_range(core->half_count, 1, core->max_half_open);
        assert_true(core->memory - core->cached - before <= core->max_half_open * 1024u);
        assert_true(memory_knock(&f, 4000));
        assert_non_null(f.conn);
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_mss_leaves_memory_to_the_others),
        cmocka_unit_test(the_usual_mss_is_not_held_back),
        cmocka_unit_test(a_few_segments_always_leave),
        cmocka_unit_test(the_last_of_it_is_for_old_connections),
        cmocka_unit_test(so_it_says_where_nothing_is_left),
        cmocka_unit_test(a_flood_leaves_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
