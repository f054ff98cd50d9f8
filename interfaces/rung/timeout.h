/* SPDX-License-Identifier: ISC */
/* interfaces/rung/timeout.h - TIMEOUT: a few kinds of time-outs for many waiters, on one timer.
 * Model    A server sets a time-out at every step of every client, and hardly one is ever over. All
 *          of a kind last equally long, so that kind's queue is in order by being appended to, and
 *          starting one costs no timer operation: the set's timer (loop.h) moves to earlier times
 *          alone, about once in the shortest length.
 * Units    Nanoseconds (_ns). Never early, late as the loop's timers are.
 * Owner    The set, its queues and the waiters are the caller's memory, zeroed at first. They
 *          do not move, and a waiter does not go away in a queue.
 * Context  The loop. over() never runs inside a call.
 * Errors   None: these calls cannot fail. */
#ifndef RUNG_TIMEOUT_H
#define RUNG_TIMEOUT_H

#include "rung/loop.h"

struct rung_timeout { /* one waiter */
    struct rung_timeout *next, *prev; /* the set's from here on, but that kind may be read */
    uint64_t due_ns;
    uint8_t kind; /* 0: it waits for nothing */
};

struct rung_timeout_queue {
    struct rung_timeout *first, *last;
    uint64_t length_ns; /* the caller's, set before use; 0: never over */
};

struct rung_timeouts {
    struct rung_platform *p;
    struct rung_timeout_queue *queues; /* by kind; queues[0] stays zero */
    unsigned count;                    /* of them */
    /* Its time is over, and it is in no queue any more. It may be started again. */
    void (*over)(struct rung_timeouts *set, struct rung_timeout *waiter, unsigned kind);
    /* Optional: how much sooner all of a kind are over as things are; see rung_timeouts_look(). */
    uint64_t (*sooner_ns)(struct rung_timeouts *set, unsigned kind);
    struct rung_timer timer; /* the set's own */
    uint64_t due_ns;
};

static inline void rung_timeouts_arm_(struct rung_timeouts *set, unsigned kind, uint64_t due_ns)
{
    uint64_t now_ns = rung_loop_now_ns(set->p);
    if (set->sooner_ns)
        due_ns -= set->sooner_ns(set, kind);
    if (set->timer.active && due_ns >= set->due_ns)
        return;
    set->due_ns = due_ns;
    rung_timer_start(set->p, &set->timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

/* The waiter waits for nothing any more. */
static inline void rung_timeout_stop(struct rung_timeouts *set, struct rung_timeout *waiter)
{
    struct rung_timeout_queue *queue = &set->queues[waiter->kind];
    if (waiter->kind == 0)
        return;
    *(waiter->prev ? &waiter->prev->next : &queue->first) = waiter->next;
    *(waiter->next ? &waiter->next->prev : &queue->last) = waiter->prev;
    waiter->kind = 0;
}

/* From now on it waits for the whole of that kind's length, whatever it waited for before. */
static inline void rung_timeout_start(struct rung_timeouts *set, struct rung_timeout *waiter,
                                      unsigned kind)
{
    struct rung_timeout_queue *queue = &set->queues[kind];
    assert(kind < set->count);
    rung_timeout_stop(set, waiter);
    if (queue->length_ns == 0)
        return;
    waiter->kind = (uint8_t)kind;
    waiter->due_ns = rung_loop_now_ns(set->p) + queue->length_ns;
    waiter->next = NULL;
    waiter->prev = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = waiter;
    queue->last = waiter;
    rung_timeouts_arm_(set, kind, waiter->due_ns);
}

/* sooner_ns() may give more than before: the timer takes that in. */
static inline void rung_timeouts_look(struct rung_timeouts *set)
{
    for (unsigned kind = 1; kind < set->count; kind++) {
        if (set->queues[kind].first)
            rung_timeouts_arm_(set, kind, set->queues[kind].first->due_ns);
    }
}

static inline void rung_timeouts_sweep_(struct rung_timer *timer)
{
    struct rung_timeouts *set = rung_container_of(timer, struct rung_timeouts, timer);
    uint64_t now_ns = rung_loop_now_ns(set->p);
    for (unsigned kind = 1; kind < set->count; kind++) {
        struct rung_timeout *first;
        while ((first = set->queues[kind].first) != NULL
               && first->due_ns <= now_ns + (set->sooner_ns ? set->sooner_ns(set, kind) : 0)) {
            rung_timeout_stop(set, first);
            set->over(set, first, kind);
        }
    }
    rung_timeouts_look(set);
}

/* A set of time-outs with its first count queues, over() and, if it is wanted, sooner_ns() set. */
static inline void rung_timeouts_init(struct rung_timeouts *set, struct rung_platform *p,
                                      struct rung_timeout_queue queues[], unsigned count)
{
    set->p = p;
    set->queues = queues;
    set->count = count;
    set->timer.fn = rung_timeouts_sweep_;
}

/* Nothing is over any more; waiters stay in their queues. */
static inline void rung_timeouts_end(struct rung_timeouts *set)
{
    rung_timer_stop(set->p, &set->timer);
}

#endif
