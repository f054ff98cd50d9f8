/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_path.c - a path over IPv6 that turns out narrower than the link (RFC 8201),
 * under connections that are open. lwIP notes the new MTU and leaves the connections as they are:
 * each segment that is too long went into its ip6_frag(), which spoils the segment that it is
 * given, and once sent again that led past the segment's end. So those that wait are cut here. */
#include "lwip_path.h"

#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6_frag.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

#define PATH_MTU6 1280u /* RFC 8201 4: no less is to be believed */

void rung_lwip_real_icmp6_input(struct pbuf *p, struct netif *inp);
err_t rung_lwip_real_ip6_frag(struct pbuf *p, struct netif *netif, const ip6_addr_t *to);

/* Where the packet was going that a router has found too big; false: p says no such thing. */
static bool path_too_big(const struct pbuf *p, ip6_addr_t *to)
{
    const struct icmp6_hdr *head = p->payload;
    const struct ip6_hdr *packet = (const void *)(head + 1);
    if (p->len < sizeof(*head) + IP6_HLEN || head->type != ICMP6_TYPE_PTB)
        return false;
    ip6_addr_copy_from_packed(*to, packet->dest);
    ip6_addr_assign_zone(to, IP6_UNKNOWN, ip_current_input_netif());
    return true;
}

/* lwIP believes any path MTU: one of 48 makes it cut datagrams into pieces of nothing, for ever,
 * and with one larger than the link's it cuts none, and they never leave. */
bool rung_lwip_path_is_wrong(const struct pbuf *p, struct netif *netif)
{
    const struct icmp6_hdr *head = p->payload;
    ip6_addr_t to;
    uint32_t mtu;
    if (!path_too_big(p, &to))
        return false;
    memcpy(&mtu, &head->data, sizeof(mtu));
    mtu = lwip_ntohl(mtu);
    return mtu < PATH_MTU6 || mtu >= nd6_get_destination_mtu(&to, netif);
}

/* Cuts a segment into equal parts that fit: paths that narrow byte by byte cannot make crumbs.
 * lwIP's function cuts the first that is unsent. */
static bool path_cut_segment(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t most)
{
    uint32_t parts = (seg->len + most - 1) / most;
    uint32_t part = (seg->len + parts - 1) / parts;
    struct tcp_seg *unsent = pcb->unsent;
    err_t err = ERR_OK;
    for (; seg->len > part && !err; seg = seg->next) {
        pcb->unsent = seg;
        err = tcp_split_unsent_seg(pcb, (uint16_t)part);
    }
    pcb->unsent = unsent;
    return !err;
}

/* Of a queue, those that are too long; 1: there were some, 0: none, ERR_MEM. */
static int path_cut_queue(struct tcp_pcb *pcb, struct tcp_seg *seg, uint16_t mss)
{
    int cut = 0;
    for (; seg; seg = seg->next) {
        uint32_t most = mss - (uint32_t)(LWIP_TCP_OPT_LENGTH(seg->flags));
        if (seg->len <= most)
            continue;
        if (!path_cut_segment(pcb, seg, most))
            return ERR_MEM;
        cut = 1;
    }
    return cut;
}

/* What is on its way in segments too long for the path is lost: it goes again at once (RFC 1191
 * 6.4), but into no smaller window, for this is no congestion. Without memory for the cuts the
 * connection goes on as it is, in fragments. */
static void path_cut(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    uint16_t mss = tcp_eff_send_mss_netif(pcb->mss, &conn->core->netif, &pcb->remote_ip);
    if (mss >= pcb->mss || path_cut_queue(pcb, pcb->unsent, mss) < 0)
        return;
    int cut = path_cut_queue(pcb, pcb->unacked, mss);
    if (cut < 0)
        return;
    pcb->mss = mss;
    if (cut && tcp_rexmit_rto_prepare(pcb) == ERR_OK) {
        pcb->rtime = 0;
        tcp_output(pcb);
        rung_lwip_loss_watch(conn);
    }
}

/* NULL: to all. */
static void path_narrowed(struct lwip_core *core, const ip6_addr_t *to)
{
    for (struct lwip_node *node = core->conns.next; node != &core->conns; node = node->next) {
        struct lwip_conn *conn = rung_container_of(node, struct lwip_conn, all);
        if (conn->pcb && IP_IS_V6(&conn->pcb->remote_ip)
            && (!to || ip6_addr_cmp(to, ip_2_ip6(&conn->pcb->remote_ip))))
            path_cut(conn);
    }
}

/* When a router has said that the link itself is narrow, lwIP would still believe what it has
 * heard of paths before. */
void rung_lwip_path_input(struct lwip_core *core, struct pbuf *p, struct netif *inp)
{
    ip6_addr_t to;
    bool big = path_too_big(p, &to);
    uint16_t link = netif_mtu6(inp), path = big ? nd6_get_destination_mtu(&to, inp) : 0;
    rung_lwip_real_icmp6_input(p, inp);
    if (netif_mtu6(inp) < link) {
        for (unsigned i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++)
            if (destination_cache[i].pmtu > netif_mtu6(inp))
                destination_cache[i].pmtu = netif_mtu6(inp);
        path_narrowed(core, NULL);
    } else if (big && nd6_get_destination_mtu(&to, inp) < path) {
        path_narrowed(core, &to);
    }
}

/* ip6.c calls this with a packet that is too long for its path. A segment that could not be cut
 * goes as a copy, with its sum, which the link makes of whole segments only. */
err_t ip6_frag(struct pbuf *p, struct netif *netif, const ip6_addr_t *to)
{
    const struct ip6_hdr *head = p->payload;
    if (IP6H_NEXTH(head) != IP6_NEXTH_TCP)
        return rung_lwip_real_ip6_frag(p, netif, to);
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    ip6_addr_t from, dest;
    if (!copy)
        return ERR_MEM;
    ip6_addr_copy_from_packed(from, head->src);
    ip6_addr_copy_from_packed(dest, head->dest);
    pbuf_remove_header(copy, IP6_HLEN);
    struct tcp_hdr *tcp = copy->payload;
    tcp->chksum = 0;
    tcp->chksum = ip6_chksum_pseudo(copy, IP6_NEXTH_TCP, copy->tot_len, &from, &dest);
    pbuf_add_header(copy, IP6_HLEN);
    err_t err = rung_lwip_real_ip6_frag(copy, netif, to);
    pbuf_free(copy);
    return err;
}
