/* SPDX-License-Identifier: ISC */
/* backends/xen/loop.c - the loop: looks at the event bits once a turn, and with nothing to do
 * sleeps in the hypervisor until an event or the next timer. */
#include "rung/clock.h"
#include "xen/ground.h"

void rung_ground_stop(struct rung_platform *p)
{
    (void)p; /* the loop below looks at p->stopped */
}

/* When the next timer is due, in Xen's time; 0: now, there is something to do. The clock is read
 * here and not through rung_loop_now_ns(): a callback after the wait is to see the time after
 * it. */
static uint64_t loop_deadline(struct rung_xen_ground *g)
{
    const struct rung_timer *first = rung_timers_first(&g->base.timers);
    if (rung_turn_ready(&g->base))
        return 0;
    if (!first)
        return UINT64_MAX;
    if (first->due_ns <= rung_clock_monotonic_ns(&g->base)) /* a look costs less than a call */
        return 0;
    return rung_xen_clock_system_ns(&g->clock, first->due_ns);
}

void rung_xen_loop_turn(struct rung_platform *p, bool wait)
{
    struct rung_xen_ground *g = ground_of(p);
    rung_turn_begin(p);
    uint64_t deadline_ns = wait ? loop_deadline(g) : 0;
    if (deadline_ns) /* does not wait if an event is pending */
        rung_xen_events_wait(&g->xen.events, deadline_ns);
    rung_xen_events_run(&g->xen.events);
    rung_turn_end(p);
}

int rung_loop_run(struct rung_platform *p)
{
    rung_run_begin(p);
    while (!p->stopped)
        rung_xen_loop_turn(p, true);
    return rung_run_end(p);
}
