/* SPDX-License-Identifier: ISC */
/* interfaces/rung/tcp.h - TCP: byte streams between two hosts (RFC 9293).
 * Model    A stack makes listeners and connections. Nothing blocks: calls take what there is room
 *          for and ready() says when to come again. One ready event follows each call that came
 *          short; a caller that does not come gets no second one, and the peer is slowed down.
 * Units    Bytes; seconds where named so.
 * Owner    The stack owns listeners and connections; the app's pointer is good until it calls
 *          close, abort or unlisten on it. Buffers go by reference (rung/buf.h): send() takes a
 *          prefix of them and releases each once its bytes may be reused, sent or not; recv() lends
 *          buffers that the app releases. Holding them narrows the window. They outlive the
 *          connection.
 * Context  The loop. ready() never runs inside a call, release() may.
 * Errors   Negative enum rung_err, listed per call. Misuse is a bug and asserts. */
#ifndef RUNG_TCP_H
#define RUNG_TCP_H

#include "rung/addr.h"
#include "rung/buf.h"
#include "rung/loop.h"

enum rung_tcp_event {
    RUNG_TCP_RX = 1u << 0,   /* recv() has something: bytes, the end, or an error */
    RUNG_TCP_TX = 1u << 1,   /* send() has room again */
    RUNG_TCP_DOWN = 1u << 2, /* reset or timed out: nothing will move again; once at most */
};

enum rung_tcp_option {
    RUNG_TCP_NODELAY,   /* 1: small segments leave at once (the default); 0: Nagle, RFC 896 */
    RUNG_TCP_KEEPALIVE, /* probe a peer silent for so many seconds, to 32767; 0: never (default) */
};

enum rung_tcp_end { RUNG_TCP_LOCAL, RUNG_TCP_PEER };

struct rung_tcp;
struct rung_tcp_conn { /* first thing the module lends of its own connection state */
    struct rung_tcp *tcp;
    void (*ready)(struct rung_tcp_conn *conn, unsigned events); /* the app's; may be NULL */
    void *arg;                                                  /* the app's */
};

struct rung_tcp_listener {
    struct rung_tcp *tcp;
    struct rung_addr local;                             /* with the port that was given out */
    void (*ready)(struct rung_tcp_listener *listener); /* accept() has something; the app's */
    void *arg;                                          /* the app's */
};

struct rung_tcp_listen {
    struct rung_addr local; /* family NONE: any address, IPv4 and IPv6; port 0: one is picked */
    uint32_t backlog;       /* connections that may wait for accept(); 0: the module's default */
};

struct rung_tcp_connect { /* the caller's until op.done() */
    struct rung_op op;          /* can be canceled */
    struct rung_addr peer;      /* in */
    struct rung_addr local;     /* in; family NONE: the stack picks address and port */
    struct rung_tcp_conn *conn; /* out, when done(0): open, the app's to close */
    void *module[2];            /* the module's while in flight */
};

struct rung_tcp_ops {
    const char *name; /* the module's; for logs */
    /* 0 and *listener set; ready follows the first connection, once the app has set it.
     * ADDRINUSE, ADDRNOTAVAIL, ACCESS (a port below 1024 without the right), NOTSUP (family),
     * LIMIT (no descriptor left), NOMEM. */
    int (*listen)(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                  struct rung_tcp_listener **listener);
    /* Ends a listener. Connections nobody accepted are reset. */
    void (*unlisten)(struct rung_tcp_listener *listener);
    /* 1 and *conn set, or 0: none waits, or no descriptor or memory is left for one; ready follows
     * when that changes. Until then connections wait in the backlog: not accepting is how an app
     * holds the flood off. *conn reports RX when the first bytes are there. */
    int (*accept)(struct rung_tcp_listener *listener, struct rung_tcp_conn **conn);
    /* done: 0; or REFUSED, UNREACH, TIMEDOUT, RESET, CANCELED, ADDRINUSE, ADDRNOTAVAIL, ACCESS,
     * NOTSUP (family), LIMIT (no descriptor or slot left), NOMEM; INVAL: never by this address, it
     * is no single host's (any, multicast, broadcast), or this one's where no stack calls
     * itself. */
    void (*connect)(struct rung_tcp *tcp, struct rung_tcp_connect *how);
    /* Takes b[0..k), returns k; a buffer is taken whole. k < n: full; TX follows once there is
     * room. An idle connection takes at least one buffer of any length. RUNG_E_DOWN: the connection
     * is dead or its sending side shut; nothing was taken. */
    int (*send)(struct rung_tcp_conn *conn, struct rung_buf *const b[], unsigned n);
    /* Puts k lent buffers in b, in order, returns k: there may be more, so come again until 0,
     * which means drained; only then RX follows. EOF: the peer has shut its sending side and all it
     * sent was taken; sending still works. RESET, TIMEDOUT: dead. Both repeat for ever. n > 0. */
    int (*recv)(struct rung_tcp_conn *conn, struct rung_buf *b[], unsigned n);
    /* Half-close: FIN after what send() has taken. Receiving goes on. RUNG_E_DOWN: dead already.
     * A second one does nothing. */
    int (*shutdown)(struct rung_tcp_conn *conn);
    /* Lets go in order: sends what was taken, then FIN; bytes nobody took make it a reset. The
     * stack waits a bounded time for the peer. ready() never runs again. */
    void (*close)(struct rung_tcp_conn *conn);
    /* Lets go at once: RST, and every taken buffer is released. ready() never runs again. */
    void (*abort)(struct rung_tcp_conn *conn);
    /* 0, RANGE (value), NOTSUP. */
    int (*set)(struct rung_tcp_conn *conn, enum rung_tcp_option option, uint32_t value);
    /* 0 and *addr set, or DOWN: not known any more. */
    int (*address)(struct rung_tcp_conn *conn, enum rung_tcp_end end, struct rung_addr *addr);
    /* Ends the stack: aborts what is open, listeners first, then op->done(0). */
    void (*stop)(struct rung_tcp *tcp, struct rung_op *op);
};

struct rung_tcp { /* a member of each module's own state */
    const struct rung_tcp_ops *ops;
};

/* See RUNG_NET_TABLE: <prefix>_listen and so on; all are required. */
#define RUNG_TCP_TABLE(module_name, prefix) \
    { .name = (module_name), .listen = prefix##_listen, .unlisten = prefix##_unlisten, \
      .accept = prefix##_accept, .connect = prefix##_connect, .send = prefix##_send, \
      .recv = prefix##_recv, .shutdown = prefix##_shutdown, .close = prefix##_close, \
      .abort = prefix##_abort, .set = prefix##_set, .address = prefix##_address, \
      .stop = prefix##_stop }

#ifdef RUNG_TCP_ONLY /* set by the resolver when a program binds one TCP module: direct calls */
extern const struct rung_tcp_ops RUNG_TCP_ONLY;
#define RUNG_TCP_OPS(tcp) ((void)(tcp), &RUNG_TCP_ONLY)
#define RUNG_TCP_KEEP(table) (assert((table) == &RUNG_TCP_ONLY), (const struct rung_tcp_ops *)0)
#else
#define RUNG_TCP_OPS(tcp) ((tcp)->ops)
#define RUNG_TCP_KEEP(table) (table)
#endif

static inline void rung_tcp_init(struct rung_tcp *tcp, const struct rung_tcp_ops *table)
{
    (void)table;
    *tcp = (struct rung_tcp){.ops = RUNG_TCP_KEEP(table)};
}

static inline int rung_tcp_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                                  struct rung_tcp_listener **listener)
{
    return RUNG_TCP_OPS(tcp)->listen(tcp, how, listener);
}

static inline void rung_tcp_unlisten(struct rung_tcp_listener *listener)
{
    RUNG_TCP_OPS(listener->tcp)->unlisten(listener);
}

static inline int rung_tcp_accept(struct rung_tcp_listener *listener, struct rung_tcp_conn **conn)
{
    return RUNG_TCP_OPS(listener->tcp)->accept(listener, conn);
}

static inline void rung_tcp_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how)
{
    RUNG_TCP_OPS(tcp)->connect(tcp, how);
}

static inline int rung_tcp_send(struct rung_tcp_conn *conn, struct rung_buf *const b[], unsigned n)
{
    return RUNG_TCP_OPS(conn->tcp)->send(conn, b, n);
}

static inline int rung_tcp_recv(struct rung_tcp_conn *conn, struct rung_buf *b[], unsigned n)
{
    return RUNG_TCP_OPS(conn->tcp)->recv(conn, b, n);
}

static inline int rung_tcp_shutdown(struct rung_tcp_conn *conn)
{
    return RUNG_TCP_OPS(conn->tcp)->shutdown(conn);
}

static inline void rung_tcp_close(struct rung_tcp_conn *conn)
{
    RUNG_TCP_OPS(conn->tcp)->close(conn);
}

static inline void rung_tcp_abort(struct rung_tcp_conn *conn)
{
    RUNG_TCP_OPS(conn->tcp)->abort(conn);
}

static inline int rung_tcp_set(struct rung_tcp_conn *conn, enum rung_tcp_option option,
                               uint32_t value)
{
    return RUNG_TCP_OPS(conn->tcp)->set(conn, option, value);
}

static inline int rung_tcp_address(struct rung_tcp_conn *conn, enum rung_tcp_end end,
                                   struct rung_addr *addr)
{
    return RUNG_TCP_OPS(conn->tcp)->address(conn, end, addr);
}

static inline void rung_tcp_stop(struct rung_tcp *tcp, struct rung_op *op)
{
    RUNG_TCP_OPS(tcp)->stop(tcp, op);
}

#endif
