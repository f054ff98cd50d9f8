/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_pool.c - see net_tap_pool.h. */
#include "net_tap_pool.h"

#include "rung/heap.h"

enum {
    POOL_SMALL_COST = 2048,
    POOL_SMALL_MTU_MAX = 10240, /* longer plain frames take a large page: a small one is for ACKs */
    POOL_VLAN = 4,
    POOL_KEEP_SMALL = 512, /* free pages kept, 1 MiB and 4 MiB */
    POOL_KEEP_LARGE = 64,
};

void rung_net_tap_pool_init(struct rung_net_tap_pool *pool, struct rung_platform *p, uint64_t limit,
                            unsigned mtu)
{
    size_t over = sizeof(struct rung_net_tap_page) + RUNG_NET_TAP_FRONT;
    size_t plain = 14u + POOL_VLAN + mtu;
    size_t small = POOL_SMALL_COST - over;
    if (plain > small && mtu <= POOL_SMALL_MTU_MAX)
        small = plain;
    *pool = (struct rung_net_tap_pool){.p = p, .limit = limit};
    pool->of[RUNG_NET_TAP_SMALL].room = small;
    pool->of[RUNG_NET_TAP_SMALL].cost = over + small;
    pool->of[RUNG_NET_TAP_SMALL].limit = limit;
    pool->of[RUNG_NET_TAP_SMALL].keep = POOL_KEEP_SMALL;
    pool->of[RUNG_NET_TAP_LARGE].room = RUNG_FRAME_MAX;
    pool->of[RUNG_NET_TAP_LARGE].cost = over + RUNG_FRAME_MAX;
    pool->of[RUNG_NET_TAP_LARGE].limit = limit - limit / 5;
    pool->of[RUNG_NET_TAP_LARGE].keep = POOL_KEEP_LARGE;
}

static void pool_free_one(struct rung_net_tap_pool *pool, unsigned size)
{
    struct rung_net_tap_page *page = pool->of[size].free;
    pool->of[size].free = page->next;
    pool->of[size].free_count--;
    pool->of[size].used -= pool->of[size].cost;
    pool->used -= pool->of[size].cost;
    rung_free(pool->p, page);
}

void rung_net_tap_pool_end(struct rung_net_tap_pool *pool)
{
    for (unsigned size = 0; size < RUNG_ARRAY_LEN(pool->of); size++) {
        while (pool->of[size].free)
            pool_free_one(pool, size);
    }
    assert(pool->used == 0);
}

/* Free pages of the other size make room under the limit. */
struct rung_net_tap_page *rung_net_tap_page_new(struct rung_net_tap_pool *pool,
                                                enum rung_net_tap_size size)
{
    unsigned other = size == RUNG_NET_TAP_SMALL ? RUNG_NET_TAP_LARGE : RUNG_NET_TAP_SMALL;
    size_t cost = pool->of[size].cost;
    if (pool->of[size].used + cost > pool->of[size].limit)
        return NULL;
    while (pool->used + cost > pool->limit && pool->of[other].free)
        pool_free_one(pool, other);
    if (pool->used + cost > pool->limit)
        return NULL;
    struct rung_net_tap_page *page = rung_alloc(pool->p, cost);
    if (!page)
        return NULL;
    pool->of[size].used += cost;
    pool->used += cost;
    page->pool = pool;
    page->size = (uint8_t)size;
    page->lent = false;
    return page;
}

void rung_net_tap_page_put(struct rung_net_tap_page *page)
{
    struct rung_net_tap_pool *pool = page->pool;
    unsigned size = page->size;
    page->next = pool->of[size].free;
    pool->of[size].free = page;
    pool->of[size].free_count++;
    if (pool->of[size].free_count > pool->of[size].keep)
        pool_free_one(pool, size);
}
