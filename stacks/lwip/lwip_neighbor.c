/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_neighbor.c - the way of a packet to a neighbour on the link, netif->output and
 * output_ip6, and what whoever sends in the name of neighbours that do not answer must not do with
 * it: make lwIP keep packets for them without end, or forget for them those that have answered,
 * which lwIP does first when one of its tables is full. So they have half of it at most. */
#include "lwip_int.h"

#include "lwip/ethip6.h"
#include "lwip/memp.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/ip6.h"

#define NEIGHBOR_QUEUE ARP_QUEUE_LEN /* as lwIP has it over IPv4 */
#define NEIGHBOR_ASKED4 (ARP_TABLE_SIZE / 2u)
#define NEIGHBOR_ASKED6 (LWIP_ND6_NUM_NEIGHBORS / 2u)
#define NEIGHBOR_ERRORS 100u /* a second */
#define NEIGHBOR_INFO 128u   /* ICMPv6 types below are errors */

/* Of the packets that wait for a neighbour the oldest give way (RFC 4861 7.2.2). lwIP's count of
 * them means nothing where each is a block of the heap. */
static void neighbor_keep(struct nd6_neighbor_cache_entry *neighbor, unsigned most)
{
    unsigned count = 0;
    for (struct nd6_q_entry *q = neighbor->q; q; q = q->next)
        count++;
    for (; count > most; count--) {
        struct nd6_q_entry *oldest = neighbor->q;
        neighbor->q = oldest->next;
        pbuf_free(oldest->p);
        memp_free(MEMP_ND6_QUEUE, oldest);
    }
}

/* Of those that have not answered so many are kept, whichever: had the first ones to stay, nobody
 * new would be heard. A router has its place in another list too. */
static void neighbor_trim(struct lwip_core *core)
{
    uint32_t first = rung_lwip_port_random();
    unsigned asked = 0;
    for (uint32_t i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        struct nd6_neighbor_cache_entry *neighbor =
            &neighbor_cache[(first + i) % LWIP_ND6_NUM_NEIGHBORS];
        unsigned most = NEIGHBOR_QUEUE;
        if (neighbor->state != ND6_INCOMPLETE)
            continue;
        if (++asked > NEIGHBOR_ASKED6 && !neighbor->isrouter) {
            neighbor->state = ND6_NO_ENTRY;
            ip6_addr_set_zero(&neighbor->next_hop_address);
            most = 0;
        }
        neighbor_keep(neighbor, most);
    }
    core->nd_asked = asked;
}

/* Whether anybody can make us send such a packet. Not so what is said to a peer that we have called
 * or that has shown to be there, and the stack's own questions, to name servers and over DHCP.
 * Around what it sends of a connection lwIP sets the link's hints to that connection's. */
static bool neighbor_is_answer(const struct lwip_core *core, const struct pbuf *p)
{
    struct netif_hint *hints = core->netif.hints;
    const uint8_t *head = p->payload;
    if (head[9] != IP_PROTO_TCP)
        return head[9] != IP_PROTO_UDP || core->tx_owner;
    if (!hints)
        return true;
    const struct tcp_pcb *pcb = rung_container_of(hints, struct tcp_pcb, netif_hints);
    return pcb->state == SYN_RCVD || pcb->state == LISTEN;
}

/* lwIP's table of IPv4 is its own. Since its last tick, when it asked once more for each that had
 * not answered, we have counted the questions: nobody is asked for beyond so many for an answer,
 * which is lost, as if on the way. */
static bool neighbor_is_one_too_many(struct lwip_core *core, const struct pbuf *p,
                                     const ip4_addr_t *to)
{
    const struct netif *netif = &core->netif;
    const ip4_addr_t *ip;
    struct eth_addr *mac;
    return core->arp_asked >= NEIGHBOR_ASKED4 && neighbor_is_answer(core, p)
           && (ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif))
                   ? ~(ip4_addr_get_u32(to) | ip4_addr_get_u32(netif_ip4_netmask(netif))) /* all */
                   : (uint32_t)ip4_addr_islinklocal(to))
           && etharp_find_addr(&core->netif, to, &mac, &ip) < 0;
}

/* p is a packet. A segment that joins the one before it needs no neighbour's address and no
 * Ethernet header. */
err_t rung_lwip_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct lwip_core *core = netif->state;
    if (core->tx_last && rung_lwip_super_add(core->tx_last, p))
        return ERR_OK;
    return neighbor_is_one_too_many(core, p, to) ? ERR_OK : etharp_output(netif, p, to);
}

/* Whom lwIP does not know it asks for by multicast, from within the call that p made or while it
 * walks its table: nothing is dropped then. Where it has no address to ask with, p is kept and
 * nothing leaves. */
err_t rung_lwip_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    struct lwip_core *core = netif->state;
    const uint8_t *head = p->payload;
    if (core->tx_last && rung_lwip_super_add(core->tx_last, p))
        return ERR_OK;
    if (head[6] == IP6_NEXTH_ICMP6 && head[IP6_HLEN] < NEIGHBOR_INFO
        && core->errors++ >= NEIGHBOR_ERRORS)
        return ERR_OK; /* RFC 4443 2.4(f) */
    unsigned waiting = core->tx_waiting;
    err_t err = ethip6_output(netif, p, to);
    if (ip6_addr_ismulticast(to))
        core->nd_asked = 1;
    else if (core->nd_asked || core->tx_waiting == waiting)
        neighbor_trim(core);
    return err;
}
