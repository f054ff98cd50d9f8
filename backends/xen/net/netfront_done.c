/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_done.c - what the back end has sent, or has not: responses end grants,
 * and release frames when the last of their slots is back. A sender's page that the other side
 * keeps mapped is not released: whatever its owner writes there next would be read. */
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"
#include "rung/log.h"

enum { DONE_RETRY_MS = 100 };

static void done_free(struct rung_netfront *nf, uint32_t id)
{
    struct rung_netfront_slot *slot = &nf->tables->slots[id];
    slot->state = NETFRONT_FREE;
    slot->next = (uint16_t)nf->tx.free;
    nf->tx.free = id;
    nf->tx.free_count++;
}

/* release() may call us, and so is the last thing here. */
static void done_slot(struct rung_netfront *nf, uint32_t id, bool lost)
{
    struct rung_netfront_slot *slot = &nf->tables->slots[id];
    uint32_t owner_id = slot->owner;
    struct rung_netfront_slot *owner = &nf->tables->slots[owner_id];
    slot->state = NETFRONT_ANSWERED;
    slot->ref = 0;
    if (slot->bounce) {
        slot->bounce->next = nf->tx.bounces;
        nf->tx.bounces = slot->bounce;
        slot->bounce = NULL;
    }
    owner->lost |= lost;
    if (id != owner_id)
        done_free(nf, id);
    if (--owner->left > 0)
        return;
    struct rung_frame *frame = owner->frame;
    bool mcast = owner->mcast;
    lost = owner->lost;
    done_free(nf, owner_id);
    if (mcast)
        rung_netfront_mcast_answer(nf, !lost);
    else if (lost)
        nf->net.stats.tx_dropped++;
    if (frame) {
        nf->tx.frames--;
        frame->release(frame);
    }
}

/* False: the grant cannot be ended, and everything stays. */
static bool done_end(struct rung_netfront *nf, uint32_t id)
{
    struct rung_netfront_slot *slot = &nf->tables->slots[id];
    if (!slot->ref || rung_xen_grant_end(nf->device.x, slot->ref))
        return true;
    slot->state = NETFRONT_STUCK;
    nf->tx.stuck++;
    if (!nf->retry.active)
        rung_timer_start(nf->p, &nf->retry, DONE_RETRY_MS * UINT64_C(1000000));
    return false;
}

void rung_netfront_slot_undo(struct rung_netfront *nf, uint32_t id, uint32_t *owner)
{
    if (!done_end(nf, id)) {
        rung_netfront_lie(nf, "it has mapped a page that it was never told of");
        return;
    }
    bool all = nf->tables->slots[*owner].left == 1;
    done_slot(nf, id, false);
    if (all)
        *owner = NETFRONT_NONE;
}

/* One response: id and status. */
static void done_response(struct rung_netfront *nf, uint32_t raw)
{
    uint32_t id = raw & 0xffff;
    int status = (int16_t)(raw >> 16);
    if (status == NETIF_RSP_NULL) { /* answers extra info; the id is anything */
        if (nf->tx.extras == 0)
            rung_netfront_lie(nf, "it answers extra info that there was not");
        else
            nf->tx.extras--;
        return;
    }
    if (status != NETIF_RSP_OKAY && status != NETIF_RSP_ERROR && status != NETIF_RSP_DROPPED) {
        rung_netfront_lie(nf, "it answers a frame with a status that there is not");
        return;
    }
    if (id >= NETFRONT_RING || nf->tables->slots[id].state != NETFRONT_OUT) {
        rung_netfront_lie(nf, "it answers a frame that was not sent");
        return;
    }
    if (!done_end(nf, id)) {
        rung_netfront_lie(nf, "it keeps a page mapped that it says it is done with");
        return;
    }
    done_slot(nf, id, status != NETIF_RSP_OKAY);
}

/* As many as there are now; those that come meanwhile are for the next time. */
void rung_netfront_collect(struct rung_netfront *nf)
{
    struct rung_netfront_tx *tx = &nf->tx;
    if (tx->collecting || !tx->ring)
        return;
    uint32_t count = rung_netfront_read32(&tx->ring->rsp_prod) - tx->cons;
    if (count > tx->pushed - tx->cons) {
        rung_netfront_lie(nf, "it answers more frames than were sent");
        return;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    tx->collecting = true;
    for (; count > 0 && tx->ring && !nf->gone; count--) {
        uint32_t at = tx->cons++ % NETFRONT_RING;
        done_response(nf, rung_netfront_read32(&tx->ring->ring[at].rsp));
    }
    tx->collecting = false;
}

/* Half of what is out: one event for many responses, and still one for the last. */
bool rung_netfront_arm(struct rung_netfront *nf)
{
    struct rung_netfront_tx *tx = &nf->tx;
    if (!tx->ring || tx->cons == tx->pushed || !(tx->frames || tx->want || nf->mcast.adding))
        return false;
    uint32_t out = tx->pushed - tx->cons;
    if (tx->armed - tx->cons - 1 >= out) { /* it lies behind us, or beyond all that is out */
        tx->armed = tx->cons + (out + 1) / 2;
        *(volatile uint32_t *)&tx->ring->rsp_event = tx->armed;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it is seen before we look */
    return (int32_t)(rung_netfront_read32(&tx->ring->rsp_prod) - tx->armed) >= 0;
}

/* The ring is no longer there. */
void rung_netfront_tx_end(struct rung_netfront *nf, bool resumed)
{
    nf->tx.extras = 0;
    for (uint32_t id = 0; id < NETFRONT_RING; id++) {
        if (nf->tables->slots[id].state == NETFRONT_OUT && (resumed || done_end(nf, id)))
            done_slot(nf, id, true);
    }
}

void rung_netfront_unstick(struct rung_netfront *nf, bool resumed, bool force)
{
    unsigned given_up = 0;
    for (uint32_t id = 0; nf->tx.stuck > 0 && id < NETFRONT_RING; id++) {
        struct rung_netfront_slot *slot = &nf->tables->slots[id];
        if (slot->state != NETFRONT_STUCK)
            continue;
        bool ended = resumed || rung_xen_grant_end(nf->device.x, slot->ref);
        if (!ended && !force)
            continue;
        given_up += !ended;
        nf->tx.stuck--;
        done_slot(nf, id, true);
    }
    if (given_up > 0)
        rung_log(nf->p, RUNG_LOG_ERROR, nf->keys->slot,
                 "domain %u still reads %u pages of frames that were sent: what they hold next is "
                 "not secret from it", nf->device.remote, given_up);
    if (nf->tx.stuck > 0 && !nf->retry.active)
        rung_timer_start(nf->p, &nf->retry, DONE_RETRY_MS * UINT64_C(1000000));
}
