/* SPDX-License-Identifier: ISC */
/* test/lwip/loss_test.c - what is lost comes again whatever else happens meanwhile, in virtual
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

enum { LOSS_BYTES = 12000, LOSS_SHUT = 65535, LOSS_ROUNDS = 400 };
enum { LOSS_WORDS = 20, LOSS_WORD = 100, LOSS_WORD_ROUNDS = 50 };

struct loss_buf {
    struct rung_buf buf;
    unsigned released;
    uint8_t bytes[LOSS_BYTES];
};

static void loss_keep(struct rung_buf *buf)
{
    (void)buf;
}

static void loss_release(struct rung_buf *buf)
{
    rung_container_of(buf, struct loss_buf, buf)->released++;
}

/* The stack sends all of it at once, as far as its window of congestion goes. */
static void loss_send(struct forger *f, struct loss_buf *out)
{
    struct rung_buf *b = &out->buf;
    *out = (struct loss_buf){.buf = {.data = out->bytes, .len = LOSS_BYTES,
                                     .release = loss_release}};
    assert_int_equal(rung_tcp_send(f->conn, &b, 1), 1);
    test_run_turns(f->p, 4);
}

/* Takes what comes in order and acknowledges it, until len bytes have come. A round
 * is a tenth of a second. */
static void loss_take(struct forger *f, struct forged_tcp *ours, size_t len, unsigned rounds)
{
    uint32_t end = ours->ack + (uint32_t)len;
    for (unsigned round = 0; ours->ack != end && round < rounds; round++) {
        struct forged_tcp got;
        size_t payload;
        while (forger_next_tcp(f, &got, &payload)) {
            if (got.flags & FORGED_FIN)
                assert_int_equal(got.seq + (uint32_t)payload, end);
            if (payload && (int32_t)(got.seq - ours->ack) <= 0
                && (int32_t)(got.seq + (uint32_t)payload - ours->ack) > 0)
                ours->ack = got.seq + (uint32_t)payload;
        }
        forger_send_tcp(f, ours);
        rung_virtual_advance_ns(f->p, 100 * RUNG_NS_PER_MS);
    }
    assert_int_equal(ours->ack, end);
}

static void loss_take_all(struct forger *f, struct forged_tcp *ours)
{
    loss_take(f, ours, LOSS_BYTES, LOSS_ROUNDS);
}

/* A word, in a segment of its own. */
static void loss_say(struct forger *f, struct rung_buf *buf)
{
    static const uint8_t word[LOSS_WORD];
    *buf = (struct rung_buf){.data = word, .len = LOSS_WORD, .release = loss_keep};
    assert_int_equal(rung_tcp_send(f->conn, &buf, 1), 1);
    test_run_turns(f->p, 4);
}

/* The window is shut, and three times it is said that a segment is missing: lwIP puts it back. */
static void loss_put_back(struct forger *f, struct forged_tcp *ours)
{
    static const uint8_t sack[] = {1, 1, 5, 10, 0, 0, 0x13, 0x88, 0, 0, 0x17, 0x70};
    f->shut = LOSS_SHUT;
    ours->text = "x"; /* a later byte of ours: its window is believed */
    forger_send_tcp(f, ours);
    ours->seq++;
    ours->text = NULL;
    ours->options = sack;
    ours->options_len = sizeof(sack);
    for (unsigned i = 0; i < 3; i++)
        forger_send_tcp(f, ours);
    ours->options_len = 0;
}

/* The peer's window is shut when a segment is known to be lost, and until the time-out after it:
 * what waits to be sent is no longer in order in lwIP's own hands. */
static void a_loss_is_mended_behind_a_shut_window(void **state)
{
    static struct loss_buf out;
    struct forged_tcp got;
    struct forger f;
    size_t payload;
    (void)state;
    forger_open(&f);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0);
    forger_drain(&f);
    loss_send(&f, &out);
    loss_take_all(&f, &ours); /* how long a round trip takes is known now */
    loss_send(&f, &out);
    forger_drain(&f); /* all of it is lost */
    loss_put_back(&f, &ours);
    rung_virtual_advance_ns(f.p, 10 * RUNG_NS_PER_S);
    forger_drain(&f);
    f.shut = 0;
    forger_send_tcp(&f, &ours);
    assert_true(forger_next_tcp(&f, &got, &payload)); /* the first that was lost, at once */
    assert_int_equal(got.seq, ours.ack);
    assert_true(payload > 0);
    loss_take_all(&f, &ours);
    test_run_turns(f.p, 4);
    assert_int_equal(out.released, 1);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void loss_on_ready(struct rung_tcp_conn *conn, unsigned events)
{
    (void)conn;
    (void)events;
}

/* Nothing comes through for two seconds, in which the app goes on to send a word now and then. Each
 * that was sent again within them would have doubled the time-out, to more than a minute. */
static void a_silence_is_asked_about_once(void **state)
{
    static struct loss_buf out;
    struct rung_buf words[LOSS_WORDS];
    struct forger f;
    (void)state;
    forger_open(&f);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0);
    f.conn->ready = loss_on_ready;
    forger_drain(&f);
    loss_send(&f, &out);
    loss_take_all(&f, &ours); /* how long a round trip takes is known now */
    for (unsigned i = 0; i < LOSS_WORDS; i++) {
        loss_say(&f, &words[i]);
        rung_virtual_advance_ns(f.p, 100 * RUNG_NS_PER_MS);
        forger_drain(&f);
    }
    loss_take(&f, &ours, LOSS_WORDS * LOSS_WORD, LOSS_WORD_ROUNDS);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

/* While a segment that was lost waits to be sent again, behind a shut window, it is the last that
 * waits, and not the last of all: neither what the app sends then nor its FIN belongs there. */
static void loss_say_more(bool say)
{
    struct rung_buf words[4];
    struct forger f;
    forger_open(&f);
    struct forged_tcp ours = forger_connect(&f, 4000, 1000, NULL, 0);
    f.conn->ready = loss_on_ready;
    for (unsigned i = 0; i < 3; i++)
        loss_say(&f, &words[i]);
    forger_drain(&f);
    loss_put_back(&f, &ours);
    if (say)
        loss_say(&f, &words[3]);
    assert_int_equal(rung_tcp_shutdown(f.conn), RUNG_OK);
    test_run_turns(f.p, 4);
    f.shut = 0;
    loss_take(&f, &ours, (say ? 4 : 3) * LOSS_WORD, LOSS_WORD_ROUNDS);
    ours.ack++;
    forger_send_tcp(&f, &ours);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void what_is_said_behind_a_loss_stays_behind_it(void **state)
{
    (void)state;
    loss_say_more(true);
}

static void so_does_the_end(void **state)
{
    (void)state;
    loss_say_more(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_is_mended_behind_a_shut_window),
        cmocka_unit_test(a_silence_is_asked_about_once),
        cmocka_unit_test(what_is_said_behind_a_loss_stays_behind_it),
        cmocka_unit_test(so_does_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
