/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk_port.c - listening, and what connections of both kinds have in common. */
#include <inttypes.h>

#include "rung/heap.h"
#include "rung/log.h"

#include "bulk.h"

#define BULK_SILENCE_S 60u /* then a peer that has gone without a word is noticed */

void bulk_port_begin(struct bulk_port *port, struct rung_tcp_conn *tcp)
{
    struct bulk_conn *conn = rung_zalloc(port->p, 1, port->kind->size);
    if (conn == NULL) {
        if (!port->starved) /* once for all that come until there is some again */
            rung_log(port->p, RUNG_LOG_WARN, "bulk", "out of memory: connections are reset");
        port->starved = true;
        rung_tcp_abort(tcp);
        return;
    }
    port->starved = false;
    conn->port = port;
    conn->p = port->p;
    conn->tcp = tcp;
    conn->begun_ns = rung_loop_now_ns(port->p);
    conn->next = port->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    port->conns = conn;
    (void)rung_tcp_address(tcp, RUNG_TCP_PEER, &conn->peer);
    (void)rung_tcp_set(tcp, RUNG_TCP_KEEPALIVE, BULK_SILENCE_S);
    tcp->arg = conn;
    port->kind->begin(conn);
}

static void port_accept(struct rung_tcp_listener *listener)
{
    struct bulk_port *port = listener->arg;
    struct rung_tcp_conn *tcp;
    for (unsigned i = 0; i < BULK_TURNS; i++) {
        if (rung_tcp_accept(listener, &tcp) != 1)
            return;
        bulk_port_begin(port, tcp);
    }
    rung_loop_defer(port->p, &port->more);
}

static void port_more(struct rung_task *task)
{
    port_accept(rung_container_of(task, struct bulk_port, more)->listener);
}

int bulk_port_open(struct bulk_port *port, struct rung_tcp *tcp, struct rung_addr *local)
{
    struct rung_tcp_listen how = {.local = *local};
    int err = rung_tcp_listen(tcp, &how, &port->listener);
    if (err < 0)
        return err;
    port->more.fn = port_more;
    port->listener->arg = port;
    port->listener->ready = port_accept;
    local->port = port->listener->local.port;
    return RUNG_OK;
}

void bulk_port_close(struct bulk_port *port)
{
    if (port->listener != NULL)
        rung_tcp_unlisten(port->listener);
    rung_loop_undefer(port->p, &port->more);
    while (port->conns != NULL)
        port->kind->abort(port->conns);
}

struct rung_tcp_conn *bulk_conn_leave(struct bulk_conn *conn)
{
    struct rung_tcp_conn *tcp = conn->tcp;
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        conn->port->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    rung_loop_undefer(conn->p, &conn->more);
    conn->port = NULL;
    conn->tcp = NULL;
    return tcp;
}

void bulk_conn_free(struct bulk_conn *conn, const char *what)
{
    char text[RUNG_ADDR_TEXT];
    uint64_t ns = rung_loop_now_ns(conn->p) - conn->begun_ns;
    uint64_t ms = ns / 1000000;
    uint64_t mbit = conn->bytes * 8 / (ns / 1000 + 1); /* Mb/s: bits per microsecond */
    rung_addr_format(&conn->peer, text);
    if (ms == 0) /* TCP here may have it all, and the peer nothing yet */
        rung_log(conn->p, RUNG_LOG_INFO, "bulk",
                 "%s %s: %" PRIu64 " bytes in less than 1 ms, too short for a rate", text, what,
                 conn->bytes);
    else
        rung_log(conn->p, RUNG_LOG_INFO, "bulk",
                 "%s %s: %" PRIu64 " bytes in %" PRIu64 ".%03u s, %" PRIu64 ".%03u Gb/s", text,
                 what, conn->bytes, ms / 1000, (unsigned)(ms % 1000), mbit / 1000,
                 (unsigned)(mbit % 1000));
    if (conn->call != NULL)
        bulk_call_ended(conn->call, conn->well);
    rung_free(conn->p, conn);
}
