/* SPDX-License-Identifier: ISC */
/* interfaces/rung/loop.h - LOOP: the one event loop, its timers, deferred calls and requests.
 * Model    Single-threaded, run to completion: every callback runs from rung_loop_run(), one at a
 *          time, and none runs inside a call that asks for it. With nothing to do the loop blocks
 *          in the kernel or the hypervisor, at once or after a busy poll as short as the app says.
 * Units    Nanoseconds (_ns). Timers are never early and at most about 1 ms late on an idle loop.
 * Owner    Timers, tasks and operations are the caller's memory. They must not move or go away
 *          while active. Zeroed memory with fn set is a valid, inactive timer or task.
 * Context  The thread that made the platform. No other thread, no signal handler.
 * Errors   None: these calls cannot fail. Misuse is a bug and asserts. */
#ifndef RUNG_LOOP_H
#define RUNG_LOOP_H

#include "rung/base.h"

struct rung_timer {
    void (*fn)(struct rung_timer *timer); /* the timer is inactive again when it runs */
    uint64_t due_ns;                      /* the loop's from here on */
    uint64_t order;                       /* ties run in the order they were started */
    struct rung_timer *child, *next, *prev;
    bool active;
};

struct rung_task {
    void (*fn)(struct rung_task *task); /* the task is inactive again when it runs */
    struct rung_task *next;             /* the loop's from here on */
    bool active;
};

/* The loop's time: monotonic, read once per turn of the loop, the same all through one callback. */
uint64_t rung_loop_now_ns(struct rung_platform *p);

/* Runs timer->fn once, delay_ns from rung_loop_now_ns() on; 0: on the loop's next turn. Starting an
 * active timer moves it. Timers run in the order of their due times. */
void rung_timer_start(struct rung_platform *p, struct rung_timer *timer, uint64_t delay_ns);

/* Makes the timer inactive: fn will not run. Stopping an inactive timer does nothing. */
void rung_timer_stop(struct rung_platform *p, struct rung_timer *timer);

/* Runs task->fn once, soon, from the loop, after tasks deferred before it. Deferring an active task
 * does nothing. A task that defers itself lets I/O and timers run in between. */
void rung_loop_defer(struct rung_platform *p, struct rung_task *task);

/* Takes a deferred task back: fn will not run. Bounded by the number of waiting tasks. */
void rung_loop_undefer(struct rung_platform *p, struct rung_task *task);

/* Has the loop look for more I/O for ns after each, before it blocks; 0, as at first: it blocks at
 * once. For services of short requests that follow each other closely: being put to sleep and woken
 * costs more than such a gap, the peer on the same host too. It pays for it in processor time, ns
 * at most after each I/O. A hint: a ground that gains nothing by it blocks at once. */
void rung_loop_busy_poll(struct rung_platform *p, uint64_t ns);

/* Runs callbacks until rung_loop_stop(), and returns the status given there. It can be called
 * again afterwards; it cannot be called from a callback. */
int rung_loop_run(struct rung_platform *p);

/* Makes rung_loop_run() return after the present callback, and those for I/O that the ground has
 * been handed already; before a run: at once. The platform
 * itself calls it with status 0 when it is asked to stop (SIGINT, SIGTERM, a Xen shutdown request).
 * The first stop of a run sets the status. */
void rung_loop_stop(struct rung_platform *p, int status);

/* A request in flight: connect, a block request, a KV request, a close. The caller embeds it, sets
 * done, submits it, and leaves it alone until done() has run. */
struct rung_op {
    /* Exactly once for each submit, from the loop, never inside submit. result: as the operation
     * says, 0 or a count, or negative. The op is the caller's again when done() runs. */
    void (*done)(struct rung_op *op, int result);
    /* Set by the module while it can still be called off, else NULL; see rung_op_cancel(). */
    void (*cancel)(struct rung_op *op);
    struct rung_task task; /* the module's while in flight */
    int result;
};

/* Asks for an early end. done() still runs, later, with RUNG_E_CANCELED or with the result that won
 * the race. RUNG_E_NOTSUP: this request runs its course. */
static inline enum rung_err rung_op_cancel(struct rung_op *op)
{
    if (!op->cancel)
        return RUNG_E_NOTSUP;
    op->cancel(op);
    return RUNG_OK;
}

static inline void rung_op_task(struct rung_task *task)
{
    struct rung_op *op = rung_container_of(task, struct rung_op, task);
    op->done(op, op->result);
}

/* For modules: ends op with result on a later turn of the loop, and is safe inside submit. */
static inline void rung_op_finish(struct rung_platform *p, struct rung_op *op, int result)
{
    assert(op->done && !op->task.active);
    op->cancel = NULL;
    op->result = result;
    op->task.fn = rung_op_task;
    rung_loop_defer(p, &op->task);
}

#endif
