/* SPDX-License-Identifier: ISC */
/* test/support/lwip_link.h - the link below a stack under test, and the kernel at its other end.
 * Model    lwip_link_tap.c: a tap, with the kernel of a network namespace that the program made for
 *          itself. test/xen-guest/link_netfront.c: a vif of a Xen guest, with the kernel of the
 *          machine that the guest is tested from. The kernel is 10.77.0.1 and fd77::1, and
 *          kernel_peer.h has its sockets.
 * Owner    A link is the caller's until freed. One at a time.
 * Context  The test's main flow. What must not fail fails the running cmocka test. */
#ifndef LWIP_LINK_H
#define LWIP_LINK_H

#include "rung/addr.h"
#include "rung/net.h"

struct lwip_link;

/* As in the suites' fixtures: what the program needs of its host. */
bool lwip_link_enter(const char **why);

/* NULL: *err, which is the NET module's own. */
struct lwip_link *lwip_link_open(struct rung_platform *p, enum rung_err *err);
struct rung_net *lwip_link_net(struct lwip_link *link);
unsigned lwip_link_index(struct lwip_link *link); /* as the kernel numbers it */

/* Runs the loop until the kernel and the stack, at *to, know each other's hardware address. */
void lwip_link_greet(struct lwip_link *link, const struct rung_addr *to);

/* After its NET has been closed. */
void lwip_link_free(struct lwip_link *link);

#endif
