/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy_testing.h - a processor for the generator's tests: what its instructions
 * give is set, good values come from a seed, and what is asked of it is counted. */
#ifndef RUNG_XEN_ENTROPY_TESTING_H
#define RUNG_XEN_ENTROPY_TESTING_H

#include "rung/log.h"
#include "xen/entropy.h"

enum fake_source { /* how a feature behaves */
    FAKE_ABSENT,
    FAKE_GOOD,
    FAKE_CONSTANT,
    FAKE_ONES,        /* what some processors give after a suspend */
    FAKE_ZEROS,
    FAKE_TWO_BY_TURNS,
    FAKE_COUNTER,
    FAKE_NEVER_READY,
    FAKE_SLOW,        /* ready at the tenth try */
};

enum fake_clock { FAKE_JITTERS, FAKE_STANDS, FAKE_STEADY, FAKE_TICK_TOCK, FAKE_MOSTLY };

struct fake_cpu {
    struct rung_xen_cpu cpu;
    enum fake_source rdseed, rdrand;
    enum fake_clock clock;
    uint64_t random[3]; /* states: RDSEED, RDRAND, clock */
    uint64_t ticks, skew;
    unsigned calls;     /* of the clock */
    unsigned asked[2];  /* RDSEED, RDRAND */
};

struct test_entropy {
    struct rung_xen_entropy generator;
    unsigned lines[RUNG_LOG_DEBUG + 1]; /* logged, by level */
    char last[RUNG_LOG_MAX + 1];
    unsigned crashes;
};
extern struct test_entropy test_entropy;

/* Clears test_entropy; the fake is its only processor afterwards. */
void fake_cpu_init(struct fake_cpu *fake, enum fake_source rdseed, enum fake_source rdrand,
                   enum fake_clock clock, uint64_t seed);
enum rung_err fake_cpu_start(struct fake_cpu *fake, bool allow_jitter);

#endif
