/* SPDX-License-Identifier: ISC */
/* backends/common/platform.h - what every ground's platform is made of, and what a ground adds.
 * Model    A ground embeds struct rung_platform in its own state and writes the calls below, which
 *          are chosen at link time: rung_loop_run(), the two clocks, entropy, the console, the
 *          heap, and the rung_ground_*() functions. Everything else of the platform services is
 *          here, and so behaves alike everywhere. One turn of a loop is: rung_turn_begin(), then
 *          wait for events (not at all if rung_turn_ready() was true, else until the first timer)
 *          and run their callbacks, then rung_turn_end(), which runs due timers and the tasks that
 *          wait.
 * Units    Nanoseconds.
 * Owner    The ground owns the platform. Nothing outside backends/ and test/support looks into it.
 * Context  The loop's thread.
 * Errors   Misuse asserts. */
#ifndef RUNG_COMMON_PLATFORM_H
#define RUNG_COMMON_PLATFORM_H

#include "common/tasks.h"
#include "common/timers.h"
#include "rung/log.h"

struct rung_platform {
    uint64_t now_ns;         /* the loop's time, if now_read; else to be read from the clock */
    struct rung_timers timers;
    struct rung_tasks tasks;
    uint64_t busy_poll_ns;   /* rung_loop_busy_poll(), for the ground */
    uint64_t turn_order;     /* timers with this order or later were started in this turn */
    bool now_read;
    bool running;            /* in rung_loop_run(), or a test's turn */
    bool stopped;
    int status;              /* good if stopped */
    enum rung_log_level log_level;
    /* Takes one finished line, text[0..len) with its newline; for the ground, and for tests to
     * hook. */
    void (*log_line)(struct rung_platform *p, enum rung_log_level level, const char *text,
                     size_t len);
    void *log_arg;           /* the hook's */
    const char *const *args; /* boot arguments */
    size_t arg_count;
    size_t heap_blocks;      /* allocated and not freed */
    long heap_fail_after;    /* the n-th allocation from now on fails, for tests; <= 0: none does */
};

/* Sets up the shared part, zeroed or not. */
void rung_platform_init(struct rung_platform *p,
                        void (*log_line)(struct rung_platform *p, enum rung_log_level level,
                                         const char *text, size_t len));

/* Starts a turn: the loop's time is read afresh when it is next asked for. */
void rung_turn_begin(struct rung_platform *p);

/* Whether something runs without waiting for it, as far as the loop's last time tells. */
bool rung_turn_ready(const struct rung_platform *p);

/* Runs due timers and then the waiting tasks, as they were when the turn began and now. Stops
 * early, leaving the rest in order, on rung_loop_stop(). Whether any ran. */
bool rung_turn_end(struct rung_platform *p);

/* Starts and ends a run. rung_run_end() gives the status and makes the loop ready to run again. */
void rung_run_begin(struct rung_platform *p);
int rung_run_end(struct rung_platform *p);

/* Bookkeeping for a ground's heap. admit() says whether the allocation may go on; counted() takes
 * what came of it, counts it and hands it on. */
static inline bool rung_heap_admit(struct rung_platform *p)
{
    return p->heap_fail_after <= 0 || --p->heap_fail_after > 0;
}

static inline void *rung_heap_counted(struct rung_platform *p, void *block)
{
    p->heap_blocks += block != NULL;
    return block;
}

/* The ground's: reads the monotonic clock for the loop. */
uint64_t rung_ground_now_ns(struct rung_platform *p);

/* The ground's: the loop has been asked to stop. Any callback, or before a run. */
void rung_ground_stop(struct rung_platform *p);

#endif
