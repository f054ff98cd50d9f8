/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_pool.c - pieces: a page and its grant, of our own or a caller's.
 * Pages of our own carry what cannot be lent, and lists of segments; before one is lent, what is
 * not filled is cleared, so that the other side sees nothing of an earlier request, nor of another
 * back end's. A grant that
 * cannot be ended is somebody's page that must not be used again: our own goes to the orphans,
 * a caller's holds its request. */
#include <string.h>

#include "blkfront_impl.h"
#include "rung/heap.h"
#include "rung/log.h"

bool rung_blkfront_grant_end(struct rung_blkfront *self, uint32_t ref)
{
    return self->resumed || rung_xen_grant_end(self->x, ref);
}

static struct rung_blkfront_piece *pool_piece(struct rung_blkfront *self)
{
    struct rung_blkfront_piece *piece = self->free_pieces;
    if (piece) {
        self->free_pieces = piece->next;
        *piece = (struct rung_blkfront_piece){.next = NULL};
    }
    return piece;
}

static void pool_piece_put(struct rung_blkfront *self, struct rung_blkfront_piece *piece)
{
    piece->next = self->free_pieces;
    self->free_pieces = piece;
}

/* Onto the stack, or back to whom it came from. The last page stays in any case: with it, and with
 * nothing else in flight, every request can go on. */
static void pool_put(struct rung_blkfront *self, uint8_t *page, uint32_t ref)
{
    struct rung_blkfront_pool *pool = &self->pool;
    if (pool->count >= BLKFRONT_KEEP && !ref) {
        rung_xen_page_put(self->p, page);
        pool->total--;
        return;
    }
    pool->free[pool->count++] = (struct rung_blkfront_page){page, ref};
}

static bool pool_get(struct rung_blkfront *self, uint8_t **page, uint32_t *ref)
{
    struct rung_blkfront_pool *pool = &self->pool;
    *ref = RUNG_XEN_NO_GRANT;
    if (pool->count) {
        *page = pool->free[--pool->count].page;
        *ref = pool->free[pool->count].ref;
        return true;
    }
    if (pool->total == RUNG_BLKFRONT_POOL)
        return false;
    *page = rung_xen_page_get(self->p);
    pool->total += *page != NULL;
    return *page != NULL;
}

struct rung_blkfront_piece *rung_blkfront_page_piece(struct rung_blkfront *self)
{
    struct rung_blkfront_piece *piece = pool_piece(self);
    if (!piece)
        return NULL;
    if (pool_get(self, &piece->page, &piece->ref))
        return piece;
    pool_piece_put(self, piece);
    return NULL;
}

void rung_blkfront_page_clear(struct rung_blkfront_piece *piece, size_t from)
{
    memset(piece->page + from, 0, RUNG_XEN_PAGE - from);
}

bool rung_blkfront_page_lend(struct rung_blkfront *self, struct rung_blkfront_piece *piece,
                             bool readonly)
{
    if (!piece->ref) /* the back end maps a page that stays lent for writing, whatever for */
        piece->ref = rung_xen_grant(self->x, self->device.remote, piece->page,
                                    readonly && !self->persistent);
    if (piece->ref)
        return true;
    pool_put(self, piece->page, RUNG_XEN_NO_GRANT);
    pool_piece_put(self, piece);
    return false;
}

struct rung_blkfront_piece *rung_blkfront_lent_piece(struct rung_blkfront *self, const void *page,
                                                     bool readonly)
{
    struct rung_blkfront_piece *piece = pool_piece(self);
    if (!piece)
        return NULL;
    piece->ref = rung_xen_grant(self->x, self->device.remote, page, readonly);
    if (piece->ref)
        return piece;
    pool_piece_put(self, piece);
    return NULL;
}

static void pool_stick(struct rung_blkfront *self, struct rung_blkfront_piece *piece,
                       struct rung_block_req *req)
{
    piece->req = req;
    piece->next = self->stuck;
    self->stuck = piece;
    blkfront_job(req)->held++;
    rung_timer_start(self->p, &self->retry, BLKFRONT_RETRY_NS);
    if (self->state == RUNG_BLKFRONT_UP && !self->told_stuck) {
        self->told_stuck = true;
        rung_log(self->p, RUNG_LOG_WARN, self->device.who,
                 "the back end keeps memory of requests that it has answered; they wait for it");
    }
}

void rung_blkfront_piece_end(struct rung_blkfront *self, struct rung_blkfront_piece *piece,
                             struct rung_block_req *req)
{
    if (piece->page && self->persistent) {
        pool_put(self, piece->page, piece->ref);
    } else if (rung_blkfront_grant_end(self, piece->ref)) {
        if (piece->page)
            pool_put(self, piece->page, RUNG_XEN_NO_GRANT);
    } else if (piece->page) {
        rung_xen_grant_orphan(self->x, piece->ref, piece->page);
        self->pool.total--;
    } else {
        pool_stick(self, piece, req);
        return;
    }
    pool_piece_put(self, piece);
}

void rung_blkfront_unstick(struct rung_blkfront *self)
{
    struct rung_blkfront_piece *piece = self->stuck;
    self->stuck = NULL;
    while (piece) {
        struct rung_blkfront_piece *next = piece->next;
        struct rung_block_req *req = piece->req;
        if (rung_blkfront_grant_end(self, piece->ref)) {
            pool_piece_put(self, piece);
            blkfront_job(req)->held--;
            rung_blkfront_settle(self, req);
        } else {
            piece->next = self->stuck;
            self->stuck = piece;
        }
        piece = next;
    }
}

bool rung_blkfront_pool_fill(struct rung_blkfront *self)
{
    uint8_t *page;
    self->pool.free = rung_zalloc(self->p, RUNG_BLKFRONT_POOL, sizeof(*self->pool.free));
    if (!self->pool.free || !(page = rung_xen_page_get(self->p)))
        return false;
    self->pool.total++;
    pool_put(self, page, RUNG_XEN_NO_GRANT);
    return true;
}

void rung_blkfront_pool_revoke(struct rung_blkfront *self)
{
    struct rung_blkfront_pool *pool = &self->pool;
    unsigned count = pool->count;
    pool->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct rung_blkfront_page top = pool->free[i];
        if (top.ref && !rung_blkfront_grant_end(self, top.ref)) {
            rung_xen_grant_orphan(self->x, top.ref, top.page);
            pool->total--;
        } else {
            pool_put(self, top.page, RUNG_XEN_NO_GRANT);
        }
    }
}

void rung_blkfront_pool_empty(struct rung_blkfront *self)
{
    rung_blkfront_pool_revoke(self);
    while (self->pool.count)
        rung_xen_page_put(self->p, self->pool.free[--self->pool.count].page);
    self->pool.total = 0;
    rung_free(self->p, self->pool.free);
}
