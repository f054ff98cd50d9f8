/* SPDX-License-Identifier: ISC */
/* test/lwip/refuse_test.c - segments that the peer cannot have sent, from somebody who knows a
 * connection's four numbers: nothing of them is believed. Virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { REFUSE_BYTES = 30000, REFUSE_SHUT = 65535, REFUSE_ROUNDS = 40 };
enum { REFUSE_WINDOW = 65535, REFUSE_PIECE = 1300 };

static const uint8_t refuse_bytes[REFUSE_BYTES];

static void refuse_keep(struct rung_buf *buf)
{
    (void)buf;
}

/* The app has more to send. */
static void refuse_say(struct forger *f, struct rung_buf *buf, uint32_t len)
{
    *buf = (struct rung_buf){.data = refuse_bytes, .len = len, .release = refuse_keep};
    assert_int_equal(rung_tcp_send(f->conn, &buf, 1), 1);
    test_run_turns(f->p, 4);
}

/* All that the app has sent comes, with 50 ms for each answer; len bytes of it. */
static void refuse_take(struct forger *f, struct forged_tcp *ours, uint32_t len)
{
    uint32_t end = ours->ack + len;
    for (unsigned round = 0; ours->ack != end && round < REFUSE_ROUNDS; round++) {
        struct forged_tcp got;
        size_t payload;
        while (forger_next_tcp(f, &got, &payload)) {
            assert_int_equal(got.flags & FORGED_RST, 0);
            if (got.seq == ours->ack)
                ours->ack += (uint32_t)payload;
        }
        forger_send_tcp(f, ours);
        rung_virtual_advance_ns(f->p, 50 * RUNG_NS_PER_MS);
    }
    assert_int_equal(ours->ack, end);
}

/* What the app says now leaves at once: the window is as it was. */
static void refuse_say_all(struct forger *f, struct forged_tcp *ours, struct rung_buf *buf)
{
    struct forged_tcp got;
    size_t payload;
    forger_drain(f);
    refuse_say(f, buf, REFUSE_BYTES);
    assert_true(forger_next_tcp(f, &got, &payload));
    assert_int_equal(got.seq, ours->ack);
    assert_true(payload > 0);
    ours->ack += (uint32_t)payload;
    refuse_take(f, ours, REFUSE_BYTES - (uint32_t)payload);
}

/* The segments without payload that the stack has sent, all of which say where it is. */
static unsigned refuse_answers(struct forger *f, const struct forged_tcp *ours)
{
    struct forged_tcp got;
    size_t payload;
    unsigned n = 0;
    while (forger_next_tcp(f, &got, &payload)) {
        if (payload)
            continue;
        assert_int_equal(got.flags, FORGED_ACK);
        assert_int_equal(got.ack, ours->seq);
        n++;
    }
    return n;
}

/* A number out of the window, whatever else is in it, with a window of nothing: lwIP believed that
 * one, and then no other. */
static void no_window_from_outside_is_believed(void **state)
{
    static const uint32_t ahead[] = {1u << 17, 1u << 20, 1u << 28, 1u << 29, 0x7fffffff,
                                     REFUSE_WINDOW + 1, 0u - 2, 0u - 1000, 0u - (1u << 28)};
    static const uint32_t acks[] = {0, 1000, 1u << 29, 0u - 100, 0u - (1u << 20), 1u << 31};
    static const uint8_t flags[] = {FORGED_ACK, FORGED_ACK | FORGED_FIN, FORGED_ACK | FORGED_SYN,
                                    FORGED_RST, FORGED_ACK | FORGED_RST, FORGED_FIN, 0};
    struct forger f;
    struct rung_buf buf[2];
    (void)state;
    for (size_t k = 0; k < 2 * RUNG_ARRAY_LEN(ahead) * RUNG_ARRAY_LEN(flags); k++) {
        bool busy = k % 2;
        forger_open(&f);
        struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0), forged = ours;
        if (busy)
            refuse_say(&f, &buf[0], 3000);
        f.shut = REFUSE_SHUT;
        forged.flags = flags[k / 2 % RUNG_ARRAY_LEN(flags)];
        forged.seq += ahead[k / 2 / RUNG_ARRAY_LEN(flags)];
        for (size_t i = 0; i < 2 * RUNG_ARRAY_LEN(acks); i++) {
            forged.ack = ours.ack + acks[i / 2];
            forged.text = i % 2 && forged.seq - ours.seq < 1u << 31 ? "from afar" : NULL;
            forger_send_tcp(&f, &forged);
            assert_int_equal(f.received, 0);
        }
        f.shut = 0;
        if (busy)
            refuse_take(&f, &ours, 3000);
        refuse_say_all(&f, &ours, &buf[1]);
        ours.text = "still here";
        forger_send_tcp(&f, &ours);
        assert_int_equal(f.received, 10);
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

/* A number in the window, and what is acknowledged was never sent, or long ago; or nothing is. */
static void nothing_behind_a_wrong_acknowledgement_is_believed(void **state)
{
    static const uint32_t acks[] = {1, 3000, 1u << 16, 1u << 29, 1u << 31, 0u - (1u << 17)};
    struct forger f;
    struct rung_buf buf;
    (void)state;
    for (size_t k = 0; k < 2 * RUNG_ARRAY_LEN(acks); k++) {
        forger_open(&f);
        struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0), forged = ours;
        forged.ack += acks[k / 2];
        forged.seq += 60000;
        forged.text = k % 2 ? "later" : NULL;
        f.shut = REFUSE_SHUT;
        forger_send_tcp(&f, &forged);
        f.shut = 0;
        forged.seq = ours.seq;
        forged.flags = 0;
        forged.text = "unasked";
        forger_send_tcp(&f, &forged);
        assert_int_equal(f.received, 0);
        refuse_say_all(&f, &ours, &buf);
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

/* Each that occupies numbers is answered at once (one that asks whether we live among them); of the
 * others several get one answer, and a reset none. */
static void what_is_refused_is_answered(void **state)
{
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0), odd = ours;
    rung_virtual_advance_ns(f.p, RUNG_NS_PER_S);
    forger_drain(&f);
    odd.seq = ours.seq - 1;
    odd.text = "?";
    forger_send_tcp(&f, &odd);
    assert_int_equal(refuse_answers(&f, &ours), 1);
    odd.seq = ours.seq + (1u << 20);
    forger_send_tcp(&f, &odd);
    assert_int_equal(refuse_answers(&f, &ours), 1);
    odd.text = NULL;
    for (unsigned i = 0; i < 10; i++)
        forger_send_tcp(&f, &odd);
    assert_int_equal(refuse_answers(&f, &ours), 0);
    rung_virtual_advance_ns(f.p, 100 * RUNG_NS_PER_MS);
    assert_int_equal(refuse_answers(&f, &ours), 1);
    odd.seq = ours.seq - 1; /* a probe of a connection that is idle, without a byte */
    forger_send_tcp(&f, &odd);
    rung_virtual_advance_ns(f.p, 100 * RUNG_NS_PER_MS);
    assert_int_equal(refuse_answers(&f, &ours), 1);
    odd.flags = FORGED_RST;
    forger_send_tcp(&f, &odd);
    odd.flags = FORGED_RST | FORGED_ACK;
    forger_send_tcp(&f, &odd);
    odd.seq = ours.seq + (1u << 20);
    forger_send_tcp(&f, &odd);
    rung_virtual_advance_ns(f.p, 100 * RUNG_NS_PER_MS);
    assert_int_equal(refuse_answers(&f, &ours), 0);
    ours.text = "here";
    forger_send_tcp(&f, &ours);
    assert_int_equal(f.received, 4);
    forger_close(&f);
}

/* Our window is full: what the peer acknowledges then is heard, from before the edge, from the edge
 * with a hole in between, and with a byte that asks for room. */
static void acknowledgements_behind_a_full_window_are_heard(void **state)
{
    static char piece[REFUSE_PIECE + 1];
    struct forger f;
    struct rung_buf buf[3];
    (void)state;
    forger_open(&f);
    memset(piece, 'p', REFUSE_PIECE);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0);
    struct rung_tcp_conn *conn = f.conn;
    uint32_t first = ours.seq, left = REFUSE_WINDOW;
    f.conn = NULL; /* so that nobody reads */
    for (unsigned from = REFUSE_PIECE; left; from = 0) { /* the first is missing at first */
        uint32_t len = left < REFUSE_PIECE ? left : REFUSE_PIECE;
        if (!from) {
            ours.text = piece + REFUSE_PIECE - len;
            forger_send_tcp(&f, &ours);
        }
        ours.seq += len;
        left -= len;
    }
    f.conn = conn;
    refuse_say(&f, &buf[0], 3000);
    f.conn = NULL;
    ours.text = NULL;
    refuse_take(&f, &ours, 3000); /* acknowledges from the right edge */
    struct forged_tcp missing = ours;
    missing.seq = first;
    missing.text = piece;
    forger_send_tcp(&f, &missing);
    f.conn = conn;
    refuse_say(&f, &buf[1], 3000);
    f.conn = NULL;
    refuse_take(&f, &ours, 3000);
    f.conn = conn;
    refuse_say(&f, &buf[2], 3000);
    f.conn = NULL;
    ours.text = "?";
    refuse_take(&f, &ours, 3000);
    assert_int_equal(f.received, 0);
    f.conn = conn;
    ours.text = NULL;
    forger_send_tcp(&f, &ours);
    assert_int_equal(f.received, REFUSE_WINDOW);
    rung_tcp_abort(conn);
    forger_close(&f);
}

/* What a segment acknowledges that came late, or again, moves the window by as much: lwIP kept
 * its length and sent beyond its edge. */
static void a_late_acknowledgement_moves_no_edge(void **state)
{
    enum { WINDOW = 2000 };
    struct forger f;
    struct forged_tcp got;
    struct rung_buf buf;
    size_t payload;
    (void)state;
    forger_open(&f);
    f.shut = REFUSE_SHUT - WINDOW;
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0), late = ours;
    uint32_t edge = ours.ack + WINDOW;
    ours.seq += 100;
    ours.text = "ahead";
    forger_send_tcp(&f, &ours);
    refuse_say(&f, &buf, REFUSE_BYTES);
    forger_drain(&f);
    late.text = "late";
    late.ack += WINDOW / 2;
    f.shut = REFUSE_SHUT - WINDOW / 2;
    forger_send_tcp(&f, &late);
    rung_virtual_advance_ns(f.p, 50 * RUNG_NS_PER_MS);
    while (forger_next_tcp(&f, &got, &payload))
        assert_true((int32_t)(got.seq + (uint32_t)payload - edge) <= 0);
    assert_int_equal(f.received, 4);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_from_outside_is_believed),
        cmocka_unit_test(nothing_behind_a_wrong_acknowledgement_is_believed),
        cmocka_unit_test(what_is_refused_is_answered),
        cmocka_unit_test(acknowledgements_behind_a_full_window_are_heard),
        cmocka_unit_test(a_late_acknowledgement_moves_no_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
