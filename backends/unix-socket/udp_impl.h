/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/udp_impl.h - what the files of udp-socket share. Not for others. */
#ifndef RUNG_UDP_IMPL_H
#define RUNG_UDP_IMPL_H

#include <uv.h>

#include "rx_pool.h"
#include "udp_socket.h"

struct rung_udp_socket_sock {
    struct rung_udp_sock base;
    struct rung_udp_socket_sock *next, **link; /* NULL: closed */
    struct rung_rx_waiter waiter;
    uv_poll_t poll;
    int fd;
    int domain;    /* AF_INET; AF_INET6: of both families or of one */
    bool only_in6; /* of that one */
    bool rx_want;  /* recv() came short: RX is due */
    bool rx_ready; /* the kernel has something, as far as we know */
    bool rx_armed; /* watching for it */
    bool tx_want;  /* send() came short: TX is due */
    uint8_t watch; /* what poll watches: enum uv_poll_event */
};

static inline struct rung_udp_socket *udp_self(struct rung_udp *udp)
{
    return rung_container_of(udp, struct rung_udp_socket, udp);
}

static inline struct rung_udp_socket_sock *udp_sock(struct rung_udp_sock *base)
{
    return rung_container_of(base, struct rung_udp_socket_sock, base);
}

/* udp_io.c */
void rung_udp_socket_watch(struct rung_udp_socket_sock *sock);
void rung_udp_socket_wake(struct rung_rx_waiter *waiter);
int rung_udp_socket_send(struct rung_udp_sock *base, struct rung_dgram *const d[], unsigned n);
int rung_udp_socket_recv(struct rung_udp_sock *base, struct rung_dgram *d[], unsigned n);

#endif
