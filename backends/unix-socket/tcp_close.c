/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_close.c - TCP on kernel sockets: half-close, close and abort. */
#include <sys/ioctl.h>

#include "rung/clock.h"
#include "tcp_impl.h"

int rung_tcp_socket_shutdown(struct rung_tcp_conn *base)
{
    struct rung_tcp_socket_conn *conn = tcp_conn(base);
    if (conn->error)
        return RUNG_E_DOWN;
    conn->tx_shut = true;
    conn->tx_want = false;
    rung_tcp_socket_conn_fin(conn);
    rung_tcp_socket_conn_watch(conn);
    return RUNG_OK;
}

/* Moves it from the open ones to the end of those that linger. */
static void close_linger(struct rung_tcp_socket_conn *conn)
{
    struct rung_tcp_socket *self = tcp_self(conn->base.tcp);
    uint64_t delay_ns = rung_ns_bounded(rung_tcp_socket_key_linger(self->keys));
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->next = NULL;
    conn->link = self->lingering_end;
    *self->lingering_end = conn;
    self->lingering_end = &conn->next;
    conn->linger_due_ns = rung_loop_now_ns(self->p) + delay_ns;
    if (!self->linger.active)
        rung_timer_start(self->p, &self->linger, delay_ns);
    conn->lingering = true;
    conn->rx_armed = false;
    rung_rx_unwait(self->pool, &conn->waiter);
    rung_tcp_socket_conn_watch(conn);
}

/* All have the same time, so the first in the list is the first to go. */
void rung_tcp_socket_conn_linger_due(struct rung_timer *timer)
{
    struct rung_tcp_socket *self = rung_container_of(timer, struct rung_tcp_socket, linger);
    uint64_t now = rung_loop_now_ns(self->p);
    while (self->lingering && self->lingering->linger_due_ns <= now)
        rung_tcp_socket_conn_drop(self->lingering, true);
    if (self->lingering && !self->linger.active)
        rung_timer_start(self->p, &self->linger, self->lingering->linger_due_ns - now);
}

/* The kernel sends what it has and makes the close a reset if bytes were not read. Only a buffer
 * that it has not taken yet keeps the connection here. */
void rung_tcp_socket_close(struct rung_tcp_conn *base)
{
    struct rung_tcp_socket_conn *conn = tcp_conn(base);
    int unread = 0;
    if (!conn->tx) {
        rung_tcp_socket_conn_drop(conn, false);
        return;
    }
    if (ioctl(conn->fd, FIONREAD, &unread) == 0 && unread > 0)
        rung_tcp_socket_conn_drop(conn, true);
    else
        close_linger(conn);
}

void rung_tcp_socket_abort(struct rung_tcp_conn *base)
{
    rung_tcp_socket_conn_drop(tcp_conn(base), true);
}
