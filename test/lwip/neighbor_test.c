/* SPDX-License-Identifier: ISC */
/* test/lwip/neighbor_test.c - somebody sends in the name of neighbours that do not answer: what
 * waits for them is little, and who does answer is served as before. Virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { NEIGHBOR_QUEUE = 8, NEIGHBOR_ICMP6 = FORGED_ETHER + FORGED_IP6 };
enum { NEIGHBOR_SOLICIT = 135, NEIGHBOR_PONG = 129, NEIGHBOR_FLOOD = 500 };

/* A ping from fe80::host; 0: from the forger's own address. */
static void neighbor_ping6(struct forger *f, uint16_t host, uint8_t number)
{
    const uint8_t ping[64] = {128, [7] = number};
    uint8_t own[16];
    memcpy(own, f->ip6[0], sizeof(own));
    if (host) {
        memset(f->ip6[0] + 2, 0, 14);
        f->ip6[0][14] = (uint8_t)(host >> 8);
        f->ip6[0][15] = (uint8_t)host;
    }
    forger_send_icmp6(f, ping, sizeof(ping));
    memcpy(f->ip6[0], own, sizeof(own));
}

/* fe80::host says where it is. */
static void neighbor_is_here6(struct forger *f, uint16_t host)
{
    uint8_t here[32] = {136, 0, 0, 0, 0x60, [8] = 0xfe, 0x80, [22] = (uint8_t)(host >> 8),
                        [23] = (uint8_t)host, 2, 1};
    memcpy(here + 26, f->pair.peer.info.mac, 6);
    forger_send_icmp6(f, here, sizeof(here));
}

/* How many messages of a type the stack has sent; the last one's number. */
static unsigned neighbor_count6(struct forger *f, uint8_t type, uint8_t *number)
{
    struct forged frame;
    unsigned n = 0;
    while (forger_next(f, 0x86dd, 58, &frame))
        if (frame.at[NEIGHBOR_ICMP6] == type) {
            *number = frame.at[NEIGHBOR_ICMP6 + 7];
            n++;
        }
    return n;
}

/* RFC 4861 7.2.2: few packets wait for a neighbour, and those are the latest. */
static void few_packets_wait_for_a_neighbour(void **state)
{
    struct forger f;
    uint8_t number = 0;
    (void)state;
    forger_open(&f);
    neighbor_ping6(&f, 1, 0);
    size_t blocks = test_heap_blocks(f.p);
    for (unsigned k = 1; k < 200; k++)
        neighbor_ping6(&f, 1, (uint8_t)k);
    assert_in_range(test_heap_blocks(f.p), 0, blocks + 4 * NEIGHBOR_QUEUE);
    assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), 0);
    neighbor_is_here6(&f, 1);
    assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), NEIGHBOR_QUEUE);
    assert_int_equal(number, 199);
    neighbor_ping6(&f, 1, 7);
    assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), 1);
    forger_close(&f);
}

/* lwIP forgot those that it knew for any that it did not, and asked for them anew. */
static void who_answers_is_remembered(void **state)
{
    struct forger f;
    uint8_t number;
    (void)state;
    forger_open(&f);
    for (uint16_t k = 1; k <= NEIGHBOR_FLOOD; k++) {
        if (k % 100 == 0) /* before those are given up for themselves */
            rung_virtual_advance_ns(f.p, RUNG_NS_PER_S);
        neighbor_ping6(&f, k, 0);
        forger_drain(&f);
        neighbor_ping6(&f, 0, 0);
        assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), 1);
    }
    rung_virtual_advance_ns(f.p, 6 * RUNG_NS_PER_S); /* nobody is asked for any more */
    forger_drain(&f);
    neighbor_ping6(&f, 1000, 0); /* a new one, who does answer */
    assert_int_equal(neighbor_count6(&f, NEIGHBOR_SOLICIT, &number), 1);
    neighbor_is_here6(&f, 1000);
    assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), 1);
    forger_close(&f);
}

/* From 10.0.0.host, to a port that is closed; whether a frame of that EtherType and protocol came
 * of it. */
static bool neighbor_call4(struct forger *f, uint8_t host, uint16_t type, uint8_t protocol)
{
    struct forged_udp call = {.host = host, .ours = 1000, .theirs = 1000, .len = 8};
    struct forged frame;
    forger_drain(f);
    forger_put_udp(f, &call);
    test_run_turns(f->p, 6);
    return forger_next(f, type, protocol, &frame);
}

/* The same over IPv4. */
static void who_answers_is_remembered_over_ip4(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    for (unsigned k = 0; k < NEIGHBOR_FLOOD; k++) {
        if (k % 100 == 0)
            rung_virtual_advance_ns(f.p, RUNG_NS_PER_S);
        assert_false(neighbor_call4(&f, (uint8_t)(3 + k % 250), 0x0800, 1));
        assert_true(k % 50 || neighbor_call4(&f, 1, 0x0800, 1));
    }
    rung_virtual_advance_ns(f.p, 6 * RUNG_NS_PER_S);
    assert_true(neighbor_call4(&f, 7, 0x0806, 0));
    forger_close(&f);
}

static void neighbor_called(struct rung_op *op, int result)
{
    (void)op;
    (void)result;
}

/* However many are asked for because of what others send, whom the app calls is asked for too. */
static void who_is_called_is_asked_for(void **state)
{
    struct rung_tcp_connect call = {.op.done = neighbor_called};
    struct forged frame;
    struct forger f;
    (void)state;
    forger_open(&f);
    for (uint8_t host = 3; host < 200; host++)
        neighbor_call4(&f, host, 0x0800, 1);
    assert_false(neighbor_call4(&f, 201, 0x0806, 0));
    forger_drain(&f);
    assert_int_equal(rung_addr_parse(&call.peer, "10.0.0.202"), RUNG_OK);
    call.peer.port = 80;
    rung_tcp_connect(&f.stack.tcp, &call);
    test_run_turns(f.p, 4);
    assert_true(forger_next(&f, 0x0806, 0, &frame));
    assert_int_equal(frame.at[41], 202); /* the address that is asked for */
    rung_op_cancel(&call.op);
    test_run_turns(f.p, 4);
    forger_close(&f);
}

/* From 10.0.0.1 on a datagram to a closed port is answered at once, unless it was forgotten. */
static bool neighbor_is_known(struct forger *f)
{
    memcpy(f->ip4, (const uint8_t[]){10, 0, 0, 1}, 4);
    return neighbor_call4(f, 0, 0x0800, 1);
}

/* Those who shake no hands are asked for no more than others, whatever else they send: a handshake
 * answers with an acknowledgement what cannot belong to it. */
static void half_a_handshake_asks_for_nobody(void **state)
{
    const struct forged_tcp second[] = {{.flags = FORGED_SYN, .seq = 900000},
                                        {.flags = FORGED_RST, .seq = 1500}};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(second); i++) {
        struct forged_tcp syn = {.port = 4000, .seq = 1000, .flags = FORGED_SYN};
        struct forged_tcp next = second[i];
        struct forger f;
        next.port = syn.port;
        forger_open(&f);
        for (f.ip4[3] = 3; f.ip4[3] < 203; f.ip4[3]++) {
            forger_send_tcp(&f, &syn);
            forger_send_tcp(&f, &next);
            forger_drain(&f);
        }
        assert_true(neighbor_is_known(&f));
        forger_close(&f);
    }
}

/* An address of all ones in its last byte is somebody, on a link that has another network. */
static void link_local_ones_are_counted(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    memcpy(f.ip4, (const uint8_t[]){169, 254, 0, 255}, 4);
    for (unsigned k = 0; k < 255; k++, f.ip4[2]++)
        neighbor_call4(&f, 0, 0x0800, 1);
    assert_true(neighbor_is_known(&f));
    forger_close(&f);
}

/* Nor do those who do not answer keep others from being heard. */
static void who_is_new_is_heard(void **state)
{
    struct forger f;
    uint8_t number;
    unsigned heard = 0;
    (void)state;
    forger_open(&f);
    for (uint16_t k = 1; k <= NEIGHBOR_FLOOD; k++)
        neighbor_ping6(&f, k, 0);
    for (uint16_t k = 1000; k < 1020; k++) {
        forger_drain(&f);
        neighbor_ping6(&f, k, 0);
        neighbor_is_here6(&f, k);
        heard += neighbor_count6(&f, NEIGHBOR_PONG, &number);
    }
    assert_in_range(heard, 10, 20);
    forger_close(&f);
}

/* A prefix is on the link, and we have no address of it to ask with: packets wait for nothing. */
static void few_wait_where_nobody_can_be_asked(void **state)
{
    const uint8_t prefix[16] = {0x20, 0x01, 0x0d, 0xb8};
    uint8_t ra[48] = {134, [4] = 64, [16] = 3, 4, 64, 0x80, 0, 0, 255, 255, 0, 0, 255, 255};
    uint8_t ping[64] = {128};
    struct forger f;
    (void)state;
    forger_open(&f);
    memcpy(ra + 32, prefix, sizeof(prefix));
    forger_send_icmp6(&f, ra, sizeof(ra));
    rung_virtual_advance_ns(f.p, 10 * RUNG_NS_PER_S);
    memcpy(f.ip6[0], prefix, sizeof(prefix));
    f.ip6[0][15] = 1;
    size_t before = test_heap_blocks(f.p);
    forger_send_icmp6(&f, ping, sizeof(ping));
    size_t blocks = test_heap_blocks(f.p);
    assert_true(blocks > before); /* it waits */
    for (unsigned k = 1; k < 200; k++)
        forger_send_icmp6(&f, ping, sizeof(ping));
    assert_in_range(test_heap_blocks(f.p), 0, blocks + 4 * NEIGHBOR_QUEUE);
    forger_close(&f);
}

/* RFC 4443 2.4(f): errors are limited, and nothing else with them. */
static void errors_are_limited(void **state)
{
    struct forged_udp call = {.ip6 = true, .ours = 1000, .theirs = 1000, .len = 8};
    struct forger f;
    uint8_t number;
    (void)state;
    forger_open(&f);
    for (unsigned second = 0; second < 2; second++) {
        for (unsigned k = 0; k < 300; k++) {
            forger_put_udp(&f, &call);
            test_run_turns(f.p, 2);
        }
        assert_int_equal(neighbor_count6(&f, 1, &number), 100);
        neighbor_ping6(&f, 0, 0);
        assert_int_equal(neighbor_count6(&f, NEIGHBOR_PONG, &number), 1);
        rung_virtual_advance_ns(f.p, RUNG_NS_PER_S);
    }
    forger_close(&f);
}

static void neighbor_scribble(struct rung_buf *buf)
{
    union {
        const uint8_t *given;
        uint8_t *bytes;
    } own = {.given = buf->data};
    memset(own.bytes, 'x', buf->len);
}

/* What waits for a neighbour may show no bytes of the app's: they are its own again when it has
 * aborted the connection. */
static void what_waits_is_a_copy(void **state)
{
    uint8_t bytes[100] = "mine";
    struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = neighbor_scribble};
    struct rung_buf *one = &buf;
    struct forger f;
    struct forged frame;
    unsigned sent = 0;
    (void)state;
    forger_open(&f);
    f.six = true;
    forger_connect(&f, 4000, 1000, NULL, 0);
    rung_virtual_advance_ns(f.p, 60 * RUNG_NS_PER_S); /* is the address still right? */
    neighbor_ping6(&f, 0, 0);
    rung_virtual_advance_ns(f.p, 20 * RUNG_NS_PER_S);
    forger_drain(&f);
    assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
    test_run_turns(f.p, 4);
    rung_tcp_abort(f.conn);
    f.conn = NULL;
    test_run_turns(f.p, 4);
    assert_int_equal(bytes[0], 'x');
    assert_false(forger_next(&f, 0x86dd, 6, &frame));
    uint8_t here[32] = {136, 0, 0, 0, 0x60, [24] = 2, 1};
    memcpy(here + 8, f.ip6[0], 16);
    memcpy(here + 26, f.pair.peer.info.mac, 6);
    forger_send_icmp6(&f, here, sizeof(here));
    for (; forger_next(&f, 0x86dd, 6, &frame); sent++)
        assert_int_not_equal(frame.at[frame.len - 1], 'x');
    assert_int_equal(sent, 2);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_packets_wait_for_a_neighbour),
        cmocka_unit_test(who_answers_is_remembered),
        cmocka_unit_test(who_answers_is_remembered_over_ip4),
        cmocka_unit_test(who_is_called_is_asked_for),
        cmocka_unit_test(half_a_handshake_asks_for_nobody),
        cmocka_unit_test(link_local_ones_are_counted), cmocka_unit_test(who_is_new_is_heard),
        cmocka_unit_test(few_wait_where_nobody_can_be_asked),
        cmocka_unit_test(errors_are_limited),
        cmocka_unit_test(what_waits_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
