/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/device_walk.c - our half of the handshake: looks where the back end stands, and
 * takes the one step that follows from it. Every step ends in another look, until a look changes
 * nothing; then a watch starts the walk anew. */
#include <string.h>

#include "rung/log.h"
#include "xen/bus/abi.h"
#include "xen/bus/device_impl.h"
#include <xen/io/xenbus.h>

#define WALK_ORPHANS_NS UINT64_C(100000000) /* between looks whether pages have come back */
#define WALK_PAUSE_NS UINT64_C(1000000000)  /* before what did not work is tried again */

void rung_xen_device_again(struct rung_xen_device_impl *impl)
{
    impl->look = true;
    rung_loop_defer(impl->device->x->p, &impl->walk);
}

static void walk_pause(struct rung_xen_device_impl *impl, uint64_t ns)
{
    rung_timer_start(impl->device->x->p, &impl->pause, ns);
}

/* Pages that the driver cannot take back are counted for this back end. */
void rung_xen_device_disconnect(struct rung_xen_device_impl *impl, bool resumed)
{
    struct rung_xen_device *device = impl->device;
    if (!impl->linked)
        return;
    impl->linked = false;
    device->x->grants.charge = &impl->orphans;
    device->driver->disconnected(device, resumed);
    device->x->grants.charge = NULL;
}

/* After a state was said. What cannot be written now (the folder is about to go, the store is short
 * of something) is tried again later; the store's own end is told by the store. */
static void walk_said(struct rung_xen_device_impl *impl, enum rung_err err)
{
    if (!err)
        rung_xen_device_again(impl);
    else if (err != RUNG_E_DOWN)
        walk_pause(impl, WALK_PAUSE_NS);
}

enum { SHUN_SAYING = 1, SHUN_SAID };

/* Another device has come in the place of the one that the driver began with. It is told to close,
 * and what comes after it may be the right one again. */
static void walk_shun(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    device->state = RUNG_XEN_WAITING;
    impl->shunned = SHUN_SAYING;
    rung_xen_device_disconnect(impl, false);
    rung_xen_device_again(impl);
}

/* Whether the device in our place is still the wrong one: until its folder is gone, or the
 * toolstack has begun ours anew. */
static bool walk_shuns(struct rung_xen_device_impl *impl)
{
    bool anew = impl->shunned == SHUN_SAID && impl->said == XenbusStateInitialising;
    if (!impl->shunned || !impl->device->back_state || anew) {
        impl->shunned = 0;
        return false;
    }
    if (impl->said == XenbusStateClosed || !impl->said)
        impl->shunned = SHUN_SAID;
    else
        rung_xen_device_say(impl, XenbusStateClosed, walk_said);
    return true;
}

static void walk_connected(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    enum rung_err err = device->driver->connected(device);
    if (err == RUNG_E_CHANGED) {
        walk_shun(impl);
        return;
    }
    if (err) {
        rung_xen_device_fail(device, NULL); /* the driver has said why */
        return;
    }
    if (device->state != RUNG_XEN_CONNECTING)
        return; /* the driver has failed it */
    device->state = RUNG_XEN_RUNNING;
    rung_timer_stop(device->x->p, &impl->patience);
    rung_xen_device_settled(impl);
}

static void walk_read_late(struct rung_xen_device_impl *impl, enum rung_err err)
{
    struct rung_xen_device *device = impl->device;
    if (err && err != RUNG_E_DOWN)
        rung_xen_device_fail(device, rung_err_text(err));
    else if (!err && device->state == RUNG_XEN_CONNECTING && impl->linked)
        walk_connected(impl);
    else if (!err && device->state == RUNG_XEN_RUNNING && device->driver->refreshed)
        device->driver->refreshed(device);
    rung_xen_device_again(impl);
}

static void walk_leave(struct rung_xen_device_impl *impl);

static void walk_published(struct rung_xen_device_impl *impl, enum rung_err err)
{
    bool going = err == RUNG_E_NOTFOUND || err == RUNG_E_ACCESS; /* the device is being removed */
    if (err && err != RUNG_E_DOWN && !going)
        rung_xen_device_fail(impl->device, rung_err_text(err));
    else if (going && impl->device->state == RUNG_XEN_CONNECTING)
        walk_leave(impl);
    walk_said(impl, going ? err : RUNG_OK);
}

/* The keys are there: the driver makes what it publishes. */
static void walk_read(struct rung_xen_device_impl *impl, enum rung_err err)
{
    struct rung_xen_device *device = impl->device;
    if (err) {
        device->state = RUNG_XEN_WAITING;
        walk_said(impl, err);
        return;
    }
    int n = device->driver->connect(device, impl->pairs, RUNG_XEN_PAIRS);
    if (n == RUNG_E_CHANGED) {
        walk_shun(impl);
        return;
    }
    if (n < 0) {
        rung_xen_device_fail(device, NULL);
        return;
    }
    impl->linked = true;
    if (device->state != RUNG_XEN_READING)
        return; /* the driver has failed it */
    impl->pair_count = (unsigned)n;
    device->state = RUNG_XEN_CONNECTING;
    bool late = device->driver->answers_late;
    rung_xen_device_publish(impl, late ? XenbusStateInitialised : XenbusStateConnected,
                            walk_published);
}

/* The back end has gone from under us, or wants to. */
static void walk_leave(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    bool ran = device->state == RUNG_XEN_RUNNING;
    device->state = RUNG_XEN_WAITING;
    rung_xen_device_disconnect(impl, false);
    if (ran)
        rung_xen_device_settled(impl);
    else /* what it did not like it may not like again */
        walk_pause(impl, WALK_PAUSE_NS);
}

static bool walk_says(const struct rung_xen_device_impl *impl, unsigned state)
{
    return impl->said == state;
}

/* Whether the pages that the back end kept from last time have come back. */
static bool walk_is_unburdened(struct rung_xen_device_impl *impl)
{
    struct rung_xen *x = impl->device->x;
    if (impl->orphans > RUNG_XEN_DEVICE_ORPHANS)
        rung_xen_grants_retry(x);
    if (impl->orphans <= RUNG_XEN_DEVICE_ORPHANS)
        return true;
    walk_pause(impl, WALK_ORPHANS_NS);
    return false;
}

/* Not connected to anybody: what the back end's state asks of us. */
static void walk_waiting(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    bool ready = device->back_state == XenbusStateInitWait
                 || (device->driver->answers_late && device->back_state == XenbusStateInitialised);
    bool over = device->back_state == XenbusStateClosed || !device->back_state;
    if (walk_shuns(impl))
        return;
    if (ready && walk_says(impl, XenbusStateInitialising)) {
        if (impl->pause.active || !walk_is_unburdened(impl))
            return;
        device->state = RUNG_XEN_READING;
        rung_xen_device_read(impl, walk_read);
    } else if (walk_says(impl, XenbusStateInitialising) || !impl->said) {
        /* As it should be, or with no folder to say anything in. Of a back end that still has
         * somebody else's connection, and believes us to be that: */
        if (impl->said && (device->back_state == XenbusStateConnected
                           || device->back_state == XenbusStateClosing))
            rung_xen_device_say(impl, XenbusStateClosed, walk_said);
    } else if (walk_says(impl, XenbusStateClosed)) {
        bool back = (over && impl->online) || ready
                    || device->back_state == XenbusStateInitialising;
        if (back && !impl->pause.active)
            rung_xen_device_say(impl, XenbusStateInitialising, walk_said);
    } else if (walk_says(impl, XenbusStateClosing)) {
        if (over || ready || device->back_state == XenbusStateClosing)
            rung_xen_device_say(impl, XenbusStateClosed, walk_said);
    } else { /* an earlier owner's, or ours from the connection that has just ended */
        rung_xen_device_say(impl, over || device->back_state == XenbusStateClosing
                                      ? XenbusStateClosed : XenbusStateClosing, walk_said);
    }
}

static void walk_linked(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    bool running = device->state == RUNG_XEN_RUNNING;
    switch (device->back_state) {
    case XenbusStateConnected:
        if (running && (!device->driver->refreshed || !impl->nudged))
            return;
        impl->nudged = false;
        if (running || device->driver->answers_late)
            rung_xen_device_read(impl, walk_read_late);
        else
            walk_connected(impl);
        return;
    case XenbusStateReconfiguring:
    case XenbusStateReconfigured:
        return;
    case XenbusStateInitWait:
    case XenbusStateInitialised:
        if (!running)
            return; /* it has not seen yet what we published */
        break;
    default:
        break;
    }
    walk_leave(impl);
    rung_xen_device_again(impl);
}

/* Closing, then Closed, each as soon as the back end has followed; whatever it does, patience
 * ends. */
static void walk_closing(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    unsigned back = device->back_state;
    bool follows = back == XenbusStateClosing || back == XenbusStateClosed || !impl->linked;
    if (!impl->late && impl->said && back) {
        if (!walk_says(impl, XenbusStateClosing) && !walk_says(impl, XenbusStateClosed)) {
            rung_xen_device_say(impl, XenbusStateClosing, walk_said);
            return;
        }
        if (walk_says(impl, XenbusStateClosing)) {
            if (follows)
                rung_xen_device_say(impl, XenbusStateClosed, walk_said);
            return;
        }
        if (impl->linked && back == XenbusStateClosing)
            return;
    }
    device->state = RUNG_XEN_CLOSED;
    rung_xen_device_disconnect(impl, false);
    struct rung_op *op = impl->closing;
    struct rung_platform *p = device->x->p;
    rung_xen_device_end(impl);
    rung_op_finish(p, op, RUNG_OK);
}

/* What a look saw. A folder that is another one now is another back end. */
static void walk_seen(struct rung_xen_device_impl *impl, enum rung_err err)
{
    struct rung_xen_device *device = impl->device;
    struct rung_xen_device_sight *sight = &impl->sight;
    if (err) {
        if (err == RUNG_E_DOWN || err == RUNG_E_CANCELED)
            return; /* a resume begins anew; a store that is lost for good has said so */
        rung_xen_device_fail(device, rung_err_text(err));
        return;
    }
    if (strcmp(sight->back, device->back) != 0) {
        if (impl->linked && !impl->closing)
            walk_leave(impl);
        rung_xen_device_set_back(impl, sight->back);
    }
    device->remote = (uint16_t)rung_xen_decimal(sight->remote);
    device->back_state = sight->back[0] ? (unsigned)rung_xen_decimal(sight->state) : 0;
    impl->online = sight->online[0] == '1';
    impl->said = (unsigned)rung_xen_decimal(sight->said);
    rung_loop_defer(device->x->p, &impl->walk);
}

static void walk_fail(struct rung_xen_device_impl *impl)
{
    impl->failing = false;
    rung_xen_device_disconnect(impl, false);
    rung_xen_device_settled(impl);
    if (impl->said && !impl->closing)
        rung_xen_device_say(impl, XenbusStateClosed, walk_said);
    else
        rung_xen_device_again(impl);
}

void rung_xen_device_walk(struct rung_task *task)
{
    struct rung_xen_device_impl *impl = rung_container_of(task, struct rung_xen_device_impl, walk);
    if (impl->failing && rung_xen_device_busy(impl))
        rung_xen_device_stop(impl);
    if (rung_xen_device_busy(impl))
        return;
    if (impl->failing) {
        walk_fail(impl);
        return;
    }
    if (impl->look && !(impl->late && impl->closing)) {
        impl->look = false;
        rung_xen_device_look(impl, walk_seen);
        return;
    }
    switch (impl->device->state) {
    case RUNG_XEN_WAITING: walk_waiting(impl); break;
    case RUNG_XEN_CONNECTING:
    case RUNG_XEN_RUNNING: walk_linked(impl); break;
    case RUNG_XEN_CLOSING: walk_closing(impl); break;
    case RUNG_XEN_READING:
    case RUNG_XEN_CLOSED:
    case RUNG_XEN_BROKEN: break;
    }
}
