/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_conn.c - a connection's life, and how its app hears of what happens to it. */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/priv/tcp_priv.h"

#define CONN_STARVED_ROUNDS 8u
#define CONN_POLL 10u /* of lwIP's slow ticks: once a second */

static struct lwip_conn *conn_of_due(struct lwip_node *node)
{
    return rung_container_of(node, struct lwip_conn, due);
}

struct lwip_conn *rung_lwip_conn_new(struct lwip_core *core)
{
    struct lwip_conn *conn = rung_zalloc(core->p, 1, sizeof(*conn));
    if (!conn)
        return NULL;
    conn->base.tcp = &core->self->tcp;
    conn->core = core;
    conn->rx_end = &conn->rx;
    conn->tx_end = &conn->tx;
    conn->rx_want = true;
    struct lwip_node *nodes[] = {&conn->at, &conn->due, &conn->ack, &conn->watch,
                                 &conn->unordered};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(nodes); i++)
        lwip_node_init(nodes[i]);
    lwip_node_append(&core->conns, &conn->all);
    core->conn_count++;
    return conn;
}

/* lwIP's callbacks: they note, and change nothing that lwIP is looking at. */

/* A delayed acknowledgement is for one segment (RFC 5681 4.2). lwIP takes several that a link
 * has put together for one, and the peer would wait for the next, or for the timer. */
static void conn_will_acknowledge(struct lwip_conn *conn, const struct tcp_pcb *pcb, uint32_t len)
{
    bool several = len > pcb->mss;
    if (several)
        lwip_node_remove(&conn->ack);
    if (lwip_node_alone(&conn->ack))
        lwip_node_append(several ? &conn->core->overdue : &conn->core->unacknowledged,
                         &conn->ack);
}

static err_t conn_on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct lwip_conn *conn = arg;
    (void)err;
    if (!p) {
        conn->rx_end_seen = true;
        rung_lwip_conn_event(conn, RUNG_TCP_RX);
        return ERR_OK;
    }
    conn_will_acknowledge(conn, pcb, p->tot_len);
    if (conn->stage == LWIP_LET_GO) { /* nobody will take it: RFC 9293 3.10.7.4, "receive" closed */
        pbuf_free(p);
        rung_lwip_conn_doom(conn);
        return ERR_OK;
    }
    while (p) {
        struct pbuf *rest = p->next; /* the chain's reference to it is the list's now */
        p->next = NULL;
        p->tot_len = p->len;
        if (p->len) {
            *conn->rx_end = p;
            conn->rx_end = &p->next;
            conn->held += p->len;
        } else {
            pbuf_free(p);
        }
        p = rest;
    }
    rung_lwip_conn_event(conn, RUNG_TCP_RX);
    return ERR_OK;
}

static err_t conn_on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct lwip_conn *conn = arg;
    (void)pcb;
    conn->acked += len;
    rung_lwip_conn_event(conn, 0);
    return ERR_OK;
}

/* lwIP frees the pcb; conn_on_destroyed() comes before or after this. */
static void conn_on_error(void *arg, err_t err)
{
    struct lwip_conn *conn = arg;
    if (err == ERR_CLSD) /* both sides are shut: an end, not a failure */
        return;
    rung_lwip_conn_dies(conn, err == ERR_RST ? RUNG_E_RESET : RUNG_E_TIMEDOUT);
}

/* Once a second: a close has its time, and a segment that found no memory another chance. */
static err_t conn_on_poll(void *arg, struct tcp_pcb *pcb)
{
    struct lwip_conn *conn = arg;
    (void)pcb;
    if (conn->stage == LWIP_LET_GO && rung_loop_now_ns(conn->core->p) >= conn->linger_due_ns)
        rung_lwip_conn_doom(conn);
    else if (conn->feed || (conn->tx_shut && !conn->tx_fin))
        rung_lwip_conn_event(conn, 0);
    return ERR_OK;
}

static void conn_leave_half(struct lwip_conn *conn)
{
    if (conn->stage == LWIP_HALF && !lwip_node_alone(&conn->at)) {
        lwip_node_remove(&conn->at);
        conn->core->half_count--;
    }
}

static void conn_on_destroyed(u8_t id, void *data)
{
    struct lwip_conn *conn = data;
    (void)id;
    if (!conn)
        return;
    conn->pcb = NULL;
    conn_leave_half(conn);
    rung_lwip_conn_event(conn, 0); /* frees it, if it is nobody's */
}

static const struct tcp_ext_arg_callbacks conn_watch = {.destroy = conn_on_destroyed};

void rung_lwip_conn_attach(struct lwip_conn *conn, struct tcp_pcb *pcb)
{
    conn->pcb = pcb;
    pcb->rto = pcb->sv = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL; /* lwIP's own is 3 s */
    tcp_arg(pcb, conn);
    tcp_recv(pcb, conn_on_recv);
    tcp_sent(pcb, conn_on_sent);
    tcp_err(pcb, conn_on_error);
    tcp_poll(pcb, conn_on_poll, CONN_POLL);
    tcp_ext_arg_set_callbacks(pcb, 0, &conn_watch);
    tcp_ext_arg_set(pcb, 0, conn);
    tcp_nagle_disable(pcb);
}

void rung_lwip_conn_detach(struct lwip_conn *conn)
{
    if (!conn->pcb)
        return;
    tcp_arg(conn->pcb, NULL);
    tcp_recv(conn->pcb, NULL);
    tcp_sent(conn->pcb, NULL);
    tcp_err(conn->pcb, NULL);
    tcp_poll(conn->pcb, NULL, 0);
    tcp_ext_arg_set(conn->pcb, 0, NULL);
    conn->pcb = NULL;
}

/* Ends of a life. */

static void conn_drop_received(struct lwip_conn *conn)
{
    while (conn->rx) {
        struct pbuf *p = conn->rx;
        conn->rx = p->next;
        p->next = NULL;
        pbuf_free(p);
    }
    conn->rx_end = &conn->rx;
    conn->held = 0;
}

void rung_lwip_conn_dies(struct lwip_conn *conn, int error)
{
    if (conn->error)
        return;
    conn->error = error;
    if (conn->stage == LWIP_CALLING)
        rung_lwip_connect_end(conn, error == RUNG_E_RESET ? RUNG_E_REFUSED : error);
    else
        rung_lwip_conn_event(conn, RUNG_TCP_RX | RUNG_TCP_TX | RUNG_TCP_DOWN);
}

void rung_lwip_conn_doom(struct lwip_conn *conn)
{
    conn->doomed = true;
    lwip_node_remove(&conn->due);
    lwip_node_append(&conn->core->doomed, &conn->due);
    rung_lwip_dispatch_soon(conn->core);
}

void rung_lwip_conn_abort(struct lwip_conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;
    if (pcb) {
        struct lwip_core *core = conn->core;
        bool entered = core->joined;
        rung_lwip_conn_detach(conn);
        if (!entered)
            rung_lwip_enter(core, conn->bucket);
        tcp_abort(pcb);
        if (!entered)
            rung_lwip_leave(core);
    }
    conn_leave_half(conn);
    rung_lwip_conn_unsend(conn);
    conn_drop_received(conn);
    rung_lwip_conn_reap(conn);
}

/* The app, the peer and what was lent: when none of them needs it, it goes. */
void rung_lwip_conn_reap(struct lwip_conn *conn)
{
    struct lwip_core *core = conn->core;
    if (conn->busy)
        return; /* conn_tell() comes again */
    bool nobody = conn->stage == LWIP_LET_GO || (conn->stage == LWIP_HALF && !conn->pcb);
    if (conn->stage == LWIP_QUEUED && !conn->pcb && !conn->rx && conn->error) {
        nobody = true; /* reset before anybody accepted it */
        lwip_node_remove(&conn->at);
        conn->listener->queued--;
    }
    if (!nobody || (conn->pcb && (conn->queued || (conn->tx_shut && !conn->tx_fin))))
        return;
    rung_lwip_unordered_drop(conn);
    rung_lwip_conn_detach(conn);
    rung_lwip_conn_unsend(conn);
    conn_drop_received(conn);
    conn->stage = LWIP_LET_GO;
    lwip_node_remove(&conn->due);
    lwip_node_remove(&conn->ack);
    lwip_node_remove(&conn->watch);
    if (!lwip_node_alone(&conn->all)) {
        lwip_node_remove(&conn->all);
        core->conn_count--;
    }
    if (!conn->lent)
        rung_free(core->p, conn);
}

/* Telling. */

void rung_lwip_conn_event(struct lwip_conn *conn, unsigned events)
{
    conn->events |= events;
    if (!conn->doomed) {
        lwip_node_remove(&conn->due);
        lwip_node_append(&conn->core->pending, &conn->due);
    }
    rung_lwip_dispatch_soon(conn->core);
}

/* Of what has happened, what the app is owed. */
static unsigned conn_owed(struct lwip_conn *conn)
{
    unsigned owed = 0;
    if ((conn->events & RUNG_TCP_RX) && conn->rx_want) {
        conn->rx_want = false;
        owed |= RUNG_TCP_RX;
    }
    if ((conn->events & RUNG_TCP_TX) && conn->tx_want) {
        conn->tx_want = false;
        owed |= RUNG_TCP_TX;
    }
    if ((conn->events & RUNG_TCP_DOWN) && !conn->told_down) {
        conn->told_down = true;
        owed |= RUNG_TCP_DOWN;
    }
    conn->events = 0;
    return owed;
}

static void conn_tell(struct lwip_conn *conn)
{
    conn->busy = true;
    if (conn->error)
        rung_lwip_conn_unsend(conn);
    else
        rung_lwip_conn_move(conn);
    conn->busy = false;
    if (conn->stage == LWIP_OPEN && !conn->base.ready) {
        if (conn->events)
            lwip_node_append(&conn->core->mute, &conn->due);
    } else if (conn->stage == LWIP_OPEN) {
        unsigned owed = conn_owed(conn);
        if (owed)
            conn->base.ready(&conn->base, owed); /* it may close the connection */
    } else if (conn->stage != LWIP_OPEN) {
        rung_lwip_conn_reap(conn);
    }
}

static void conn_listeners_tell(struct lwip_core *core)
{
    struct lwip_node *node = core->listeners.next;
    while (node != &core->listeners) {
        struct lwip_listener *listener = rung_container_of(node, struct lwip_listener, all);
        if (listener->want && listener->queued && listener->base.ready) {
            listener->want = false;
            listener->base.ready(&listener->base); /* it may unlisten: begin again */
            node = core->listeners.next;
        } else {
            node = node->next;
        }
    }
}

static void conn_doomed_end(struct lwip_core *core)
{
    while (!lwip_node_alone(&core->doomed)) {
        struct lwip_conn *conn = conn_of_due(core->doomed.next);
        lwip_node_remove(&conn->due);
        rung_lwip_conn_dies(conn, RUNG_E_RESET);
        rung_lwip_conn_abort(conn);
    }
}

/* All of one ring to the end of another. */
static void conn_ring_move(struct lwip_node *to, struct lwip_node *from)
{
    if (lwip_node_alone(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    lwip_node_init(from);
}

/* Those that wait now; what comes meanwhile waits for the next round, so that this ends. */
static void conn_pending_tell(struct lwip_core *core)
{
    struct lwip_node now;
    lwip_node_init(&now);
    conn_ring_move(&now, &core->pending);
    while (!lwip_node_alone(&now)) {
        struct lwip_conn *conn = conn_of_due(now.next);
        lwip_node_remove(&conn->due);
        conn_tell(conn);
    }
}

/* Twice: what the apps send in answer is handed to lwIP in the same turn. */
void rung_lwip_dispatch(struct lwip_core *core)
{
    if (core->dispatching)
        return;
    core->dispatching = true;
    conn_ring_move(&core->pending, &core->mute);
    for (unsigned round = 0; round < 2; round++) {
        conn_doomed_end(core);
        conn_listeners_tell(core);
        conn_pending_tell(core);
    }
    rung_lwip_udp_dispatch(core);
    core->dispatching = false;
}

void rung_lwip_dispatch_task(struct rung_task *task)
{
    struct lwip_core *core = rung_container_of(task, struct lwip_core, dispatch_task);
    core->in_turn = true;
    rung_lwip_turn_end(core);
}

void rung_lwip_dispatch_soon(struct lwip_core *core)
{
    if (!core->in_turn)
        rung_loop_defer(core->p, &core->dispatch_task);
}

/* Segments that found no frame to leave in: once more, now that those before have left. */
static void conn_starved(struct lwip_core *core)
{
    for (unsigned i = 0; i < CONN_STARVED_ROUNDS && core->tx_starved && !core->tx_full; i++) {
        core->tx_starved = false;
        rung_lwip_join(core);
        tcp_txnow();
        rung_lwip_part(core);
        rung_lwip_flush(core);
    }
    if (core->tx_starved && !core->tx_full)
        rung_loop_defer(core->p, &core->dispatch_task);
}

void rung_lwip_turn_end(struct lwip_core *core)
{
    if (core->self) {
        rung_lwip_dispatch(core);
        rung_lwip_acknowledge(&core->overdue); /* what no answer of an app has carried */
    }
    rung_lwip_flush(core);
    if (core->tx_starved && core->self)
        conn_starved(core);
    core->in_turn = false;
    /* Buffers that went back to apps may have made them send more. */
    if (core->self && !(lwip_node_alone(&core->pending) && lwip_node_alone(&core->doomed)))
        rung_loop_defer(core->p, &core->dispatch_task);
}
