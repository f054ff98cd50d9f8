/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/event.c - event channels by the two-level ABI, masked and looked at. */
#include "xen/bus/xen.h"

#include "xen/bus/abi.h"
#include "xen/hypercall.h"
#include <xen/event_channel.h>
#include <xen/sched.h>

#define EVENT_WORD_BITS (8 * sizeof(xen_ulong_t))
#define EVENT_PORTS (EVENT_WORD_BITS * EVENT_WORD_BITS) /* of the two-level ABI */

static void events_mask(struct shared_info *shared)
{
    for (size_t i = 0; i < RUNG_ARRAY_LEN(shared->evtchn_mask); i++)
        RUNG_XEN_WRITE(shared->evtchn_mask[i], ~(xen_ulong_t)0);
}

void rung_xen_events_init(struct rung_xen *x, struct shared_info *shared)
{
    x->events = (struct rung_xen_events){.shared = shared};
    events_mask(shared);
}

void rung_xen_events_resume(struct rung_xen *x, struct shared_info *shared)
{
    for (unsigned i = 0; i < x->events.count; i++)
        if (x->events.open[i])
            x->events.open[i]->port = 0;
    rung_xen_events_init(x, shared);
}

/* A place for one more, or RUNG_XEN_EVENT_MAX. */
static unsigned events_slot(const struct rung_xen_events *events)
{
    unsigned slot = 0;
    while (slot < events->count && events->open[slot])
        slot++;
    return slot;
}

static void events_put(struct rung_xen_events *events, unsigned slot, struct rung_xen_event *event,
                       uint32_t port)
{
    assert(event->fn);
    event->port = port;
    events->open[slot] = event;
    if (slot == events->count)
        events->count++;
}

enum rung_err rung_xen_event_open(struct rung_xen *x, struct rung_xen_event *event,
                                  uint16_t remote)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};
    unsigned slot = events_slot(&x->events);
    assert(event->port == 0);
    if (slot == RUNG_XEN_EVENT_MAX)
        return RUNG_E_LIMIT;
    enum rung_err err = rung_xen_err(rung_xen_event_channel_op(EVTCHNOP_alloc_unbound, &alloc));
    if (err)
        return err == RUNG_E_LIMIT || err == RUNG_E_NOMEM ? RUNG_E_LIMIT : RUNG_E_DOWN;
    if (alloc.port == 0 || alloc.port >= EVENT_PORTS) {
        struct evtchn_close close = {.port = alloc.port};
        rung_xen_event_channel_op(EVTCHNOP_close, &close);
        return RUNG_E_LIMIT;
    }
    events_put(&x->events, slot, event, alloc.port);
    return RUNG_OK;
}

enum rung_err rung_xen_event_adopt(struct rung_xen *x, struct rung_xen_event *event,
                                   uint32_t port)
{
    unsigned slot = events_slot(&x->events);
    assert(event->port == 0);
    if (port == 0 || port >= EVENT_PORTS)
        return RUNG_E_INVAL;
    if (slot == RUNG_XEN_EVENT_MAX)
        return RUNG_E_LIMIT;
    events_put(&x->events, slot, event, port);
    return RUNG_OK;
}

void rung_xen_event_notify(const struct rung_xen_event *event)
{
    struct evtchn_send send = {.port = event->port};
    if (event->port)
        rung_xen_event_channel_op(EVTCHNOP_send, &send);
}

void rung_xen_event_forget(struct rung_xen *x, struct rung_xen_event *event)
{
    struct rung_xen_events *events = &x->events;
    for (unsigned i = 0; event->port && i < events->count; i++)
        if (events->open[i] == event)
            events->open[i] = NULL;
    while (events->count > 0 && !events->open[events->count - 1])
        events->count--;
    event->port = 0;
}

void rung_xen_event_close(struct rung_xen *x, struct rung_xen_event *event)
{
    struct evtchn_close close = {.port = event->port};
    if (!event->port)
        return;
    rung_xen_event_forget(x, event);
    rung_xen_event_channel_op(EVTCHNOP_close, &close);
}

static bool event_pending(const struct rung_xen_events *events, const struct rung_xen_event *event)
{
    xen_ulong_t word = RUNG_XEN_READ(events->shared->evtchn_pending[event->port / EVENT_WORD_BITS]);
    return (word >> event->port % EVENT_WORD_BITS) & 1;
}

bool rung_xen_events_pending(const struct rung_xen_events *events)
{
    for (unsigned i = 0; i < events->count; i++)
        if (events->open[i] && event_pending(events, events->open[i]))
            return true;
    return false;
}

/* The bit is cleared before the handler looks at its ring, so that what comes afterwards sets it
 * again. One that a handler opens runs at the earliest in the next turn: its slot may be one that
 * this pass comes to, hence the look at all bits first. */
bool rung_xen_events_run(struct rung_xen_events *events)
{
    uint32_t due[RUNG_XEN_EVENT_MAX];
    unsigned count = events->count;
    bool any = false;
    for (unsigned i = 0; i < count; i++)
        due[i] = events->open[i] && event_pending(events, events->open[i]) ? events->open[i]->port
                                                                           : 0;
    for (unsigned i = 0; i < count; i++) {
        struct rung_xen_event *event = events->open[i];
        if (!due[i] || !event || event->port != due[i])
            continue;
        xen_ulong_t bit = (xen_ulong_t)1 << due[i] % EVENT_WORD_BITS;
        __atomic_fetch_and(&events->shared->evtchn_pending[due[i] / EVENT_WORD_BITS], ~bit,
                           __ATOMIC_SEQ_CST);
        any = true;
        event->fn(event);
    }
    return any;
}

void rung_xen_events_wait(struct rung_xen_events *events, uint64_t deadline_ns)
{
    evtchn_port_t ports[RUNG_XEN_EVENT_MAX];
    struct sched_poll poll = {.timeout = deadline_ns == UINT64_MAX ? 0 : deadline_ns};
    if (deadline_ns == 0 || rung_xen_events_pending(events)) /* 0 is for ever in Xen's words */
        return;
    for (unsigned i = 0; i < events->count; i++)
        if (events->open[i])
            ports[poll.nr_ports++] = events->open[i]->port;
    set_xen_guest_handle(poll.ports, ports);
    rung_xen_sched_op(SCHEDOP_poll, &poll);
}
