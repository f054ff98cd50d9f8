/* SPDX-License-Identifier: ISC */
/* test/lwip/dns_asking.h - a stack that is asked for names, and a name server played by hand: what
 * the tests of DNS on lwip share. */
#ifndef DNS_ASKING_H
#define DNS_ASKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dns_zone.h"
#include "forger.h"
#include "lwip_dns.h"
#include "rung/clock.h"
#include "rung/dns.h"
#include "test_platform.h"
#include "test_virtual.h"

struct dns_ask {
    struct rung_dns_resolve how;
    struct rung_addr addrs[4];
    unsigned done;
    int result;
};

static inline void dns_on_done(struct rung_op *op, int result)
{
    struct dns_ask *ask = rung_container_of(op, struct dns_ask, how.op);
    ask->done++;
    ask->result = result;
}

static inline void dns_open(struct forger *f, const char *server)
{
    forger_open_on(f, test_platform_new(), server);
    f->own_platform = true;
}

static inline void dns_ask(struct forger *f, struct dns_ask *ask, const char *name,
                           enum rung_family family)
{
    *ask = (struct dns_ask){.how = {.op.done = dns_on_done, .name = name, .family = family,
                                    .addrs = ask->addrs, .room = RUNG_ARRAY_LEN(ask->addrs)}};
    rung_dns_resolve(&f->stack.dns, &ask->how);
    test_run_turns(f->p, 4);
}

static inline struct forged_udp dns_question(struct forger *f)
{
    struct forged_udp question = {0};
    assert_true(forger_next_udp(f, &question));
    return question;
}

static inline bool dns_is_asked(struct forger *f)
{
    struct forged_udp question = {0};
    return forger_next_udp(f, &question);
}

static inline void dns_put(struct forger *f, const struct forged_udp *answer)
{
    forger_put_udp(f, answer);
    test_run_turns(f->p, 6);
}

static inline struct forged_udp dns_answer_to(const struct forged_udp *question)
{
    struct forged_udp answer = *question;
    answer.len = dns_zone_answer(question->data, question->len, answer.data);
    assert_int_not_equal(answer.len, 0);
    return answer;
}

static inline void dns_answer(struct forger *f, const struct forged_udp *question)
{
    struct forged_udp answer = dns_answer_to(question);
    dns_put(f, &answer);
}

static inline void dns_found(const struct dns_ask *ask, const char *text)
{
    struct rung_addr addr;
    assert_int_equal(rung_addr_parse(&addr, text), RUNG_OK);
    assert_int_equal(ask->done, 1);
    assert_int_equal(ask->result, RUNG_OK);
    assert_int_equal(ask->how.count, 1);
    assert_true(rung_addr_equal(&ask->addrs[0], &addr));
}

#endif
