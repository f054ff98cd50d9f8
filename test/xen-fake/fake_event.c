/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_event.c - event channels, and the tasks in which either side's handlers
 * run. */
#include <stdlib.h>

#include "fake_impl.h"

#define WORD_BITS (8 * sizeof(xen_ulong_t))

static void guest_run(struct rung_task *task)
{
    struct fake *fake = rung_container_of(task, struct fake, guest_task);
    rung_xen_events_run(&fake->x.events);
}

/* Handlers may bind and unbind: after each, from the start. */
static void back_run(struct rung_task *task)
{
    struct fake *fake = rung_container_of(task, struct fake, back_task);
    struct fake_port *port = fake->ports;
    while (port) {
        if (!port->pending) {
            port = port->next;
            continue;
        }
        port->pending = false;
        port->fn(port);
        port = fake->ports;
    }
}

void fake_channels_begin(struct fake *fake)
{
    fake->channels = fake_alloc((fake->config.ports + 1) * sizeof(*fake->channels));
    fake->guest_task.fn = guest_run;
    fake->back_task.fn = back_run;
}

void fake_raise(struct fake *fake, uint32_t guest_port)
{
    __atomic_fetch_or(&fake->shared->evtchn_pending[guest_port / WORD_BITS],
                      (xen_ulong_t)1 << guest_port % WORD_BITS, __ATOMIC_SEQ_CST);
    rung_loop_defer(fake->x.p, &fake->guest_task);
}

bool fake_channel_pending(const struct fake *fake, uint32_t port)
{
    return (fake->shared->evtchn_pending[port / WORD_BITS] >> port % WORD_BITS) & 1;
}

static struct fake_channel *channel_find(const struct fake *fake, uint32_t port)
{
    if (port == 0 || port > fake->config.ports || fake->channels[port].state == FAKE_FREE)
        return NULL;
    return &fake->channels[port];
}

long fake_channel_open(struct fake *fake, uint16_t remote, enum fake_channel_state state)
{
    for (uint32_t port = 1; port <= fake->config.ports; port++) {
        if (fake->channels[port].state != FAKE_FREE)
            continue;
        fake->channels[port] = (struct fake_channel){.state = state, .remote = remote};
        return port;
    }
    return -XEN_ENOSPC;
}

static void port_drop(struct fake *fake, struct fake_port *port)
{
    struct fake_port **at = &fake->ports;
    while (*at != port)
        at = &(*at)->next;
    *at = port->next;
    port->guest = 0;
    port->pending = false;
}

long fake_channel_close(struct fake *fake, uint32_t port)
{
    struct fake_channel *channel = channel_find(fake, port);
    if (!channel)
        fake_die("port %u is closed that is not open", port);
    if (channel->state == FAKE_BOUND)
        port_drop(fake, channel->peer);
    *channel = (struct fake_channel){.state = FAKE_FREE};
    __atomic_fetch_and(&fake->shared->evtchn_pending[port / WORD_BITS],
                       ~((xen_ulong_t)1 << port % WORD_BITS), __ATOMIC_SEQ_CST);
    return 0;
}

long fake_channel_send(struct fake *fake, uint32_t port)
{
    struct fake_channel *channel = channel_find(fake, port);
    fake->notifications++;
    if (!channel)
        fake_die("port %u is notified that is not open", port);
    if (channel->state == FAKE_STORE) {
        fake_xenstored_wake(fake);
    } else if (channel->state == FAKE_BOUND) {
        channel->peer->pending = true;
        rung_loop_defer(fake->x.p, &fake->back_task);
    }
    return 0;
}

bool fake_bind(struct fake *fake, struct fake_port *port, uint16_t domid, uint32_t guest_port)
{
    struct fake_channel *channel = channel_find(fake, guest_port);
    assert(port->fn && port->guest == 0);
    if (!channel || channel->state != FAKE_UNBOUND || channel->remote != domid)
        return false;
    channel->state = FAKE_BOUND;
    channel->peer = port;
    port->guest = guest_port;
    port->pending = false;
    port->next = fake->ports;
    fake->ports = port;
    return true;
}

/* The guest's port lives on, unbound, as when a back end's domain closes its end. */
void fake_unbind(struct fake *fake, struct fake_port *port)
{
    struct fake_channel *channel = port->guest ? channel_find(fake, port->guest) : NULL;
    if (!channel)
        return;
    channel->state = FAKE_UNBOUND;
    channel->peer = NULL;
    port_drop(fake, port);
}

void fake_notify(struct fake *fake, struct fake_port *port)
{
    if (port->guest)
        fake_raise(fake, port->guest);
}

uint32_t fake_ports_open(const struct fake *fake)
{
    uint32_t count = 0;
    for (uint32_t port = 1; port <= fake->config.ports; port++)
        count += fake->channels[port].state != FAKE_FREE;
    return count;
}

uint64_t fake_notifications(const struct fake *fake)
{
    return fake->notifications;
}

uint64_t fake_hypercalls(const struct fake *fake)
{
    return fake->hypercalls;
}

void fake_channels_lose(struct fake *fake)
{
    while (fake->ports)
        port_drop(fake, fake->ports);
    memset(fake->channels, 0, (fake->config.ports + 1) * sizeof(*fake->channels));
    memset(fake->shared, 0, sizeof(*fake->shared));
    rung_loop_undefer(fake->x.p, &fake->guest_task);
    rung_loop_undefer(fake->x.p, &fake->back_task);
}
