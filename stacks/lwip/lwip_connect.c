/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_connect.c - connections that the app opens. */
#include "lwip_int.h"

#include "lwip/priv/tcp_priv.h"

#define CONNECT_PORT_MIN 32768u /* as Linux picks them; each comes from the entropy service */
#define CONNECT_PORT_COUNT 28232u
#define CONNECT_TRIES 64u

static struct rung_tcp_connect *connect_of(struct rung_op *op)
{
    return rung_container_of(op, struct rung_tcp_connect, op);
}

/* Ends the request: with the connection for 0, without it else. lwIP may be at work. */
void rung_lwip_connect_end(struct lwip_conn *conn, int result)
{
    struct rung_tcp_connect *how = conn->calling;
    conn->calling = NULL;
    conn->stage = result ? LWIP_LET_GO : LWIP_OPEN;
    how->conn = result ? NULL : &conn->base;
    rung_op_finish(conn->core->p, &how->op, result);
    rung_lwip_conn_event(conn, 0);
    rung_loop_defer(conn->core->p, &conn->core->dispatch_task); /* done() sets ready before that */
}

static void connect_cancel(struct rung_op *op)
{
    struct lwip_conn *conn = connect_of(op)->module[0];
    rung_lwip_connect_end(conn, RUNG_E_CANCELED);
    rung_lwip_conn_abort(conn);
}

static err_t connect_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)err; /* lwIP only reports success here */
    rung_lwip_guard_mss(pcb);
    rung_lwip_connect_end(arg, RUNG_OK);
    return ERR_OK;
}

static bool connect_is_free(struct lwip_core *core, struct lwip_bucket *bucket,
                            const ip_addr_t *local, uint16_t port, const ip_addr_t *peer,
                            uint16_t peer_port)
{
    struct tcp_pcb *lists[] = {bucket->active, bucket->waiting};
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(lists); i++)
        for (struct tcp_pcb *pcb = lists[i]; pcb; pcb = pcb->next)
            if (pcb->local_port == port && pcb->remote_port == peer_port
                && ip_addr_cmp(&pcb->remote_ip, peer) && ip_addr_cmp(&pcb->local_ip, local))
                return false;
    return !rung_lwip_port_taken(core, port);
}

/* The port to call from: the app's, or one by chance that makes the four numbers unique. */
static int connect_port(struct lwip_conn *conn, const ip_addr_t *local, const ip_addr_t *peer,
                        uint16_t wanted, uint16_t *port)
{
    struct lwip_core *core = conn->core;
    uint16_t peer_port = conn->calling->peer.port;
    for (unsigned i = 0; i < CONNECT_TRIES; i++) {
        uint32_t chance = CONNECT_PORT_MIN + rung_lwip_port_random() % CONNECT_PORT_COUNT;
        *port = wanted ? wanted : (uint16_t)chance;
        conn->bucket = rung_lwip_bucket(core, local, *port, peer, peer_port);
        if (connect_is_free(core, conn->bucket, local, *port, peer, peer_port))
            return RUNG_OK;
        if (wanted)
            return RUNG_E_ADDRINUSE;
    }
    return RUNG_E_LIMIT;
}

static int connect_error(err_t err)
{
    switch (err) {
    case ERR_OK: return RUNG_OK;
    case ERR_RTE: return RUNG_E_UNREACH;
    case ERR_USE: return RUNG_E_ADDRINUSE;
    case ERR_BUF: return RUNG_E_LIMIT;
    default: return RUNG_E_NOMEM;
    }
}

/* Checks both ends. A local address that the app left open is the one that reaches the peer. */
static int connect_ends(struct lwip_core *core, const struct rung_tcp_connect *how,
                        ip_addr_t *local, ip_addr_t *peer)
{
    if (!rung_lwip_from_addr(peer, &how->peer))
        return RUNG_E_NOTSUP;
    if (how->local.family != RUNG_AF_NONE) {
        if (how->local.family != how->peer.family
            || !rung_lwip_from_addr(local, &how->local))
            return RUNG_E_NOTSUP;
        if (!ip_addr_isany(local) && !rung_lwip_addr_ours(core, local))
            return RUNG_E_ADDRNOTAVAIL;
    } else {
        *local = *IP_ANY_TYPE;
    }
    int way = rung_lwip_addr_way(core, peer);
    if (!way && ip_addr_isany(local)) {
        const ip_addr_t *own = ip_netif_get_local_ip(&core->netif, peer);
        if (!own)
            return RUNG_E_UNREACH;
        *local = *own;
    }
    return way;
}

static int connect_start(struct lwip_conn *conn, const ip_addr_t *local, const ip_addr_t *peer)
{
    struct rung_tcp_connect *how = conn->calling;
    struct lwip_core *core = conn->core;
    uint16_t port;
    int result = connect_port(conn, local, peer, how->local.port, &port);
    if (result)
        return result;
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(peer));
    if (!pcb)
        return RUNG_E_NOMEM;
    rung_lwip_enter(core, conn->bucket);
    err_t err = tcp_bind(pcb, local, port);
    if (!err) {
        rung_lwip_conn_attach(conn, pcb);
        err = tcp_connect(pcb, peer, how->peer.port, connect_on_connected);
    }
    if (err) {
        rung_lwip_conn_detach(conn);
        tcp_abort(pcb);
    }
    rung_lwip_leave(core);
    return connect_error(err);
}

void rung_lwip_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how)
{
    struct lwip_core *core = rung_container_of(tcp, struct rung_lwip, tcp)->core;
    ip_addr_t local, peer;
    how->conn = NULL;
    how->op.cancel = NULL;
    int result = connect_ends(core, how, &local, &peer);
    if (!result && core->conn_count >= core->max_conns)
        result = RUNG_E_LIMIT;
    struct lwip_conn *conn = result ? NULL : rung_lwip_conn_new(core);
    if (!result && !conn)
        result = RUNG_E_NOMEM;
    if (result) {
        rung_op_finish(core->p, &how->op, result);
        return;
    }
    conn->stage = LWIP_CALLING;
    conn->calling = how;
    result = connect_start(conn, &local, &peer);
    if (result) {
        rung_lwip_connect_end(conn, result);
        return;
    }
    how->module[0] = conn;
    how->op.cancel = connect_cancel;
}
