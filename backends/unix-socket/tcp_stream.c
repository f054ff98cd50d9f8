/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_stream.c - TCP on kernel sockets: bytes in and bytes out.
 * A read that came back short has drained the socket: the next recv() says so without asking the
 * kernel. The poll is level-triggered and stays armed through the usual turns (RX, read all, wait),
 * so they cost no epoll_ctl(); it is changed when an app does not come, or when output waits. */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tcp_impl.h"
#include "unix/unix.h"

#define STREAM_STORED 65536u /* from here on sendfile() is cheaper than a copy */
#define STREAM_IOV 64u /* buffers written by one system call */

/* With nothing else to wait for, UV_PRIORITIZED stands for "only if it dies": epoll always reports
 * that, but libuv needs some event to poll for. */
void rung_tcp_socket_conn_watch(struct rung_tcp_socket_conn *conn)
{
    int watch = 0;
    if (!conn->link)
        return; /* dropped */
    if (conn->rx_armed)
        watch |= UV_READABLE;
    if (conn->tx || conn->tx_want || conn->connecting)
        watch |= UV_WRITABLE;
    if (watch == 0 && !conn->quiet)
        watch = UV_PRIORITIZED;
    if (conn->told_down)
        watch = 0;
    if (watch == conn->watch)
        return;
    conn->watch = (uint8_t)watch;
    if (watch)
        uv_poll_start(&conn->poll, watch, rung_tcp_socket_conn_event);
    else
        uv_poll_stop(&conn->poll);
}

/* What recv() may answer. Whatever else the network said on a timeout, the peer was not heard. */
static int stream_error(int err)
{
    switch (err) {
    case ETIMEDOUT: case EHOSTUNREACH: case ENETUNREACH: case EHOSTDOWN: case ENETDOWN:
        return RUNG_E_TIMEDOUT;
    default: return RUNG_E_RESET;
    }
}

/* The pending error of a socket, an errno; asking clears it. */
int rung_tcp_socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof(err);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? errno : err;
}

/* The watch then reports the hang-up once more, and that turn says DOWN. What came before is still
 * there to be read. */
static void stream_die(struct rung_tcp_socket_conn *conn, int err)
{
    struct rung_buf *tx = conn->tx;
    if (!conn->error) {
        conn->error = stream_error(err);
        conn->rx_ready = true;
    }
    conn->tx = NULL;
    conn->tx_want = false;
    if (tx)
        rung_buf_release(tx);
}

/* Puts the FIN behind what has been written. */
void rung_tcp_socket_conn_fin(struct rung_tcp_socket_conn *conn)
{
    if (!conn->tx_shut || conn->tx_fin || conn->tx || conn->error)
        return;
    conn->tx_fin = true;
    shutdown(conn->fd, SHUT_WR); /* fails on a dead connection only, which the poll tells */
}

/* w bytes of b[0..m) are written: releases what is done with, keeps a buffer that was cut. All is
 * set before release runs, for the app may call us from there. */
static unsigned stream_written(struct rung_tcp_socket_conn *conn, struct rung_buf *const b[],
                               unsigned m, size_t w)
{
    unsigned full = 0;
    while (full < m && w >= b[full]->len)
        w -= b[full++]->len;
    unsigned taken = full;
    if (w > 0) {
        conn->tx = b[full];
        conn->tx->data += w;
        conn->tx->len -= w;
        taken++;
    }
    for (unsigned i = 0; i < full; i++)
        rung_buf_release(b[i]);
    return taken;
}

/* How many buffers from b[0] on lie in the program's file, one behind the other, if they begin with
 * one that is worth it; *total: their bytes. */
static unsigned stream_stored(const struct rung_tcp_socket *self, struct rung_buf *const b[],
                              unsigned n, off_t *offset, size_t *total)
{
    if (b[0]->len < STREAM_STORED || !rung_image_find(&self->image, b[0]->data, b[0]->len, offset))
        return 0;
    off_t next;
    unsigned m = 1;
    *total = b[0]->len;
    while (m < n && b[m]->data == b[0]->data + *total
           && rung_image_find(&self->image, b[m]->data, b[m]->len, &next))
        *total += b[m++]->len;
    return m;
}

/* Most answers are one buffer, for which send() takes 0.15 us less of 3 than a vector of one. */
static ssize_t stream_write_memory(int fd, struct iovec *iov, unsigned n)
{
    if (n == 1)
        return send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* One system call for a prefix of b: *m buffers, *total bytes. What is in the program's file goes
 * out from the page cache, uncopied. What stands before it goes alone: with MSG_MORE the client is
 * woken later, and the server's own share of the work on the loopback nearly doubles. */
static ssize_t stream_write(struct rung_tcp_socket_conn *conn, struct rung_buf *const b[],
                            unsigned n, unsigned *m, size_t *total)
{
    struct rung_tcp_socket *self = tcp_self(conn->base.tcp);
    struct iovec iov[STREAM_IOV];
    off_t offset;
    *m = stream_stored(self, b, n, &offset, total);
    if (*m > 0) {
        ssize_t w = sendfile(conn->fd, self->image.fd, &offset, *total);
        if (w > 0 || (w < 0 && errno != EINVAL && errno != ENOSYS && errno != EIO))
            return w;
        rung_image_close(&self->image); /* a file system that cannot: copy from now on */
        *m = 0;
    }
    *total = 0;
    do {
        assert(b[*m]->len > 0);
        iov[*m] = (struct iovec){.iov_base = (void *)(uintptr_t)b[*m]->data,
                                 .iov_len = b[*m]->len};
        *total += b[(*m)++]->len;
    } while (*m < n && *m < STREAM_IOV
             && (b[*m]->len < STREAM_STORED
                 || !rung_image_find(&self->image, b[*m]->data, b[*m]->len, &offset)));
    return stream_write_memory(conn->fd, iov, *m);
}

int rung_tcp_socket_send(struct rung_tcp_conn *base, struct rung_buf *const b[], unsigned n)
{
    struct rung_tcp_socket_conn *conn = tcp_conn(base);
    unsigned k = 0;
    if (conn->error || conn->tx_shut)
        return RUNG_E_DOWN;
    while (k < n && !conn->tx) {
        unsigned m;
        size_t total;
        ssize_t w = stream_write(conn, b + k, n - k, &m, &total);
        if (w < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
            stream_die(conn, errno);
            rung_tcp_socket_conn_watch(conn);
            return k > 0 ? (int)k : RUNG_E_DOWN;
        }
        if (w > 0)
            k += stream_written(conn, b + k, m, (size_t)w);
        if (!conn->link || conn->error || conn->tx_shut)
            return (int)k; /* a release() ended it */
        if (w < (ssize_t)total)
            break;
    }
    if (k < n)
        conn->tx_want = true;
    rung_tcp_socket_conn_watch(conn);
    return (int)k;
}

/* The kernel has room: writes what waits. */
static void stream_flush(struct rung_tcp_socket_conn *conn)
{
    struct rung_buf *tx = conn->tx;
    if (!tx)
        return;
    ssize_t w = send(conn->fd, tx->data, tx->len, MSG_NOSIGNAL);
    if (w < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM)
            stream_die(conn, errno);
        return;
    }
    if ((size_t)w < tx->len) {
        tx->data += w;
        tx->len -= (size_t)w;
        return;
    }
    conn->tx = NULL;
    rung_tcp_socket_conn_fin(conn);
    rung_buf_release(tx);
}

static void stream_release(struct rung_buf *buf)
{
    rung_rx_put(rung_container_of(buf, struct rung_rx_block, buf));
}

/* What to read into: a small block, which a waiting request may hold for long, until one was
 * filled; then big ones, as long as more comes than a small one holds. Where there is no room for a
 * big one the small one will do. */
static struct rung_rx_block *stream_block(struct rung_tcp_socket_conn *conn, size_t *space)
{
    struct rung_rx_pool *pool = tcp_self(conn->base.tcp)->pool;
    struct rung_rx_block *block = conn->rx_bulk ? rung_rx_get(pool, RUNG_RX_BIG) : NULL;
    if (!block)
        block = rung_rx_get(pool, RUNG_RX_SMALL);
    if (block)
        *space = block->size == RUNG_RX_SMALL ? RUNG_RX_SMALL_BYTES : RUNG_RX_BIG_BYTES;
    return block;
}

/* Nothing now: RX follows. */
static int stream_drained(struct rung_tcp_socket_conn *conn)
{
    conn->rx_ready = false;
    conn->rx_want = conn->rx_armed = true;
    rung_tcp_socket_conn_watch(conn);
    return 0;
}

/* A read gave no bytes: the end, an error, or nothing yet. */
static int stream_none(struct rung_tcp_socket_conn *conn, ssize_t got, int err)
{
    if (got < 0 && (err == EAGAIN || err == EINTR || err == ENOBUFS || err == ENOMEM))
        return stream_drained(conn);
    if (got < 0)
        stream_die(conn, err);
    else if (!conn->error)
        conn->rx_eof = true;
    conn->rx_ready = conn->rx_armed = false;
    rung_tcp_socket_conn_watch(conn);
    return conn->rx_eof ? RUNG_E_EOF : conn->error;
}

/* There is no block to read into. The bytes stay in the kernel, and the peer waits; but its end
 * must be seen, or connections that are long dead would hold the memory that is wanted. */
static int stream_starved(struct rung_tcp_socket_conn *conn)
{
    struct rung_rx_pool *pool = tcp_self(conn->base.tcp)->pool;
    char byte;
    ssize_t got = recv(conn->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
    if (got <= 0) {
        int err = errno;
        rung_rx_unwait(pool, &conn->waiter);
        return stream_none(conn, got, err);
    }
    if (!conn->waiter.link)
        rung_rx_wait(pool, &conn->waiter);
    return 0;
}

int rung_tcp_socket_recv(struct rung_tcp_conn *base, struct rung_buf *b[], unsigned n)
{
    struct rung_tcp_socket_conn *conn = tcp_conn(base);
    struct rung_tcp_socket *self = tcp_self(base->tcp);
    size_t space = 0;
    assert(n > 0);
    (void)n; /* one block each time: the next read is a call away */
    if (conn->rx_eof)
        return RUNG_E_EOF;
    if (!conn->rx_ready)
        return conn->error ? conn->error : stream_drained(conn);
    struct rung_rx_block *block = stream_block(conn, &space);
    if (!block)
        return stream_starved(conn);
    rung_rx_unwait(self->pool, &conn->waiter);
    ssize_t got = recv(conn->fd, block->bytes, space, 0);
    if (got <= 0) {
        int err = errno;
        rung_rx_put(block);
        return stream_none(conn, got, err);
    }
    block->buf = (struct rung_buf){
        .data = block->bytes, .len = (size_t)got, .release = stream_release};
    b[0] = &block->buf;
    conn->rx_ready = (size_t)got == space;
    conn->rx_bulk = conn->rx_ready || (conn->rx_bulk && got > RUNG_RX_SMALL_BYTES);
    return 1;
}

/* Blocks have come back, or the heap may have some. */
void rung_tcp_socket_conn_wake(struct rung_rx_waiter *waiter)
{
    struct rung_tcp_socket_conn *conn =
        rung_container_of(waiter, struct rung_tcp_socket_conn, waiter);
    if (conn->base.ready)
        conn->base.ready(&conn->base, RUNG_TCP_RX);
}

/* What the poll said, as what the app is to be told. */
static unsigned stream_events(struct rung_tcp_socket_conn *conn, bool dead, int events)
{
    unsigned say = 0;
    if (dead || (events & UV_READABLE)) {
        if (!dead)
            conn->rx_ready = true;
        /* At the second event that nobody came for, or at the end, the poll is not asked again. */
        conn->rx_armed = conn->rx_want && !dead;
        if (conn->rx_want)
            say |= RUNG_TCP_RX;
        conn->rx_want = false;
    }
    if (conn->tx_want && !conn->tx && !conn->error && (events & UV_WRITABLE)) {
        conn->tx_want = false;
        say |= RUNG_TCP_TX;
    }
    if (conn->error && !conn->told_down) {
        conn->told_down = true;
        say |= RUNG_TCP_DOWN;
    }
    /* A hang-up without an error is both sides having shut, in order; or it is urgent data, which
     * nobody reads. Either would be said for ever. */
    if (events == UV_PRIORITIZED)
        conn->quiet = true;
    return say;
}

/* ready() is the last thing here: the app may close the connection in it. */
void rung_tcp_socket_conn_event(uv_poll_t *poll, int status, int events)
{
    struct rung_tcp_socket_conn *conn = rung_container_of(poll, struct rung_tcp_socket_conn, poll);
    if (status < 0)
        conn->watch = 0; /* libuv has stopped it: the kernel reports an error */
    if (conn->connecting) {
        rung_tcp_socket_connect_event(conn);
        return;
    }
    int err = status < 0 || events == UV_PRIORITIZED ? rung_tcp_socket_error(conn->fd) : 0;
    if (status < 0 || err)
        stream_die(conn, err);
    else if (events & UV_WRITABLE)
        stream_flush(conn);
    if (!conn->link)
        return; /* a release() has ended it */
    if (conn->lingering && (conn->error || !conn->tx)) {
        rung_tcp_socket_conn_drop(conn, conn->error != 0);
        return;
    }
    unsigned say = conn->lingering ? 0 : stream_events(conn, conn->error != 0, events);
    rung_unix_had_io(tcp_self(conn->base.tcp)->p);
    rung_tcp_socket_conn_watch(conn);
    if (say && conn->base.ready)
        conn->base.ready(&conn->base, say);
}
