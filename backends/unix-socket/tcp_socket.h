/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_socket.h - TCP on the host kernel's sockets.
 * Model    libuv's loop watches the sockets (uv_poll_t), the module reads, writes and accepts by
 *          itself: see docs/decisions/0003-sockets-on-uv-poll.md. A request on a kept connection
 *          costs two system calls, one to read and one to write, and a share of the loop's poll.
 *          Without a descriptor or memory for one more connection, listeners rest until one is
 *          freed or 100 ms have passed; connections wait in the backlog. The last descriptors that
 *          the process may have are kept for others, as the files of a store: a sixteenth of them,
 *          16 to 64, at most a quarter. One connection is always let in.
 * Units    Bytes, nanoseconds for keys.
 * Owner    The state is the opener's; stop gives back memory and descriptors.
 * Context  The loop; open does not block.
 * Errors   open: RANGE (a key), NOMEM. */
#ifndef RUNG_TCP_SOCKET_H
#define RUNG_TCP_SOCKET_H

#include "image.h"
#include "rung/tcp.h"
#include "tcp_socket_module.h"

struct rung_rx_pool;
struct rung_tcp_socket_conn;
struct rung_tcp_socket_listener;

struct rung_tcp_socket {
    struct rung_tcp tcp;
    struct rung_platform *p;
    const struct rung_tcp_socket_keys *keys;
    struct rung_rx_pool *pool;
    struct rung_image image;
    struct rung_tcp_socket_conn *conns; /* open, or connecting */
    struct rung_tcp_socket_conn *lingering, **lingering_end; /* let go, in the order of due times */
    struct rung_tcp_socket_listener *listeners;
    uint32_t conn_count; /* of both lists */
    uint32_t handle_count; /* what libuv still knows, of all kinds */
    int fd_kept;      /* the first descriptor that is kept for others */
    uint32_t fd_over; /* connections that have one of those all the same */
    bool resting;        /* some listener is */
    struct rung_timer retry;  /* wakes resting listeners */
    struct rung_timer linger; /* ends the first lingering connection */
    struct rung_op *stopping;
};

enum rung_err rung_tcp_socket_open(struct rung_tcp_socket *self, struct rung_platform *p,
                                   const struct rung_tcp_socket_keys *keys,
                                   const struct rung_tcp_socket_needs *needs);

#endif
