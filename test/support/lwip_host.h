/* SPDX-License-Identifier: ISC */
/* test/support/lwip_host.h - module lwip in the TCP and UDP suites: the stack under test, on a link
 * with a kernel at its other end (lwip_link.h).
 * Model    10.77.0.2 and fd77::2 are the stack's, 10.77.0.1 and fd77::1 the kernel's. No route
 *          leads anywhere else, from either. Each host is a new link and a new stack.
 * Owner    The caller allocates the state; it does not move while open.
 * Context  The test's main flow. What must not fail fails the running cmocka test. */
#ifndef LWIP_HOST_H
#define LWIP_HOST_H

#include "lwip.h"
#include "lwip_link.h"

struct lwip_host {
    struct rung_platform *p;
    struct lwip_link *link; /* NULL: not open */
    struct rung_lwip stack;
    struct rung_lwip_keys keys; /* as long as it is open; open() sets slot and addresses */
    struct rung_net_ops ops;    /* the link's, but for send */
    const struct rung_net_ops *link_ops;
    bool open; /* the stack */
    bool clogged;
    unsigned room; /* frames that the clogged link still takes */
    bool tx_due;   /* send() came short */
    struct rung_task unclogged;
};

/* Keys with the module's defaults, but that few closed connections are remembered: to be changed
 * before open(). */
struct rung_lwip_keys lwip_host_keys(void);

/* Opens the link and the stack, and runs the loop until both sides know each other's hardware
 * address. The module's own error, if it has one. */
enum rung_err lwip_host_open(struct lwip_host *host, struct rung_platform *p,
                             const struct rung_lwip_keys *keys);

/* Stops a part that a suite does not know of; nothing if the stack is not open. */
void lwip_host_stop_tcp(struct lwip_host *host);
void lwip_host_stop_udp(struct lwip_host *host);
void lwip_host_stop_dns(struct lwip_host *host);

/* Closes the link of a stack that has been stopped; also if open() failed. */
void lwip_host_close(struct lwip_host *host);

struct rung_addr lwip_host_address(enum rung_family family);   /* of the stack, port 0 */
struct rung_addr lwip_host_peer(enum rung_family family);      /* of the kernel */
struct rung_addr lwip_host_elsewhere(enum rung_family family); /* no route leads there; port 9 */
unsigned lwip_host_link(struct lwip_host *host);               /* its number in the kernel */

/* The link takes no more than a few frames, or goes on. */
void lwip_host_clog(struct lwip_host *host, bool on);

#endif
