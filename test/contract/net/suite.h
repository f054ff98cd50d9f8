/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite.h - the contract of NET as tests, and what a module supplies to run it.
 * Model    A program is the suite, one fixture and one module; it runs every case for each of the
 *          fixture's variants. A rig is one link with a peer at its other end: the module's own
 *          other end, a packet socket, a hypervisor's back end. The suite talks to the peer through
 *          inject() and take() only. A hook that is NULL, or answers false, says that this cannot
 *          be done here; the cases that need it are reported as skipped, with the reason.
 * Units    Bytes of whole frames without FCS.
 * Owner    Rigs are made and freed by the fixture. The suite closes the link that open() gave.
 * Context  Test code, outside callbacks. */
#ifndef NET_SUITE_H
#define NET_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/net.h"
#include "test_platform.h"

/* A frame as the peer sends or gets it, with what stands beside it in a struct rung_frame. A
 * fixture whose wire shows a super-frame in pieces puts it together again. */
struct net_wire {
    uint32_t len;
    uint16_t flags; /* RUNG_FRAME_CSUM, RUNG_FRAME_VERIFIED, RUNG_FRAME_ECN */
    uint16_t gso_size, hdr_len, csum_start, csum_offset;
    uint8_t gso_type;
    uint8_t bytes[RUNG_FRAME_MAX];
};

struct net_rig; /* the fixture's own */

struct net_fixture {
    const char *module;          /* as in its table */
    const char *const *variants; /* settings to run everything with; ends with NULL */
    /* Optional. Once, before all else: what the program needs of its host, such as a network of its
     * own. false: it is not here, *why says what is missing, and the program is skipped. */
    bool (*enter)(const char **why);
    struct net_rig *(*make)(struct rung_platform *p, const char *variant);
    void (*free)(struct net_rig *rig); /* the link is closed, if it ever was open */
    uint32_t super_max; /* longest super-frame that the peer can send; 0: RUNG_FRAME_MAX */
    /* The module's own open, and the peer's, whatever that takes. */
    enum rung_err (*open)(struct net_rig *rig, struct rung_net **net);
    /* The peer sends. false: not now, try after a turn of the loop. */
    bool (*inject)(struct net_rig *rig, const struct net_wire *wire);
    /* The next frame that the peer has got. false: none yet. */
    bool (*take)(struct net_rig *rig, struct net_wire *wire);
    /* Hooks. Stop the peer from taking anything over, so that the link fills up, and let it go on.
     * NULL: the link fills up by itself within one turn of the loop. */
    bool (*stall)(struct net_rig *rig, bool on);
    bool (*set_link)(struct net_rig *rig, bool up);
    bool (*unplug)(struct net_rig *rig); /* take the device away for good */
};

extern const struct net_fixture net_fixture; /* one in each program */

struct net_test {
    struct rung_platform *p;
    struct net_rig *rig;
    struct rung_net *net;
    uint64_t chance; /* state of the generator */
    bool in_call;    /* ready() and done() must not run now */
    bool closed;     /* nor ready() from here on */
    unsigned rx_events, tx_events, link_events;
    struct net_wire *wire; /* scratch */
};

enum { NET_FRAGS = 24 }; /* of one frame of the suite, at most */

/* A frame that the suite sends: checks that it is released once, whole, with its bytes as they
 * were. Fragments have memory of their own, so that the sanitizer sees each one's bounds. */
struct net_out {
    struct net_test *t;
    struct rung_frame frag[NET_FRAGS];
    uint8_t *memory[NET_FRAGS];
    uint8_t *copy;      /* the bytes as they were sent */
    unsigned frags;
    unsigned released;
    bool flying;        /* handed to send() */
    void (*then)(struct net_out *out); /* at the end of release; may be NULL */
    void *arg;
};

/* suite.c */
extern const char *net_variant; /* of the group that runs */
void net_begin(struct net_test *t);
void net_close(struct net_test *t);
void net_end(struct net_test *t); /* closes, and fails if memory is left */
void net_skip(struct net_test *t, const char *why);
uint32_t net_chance(struct net_test *t, uint32_t below);
unsigned net_rounds(unsigned n); /* fewer under valgrind */
bool net_has(const struct net_test *t, uint32_t caps);
int net_send(struct net_test *t, struct rung_frame *const f[], unsigned n);
int net_recv(struct net_test *t, struct rung_frame *f[], unsigned n);
void net_wait(struct net_test *t, bool (*done)(void *arg)); /* done(t) */
bool net_take_ours(struct net_test *t, struct net_wire *wire);  /* passes over foreign frames */
void net_await_taken(struct net_test *t, struct net_wire *wire); /* runs the loop for it */
bool net_try_inject(struct net_test *t, const struct net_wire *wire);
void net_inject(struct net_test *t, const struct net_wire *wire); /* runs the loop if it must */
struct rung_frame *net_recv_ours(struct net_test *t);  /* or NULL; passes over foreign frames */
struct rung_frame *net_await_recv(struct net_test *t); /* runs the loop for it */
void net_expect_quiet(struct net_test *t); /* the peer gets nothing, and nothing comes in */

/* suite_wire.c */
void net_plain(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len);
void net_inbound(struct net_test *t, struct net_wire *wire); /* turns it round: to the link's MAC */
void net_udp(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len);
void net_super(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len, bool ipv6);
bool net_is_ours(const struct net_wire *wire);
uint32_t net_id(const struct net_wire *wire); /* of net_plain() only */
void net_same(const struct net_wire *sent, const struct net_wire *got);
void net_copy_lent(struct net_wire *wire, const struct rung_frame *f);
void net_out_cut(struct net_out *out, struct net_test *t, const struct net_wire *wire,
                 unsigned frags); /* makes it ready to send, in so many fragments */
void net_out_free(struct net_out *out); /* one that was never taken */
void net_send_one(struct net_test *t, struct net_out *out, const struct net_wire *wire,
                  unsigned frags); /* and expects that it is taken */

/* The cases of one file each; they end with a NULL name. */
extern const struct CMUnitTest net_send_cases[];
extern const struct CMUnitTest net_recv_cases[];
extern const struct CMUnitTest net_offload_cases[];
extern const struct CMUnitTest net_life_cases[];
extern const struct CMUnitTest net_fault_cases[];
extern const struct CMUnitTest net_model_cases[];

#endif
