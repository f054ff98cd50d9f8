/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_ring.c - the pages that both sides write to. What the other side
 * writes is read once, into memory of ours; what we have put in is never read back. The pages lie
 * apart: a request may cross from one to the next, a response cannot. */
#include <string.h>

#include "blkfront_impl.h"

enum {
    RING_HEAD = offsetof(struct blkif_sring, ring),
    RING_ENTRY = sizeof(union blkif_sring_entry),
};
_Static_assert(RING_HEAD % 16 == 0 && RING_ENTRY % 16 == 0 && sizeof(struct blkif_response) == 16,
               "a response lies in one page");

static struct blkif_sring *ring_head(const struct rung_blkfront_ring *ring)
{
    return (struct blkif_sring *)(void *)ring->page[0];
}

static size_t ring_place(const struct rung_blkfront_ring *ring, uint32_t index)
{
    return RING_HEAD + (size_t)(index & (ring->size - 1)) * RING_ENTRY;
}

uint32_t rung_blkfront_ring_size(unsigned pages)
{
    uint32_t fit = (pages * RUNG_XEN_PAGE - RING_HEAD) / RING_ENTRY, size = 1;
    while (size * 2 <= fit)
        size *= 2;
    return size;
}

void rung_blkfront_ring_drop(struct rung_blkfront *self)
{
    for (unsigned i = 0; i < self->ring.pages; i++)
        rung_xen_grant_release(self->x, self->resumed ? RUNG_XEN_NO_GRANT : self->ring.ref[i],
                               self->ring.page[i]);
    self->ring = (struct rung_blkfront_ring){.pages = 0};
}

static bool ring_make_pages(struct rung_blkfront *self, unsigned pages)
{
    struct rung_blkfront_ring *ring = &self->ring;
    *ring = (struct rung_blkfront_ring){.size = rung_blkfront_ring_size(pages)};
    while (ring->pages < pages) {
        unsigned i = ring->pages;
        ring->page[i] = rung_xen_page_get(self->p);
        if (!ring->page[i])
            break;
        ring->pages++;
        ring->ref[i] = rung_xen_grant(self->x, self->device.remote, ring->page[i], false);
        if (!ring->ref[i])
            break;
    }
    if (ring->pages == pages && ring->ref[pages - 1])
        return true;
    rung_blkfront_ring_drop(self);
    return false;
}

enum rung_err rung_blkfront_ring_make(struct rung_blkfront *self, unsigned order)
{
    assert(!self->ring.pages);
    while (!ring_make_pages(self, 1u << order)) {
        if (!order--)
            return RUNG_E_NOMEM;
    }
    ring_head(&self->ring)->req_event = 1; /* pages come zeroed: the rest of the head is right */
    ring_head(&self->ring)->rsp_event = 1;
    return RUNG_OK;
}

void rung_blkfront_ring_put(struct rung_blkfront_ring *ring, const void *request, size_t len)
{
    size_t at = ring_place(ring, ring->next++);
    const uint8_t *from = request;
    while (len > 0) {
        size_t part = RUNG_XEN_PAGE - at % RUNG_XEN_PAGE;
        if (part > len)
            part = len;
        memcpy(ring->page[at / RUNG_XEN_PAGE] + at % RUNG_XEN_PAGE, from, part);
        at += part;
        from += part;
        len -= part;
    }
}

bool rung_blkfront_ring_show(struct rung_blkfront_ring *ring)
{
    struct blkif_sring *head = ring_head(ring);
    uint32_t old = ring->shown, next = ring->next;
    if (old == next)
        return false;
    xen_wmb(); /* the requests before their number */
    RUNG_XEN_WRITE(head->req_prod, next);
    xen_mb(); /* shown before we look who waits for it */
    ring->shown = next;
    uint32_t event = rung_blkfront_read32(&head->req_event);
    return next - event < next - old;
}

/* Whether there is a response, asked again after the wish to be notified is there to see: one that
 * came in between brings no event. */
static uint32_t ring_ready(struct rung_blkfront_ring *ring)
{
    struct blkif_sring *head = ring_head(ring);
    uint32_t ready = rung_blkfront_read32(&head->rsp_prod) - ring->seen;
    if (ready)
        return ready;
    RUNG_XEN_WRITE(head->rsp_event, ring->seen + 1);
    xen_mb();
    return rung_blkfront_read32(&head->rsp_prod) - ring->seen;
}

int rung_blkfront_ring_take(struct rung_blkfront_ring *ring, struct blkif_response *response)
{
    uint32_t ready = ring_ready(ring);
    if (!ready)
        return 0;
    if (ready > ring->shown - ring->seen)
        return -1;
    xen_rmb(); /* the number before the responses */
    size_t at = ring_place(ring, ring->seen++);
    const uint64_t *from =
        (const uint64_t *)(const void *)(ring->page[at / RUNG_XEN_PAGE] + at % RUNG_XEN_PAGE);
    uint64_t copy[2] = {rung_blkfront_read64(&from[0]), rung_blkfront_read64(&from[1])};
    memcpy(response, copy, sizeof(*response));
    return 1;
}
