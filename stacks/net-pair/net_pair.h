/* SPDX-License-Identifier: ISC */
/* stacks/net-pair/net_pair.h - NET: two links back to back in one process, to prove and to test.
 * Model    What one end sends the other receives, whole and in order, one turn of the loop later.
 *          An end keeps to net.h at its strictest, so that a caller who does well here does well on
 *          a NIC: it writes to the headroom it asks for, takes at most depth frames a turn, lends
 *          pages from a pool and loses frames when the pool is dry, has ready() follow only where
 *          net.h promises it, and filters by address unless promisc is on. Offloads are honoured by
 *          handing the frame over as it is, with its flags.
 * Units    Bytes; frames for depth; pages of RUNG_NET_PAIR_PAGE bytes for the pool.
 * Owner    The state is the opener's. Closing `net` ends the pair: an open `peer` is closed with
 *          it, and nobody may hold a frame lent by either end. Closing `peer` first takes the link
 *          of `net` down. The pool is on the heap until `net` is closed.
 * Context  The loop.
 * Errors   open: INVAL (mtu, depth, pool, max-frags), NOMEM. A frame that breaks net.h's rules
 *          asserts; in a build without assertions it is dropped and counted. */
#ifndef RUNG_NET_PAIR_H
#define RUNG_NET_PAIR_H

#include "net_pair_module.h"
#include "rung/net.h"

#define RUNG_NET_PAIR_PAGE 4096u
#define RUNG_NET_PAIR_GROUPS 16u /* multicast groups that an end can filter */

struct rung_net_pair;

/* A page of received bytes. A frame is a chain of them. */
struct rung_net_pair_page {
    struct rung_frame frame;
    struct rung_net_pair_end *end;
    struct rung_net_pair_page *chain; /* the frame's next page; frame.next is the borrower's */
    struct rung_net_pair_page *next;  /* in the list of free pages, or of frames to be received */
    uint8_t *bytes;
    bool lent;
};

struct rung_net_pair_end {
    struct rung_net net;
    struct rung_net_pair *pair;
    struct rung_net_pair_end *far;
    bool open, gone;
    struct rung_task carry;  /* moves the queue to the far end */
    struct rung_task notify; /* runs ready() with events */
    unsigned events;
    bool rx_waits, tx_waits; /* recv() or send() came short: the caller is owed an event */
    struct rung_frame **queue; /* a ring of depth frames that send() took */
    unsigned queue_first, queue_count;
    struct rung_net_pair_page *free_pages;
    unsigned free_count, lent_count;
    struct rung_net_pair_page *received, **received_end;
    uint8_t groups[RUNG_NET_PAIR_GROUPS][6];
    unsigned group_count;
    bool all_groups;
};

struct rung_net_pair {
    union {
        struct rung_net net; /* the module's end */
        struct rung_net_pair_end near_end;
    };
    union {
        struct rung_net peer; /* the other: the same in every way */
        struct rung_net_pair_end far_end;
    };
    struct rung_platform *p;
    unsigned depth, pool;
    bool filter;
    struct rung_net_pair_page *pages; /* of both ends */
    uint8_t *bytes;
    struct rung_frame **queues;
    struct rung_task close_task;
    struct rung_op *closing;
};

enum rung_err rung_net_pair_open(struct rung_net_pair *self, struct rung_platform *p,
                                 const struct rung_net_pair_keys *keys,
                                 const struct rung_net_pair_needs *needs);

/* Plugs the cable in or out: both ends see LINK. Frames not yet carried over are lost. Not while
 * an end is closed or gone: then it stays down. */
void rung_net_pair_set_link(struct rung_net_pair *self, bool up);

/* Pulls the card `net` itself: its calls give DOWN from here on, and it reports every event
 * once, so that whoever waits comes and sees. The peer sees its link go down. Both still need
 * closing. */
void rung_net_pair_unplug(struct rung_net_pair *self);

#endif
