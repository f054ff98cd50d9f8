/* SPDX-License-Identifier: ISC */
/* test/support/tcp_loop.h - TCP without a network, for tests of what stands on TCP.
 * Model    One stack whose listeners and connections meet inside it: a connection that an app makes
 *          to a listener's port gives one end to each. What one end sends arrives at the other in
 *          segments whose size the test sets, or a seed; one segment for each turn of the loop and
 *          direction. Buffers sent apart never arrive merged, so a test cuts a stream where it
 *          likes. A reset throws away what was not read, as the worst of networks would.
 * Units    Bytes.
 * Owner    As rung/tcp.h says. tcp_loop_idle() tells whether everything has come home.
 *          Its memory is the C library's: failures of the platform's heap strike what is tested.
 * Context  The loop of its platform; the knobs may be turned at any time.
 * Errors   As rung/tcp.h says; addresses other than the port are not looked at. */
#ifndef TEST_TCP_LOOP_H
#define TEST_TCP_LOOP_H

#include "rung/tcp.h"

struct tcp_loop_conn;
struct tcp_loop_listener;

struct tcp_loop {
    struct rung_tcp tcp;
    size_t segment;   /* knob: largest segment; 0: 1 to 1,460 by the seed */
    size_t window;    /* knob: bytes that an end holds unreleased before its peer must wait */
    size_t queue;     /* knob: bytes that send() takes beyond those that have arrived */
    bool eager;       /* knob: send() delivers at once what the window lets through, and releases
                         inside the call, as a socket does */
    bool full;        /* knob: accept() has no descriptor; call tcp_loop_wake() after clearing */
    uint64_t close_ns; /* knob: how long a closed connection may wait for its peer */
    size_t segments;  /* out: buffers lent and not yet released */
    size_t sent;      /* out: buffers taken and not yet released */
    size_t conns;     /* out: connections that have not ended on both sides */

    struct rung_platform *p;
    uint64_t random;
    uint16_t next_port;
    struct rung_task pump;
    struct tcp_loop_listener *listeners;
    struct tcp_loop_conn *all;
    struct tcp_loop_conn *pending, *pending_last;
};

void tcp_loop_open(struct tcp_loop *self, struct rung_platform *p, uint64_t seed);

/* Lets listeners look again, after clearing `full`. */
void tcp_loop_wake(struct tcp_loop *self);

/* Whether no connection, no lent and no taken buffer is left. */
bool tcp_loop_idle(const struct tcp_loop *self);

extern const struct rung_tcp_ops tcp_loop_ops;

#endif
