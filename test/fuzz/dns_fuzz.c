/* SPDX-License-Identifier: ISC */
/* test/fuzz/dns_fuzz.c - what a name server can answer a program on lwIP, and before it a router
 * advertise. Input: a byte that says which family is asked for (1) and whether the question is
 * left to the input too (2), the flags, the count of answers, and what follows the question. The
 * answer has the question's number and comes from whom it was sent to: an attacker who does not
 * see questions would have to guess these. Whatever it is, the request ends once, with what an
 * answer can say, and a good answer is believed after it. With 4 in the first byte, the rest is
 * a router advertisement's, behind its first four bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_zone.h"
#include "forger.h"
#include "fuzz_check.h"
#include "rung/clock.h"
#include "rung/dns.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { FUZZ_IPV6 = 1, FUZZ_RAW = 2, FUZZ_ROUTER = 4, FUZZ_HEAD = 12, FUZZ_MOST = 1200 };

struct fuzz_ask {
    struct rung_dns_resolve how;
    struct rung_addr addrs[2];
    char name[16];
    unsigned done;
    int result;
};

static void fuzz_on_done(struct rung_op *op, int result)
{
    struct fuzz_ask *ask = rung_container_of(op, struct fuzz_ask, how.op);
    ask->done++;
    ask->result = result;
}

/* A name that no answer is remembered for. */
static void fuzz_ask(struct forger *f, struct fuzz_ask *ask, bool ip6)
{
    static unsigned count;
    *ask = (struct fuzz_ask){.how = {.op.done = fuzz_on_done, .name = ask->name,
                                     .addrs = ask->addrs, .room = 2,
                                     .family = ip6 ? RUNG_AF_IPV6 : RUNG_AF_IPV4}};
    snprintf(ask->name, sizeof(ask->name), "n%u.test", ++count);
    rung_dns_resolve(&f->stack.dns, &ask->how);
    test_run_turns(f->p, 4);
}

static void fuzz_put(struct forger *f, const struct forged_udp *answer)
{
    forger_put_udp(f, answer);
    test_run_turns(f->p, 6);
}

/* The answer that the input makes to a question. */
static struct forged_udp fuzz_answer(const struct forged_udp *question, const uint8_t *data,
                                     size_t size)
{
    struct forged_udp answer = *question;
    bool raw = data[0] & FUZZ_RAW;
    size_t at = raw ? 4 : question->len;
    size_t len = size - 4 < FUZZ_MOST ? size - 4 : FUZZ_MOST;
    answer.data[2] = data[1];
    answer.data[3] = data[2];
    if (!raw) {
        memset(answer.data + 4, 0, FUZZ_HEAD - 4);
        answer.data[5] = 1;
        answer.data[7] = data[3];
    }
    memcpy(answer.data + at, data + 4, len);
    answer.len = at + len;
    return answer;
}

static void fuzz_advertise(struct forger *f, const uint8_t *data, size_t size)
{
    uint8_t message[4 + FUZZ_MOST] = {134};
    size_t len = size - 4 < FUZZ_MOST ? size - 4 : FUZZ_MOST;
    memcpy(message + 4, data + 4, len);
    forger_send_icmp6(f, message, 4 + len);
    forger_drain(f);
}

static void fuzz_check(const struct fuzz_ask *ask)
{
    FUZZ_CHECK(ask->done == 1);
    FUZZ_CHECK(ask->result == RUNG_OK || ask->result == RUNG_E_NOTFOUND
               || ask->result == RUNG_E_IO);
    FUZZ_CHECK(ask->result != RUNG_OK
               || (ask->how.count == 1 && ask->addrs[0].family == ask->how.family));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct forger f;
    static struct rung_platform *p;
    struct forged_udp question = {0};
    struct fuzz_ask ask;
    if (size < 4)
        return 0;
    if (!p) {
        p = test_platform_new();
        forger_open_on(&f, p, "10.0.0.1");
    }
    if (data[0] & FUZZ_ROUTER)
        fuzz_advertise(&f, data, size);
    fuzz_ask(&f, &ask, data[0] & FUZZ_IPV6);
    FUZZ_CHECK(forger_next_udp(&f, &question));
    struct forged_udp answer = fuzz_answer(&question, data, size);
    fuzz_put(&f, &answer);
    if (!ask.done) { /* it was no answer to this: the true one is awaited still */
        answer = question;
        answer.len = dns_zone_answer(question.data, question.len, answer.data);
        fuzz_put(&f, &answer);
    }
    fuzz_check(&ask);
    return 0;
}
