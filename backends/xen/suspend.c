/* SPDX-License-Identifier: ISC */
/* backends/xen/suspend.c - the moment between two lives: the toolstack saves our memory and starts
 * it again, perhaps elsewhere. What was shared with the old hypervisor (its page, rings, ports,
 * grants) is then gone, and made anew from the bottom up. */
#include "xen/boot/machine.h"
#include "xen/boot/paging.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include <xen/hvm/params.h>
#include <xen/sched.h>

#define SUSPEND_CALLED_OFF 1 /* the answer if nothing has been saved, or only a copy */

enum rung_err rung_xen_store_connect(struct rung_xen_ground *g, bool resumed)
{
    uint64_t frame, port;
    struct xenstore_domain_interface *ring = NULL;
    if (rung_xen_param(HVM_PARAM_STORE_PFN, &frame)
        && rung_xen_param(HVM_PARAM_STORE_EVTCHN, &port))
        ring = rung_xen_map(&g->ram, frame);
    return resumed ? rung_xen_store_resume(&g->xen, ring, ring ? (uint32_t)port : 0)
                   : rung_xen_store_init(&g->xen, ring, ring ? (uint32_t)port : 0);
}

void rung_xen_suspend(struct rung_xen_ground *g)
{
    struct sched_shutdown shutdown = {.reason = SHUTDOWN_suspend};
    rung_xen_suspending(&g->xen);
    rung_xen_console_flush();
    long answer = rung_xen_sched_op(SCHEDOP_shutdown, &shutdown);
    if (answer == SUSPEND_CALLED_OFF) {
        rung_log(&g->base, RUNG_LOG_INFO, "xen", "the suspend was called off");
        return;
    }
    if (rung_xen_shared_map(g)) /* without it there is no time and no event; said where one can */
        rung_xen_machine_end(SHUTDOWN_crash);
    rung_xen_clock_resume(g);
    rung_xen_console_init(g);
    rung_xen_events_resume(&g->xen, g->shared);
    if (rung_xen_grants_resume(&g->xen) || rung_xen_store_connect(g, true))
        rung_log(&g->base, RUNG_LOG_ERROR, "xen", "devices cannot be connected again: restart the "
                 "domain");
    if (rung_xen_entropy_reseed(&g->entropy)) /* logged; what was saved may be running twice */
        rung_xen_machine_crash();
    rung_log(&g->base, RUNG_LOG_INFO, "xen", "resumed");
    rung_xen_resumed(&g->xen);
}
