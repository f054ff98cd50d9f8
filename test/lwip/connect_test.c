/* SPDX-License-Identifier: ISC */
/* test/lwip/connect_test.c - calls that nobody answers, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { CONNECT_LEAST_S = 11, CONNECT_MOST_S = 14 }; /* lwipopts.h: TCP_SYNMAXRTX */

struct connect_call {
    struct rung_tcp_connect how;
    unsigned done;
    int result;
};

static void connect_on_done(struct rung_op *op, int result)
{
    struct connect_call *call = rung_container_of(op, struct connect_call, how.op);
    call->done++;
    call->result = result;
}

/* Whether the stack has sent a SYN to the host; forgets the rest. */
static bool connect_seen(struct forger *f)
{
    struct forged_tcp got;
    size_t payload;
    bool seen = false;
    while (forger_next_tcp(f, &got, &payload))
        seen = seen || (got.flags & FORGED_SYN);
    return seen;
}

/* As long for a host that is not there, whose hardware address is asked for in vain, as for one
 * that is and keeps silent. */
static void a_call_gives_up_in_time(void **state)
{
    static const struct {
        const char *addr;
        bool there;
    } peers[] = {{"10.0.0.1", true}, {"10.0.0.77", false}, {"fe80::77", false}};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(peers); i++) {
        struct connect_call call = {.how.op.done = connect_on_done};
        struct forger f;
        forger_open(&f);
        assert_int_equal(rung_addr_parse(&call.how.peer, peers[i].addr), RUNG_OK);
        call.how.peer.port = 80;
        rung_tcp_connect(&f.stack.tcp, &call.how);
        rung_virtual_advance_ns(f.p, CONNECT_LEAST_S * RUNG_NS_PER_S);
        assert_int_equal(call.done, 0);
        assert_int_equal(connect_seen(&f), peers[i].there);
        rung_virtual_advance_ns(f.p, (CONNECT_MOST_S - CONNECT_LEAST_S) * RUNG_NS_PER_S);
        assert_int_equal(call.done, 1);
        assert_int_equal(call.result, RUNG_E_TIMEDOUT);
        forger_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_gives_up_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
