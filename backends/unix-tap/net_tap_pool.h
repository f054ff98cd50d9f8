/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_pool.h - the memory that received frames are lent in.
 * Model    Pages of two sizes. A small one holds any plain frame, 2 KiB with its header when the
 *          mtu is 1500; a large one any frame. How long a frame is the kernel says only with the
 *          frame: so all are read into a large page, and a short one is copied to a small page.
 *          Pages are made when they are first needed, up to the limit; some that come back are
 *          kept for the next frame. A fifth of the limit is out of the reach of large pages:
 *          however many super-frames are held, small frames (a peer's ACKs, that let go of others)
 *          still get in; how many small ones may be held info.rx_hold says (net_tap_open.c).
 * Units    Bytes, headers of pages included, for the limit.
 * Owner    A page is the caller's from get to put.
 * Context  The loop.
 * Errors   get gives NULL: the pool is dry, by its limit or by the heap. */
#ifndef RUNG_NET_TAP_POOL_H
#define RUNG_NET_TAP_POOL_H

#include "rung/net.h"

/* Where a frame starts in its page: room for the virtio_net_hdr, and the IP header behind the
 * Ethernet header is at a multiple of 4. */
#define RUNG_NET_TAP_FRONT 10u

#define RUNG_NET_TAP_LIMIT_MIN (256u << 10)

enum rung_net_tap_size { RUNG_NET_TAP_SMALL, RUNG_NET_TAP_LARGE };

struct rung_net_tap_page {
    struct rung_frame frame;
    struct rung_net_tap_pool *pool;
    struct rung_net_tap_page *next; /* in the list of free pages */
    uint8_t size;                   /* enum rung_net_tap_size */
    bool lent;
    uint8_t bytes[];
};

struct rung_net_tap_pool {
    struct rung_platform *p;
    uint64_t limit, used; /* bytes of pages that exist */
    struct {
        struct rung_net_tap_page *free;
        size_t room;  /* bytes for frames in one page */
        size_t cost;  /* of one page */
        uint64_t limit, used;
        unsigned free_count, keep;
    } of[2];
};

/* limit: RUNG_NET_TAP_LIMIT_MIN and more. Makes no page yet. */
void rung_net_tap_pool_init(struct rung_net_tap_pool *pool, struct rung_platform *p, uint64_t limit,
                            unsigned mtu);

/* Frees the free pages; none is lent. */
void rung_net_tap_pool_end(struct rung_net_tap_pool *pool);

/* The slow path of get: makes a page. */
struct rung_net_tap_page *rung_net_tap_page_new(struct rung_net_tap_pool *pool,
                                                enum rung_net_tap_size size);

void rung_net_tap_page_put(struct rung_net_tap_page *page);

static inline struct rung_net_tap_page *rung_net_tap_page_get(struct rung_net_tap_pool *pool,
                                                              enum rung_net_tap_size size)
{
    struct rung_net_tap_page *page = pool->of[size].free;
    if (!page)
        return rung_net_tap_page_new(pool, size);
    pool->of[size].free = page->next;
    pool->of[size].free_count--;
    return page;
}

#endif
