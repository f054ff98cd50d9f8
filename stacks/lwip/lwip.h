/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip.h - TCP, UDP and DNS over a NET: lwIP
 * (https://savannah.nongnu.org/projects/lwip).
 * Model    lwIP's raw API (NO_SYS) on the platform's loop, with IPv4 (static, or DHCP when no
 *          address is given), ARP, ICMP echo, IPv6 (link-local, SLAAC, static), ND and MLD.
 *          Receiving lends the driver's own frames up to the app; sending puts the app's own
 *          bytes on the link. Consecutive segments of a connection leave as one super-frame
 *          where the link cuts (RUNG_NET_TX_TSO4/6); what is lost is sent again by the segment.
 *          Frames are copied only if so many of them are held that the link could run dry.
 *          Names are asked of the servers that the key, DHCP or routers (RDNSS) name, over UDP:
 *          of each family the first address of an answer. It is remembered as long as it says,
 *          five minutes at most. With no server yet a request waits for one for 10 s.
 * Units    Bytes; keys as the module's --help says. A datagram over IPv6 is at most 65,487 bytes
 *          here, for lwIP counts a packet and its heads in 16 bits; a longer one is lost.
 * Owner    The state is the opener's. TCP, UDP and DNS are stopped each by itself; when all
 *          are, the stack leaves the link, and the NET is not used any more. Buffers and
 *          datagrams lent to the app stay good after that, but the NET must not be closed
 *          before they are released.
 * Context  The loop.
 * Errors   open: BUSY (lwIP keeps its state in globals: one stack in a process, a second one is
 *          refused), RANGE (a key), NOMEM. Later trouble (no DHCP answer, an address that another
 *          host has too, a dead link) is logged, one line each, and ends by itself. */
#ifndef RUNG_LWIP_H
#define RUNG_LWIP_H

#include "lwip_module.h"
#include "rung/dns.h"
#include "rung/tcp.h"
#include "rung/udp.h"

struct lwip_core;

struct rung_lwip {
    struct rung_tcp tcp;
    struct rung_udp udp;
    struct rung_dns dns;
    struct lwip_core *core; /* on the heap until the last lent buffer has come back */
};

enum rung_err rung_lwip_open(struct rung_lwip *self, struct rung_platform *p,
                             const struct rung_lwip_keys *keys,
                             const struct rung_lwip_needs *needs);

#endif
