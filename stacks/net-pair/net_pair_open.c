/* SPDX-License-Identifier: ISC */
/* stacks/net-pair/net_pair_open.c - makes a pair of links from its keys. See net_pair.h. */
#include <string.h>

#include "net_pair.h"
#include "net_pair_impl.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

#define PAIR_OFFLOADS \
    (RUNG_NET_TX_CSUM | RUNG_NET_RX_CSUM | RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6 | RUNG_NET_RX_GSO)

static bool pair_keys_ok(struct rung_platform *p, const struct rung_net_pair_keys *keys)
{
    struct {
        const char *name;
        unsigned value, least;
    } limits[] = {
        {"mtu", rung_net_pair_key_mtu(keys), 576},
        {"depth", rung_net_pair_key_depth(keys), 1},
        {"max-frags", rung_net_pair_key_max_frags(keys), 1},
        {"pool", rung_net_pair_key_pool(keys),
         rung_net_pair_pages(rung_net_pair_key_offload(keys) ? RUNG_FRAME_MAX
                                                            : 14u + rung_net_pair_key_mtu(keys))},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(limits); i++) {
        if (limits[i].value >= limits[i].least)
            continue;
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "a %s of %u is too small: set %s.%s to %u or more",
                 limits[i].name, limits[i].value, keys->slot, limits[i].name, limits[i].least);
        return false;
    }
    return true;
}

static bool pair_allocate(struct rung_net_pair *pair)
{
    size_t pages = 2u * pair->pool;
    pair->pages = rung_zalloc(pair->p, pages, sizeof(*pair->pages));
    pair->bytes = rung_alloc_aligned(pair->p, RUNG_NET_PAIR_PAGE, pages * RUNG_NET_PAIR_PAGE);
    pair->queues = rung_zalloc(pair->p, 2u * pair->depth, sizeof(*pair->queues));
    if (pair->pages && pair->bytes && pair->queues)
        return true;
    rung_free(pair->p, pair->queues);
    rung_free(pair->p, pair->bytes);
    rung_free(pair->p, pair->pages);
    return false;
}

static void pair_init_end(struct rung_net_pair *pair, struct rung_net_pair_end *end,
                          const struct rung_net_pair_keys *keys, unsigned which)
{
    uint16_t frags = rung_net_pair_key_max_frags(keys);
    rung_net_init(&end->net, &rung_net_pair_net_ops);
    end->net.info.mtu = rung_net_pair_key_mtu(keys);
    end->net.info.headroom = rung_net_pair_key_headroom(keys);
    end->net.info.max_frags = frags;
    end->net.info.caps = (rung_net_pair_key_offload(keys) ? PAIR_OFFLOADS : 0)
                         | (frags > 1 ? RUNG_NET_TX_SG : 0) | (pair->filter ? 0 : RUNG_NET_PROMISC);
    end->net.link_up = true;
    end->pair = pair;
    end->far = which ? &pair->near_end : &pair->far_end;
    end->open = true;
    end->rx_waits = true;
    end->all_groups = true; /* until the caller says which */
    end->carry.fn = rung_net_pair_carry;
    end->notify.fn = rung_net_pair_notify;
    end->queue = pair->queues + which * pair->depth;
    end->received_end = &end->received;
    for (unsigned i = 0; i < pair->pool; i++) {
        size_t at = (size_t)which * pair->pool + i;
        struct rung_net_pair_page *page = &pair->pages[at];
        page->end = end;
        page->bytes = pair->bytes + at * RUNG_NET_PAIR_PAGE;
        page->next = end->free_pages;
        end->free_pages = page;
        end->free_count++;
    }
}

/* Locally administered, of one station, and one apart. */
static void pair_addresses(struct rung_net_pair *pair)
{
    uint8_t mac[6];
    rung_entropy_fill(pair->p, mac, sizeof(mac));
    mac[0] = 0x02;
    memcpy(pair->net.info.mac, mac, sizeof(mac));
    mac[5] ^= 1;
    memcpy(pair->peer.info.mac, mac, sizeof(mac));
}

enum rung_err rung_net_pair_open(struct rung_net_pair *self, struct rung_platform *p,
                                 const struct rung_net_pair_keys *keys,
                                 const struct rung_net_pair_needs *needs)
{
    (void)needs;
    if (!pair_keys_ok(p, keys))
        return RUNG_E_INVAL;
    memset(self, 0, sizeof(*self));
    self->p = p;
    self->depth = rung_net_pair_key_depth(keys);
    self->pool = rung_net_pair_key_pool(keys);
    self->filter = !rung_net_pair_key_promisc(keys);
    if (!pair_allocate(self)) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "no memory for 2 x %u pages: set %s.pool to less, or give more memory", self->pool,
                 keys->slot);
        return RUNG_E_NOMEM;
    }
    pair_init_end(self, &self->near_end, keys, 0);
    pair_init_end(self, &self->far_end, keys, 1);
    pair_addresses(self);
    return RUNG_OK;
}
