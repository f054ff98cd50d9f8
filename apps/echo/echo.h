/* SPDX-License-Identifier: ISC */
/* apps/echo/echo.h - what the two halves of echo share.
 * Model    Each half listens on its own, holds only buffers that its stack has lent, and reads no
 *          more while the other side does not take what was sent back.
 * Owner    The structures are echo_main()'s. open() leaves nothing behind when it fails; close()
 *          lets go of all it holds.
 * Context  The loop.
 * Errors   From open(): those of rung_tcp_listen() and rung_udp_open(). */
#ifndef ECHO_H
#define ECHO_H

#include "rung/loop.h"
#include "rung/tcp.h"
#include "rung/udp.h"

struct echo_conn;

struct echo_tcp {
    struct rung_platform *p;
    struct rung_tcp_listener *listener;
    struct echo_conn *conns;
    uint32_t count;
    uint32_t max;         /* connections at once; 0: no limit */
    uint64_t idle_ns;     /* 0: for ever */
    bool waiting;         /* max is reached */
    bool starved;         /* there was no memory for the last connection */
    struct rung_task more; /* accepts further ones */
};

#define ECHO_BATCH 16u

struct echo_udp {
    struct rung_udp_sock *socket;
    struct rung_dgram *held[ECHO_BATCH]; /* there was no room for yet */
    unsigned first, count;
};

/* local: in, where to listen; out, with the port given out. */
int echo_tcp_open(struct echo_tcp *self, struct rung_platform *p, struct rung_tcp *tcp,
                  struct rung_addr *local);
void echo_tcp_close(struct echo_tcp *self);

int echo_udp_open(struct echo_udp *self, struct rung_udp *udp, const struct rung_addr *local);
void echo_udp_close(struct echo_udp *self);

#endif
