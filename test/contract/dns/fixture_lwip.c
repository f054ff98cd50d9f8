/* SPDX-License-Identifier: ISC */
/* test/contract/dns/fixture_lwip.c - lwip in the DNS suite: on a net-pair, with a host at the other
 * end that answers by hand. Time is the virtual platform's. */
#include "suite.h"

#include "dns_zone.h"
#include "forger.h"

struct dns_rig {
    struct rung_platform *p;
    struct forger forger;
    unsigned asked;
};

static struct dns_rig *fix_make(struct rung_platform *p)
{
    struct dns_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    return rig;
}

static enum rung_err fix_open(struct dns_rig *rig, bool no_server, struct rung_dns **dns)
{
    forger_open_on(&rig->forger, rig->p, no_server ? NULL : "10.0.0.1");
    rig->forger.dns_stopped = true; /* by the suite */
    *dns = &rig->forger.stack.dns;
    return RUNG_OK;
}

static void fix_free(struct dns_rig *rig)
{
    forger_close(&rig->forger);
    free(rig);
}

static unsigned fix_pump(struct dns_rig *rig, bool silent)
{
    struct forged_udp question = {0};
    while (forger_next_udp(&rig->forger, &question)) {
        struct forged_udp answer = question;
        assert_int_equal(question.ours, RUNG_DNS_PORT);
        rig->asked++;
        answer.len = dns_zone_answer(question.data, question.len, answer.data);
        if (answer.len > 0 && !silent)
            forger_put_udp(&rig->forger, &answer);
    }
    return rig->asked;
}

const struct dns_fixture dns_fixture = {
    .module = "lwip", .make = fix_make, .free = fix_free, .open = fix_open, .pump = fix_pump,
    .failed = RUNG_E_IO, .no_server = RUNG_E_UNREACH,
};
