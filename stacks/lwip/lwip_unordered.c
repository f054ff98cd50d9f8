/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_unordered.c - data that came out of order, which lwIP keeps until what is
 * missing comes: the first to be given up when the memory for copies runs out, for the peer keeps
 * it until it is acknowledged and sends it again (RFC 9293 3.10.7.4, RFC 2018 8). Else those whose
 * first byte never comes would take that memory from all who are served. */
#include "lwip_int.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

/* After each segment: the connections that keep such data stand in a ring, the one first that has
 * waited longest for what comes next. */
void rung_lwip_unordered_note(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    if (!pcb || !pcb->ooseq) {
        lwip_node_remove(&conn->unordered);
    } else if (lwip_node_alone(&conn->unordered) || conn->missing != pcb->rcv_nxt) {
        lwip_node_remove(&conn->unordered);
        lwip_node_append(&conn->core->unordered, &conn->unordered);
        conn->missing = pcb->rcv_nxt;
    }
}

void rung_lwip_unordered_drop(struct lwip_conn *conn)
{
    lwip_node_remove(&conn->unordered);
    if (conn->pcb)
        tcp_free_ooseq(conn->pcb);
}

/* Until a copy of len bytes finds room, or nothing is left to give up. Each of these segments took
 * its time when it came, so that this costs no more than they did. */
void rung_lwip_unordered_yield(struct lwip_core *core, uint32_t len)
{
    while (core->copied + len > core->max_copied && !lwip_node_alone(&core->unordered))
        rung_lwip_unordered_drop(
            rung_container_of(core->unordered.next, struct lwip_conn, unordered));
}

/* With the link short of frames, a segment that will be kept becomes a copy. When copies have used
 * up their memory, one out of order is lost. One in order makes those give way, other connections'
 * first; and if that is not enough, connections that hold some already lose their segments, so that
 * a few whose apps do not read leave the others room. */
struct pbuf *rung_lwip_unordered_spare(struct lwip_core *core, const struct tcp_pcb *pcb,
                                       struct pbuf *p)
{
    const struct tcp_hdr *head = p->payload;
    struct lwip_conn *conn = pcb ? pcb->callback_arg : NULL;
    if (p->tot_len <= TCPH_HDRLEN_BYTES(head) || !pcb)
        return p; /* nothing of it is kept */
    if (!TCP_SEQ_GT(lwip_ntohl(head->seqno), pcb->rcv_nxt)) {
        if (!conn)
            return p; /* nobody reads it any more */
        lwip_node_remove(&conn->unordered); /* what it has is in order soon */
        return rung_lwip_spare(core, p, !conn->held);
    }
    if (conn && core->copied + p->tot_len <= core->max_copied)
        return rung_lwip_spare(core, p, false);
    pbuf_free(p);
    return NULL;
}
