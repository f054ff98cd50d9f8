/* SPDX-License-Identifier: ISC */
/* test/lwip/guard_test.c - frames that once broke lwIP's service, each found by attack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

static void guard_no_release(struct rung_buf *buf)
{
    (void)buf;
}

/* lwIP took a segment half the sequence space away for one inside the window, and lost its
 * place. */
static void a_segment_from_afar_is_nothing(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, NULL, 0), far = next;
    const uint32_t ahead[] = {0x80000000u, 0x7fffffffu, 0x80000001u, 0x40000001u, 0xc0000000u};
    for (size_t k = 0; k < RUNG_ARRAY_LEN(ahead); k++) {
        far.seq = next.seq + ahead[k];
        far.text = k % 2 ? "from afar" : "x";
        forger_send_tcp(&f, &far);
        assert_int_equal(f.received, 0);
    }
    next.text = "hello";
    forger_send_tcp(&f, &next);
    assert_int_equal(f.received, 5);
    forger_close(&f);
}

/* Below 13, less the timestamps, a segment has no room for a byte: lwIP made empty ones for
 * ever. */
static void the_least_mss_is_bounded(void **state)
{
    static const uint8_t mss[][16] = {
        {2, 4, 0, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1},
        {2, 4, 0, 12, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1},
        {2, 4, 0, 0, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1},
    };
    static const uint8_t bytes[600];
    struct forger f;
    (void)state;
    forger_open(&f);
    for (uint16_t k = 0; k < RUNG_ARRAY_LEN(mss); k++) {
        struct forged_tcp next = forger_connect(&f, (uint16_t)(4000 + k), 1, mss[k], 16), got;
        struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = guard_no_release};
        struct rung_buf *one = &buf;
        uint32_t end = next.ack + (uint32_t)sizeof(bytes);
        size_t payload;
        assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
        for (unsigned turn = 0; turn < 200 && next.ack != end; turn++) {
            test_run_turns(f.p, 4);
            while (forger_next_tcp(&f, &got, &payload)) {
                assert_true(payload == 0 || payload >= 40 || got.seq + payload == end);
                if (got.seq == next.ack)
                    next.ack += (uint32_t)payload;
            }
            forger_send_tcp(&f, &next);
        }
        assert_int_equal(next.ack, end);
        rung_tcp_abort(f.conn);
    }
    forger_close(&f);
}

/* All that the app sends, taken as a peer does who has all the room there is: the bytes come once
 * each and in order. Returns how many segments it were. */
static unsigned guard_take_all(struct forger *f, struct forged_tcp *next, size_t len)
{
    uint32_t end = next->ack + (uint32_t)len;
    struct forged_tcp got;
    unsigned segments = 0;
    size_t payload;
    for (unsigned turn = 0; turn < 400 && next->ack != end; turn++) {
        test_run_turns(f->p, 4);
        while (forger_next_tcp(f, &got, &payload)) {
            segments += payload > 0;
            assert_false(got.flags & FORGED_RST);
            if (got.seq == next->ack)
                next->ack += (uint32_t)payload;
        }
        forger_send_tcp(f, next);
        if (turn % 8 == 7)
            rung_virtual_advance_ns(f->p, RUNG_NS_PER_S);
    }
    assert_int_equal(next->ack, end);
    return segments;
}

/* lwIP took an MSS from any segment: 12 made it divide by nothing, 64 made it stall. */
static void an_mss_belongs_to_the_handshake(void **state)
{
    static const uint8_t least[] = {2, 4, 0, 12}, usual[] = {2, 4, 5, 0xb4};
    static const uint8_t bytes[60000];
    struct forger f;
    (void)state;
    forger_open(&f);
    for (unsigned k = 0; k < 3; k++) {
        struct forged_tcp next = forger_connect(&f, (uint16_t)(4000 + k), 1, usual, 4), forged;
        struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = guard_no_release};
        struct rung_buf *one = &buf;
        forged = next;
        forged.options = least;
        forged.options_len = sizeof(least);
        forged.seq += k == 2 ? 1000 : 0; /* ahead of what was to come */
        forged.text = k == 1 ? "text" : NULL;
        next.seq += k == 1 ? 4 : 0;
        forger_send_tcp(&f, &forged);
        assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
        forger_send_tcp(&f, &forged);
        assert_true(guard_take_all(&f, &next, sizeof(bytes)) < 80);
        rung_tcp_abort(f.conn);
    }
    forger_close(&f);
}

/* A peer whose first window is none or a few bytes: lwIP made a whole segment, or one of 64 KiB,
 * and the room behind it wrapped around. */
static void a_first_window_of_nothing(void **state)
{
    static const uint8_t stamps[] = {2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1};
    static const uint16_t windows[] = {0, 1, 2, 4, 20, 25, 26, 27, 100, 1000};
    static const uint8_t bytes[300];
    (void)state;
    for (size_t k = 0; k < 4 * RUNG_ARRAY_LEN(windows); k++) {
        uint16_t window = windows[k / 4], first = k & 1 ? window : 0;
        struct forger f;
        forger_open(&f);
        f.shut = (uint16_t)(65535 - first);
        struct forged_tcp next = forger_connect(&f, 4000, 1, stamps, k & 2 ? sizeof(stamps) : 4);
        struct rung_buf buf[3], *one;
        for (unsigned n = 0; n < RUNG_ARRAY_LEN(buf); n++) {
            buf[n] = (struct rung_buf){
                .data = bytes, .len = sizeof(bytes), .release = guard_no_release};
            one = &buf[n];
            assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
            test_run_turns(f.p, 4);
            f.shut = (uint16_t)(65535 - window);
            forger_send_tcp(&f, &next);
        }
        f.shut = 0;
        forger_send_tcp(&f, &next);
        guard_take_all(&f, &next, sizeof(buf) / sizeof(buf[0]) * sizeof(bytes));
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

/* Short segments cost as much memory as long ones: a few peers with small windows had it all. */
static void a_small_window_holds_little(void **state)
{
    static const uint16_t windows[] = {0, 26, 64, 500};
    static const uint8_t bytes[60000];
    struct forger f;
    (void)state;
    forger_open(&f);
    for (uint16_t k = 0; k < RUNG_ARRAY_LEN(windows); k++) {
        f.shut = (uint16_t)(65535 - windows[k]);
        struct forged_tcp next = forger_connect(&f, (uint16_t)(4000 + k), 1, NULL, 0);
        struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = guard_no_release};
        struct rung_buf *one = &buf;
        size_t before = test_heap_blocks(f.p);
        assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
        test_run_turns(f.p, 4);
        assert_true(test_heap_blocks(f.p) < before + 200);
        forger_drain(&f);
        f.shut = 0;
        forger_send_tcp(&f, &next);
        guard_take_all(&f, &next, sizeof(bytes));
        rung_tcp_abort(f.conn);
    }
    forger_close(&f);
}

/* A window is shut, the time-out puts the segment back for sending, and then it is acknowledged
 * after all: lwIP went on asking for room with nothing to send, and reset the connection in the
 * end. */
static void nothing_to_send_asks_for_no_window(void **state)
{
    static const uint8_t bytes[100];
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1, NULL, 0);
    for (unsigned n = 0; n < 2; n++) {
        struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = guard_no_release};
        struct rung_buf *one = &buf;
        assert_int_equal(rung_tcp_send(f.conn, &one, 1), 1);
        test_run_turns(f.p, 4);
        next.text = "x"; /* a window narrows only behind something new */
        forger_send_tcp(&f, &next);
        next.text = NULL;
        next.seq++;
        f.shut = 65535;
        forger_send_tcp(&f, &next);
        rung_virtual_advance_ns(f.p, 5 * RUNG_NS_PER_S);
        next.ack += (uint32_t)sizeof(bytes);
        forger_send_tcp(&f, &next);
        rung_virtual_advance_ns(f.p, 600 * RUNG_NS_PER_S);
        f.shut = 0;
        forger_send_tcp(&f, &next);
        forger_drain(&f);
    }
    next.text = "there?";
    forger_send_tcp(&f, &next);
    assert_int_equal(f.received, 2 + 6);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

/* RFC 9293 3.6.1. */
static void a_new_call_ends_time_wait(void **state)
{
    struct forger f;
    struct forged_tcp got;
    size_t payload;
    (void)state;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, NULL, 0);
    rung_tcp_close(f.conn);
    f.conn = NULL;
    test_run_turns(f.p, 4);
    assert_true(forger_next_tcp(&f, &got, &payload));
    assert_true(got.flags & FORGED_FIN);
    next.ack = got.seq + 1;
    next.flags = FORGED_ACK | FORGED_FIN;
    forger_send_tcp(&f, &next);
    forger_drain(&f);
    next = forger_connect(&f, 4000, 500000, NULL, 0);
    next.text = "again";
    forger_send_tcp(&f, &next);
    assert_int_equal(f.received, 5);
    forger_close(&f);
}

/* Asks the stack by ping; the number of frames that the answer came in. */
static unsigned guard_ping6(struct forger *f, size_t len)
{
    uint8_t ping[1400] = {128};
    struct forged frame;
    unsigned n = 0;
    assert_true(len <= sizeof(ping));
    forger_send_icmp6(f, ping, len);
    while (n < 1000 && (forger_next(f, 0x86dd, 58, &frame) || forger_next(f, 0x86dd, 44, &frame)))
        n += frame.at[20] == 44 || frame.at[FORGED_ETHER + FORGED_IP6] == 129;
    return n;
}

/* RFC 8201 4; lwIP believed 48, and cut datagrams into pieces of nothing. */
static void a_path_is_never_narrower_than_1280(void **state)
{
    const uint16_t mtus[] = {0, 1, 47, 48, 56, 1279};
    struct forger f;
    (void)state;
    forger_open(&f);
    assert_int_equal(guard_ping6(&f, 1200), 1);
    for (size_t k = 0; k < RUNG_ARRAY_LEN(mtus); k++) {
        uint8_t big[8 + FORGED_IP6 + 8] = {2, 0, 0, 0, 0, 0, (uint8_t)(mtus[k] >> 8),
                                           (uint8_t)mtus[k], 0x60};
        big[8 + 6] = 58;
        memcpy(big + 8 + 8, f.ip6[1], 16);
        memcpy(big + 8 + 24, f.ip6[0], 16);
        big[8 + FORGED_IP6] = 129;
        forger_send_icmp6(&f, big, sizeof(big));
        assert_int_equal(guard_ping6(&f, 1200), 1);
    }
    forger_close(&f);
}

/* RFC 4862 5.4.4: only an address that is being asked about is given up; lwIP gave up any. */
static void an_address_in_use_is_kept(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    uint8_t claim[32] = {136, 0, 0, 0, 0x20};
    memcpy(claim + 8, f.ip6[1], 16);
    claim[24] = 2;
    claim[25] = 1;
    memset(claim + 26, 0x42, 6);
    size_t lines = test_log_count(f.p);
    forger_send_icmp6(&f, claim, sizeof(claim));
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_int_equal(guard_ping6(&f, 64), 1);
    forger_close(&f);
}

/* A redirect to a host that is not there, for one that is (RFC 4861 8). */
static void a_redirect_is_not_followed(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    assert_int_equal(guard_ping6(&f, 64), 1);
    uint8_t redirect[48] = {137};
    memcpy(redirect + 8, f.ip6[0], 16);
    redirect[8 + 15] ^= 0x55; /* the better way, they say */
    memcpy(redirect + 24, f.ip6[0], 16);
    redirect[40] = 2; /* its Ethernet address */
    redirect[41] = 1;
    memset(redirect + 42, 0x66, 6);
    forger_send_icmp6(&f, redirect, sizeof(redirect));
    assert_int_equal(guard_ping6(&f, 64), 1);
    struct forged frame;
    uint8_t ping[64] = {128};
    forger_send_icmp6(&f, ping, sizeof(ping));
    assert_true(forger_next(&f, 0x86dd, 58, &frame));
    assert_int_not_equal(frame.at[0], 0x66);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_from_afar_is_nothing),
        cmocka_unit_test(the_least_mss_is_bounded),
        cmocka_unit_test(an_mss_belongs_to_the_handshake),
        cmocka_unit_test(a_first_window_of_nothing),
        cmocka_unit_test(a_small_window_holds_little),
        cmocka_unit_test(nothing_to_send_asks_for_no_window),
        cmocka_unit_test(a_new_call_ends_time_wait),
        cmocka_unit_test(a_path_is_never_narrower_than_1280),
        cmocka_unit_test(an_address_in_use_is_kept),
        cmocka_unit_test(a_redirect_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
