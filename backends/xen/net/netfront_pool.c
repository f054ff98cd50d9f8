/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_pool.c - the pages that frames are received in. A page is free, posted
 * (lent to the back end, for writing) or lent to a reader. NETFRONT_POST_MIN pages no reader can
 * have: however many frames are held, the ring never runs dry, for a back end that waits for
 * requests takes the guest for dead. Pages are made when they are needed; a quiet guest has few. */
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"
#include "rung/heap.h"

enum { POOL_CHUNK = 64, POOL_LEAST = 24 };

struct rung_netfront_chunk {
    struct rung_netfront_chunk *next;
    struct rung_netfront_page pages[POOL_CHUNK];
};

static bool pool_grow(struct rung_netfront *nf)
{
    struct rung_netfront_chunk *chunk = rung_zalloc(nf->p, 1, sizeof(*chunk));
    if (!chunk)
        return false;
    chunk->next = nf->tables->chunks;
    nf->tables->chunks = chunk;
    for (unsigned i = 0; i < POOL_CHUNK; i++) {
        chunk->pages[i].nf = nf;
        chunk->pages[i].next = nf->tables->unused;
        nf->tables->unused = &chunk->pages[i];
    }
    return true;
}

/* One more free page. */
static bool pool_make(struct rung_netfront *nf)
{
    if (nf->rx.made >= nf->rx.limit || (!nf->tables->unused && !pool_grow(nf)))
        return false;
    struct rung_netfront_page *page = nf->tables->unused;
    page->bytes = rung_xen_page_get(nf->p);
    if (!page->bytes)
        return false;
    nf->tables->unused = page->next;
    page->dirty = false; /* it comes zeroed */
    page->next = nf->rx.free;
    nf->rx.free = page;
    nf->rx.free_count++;
    nf->rx.made++;
    return true;
}

static void pool_forget(struct rung_netfront *nf, struct rung_netfront_page *page)
{
    page->bytes = NULL;
    page->ref = 0;
    page->next = nf->tables->unused;
    nf->tables->unused = page;
    nf->rx.made--;
}

bool rung_netfront_pool_first(struct rung_netfront *nf)
{
    while (nf->rx.made < NETFRONT_POST_MIN) {
        if (!pool_make(nf))
            return false;
    }
    return true;
}

void rung_netfront_pool_end(struct rung_netfront *nf)
{
    struct rung_netfront_tables *tables = nf->tables;
    assert(nf->rx.lent == 0);
    while (nf->rx.free) {
        struct rung_netfront_page *page = nf->rx.free;
        nf->rx.free = page->next;
        rung_xen_page_put(nf->p, page->bytes);
        nf->rx.made--;
    }
    nf->rx.free_count = 0;
    tables->unused = NULL;
    while (tables->chunks) {
        struct rung_netfront_chunk *chunk = tables->chunks;
        tables->chunks = chunk->next;
        rung_free(nf->p, chunk);
    }
}

/* As many as a full ring uses are kept. */
void rung_netfront_page_put(struct rung_netfront *nf, struct rung_netfront_page *page)
{
    if (!page->ref && nf->rx.free_count >= NETFRONT_RING) {
        rung_xen_page_put(nf->p, page->bytes);
        pool_forget(nf, page);
        return;
    }
    page->next = nf->rx.free;
    nf->rx.free = page;
    nf->rx.free_count++;
}

/* Ends the grant. False: the back end keeps the page, and we do without it. */
bool rung_netfront_page_take_back(struct rung_netfront *nf, struct rung_netfront_page *page)
{
    if (rung_xen_grant_end(nf->device.x, page->ref)) {
        page->ref = 0;
        return true;
    }
    rung_xen_grant_orphan(nf->device.x, page->ref, page->bytes);
    pool_forget(nf, page);
    return false;
}

/* Super-frames get three quarters of what readers can have at most: so there is a way in for the
 * small frames (a peer's ACKs) that let go of others. */
bool rung_netfront_may_lend(struct rung_netfront *nf, unsigned pages)
{
    struct rung_netfront_rx *rx = &nf->rx;
    uint32_t most = rx->limit - NETFRONT_POST_MIN, lent = rx->lent + pages;
    if (lent > (pages > 1 ? most - most / 4 : most))
        return false;
    while (rx->made < lent + NETFRONT_POST_MIN) {
        if (!pool_make(nf)) /* out of memory: as long as the longest frame still has a way in */
            return rx->made >= lent + POOL_LEAST;
    }
    return true;
}

void rung_netfront_release(struct rung_frame *frame)
{
    struct rung_netfront_page *page = rung_container_of(frame, struct rung_netfront_page, frame);
    struct rung_netfront *nf = page->nf;
    assert(page->lent);
    page->lent = false;
    while (page) {
        struct rung_netfront_page *rest = page->next;
        page->dirty = true;
        nf->rx.lent--;
        rung_netfront_page_put(nf, page);
        page = rest;
    }
}

/* A free page that the back end may have. */
static struct rung_netfront_page *pool_get(struct rung_netfront *nf)
{
    struct rung_netfront_page *page = nf->rx.free;
    if (!page) {
        if (!pool_make(nf))
            return NULL;
        page = nf->rx.free;
    }
    if (!page->ref) {
        if (page->dirty && !nf->trusted) { /* readers decrypt in place, and so on */
            memset(page->bytes, 0, RUNG_XEN_PAGE);
            page->dirty = false;
        }
        page->ref = rung_xen_grant(nf->device.x, nf->device.remote, page->bytes, false);
        if (!page->ref)
            return NULL;
    }
    nf->rx.free = page->next;
    nf->rx.free_count--;
    page->next = NULL;
    return page;
}

/* The id is the slot's number: a response stands where its request stood. */
void rung_netfront_post(struct rung_netfront *nf)
{
    struct rung_netfront_rx *rx = &nf->rx;
    uint32_t before = rx->prod;
    while (rx->prod - rx->cons < rx->target) {
        struct rung_netfront_page *page = pool_get(nf);
        if (!page)
            break;
        uint32_t id = rx->prod++ % NETFRONT_RING;
        nf->tables->posted[id] = page;
        rx->ring->ring[id].req = (struct netif_rx_request){.id = (uint16_t)id, .gref = page->ref};
    }
    if (rx->prod == before)
        return;
    __atomic_store_n(&rx->ring->req_prod, rx->prod, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it is seen before we look whether to say so */
    if (nf->net.link_up && rx->prod - rung_netfront_read32(&rx->ring->req_event)
                           < rx->prod - before)
        rung_xen_event_notify(nf->rx_event.port ? &nf->rx_event : &nf->tx_event);
}

static void pool_page_end(struct rung_netfront *nf, struct rung_netfront_page *page, bool resumed)
{
    if (resumed)
        page->ref = 0;
    if (!page->ref || rung_netfront_page_take_back(nf, page))
        rung_netfront_page_put(nf, page);
}

/* All pages come home: those that are posted, and those that wait to be with their grants open. */
void rung_netfront_rx_end(struct rung_netfront *nf, bool resumed)
{
    struct rung_netfront_page *list = nf->rx.free;
    nf->rx.free = NULL;
    nf->rx.free_count = 0;
    while (list) {
        struct rung_netfront_page *page = list;
        list = page->next;
        pool_page_end(nf, page, resumed);
    }
    for (uint32_t id = 0; id < NETFRONT_RING; id++) {
        struct rung_netfront_page *page = nf->tables->posted[id];
        nf->tables->posted[id] = NULL;
        if (page)
            pool_page_end(nf, page, resumed);
    }
}
