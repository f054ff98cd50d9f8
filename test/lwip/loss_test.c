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

struct loss_buf {
    struct rung_buf buf;
    unsigned released;
    uint8_t bytes[LOSS_BYTES];
};

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

/* Takes what comes in order and acknowledges it, until all has come. */
static void loss_take_all(struct forger *f, struct forged_tcp *ours)
{
    uint32_t end = ours->ack + LOSS_BYTES;
    for (unsigned round = 0; ours->ack != end && round < LOSS_ROUNDS; round++) {
        struct forged_tcp got;
        size_t payload;
        while (forger_next_tcp(f, &got, &payload)) {
            if (payload && (int32_t)(got.seq - ours->ack) <= 0
                && (int32_t)(got.seq + (uint32_t)payload - ours->ack) > 0)
                ours->ack = got.seq + (uint32_t)payload;
        }
        forger_send_tcp(f, ours);
        rung_virtual_advance_ns(f->p, 100 * RUNG_NS_PER_MS);
    }
    assert_int_equal(ours->ack, end);
}

/* The peer's window is shut when a segment is known to be lost, and until the time-out after it:
 * what waits to be sent is no longer in order in lwIP's own hands. */
static void a_loss_is_mended_behind_a_shut_window(void **state)
{
    static const uint8_t sack[] = {1, 1, 5, 10, 0, 0, 0x13, 0x88, 0, 0, 0x17, 0x70};
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
    f.shut = LOSS_SHUT;
    ours.text = "x"; /* a later byte of ours: its window is believed */
    forger_send_tcp(&f, &ours);
    ours.seq++;
    ours.text = NULL;
    ours.options = sack;
    ours.options_len = sizeof(sack);
    for (unsigned i = 0; i < 3; i++)
        forger_send_tcp(&f, &ours);
    rung_virtual_advance_ns(f.p, 10 * RUNG_NS_PER_S);
    forger_drain(&f);
    f.shut = 0;
    ours.options_len = 0;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_is_mended_behind_a_shut_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
