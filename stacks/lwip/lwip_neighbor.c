/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_neighbor.c - the way of a packet to a neighbour on the link, netif->output and
 * output_ip6, and what whoever sends in the name of neighbours that do not answer must not do with
 * it: make lwIP keep packets for them without end. */
#include "lwip_int.h"

#include "lwip/ethip6.h"
#include "lwip/memp.h"
#include "lwip/priv/nd6_priv.h"

#define NEIGHBOR_QUEUE ARP_QUEUE_LEN /* as lwIP has it over IPv4 */

/* Of the packets that wait for a neighbour the oldest give way (RFC 4861 7.2.2). */
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

/* lwIP's count of them means nothing where each is a block of the heap. */
static void neighbor_trim(struct lwip_core *core)
{
    core->nd_asks = false;
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        if (neighbor_cache[i].state != ND6_INCOMPLETE)
            continue;
        core->nd_asks = true;
        neighbor_keep(&neighbor_cache[i], NEIGHBOR_QUEUE);
    }
}

/* p is a packet. A segment that joins the one before it needs no neighbour's address and no
 * Ethernet header. */
err_t rung_lwip_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct lwip_core *core = netif->state;
    if (core->tx_last && rung_lwip_super_add(core->tx_last, p))
        return ERR_OK;
    return etharp_output(netif, p, to);
}

/* Whom lwIP does not know it asks for by multicast, from within the call that p made or while it
 * walks its table: nothing is dropped then. */
err_t rung_lwip_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    struct lwip_core *core = netif->state;
    if (core->tx_last && rung_lwip_super_add(core->tx_last, p))
        return ERR_OK;
    err_t err = ethip6_output(netif, p, to);
    if (ip6_addr_ismulticast(to))
        core->nd_asks = true;
    else if (core->nd_asks)
        neighbor_trim(core);
    return err;
}
