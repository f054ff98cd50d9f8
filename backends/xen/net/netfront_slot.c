/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_slot.c - one packet becomes requests in the transmit ring.
 * A long frame goes by reference, but for its headers, which lie amid the sender's other data. A
 * short one (up to NETFRONT_CELL) is copied: that costs less than a grant for each of its pieces
 * that is given and ended, and an event from the back end to say when (figures: docs/decisions).
 * Cells, and pages for what must be copied whole, are lent once for all frames: they never hold
 * anything but frames for this very back end, so it may look at them as long as it likes. The
 * sender's own pages will hold other things; their grants end with the frame. */
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"
#include "rung/heap.h"

struct slot_build {
    struct rung_netfront *nf;
    const struct netfront_piece *piece;
    struct netif_tx_request req; /* the last one, not in the ring yet: it may have to say "more" */
    uint32_t at, start;          /* its place, and the packet's */
    uint32_t id[NETFRONT_PACKET_SLOTS];
    unsigned count;
    uint32_t *owner;
};

unsigned rung_netfront_count(struct netfront_cursor from, uint32_t len)
{
    unsigned count = 0;
    for (; len > 0; from.f = from.f->next, from.at = 0) {
        uint32_t part = from.f->len - from.at < len ? from.f->len - from.at : len;
        uint32_t offset = (uint32_t)((uintptr_t)(from.f->data + from.at) & (RUNG_XEN_PAGE - 1));
        count += part ? (offset + part + RUNG_XEN_PAGE - 1) / RUNG_XEN_PAGE : 0;
        len -= part;
    }
    return count;
}

void rung_netfront_skip(struct netfront_cursor *cursor, uint32_t len)
{
    while (cursor->f && len >= cursor->f->len - cursor->at) {
        len -= cursor->f->len - cursor->at;
        cursor->f = cursor->f->next;
        cursor->at = 0;
    }
    cursor->at += len;
}

static void slot_copy(struct netfront_cursor *from, uint8_t *to, uint32_t len)
{
    while (len > 0) {
        uint32_t part = from->f->len - from->at < len ? from->f->len - from->at : len;
        memcpy(to, from->f->data + from->at, part);
        rung_netfront_skip(from, part);
        to += part;
        len -= part;
    }
}

void rung_netfront_slot_init(struct rung_netfront *nf)
{
    for (uint32_t id = 0; id < NETFRONT_RING; id++)
        nf->tables->slots[id].next = (uint16_t)(id + 1);
    nf->tx.free = 0;
    nf->tx.free_count = NETFRONT_RING;
}

/* The last one given back comes first: few cells are ever touched. There is one: see room(). */
uint32_t rung_netfront_slot_get(struct rung_netfront *nf, uint32_t *owner)
{
    uint32_t id = nf->tx.free;
    struct rung_netfront_slot *slot = &nf->tables->slots[id];
    assert(nf->tx.free_count > 0 && slot->state == NETFRONT_FREE);
    nf->tx.free = slot->next;
    nf->tx.free_count--;
    if (*owner == NETFRONT_NONE)
        *owner = id;
    slot->state = NETFRONT_OUT;
    slot->owner = (uint16_t)*owner;
    slot->left = 0;
    slot->ref = 0;
    slot->bounce = NULL;
    slot->frame = NULL;
    slot->lost = false;
    slot->mcast = false;
    nf->tables->slots[*owner].left++;
    return id;
}

static void slot_flush(struct slot_build *b, uint16_t more)
{
    b->req.flags |= more;
    b->nf->tx.ring->ring[b->at % NETFRONT_RING].req = b->req;
}

static void slot_gso(struct slot_build *b)
{
    struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};
    struct netif_tx_request req = {.gref = 0};
    extra.u.gso.size = b->piece->gso_size;
    extra.u.gso.type = b->piece->gso_type; /* RUNG_GSO_* are Xen's numbers */
    memcpy(&req, &extra, sizeof(extra));
    b->nf->tx.ring->ring[b->nf->tx.prod++ % NETFRONT_RING].req = req;
    b->nf->tx.extras++;
}

/* A slot whose page is still to be said. */
static struct rung_netfront_slot *slot_add(struct slot_build *b)
{
    const struct netfront_piece *piece = b->piece;
    assert(b->count < NETFRONT_PACKET_SLOTS);
    if (b->count > 0)
        slot_flush(b, NETTXF_more_data);
    uint32_t id = rung_netfront_slot_get(b->nf, b->owner);
    b->id[b->count++] = id;
    b->at = b->nf->tx.prod++;
    b->req = (struct netif_tx_request){.id = (uint16_t)id};
    if (b->count > 1)
        return &b->nf->tables->slots[id];
    b->req.flags = piece->flags;
    if (piece->gso_size) {
        b->req.flags |= NETTXF_extra_info;
        slot_gso(b);
    }
    return &b->nf->tables->slots[id];
}

/* The first slot carries the length of the whole packet. */
static void slot_says(struct slot_build *b, uint32_t ref, uint32_t offset, uint32_t len)
{
    const struct netfront_piece *piece = b->piece;
    uint32_t all = piece->head_len + piece->copy_len + piece->rest_len;
    b->req.gref = ref;
    b->req.offset = (uint16_t)offset;
    b->req.size = (uint16_t)(b->count == 1 ? all : len);
}

static uint8_t *slot_cells(struct rung_netfront *nf, uint32_t n)
{
    struct rung_netfront_tables *tables = nf->tables;
    if (tables->cells[n])
        return tables->cells[n];
    uint8_t *page = rung_xen_page_get(nf->p);
    uint32_t ref = page ? rung_xen_grant(nf->device.x, nf->device.remote, page, true) : 0;
    if (page && !ref) {
        rung_xen_page_put(nf->p, page);
        return NULL;
    }
    tables->cells[n] = page;
    tables->cell_refs[n] = ref;
    return page;
}

/* The start of the packet goes into the slot's cell. */
static bool slot_cell(struct slot_build *b, struct netfront_cursor *from)
{
    const struct netfront_piece *piece = b->piece;
    uint32_t len = piece->head_len + piece->copy_len;
    struct rung_netfront_slot *slot = slot_add(b);
    uint32_t id = b->req.id, n = id / NETFRONT_CELLS;
    uint32_t offset = id % NETFRONT_CELLS * NETFRONT_CELL;
    uint8_t *cells = slot_cells(b->nf, n);
    if (!cells)
        return false;
    memcpy(cells + offset, piece->head, piece->head_len);
    slot_copy(from, cells + offset + piece->head_len, piece->copy_len);
    if (slot->used > len) /* of an older frame */
        memset(cells + offset + len, 0, slot->used - len);
    slot->used = (uint16_t)len;
    slot_says(b, b->nf->tables->cell_refs[n], offset, len);
    return true;
}

/* A request must not cross a page. */
static bool slot_refs(struct slot_build *b, struct netfront_cursor *from)
{
    for (uint32_t left = b->piece->rest_len; left > 0;) {
        const uint8_t *data = from->f->data + from->at;
        uint32_t part = from->f->len - from->at < left ? from->f->len - from->at : left;
        uint32_t offset = (uint32_t)((uintptr_t)data & (RUNG_XEN_PAGE - 1));
        if (part > RUNG_XEN_PAGE - offset)
            part = RUNG_XEN_PAGE - offset;
        struct rung_netfront_slot *slot = slot_add(b);
        slot->ref = rung_xen_grant(b->nf->device.x, b->nf->device.remote, data, true);
        if (!slot->ref)
            return false;
        slot_says(b, slot->ref, offset, part);
        rung_netfront_skip(from, part);
        left -= part;
    }
    return true;
}

static struct rung_netfront_bounce *slot_bounce(struct rung_netfront *nf)
{
    struct rung_netfront_bounce *bounce = nf->tx.bounces;
    if (bounce) {
        nf->tx.bounces = bounce->next;
        return bounce;
    }
    bounce = rung_alloc(nf->p, sizeof(*bounce));
    if (!bounce)
        return NULL;
    *bounce = (struct rung_netfront_bounce){.page = rung_xen_page_get(nf->p)};
    if (bounce->page)
        bounce->ref = rung_xen_grant(nf->device.x, nf->device.remote, bounce->page, true);
    if (bounce->ref)
        return bounce;
    if (bounce->page)
        rung_xen_page_put(nf->p, bounce->page);
    rung_free(nf->p, bounce);
    return NULL;
}

/* The sum that the back end cannot make, over the copies. */
static void slot_sum(struct slot_build *b, uint32_t len)
{
    const struct netfront_piece *piece = b->piece;
    const struct rung_netfront_slot *slots = b->nf->tables->slots;
    uint32_t to = (uint32_t)piece->csum_start + piece->csum_offset;
    uint64_t sum = 0;
    if (to + 2 > len)
        return;
    for (uint32_t at = piece->csum_start; at < len;) {
        uint32_t offset = at % RUNG_XEN_PAGE, part = RUNG_XEN_PAGE - offset;
        part = part < len - at ? part : len - at;
        sum = rung_netfront_sum(slots[b->id[at / RUNG_XEN_PAGE]].bounce->page + offset, part, sum,
                                (at - piece->csum_start) % 2);
        at += part;
    }
    uint16_t folded = (uint16_t)~rung_netfront_fold(sum);
    if (folded == 0) /* in UDP that would say: there is none (RFC 768); to TCP it is the same */
        folded = 0xffff;
    uint8_t bytes[2] = {(uint8_t)(folded >> 8), (uint8_t)folded};
    for (uint32_t i = 0; i < 2; i++)
        slots[b->id[(to + i) / RUNG_XEN_PAGE]].bounce->page[(to + i) % RUNG_XEN_PAGE] = bytes[i];
}

/* Everything is copied: for a back end that is not trusted with the sender's pages, for more pieces
 * than a packet can have, and for a sum that has to be made here. */
static bool slot_gather(struct slot_build *b, struct netfront_cursor *from)
{
    const struct netfront_piece *piece = b->piece;
    uint32_t len = piece->head_len + piece->copy_len + piece->rest_len;
    for (uint32_t at = 0; at < len;) {
        uint32_t part = len - at < RUNG_XEN_PAGE ? len - at : RUNG_XEN_PAGE;
        uint32_t head = at == 0 ? piece->head_len : 0; /* fits: it is at most NETFRONT_HEADS */
        struct rung_netfront_slot *slot = slot_add(b);
        slot->bounce = slot_bounce(b->nf);
        if (!slot->bounce)
            return false;
        uint8_t *page = slot->bounce->page;
        memcpy(page, piece->head, head);
        slot_copy(from, page + head, part - head);
        if (slot->bounce->used > part) /* of an older frame */
            memset(page + part, 0, slot->bounce->used - part);
        slot->bounce->used = part;
        slot_says(b, slot->bounce->ref, 0, part);
        at += part;
    }
    if (piece->sum)
        slot_sum(b, len);
    return true;
}

/* The packet has not been shown to anybody; but who guesses may have mapped a page of it. */
static void slot_undo(struct slot_build *b)
{
    struct rung_netfront *nf = b->nf;
    if (b->count > 0 && b->piece->gso_size)
        nf->tx.extras--;
    nf->tx.prod = b->start;
    while (b->count > 0)
        rung_netfront_slot_undo(nf, b->id[--b->count], b->owner);
}

static bool slot_try(struct rung_netfront *nf, const struct netfront_piece *piece, uint32_t *owner)
{
    struct slot_build b = {.nf = nf, .piece = piece, .start = nf->tx.prod, .owner = owner};
    struct netfront_cursor from = piece->from;
    bool ok = true;
    if (piece->gather) {
        ok = slot_gather(&b, &from);
    } else {
        if (piece->head_len + piece->copy_len > 0)
            ok = slot_cell(&b, &from);
        ok = ok && slot_refs(&b, &from);
    }
    if (ok)
        slot_flush(&b, 0);
    else
        slot_undo(&b);
    return ok;
}

bool rung_netfront_piece(struct rung_netfront *nf, const struct netfront_piece *piece,
                         uint32_t *owner)
{
    if (slot_try(nf, piece, owner))
        return true;
    if (piece->gather || piece->head_len > 0 || piece->copy_len == 0)
        return false;
    struct netfront_piece bare = *piece; /* there may be no memory for one more page of cells */
    bare.rest_len += bare.copy_len;
    bare.copy_len = 0;
    return rung_netfront_count(bare.from, bare.rest_len) <= NETFRONT_PACKET_SLOTS
           && slot_try(nf, &bare, owner);
}

static void slot_page_end(struct rung_netfront *nf, uint32_t ref, void *page, bool resumed)
{
    if (resumed)
        rung_xen_page_put(nf->p, page);
    else
        rung_xen_grant_release(nf->device.x, ref, page);
}

void rung_netfront_pages_end(struct rung_netfront *nf, bool resumed)
{
    struct rung_netfront_tables *tables = nf->tables;
    for (uint32_t n = 0; n < RUNG_ARRAY_LEN(tables->cells); n++) {
        if (tables->cells[n])
            slot_page_end(nf, tables->cell_refs[n], tables->cells[n], resumed);
        tables->cells[n] = NULL;
    }
    for (uint32_t id = 0; id < NETFRONT_RING; id++)
        tables->slots[id].used = 0;
    while (nf->tx.bounces) {
        struct rung_netfront_bounce *bounce = nf->tx.bounces;
        nf->tx.bounces = bounce->next;
        slot_page_end(nf, bounce->ref, bounce->page, resumed);
        rung_free(nf->p, bounce);
    }
}
