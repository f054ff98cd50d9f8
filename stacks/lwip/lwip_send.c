/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_send.c - the app's bytes on their way: taken from the app, handed to lwIP by
 * reference as its queue has room, released when the peer has acknowledged them. */
#include "lwip_int.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#define SEND_SMALL_WINDOW 8192u
#define SEND_SHARE (256u * 128u) /* a 256th of what is left; a pbuf and its part of a segment */
#define SEND_LEAST_PBUFS 16u     /* eight segments */

err_t rung_lwip_real_tcp_split_unsent_seg(struct tcp_pcb *pcb, u16_t split);

/* Called by name by lwIP's tcp.c, when its timer finds that a peer's window stays smaller than the
 * next segment. lwIP means to move FIN and PSH to the second half and leaves them on the first too:
 * to the peer the stream ended there, and the second half was never read. */
err_t tcp_split_unsent_seg(struct tcp_pcb *pcb, u16_t split)
{
    const struct tcp_seg *first = pcb->unsent; /* it stays the first; NULL: lwIP says so */
    uint16_t len = first ? first->len : 0;
    err_t err = rung_lwip_real_tcp_split_unsent_seg(pcb, split);
    if (first && first->len < len)
        TCPH_UNSET_FLAG(first->tcphdr, TCP_FIN | TCP_PSH);
    return err;
}

static size_t send_left(const struct lwip_conn *conn)
{
    return conn->feed->len - conn->fed;
}

/* lwIP's length is 16 bits. Chunks end on whole segments, so that no short ones stand in
 * between. */
static uint16_t send_chunk(const struct lwip_conn *conn, size_t room)
{
    size_t mss = tcp_mss(conn->pcb), len = send_left(conn);
    if (len > room)
        len = room;
    if (len > UINT16_MAX)
        len = UINT16_MAX;
    if (len < send_left(conn) && len > mss)
        len -= len % mss;
    return (uint16_t)len;
}

/* However short a segment is, it costs two pbufs and its own block. A connection that has a small
 * MSS, or many small answers to send, may have a share of what the others leave, so that many which
 * acknowledge nothing do not use it up: the more there are, the less each has. */
static size_t send_segments(const struct lwip_conn *conn)
{
    size_t most = (size_t)(rung_lwip_port_left(conn->core) / SEND_SHARE) + SEND_LEAST_PBUFS;
    size_t has = conn->pcb->snd_queuelen;
    return has < most ? (most - has) / 2 : 0;
}

/* lwIP's longest segment is half the largest window that the peer has shown, options included. Half
 * of nothing is a whole MSS to it, and half of less than the options and a byte wraps around to
 * 64 KiB: until the window has been larger, a byte at a time has to do. To a small window lwIP is
 * given two of it and no more: each of those short segments costs as much memory as a long one. */
static size_t send_room(const struct lwip_conn *conn)
{
    const struct tcp_pcb *pcb = conn->pcb;
    size_t has = TCP_SND_BUF - (size_t)pcb->snd_buf, most = 2 * (size_t)pcb->snd_wnd_max;
    size_t room = send_segments(conn) * tcp_mss(pcb);
    if (pcb->snd_wnd_max >= SEND_SMALL_WINDOW)
        most = TCP_SND_BUF;
    else if (pcb->snd_wnd_max < 2 * (LWIP_TCP_OPT_LEN_TS_OUT + 1))
        most = 1;
    most = has < most ? most - has : 0;
    return room < most ? room : most;
}

/* lwIP adds bytes, and FIN, to the last segment that waits, which it takes for the last of all.
 * While one that was lost waits, for a window or a frame to leave in, that may be an early one. */
static bool send_is_last(const struct tcp_pcb *pcb)
{
    const struct tcp_seg *seg = pcb->unsent;
    if (!seg || !TCP_SEQ_LT(lwip_ntohl(seg->tcphdr->seqno), pcb->snd_nxt))
        return true;
    while (seg->next)
        seg = seg->next;
    return lwip_ntohl(seg->tcphdr->seqno) + TCP_TCPLEN(seg) == pcb->snd_lbb;
}

static void send_feed(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    if (!pcb || conn->stage == LWIP_HALF || conn->stage == LWIP_CALLING)
        return;
    size_t room;
    bool last = send_is_last(pcb); /* else conn_on_poll() comes again */
    while (last && conn->feed && (room = send_room(conn)) > 0) {
        uint16_t len = send_chunk(conn, room);
        bool more = len < send_left(conn) || conn->feed->next;
        /* Too little room to be worth a segment: wait for acknowledgements of more. */
        if (len < send_left(conn) && len < tcp_mss(pcb) && pcb->unacked)
            break;
        if (tcp_write(pcb, conn->feed->data + conn->fed, len, more ? TCP_WRITE_FLAG_MORE : 0))
            break;
        conn->fed += len;
        if (conn->fed == conn->feed->len) {
            conn->feed = conn->feed->next;
            conn->fed = 0;
        }
    }
    if (last && !conn->feed && conn->tx_shut && !conn->tx_fin) {
        err_t err;
        conn->tx_fin = true;
        rung_lwip_enter(conn->core, conn->bucket);
        err = conn->stage == LWIP_LET_GO ? tcp_close(pcb) : tcp_shutdown(pcb, 0, 1);
        rung_lwip_leave(conn->core);
        if (err == ERR_MEM)
            conn->tx_fin = false; /* conn_on_poll() comes again */
    }
    if (conn->pcb)
        tcp_output(conn->pcb);
    rung_lwip_loss_watch(conn);
}

/* An idle connection takes a buffer of any length; one that has some, if there is room for all. */
static bool send_has_room(const struct lwip_conn *conn, size_t most)
{
    const struct lwip_core *core = conn->core;
    return !conn->queued || (conn->queued < most && core->tx_bytes < core->max_tx);
}

int rung_lwip_send(struct rung_tcp_conn *base, struct rung_buf *const b[], unsigned n)
{
    struct lwip_conn *conn = rung_container_of(base, struct lwip_conn, base);
    unsigned k = 0;
    if (!conn->pcb || conn->error || conn->tx_shut)
        return RUNG_E_DOWN;
    for (; k < n && send_has_room(conn, conn->core->tx_buffer); k++) {
        struct rung_buf *buf = b[k];
        buf->next = NULL;
        *conn->tx_end = buf;
        conn->tx_end = &buf->next;
        if (!conn->feed)
            conn->feed = buf;
        conn->queued += buf->len;
        conn->core->tx_bytes += buf->len;
    }
    if (k < n)
        conn->tx_want = true;
    rung_lwip_conn_event(conn, 0); /* fed when the turn ends: what comes together leaves together */
    return (int)k;
}

/* Releases what the peer has. */
static void send_release(struct lwip_conn *conn)
{
    while (conn->tx && conn->acked >= conn->tx->len && conn->tx != conn->feed) {
        struct rung_buf *buf = conn->tx;
        conn->acked -= buf->len;
        conn->queued -= buf->len;
        conn->core->tx_bytes -= buf->len;
        conn->tx = buf->next;
        if (!conn->tx)
            conn->tx_end = &conn->tx;
        rung_lwip_give_back(conn->core, buf);
    }
    if (!conn->tx)
        conn->acked = 0; /* SYN and FIN count for lwIP, and are not ours */
}

/* Moves all that can be moved: buffers back to the app, bytes to lwIP. */
void rung_lwip_conn_move(struct lwip_conn *conn)
{
    if (conn->acked)
        send_release(conn);
    send_feed(conn);
    if (conn->tx_want && send_has_room(conn, conn->core->tx_buffer / 2 + 1))
        conn->events |= RUNG_TCP_TX;
}

void rung_lwip_conn_unsend(struct lwip_conn *conn)
{
    conn->feed = NULL;
    conn->fed = conn->acked = 0;
    conn->core->tx_bytes -= conn->queued;
    conn->queued = 0;
    if (conn->tx)
        rung_lwip_flush(conn->core); /* so that hardly ever a frame is left that shows them */
    while (conn->tx) {
        struct rung_buf *buf = conn->tx;
        conn->tx = buf->next;
        rung_lwip_give_back(conn->core, buf);
    }
    conn->tx_end = &conn->tx;
}
