/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/udp_socket.h - UDP on the host kernel's sockets.
 * Model    A batch is one system call, recvmmsg() or sendmmsg(). Datagrams are received into lent
 *          blocks; those that fit a small one do not hold 64 KiB, see rx_pool.h. What the app does
 *          not take waits in the kernel, which drops when its buffer is full. Sending keeps
 *          nothing: what the kernel has no room for is not taken.
 * Units    Bytes.
 * Owner    The state is the opener's; stop gives back memory and descriptors.
 * Context  The loop; open does not block.
 * Errors   open: RANGE (a key), NOMEM. */
#ifndef RUNG_UDP_SOCKET_H
#define RUNG_UDP_SOCKET_H

#include "rung/udp.h"
#include "udp_socket_module.h"

struct rung_rx_pool;
struct rung_udp_socket_sock;

struct rung_udp_socket {
    struct rung_udp udp;
    struct rung_platform *p;
    struct rung_rx_pool *pool;
    struct rung_udp_socket_sock *socks;
    uint32_t handle_count; /* what libuv still knows */
    struct rung_op *stopping;
};

enum rung_err rung_udp_socket_open(struct rung_udp_socket *self, struct rung_platform *p,
                                   const struct rung_udp_socket_keys *keys,
                                   const struct rung_udp_socket_needs *needs);

#endif
