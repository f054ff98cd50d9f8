/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_open.c - NET around a NET: the constructor. See net_fault.h. */
#include <string.h>

#include "fault_impl.h"
#include "fault_segment.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

#define OPEN_OFFLOADS \
    ((uint32_t)(RUNG_NET_TX_CSUM | RUNG_NET_RX_CSUM | RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6 \
                | RUNG_NET_RX_GSO))

/* Slots beyond the bound: a frame that enters may be cut and its segments doubled, and those that
 * the link has not taken come back. */
#define OPEN_SPARE (2 * RUNG_FAULT_SEGMENTS + RUNG_FAULT_BATCH)
#define OPEN_SPARE_UNCUT (2 + RUNG_FAULT_BATCH)

static bool open_shares(struct rung_net_fault *fault)
{
    const struct rung_net_fault_keys *keys = fault->keys;
    struct rung_fault_shares *tx = &fault->ways[RUNG_FAULT_TX].shares;
    struct rung_fault_shares *rx = &fault->ways[RUNG_FAULT_RX].shares;
    const struct {
        const char *name, *text;
        uint32_t *tx, *rx;
    } shares[] = {
        {"loss", rung_net_fault_key_loss(keys), &tx->loss, &rx->loss},
        {"duplicate", rung_net_fault_key_duplicate(keys), &tx->duplicate, &rx->duplicate},
        {"reorder", rung_net_fault_key_reorder(keys), &tx->reorder, &rx->reorder},
        {"corrupt", rung_net_fault_key_corrupt(keys), &tx->corrupt, &rx->corrupt},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(shares); i++) {
        uint32_t value[RUNG_FAULT_WAYS];
        if (!rung_fault_share(shares[i].text, value)) {
            rung_log(fault->p, RUNG_LOG_ERROR, keys->slot,
                     "'%s' is no share of frames: set %s.%s to 1%%, 0.05%% and so on, up to 100%%, "
                     "or to 1%%/0%% for sent/received", shares[i].text, keys->slot,
                     shares[i].name);
            return false;
        }
        *shares[i].tx = value[RUNG_FAULT_TX];
        *shares[i].rx = value[RUNG_FAULT_RX];
    }
    return true;
}

static bool open_times(struct rung_net_fault *fault)
{
    const struct rung_net_fault_keys *keys = fault->keys;
    struct rung_fault_shares *tx = &fault->ways[RUNG_FAULT_TX].shares;
    struct rung_fault_shares *rx = &fault->ways[RUNG_FAULT_RX].shares;
    const struct {
        const char *name, *text;
        uint64_t *tx, *rx;
    } times[] = {
        {"delay", rung_net_fault_key_delay(keys), &tx->delay_ns, &rx->delay_ns},
        {"jitter", rung_net_fault_key_jitter(keys), &tx->jitter_ns, &rx->jitter_ns},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(times); i++) {
        uint64_t value[RUNG_FAULT_WAYS];
        if (!rung_fault_time(times[i].text, value)) {
            rung_log(fault->p, RUNG_LOG_ERROR, keys->slot,
                     "'%s' is no time a frame can take: set %s.%s to 20ms, 500us and so on, up to "
                     "3600s, or to 20ms/0ms for sent/received", times[i].text, keys->slot,
                     times[i].name);
            return false;
        }
        *times[i].tx = value[RUNG_FAULT_TX];
        *times[i].rx = value[RUNG_FAULT_RX];
    }
    return true;
}

static bool open_limits(struct rung_net_fault *fault)
{
    const struct rung_net_fault_keys *keys = fault->keys;
    uint16_t mtu = rung_net_fault_key_mtu(keys), link_mtu = fault->link->info.mtu;
    if (mtu && (mtu < 576 || mtu > link_mtu)) {
        rung_log(fault->p, RUNG_LOG_ERROR, keys->slot,
                 "an mtu of %u does not go with the link's: set %s.mtu to 576 at least and %u at "
                 "most, or to 0", (unsigned)mtu, keys->slot, (unsigned)link_mtu);
        return false;
    }
    if (!rung_net_fault_key_queue(keys)) {
        rung_log(fault->p, RUNG_LOG_ERROR, keys->slot,
                 "a queue of 0 frames lets nothing through: set %s.queue to 1 or more", keys->slot);
        return false;
    }
    return true;
}

static bool open_is_active(const struct rung_net_fault *fault, unsigned way)
{
    const struct rung_fault_shares *s = &fault->ways[way].shares;
    return s->loss || s->duplicate || s->reorder || s->corrupt || s->delay_ns || s->jitter_ns
           || fault->net.info.mtu < fault->link->info.mtu
           || (way == RUNG_FAULT_RX && fault->plain
               && (fault->link->info.caps & (RUNG_NET_RX_CSUM | RUNG_NET_RX_GSO)));
}

static bool open_lines(struct rung_net_fault *fault)
{
    bool cuts = fault->plain || fault->ways[RUNG_FAULT_TX].shares.corrupt
                || fault->ways[RUNG_FAULT_RX].shares.corrupt;
    unsigned each = rung_net_fault_key_queue(fault->keys) + (cuts ? OPEN_SPARE : OPEN_SPARE_UNCUT);
    unsigned lines = 0;
    for (unsigned way = 0; way < RUNG_FAULT_WAYS; way++)
        lines += fault->ways[way].active = open_is_active(fault, way);
    fault->slots = lines ? rung_zalloc(fault->p, lines * each, sizeof(*fault->slots)) : NULL;
    if (lines && !fault->slots) {
        rung_log(fault->p, RUNG_LOG_ERROR, fault->keys->slot,
                 "no memory for queues of %u frames: set %s.queue to less, or give more memory",
                 (unsigned)rung_net_fault_key_queue(fault->keys), fault->keys->slot);
        return false;
    }
    struct rung_fault_slot *slots = fault->slots;
    for (unsigned way = 0; way < RUNG_FAULT_WAYS; way++) {
        if (!fault->ways[way].active)
            continue;
        rung_fault_line_init(&fault->ways[way].line, slots, each);
        slots += each;
    }
    return true;
}

static void open_seed(struct rung_net_fault *fault)
{
    const struct rung_net_fault_keys *keys = fault->keys;
    uint64_t seed = rung_net_fault_key_seed(keys);
    while (!seed)
        rung_entropy_fill(fault->p, &seed, sizeof(seed));
    for (unsigned way = 0; way < RUNG_FAULT_WAYS; way++)
        rung_fault_dice_init(&fault->ways[way].dice, seed, way);
    rung_log(fault->p, RUNG_LOG_INFO, keys->slot,
             "loss %s, duplicate %s, reorder %s, corrupt %s, delay %s, jitter %s, mtu %u, offload "
             "%s; the same again with %s.seed=%llu", rung_net_fault_key_loss(keys),
             rung_net_fault_key_duplicate(keys), rung_net_fault_key_reorder(keys),
             rung_net_fault_key_corrupt(keys), rung_net_fault_key_delay(keys),
             rung_net_fault_key_jitter(keys), (unsigned)fault->net.info.mtu,
             fault->plain ? "off" : "on", keys->slot, (unsigned long long)seed);
}

enum rung_err rung_net_fault_open(struct rung_net_fault *self, struct rung_platform *p,
                                  const struct rung_net_fault_keys *keys,
                                  const struct rung_net_fault_needs *needs)
{
    memset(self, 0, sizeof(*self));
    rung_net_init(&self->net, &rung_net_fault_net_ops);
    self->link = needs->net;
    self->p = p;
    self->keys = keys;
    if (!open_shares(self) || !open_times(self) || !open_limits(self))
        return RUNG_E_RANGE;
    self->plain = !rung_net_fault_key_offload(keys);
    self->net.info = self->link->info;
    self->net.info.caps &= self->plain ? ~OPEN_OFFLOADS : UINT32_MAX;
    if (rung_net_fault_key_mtu(keys))
        self->net.info.mtu = rung_net_fault_key_mtu(keys);
    if (!open_lines(self))
        return RUNG_E_NOMEM;
    self->net.link_up = self->link->link_up;
    self->ways[RUNG_FAULT_TX].passed = self->link->stats.tx_frames + self->link->stats.tx_dropped;
    self->ways[RUNG_FAULT_TX].bytes = self->link->stats.tx_bytes;
    rung_fault_sync(self);
    self->rx_waits = true;
    self->notify.fn = rung_fault_on_notify;
    self->keep.fn = rung_fault_on_keep;
    self->timer.fn = rung_fault_on_timer;
    self->more.fn = rung_fault_on_more;
    self->link->ready = rung_fault_on_ready;
    self->link->arg = self;
    open_seed(self);
    return RUNG_OK;
}
