/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_impl.h - what the files of tcp-socket share. Not for others.
 * A connection's life: made (in conns) -> connecting -> open -> let go by the app (lingering, while
 * something taken is not yet in the kernel) -> dropped: descriptor closed, out of every list, but
 * its memory stays until libuv has let go of the handle, so that a callback under way may end. */
#ifndef RUNG_TCP_IMPL_H
#define RUNG_TCP_IMPL_H

#include <uv.h>

#include "rx_pool.h"
#include "tcp_socket.h"

/* What the kernel takes beyond what the peer's window and the network have room for. Without a
 * bound it takes megabytes, and says that there is room again only when a third of them has gone: a
 * client that reads slowly would look like one that does not read at all, to time-outs above. */
#define RUNG_TCP_UNSENT_BYTES 131072

struct rung_tcp_socket_conn {
    struct rung_tcp_conn base;
    struct rung_tcp_socket_conn *next, **link; /* in conns or lingering; NULL: dropped */
    struct rung_buf *tx; /* taken and partly written: the rest waits for the kernel */
    union {
        struct rung_tcp_connect *connect; /* while connecting */
        uint64_t linger_due_ns;           /* while lingering */
    };
    struct rung_rx_waiter waiter;
    uv_poll_t poll;
    int fd;
    int error;     /* why it is dead: RUNG_E_RESET or RUNG_E_TIMEDOUT; 0: it is not */
    uint8_t watch; /* what poll watches: enum uv_poll_event */
    bool connecting : 1;
    bool rx_want : 1;  /* recv() came short: RX is due */
    bool rx_ready : 1; /* the kernel has something, as far as we know */
    bool rx_armed : 1; /* watching for it */
    bool rx_bulk : 1;  /* the last read filled what it was given */
    bool rx_eof : 1;
    bool tx_want : 1;    /* send() came short: TX is due */
    bool tx_shut : 1;    /* FIN goes behind tx */
    bool tx_fin : 1;     /* and has gone */
    bool quiet : 1;      /* nothing more can be heard from the kernel */
    bool told_down : 1;
    bool lingering : 1;  /* the app has let go: no ready() any more */
};

struct rung_tcp_socket_listener {
    struct rung_tcp_listener base;
    struct rung_tcp_socket_listener *next, **link;
    uv_poll_t poll;
    int fd;
    bool want;     /* accept() came short: ready is due */
    bool waiting;  /* connections wait, as far as we know */
    bool resting;  /* not watched until the stack wakes it */
    bool warned;   /* in this episode */
    uint64_t warn_due_ns; /* the next episode may warn from then on */
};

static inline struct rung_tcp_socket *tcp_self(struct rung_tcp *tcp)
{
    return rung_container_of(tcp, struct rung_tcp_socket, tcp);
}

static inline struct rung_tcp_socket_conn *tcp_conn(struct rung_tcp_conn *base)
{
    return rung_container_of(base, struct rung_tcp_socket_conn, base);
}

/* tcp_socket.c: */
/* A connection without a descriptor, or NULL. */
struct rung_tcp_socket_conn *rung_tcp_socket_conn_new(struct rung_tcp_socket *self);
/* Gives it the descriptor, which the connection then closes. On error the caller still does, and
 * frees the connection with rung_free(). */
enum rung_err rung_tcp_socket_conn_adopt(struct rung_tcp_socket *self,
                                         struct rung_tcp_socket_conn *conn, int fd);
/* Ends it now; reset: with a RST. */
void rung_tcp_socket_conn_drop(struct rung_tcp_socket_conn *conn, bool reset);
/* Whether max-connections allows one more. */
bool rung_tcp_socket_has_slot(const struct rung_tcp_socket *self);
/* One handle less: libuv has let go of it. */
void rung_tcp_socket_handle_closed(struct rung_tcp_socket *self);

/* tcp_stream.c: the connection's events, once it is open. */
void rung_tcp_socket_conn_watch(struct rung_tcp_socket_conn *conn);
void rung_tcp_socket_conn_event(uv_poll_t *poll, int status, int events);
void rung_tcp_socket_conn_wake(struct rung_rx_waiter *waiter);
void rung_tcp_socket_conn_fin(struct rung_tcp_socket_conn *conn); /* behind what is written */
int rung_tcp_socket_error(int fd);

/* tcp_close.c: */
void rung_tcp_socket_conn_linger_due(struct rung_timer *timer);

/* tcp_connect.c: the connection's event while it is connecting. */
void rung_tcp_socket_connect_event(struct rung_tcp_socket_conn *conn);

/* tcp_listen.c: wakes resting listeners. */
void rung_tcp_socket_wake_listeners(struct rung_tcp_socket *self);

/* The operations, in tcp_listen.c, tcp_connect.c, tcp_stream.c, tcp_close.c and tcp_socket.c. */
int rung_tcp_socket_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                           struct rung_tcp_listener **listener);
void rung_tcp_socket_unlisten(struct rung_tcp_listener *listener);
int rung_tcp_socket_accept(struct rung_tcp_listener *listener, struct rung_tcp_conn **conn);
void rung_tcp_socket_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how);
int rung_tcp_socket_send(struct rung_tcp_conn *conn, struct rung_buf *const b[], unsigned n);
int rung_tcp_socket_recv(struct rung_tcp_conn *conn, struct rung_buf *b[], unsigned n);
int rung_tcp_socket_shutdown(struct rung_tcp_conn *conn);
void rung_tcp_socket_close(struct rung_tcp_conn *conn);
void rung_tcp_socket_abort(struct rung_tcp_conn *conn);
int rung_tcp_socket_set(struct rung_tcp_conn *conn, enum rung_tcp_option option, uint32_t value);
int rung_tcp_socket_address(struct rung_tcp_conn *conn, enum rung_tcp_end end,
                            struct rung_addr *addr);
void rung_tcp_socket_stop(struct rung_tcp *tcp, struct rung_op *op);

#endif
