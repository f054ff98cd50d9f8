/* SPDX-License-Identifier: ISC */
/* backends/common/timers.h - the active timers of a loop, earliest first.
 * Model    A pairing heap threaded through struct rung_timer, so that starting a timer needs no
 *          memory and cannot fail. Starting takes a few steps, the earliest is found at once,
 *          removing takes O(log n) over many calls. A heap and not a wheel: time-outs of servers
 *          are few different lengths but any number, and most are moved before they run.
 * Units    Nanoseconds of the loop's clock.
 * Owner    Timers are the caller's and stay in place while they are in the heap.
 * Context  The loop's thread.
 * Errors   None. */
#ifndef RUNG_COMMON_TIMERS_H
#define RUNG_COMMON_TIMERS_H

#include "rung/loop.h"

struct rung_timers { /* zeroed: empty */
    struct rung_timer *root;
    uint64_t next_order; /* counts starts, and so breaks ties */
};

/* timer is not in any heap. */
void rung_timers_add(struct rung_timers *timers, struct rung_timer *timer, uint64_t due_ns);

/* timer is in this heap. */
void rung_timers_remove(struct rung_timers *timers, struct rung_timer *timer);

/* The one to run next, or NULL. */
static inline struct rung_timer *rung_timers_first(const struct rung_timers *timers)
{
    return timers->root;
}

#endif
