/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_loss.c - gets over losses in round trips instead of time-outs, with lwIP's own
 * retransmission. lwIP leaves recovery at the first new acknowledgement, so that each further loss
 * of a window waits for the timer; here a partial acknowledgement sends the next hole at once, as
 * NewReno does (RFC 6582 3.2). And lwIP counts as duplicates only acknowledgements that leave the
 * window as it was, which Linux's seldom do: one that carries SACK blocks and acknowledges nothing
 * new counts too (RFC 6675 2). The first two bring out new segments (RFC 3042), fewer suffice when
 * little is on its way (RFC 5827), and when nothing comes back at all one segment is sent to ask
 * before the time-out (RFC 8985 7). Figures: docs/decisions/0005-lwip.md. */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#define LOSS_DUPLICATES 3u /* RFC 5681 3.2 */
#define LOSS_SACK 5u       /* RFC 2018 3 */

err_t rung_lwip_real_tcp_rexmit_rto_prepare(struct tcp_pcb *pcb);

static uint32_t loss_seq(const struct tcp_seg *seg)
{
    return lwip_ntohl(seg->tcphdr->seqno);
}

/* Called by name by lwIP's tcp.c at a time-out: what is out waits to be sent again. lwIP puts it in
 * front of all that waits, which a segment may do already that was lost before it, while the peer's
 * window is shut. Behind a later one it would never leave: that one does not fit into the window of
 * congestion, and neither timer runs. So both go into one queue, in order. */
err_t tcp_rexmit_rto_prepare(struct tcp_pcb *pcb)
{
    struct tcp_seg *waiting = pcb->unsent, **at = &pcb->unsent;
    pcb->unsent = NULL;
    err_t err = rung_lwip_real_tcp_rexmit_rto_prepare(pcb);
    while (waiting) {
        struct tcp_seg *seg = waiting;
        while (*at && TCP_SEQ_LT(loss_seq(*at), loss_seq(seg)))
            at = &(*at)->next;
        waiting = seg->next;
        seg->next = *at;
        *at = seg;
        at = &seg->next;
    }
    return err;
}

/* Whether a header of len bytes has SACK blocks in its options. */
static bool loss_has_sack(const struct tcp_hdr *head, uint32_t len)
{
    const uint8_t *option = (const uint8_t *)head;
    uint32_t at = TCP_HLEN;
    while (at < len && option[at] != LWIP_TCP_OPT_EOL) {
        if (option[at] == LWIP_TCP_OPT_NOP) {
            at++;
            continue;
        }
        if (option[at] == LOSS_SACK)
            return true;
        if (at + 1 >= len || option[at + 1] < 2)
            return false;
        at += option[at + 1];
    }
    return false;
}

void rung_lwip_loss_look(struct lwip_conn *conn, const struct pbuf *p, struct lwip_ack *ack)
{
    const struct tcp_hdr *head = p->payload;
    uint32_t len = TCPH_HDRLEN_BYTES(head);
    ack->conn = conn && conn->pcb && conn->pcb->unacked ? conn : NULL;
    if (!ack->conn)
        return;
    ack->before = conn->pcb->lastack;
    ack->duplicate = len == p->tot_len && len <= p->len
                     && lwip_ntohl(head->ackno) == ack->before && loss_has_sack(head, len);
}

/* A hole is filled: the next one, until all that was out when the first was found has arrived. */
static void loss_progress(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    conn->duplicates = 0;
    if (!conn->recovering)
        return;
    conn->recovering = TCP_SEQ_LT(pcb->lastack, conn->recover) && pcb->unacked
                       && !(pcb->flags & TF_RTO);
    if (conn->recovering && tcp_rexmit(pcb) == ERR_OK) {
        tcp_set_flags(pcb, TF_INFR);
        pcb->rtime = 0;
        tcp_output(pcb);
    }
}

/* How many duplicates say that a segment is lost: one less than are on their way, if these are few
 * and no new ones can be sent to bring more. */
static unsigned loss_threshold(const struct tcp_pcb *pcb)
{
    unsigned out = 0;
    for (const struct tcp_seg *seg = pcb->unacked; seg && out <= LOSS_DUPLICATES; seg = seg->next)
        out++;
    return pcb->unsent || out > LOSS_DUPLICATES ? LOSS_DUPLICATES : out > 1 ? out - 1 : 1;
}

static void loss_begin(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    tcp_rexmit_fast(pcb);
    tcp_output(pcb);
    conn->recovering = true;
    conn->recover = pcb->snd_nxt;
}

static void loss_duplicate(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    unsigned count = ++conn->duplicates;
    if (count >= loss_threshold(pcb)) {
        loss_begin(conn);
    } else {
        tcpwnd_size_t cwnd = pcb->cwnd;
        TCP_WND_INC(pcb->cwnd, count * pcb->mss);
        tcp_output(pcb);
        pcb->cwnd = cwnd;
    }
}

/* Called when something has been given to lwIP: from now on an answer is due. Not again when one
 * has been asked for: each time counts as one that was sent again, and doubles the time-out. */
void rung_lwip_loss_watch(struct lwip_conn *conn)
{
    if (!conn->pcb || !conn->pcb->unacked || !lwip_node_alone(&conn->watch)
        || (conn->asked && conn->pcb->lastack == conn->watched))
        return;
    conn->asked = false;
    conn->watched_ns = rung_loop_now_ns(conn->core->p);
    conn->watched = conn->pcb->lastack;
    lwip_node_append(&conn->core->watched, &conn->watch);
}

/* Silence that is too long: lwIP's estimate of a round trip comes in steps of 100 ms. None yet: the
 * time-out alone decides. */
static bool loss_is_silent(const struct lwip_conn *conn, uint64_t waited_ns)
{
    const struct tcp_pcb *pcb = conn->pcb;
    uint64_t ticks = 1 + 2 * (uint64_t)(pcb->sa >> 3);
    return pcb->lastack == conn->watched && pcb->state >= ESTABLISHED && !(pcb->flags & TF_RTO)
           && pcb->rto < LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL && pcb->persist_backoff == 0
           && waited_ns >= ticks * TCP_SLOW_INTERVAL * RUNG_NS_PER_MS;
}

/* At each tick, those that have waited longest: they stand first. */
void rung_lwip_loss_tick(struct lwip_core *core)
{
    uint64_t now = rung_loop_now_ns(core->p);
    while (!lwip_node_alone(&core->watched)) {
        struct lwip_conn *conn = rung_container_of(core->watched.next, struct lwip_conn, watch);
        uint64_t waited = now - conn->watched_ns;
        if (waited < TCP_SLOW_INTERVAL * RUNG_NS_PER_MS)
            return;
        lwip_node_remove(&conn->watch);
        if (!conn->pcb || !conn->pcb->unacked)
            continue;
        if (!loss_is_silent(conn, waited)) {
            rung_lwip_loss_watch(conn);
            continue;
        }
        conn->asked = true;
        if (!conn->recovering) {
            loss_begin(conn); /* and once only: then it is the time-out's */
        } else if (tcp_rexmit(conn->pcb) == ERR_OK) {
            tcp_output(conn->pcb);
        }
    }
}

void rung_lwip_loss_act(const struct lwip_ack *ack)
{
    struct lwip_conn *conn = ack->conn;
    struct tcp_pcb *pcb = conn ? conn->pcb : NULL;
    if (!pcb || pcb->state < ESTABLISHED || pcb->state == TIME_WAIT)
        return;
    if (pcb->lastack != ack->before) {
        loss_progress(conn);
        rung_lwip_loss_watch(conn);
    } else if (ack->duplicate && !conn->recovering && pcb->unacked) {
        loss_duplicate(conn);
    }
    if (!conn->recovering && (pcb->flags & TF_INFR)) {
        conn->recovering = true;
        conn->recover = pcb->snd_nxt;
    }
}
