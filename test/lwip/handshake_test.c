/* SPDX-License-Identifier: ISC */
/* test/lwip/handshake_test.c - segments of somebody who knows a handshake's four numbers and none
 * of its sequence numbers: nothing of them is believed, and it ends as without them. Virtual
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { HAND_PORT = 4000, HAND_SEQ = 70000, HAND_BYTES = 9000, HAND_WINDOW = 600 };
enum { HAND_TIMES = 20 }; /* more than TCP_SYNMAXRTX */

static const uint8_t hand_bytes[HAND_BYTES];
/* MSS, window scale, and in two of them timestamps, or SACK. */
static const uint8_t hand_true[] = {2, 4, 5, 180, 1, 3, 3, 7};
static const uint8_t hand_small[] = {2, 4, 0, 64, 1, 3, 3, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
static const uint8_t hand_large[] = {2, 4, 5, 120, 1, 3, 3, 14, 1, 1, 4, 2};
static const struct hand_options {
    const uint8_t *at;
    size_t len;
} hand_ours[] = {{NULL, 0}, {hand_true, sizeof(hand_true)}},
  hand_forged[] = {{NULL, 0}, {hand_small, sizeof(hand_small)}, {hand_large, sizeof(hand_large)}};

enum { SYN = FORGED_SYN, ACK = FORGED_ACK, RST = FORGED_RST, FIN = FORGED_FIN };

struct hand_wrong { /* how a forged segment differs from the true one, and its answer */
    uint8_t flags;
    uint32_t seq, ack;
    uint8_t answer;
};

static const struct hand_wrong hand_wrong_calls[] = {
    {ACK, 5, 1, RST}, {ACK, 0, 0u - 1, RST}, {ACK, 1u << 30, 1u << 31, RST},
    {ACK | SYN, 5, 1, RST}, {ACK | SYN, 9, 0u - 1, RST}, {ACK | SYN, 1u << 31, 1u << 31, RST},
    {ACK | FIN, 5, 77, RST}, {ACK, 0, 0, 0}, {SYN, 5, 0, 0}, {FIN, 5, 0, 0}, {0, 5, 0, 0},
    {RST, 0, 0, 0}, {RST, 5, 1, 0}, {ACK | RST, 0, 1, 0}, {ACK | RST | SYN, 0, 0u - 1, 0},
};

static const struct hand_wrong hand_wrong_halves[] = {
    {ACK, 0, 1, RST}, {ACK, 1u << 30, 0u - 1, RST}, {ACK | SYN, 0u - 1, 1u << 31, RST},
    {ACK | SYN, 1000, 77, RST}, {ACK | FIN, 0, 77, RST}, {SYN, 1000, 0, ACK},
    {SYN, 1u << 30, 0, ACK}, {SYN, 0u - 2, 0, ACK}, {SYN, 0, 0, ACK}, {ACK | SYN, 5, 0, ACK},
    {ACK, 1u << 30, 0, 0}, {ACK, 0u - 2, 0, 0},
    {FIN, 0, 0, 0}, {0, 0, 0, 0}, {RST, 1u << 30, 0, 0}, {RST, 0u - 1, 0, 0}, {RST, 1000, 0, ACK},
};

struct hand_outcome { /* what the true options have brought about */
    uint16_t window;  /* of our acknowledgement, or the first segment */
    size_t first, all;
};

struct hand {
    struct forger f;
    struct rung_tcp_connect how;
    unsigned done;
    int result;
    struct forged_tcp ours; /* the true next segment */
    uint32_t theirs;        /* the number of the stack's next one */
};

static void hand_on_done(struct rung_op *op, int result)
{
    struct hand *h = rung_container_of(op, struct hand, how.op);
    h->done++;
    h->result = result;
}

/* The stack has called; it will hear that truly. */
static void hand_call(struct hand *h, const struct hand_options *options)
{
    struct forged_tcp got;
    size_t payload;
    *h = (struct hand){.how.op.done = hand_on_done};
    forger_open_plain(&h->f);
    rung_tcp_unlisten(h->f.listener); /* from whose port it calls */
    h->how.local.port = FORGED_PORT;
    assert_int_equal(rung_addr_parse(&h->how.peer, "10.0.0.1"), RUNG_OK);
    h->how.local.family = h->how.peer.family;
    h->how.peer.port = HAND_PORT;
    rung_tcp_connect(&h->f.stack.tcp, &h->how);
    test_run_turns(h->f.p, 4);
    assert_true(forger_next_tcp(&h->f, &got, &payload));
    assert_int_equal(got.flags, SYN);
    h->theirs = got.seq + 1;
    h->ours = (struct forged_tcp){.port = HAND_PORT, .seq = HAND_SEQ, .ack = h->theirs,
                                  .flags = SYN | ACK, .options = options->at,
                                  .options_len = options->len};
}

/* We have called, and have an answer, which we have not acknowledged. */
static void hand_half(struct hand *h, const struct hand_options *options)
{
    struct forged_tcp got;
    size_t payload;
    *h = (struct hand){.result = RUNG_OK};
    forger_open_plain(&h->f);
    h->ours = (struct forged_tcp){.port = HAND_PORT, .seq = HAND_SEQ, .flags = SYN,
                                  .options = options->at, .options_len = options->len};
    forger_send_tcp(&h->f, &h->ours);
    assert_true(forger_next_tcp(&h->f, &got, &payload));
    assert_int_equal(got.flags, SYN | ACK);
    h->theirs = got.seq + 1;
    h->ours = (struct forged_tcp){.port = HAND_PORT, .seq = HAND_SEQ + 1, .ack = h->theirs,
                                  .flags = ACK};
}

/* Sends a segment of a forger's, and sees that the stack answers as it has to. */
static void hand_forge(struct hand *h, const struct hand_wrong *wrong,
                       const struct hand_options *options)
{
    struct forged_tcp forged = h->ours, got;
    size_t payload;
    forged.flags = wrong->flags;
    forged.seq += wrong->seq;
    forged.ack += wrong->ack;
    forged.options = options->at;
    forged.options_len = options->len;
    forger_send_tcp(&h->f, &forged);
    if (wrong->answer) {
        assert_true(forger_next_tcp(&h->f, &got, &payload));
        assert_int_equal(got.flags & (SYN | RST), wrong->answer & RST);
        assert_int_equal(got.seq, wrong->answer == RST ? forged.ack : h->theirs);
        if (wrong->answer == ACK)
            assert_int_equal(got.ack, h->ours.seq);
    }
    assert_false(forger_next_tcp(&h->f, &got, &payload));
    assert_int_equal(h->done, 0);
    assert_null(h->f.conn);
}

static void hand_keep(struct rung_buf *buf)
{
    (void)buf;
}

/* The connection is open: what the stack makes of a window, and closes. */
static struct hand_outcome hand_use(struct hand *h, struct rung_tcp_conn *conn)
{
    struct rung_buf buf = {.data = hand_bytes, .len = HAND_BYTES, .release = hand_keep}, *b = &buf;
    struct hand_outcome out = {0};
    struct forged_tcp got;
    size_t payload;
    assert_int_equal(rung_tcp_send(conn, &b, 1), 1);
    test_run_turns(h->f.p, 4);
    while (forger_next_tcp(&h->f, &got, &payload)) {
        assert_int_equal(got.flags & RST, 0);
        out.window = got.window;
        out.first = out.first ? out.first : payload;
        out.all += payload;
    }
    rung_tcp_abort(conn);
    forger_close(&h->f);
    return out;
}

static void hand_same(const struct hand_outcome *a, const struct hand_outcome *b)
{
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->first, b->first);
    assert_int_equal(a->all, b->all);
}

/* A call, with forged answers or none, then the next SYN in its time, and the true answer. */
static struct hand_outcome hand_try_call(const struct hand_wrong *wrong,
                                         const struct hand_options *forged,
                                         const struct hand_options *options)
{
    struct hand h;
    struct forged_tcp got;
    size_t payload;
    hand_call(&h, options);
    for (unsigned i = 0; wrong && i < HAND_TIMES; i++)
        hand_forge(&h, wrong, forged);
    rung_virtual_advance_ns(h.f.p, 1200 * RUNG_NS_PER_MS);
    assert_true(forger_next_tcp(&h.f, &got, &payload));
    assert_int_equal(got.flags, SYN);
    assert_int_equal(got.seq, h.theirs - 1);
    assert_false(forger_next_tcp(&h.f, &got, &payload));
    forger_send_tcp(&h.f, &h.ours);
    assert_int_equal(h.done, 1);
    assert_int_equal(h.result, RUNG_OK);
    h.ours = (struct forged_tcp){.port = HAND_PORT, .seq = HAND_SEQ + 1, .ack = h.theirs,
                                 .flags = ACK};
    h.f.shut = 65535 - HAND_WINDOW;
    forger_send_tcp(&h.f, &h.ours);
    return hand_use(&h, h.how.conn);
}

/* lwIP sent a SYN more for each wrong acknowledgement, which ended the call at the twelfth, and
 * kept the first window scale that it was told. The true SYN goes again, also for a peer that
 * thinks that an old connection is alive (RFC 9293 3.5.1). */
static void no_wrong_answer_to_a_call_is_believed(void **state)
{
    (void)state;
    for (size_t o = 0; o < RUNG_ARRAY_LEN(hand_ours); o++) {
        struct hand_outcome alone = hand_try_call(NULL, NULL, &hand_ours[o]);
        assert_int_equal(alone.first, o ? 1460 : 536);
        assert_true(o ? alone.all > HAND_WINDOW : alone.all <= HAND_WINDOW);
        for (size_t k = 0; k < RUNG_ARRAY_LEN(hand_wrong_calls); k++)
            for (size_t i = 0; i < RUNG_ARRAY_LEN(hand_forged); i++) {
                struct hand_outcome out =
                    hand_try_call(&hand_wrong_calls[k], &hand_forged[i], &hand_ours[o]);
                hand_same(&out, &alone);
            }
    }
}

static void a_true_reset_ends_a_call(void **state)
{
    struct hand h;
    (void)state;
    hand_call(&h, &hand_ours[0]);
    h.ours.flags = RST | ACK;
    forger_send_tcp(&h.f, &h.ours);
    assert_int_equal(h.done, 1);
    assert_int_equal(h.result, RUNG_E_REFUSED);
    forger_close(&h.f);
}

static struct hand_outcome hand_try_half(const struct hand_wrong *wrong,
                                         const struct hand_options *forged,
                                         const struct hand_options *options)
{
    struct hand h;
    hand_half(&h, options);
    for (unsigned i = 0; wrong && i < HAND_TIMES; i++)
        hand_forge(&h, wrong, forged);
    h.f.shut = 65535 - HAND_WINDOW;
    forger_send_tcp(&h.f, &h.ours);
    assert_non_null(h.f.conn);
    return hand_use(&h, h.f.conn);
}

/* The same where a peer has called that has not acknowledged our SYN yet. */
static void no_wrong_end_of_a_handshake_is_believed(void **state)
{
    (void)state;
    for (size_t o = 0; o < RUNG_ARRAY_LEN(hand_ours); o++) {
        struct hand_outcome alone = hand_try_half(NULL, NULL, &hand_ours[o]);
        assert_int_equal(alone.first, o ? 1460 : 536);
        assert_true(o ? alone.all > HAND_WINDOW : alone.all <= HAND_WINDOW);
        for (size_t k = 0; k < RUNG_ARRAY_LEN(hand_wrong_halves); k++)
            for (size_t i = 0; i < RUNG_ARRAY_LEN(hand_forged); i++) {
                struct hand_outcome out =
                    hand_try_half(&hand_wrong_halves[k], &hand_forged[i], &hand_ours[o]);
                hand_same(&out, &alone);
            }
    }
}

/* A peer that has begun anew from the same port hears of its old SYN, resets that one, and is let
 * in; the SYN that we know is answered again. */
static void a_peer_that_calls_anew_is_let_in(void **state)
{
    struct hand h;
    struct forged_tcp got;
    size_t payload;
    (void)state;
    hand_half(&h, &hand_ours[1]);
    struct forged_tcp syn = {.port = HAND_PORT, .seq = HAND_SEQ, .flags = SYN};
    forger_send_tcp(&h.f, &syn);
    assert_true(forger_next_tcp(&h.f, &got, &payload));
    assert_int_equal(got.flags, SYN | ACK);
    assert_int_equal(got.seq, h.theirs - 1);
    hand_forge(&h, &(struct hand_wrong){SYN, 5000000, 0, ACK}, &hand_ours[1]);
    struct forged_tcp reset = {.port = HAND_PORT, .seq = HAND_SEQ + 1, .flags = RST};
    forger_send_tcp(&h.f, &reset);
    forger_connect(&h.f, HAND_PORT, HAND_SEQ + 5000001, hand_true, sizeof(hand_true));
    rung_tcp_abort(h.f.conn);
    forger_close(&h.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wrong_answer_to_a_call_is_believed),
        cmocka_unit_test(a_true_reset_ends_a_call),
        cmocka_unit_test(no_wrong_end_of_a_handshake_is_believed),
        cmocka_unit_test(a_peer_that_calls_anew_is_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
