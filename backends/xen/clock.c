/* SPDX-License-Identifier: ISC */
/* backends/xen/clock.c - clock.h on what Xen writes into the shared page: no call leaves us. */
#include "rung/clock.h"

#include "xen/boot/cpu.h"
#include "xen/pvclock.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"

/* Xen's time since it was started, from its last record and the processor's clock since then. */
static uint64_t clock_system_ns(const struct shared_info *shared)
{
    const struct vcpu_time_info *from = &shared->vcpu_info[0].time;
    struct vcpu_time_info record;
    uint32_t version;
    uint64_t tsc;
    do { /* odd: Xen is writing; another one: it has written meanwhile */
        version = RUNG_XEN_READ(from->version) & ~1u;
        xen_rmb();
        record = *from;
        __asm__ volatile("lfence" : : : "memory"); /* rdtsc may run ahead of what stands before */
        tsc = xen_rdtsc();
        xen_rmb();
    } while (RUNG_XEN_READ(from->version) != version);
    return rung_xen_pvclock_ns(&record, tsc);
}

void rung_xen_clock_init(struct rung_xen_ground *g)
{
    g->clock.shared = g->shared;
}

void rung_xen_clock_resume(struct rung_xen_ground *g)
{
    g->clock.offset_ns = g->clock.last_ns - clock_system_ns(g->clock.shared);
}

uint64_t rung_xen_clock_system_ns(const struct rung_xen_clock *clock, uint64_t monotonic_ns)
{
    return monotonic_ns == UINT64_MAX ? UINT64_MAX : monotonic_ns - clock->offset_ns;
}

uint64_t rung_clock_monotonic_ns(struct rung_platform *p)
{
    struct rung_xen_clock *clock = &ground_of(p)->clock;
    if (!clock->shared)
        return 0;
    uint64_t now = clock_system_ns(clock->shared) + clock->offset_ns;
    if (now > clock->last_ns) /* a new record may lie a little before the end of the old one */
        clock->last_ns = now;
    return clock->last_ns;
}

uint64_t rung_ground_now_ns(struct rung_platform *p)
{
    return rung_clock_monotonic_ns(p);
}

uint64_t rung_clock_wall_ns(struct rung_platform *p)
{
    const struct shared_info *shared = ground_of(p)->clock.shared;
    uint64_t seconds, ns;
    uint32_t version;
    if (!shared)
        return 0;
    do {
        version = RUNG_XEN_READ(shared->wc_version) & ~1u;
        xen_rmb();
        seconds = (uint64_t)RUNG_XEN_READ(shared->wc_sec_hi) << 32 | RUNG_XEN_READ(shared->wc_sec);
        ns = RUNG_XEN_READ(shared->wc_nsec);
        xen_rmb();
    } while (RUNG_XEN_READ(shared->wc_version) != version);
    if (seconds == 0)
        return 0;
    return seconds * RUNG_NS_PER_S + ns + clock_system_ns(shared);
}
