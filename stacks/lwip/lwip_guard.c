/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_guard.c - what a host on the link, or one that forges its address, could do to
 * lwIP and must not: looked at before lwIP sees it. icmp6.c is compiled with its entry renamed
 * (core.cmake), and the function of the old name is below. */
#include "lwip_dns.h"
#include "lwip_path.h"

#include "lwip/icmp6.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/nd6.h"
#include "lwip/prot/tcp.h"

#define GUARD_MSS 64u    /* lwIP's own arithmetic ends below 13 */

/* An advertisement of an address that we have used for long. lwIP would give it up for ever; only
 * one that is still being asked about is lost that way (RFC 4862 5.4.4). */
static bool guard_is_our_address(const struct pbuf *p, struct netif *netif)
{
    const struct na_header *head = p->payload;
    if (head->type != ICMP6_TYPE_NA || p->len < sizeof(*head))
        return false;
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i))
            && memcmp(&head->target_address, netif_ip6_addr(netif, i)->addr, 16) == 0) {
            rung_lwip_addr_clash6(rung_lwip_port_core(), i);
            return true;
        }
    return false;
}

/* lwIP takes a redirect from whoever says that it is a router, for neighbours on the link too. It
 * may be ignored (RFC 4861 8.3: "should"): a packet then makes a detour. */
static bool guard_is_redirect(const struct pbuf *p)
{
    const struct icmp6_hdr *head = p->payload;
    return head->type == ICMP6_TYPE_RD;
}

/* ip6.c calls this, p at the ICMPv6 header. */
void icmp6_input(struct pbuf *p, struct netif *inp)
{
    struct lwip_core *core = rung_lwip_port_core();
    rung_lwip_dns_look(core, p);
    if (p->len >= sizeof(struct icmp6_hdr)
        && (rung_lwip_path_is_wrong(p, inp) || guard_is_redirect(p)
            || guard_is_our_address(p, inp)))
        pbuf_free(p);
    else
        rung_lwip_path_input(core, p, inp);
}

void rung_lwip_guard_mss(struct tcp_pcb *pcb)
{
    if (pcb->mss < GUARD_MSS)
        pcb->mss = GUARD_MSS;
}

/* A host that calls again from a port it has used within the last minute, with sequence numbers
 * beyond the old ones, gets a new connection (RFC 9293 3.6.1); lwIP answers for the old one. */
void rung_lwip_guard_reopen(struct lwip_core *core, struct lwip_bucket *bucket,
                            const struct tcp_hdr *head)
{
    if ((TCPH_FLAGS(head) & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN || !bucket->waiting)
        return;
    struct tcp_pcb *pcb = rung_lwip_pcb_of(bucket->waiting, head);
    if (!pcb || !TCP_SEQ_GT(lwip_ntohl(head->seqno), pcb->rcv_nxt))
        return;
    rung_lwip_enter(core, bucket);
    tcp_abort(pcb); /* sends nothing in this state */
    rung_lwip_leave(core);
}

/* Called before lwIP's timer: one that asks for a window while nothing waits for it, because the
 * peer has acknowledged what had been put back for sending, would count its questions until it ends
 * a connection that is merely idle. */
void rung_lwip_guard_persist(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (!pcb->unsent)
            pcb->persist_backoff = 0;
}

/* How many numbers a segment occupies. One with a header cut short has many; lwIP drops it. */
static uint32_t guard_len(const struct pbuf *p)
{
    const struct tcp_hdr *head = p->payload;
    uint32_t len = p->tot_len - (uint32_t)TCPH_HDRLEN_BYTES(head);
    return len + ((TCPH_FLAGS(head) & (TCP_SYN | TCP_FIN)) != 0);
}

/* A peer that is out of step hears where we are. What occupies no number is answered at the next
 * tick, so that two ends which answer each other do so no faster (RFC 5961 7). */
static void guard_refuse(struct lwip_conn *conn, struct tcp_pcb *pcb, const struct pbuf *p)
{
    const struct tcp_hdr *head = p->payload;
    uint32_t flags = TCPH_FLAGS(head);
    if ((flags & TCP_RST) || !(flags & (TCP_ACK | TCP_SYN)))
        return;
    if (guard_len(p)) {
        tcp_ack_now(pcb);
        tcp_output(pcb);
        return;
    }
    tcp_set_flags(pcb, TF_ACK_DELAY);
    if (conn && lwip_node_alone(&conn->ack))
        lwip_node_append(&conn->core->unacknowledged, &conn->ack);
}

/* Whether all of a segment is before what has come. One whose end it is comes again, and is heard,
 * and so is one that asks whether we live (RFC 9293 3.8.4), which need not have a byte. */
static bool guard_is_old(const struct tcp_pcb *pcb, const struct pbuf *p, uint32_t seq)
{
    uint32_t len = guard_len(p);
    return pcb->rcv_nxt - seq > (len ? len : 1);
}

/* Before the peer has acknowledged our SYN it can acknowledge nothing else: what does so is of
 * another connection, which has to end (RFC 9293 3.10.7.3). lwIP sees no connection here, and so
 * sends the reset. */
static void guard_reset(struct pbuf *p)
{
    pbuf_ref(p);
    rung_lwip_real_tcp_input(p, ip_current_input_netif());
}

/* Whether a segment is none that the peer can have sent (RFC 9293 3.10.7.4, RFC 5961 5.2): it is
 * answered, and nothing of it believed. lwIP takes the window of any segment whose number it thinks
 * a later one, and then of no true one; half the space of numbers ahead it loses its place. A
 * segment at the right edge is what acknowledges behind a window that is full, or shut. */
bool rung_lwip_guard_refuses(struct lwip_conn *conn, struct tcp_pcb *pcb, struct pbuf *p)
{
    const struct tcp_hdr *head = p->payload;
    uint32_t seq = lwip_ntohl(head->seqno), ack = lwip_ntohl(head->ackno);
    uint32_t flags = TCPH_FLAGS(head);
    bool young = pcb->state < ESTABLISHED;
    uint32_t oldest = young ? pcb->snd_nxt : pcb->lastack - pcb->snd_wnd_max;
    bool wrong = flags & TCP_ACK ? ack - oldest > pcb->snd_nxt - oldest : !(flags & TCP_SYN);
    if (young && wrong && (flags & (TCP_ACK | TCP_RST)) == TCP_ACK) {
        guard_reset(p);
        return true;
    }
    /* lwIP would take options from anything, a window scale for good, and send its SYN again for
     * each acknowledgement without one. It knows no calls that meet. */
    if (pcb->state == SYN_SENT)
        return wrong || !(flags & TCP_ACK) || !(flags & (TCP_SYN | TCP_RST));
    if ((wrong && !(flags & TCP_RST))
        || ((flags & TCP_SYN) && seq != pcb->rcv_nxt - 1) /* not the one that we know */
        || (seq - pcb->rcv_nxt > pcb->rcv_wnd && guard_is_old(pcb, p, seq))) {
        guard_refuse(conn, pcb, p);
        return true;
    }
    /* The latest acknowledgement has the latest window, also in a segment that comes again. */
    if (TCP_SEQ_LT(seq, pcb->snd_wl1) && (flags & TCP_ACK) && TCP_SEQ_GT(ack, pcb->lastack))
        pcb->snd_wl1 = seq - 1;
    return false;
}
