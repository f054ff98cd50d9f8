/* SPDX-License-Identifier: ISC */
/* backends/xen/control.c - what the toolstack asks for in control/shutdown: poweroff, reboot or
 * suspend. Each is acknowledged by emptying the key, and then done: the first two as SIGTERM is on
 * Unix, so that the program closes what it has open; who asks twice does not want to wait. */
#include <string.h>

#include "rung/clock.h"
#include "xen/boot/machine.h"
#include "xen/boot/trap.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include <xen/sched.h>

#define CONTROL_PATH "control/shutdown"
#define CONTROL_QUIET_NS (2 * RUNG_NS_PER_MS)
#define CONTROL_QUIET_TRIES 100u
#define CONTROL_RETRY_NS (100 * RUNG_NS_PER_MS)

enum control_request {
    CONTROL_NOTHING,
    CONTROL_POWEROFF,
    CONTROL_REBOOT,
    CONTROL_SUSPEND,
    CONTROL_UNKNOWN,
};

static struct rung_xen_ground *control_of(struct rung_xen_control *control)
{
    return rung_container_of(control, struct rung_xen_ground, control);
}

static enum control_request control_parse(const char *text)
{
    static const struct {
        const char *text;
        enum control_request request;
    } table[] = {{"", CONTROL_NOTHING},       {"poweroff", CONTROL_POWEROFF},
                 {"halt", CONTROL_POWEROFF},  {"reboot", CONTROL_REBOOT},
                 {"suspend", CONTROL_SUSPEND}};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(table); i++)
        if (strcmp(text, table[i].text) == 0)
            return table[i].request;
    return CONTROL_UNKNOWN;
}

static void control_end(struct rung_xen_ground *g, unsigned reason)
{
    if (g->control.ending) {
        rung_xen_console_flush();
        rung_xen_machine_end(reason);
    }
    g->control.ending = true;
    g->end_reason = reason;
    rung_loop_stop(&g->base, 0);
}

/* What drivers and stacks have asked of the store is let come back first, for a while: a suspend
 * would end it unfinished. */
static void control_on_quiet(struct rung_timer *timer)
{
    struct rung_xen_control *control = rung_container_of(timer, struct rung_xen_control, quiet);
    struct rung_xen_ground *g = control_of(control);
    if (!rung_xen_store_quiet(&g->xen.store) && control->quiet_tries++ < CONTROL_QUIET_TRIES)
        rung_timer_start(&g->base, timer, CONTROL_QUIET_NS);
    else
        rung_xen_suspend(g);
}

static void control_act(struct rung_xen_ground *g)
{
    switch ((enum control_request)g->control.request) {
    case CONTROL_POWEROFF:
        control_end(g, SHUTDOWN_poweroff);
        break;
    case CONTROL_REBOOT:
        control_end(g, SHUTDOWN_reboot);
        break;
    case CONTROL_SUSPEND:
        g->control.quiet_tries = 0;
        rung_timer_start(&g->base, &g->control.quiet, 0);
        break;
    case CONTROL_NOTHING:
    case CONTROL_UNKNOWN:
        break;
    }
}

static void control_look(struct rung_xen_control *control);

static void control_on_acknowledged(struct rung_op *op, int result)
{
    struct rung_xen_control *control = rung_container_of(op, struct rung_xen_control, req.op);
    (void)result; /* acknowledged or not: it was asked for */
    control->busy = false;
    control_act(control_of(control));
    if (control->again)
        control_look(control);
}

static void control_on_read(struct rung_op *op, int result)
{
    struct rung_xen_control *control = rung_container_of(op, struct rung_xen_control, req.op);
    struct rung_xen_ground *g = control_of(control);
    if (result == RUNG_E_NOMEM) /* what is asked for here is not lost by that */
        rung_timer_start(&g->base, &control->retry, CONTROL_RETRY_NS);
    control->request = result < 0 ? CONTROL_NOTHING : control_parse(control->req.reply);
    if (control->request == CONTROL_NOTHING) {
        control->busy = false;
        if (control->again)
            control_look(control);
        return;
    }
    rung_log(&g->base, control->request == CONTROL_UNKNOWN ? RUNG_LOG_WARN : RUNG_LOG_INFO, "xen",
             "the host asks for %s%s", control->req.reply,
             control->request == CONTROL_UNKNOWN ? ", which is not known here" : "");
    control->req.op.done = control_on_acknowledged;
    rung_xen_store_write(&g->xen.store, &control->req, 0, CONTROL_PATH, "");
}

/* One look at a time; what changes meanwhile makes another one. */
static void control_look(struct rung_xen_control *control)
{
    control->again = control->busy;
    if (control->busy)
        return;
    control->busy = true;
    control->req.op.done = control_on_read;
    rung_xen_store_read(&control_of(control)->xen.store, &control->req, 0, CONTROL_PATH);
}

static void control_on_retry(struct rung_timer *timer)
{
    control_look(rung_container_of(timer, struct rung_xen_control, retry));
}

static void control_on_change(struct rung_xen_watch *watch, const char *path)
{
    (void)path;
    control_look(rung_container_of(watch, struct rung_xen_control, watch));
}

void rung_xen_control_init(struct rung_xen_ground *g)
{
    g->control.quiet.fn = control_on_quiet;
    g->control.retry.fn = control_on_retry;
    g->control.watch.path = CONTROL_PATH;
    g->control.watch.changed = control_on_change;
    rung_xen_store_watch(&g->xen.store, &g->control.watch);
}
