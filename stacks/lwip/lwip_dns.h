/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_dns.h - what the files of DNS share. Not for others. A program that has no
 * slot for DNS links none of this: core->dns is made by the first request, and stop() reaches
 * the rest through it alone. */
#ifndef RUNG_LWIP_DNS_H
#define RUNG_LWIP_DNS_H

#include "lwip_int.h"

#define LWIP_ROUTER_SERVERS 2u

/* A question that is on its way to a server: what its answer must agree with. */
struct lwip_asked {
    struct lwip_asked *next;
    const struct udp_pcb *pcb; /* that it was sent from */
    ip_addr_t ip;              /* the server's */
    uint16_t port, len;        /* the server's; of the question */
    uint8_t id[2];
    uint8_t question[]; /* name, type and class, as sent */
};

struct lwip_router_server {
    ip6_addr_t ip;
    uint64_t until_ns; /* it is to be used */
};

struct lwip_dns {
    struct lwip_core *core;
    void (*end)(struct lwip_dns *dns);                   /* for stop() */
    void (*look)(struct lwip_dns *dns, struct pbuf *p); /* at an ICMPv6 message */
    struct rung_timer timer;           /* while there are lookups */
    struct lwip_node lookups;
    unsigned lookup_count;
    uint64_t idle_ns; /* since then the answers that dns.c remembers have not aged */
    int failure;      /* what it means if dns.c has no answer now */

    /* lwip_dns_servers.c */
    struct lwip_router_server router_servers[LWIP_ROUTER_SERVERS];
    uint64_t told_ns;         /* before then nothing is said of missing servers */

    /* lwip_dns_guard.c */
    udp_recv_fn input; /* dns.c's */
    struct lwip_asked *asked;
};

/* Routers' advertisements, for whoever has asked for a name. */
static inline void rung_lwip_dns_look(struct lwip_core *core, struct pbuf *p)
{
    if (core->dns)
        core->dns->look(core->dns, p);
}

/* lwip_dns_servers.c */
void rung_lwip_dns_servers_look(struct lwip_dns *dns, struct pbuf *p);
unsigned rung_lwip_dns_servers(struct lwip_dns *dns); /* tells dns.c whom to ask; how many */
void rung_lwip_dns_servers_none(struct lwip_dns *dns); /* tells a person that there are none */

/* lwip_dns_guard.c: dns.c calls these as udp_recv(), udp_sendto() and udp_remove(). */
void rung_lwip_dns_guard_recv(struct udp_pcb *pcb, udp_recv_fn recv, void *arg);
err_t rung_lwip_dns_guard_sendto(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                                 u16_t port);
void rung_lwip_dns_guard_remove(struct udp_pcb *pcb);
void rung_lwip_dns_guard_end(struct lwip_dns *dns); /* nothing is asked any more */

#endif
