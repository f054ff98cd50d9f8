/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite.h - the contract of UDP as tests, and what a module supplies to run it.
 * Model    A program is the suite, one fixture and one module. The stack under test runs on the
 *          platform's loop; the other host, the peer, is the fixture's, and nothing of it blocks.
 *          The suite keeps few datagrams on the way at once, so that a link that loses none when it
 *          is not flooded (loopback, a tap) delivers all. The cases run for each address family.
 *          A hook that is NULL, or answers false, says that this cannot be made here; the cases
 *          that need it are reported as skipped, with the reason.
 * Units    Bytes.
 * Owner    Rigs and peers are made and freed by the fixture.
 * Context  Test code. */
#ifndef UDP_SUITE_H
#define UDP_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "rung/udp.h"
#include "test_platform.h"

struct udp_rig;  /* the fixture's own: the stack under test and the way to the peer */
struct udp_peer; /* the fixture's own: a socket of the other host */

struct udp_how { /* settings of the stack; 0: the module's default */
    uint64_t rx_memory; /* what may be lent to all at once, or kept for them in copies */
};

struct udp_fixture {
    const char *module; /* as in its table */
    size_t longest6;    /* the longest datagram over IPv6, if that is not RUNG_UDP_MAX; else 0 */
    /* Optional. Once, before all else: what the program needs of its host, such as a network of its
     * own. false: it is not here, *why says what is missing, and the program is skipped. */
    bool (*enter)(const char **why);
    struct udp_rig *(*make)(struct rung_platform *p);
    void (*free)(struct udp_rig *rig);
    /* The module's own open. NOTSUP: it has no such setting. */
    enum rung_err (*open)(struct udp_rig *rig, const struct udp_how *how, struct rung_udp **udp);
    /* What one socket's app may be lent at once, at most, as the stack was opened. */
    uint64_t (*lends)(struct udp_rig *rig);
    /* The address at which the peer reaches the stack, port 0. False: not of this family. */
    bool (*host)(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr);

    /* The peer: a socket on a port of its own; *addr: where the stack reaches it. */
    struct udp_peer *(*peer_open)(struct udp_rig *rig, enum rung_family family,
                                  struct rung_addr *addr);
    void (*peer_send)(struct udp_peer *peer, const struct rung_addr *to, const void *data,
                      size_t len);
    /* The length of the next datagram, or AGAIN. */
    long (*peer_recv)(struct udp_peer *peer, void *data, size_t len, struct rung_addr *from);
    void (*peer_close)(struct udp_peer *peer);

    /* Hooks. Another address of the stack's host. */
    bool (*second_host)(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr);
    /* A multicast group that the peer reaches the stack by, with the scope to join it on. */
    bool (*group)(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr);
    bool (*exhaust)(struct udp_rig *rig, bool on);      /* nothing is left for one more socket */
    bool (*unprivileged)(struct udp_rig *rig, bool on); /* no right to ports below 1024 */
    bool (*clog)(struct udp_rig *rig, bool on);         /* the link has no room for datagrams */
    bool (*unreachable)(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr);
};

extern const struct udp_fixture udp_fixture; /* one in each program */

/* A socket as an app has it. It checks the rules of ready(). */
struct udp_sock {
    struct udp_test *t;
    struct rung_udp_sock *socket; /* NULL: closed */
    unsigned rx, tx;              /* events that came */
    bool rx_due, tx_due;          /* they may come: a call came short */
    bool hold;                    /* keep what recv() lends */
    struct rung_dgram *held;      /* the newest first */
    unsigned held_count;
    void (*on_ready)(struct udp_sock *sock, unsigned events); /* may be NULL */
    /* The last datagrams that came, as they were. */
    unsigned count;
    struct rung_addr peer, local;
    uint32_t last_number;
    size_t last_len;
};

#define UDP_TEST_SOCKS 8u

/* A case's surroundings. */
struct udp_test {
    struct rung_platform *p;
    struct udp_rig *rig;
    struct rung_udp *udp;
    enum rung_family family; /* of the group that runs */
    uint64_t chance;         /* state of the generator */
    unsigned in_call;        /* ready() must not run now */
    struct udp_out *outs;    /* every datagram the stack has taken */
    unsigned out_count;      /* of those, not released yet */
    struct udp_sock socks[UDP_TEST_SOCKS];
    unsigned sock_count;
};

/* A datagram that the suite sends. Its bytes are spoilt and freed when it is released. */
struct udp_out {
    struct rung_dgram dgram;
    struct udp_test *t;
    struct udp_out *next;
    uint8_t *data;
    size_t len;
    unsigned released;
};

/* suite.c */
void udp_begin(struct udp_test *t, const struct udp_how *how); /* NULL: all defaults */
void udp_end(struct udp_test *t); /* stops the stack, checks that all is given back */
void udp_stop(struct udp_test *t);
void udp_skip(struct udp_test *t, const char *why);
uint32_t udp_chance(struct udp_test *t, uint32_t below);
struct rung_addr udp_host(struct udp_test *t, uint16_t port);
void udp_wait(struct udp_test *t, bool (*done)(void *arg), void *arg);
void udp_settle(struct udp_test *t); /* runs the loop for a while; it must not spin */
/* The content of a datagram follows from its number, which is in it if it is long enough. */
void udp_fill(uint8_t *data, size_t len, uint32_t number);
uint32_t udp_check(const uint8_t *data, size_t len); /* fails, or gives the number */

/* suite_sock.c */
int sock_open_at(struct udp_test *t, const struct rung_addr *local, struct udp_sock **sock);
struct udp_sock *sock_open(struct udp_test *t); /* at udp_host() */
/* One call of send() for n datagrams numbered from number on; its answer. */
int sock_send(struct udp_sock *sock, const struct rung_addr *to, const struct rung_addr *from,
              uint32_t number, const size_t *lens, unsigned n);
int sock_send_one(struct udp_sock *sock, const struct rung_addr *to, uint32_t number, size_t len);
int sock_recv(struct udp_sock *sock, unsigned n); /* one call; checks, then releases or holds */
void sock_release_held(struct udp_sock *sock);
void sock_close(struct udp_sock *sock);
void sock_wait_rx(struct udp_sock *sock);
void sock_wait_count(struct udp_sock *sock, unsigned count); /* receives until so many came */
/* The peer sends; the peer waits for one datagram and checks it: its length, and *from. */
void far_send(struct udp_peer *peer, const struct rung_addr *to, uint32_t number, size_t len);
size_t far_recv(struct udp_test *t, struct udp_peer *peer, uint32_t *number,
                struct rung_addr *from);
bool far_has_nothing(struct udp_peer *peer);

/* The cases of one file each, to be run in this order; ends with a NULL name. */
extern const struct CMUnitTest udp_open_cases[];
extern const struct CMUnitTest udp_io_cases[];
extern const struct CMUnitTest udp_life_cases[];

#endif
