/* SPDX-License-Identifier: ISC */
/* test/lwip/wait_test.c - what is left of connections that have ended: a few wait for segments that
 * are late (TIME-WAIT), no more than the key time-wait says, not for ever, and not in the memory of
 * new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "forger.h"
#include "lwip_int.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { WAIT_ENDED = 40, WAIT_KEPT = 8, WAIT_PORT = 4000 }; /* KEPT: the forger's key */

/* A connection that the stack ends first; the segment that ended it. */
static struct forged_tcp wait_end(struct forger *f, uint16_t port)
{
    struct forged_tcp got, last = forger_connect(f, port, 1000, NULL, 0);
    size_t payload;
    rung_tcp_close(f->conn);
    f->conn = NULL;
    test_run_turns(f->p, 4);
    assert_true(forger_next_tcp(f, &got, &payload));
    assert_true(got.flags & FORGED_FIN);
    last.ack = got.seq + 1;
    last.flags = FORGED_ACK | FORGED_FIN;
    forger_send_tcp(f, &last);
    forger_drain(f);
    return last;
}

/* How many are known still: a FIN that comes again is acknowledged then, else reset. */
static unsigned wait_known(struct forger *f, const struct forged_tcp last[], unsigned n)
{
    unsigned known = 0;
    for (unsigned i = 0; i < n; i++) {
        struct forged_tcp got;
        size_t payload;
        forger_send_tcp(f, &last[i]);
        assert_true(forger_next_tcp(f, &got, &payload));
        known += !(got.flags & FORGED_RST);
        forger_drain(f);
    }
    return known;
}

static void a_few_wait_and_not_for_ever(void **state)
{
    struct forged_tcp last[WAIT_ENDED];
    struct forger f;
    (void)state;
    forger_open(&f);
    for (unsigned i = 0; i < WAIT_ENDED; i++)
        last[i] = wait_end(&f, (uint16_t)(WAIT_PORT + i));
    assert_int_equal(wait_known(&f, last, WAIT_ENDED), WAIT_ENDED);
    rung_virtual_advance_ns(f.p, 20 * RUNG_NS_PER_S);
    assert_in_range(wait_known(&f, last, WAIT_ENDED), 1, WAIT_KEPT);
    /* twice the MSL is 60 s; ARP remembers us for 300 */
    rung_virtual_advance_ns(f.p, 150 * RUNG_NS_PER_S);
    assert_int_equal(wait_known(&f, last, WAIT_ENDED), 0);
    forger_close(&f);
}

static void new_ones_come_first(void **state)
{
    struct forged_tcp last[WAIT_ENDED];
    struct forger f;
    (void)state;
    forger_open(&f);
    struct lwip_core *core = f.stack.core;
    core->max_waiting = WAIT_ENDED;
    for (unsigned i = 0; i < WAIT_ENDED; i++)
        last[i] = wait_end(&f, (uint16_t)(WAIT_PORT + i));
    core->max_memory = core->memory - core->cached;
    assert_true(rung_lwip_port_is_short(core));
    rung_virtual_advance_ns(f.p, RUNG_NS_PER_S);
    assert_false(rung_lwip_port_is_short(core));
    assert_in_range(wait_known(&f, last, WAIT_ENDED), 1, WAIT_ENDED - 1);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_wait_and_not_for_ever), cmocka_unit_test(new_ones_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
