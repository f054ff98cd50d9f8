/* SPDX-License-Identifier: ISC */
/* interfaces/rung/udp.h - UDP: datagrams (RFC 768).
 * Model    A stack makes sockets; a socket moves batches of datagrams. Any of them may be lost,
 *          doubled or reordered on the way. Nothing blocks.
 * Units    Bytes of payload, at most RUNG_UDP_MAX.
 * Owner    The stack owns sockets; the app's pointer is good until it calls close. A datagram has
 *          one owner, which runs release exactly once: send() takes a prefix of the batch and
 *          releases each, now or later; recv() lends datagrams that the app releases, and they
 *          outlive the socket.
 * Context  The loop. ready() never runs inside a call, release() may.
 * Errors   Negative enum rung_err, listed per call. A datagram that cannot be delivered is lost and
 *          not reported. Misuse is a bug and asserts. */
#ifndef RUNG_UDP_H
#define RUNG_UDP_H

#include "rung/addr.h"
#include "rung/loop.h"

#define RUNG_UDP_MAX 65507u /* 65,535 less the IPv4 and UDP headers */

struct rung_dgram {
    struct rung_dgram *next; /* the owner's, for a list of its own */
    const uint8_t *data;     /* contiguous */
    size_t len;              /* 0 is a valid datagram */
    struct rung_addr peer;   /* where to, where from */
    struct rung_addr local;  /* received: the address it was sent to, port 0 where the ground cannot
                                tell; sending: family NONE, or the address to send from */
    void (*release)(struct rung_dgram *dgram);
};

enum rung_udp_event {
    RUNG_UDP_RX = 1u << 0, /* recv() has something */
    RUNG_UDP_TX = 1u << 1, /* send() has room again */
};

struct rung_udp;
struct rung_udp_sock {
    struct rung_udp *udp;
    struct rung_addr local;                                       /* with the port given out */
    void (*ready)(struct rung_udp_sock *socket, unsigned events); /* the app's; may be NULL */
    void *arg;                                                    /* the app's */
};

struct rung_udp_ops {
    const char *name; /* the module's; for logs */
    /* 0 and *socket set. local: family NONE is any address of both families, port 0 is picked.
     * ADDRINUSE, ADDRNOTAVAIL, ACCESS, NOTSUP (family), LIMIT (no descriptor left), NOMEM. */
    int (*open)(struct rung_udp *udp, const struct rung_addr *local,
                struct rung_udp_sock **socket);
    /* Takes d[0..k), returns k. k < n: full; TX follows once there is room. A datagram that is too
     * long or has nowhere to go is taken and lost, as on the wire. */
    int (*send)(struct rung_udp_sock *socket, struct rung_dgram *const d[], unsigned n);
    /* Puts k lent datagrams in d, returns k. k < n: drained; RX follows the next one. With the
     * app holding many, further ones wait or are dropped. */
    int (*recv)(struct rung_udp_sock *socket, struct rung_dgram *d[], unsigned n);
    /* Optional. Joins or leaves a multicast group, on the interface numbered scope, or any for 0.
     * RANGE: no multicast address. NOTSUP, LIMIT, NOTFOUND (no such interface, or no member). */
    int (*group)(struct rung_udp_sock *socket, const struct rung_addr *group, bool join);
    /* Ends a socket at once: datagrams taken and not yet sent are dropped and released. */
    void (*close)(struct rung_udp_sock *socket);
    /* Ends the stack: closes what is open, then op->done(0). */
    void (*stop)(struct rung_udp *udp, struct rung_op *op);
};

struct rung_udp { /* a member of each module's own state */
    const struct rung_udp_ops *ops;
};

/* See RUNG_NET_TABLE: <prefix>_open and so on; group is optional. */
#define RUNG_UDP_TABLE(module_name, prefix, ...) \
    { .name = (module_name), .open = prefix##_open, .send = prefix##_send, \
      .recv = prefix##_recv, .close = prefix##_close, .stop = prefix##_stop, __VA_ARGS__ }

#ifdef RUNG_UDP_ONLY /* set by the resolver when a program binds one UDP module: direct calls */
extern const struct rung_udp_ops RUNG_UDP_ONLY;
#define RUNG_UDP_OPS(udp) ((void)(udp), &RUNG_UDP_ONLY)
#define RUNG_UDP_KEEP(table) (assert((table) == &RUNG_UDP_ONLY), (const struct rung_udp_ops *)0)
#else
#define RUNG_UDP_OPS(udp) ((udp)->ops)
#define RUNG_UDP_KEEP(table) (table)
#endif

static inline void rung_udp_init(struct rung_udp *udp, const struct rung_udp_ops *table)
{
    (void)table;
    *udp = (struct rung_udp){.ops = RUNG_UDP_KEEP(table)};
}

static inline int rung_udp_open(struct rung_udp *udp, const struct rung_addr *local,
                                struct rung_udp_sock **socket)
{
    return RUNG_UDP_OPS(udp)->open(udp, local, socket);
}

static inline int rung_udp_send(struct rung_udp_sock *socket, struct rung_dgram *const d[],
                                unsigned n)
{
    return RUNG_UDP_OPS(socket->udp)->send(socket, d, n);
}

static inline int rung_udp_recv(struct rung_udp_sock *socket, struct rung_dgram *d[], unsigned n)
{
    return RUNG_UDP_OPS(socket->udp)->recv(socket, d, n);
}

static inline int rung_udp_group(struct rung_udp_sock *socket, const struct rung_addr *group,
                                 bool join)
{
    const struct rung_udp_ops *ops = RUNG_UDP_OPS(socket->udp);
    return ops->group ? ops->group(socket, group, join) : RUNG_E_NOTSUP;
}

static inline void rung_udp_close(struct rung_udp_sock *socket)
{
    RUNG_UDP_OPS(socket->udp)->close(socket);
}

static inline void rung_udp_stop(struct rung_udp *udp, struct rung_op *op)
{
    RUNG_UDP_OPS(udp)->stop(udp, op);
}

#endif
