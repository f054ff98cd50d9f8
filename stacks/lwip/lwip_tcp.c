/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_tcp.c - TCP's table: receiving, ending, options. */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/priv/tcp_priv.h"

#define TCP_KEEP_MAX_S 32767u /* as on Linux */
#define TCP_KEEP_INTERVAL_S 75u
#define TCP_KEEP_PROBES 9u

static struct lwip_conn *tcp_conn(struct rung_tcp_conn *base)
{
    return rung_container_of(base, struct lwip_conn, base);
}

/* The window opens by what the app has released. */
static void tcp_give_window(struct lwip_conn *conn, uint32_t len)
{
    while (len && conn->pcb) {
        uint16_t part = (uint16_t)(len > UINT16_MAX ? UINT16_MAX : len);
        tcp_recved(conn->pcb, part);
        len -= part;
    }
}

static void tcp_buf_release(struct rung_buf *buf)
{
    struct lwip_piece *piece = rung_container_of(buf, struct lwip_piece, buf);
    struct lwip_conn *conn = piece->conn;
    if (conn) {
        conn->lent--;
        if (conn->held >= piece->window)
            conn->held -= piece->window;
        tcp_give_window(conn, piece->window);
        if (conn->stage == LWIP_LET_GO && lwip_node_alone(&conn->all) && !conn->lent)
            rung_free(conn->core->p, conn);
    }
    pbuf_free(&piece->pc.pbuf);
}

/* A pbuf of lwIP's own making (it copies a few, when it puts fragments together) becomes one of
 * ours. */
static struct lwip_piece *tcp_piece(struct lwip_conn *conn, struct pbuf *p)
{
    if (rung_lwip_piece_is(p))
        return rung_container_of(rung_container_of(p, struct pbuf_custom, pbuf), struct lwip_piece,
                                 pc);
    struct lwip_piece *piece = rung_lwip_piece_copy(conn->core, p, 0, p->len);
    if (piece)
        pbuf_free(p);
    return piece;
}

static int tcp_recv_end(struct lwip_conn *conn)
{
    if (conn->rx_end_seen) /* whatever follows it */
        return RUNG_E_EOF;
    if (conn->error)
        return conn->error;
    conn->rx_want = true;
    return 0;
}

static int lwip_recv(struct rung_tcp_conn *base, struct rung_buf *b[], unsigned n)
{
    struct lwip_conn *conn = tcp_conn(base);
    unsigned k = 0;
    while (k < n && conn->rx) {
        struct pbuf *p = conn->rx, *next = p->next;
        p->next = NULL;
        struct lwip_piece *piece = tcp_piece(conn, p);
        if (!piece) {
            p->next = next;
            break;
        }
        conn->rx = next;
        if (!next)
            conn->rx_end = &conn->rx;
        piece->conn = conn;
        piece->window = piece->pc.pbuf.len;
        piece->buf = (struct rung_buf){.data = piece->pc.pbuf.payload, .len = piece->window,
                                       .release = tcp_buf_release};
        conn->lent++;
        b[k++] = &piece->buf;
    }
    if (k)
        return (int)k;
    if (conn->rx) { /* no memory for a copy: the poll asks again */
        rung_lwip_conn_event(conn, RUNG_TCP_RX);
        conn->rx_want = true;
        return 0;
    }
    return tcp_recv_end(conn);
}

static int lwip_shutdown(struct rung_tcp_conn *base)
{
    struct lwip_conn *conn = tcp_conn(base);
    if (conn->error || (!conn->pcb && !conn->tx_shut))
        return RUNG_E_DOWN;
    if (!conn->tx_shut) {
        conn->tx_shut = true;
        conn->tx_want = false;
        rung_lwip_conn_event(conn, 0);
    }
    return RUNG_OK;
}

static void lwip_abort(struct rung_tcp_conn *base)
{
    struct lwip_conn *conn = tcp_conn(base);
    conn->stage = LWIP_LET_GO;
    rung_lwip_conn_abort(conn);
}

static void lwip_close(struct rung_tcp_conn *base)
{
    struct lwip_conn *conn = tcp_conn(base);
    struct lwip_core *core = conn->core;
    if (conn->rx || conn->error || !conn->pcb) { /* bytes nobody took: a reset (RFC 2525 2.17) */
        lwip_abort(base);
        return;
    }
    /* lwIP resets a connection whose window is not whole. What is lent has been taken. */
    if (conn->lent)
        conn->pcb->rcv_wnd = TCP_WND_MAX(conn->pcb);
    conn->stage = LWIP_LET_GO;
    conn->tx_shut = true;
    conn->linger_due_ns = rung_loop_now_ns(core->p) + core->linger_ns;
    if (conn->tx_fin) { /* shut already: what is left is to stop listening */
        rung_lwip_enter(core, conn->bucket);
        tcp_close(conn->pcb);
        rung_lwip_leave(core);
    }
    rung_lwip_conn_event(conn, 0);
}

static int lwip_set(struct rung_tcp_conn *base, enum rung_tcp_option option, uint32_t value)
{
    struct tcp_pcb *pcb = tcp_conn(base)->pcb;
    switch (option) {
    case RUNG_TCP_NODELAY:
        if (value > 1)
            return RUNG_E_RANGE;
        if (pcb && value)
            tcp_nagle_disable(pcb);
        else if (pcb)
            tcp_nagle_enable(pcb);
        return RUNG_OK;
    case RUNG_TCP_KEEPALIVE:
        if (value > TCP_KEEP_MAX_S)
            return RUNG_E_RANGE;
        if (!pcb)
            return RUNG_OK;
        ip_reset_option(pcb, SOF_KEEPALIVE);
        if (value)
            ip_set_option(pcb, SOF_KEEPALIVE);
        pcb->keep_idle = value * 1000u;
        pcb->keep_intvl = 1000u * (value < TCP_KEEP_INTERVAL_S ? value : TCP_KEEP_INTERVAL_S);
        pcb->keep_cnt = TCP_KEEP_PROBES;
        return RUNG_OK;
    default: return RUNG_E_NOTSUP;
    }
}

static int lwip_address(struct rung_tcp_conn *base, enum rung_tcp_end end, struct rung_addr *addr)
{
    struct tcp_pcb *pcb = tcp_conn(base)->pcb;
    if (!pcb)
        return RUNG_E_DOWN;
    *addr = end == RUNG_TCP_LOCAL ? rung_lwip_to_addr(&pcb->local_ip, pcb->local_port)
                                  : rung_lwip_to_addr(&pcb->remote_ip, pcb->remote_port);
    return RUNG_OK;
}

/* What waits for nothing but time goes too: FIN-WAIT, TIME-WAIT. */
static void tcp_forget(struct lwip_core *core)
{
    rung_lwip_join(core);
    while (tcp_active_pcbs)
        tcp_abandon(tcp_active_pcbs, 0);
    while (tcp_tw_pcbs)
        tcp_abandon(tcp_tw_pcbs, 0);
    rung_lwip_part(core);
}

static void lwip_stop(struct rung_tcp *tcp, struct rung_op *op)
{
    struct lwip_core *core = rung_container_of(tcp, struct rung_lwip, tcp)->core;
    while (!lwip_node_alone(&core->listeners))
        rung_lwip_unlisten(
            &rung_container_of(core->listeners.next, struct lwip_listener, all)->base);
    while (!lwip_node_alone(&core->conns)) {
        struct lwip_conn *conn = rung_container_of(core->conns.next, struct lwip_conn, all);
        if (conn->stage == LWIP_CALLING)
            rung_lwip_connect_end(conn, RUNG_E_CANCELED);
        conn->stage = LWIP_LET_GO;
        rung_lwip_conn_abort(conn);
    }
    tcp_forget(core);
    rung_lwip_stopped(core, LWIP_TCP_PART, op);
}

#define lwip_listen rung_lwip_listen
#define lwip_unlisten rung_lwip_unlisten
#define lwip_accept rung_lwip_accept
#define lwip_connect rung_lwip_connect
#define lwip_send rung_lwip_send

const struct rung_tcp_ops rung_lwip_tcp_ops = RUNG_TCP_TABLE("lwip", lwip);
