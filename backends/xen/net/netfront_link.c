/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_link.c - events of the back end become events of NET; the link comes
 * and goes; the device is closed. */
#include "netfront_impl.h"
#include "rung/heap.h"
#include "rung/log.h"

enum {
    LINK_UNHEARD_MS = 10, /* until it is asked again whether anybody listens */
    LINK_CLOSE_TRIES = 20,
    LINK_CLOSE_MS = 100,
    LINK_ROUNDS = 4,
};

static uint64_t link_ms(unsigned ms)
{
    return ms * UINT64_C(1000000);
}

static void link_say(struct rung_netfront *nf, unsigned events)
{
    if (!events || nf->closing)
        return;
    if (nf->net.ready && !nf->events)
        nf->net.ready(&nf->net, events, nf->net.arg);
    else
        rung_netfront_tell(nf, events);
}

void rung_netfront_tell(struct rung_netfront *nf, unsigned events)
{
    nf->events |= events;
    if (!nf->closing && nf->opened)
        rung_loop_defer(nf->p, &nf->tell);
}

static void link_tell(struct rung_task *task)
{
    struct rung_netfront *nf = rung_container_of(task, struct rung_netfront, tell);
    unsigned events = nf->events;
    if (!events)
        return;
    if (!nf->net.ready) {
        rung_timer_start(nf->p, &nf->unheard, link_ms(LINK_UNHEARD_MS));
        return;
    }
    nf->events = 0;
    nf->net.ready(&nf->net, events, nf->net.arg);
}

static void link_unheard(struct rung_timer *timer)
{
    struct rung_netfront *nf = rung_container_of(timer, struct rung_netfront, unheard);
    link_tell(&nf->tell);
}

/* Takes in responses, and says whether that made room somebody waits for. */
static unsigned link_sent(struct rung_netfront *nf)
{
    unsigned rounds = 0;
    bool more = true;
    while (more && rounds++ < LINK_ROUNDS && nf->net.link_up) {
        rung_netfront_collect(nf);
        more = rung_netfront_arm(nf);
    }
    if (!nf->net.link_up || nf->closing)
        return 0;
    if (more)
        rung_loop_defer(nf->p, &nf->again);
    rung_netfront_mcast_sync(nf);
    if (!nf->tx.want || rung_netfront_room(nf) < NETFRONT_ROOM)
        return 0;
    nf->tx.want = false;
    return RUNG_NET_TX_READY;
}

static unsigned link_received(struct rung_netfront *nf)
{
    if (!nf->net.link_up || !nf->rx.want || !rung_netfront_rx_waits(nf))
        return 0;
    nf->rx.want = false;
    return RUNG_NET_RX_READY;
}

void rung_netfront_rx_look(struct rung_netfront *nf)
{
    unsigned events = link_received(nf);
    if (events)
        rung_netfront_tell(nf, events);
}

void rung_netfront_on_tx(struct rung_xen_event *event)
{
    struct rung_netfront *nf = rung_container_of(event, struct rung_netfront, tx_event);
    unsigned say = link_sent(nf);
    link_say(nf, nf->rx_event.port ? say : say | link_received(nf));
}

void rung_netfront_on_rx(struct rung_xen_event *event)
{
    struct rung_netfront *nf = rung_container_of(event, struct rung_netfront, rx_event);
    link_say(nf, link_received(nf));
}

static void link_again(struct rung_task *task)
{
    struct rung_netfront *nf = rung_container_of(task, struct rung_netfront, again);
    link_say(nf, link_sent(nf));
}

/* With the link down there is room: frames are taken and dropped. */
void rung_netfront_link(struct rung_netfront *nf, bool up)
{
    unsigned events = RUNG_NET_LINK;
    if (nf->net.link_up == up)
        return;
    nf->net.link_up = up;
    if (!up && nf->tx.want) {
        nf->tx.want = false;
        events |= RUNG_NET_TX_READY;
    }
    if (!nf->opened || nf->closing)
        return; /* nobody has seen it otherwise, or is to see it */
    if (up)
        rung_log(nf->p, RUNG_LOG_INFO, nf->keys->slot, "vif %s is connected again", nf->device.id);
    else if (!nf->gone)
        rung_log(nf->p, RUNG_LOG_WARN, nf->keys->slot,
                 "vif %s has lost its back end: the link is down until there is one again",
                 nf->device.id);
    rung_netfront_tell(nf, events);
}

void rung_netfront_lost(struct rung_netfront *nf)
{
    nf->gone = true;
    nf->net.link_up = false;
    nf->tx.want = nf->rx.want = false;
    rung_netfront_tell(nf, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
}

/* What it says when nobody asks any more is no matter. */
void rung_netfront_lie(struct rung_netfront *nf, const char *why)
{
    if (nf->gone || !nf->net.link_up)
        return;
    rung_netfront_lost(nf);
    rung_xen_device_fail(&nf->device, why);
}

/* The last steps of a close, each of which may have to be waited for: the device, a write to the
 * store, pages that the other side still reads. */
static void link_close_go(struct rung_netfront *nf)
{
    if (nf->device_closing.done || nf->mcast.writing)
        return;
    if (nf->tx.stuck > 0) {
        rung_netfront_unstick(nf, false, nf->close_tries++ >= LINK_CLOSE_TRIES);
        if (nf->tx.stuck > 0) {
            rung_timer_start(nf->p, &nf->retry, link_ms(LINK_CLOSE_MS));
            return;
        }
    }
    rung_timer_stop(nf->p, &nf->retry);
    rung_xen_resumer_remove(nf->device.x, &nf->resumer);
    rung_netfront_pool_end(nf);
    rung_free(nf->p, nf->tables);
    rung_op_finish(nf->p, nf->closing, RUNG_OK);
}

void rung_netfront_close_go(struct rung_netfront *nf)
{
    if (nf->closing)
        link_close_go(nf);
}

static void link_retry(struct rung_timer *timer)
{
    struct rung_netfront *nf = rung_container_of(timer, struct rung_netfront, retry);
    if (nf->closing)
        link_close_go(nf);
    else
        rung_netfront_unstick(nf, false, false);
}

/* Whether or not there is a back end now. References of before the suspend are nobody's: to end one
 * then would end another's. */
static void link_resumed(struct rung_xen_resumer *resumer)
{
    rung_netfront_unstick(rung_container_of(resumer, struct rung_netfront, resumer), true, false);
}

static void link_closed(struct rung_op *op, int result)
{
    struct rung_netfront *nf = rung_container_of(op, struct rung_netfront, device_closing);
    (void)result;
    op->done = NULL;
    link_close_go(nf);
}

void rung_netfront_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_netfront *nf = rung_container_of(net, struct rung_netfront, net);
    assert(op->done && !nf->closing);
    op->cancel = NULL;
    nf->closing = op;
    rung_loop_undefer(nf->p, &nf->tell);
    rung_loop_undefer(nf->p, &nf->again);
    rung_timer_stop(nf->p, &nf->unheard);
    nf->device_closing = (struct rung_op){.done = link_closed};
    rung_xen_device_close(&nf->device, &nf->device_closing);
}

void rung_netfront_link_init(struct rung_netfront *nf)
{
    nf->tell.fn = link_tell;
    nf->again.fn = link_again;
    nf->unheard.fn = link_unheard;
    nf->retry.fn = link_retry;
    nf->resumer.resumed = link_resumed;
    nf->tx_event.fn = rung_netfront_on_tx;
    nf->rx_event.fn = rung_netfront_on_rx;
}
