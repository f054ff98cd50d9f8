/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite.h - the contract of TCP as tests, and what a module supplies to run it.
 * Model    A program is the suite, one fixture and one module. The stack under test runs on the
 *          platform's loop; the other host, the peer, is the fixture's: the kernel's own sockets on
 *          loopback, the kernel at the other end of a tap, a host outside. The suite asks the peer
 *          again and again between turns of the loop, so nothing of the peer may block.
 *          The cases run for each address family that the rig has.
 *          A hook that is NULL, or answers false, says that this cannot be made here; the cases
 *          that need it are reported as skipped, with the reason.
 * Units    Bytes.
 * Owner    Rigs are made and freed by the fixture. Peers are the suite's until closed or reset.
 * Context  Test code. */
#ifndef TCP_SUITE_H
#define TCP_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "rung/tcp.h"
#include "test_platform.h"

struct tcp_rig;  /* the fixture's own: the stack under test and the way to the peer */
struct tcp_peer; /* the fixture's own: a connection or listener of the other host */

struct tcp_how { /* settings of the stack; 0: the module's default */
    uint64_t linger_ns; /* how long a close waits for the peer */
    uint64_t rx_memory; /* what may be lent to all at once, or kept for them in copies */
    uint32_t max_connections;
};

enum tcp_peer_flag { TCP_PEER_NARROW = 1u << 0 /* the smallest window that it can have */ };

struct tcp_fixture {
    const char *module; /* as in its table */
    size_t much;        /* more bytes than are kept on the way to a peer; 0: 12 MiB */
    /* Optional. Once, before all else: what the program needs of its host, such as a network of its
     * own. false: it is not here, *why says what is missing, and the program is skipped. */
    bool (*enter)(const char **why);
    struct tcp_rig *(*make)(struct rung_platform *p);
    void (*free)(struct tcp_rig *rig);
    /* The module's own open. NOTSUP: it has no such setting. */
    enum rung_err (*open)(struct tcp_rig *rig, const struct tcp_how *how, struct rung_tcp **tcp);
    /* What one connection's app may be lent at once, at most, as the stack was opened. */
    uint64_t (*lends)(struct tcp_rig *rig);
    /* The address at which the peer reaches the stack, port 0. False: not of this family. */
    bool (*host)(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr);

    /* The peer. A connection may still be under way when connect answers. */
    struct tcp_peer *(*peer_connect)(struct tcp_rig *rig, const struct rung_addr *to,
                                     unsigned flags);
    /* A listener on a port of its own, *addr: where the stack reaches it. */
    struct tcp_peer *(*peer_listen)(struct tcp_rig *rig, enum rung_family family, unsigned flags,
                                    struct rung_addr *addr);
    struct tcp_peer *(*peer_accept)(struct tcp_peer *listener); /* NULL: none yet */
    /* How many bytes went; AGAIN: not connected yet, or full; REFUSED, RESET: dead. */
    long (*peer_write)(struct tcp_peer *peer, const void *data, size_t len);
    /* How many bytes came; AGAIN: none yet; EOF; REFUSED, RESET: dead. */
    long (*peer_read)(struct tcp_peer *peer, void *data, size_t len);
    void (*peer_shutdown)(struct tcp_peer *peer);
    void (*peer_close)(struct tcp_peer *peer); /* in order if all was read; listeners too */
    void (*peer_reset)(struct tcp_peer *peer);
    void (*peer_address)(struct tcp_peer *peer, struct rung_addr *addr); /* its own */

    /* Hooks. An option as the stack holds it. */
    bool (*option)(struct tcp_rig *rig, struct rung_tcp_conn *conn, enum rung_tcp_option option,
                   uint32_t *value);
    /* Let the stack have no descriptor, slot or whatever it needs for one more connection. */
    bool (*exhaust)(struct tcp_rig *rig, bool on);
    /* Take away, or give back, the right to listen below port 1024. */
    bool (*unprivileged)(struct tcp_rig *rig, bool on);
    /* The link has no room for more than a few frames, or goes on. */
    bool (*clog)(struct tcp_rig *rig, bool on);
    bool alone; /* does not call itself: no loopback */
    /* Addresses to connect to: one that never answers, one that no route leads to. */
    bool (*silent)(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr);
    bool (*unreachable)(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr);
};

extern const struct tcp_fixture tcp_fixture; /* one in each program */

#define TCP_TEST_APPS 256u

/* A case's surroundings. */
struct tcp_test {
    struct rung_platform *p;
    struct tcp_rig *rig;
    struct rung_tcp *tcp;
    enum rung_family family; /* of the group that runs */
    struct rung_tcp_listener *listener;
    unsigned accept_ready; /* how often its ready() ran */
    bool accept_due;       /* it may */
    uint64_t chance;       /* state of the generator */
    unsigned in_call;      /* ready() and done() must not run now */
    struct tcp_out *outs;  /* every buffer the stack has taken */
    unsigned out_count;    /* of those, not released yet */
    struct tcp_app *apps[TCP_TEST_APPS];
    unsigned app_count;
};

/* A buffer that the suite sends. Its bytes are spoilt and freed when it is released. */
struct tcp_out {
    struct rung_buf buf;
    struct tcp_test *t;
    struct tcp_out *next;
    uint8_t *data;
    size_t len;
    bool taken;
    unsigned released;
    void (*on_release)(struct tcp_out *out); /* may be NULL */
    void *arg;
};

/* A connection as an app has it. It checks the rules of ready(), and all bytes that come. */
struct tcp_app {
    struct tcp_test *t;
    struct rung_tcp_conn *conn; /* NULL: let go of */
    unsigned rx, tx, down;      /* events that came */
    bool rx_due, tx_due;        /* they may come: a call came short */
    uint64_t sent, received;
    int end; /* what recv() said last, if negative */
    bool hold; /* keep what recv() lends */
    struct rung_buf *held;
    uint64_t held_bytes;
    void (*on_ready)(struct tcp_app *app, unsigned events); /* may be NULL */
    struct tcp_out *last_out;                               /* the last buffer taken */
};

/* The other end. It checks all bytes that come as well. */
struct tcp_far {
    struct tcp_peer *peer;
    uint64_t sent, received;
    int end; /* what it was told at its end: EOF, RESET, REFUSED; 0: not yet */
};

/* suite.c */
void tcp_begin(struct tcp_test *t, const struct tcp_how *how); /* NULL: all defaults */
void tcp_end(struct tcp_test *t); /* stops the stack, checks that all is given back */
void tcp_stop(struct tcp_test *t);
void tcp_skip(struct tcp_test *t, const char *why);
size_t tcp_much(void); /* more bytes than are kept on the way to a peer that does not read */
uint32_t tcp_chance(struct tcp_test *t, uint32_t below);
struct rung_addr tcp_host(struct tcp_test *t, uint16_t port);
/* Runs the loop until done(arg), asking each millisecond. */
void tcp_wait(struct tcp_test *t, bool (*done)(void *arg), void *arg);
/* Runs the loop for a while in which something could happen that must not; it must not spin. */
void tcp_settle(struct tcp_test *t);
void tcp_pause(struct tcp_test *t, unsigned ms); /* runs the loop for so long */
void tcp_wait_released(struct tcp_test *t); /* until every buffer that was taken is back */

/* suite_app.c */
uint8_t tcp_pattern(uint64_t at);
void app_listen(struct tcp_test *t);                        /* t->listener, at tcp_host() */
int app_accept(struct tcp_test *t, struct tcp_app *app);    /* one call */
void app_wait_accept_ready(struct tcp_test *t); /* until the listener's ready() has run */
void app_wait_accept(struct tcp_test *t, struct tcp_app *app);
void app_open(struct tcp_test *t, struct tcp_app *app, struct tcp_far *far, unsigned flags);
void app_adopt(struct tcp_app *app, struct tcp_test *t, struct rung_tcp_conn *conn);
int app_send(struct tcp_app *app, const size_t *lens, unsigned n); /* one call */
int app_send_one(struct tcp_app *app, size_t len);
int app_recv(struct tcp_app *app, unsigned n); /* one call; checks, then releases or holds */
int app_drain(struct tcp_app *app);            /* recv() until it has nothing; its last answer */
void app_release_held(struct tcp_app *app);
int app_shutdown(struct tcp_app *app);
void app_close(struct tcp_app *app);
void app_abort(struct tcp_app *app);
void app_wait_rx(struct tcp_app *app);
void app_wait_tx(struct tcp_app *app);
void app_wait_down(struct tcp_app *app);

/* suite_far.c */
void far_connect(struct tcp_test *t, struct tcp_far *far, unsigned flags);
long far_read(struct tcp_far *far);               /* all that is there */
long far_write(struct tcp_far *far, size_t len);  /* as much of it as goes */
void far_write_all(struct tcp_test *t, struct tcp_far *far, uint64_t len);
void far_read_until(struct tcp_test *t, struct tcp_far *far, uint64_t received);
int far_read_end(struct tcp_test *t, struct tcp_far *far); /* reads to the end: EOF, RESET, ... */
void far_close(struct tcp_far *far);
void far_reset(struct tcp_far *far);

/* The cases of one file each, to be run in this order; ends with a NULL name. */
extern const struct CMUnitTest tcp_listen_cases[];
extern const struct CMUnitTest tcp_connect_cases[];
extern const struct CMUnitTest tcp_stream_cases[];
extern const struct CMUnitTest tcp_press_cases[];
extern const struct CMUnitTest tcp_end_cases[];
extern const struct CMUnitTest tcp_life_cases[];
extern const struct CMUnitTest tcp_short_cases[];

#endif
