/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_ring.c - makes the rings and event channels for a back end that has
 * come, says where they are, and lets go of them when it has gone. */
#include <stdarg.h>
#include <stdio.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"

struct ring_pairs {
    struct rung_xen_pair *pairs;
    unsigned count, room;
};

static struct rung_netfront *ring_of(struct rung_xen_device *device)
{
    return rung_container_of(device, struct rung_netfront, device);
}

static void ring_says(struct ring_pairs *to, const char *name, uint32_t value)
{
    assert(to->count < to->room);
    if (to->count == to->room)
        return;
    struct rung_xen_pair *pair = &to->pairs[to->count++];
    snprintf(pair->name, sizeof(pair->name), "%s", name);
    snprintf(pair->value, sizeof(pair->value), "%u", value);
}

/* What we ask for is told in any case: a back end that does not know it passes over it. */
static int ring_publish(struct rung_netfront *nf, struct rung_xen_pair *pairs, unsigned room)
{
    struct ring_pairs to = {.pairs = pairs, .room = room};
    ring_says(&to, "multi-queue-num-queues", 1); /* one: then the keys stand here, as ever */
    ring_says(&to, "tx-ring-ref", nf->tx.ring_ref);
    ring_says(&to, "rx-ring-ref", nf->rx.ring_ref);
    if (nf->rx_event.port) {
        ring_says(&to, "event-channel-tx", nf->tx_event.port);
        ring_says(&to, "event-channel-rx", nf->rx_event.port);
    } else {
        ring_says(&to, "event-channel", nf->tx_event.port);
    }
    ring_says(&to, "request-rx-copy", 1);
    ring_says(&to, "feature-rx-notify", 1);
    ring_says(&to, "feature-sg", 1);
    ring_says(&to, "feature-no-csum-offload", !nf->offload);
    ring_says(&to, "feature-ipv6-csum-offload", nf->offload);
    ring_says(&to, "feature-gso-tcpv4", nf->offload);
    ring_says(&to, "feature-gso-tcpv6", nf->offload);
    if (nf->mcast.able)
        ring_says(&to, "request-multicast-control", 0);
    return (int)to.count;
}

/* A ring's page, lent for writing. */
static void *ring_page(struct rung_netfront *nf, uint32_t *ref)
{
    void *ring = rung_xen_page_get(nf->p);
    if (!ring)
        return NULL;
    *ref = rung_xen_grant(nf->device.x, nf->device.remote, ring, false);
    if (*ref)
        return ring;
    rung_xen_page_put(nf->p, ring);
    return NULL;
}

static enum rung_err ring_make(struct rung_netfront *nf)
{
    struct rung_xen *x = nf->device.x;
    bool split = rung_xen_device_number(&nf->device, "feature-split-event-channels", 0) == 1;
    nf->tx.ring = ring_page(nf, &nf->tx.ring_ref);
    nf->rx.ring = ring_page(nf, &nf->rx.ring_ref);
    if (!nf->tx.ring || !nf->rx.ring)
        return RUNG_E_NOMEM;
    nf->tx.ring->req_event = nf->tx.ring->rsp_event = 1; /* the first one is told of */
    nf->rx.ring->req_event = nf->rx.ring->rsp_event = 1;
    nf->tx.prod = nf->tx.pushed = nf->tx.cons = 0;
    nf->tx.armed = 1;
    nf->rx.prod = nf->rx.cons = 0;
    enum rung_err err = rung_xen_event_open(x, &nf->tx_event, nf->device.remote);
    if (!err && split)
        err = rung_xen_event_open(x, &nf->rx_event, nf->device.remote);
    if (err)
        return err;
    rung_netfront_post(nf);
    return nf->rx.prod > 0 ? RUNG_OK : RUNG_E_NOMEM;
}

static void ring_page_end(struct rung_netfront *nf, uint32_t *ref, void *ring, bool resumed)
{
    if (ring && resumed)
        rung_xen_page_put(nf->p, ring);
    else if (ring)
        rung_xen_grant_release(nf->device.x, *ref, ring);
    *ref = 0;
}

/* All that connect() has made. Frames are released at the end: their owners may call us. */
static void ring_end(struct rung_netfront *nf, bool resumed)
{
    struct rung_xen_event *events[] = {&nf->tx_event, &nf->rx_event};
    void *tx = nf->tx.ring, *rx = nf->rx.ring;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(events); i++) {
        if (resumed)
            rung_xen_event_forget(nf->device.x, events[i]);
        else
            rung_xen_event_close(nf->device.x, events[i]);
    }
    nf->tx.ring = NULL;
    nf->rx.ring = NULL;
    ring_page_end(nf, &nf->tx.ring_ref, tx, resumed);
    ring_page_end(nf, &nf->rx.ring_ref, rx, resumed);
    rung_netfront_rx_end(nf, resumed);
    rung_netfront_tx_end(nf, resumed);
    rung_netfront_mcast_end(nf);
    rung_netfront_pages_end(nf, resumed);
}

static int ring_connect(struct rung_xen_device *device, struct rung_xen_pair *pairs, unsigned room)
{
    struct rung_netfront *nf = ring_of(device);
    enum rung_err err = rung_netfront_learn(nf);
    if (!err && nf->tx.stuck > NETFRONT_RING / 4)
        err = RUNG_E_LIMIT; /* the last one has kept too much */
    if (err)
        return err;
    err = ring_make(nf);
    if (err) {
        ring_end(nf, false);
        return err;
    }
    return ring_publish(nf, pairs, room);
}

/* The back end may have looked at its rings before it could be notified. */
static enum rung_err ring_connected(struct rung_xen_device *device)
{
    struct rung_netfront *nf = ring_of(device);
    rung_netfront_link(nf, true);
    rung_xen_event_notify(&nf->tx_event);
    if (nf->rx_event.port)
        rung_xen_event_notify(&nf->rx_event);
    rung_netfront_rx_look(nf);
    rung_netfront_mcast_sync(nf);
    return RUNG_OK;
}

/* What has been answered already was carried over; what has come in was not taken by anybody. */
static void ring_disconnected(struct rung_xen_device *device, bool resumed)
{
    struct rung_netfront *nf = ring_of(device);
    bool was_up = nf->net.link_up;
    rung_netfront_link(nf, false);
    if (was_up && !resumed && !nf->gone) {
        rung_netfront_collect(nf);
        rung_netfront_rx_drop(nf);
    }
    ring_end(nf, resumed);
}

static void ring_changed(struct rung_xen_device *device)
{
    struct rung_netfront *nf = ring_of(device);
    if (device->state == RUNG_XEN_BROKEN && !nf->gone)
        rung_netfront_lost(nf);
}

const struct rung_xen_driver rung_netfront_driver = {
    .kind = "vif", .connect = ring_connect, .connected = ring_connected,
    .disconnected = ring_disconnected, .changed = ring_changed,
};
