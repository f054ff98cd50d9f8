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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_from_afar_is_nothing),
        cmocka_unit_test(the_least_mss_is_bounded),
        cmocka_unit_test(a_new_call_ends_time_wait),
        cmocka_unit_test(a_path_is_never_narrower_than_1280),
        cmocka_unit_test(an_address_in_use_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
