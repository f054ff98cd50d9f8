/* SPDX-License-Identifier: ISC */
/* backends/xen/console.c - log and console over the ring that xenconsoled reads
 * (xen/io/console.h). A line end is made \r\n, for what is at the other end is a terminal. A
 * reader that is slow is waited for; one that has not read for a second is not, until it reads
 * again, and what it missed is counted. Until there is a ring, words go to Xen's own log. */
#include <stdio.h>

#include "rung/clock.h"
#include "xen/boot/machine.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include "xen/libc/libc.h"
#include <xen/event_channel.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/sched.h>

#include "xen/boot/paging.h"

#define CONSOLE_PATIENCE_NS RUNG_NS_PER_S
#define CONSOLE_WAIT_NS (10 * RUNG_NS_PER_MS) /* xenconsoled may not say that it has read */

/* Bytes that the ring can take. Indexes that make no sense are the other side's doing; it can spoil
 * no more than its own output. */
static uint32_t console_room(const struct rung_xen_console *console)
{
    uint32_t used = console->prod - RUNG_XEN_READ(console->ring->out_cons);
    return used <= sizeof(console->ring->out) ? (uint32_t)sizeof(console->ring->out) - used : 0;
}

static void console_notify(const struct rung_xen_console *console)
{
    struct evtchn_send send = {.port = console->port};
    rung_xen_event_channel_op(EVTCHNOP_send, &send);
}

/* Sleeps until the reader notifies, or for a short while. */
static void console_sleep(struct rung_xen_ground *g)
{
    evtchn_port_t port = g->console.port;
    uint64_t until = rung_clock_monotonic_ns(&g->base) + CONSOLE_WAIT_NS;
    struct sched_poll poll = {
        .nr_ports = 1, .timeout = rung_xen_clock_system_ns(&g->clock, until)};
    set_xen_guest_handle(poll.ports, &port);
    if (g->shared) /* nobody else takes the bit away, and with it set poll does not wait */
        __atomic_fetch_and(&g->shared->evtchn_pending[port / 64], ~(UINT64_C(1) << port % 64),
                           __ATOMIC_SEQ_CST);
    rung_xen_sched_op(SCHEDOP_poll, &poll);
}

/* Waits until the ring has room for want bytes; as long as some are read, for long. */
static bool console_wait(struct rung_xen_ground *g, uint32_t want)
{
    struct rung_xen_console *console = &g->console;
    uint32_t room = console_room(console), before = room;
    uint64_t start = 0;
    if (room >= want)
        console->stuck = false;
    if (room >= want || console->stuck || !g->clock.shared)
        return room >= want;
    console_notify(console);
    start = rung_clock_monotonic_ns(&g->base);
    while (room < want && rung_clock_monotonic_ns(&g->base) - start < CONSOLE_PATIENCE_NS) {
        console_sleep(g);
        room = console_room(console);
        if (room != before)
            start = rung_clock_monotonic_ns(&g->base);
        before = room;
    }
    console->stuck = room < want;
    return room >= want;
}

static void console_put(struct rung_xen_console *console, char c)
{
    struct xencons_interface *ring = console->ring;
    ring->out[MASK_XENCONS_IDX(console->prod++, ring->out)] = c;
    xen_wmb();
    RUNG_XEN_WRITE(ring->out_prod, console->prod);
}

/* Writes text as far as there is, or comes to be, room. How much. */
static size_t console_write(struct rung_xen_ground *g, const char *text, size_t len)
{
    size_t done = 0;
    for (; done < len && console_wait(g, 2); done++) {
        if (text[done] == '\n')
            console_put(&g->console, '\r');
        console_put(&g->console, text[done]);
    }
    console_notify(&g->console);
    return done;
}

static void console_write_all(struct rung_xen_ground *g, const char *text, size_t len)
{
    struct rung_xen_console *console = &g->console;
    if (!console->ring) {
        rung_xen_machine_write(text, len);
        return;
    }
    if (console->lost && console_wait(g, 2)) {
        char line[64];
        int n = snprintf(line, sizeof(line), "warn: xen: %llu bytes of output lost\n",
                         (unsigned long long)console->lost);
        console->lost = 0;
        console_write(g, line, n > 0 ? (size_t)n : 0);
    }
    console->lost += len - console_write(g, text, len);
}

void rung_xen_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                       size_t len)
{
    (void)level;
    console_write_all(ground_of(p), text, len);
}

void rung_console_write(struct rung_platform *p, const char *text, size_t len)
{
    console_write_all(ground_of(p), text, len);
}

/* The C library's stdout and stderr; it is linked when link-time optimisation is over. */
__attribute__((used)) void rung_xen_console_put(const char *text, size_t len)
{
    console_write_all(&rung_xen_ground, text, len);
}

void rung_xen_console_emergency(const char *text, size_t len)
{
    if (rung_xen_ground.console.ring)
        (void)console_write(&rung_xen_ground, text, len);
    else
        rung_xen_machine_write(text, len);
}

void rung_xen_console_flush(void)
{
    if (rung_xen_ground.console.ring)
        console_wait(&rung_xen_ground, sizeof(rung_xen_ground.console.ring->out));
}

void rung_xen_console_init(struct rung_xen_ground *g)
{
    uint64_t frame, port;
    g->console.ring = NULL;
    if (!rung_xen_param(HVM_PARAM_CONSOLE_PFN, &frame)
        || !rung_xen_param(HVM_PARAM_CONSOLE_EVTCHN, &port))
        return;
    g->console.port = (uint32_t)port;
    g->console.stuck = false;
    g->console.ring = rung_xen_map(&g->ram, frame);
    if (g->console.ring)
        g->console.prod = RUNG_XEN_READ(g->console.ring->out_prod);
}
