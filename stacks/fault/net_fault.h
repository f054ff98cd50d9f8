/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault.h - NET around a NET that loses, doubles, reorders, corrupts and delays.
 * Model    What `tc netem` does to a link, for both directions, by chance from a seed: the same
 *          seed and the same frames give the same faults (fault_dice.h). Without faults in
 *          a direction its calls go straight through. Otherwise frames wait in a line of bounded
 *          length (fault_line.h), by reference: when it is full the sender is told so, and what
 *          comes in is left to the link behind, which drops and counts when it runs dry. Nothing
 *          is lost beyond what was asked for.
 *          A super-frame is one frame here; to have each segment lost on its own, hide the link's
 *          offloads (offload=off). Then the sender makes plain frames, and what comes in
 *          is cut and summed here. Only corruption cuts them always: see net_fault.c.
 *          A frame lost here counts as dropped in stats. When the link goes down, what is under
 *          way is lost.
 * Units    Bytes; nanoseconds; millionths.
 * Owner    The state is the opener's. Frames on their way are the wrapper's; those handed on are
 *          the link's behind, which is closed after. Copies (of doubled, corrupted and cut frames)
 *          come from the heap; without memory a frame is lost, or not doubled.
 * Context  The loop.
 * Errors   open: RANGE (a key), NOMEM. Calls: those of the link behind. */
#ifndef RUNG_NET_FAULT_H
#define RUNG_NET_FAULT_H

#include "fault_dice.h"
#include "fault_line.h"
#include "fault_text.h"
#include "net_fault_module.h"
#include "rung/net.h"

struct rung_fault_way { /* a direction */
    bool active;        /* something may befall its frames */
    struct rung_fault_shares shares;
    struct rung_fault_dice dice;
    struct rung_fault_line line;
    uint64_t passed, bytes; /* frames handed on, and their bytes */
    uint64_t lost, duplicated, overtaken, corrupted, too_long, broken;
};

struct rung_net_fault {
    struct rung_net net;
    struct rung_net *link; /* the one behind */
    struct rung_platform *p;
    const struct rung_net_fault_keys *keys;
    struct rung_fault_way ways[RUNG_FAULT_WAYS];
    struct rung_fault_slot *slots; /* of both lines */
    bool plain;                    /* the link's offloads are hidden */
    bool gone, closed;
    bool sending;            /* the link's send() is being called */
    bool rx_waits, tx_waits; /* recv() or send() came short: the caller is owed an event */
    unsigned events;
    struct rung_task notify; /* runs ready() with events */
    struct rung_timer keep;  /* or later, if nobody listens yet */
    struct rung_timer timer; /* the next one arrives */
    struct rung_task more;   /* there is more to fetch */
    struct rung_task close_task;
    struct rung_op *closing;
};

enum rung_err rung_net_fault_open(struct rung_net_fault *self, struct rung_platform *p,
                                  const struct rung_net_fault_keys *keys,
                                  const struct rung_net_fault_needs *needs);

#endif
