/* SPDX-License-Identifier: ISC */
/* test/lwip/window_test.c - what a peer with a small window is told, and sent, and when: in
 * virtual time, which passes only where it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { WINDOW_PIECE = 1400, WINDOW_WHOLE = 65535, WINDOW_SMALL = 200, WINDOW_ROUNDS = 40 };
enum { WINDOW_PSH = 8 };

/* Throws away what has come; the last segment of it, or false. */
static bool window_last(struct forger *f, struct forged_tcp *last)
{
    size_t payload;
    bool any = false;
    while (forger_next_tcp(f, last, &payload))
        any = true;
    return any;
}

static void window_take(struct rung_tcp_conn *conn)
{
    struct rung_buf *b[16];
    int n;
    while ((n = rung_tcp_recv(conn, b, RUNG_ARRAY_LEN(b))) > 0) {
        for (int k = 0; k < n; k++)
            rung_buf_release(b[k]);
    }
}

/* A peer without a window scale fills the window, and the app takes all of it: the peer has to be
 * told, or it waits for its persist timer. */
static void a_window_without_scale_opens_again(void **state)
{
    char text[WINDOW_PIECE + 1] = "";
    struct forger f;
    struct forged_tcp got;
    (void)state;
    memset(text, 'x', WINDOW_PIECE);
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, NULL, 0);
    struct rung_tcp_conn *conn = f.conn;
    f.conn = NULL; /* nobody takes it */
    next.text = text;
    uint32_t end = next.seq + WINDOW_WHOLE;
    for (; end - next.seq >= WINDOW_PIECE; next.seq += WINDOW_PIECE)
        forger_send_tcp(&f, &next);
    assert_true(window_last(&f, &got));
    assert_int_equal(got.ack, next.seq);
    assert_int_equal(got.window, end - next.seq);
    window_take(conn);
    test_run_turns(f.p, 4);
    assert_true(window_last(&f, &got));
    assert_in_range(got.window, WINDOW_WHOLE / 4 * 3, WINDOW_WHOLE);
    rung_tcp_abort(conn);
    forger_close(&f);
}

/* Links put segments together; that one waits for another to be acknowledged with is for one. The
 * options: of the handshake, with an MSS of 600. */
static void window_merged(const uint8_t *options, size_t len)
{
    char text[WINDOW_PIECE + 1] = "";
    struct forger f;
    struct forged_tcp got;
    forger_open(&f);
    struct forged_tcp next = forger_connect(&f, 4000, 1000, options, len);
    forger_drain(&f);
    memset(text, 'x', 600);
    next.text = text;
    forger_send_tcp(&f, &next);
    assert_false(window_last(&f, &got));
    next.seq += 600;
    forger_send_tcp(&f, &next); /* the second */
    assert_true(window_last(&f, &got));
    assert_int_equal(got.ack, next.seq + 600);
    next.seq += 600;
    memset(text, 'x', 1200);
    for (unsigned k = 0; k < 5; k++) {
        forger_send_tcp(&f, &next);
        next.seq += 1200;
        assert_true(window_last(&f, &got));
        assert_int_equal(got.ack, next.seq);
    }
    assert_int_equal(f.received, 6 * 1200);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void several_segments_in_one_are_acknowledged_at_once(void **state)
{
    static const uint8_t options[] = {2, 4, 0x02, 0x58};
    (void)state;
    window_merged(options, sizeof(options));
}

static void so_they_are_with_a_window_scale(void **state)
{
    static const uint8_t options[] = {2, 4, 0x02, 0x58, 3, 3, 7, 1};
    (void)state;
    window_merged(options, sizeof(options));
}

static void window_released(struct rung_buf *buf)
{
    (void)buf;
}

/* From now on our window is a small one: said behind a byte of ours, so that it is believed. */
static void window_shrink(struct forger *f, struct forged_tcp *ours)
{
    f->shut = WINDOW_WHOLE - WINDOW_SMALL;
    ours->text = "x";
    forger_send_tcp(f, ours);
    ours->seq++;
    ours->text = NULL;
    forger_send_tcp(f, ours);
    forger_drain(f);
}

/* Takes a stream of len bytes and its FIN, each segment once the timer has sent it. No segment
 * before the last one ends the stream, nor bears PSH, which the app's buffer has at its end. */
static void window_take_stream(struct forger *f, struct forged_tcp *ours, size_t len)
{
    uint32_t end = ours->ack + (uint32_t)len;
    unsigned segments = 0;
    bool fin = false;
    for (unsigned round = 0; !fin && round < WINDOW_ROUNDS; round++) {
        struct forged_tcp got;
        size_t payload;
        rung_virtual_advance_ns(f->p, RUNG_NS_PER_S);
        while (!fin && forger_next_tcp(f, &got, &payload)) {
            if (got.seq != ours->ack || !payload)
                continue;
            ours->ack += (uint32_t)payload;
            segments++;
            fin = got.flags & FORGED_FIN;
            assert_int_equal(fin, ours->ack == end);
            assert_int_equal((got.flags & WINDOW_PSH) != 0, fin);
        }
        forger_send_tcp(f, ours);
    }
    assert_int_equal(ours->ack, end);
    assert_true(segments > 2);
    ours->ack++;
    forger_send_tcp(f, ours);
}

/* The last segment, with FIN, is longer than the peer's window, whether it leaves for the first
 * time or has been lost: lwIP's timer splits it. */
static void window_split(bool lost)
{
    static uint8_t bytes[WINDOW_PIECE];
    struct rung_buf buf = {.data = bytes, .len = sizeof(bytes), .release = window_released};
    struct rung_buf *b = &buf;
    struct forger f;
    forger_open(&f);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0);
    forger_drain(&f);
    if (!lost)
        window_shrink(&f, &ours);
    assert_int_equal(rung_tcp_send(f.conn, &b, 1), 1);
    assert_int_equal(rung_tcp_shutdown(f.conn), RUNG_OK);
    test_run_turns(f.p, 4);
    if (lost) {
        forger_drain(&f);
        window_shrink(&f, &ours);
    }
    window_take_stream(&f, &ours, sizeof(bytes));
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void a_segment_that_is_split_ends_the_stream_behind_its_last_byte(void **state)
{
    (void)state;
    window_split(false);
}

static void so_does_one_that_was_lost(void **state)
{
    (void)state;
    window_split(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_without_scale_opens_again),
        cmocka_unit_test(several_segments_in_one_are_acknowledged_at_once),
        cmocka_unit_test(so_they_are_with_a_window_scale),
        cmocka_unit_test(a_segment_that_is_split_ends_the_stream_behind_its_last_byte),
        cmocka_unit_test(so_does_one_that_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
