/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_connect.c - TCP on kernel sockets: connecting to others. */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "rung/heap.h"
#include "sockaddr.h"
#include "tcp_impl.h"
#include "unix/unix.h"

/* What connect(2) and bind(2) say, in the header's words. EINVAL is a link-local address that does
 * not name its link, EAGAIN that no port is left to connect from. */
static int connect_error(int err)
{
    switch (err) {
    case EINVAL: case ENETDOWN: case ENONET: case EPROTO: return RUNG_E_UNREACH;
    case EAGAIN: return RUNG_E_ADDRNOTAVAIL;
    default: return rung_err_from_errno(err);
    }
}

/* The kernel takes the any address for this host, and has no route to the others. */
static bool connect_is_host(const struct rung_addr *peer)
{
    static const uint8_t zero[16], ones[4] = {255, 255, 255, 255};
    if (peer->family == RUNG_AF_IPV6)
        return peer->ip[0] != 0xff && memcmp(peer->ip, zero, 16) != 0;
    return (peer->ip[0] & 0xf0) != 0xe0 && memcmp(peer->ip, zero, 4) != 0
           && memcmp(peer->ip, ones, 4) != 0;
}

static int connect_bind(int fd, int domain, const struct rung_addr *local)
{
    static const int on = 1;
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, domain, local);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(fd, &sa.any, len))
        return errno == EINVAL ? RUNG_E_ADDRNOTAVAIL : connect_error(errno);
    return RUNG_OK;
}

static int connect_start(int fd, int domain, const struct rung_tcp_connect *how)
{
    static const int on = 1;
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, domain, &how->peer);
    int err = RUNG_OK;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
        return connect_error(errno);
    if (how->local.family != RUNG_AF_NONE)
        err = connect_bind(fd, domain, &how->local);
    if (err)
        return err;
    if (connect(fd, &sa.any, len) == 0 || errno == EINPROGRESS || errno == EINTR)
        return RUNG_OK;
    return connect_error(errno);
}

static void connect_cancel(struct rung_op *op)
{
    struct rung_tcp_connect *how = rung_container_of(op, struct rung_tcp_connect, op);
    struct rung_tcp_socket_conn *conn = how->module[0];
    struct rung_tcp_socket *self = tcp_self(conn->base.tcp);
    rung_tcp_socket_conn_drop(conn, true);
    rung_op_finish(self->p, op, RUNG_E_CANCELED);
}

/* Done is called from here, not deferred: nothing can come between the connection and its owner. */
void rung_tcp_socket_connect_event(struct rung_tcp_socket_conn *conn)
{
    struct rung_tcp_connect *how = conn->connect;
    int err = rung_tcp_socket_error(conn->fd);
    how->op.cancel = NULL;
    if (err) {
        rung_tcp_socket_conn_drop(conn, false);
        how->op.done(&how->op, connect_error(err));
        return;
    }
    conn->connecting = false;
    conn->rx_want = conn->rx_armed = true;
    rung_tcp_socket_conn_watch(conn);
    how->conn = &conn->base;
    how->op.done(&how->op, RUNG_OK);
}

static int connect_make(struct rung_tcp_socket *self, struct rung_tcp_connect *how)
{
    int domain = rung_sockaddr_domain(&how->peer);
    bool mixed = how->local.family != RUNG_AF_NONE && how->local.family != how->peer.family;
    if (how->peer.family == RUNG_AF_NONE || mixed)
        return RUNG_E_NOTSUP;
    if (!connect_is_host(&how->peer))
        return RUNG_E_INVAL;
    if (!rung_tcp_socket_has_slot(self))
        return RUNG_E_LIMIT;
    struct rung_tcp_socket_conn *conn = rung_tcp_socket_conn_new(self);
    if (!conn)
        return RUNG_E_NOMEM;
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err = fd < 0 ? connect_error(errno) : (int)rung_tcp_socket_conn_adopt(self, conn, fd);
    if (err) {
        if (fd >= 0)
            close(fd);
        rung_free(self->p, conn);
        return err;
    }
    err = connect_start(fd, domain, how);
    if (err) {
        rung_tcp_socket_conn_drop(conn, false);
        return err;
    }
    conn->connecting = true;
    conn->connect = how;
    how->module[0] = conn;
    how->op.cancel = connect_cancel;
    rung_tcp_socket_conn_watch(conn);
    return RUNG_OK;
}

void rung_tcp_socket_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how)
{
    struct rung_tcp_socket *self = tcp_self(tcp);
    how->op.cancel = NULL;
    how->conn = NULL;
    int err = connect_make(self, how);
    if (err)
        rung_op_finish(self->p, &how->op, err);
}
