/* SPDX-License-Identifier: ISC */
/* backends/unix/dns_system.h - DNS by the host's own resolver: getaddrinfo() on libuv's threads.
 * Model    Hosts files, search lists, caches and the order of addresses are as the host is set up
 *          (nsswitch.conf, resolv.conf, gai.conf). At most RUNG_DNS_SYSTEM_FLIGHT requests are in
 *          flight, and libuv's threads carry out four of them at once.
 * Units    As dns.h.
 * Owner    The state is the opener's.
 * Context  The loop. getaddrinfo() cannot be called off: a request that is canceled ends at
 *          once, but its place is taken until the host has answered, and stop is done after the
 *          last of them.
 * Errors   open: none. The C library does not tell a failed server from a silent one, nor either
 *          from none being known: all are TIMEDOUT. */
#ifndef RUNG_DNS_SYSTEM_H
#define RUNG_DNS_SYSTEM_H

#include "dns_system_module.h"
#include "rung/dns.h"

#define RUNG_DNS_SYSTEM_FLIGHT 256u

struct dns_system_request;

struct rung_dns_system {
    struct rung_dns dns;
    struct rung_platform *p;
    struct dns_system_request *requests; /* that libuv has */
    unsigned count;                      /* of them */
    struct rung_op *stopping;
};

enum rung_err rung_dns_system_open(struct rung_dns_system *self, struct rung_platform *p,
                                   const struct rung_dns_system_keys *keys,
                                   const struct rung_dns_system_needs *needs);

#endif
