/* SPDX-License-Identifier: ISC */
/* interfaces/rung/clock.h - CLOCK: what time it is.
 * Model    The monotonic clock counts from some start, never steps back, and is read afresh at each
 *          call; timers and time-outs use rung_loop_now_ns() instead. The wall clock is UTC as
 *          the host or hypervisor gives it, and may step either way.
 * Units    Nanoseconds; the wall clock since 1970-01-01T00:00:00Z without leap seconds (POSIX).
 * Owner    Nothing changes hands.
 * Context  Any callback; both calls are cheap (no system call on Unix, a shared page on Xen).
 * Errors   None. A platform without a wall clock answers 0. */
#ifndef RUNG_CLOCK_H
#define RUNG_CLOCK_H

#include "rung/base.h"

#define RUNG_NS_PER_US UINT64_C(1000)
#define RUNG_NS_PER_MS UINT64_C(1000000)
#define RUNG_NS_PER_S UINT64_C(1000000000)

/* A time-out as a user gave it, but no longer than what can be added to any time of the monotonic
 * clock without passing its end: 292 years, which is never. */
static inline uint64_t rung_ns_bounded(uint64_t ns)
{
    return ns < UINT64_MAX / 2 ? ns : UINT64_MAX / 2;
}

uint64_t rung_clock_monotonic_ns(struct rung_platform *p);
uint64_t rung_clock_wall_ns(struct rung_platform *p);

#endif
