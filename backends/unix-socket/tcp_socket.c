/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_socket.c - TCP on kernel sockets: the stack, and the connection's
 * beginning and end. */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "sockaddr.h"
#include "tcp_impl.h"
#include "unix/unix.h"

#define TCP_KEEPIDLE_MAX 32767u /* Linux's own limit */
#define TCP_KEPT_MIN 16 /* libuv's four threads, each with a folder and a file open, and again */
#define TCP_KEPT_MAX 64
#define TCP_KEEPINTVL_S 75u     /* between further probes, as Linux's default */

struct rung_tcp_socket_conn *rung_tcp_socket_conn_new(struct rung_tcp_socket *self)
{
    struct rung_tcp_socket_conn *conn = rung_zalloc(self->p, 1, sizeof(*conn));
    if (conn) {
        conn->base.tcp = &self->tcp;
        conn->fd = -1;
    }
    return conn;
}

bool rung_tcp_socket_has_slot(const struct rung_tcp_socket *self)
{
    uint32_t max = rung_tcp_socket_key_max_connections(self->keys);
    return max == 0 || self->conn_count < max;
}

enum rung_err rung_tcp_socket_conn_adopt(struct rung_tcp_socket *self,
                                         struct rung_tcp_socket_conn *conn, int fd)
{
    int err = uv_poll_init(rung_unix_loop(self->p), &conn->poll, fd);
    if (err) /* ENOSPC: fs.epoll.max_user_watches */
        return err == UV_ENOSPC ? RUNG_E_LIMIT : rung_err_from_uv(err);
    self->handle_count++;
    self->conn_count++;
    self->fd_over += fd >= self->fd_kept;
    conn->fd = fd;
    conn->next = self->conns;
    conn->link = &self->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    self->conns = conn;
    return RUNG_OK;
}

static void tcp_end(struct rung_tcp_socket *self)
{
    if (!self->stopping || self->handle_count > 0)
        return;
    struct rung_op *op = self->stopping;
    rung_timer_stop(self->p, &self->retry);
    rung_timer_stop(self->p, &self->linger);
    rung_rx_pool_free(self->pool);
    self->stopping = NULL;
    rung_op_finish(self->p, op, RUNG_OK);
}

void rung_tcp_socket_handle_closed(struct rung_tcp_socket *self)
{
    self->handle_count--;
    tcp_end(self);
}

static void tcp_conn_closed(uv_handle_t *handle)
{
    struct rung_tcp_socket_conn *conn = rung_container_of((uv_poll_t *)(void *)handle,
                                                          struct rung_tcp_socket_conn, poll);
    struct rung_tcp_socket *self = tcp_self(conn->base.tcp);
    rung_free(self->p, conn);
    rung_tcp_socket_handle_closed(self);
}

void rung_tcp_socket_conn_drop(struct rung_tcp_socket_conn *conn, bool reset)
{
    struct rung_tcp_socket *self = tcp_self(conn->base.tcp);
    struct rung_buf *tx = conn->tx;
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    else if (self->lingering_end == &conn->next)
        self->lingering_end = conn->link;
    rung_rx_unwait(self->pool, &conn->waiter);
    if (reset) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    conn->link = NULL;
    conn->tx = NULL;
    uv_close((uv_handle_t *)&conn->poll, tcp_conn_closed); /* first: epoll forgets the number */
    close(conn->fd);
    self->fd_over -= conn->fd >= self->fd_kept;
    self->conn_count--;
    if (self->resting && !self->stopping)
        rung_tcp_socket_wake_listeners(self);
    if (tx)
        rung_buf_release(tx);
}

static int tcp_set_int(struct rung_tcp_socket_conn *conn, int level, int name, uint32_t value)
{
    int number = (int)value;
    if (setsockopt(conn->fd, level, name, &number, sizeof(number)) == 0)
        return RUNG_OK;
    return rung_err_from_errno(errno);
}

static int tcp_set_keepalive(struct rung_tcp_socket_conn *conn, uint32_t seconds)
{
    int err = RUNG_OK;
    if (seconds > TCP_KEEPIDLE_MAX)
        return RUNG_E_RANGE;
    if (seconds > 0) {
        uint32_t interval = seconds < TCP_KEEPINTVL_S ? seconds : TCP_KEEPINTVL_S;
        err = tcp_set_int(conn, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
        if (!err)
            err = tcp_set_int(conn, IPPROTO_TCP, TCP_KEEPINTVL, interval);
    }
    return err ? err : tcp_set_int(conn, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
}

int rung_tcp_socket_set(struct rung_tcp_conn *base, enum rung_tcp_option option, uint32_t value)
{
    switch (option) {
    case RUNG_TCP_NODELAY:
        return value > 1 ? RUNG_E_RANGE
                         : tcp_set_int(tcp_conn(base), IPPROTO_TCP, TCP_NODELAY, value);
    case RUNG_TCP_KEEPALIVE: return tcp_set_keepalive(tcp_conn(base), value);
    default: return RUNG_E_NOTSUP;
    }
}

/* Asked of the kernel each time: few apps ask, and connections stay small. */
int rung_tcp_socket_address(struct rung_tcp_conn *base, enum rung_tcp_end end,
                            struct rung_addr *addr)
{
    union rung_sockaddr sa;
    socklen_t len = sizeof(sa);
    int fd = tcp_conn(base)->fd;
    if (end == RUNG_TCP_PEER ? getpeername(fd, &sa.any, &len) : getsockname(fd, &sa.any, &len))
        return RUNG_E_DOWN;
    *addr = rung_sockaddr_get(&sa);
    return RUNG_OK;
}

void rung_tcp_socket_stop(struct rung_tcp *tcp, struct rung_op *op)
{
    struct rung_tcp_socket *self = tcp_self(tcp);
    assert(!self->stopping);
    self->stopping = op;
    rung_image_close(&self->image);
    while (self->listeners)
        rung_tcp_socket_unlisten(&self->listeners->base);
    while (self->conns) {
        struct rung_tcp_socket_conn *conn = self->conns;
        struct rung_tcp_connect *connect = conn->connecting ? conn->connect : NULL;
        rung_tcp_socket_conn_drop(conn, true);
        if (connect)
            rung_op_finish(self->p, &connect->op, RUNG_E_CANCELED);
    }
    while (self->lingering)
        rung_tcp_socket_conn_drop(self->lingering, true);
    tcp_end(self);
}

/* The first descriptor that is kept for others; see tcp_socket.h. */
static int tcp_kept_from(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    int all = (int)limit.rlim_cur, kept = all / 16;
    if (kept < TCP_KEPT_MIN)
        kept = TCP_KEPT_MIN;
    if (kept > TCP_KEPT_MAX)
        kept = TCP_KEPT_MAX;
    return all - (kept < all / 4 ? kept : all / 4);
}

static void tcp_retry_due(struct rung_timer *timer)
{
    rung_tcp_socket_wake_listeners(rung_container_of(timer, struct rung_tcp_socket, retry));
}

enum rung_err rung_tcp_socket_open(struct rung_tcp_socket *self, struct rung_platform *p,
                                   const struct rung_tcp_socket_keys *keys,
                                   const struct rung_tcp_socket_needs *needs)
{
    (void)needs;
    *self = (struct rung_tcp_socket){.p = p, .keys = keys};
    rung_tcp_init(&self->tcp, &rung_tcp_socket_tcp_ops);
    self->fd_kept = tcp_kept_from();
    self->lingering_end = &self->lingering;
    self->retry.fn = tcp_retry_due;
    self->linger.fn = rung_tcp_socket_conn_linger_due;
    if (rung_tcp_socket_key_rx_memory(keys) < RUNG_RX_LIMIT_MIN) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "rx-memory is too small to receive anything: give at least 128K");
        return RUNG_E_RANGE;
    }
    self->pool = rung_rx_pool_new(p, rung_tcp_socket_key_rx_memory(keys), RUNG_RX_SMALL,
                                  rung_tcp_socket_conn_wake);
    if (!self->pool) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "out of memory: give the program more");
        return RUNG_E_NOMEM;
    }
    rung_image_open(&self->image);
    return RUNG_OK;
}

const struct rung_tcp_ops rung_tcp_socket_tcp_ops = RUNG_TCP_TABLE("tcp-socket", rung_tcp_socket);
