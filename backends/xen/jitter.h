/* SPDX-License-Identifier: ISC */
/* backends/xen/jitter.h - samples of how long a piece of work takes, to the tick.
 * Model    The work walks through memory and branches as the sample before tells, so that caches,
 *          branch prediction, other guests and interrupts of the host below show in its time.
 *          Health tests of NIST SP 800-90B (4.4), for a quarter of a bit in each sample that
 *          counts: a value that repeats too often in a row, or fills too much of a window of 512.
 *          A sample whose first or second difference is as before does not count.
 * Units    Ticks.
 * Owner    The caller's state.
 * Context  Any. Some hundred nanoseconds each.
 * Errors   A source that fails a test has failed for good. */
#ifndef RUNG_XEN_JITTER_H
#define RUNG_XEN_JITTER_H

#include "rung/base.h"

#define RUNG_XEN_JITTER_BATCH 64u
#define RUNG_XEN_JITTER_WALK 1024u

struct rung_xen_jitter { /* zeroed but for ticks and arg */
    uint64_t (*ticks)(void *arg);
    void *arg;
    uint64_t last, last_difference;
    uint64_t window_value;
    unsigned in_row, in_window, window_left;
    bool failed; /* a health test has; for good */
    uint32_t at;
    uint8_t walk[RUNG_XEN_JITTER_WALK];
};

/* Takes a batch of samples; how many of them count, 0 once a health test has failed. */
unsigned rung_xen_jitter_batch(struct rung_xen_jitter *j, uint32_t sample[RUNG_XEN_JITTER_BATCH]);

#endif
