/* SPDX-License-Identifier: ISC */
/* test/contract/dns/suite.h - the contract of DNS as tests, and what a module supplies to run it.
 * Model    A program is the suite, one fixture and one module. The resolver under test runs on the
 *          platform's loop; behind it is a name server that the fixture plays, with the names of
 *          dns_zone.h. It answers only when it is pumped, and pumping never blocks.
 * Units    Questions, as they come to the server.
 * Owner    Rigs are made and freed by the fixture.
 * Context  Test code. */
#ifndef DNS_SUITE_H
#define DNS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/dns.h"
#include "test_platform.h"

struct dns_rig; /* the fixture's own: the resolver under test and the server */

struct dns_fixture {
    const char *module; /* as in its table */
    /* Optional. Once, before all else: what the program needs of its host. false: it is not here,
     * *why says what is missing, and the program is skipped. */
    bool (*enter)(const char **why);
    struct dns_rig *(*make)(struct rung_platform *p);
    void (*free)(struct dns_rig *rig); /* the resolver has been stopped */
    /* The module's own open; with no server if so said. */
    enum rung_err (*open)(struct dns_rig *rig, bool no_server, struct rung_dns **dns);
    /* Takes what has been asked, and answers it unless it is to keep silent. Returns how many
     * questions have come since the resolver was opened. */
    unsigned (*pump)(struct dns_rig *rig, bool silent);
    int failed;    /* what a request ends with whose server fails: IO if it can tell */
    int no_server; /* with none known: UNREACH if it can tell */
    bool all;      /* it gives all addresses of an answer, not only one of each family */
};

extern const struct dns_fixture dns_fixture; /* one in each program */

#define DNS_TEST_ROOM 4u

/* A request as an app has it. It checks the rules of done(). */
struct dns_ask {
    struct rung_dns_resolve how;
    struct dns_test *t;
    struct rung_addr addrs[DNS_TEST_ROOM];
    unsigned done;
    int result;
    void (*on_done)(struct dns_ask *ask); /* may be NULL */
};

/* A case's surroundings. */
struct dns_test {
    struct rung_platform *p;
    struct dns_rig *rig;
    struct rung_dns *dns;
    unsigned in_call; /* done() must not run now */
    bool silent;      /* the server does not answer */
};

/* suite.c */
void dns_begin(struct dns_test *t);
void dns_begin_without_server(struct dns_test *t);
void dns_end(struct dns_test *t); /* stops the resolver, checks that all is given back */
void dns_stop(struct dns_test *t);
void ask_start(struct dns_test *t, struct dns_ask *ask, const char *name, enum rung_family family);
void ask_wait(struct dns_ask *ask); /* runs the loop, and the server, until it is done */
/* Starts, waits; the result. */
int ask_for(struct dns_test *t, struct dns_ask *ask, const char *name, enum rung_family family);
/* That the request found exactly these, in any order; NULL: no second one. */
void ask_found(const struct dns_ask *ask, const char *first, const char *second);
unsigned dns_asked(struct dns_test *t); /* questions so far */

/* The cases of one file each; ends with a NULL name. */
extern const struct CMUnitTest dns_name_cases[];
extern const struct CMUnitTest dns_flight_cases[];

#endif
