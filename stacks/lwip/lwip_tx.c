/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_tx.c - what lwIP sends waits here until the turn ends, and then goes to the link
 * in one batch; meanwhile segments of one connection are joined (lwip_super.c). */
#include "lwip_int.h"

static void tx_put(struct lwip_tx *tx)
{
    struct lwip_core *core = tx->core;
    for (unsigned i = 0; i < tx->pbuf_count; i++)
        pbuf_free(tx->pbufs[i]);
    tx->pbuf_count = 0;
    tx->next = core->free_tx;
    core->free_tx = tx;
}

static uint64_t tx_oldest(const struct lwip_core *core)
{
    if (!lwip_node_alone(&core->tx_flying))
        return rung_container_of(core->tx_flying.next, struct lwip_tx, flying)->serial;
    return core->tx_head ? core->tx_head->serial : UINT64_MAX;
}

static void tx_limbo_end(struct lwip_limbo *limbo)
{
    struct rung_buf *buf = limbo->first;
    limbo->first = NULL;
    limbo->end = &limbo->first;
    while (buf) {
        struct rung_buf *next = buf->next;
        rung_buf_release(buf); /* it may put another here */
        buf = next;
    }
}

/* Two lists suffice: when the older has gone the younger takes its place, with all frames so
 * far. */
static void tx_limbo_check(struct lwip_core *core)
{
    struct lwip_limbo *limbo = core->limbo;
    while (limbo[0].first || limbo[1].first) {
        if (limbo[0].first && tx_oldest(core) <= limbo[0].serial)
            return;
        tx_limbo_end(&limbo[0]);
        if (limbo[1].first) {
            limbo[0].first = limbo[1].first;
            limbo[0].end = limbo[1].end;
            limbo[0].serial = core->tx_serial;
            limbo[1].first = NULL;
            limbo[1].end = &limbo[1].first;
        }
    }
}

void rung_lwip_give_back(struct lwip_core *core, struct rung_buf *buf)
{
    if (tx_oldest(core) == UINT64_MAX) {
        rung_buf_release(buf);
        return;
    }
    buf->next = NULL;
    *core->limbo[1].end = buf;
    core->limbo[1].end = &buf->next;
}

/* The link is done with it; this may happen within its send(). */
static void tx_released(struct rung_frame *frame)
{
    struct lwip_tx *tx = rung_container_of(frame, struct lwip_tx, frag[0]);
    struct lwip_core *core = tx->core;
    lwip_node_remove(&tx->flying);
    tx_put(tx);
    if (!core->flushing)
        tx_limbo_check(core);
    if (core->stopped && !core->in_turn)
        rung_lwip_stop_check(core); /* the core may go with it */
}

static struct lwip_tx *tx_get(struct lwip_core *core)
{
    const struct rung_net_info *info = &core->net->info;
    struct lwip_tx *tx = core->free_tx;
    bool flat = info->max_frags == 1;
    if (tx) {
        core->free_tx = tx->next;
        return tx;
    }
    if (core->tx_made == LWIP_TX_FRAMES)
        return NULL;
    size_t room = info->headroom + (flat ? LWIP_ETHERNET_HEAD + (size_t)info->mtu : LWIP_HEAD);
    tx = rung_alloc(core->p, sizeof(*tx) + room);
    if (!tx)
        return NULL;
    core->tx_made++;
    tx->core = core;
    tx->pbuf_count = 0;
    tx->head = tx->room + info->headroom;
    tx->flat = flat ? tx->head : NULL;
    tx->frag[0].release = tx_released;
    return tx;
}

/* A frame of its own for p. A datagram in more pieces than the link takes is flattened first. */
static err_t tx_begin(struct lwip_core *core, struct pbuf *p)
{
    struct lwip_tx *tx = tx_get(core);
    if (!tx) {
        core->tx_starved = true;
        return ERR_MEM;
    }
    if (!rung_lwip_super_begin(tx, p)) {
        struct pbuf *flat = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        bool ok = flat && rung_lwip_super_begin(tx, flat);
        if (flat)
            pbuf_free(flat); /* the frame keeps it */
        if (!ok) {
            tx_put(tx);
            return ERR_MEM;
        }
    }
    tx->next = NULL;
    tx->owner = core->tx_owner;
    tx->serial = ++core->tx_serial;
    *core->tx_end = tx;
    core->tx_end = &tx->next;
    core->tx_last = tx;
    core->tx_waiting++;
    return ERR_OK;
}

/* lwIP's way out, netif->linkoutput: p is a whole frame, and stays lwIP's. */
err_t rung_lwip_output(struct netif *netif, struct pbuf *p)
{
    struct lwip_core *core = netif->state;
    const uint8_t *frame = p->payload;
    if (core->net_gone)
        return ERR_IF;
    if (frame[12] == 0x08 && frame[13] == 0x06 && frame[21] == ARP_REQUEST)
        core->arp_asked++;
    if (p->tot_len > core->net->info.mtu + LWIP_ETHERNET_HEAD)
        return ERR_BUF;
    /* It waits: sending would run release() of apps, who call us, while lwIP is in the middle of
     * its own lists. */
    if (!core->in_turn)
        rung_loop_defer(core->p, &core->flush_task);
    return tx_begin(core, p);
}

/* Takes a batch off the list. Frames that the link takes may be released, and used again, before
 * its send() is back. */
static unsigned tx_take(struct lwip_core *core, struct rung_frame *batch[LWIP_BATCH])
{
    unsigned count = 0;
    while (core->tx_head && count < LWIP_BATCH) {
        struct lwip_tx *tx = core->tx_head;
        core->tx_head = tx->next;
        if (!tx->frag[0].flags) /* else this is not its first time here */
            rung_lwip_super_end(tx);
        lwip_node_append(&core->tx_flying, &tx->flying);
        batch[count++] = &tx->frag[0];
    }
    if (!core->tx_head)
        core->tx_end = &core->tx_head;
    core->tx_waiting -= count;
    return count;
}

/* Puts back, in front, what the link did not take. */
static void tx_untake(struct lwip_core *core, struct rung_frame *const batch[], unsigned count)
{
    for (unsigned i = count; i-- > 0;) {
        struct lwip_tx *tx = rung_container_of(batch[i], struct lwip_tx, frag[0]);
        if (!core->tx_head)
            core->tx_end = &tx->next;
        tx->next = core->tx_head;
        core->tx_head = tx;
        lwip_node_remove(&tx->flying);
    }
    core->tx_waiting += count;
}

void rung_lwip_flush(struct lwip_core *core)
{
    struct rung_frame *batch[LWIP_BATCH];
    core->tx_last = NULL; /* nothing is added to a frame that has its lengths */
    if (core->flushing)
        return;
    core->flushing = true;
    while (core->tx_head && !core->tx_full && !core->net_gone) {
        unsigned count = tx_take(core, batch);
        int taken = rung_net_send(core->net, batch, count);
        unsigned gone = taken < 0 ? 0 : (unsigned)taken;
        core->net_gone = taken < 0;
        core->tx_full = taken >= 0 && gone < count;
        tx_untake(core, batch + gone, count - gone);
    }
    core->flushing = false;
    if (core->net_gone)
        rung_lwip_tx_drop(core);
    tx_limbo_check(core);
}

/* The link has room again, and so has lwIP. */
void rung_lwip_tx_ready(struct lwip_core *core)
{
    core->tx_full = false;
    core->in_turn = true;
    rung_lwip_turn_end(core);
}

void rung_lwip_tx_drop(struct lwip_core *core)
{
    while (core->tx_head) {
        struct lwip_tx *tx = core->tx_head;
        core->tx_head = tx->next;
        tx_put(tx);
    }
    core->tx_end = &core->tx_head;
    core->tx_last = NULL;
    core->tx_waiting = 0;
    tx_limbo_check(core);
}

void rung_lwip_tx_drop_of(struct lwip_core *core, const void *owner)
{
    struct lwip_tx *list = core->tx_head, *gone = NULL;
    core->tx_end = &core->tx_head;
    core->tx_last = NULL;
    while (list) {
        struct lwip_tx *tx = list;
        list = tx->next;
        if (tx->owner == owner) {
            tx->next = gone;
            gone = tx;
            core->tx_waiting--;
        } else {
            *core->tx_end = tx;
            core->tx_end = &tx->next;
        }
    }
    *core->tx_end = NULL;
    while (gone) { /* the app hears of each, and may come back with more */
        struct lwip_tx *tx = gone;
        gone = tx->next;
        tx_put(tx);
    }
    tx_limbo_check(core);
}

void rung_lwip_tx_free(struct lwip_core *core)
{
    while (core->free_tx) {
        struct lwip_tx *tx = core->free_tx;
        core->free_tx = tx->next;
        rung_free(core->p, tx);
    }
}
