/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_listen.c - listeners: handshakes under way, connections that wait for accept().
 * lwIP's own backlog counts to 255 and drops what comes beyond, so that a flood of SYNs would keep
 * everybody out. Here the oldest unfinished handshake is forgotten when there are too many: a real
 * one is over in a round trip, a forged one never. */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/priv/tcp_priv.h"

#define LISTEN_PORT_MIN 49152u /* RFC 6335 6: dynamic ports */
#define LISTEN_WARN_NS (10 * RUNG_NS_PER_S)

static struct lwip_listener *listener_of(struct rung_tcp_listener *base)
{
    return rung_container_of(base, struct lwip_listener, base);
}

/* A line about those that are refused, and not one for each SYN. */
static void listen_warn(struct lwip_core *core, const char *key)
{
    uint64_t now = rung_loop_now_ns(core->p);
    if (now < core->full_warn_ns)
        return;
    core->full_warn_ns = now + LISTEN_WARN_NS;
    rung_log(core->p, RUNG_LOG_WARN, core->slot, "%u connections are open: new ones wait outside "
             "until one is closed (see %s.%s)", core->conn_count, core->slot, key);
}

/* The handshake is done; or lwIP found no memory for the pcb of a new one. */
static err_t listen_on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct lwip_conn *conn;
    (void)arg;
    if (!pcb)
        listen_warn(rung_lwip_port_core(), "memory");
    if (!pcb || err)
        return ERR_VAL;
    conn = tcp_ext_arg_get(pcb, 0);
    if (!conn)
        return ERR_VAL;
    lwip_node_remove(&conn->at);
    conn->core->half_count--;
    conn->stage = LWIP_QUEUED;
    lwip_node_append(&conn->listener->queue, &conn->at);
    conn->listener->queued++;
    rung_lwip_dispatch_soon(conn->core);
    return ERR_OK;
}

/* A connection for one more, if there is room; the last of the memory is for the old ones. */
static struct lwip_conn *listen_new(struct lwip_core *core)
{
    bool full = core->conn_count >= core->max_conns;
    struct lwip_conn *conn =
        full || rung_lwip_port_is_short(core) ? NULL : rung_lwip_conn_new(core);
    if (!conn)
        listen_warn(core, full ? "max-connections" : "memory");
    return conn;
}

/* A SYN for a listener. An error drops it, and the peer tries again later. */
static err_t listen_on_syn(u8_t id, struct tcp_pcb_listen *listen, struct tcp_pcb *pcb)
{
    struct lwip_listener *listener = tcp_ext_arg_get((struct tcp_pcb *)listen, id);
    struct lwip_core *core = listener->core;
    struct lwip_conn *conn = listener->queued < listener->backlog ? listen_new(core) : NULL;
    if (!conn)
        return ERR_MEM;
    conn->stage = LWIP_HALF;
    conn->listener = listener;
    conn->bucket = core->entered;
    rung_lwip_guard_mss(pcb);
    rung_lwip_conn_attach(conn, pcb);
    lwip_node_append(&core->half_open, &conn->at);
    core->half_count++;
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks listen_watch = {.passive_open = listen_on_syn};

void rung_lwip_half_trim(struct lwip_core *core)
{
    while (core->half_count > core->max_half_open) {
        struct lwip_conn *conn = rung_container_of(core->half_open.next, struct lwip_conn, at);
        struct tcp_pcb *pcb = conn->pcb;
        rung_lwip_conn_detach(conn);
        rung_lwip_enter(core, conn->bucket);
        tcp_abandon(pcb, 0);
        rung_lwip_leave(core);
        rung_lwip_conn_abort(conn);
    }
}

bool rung_lwip_port_taken(struct lwip_core *core, uint16_t port)
{
    (void)core;
    for (struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs; l; l = l->next)
        if (l->local_port == port)
            return true;
    for (struct tcp_pcb *b = tcp_bound_pcbs; b; b = b->next)
        if (b->local_port == port)
            return true;
    return false;
}

/* A free port by chance; 0: all are taken. */
static uint16_t listen_pick_port(struct lwip_core *core)
{
    uint32_t count = 65536u - LISTEN_PORT_MIN, start = rung_lwip_port_random() % count;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(LISTEN_PORT_MIN + (start + i) % count);
        if (!rung_lwip_port_taken(core, port))
            return port;
    }
    return 0;
}

static int listen_bind(struct lwip_core *core, struct rung_addr *local, struct tcp_pcb **out)
{
    ip_addr_t ip = *IP_ANY_TYPE;
    struct tcp_pcb *pcb;
    err_t err;
    if (local->family != RUNG_AF_NONE) {
        if (!rung_lwip_from_addr(&ip, local))
            return RUNG_E_NOTSUP;
        if (!ip_addr_isany(&ip) && !rung_lwip_addr_ours(core, &ip))
            return RUNG_E_ADDRNOTAVAIL;
    }
    if (!local->port)
        local->port = listen_pick_port(core);
    if (!local->port)
        return RUNG_E_LIMIT;
    pcb = tcp_new_ip_type(IP_GET_TYPE(&ip));
    if (!pcb)
        return RUNG_E_NOMEM;
    err = tcp_bind(pcb, &ip, local->port);
    if (err) {
        tcp_abort(pcb);
        return RUNG_E_ADDRINUSE;
    }
    *out = tcp_listen(pcb);
    if (*out)
        return RUNG_OK;
    tcp_abort(pcb);
    return RUNG_E_NOMEM;
}

int rung_lwip_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                     struct rung_tcp_listener **out)
{
    struct lwip_core *core = rung_container_of(tcp, struct rung_lwip, tcp)->core;
    struct lwip_listener *listener = rung_zalloc(core->p, 1, sizeof(*listener));
    if (!listener)
        return RUNG_E_NOMEM;
    listener->base.tcp = tcp;
    listener->base.local = how->local;
    int err = listen_bind(core, &listener->base.local, &listener->pcb);
    if (err) {
        rung_free(core->p, listener);
        return err;
    }
    if (how->local.family == RUNG_AF_NONE)
        listener->base.local = rung_addr_any(RUNG_AF_IPV6, listener->base.local.port);
    if (how->local.family == RUNG_AF_NONE) /* both families: as the one that can name both */
        listener->base.local.family = RUNG_AF_IPV6;
    listener->core = core;
    listener->backlog = how->backlog ? how->backlog : core->backlog;
    listener->want = true;
    lwip_node_init(&listener->queue);
    lwip_node_append(&core->listeners, &listener->all);
    tcp_accept(listener->pcb, listen_on_accept);
    tcp_ext_arg_set_callbacks(listener->pcb, 0, &listen_watch);
    tcp_ext_arg_set(listener->pcb, 0, listener);
    *out = &listener->base;
    return RUNG_OK;
}

void rung_lwip_unlisten(struct rung_tcp_listener *base)
{
    struct lwip_listener *listener = listener_of(base);
    struct lwip_core *core = listener->core;
    struct lwip_node *node = core->half_open.next;
    rung_lwip_join(core); /* lwIP looks through all its connections for this listener's */
    tcp_close(listener->pcb);
    rung_lwip_part(core);
    while (node != &core->half_open) {
        struct lwip_conn *conn = rung_container_of(node, struct lwip_conn, at);
        node = node->next;
        if (conn->listener == listener)
            rung_lwip_conn_abort(conn);
    }
    while (!lwip_node_alone(&listener->queue)) {
        struct lwip_conn *conn =
            rung_container_of(listener->queue.next, struct lwip_conn, at);
        lwip_node_remove(&conn->at);
        conn->stage = LWIP_LET_GO;
        rung_lwip_conn_abort(conn);
    }
    lwip_node_remove(&listener->all);
    rung_free(core->p, listener);
}

int rung_lwip_accept(struct rung_tcp_listener *base, struct rung_tcp_conn **out)
{
    struct lwip_listener *listener = listener_of(base);
    if (lwip_node_alone(&listener->queue)) {
        listener->want = true;
        return 0;
    }
    struct lwip_conn *conn = rung_container_of(listener->queue.next, struct lwip_conn, at);
    lwip_node_remove(&conn->at);
    listener->queued--;
    conn->listener = NULL;
    conn->stage = LWIP_OPEN;
    if (conn->rx || conn->rx_end_seen || conn->error)
        rung_lwip_conn_event(conn, RUNG_TCP_RX | (conn->error ? (unsigned)RUNG_TCP_DOWN : 0u));
    *out = &conn->base;
    return 1;
}
