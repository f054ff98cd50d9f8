/* SPDX-License-Identifier: ISC */
/* test/support/tcp_loop_int.h - the insides of tcp_loop, for its two files. */
#ifndef TEST_TCP_LOOP_INT_H
#define TEST_TCP_LOOP_INT_H

#include "tcp_loop.h"

struct tcp_loop_conn {
    struct rung_tcp_conn base;
    struct tcp_loop *loop;
    struct tcp_loop_conn *peer; /* NULL: no more */
    struct tcp_loop_conn *next, *prev;
    struct tcp_loop_conn *pending_next;
    struct rung_timer closing;
    struct rung_addr local;
    unsigned refs; /* the app's, the peer's, the pending queue's, one for each lent buffer */
    struct rung_buf *tx, *tx_last; /* taken, and not yet arrived */
    size_t tx_bytes;
    size_t tx_done; /* of the first */
    size_t tx_wanted; /* by the buffer there was no room for */
    struct rung_buf *rx, *rx_last; /* arrived, and not yet lent */
    size_t rx_bytes; /* arrived, and not yet released by the app */
    int error;
    bool app;      /* the app has it; false: let go, or not yet accepted */
    bool waiting;  /* not yet accepted */
    bool rx_armed, tx_armed;
    bool fin_wanted, fin_sent, fin_arrived;
    bool told_down;
    bool pending;
};

struct tcp_loop_listener {
    struct rung_tcp_listener base;
    struct tcp_loop *loop;
    struct tcp_loop_listener *next;
    struct tcp_loop_conn *queue, *queue_last; /* linked by pending_next while waiting */
    unsigned waiting, backlog;
    bool armed;
};

struct tcp_loop_conn *tcp_loop_conn_new(struct tcp_loop *loop);
void tcp_loop_put(struct tcp_loop_conn *c);
void tcp_loop_pend(struct tcp_loop_conn *c); /* something may move, or be told */
bool tcp_loop_move(struct tcp_loop_conn *c); /* one segment to the peer; whether one went */
void tcp_loop_reset(struct tcp_loop_conn *c, int error); /* this end is dead */
void tcp_loop_part(struct tcp_loop_conn *c); /* ends the pair */
void tcp_loop_pump(struct rung_task *task);

static inline struct tcp_loop_conn *tcp_loop_conn_of(struct rung_tcp_conn *base)
{
    return rung_container_of(base, struct tcp_loop_conn, base);
}

#endif
