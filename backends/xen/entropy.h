/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy.h - where the bytes of rung_entropy_fill() come from.
 * Model    HMAC-DRBG with SHA-256 (NIST SP 800-90A; BearSSL's), seeded from the processor's
 *          generator (RDSEED and RDRAND) and from the jitter of its time-stamp counter, again after
 *          each MiB given out, after some minutes, and after a resume. Values of the processor are
 *          tested at the start (no two alike, about as many ones as zeros) and whenever they are
 *          used (not the one before, no value that broken processors give). Without a processor's
 *          generator that passes there is no start, unless jitter may do it alone: then many more
 *          samples of it go in, and it is tested as SP 800-90B says.
 * Units    Ticks are the time-stamp counter's.
 * Owner    The state is the caller's; it does not move.
 * Context  start and reseed: any time. They take microseconds; milliseconds with jitter alone.
 * Errors   RUNG_E_NOTSUP: no source that is good enough, or it has gone bad. */
#ifndef RUNG_XEN_ENTROPY_H
#define RUNG_XEN_ENTROPY_H

#include "rung/entropy.h"

#include "bearssl_rand.h"

/* The processor, as a table that tests replace. */
struct rung_xen_cpu {
    unsigned (*features)(void *arg);                /* of enum rung_xen_cpu_feature */
    bool (*rdrand)(void *arg, uint64_t *value);      /* one try; false: nothing this time */
    bool (*rdseed)(void *arg, uint64_t *value);
    uint64_t (*ticks)(void *arg);
    void *arg;
};

enum rung_xen_cpu_feature { RUNG_XEN_CPU_RDRAND = 1u << 0, RUNG_XEN_CPU_RDSEED = 1u << 1 };

/* The one that we run on. */
extern const struct rung_xen_cpu rung_xen_cpu_here;

struct rung_xen_entropy {
    br_hmac_drbg_context drbg;
    struct rung_platform *p;
    const struct rung_xen_cpu *cpu; /* NULL: not started */
    unsigned features;              /* those that are used */
    bool allow_jitter;
    uint64_t last[2];               /* value of each feature */
    uint64_t given;                 /* bytes since the last seed */
    uint64_t seeded_at;             /* ticks */
};

/* The platform's: the state of the one generator. */
struct rung_xen_entropy *rung_xen_entropy_of(struct rung_platform *p);

/* Gathers the first seed; a key (entropy=jitter) says whether jitter may do it alone. Logged. */
enum rung_err rung_xen_entropy_start(struct rung_xen_entropy *e, struct rung_platform *p,
                                     const struct rung_xen_cpu *cpu, bool allow_jitter);

/* Gathers a new one, as good as the first: after a resume, for the saved guest may run twice.
 * Logged; on failure the platform has to end. */
enum rung_err rung_xen_entropy_reseed(struct rung_xen_entropy *e);

#endif
