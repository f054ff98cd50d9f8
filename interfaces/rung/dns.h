/* SPDX-License-Identifier: ISC */
/* interfaces/rung/dns.h - DNS: what addresses a host's name has (RFC 1034, RFC 1035).
 * Model    A resolver answers requests, each about one name; many may be in flight. Whom it asks,
 *          and what it remembers, is the module's business. An address as text is answered by every
 *          module alike, without asking anybody. Nothing blocks.
 * Units    Bytes for names, at most RUNG_DNS_NAME without a dot at the end.
 * Owner    A request, its name and its room for addresses are the caller's, not to move or change
 *          until done() has run.
 * Context  The loop. done() never runs inside a call.
 * Errors   Negative enum rung_err through done(), listed below. Misuse is a bug and asserts. */
#ifndef RUNG_DNS_H
#define RUNG_DNS_H

#include "rung/addr.h"
#include "rung/loop.h"

#define RUNG_DNS_NAME 253u  /* RFC 1035 2.3.4, as text */
#define RUNG_DNS_LABEL 63u  /* between two dots */
#define RUNG_DNS_PORT 53u   /* where servers listen */

struct rung_dns_resolve { /* the caller's until op.done() */
    struct rung_op op;        /* can be canceled */
    const char *name;         /* in: "www.example.org", "192.0.2.1", "2001:db8::1" */
    enum rung_family family;  /* in: addresses of that one; NONE: of either */
    uint16_t port;            /* in: what to put into the addresses; 0: nothing */
    struct rung_addr *addrs;  /* out, when done(0): the first to try first */
    unsigned room;            /* in: of addrs, 1 or more; what does not fit is left out */
    unsigned count;           /* out: addresses found, 1 or more when done(0) */
    void *module[2];          /* the module's while in flight */
};

struct rung_dns;
struct rung_dns_ops {
    const char *name; /* the module's; for logs */
    /* done: 0; or RANGE: no name that a host can have (empty, too long, a label that is empty or
     * too long, something but letters, digits, '-' and '_', a number as its last label; see
     * rung_dns_name()); NOTFOUND: there is no such name, or it has no address of that family;
     * TIMEDOUT: no answer; IO: the servers' answer is that they failed; UNREACH: no server is known
     * here, or none can be reached; LIMIT (too many in flight), NOMEM, CANCELED. */
    void (*resolve)(struct rung_dns *dns, struct rung_dns_resolve *how);
    /* Ends the resolver: what is in flight ends with CANCELED, then op->done(0). */
    void (*stop)(struct rung_dns *dns, struct rung_op *op);
};

struct rung_dns { /* a member of each module's own state */
    const struct rung_dns_ops *ops;
};

/* For modules: what needs no asking, alike on every ground. 1: the request is answered, by how's
 * addrs and count. 0: name is what to ask for, without a dot at the end. NOTFOUND: an address of
 * the other family. RANGE. */
int rung_dns_name(struct rung_dns_resolve *how, char name[RUNG_DNS_NAME + 1]);

/* See RUNG_NET_TABLE: <prefix>_resolve and <prefix>_stop; both are required. */
#define RUNG_DNS_TABLE(module_name, prefix) \
    { .name = (module_name), .resolve = prefix##_resolve, .stop = prefix##_stop }

#ifdef RUNG_DNS_ONLY /* set by the resolver when a program binds one DNS module: direct calls */
extern const struct rung_dns_ops RUNG_DNS_ONLY;
#define RUNG_DNS_OPS(dns) ((void)(dns), &RUNG_DNS_ONLY)
#define RUNG_DNS_KEEP(table) (assert((table) == &RUNG_DNS_ONLY), (const struct rung_dns_ops *)0)
#else
#define RUNG_DNS_OPS(dns) ((dns)->ops)
#define RUNG_DNS_KEEP(table) (table)
#endif

static inline void rung_dns_init(struct rung_dns *dns, const struct rung_dns_ops *table)
{
    (void)table;
    *dns = (struct rung_dns){.ops = RUNG_DNS_KEEP(table)};
}

static inline void rung_dns_resolve(struct rung_dns *dns, struct rung_dns_resolve *how)
{
    assert(how->name && how->addrs && how->room > 0);
    RUNG_DNS_OPS(dns)->resolve(dns, how);
}

static inline void rung_dns_stop(struct rung_dns *dns, struct rung_op *op)
{
    RUNG_DNS_OPS(dns)->stop(dns, op);
}

#endif
