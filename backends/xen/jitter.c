/* SPDX-License-Identifier: ISC */
/* backends/xen/jitter.c - see jitter.h. */
#include "xen/jitter.h"

/* For 1/4 of a bit: 1 + 40 / (1/4) in a row, and in a window of 512 so many that chance, which
 * gives 512 * 2^-(1/4) = 431 of them, gives more once in 2^40 windows. */
#define JITTER_ROW 161u
#define JITTER_WINDOW 512u
#define JITTER_WINDOW_MAX 482u

#define JITTER_STEPS 32u

static uint64_t jitter_sample(struct rung_xen_jitter *j)
{
    volatile uint8_t *walk = j->walk;
    uint64_t start = j->ticks(j->arg);
    uint32_t at = j->at;
    for (unsigned i = 0; i < JITTER_STEPS; i++) {
        at = at * 1664525u + 1013904223u + walk[at >> 22];
        walk[at >> 22]++;
    }
    for (unsigned i = at >> 28; i > 0; i--)
        walk[i]++;
    j->at = at ^ (uint32_t)start;
    return j->ticks(j->arg) - start;
}

static bool jitter_counts(struct rung_xen_jitter *j, uint64_t sample)
{
    uint64_t difference = sample - j->last;
    bool counts = difference != 0 && difference != j->last_difference;

    j->in_row = difference == 0 ? j->in_row + 1 : 1;
    if (j->window_left == 0) {
        j->window_value = sample;
        j->in_window = 0;
        j->window_left = JITTER_WINDOW;
    }
    j->window_left--;
    j->in_window += sample == j->window_value;
    j->failed |= j->in_row >= JITTER_ROW || j->in_window > JITTER_WINDOW_MAX;
    j->last = sample;
    j->last_difference = difference;
    return counts;
}

unsigned rung_xen_jitter_batch(struct rung_xen_jitter *j, uint32_t sample[RUNG_XEN_JITTER_BATCH])
{
    unsigned counting = 0;
    for (unsigned i = 0; i < RUNG_XEN_JITTER_BATCH; i++) {
        uint64_t ticks = jitter_sample(j);
        sample[i] = (uint32_t)ticks;
        counting += jitter_counts(j, ticks);
    }
    return j->failed ? 0 : counting;
}
