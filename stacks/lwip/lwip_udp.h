/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_udp.h - what the two files of UDP share. Not for others. */
#ifndef RUNG_LWIP_UDP_H
#define RUNG_LWIP_UDP_H

#include "lwip_int.h"

#define LWIP_UDP_WAITING 256u /* datagrams that may wait for one socket's app */

/* A received datagram, to be lent. */
struct lwip_dgram {
    struct rung_dgram dgram;
    struct lwip_core *core;
    struct pbuf *p; /* one piece */
};

/* A group that a socket has joined. lwIP counts how often the link's groups are joined. */
struct lwip_membership {
    struct lwip_membership *next;
    ip_addr_t ip;
};

struct lwip_sock {
    struct rung_udp_sock base;
    struct lwip_core *core;
    struct udp_pcb *pcb;
    struct lwip_node all;
    struct rung_dgram *rx, **rx_end;
    unsigned rx_count;
    bool rx_want, tx_want; /* a call came short: an event is due */
    struct lwip_membership *groups;
};

static inline struct lwip_sock *lwip_sock(struct rung_udp_sock *base)
{
    return rung_container_of(base, struct lwip_sock, base);
}

void rung_lwip_udp_arrived(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                           u16_t port);
int rung_lwip_udp_send(struct rung_udp_sock *base, struct rung_dgram *const d[], unsigned n);
int rung_lwip_udp_recv(struct rung_udp_sock *base, struct rung_dgram *d[], unsigned n);

#endif
