/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_issue.c - from the queue to the ring, strictly in order: a request
 * that has to wait holds those behind it, so none is overtaken for ever. Once a turn the other side
 * is told of all that is new: notifications are what costs. */
#include <string.h>

#include "blkfront_impl.h"

enum issued { ISSUE_WAIT, ISSUE_MORE, ISSUE_LAST };

static bool issue_changes(uint8_t operation)
{
    return operation == BLKIF_OP_WRITE || operation == BLKIF_OP_DISCARD;
}

/* Whether slot has to wait for one in flight: back ends carry out what overlaps at the same time (a
 * loop device page by page), and block.h promises whole sectors. Readers among themselves pay
 * nothing for this. */
static bool issue_conflicts(const struct rung_blkfront *self, uint64_t sector, uint64_t sectors,
                            uint8_t operation)
{
    unsigned left = issue_changes(operation) ? self->flying : self->flying_writes;
    for (const struct rung_blkfront_slot *s = self->slots; left > 0; s++) {
        if (!s->req || !(issue_changes(operation) || issue_changes(s->operation)))
            continue;
        left--;
        if (s->sectors && sector < s->sector + s->sectors && s->sector < sector + sectors)
            return true;
    }
    return false;
}

static struct rung_blkfront_slot *issue_slot(struct rung_blkfront *self, uint8_t operation)
{
    struct rung_blkfront_slot *slot = self->free_slots;
    *slot = (struct rung_blkfront_slot){
        .next_free = slot->next_free, .serial = ++self->serial, .operation = operation,
        .writes_done = self->writes_done,
    };
    return slot;
}

static void issue_take(struct rung_blkfront *self, struct rung_blkfront_slot *slot,
                       struct rung_block_req *req)
{
    self->free_slots = slot->next_free;
    slot->req = req;
    blkfront_job(req)->held++;
    self->flying++;
    self->flying_writes += issue_changes(slot->operation);
    if (self->flying > self->peak)
        self->peak = self->flying;
}

static uint64_t issue_id(const struct rung_blkfront *self, const struct rung_blkfront_slot *slot)
{
    return (uint64_t)slot->serial << 32 | (uint64_t)(slot - self->slots);
}

static void issue_segments(const struct rung_blkfront_slot *slot,
                           struct blkif_request_segment *segment)
{
    for (const struct rung_blkfront_piece *piece = slot->pieces; piece; piece = piece->next) {
        *segment++ = (struct blkif_request_segment){
            .gref = piece->ref, .last_sect = (uint8_t)(piece->len / BLKFRONT_SECTOR - 1),
        };
    }
}

static void issue_direct(struct rung_blkfront *self, const struct rung_blkfront_slot *slot)
{
    struct blkif_request request;
    memset(&request, 0, sizeof(request)); /* the padding leaves us too */
    request.operation = slot->operation;
    request.nr_segments = (uint8_t)slot->count;
    request.handle = self->handle;
    request.id = issue_id(self, slot);
    request.sector_number = slot->sector;
    issue_segments(slot, request.seg);
    rung_blkfront_ring_put(&self->ring, &request, sizeof(request));
}

static void issue_indirect(struct rung_blkfront *self, struct rung_blkfront_slot *slot)
{
    struct blkif_request_indirect request;
    memset(&request, 0, sizeof(request));
    request.operation = BLKIF_OP_INDIRECT;
    request.indirect_op = slot->operation;
    request.nr_segments = slot->count;
    request.handle = self->handle;
    request.id = issue_id(self, slot);
    request.sector_number = slot->sector;
    request.indirect_grefs[0] = slot->indirect->ref;
    issue_segments(slot, (struct blkif_request_segment *)(void *)slot->indirect->page);
    rung_blkfront_ring_put(&self->ring, &request, sizeof(request));
}
_Static_assert(RUNG_BLKFRONT_SEGMENTS * sizeof(struct blkif_request_segment) <= RUNG_XEN_PAGE,
               "one page of segments is enough");

/* What is left of the request's memory, or at least as much as a ring request can hold. */
static uint64_t issue_bytes_left(const struct rung_block_req *req, const struct blkfront_job *job)
{
    const uint64_t most = RUNG_BLKFRONT_SEGMENTS * RUNG_XEN_PAGE;
    uint64_t bytes = 0;
    size_t done = job->offset;
    for (unsigned i = job->vec; i < req->vec_count && bytes < most; i++, done = 0)
        bytes += req->vec[i].len - done;
    return bytes;
}

/* A page for a list of segments, which is written when they are known. */
static struct rung_blkfront_piece *issue_list(struct rung_blkfront *self)
{
    struct rung_blkfront_piece *piece = rung_blkfront_page_piece(self);
    if (!piece)
        return NULL;
    rung_blkfront_page_clear(piece, 0);
    return rung_blkfront_page_lend(self, piece, true) ? piece : NULL;
}

/* The pages of a ring request that covers at most so many bytes. The list of segments must not take
 * the last one away from the bytes themselves. */
static bool issue_pages(struct rung_blkfront *self, struct rung_block_req *req,
                        struct rung_blkfront_slot *slot, uint64_t bytes)
{
    if (bytes > BLKIF_MAX_SEGMENTS_PER_REQUEST * (uint64_t)RUNG_XEN_PAGE
        && self->segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        slot->indirect = issue_list(self);
    if (slot->indirect && rung_blkfront_split(self, req, slot, self->segments))
        return true;
    if (slot->indirect)
        rung_blkfront_piece_end(self, slot->indirect, req);
    slot->indirect = NULL;
    return rung_blkfront_split(self, req, slot, BLKIF_MAX_SEGMENTS_PER_REQUEST);
}

/* READ and WRITE. The most that this ring request can cover is checked for conflicts before
 * anything is lent: what it will cover is not yet known. */
static enum issued issue_transfer(struct rung_blkfront *self, struct rung_block_req *req)
{
    struct blkfront_job *job = blkfront_job(req);
    uint8_t operation = req->kind == RUNG_BLOCK_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    struct rung_blkfront_slot *slot = issue_slot(self, operation);
    uint64_t bytes = issue_bytes_left(req, job), most = self->segments * (uint64_t)RUNG_XEN_PAGE;
    uint64_t sector = req->sector * (self->block.info.sector_size / BLKFRONT_SECTOR)
                      + job->issued / BLKFRONT_SECTOR;
    if (bytes > most)
        bytes = most;
    if (issue_conflicts(self, sector, bytes / BLKFRONT_SECTOR, operation))
        return ISSUE_WAIT;
    if (!issue_pages(self, req, slot, bytes))
        return ISSUE_WAIT;
    issue_take(self, slot, req);
    if (slot->count > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        issue_indirect(self, slot);
    else
        issue_direct(self, slot);
    return job->vec == req->vec_count ? ISSUE_LAST : ISSUE_MORE;
}

static enum issued issue_flush(struct rung_blkfront *self, struct rung_block_req *req)
{
    struct rung_blkfront_slot *slot = issue_slot(self, self->flush_op);
    issue_take(self, slot, req);
    issue_direct(self, slot);
    return ISSUE_LAST;
}

/* Rounded in to what the medium can forget; nothing may be left of it. */
static void issue_round(const struct rung_blkfront *self, uint64_t *sector, uint64_t *sectors)
{
    uint64_t granule = self->discard_granule, end = *sector + *sectors;
    uint64_t shift = granule - self->discard_offset % granule; /* 1 to granule */
    uint64_t first = (*sector + shift + granule - 1) / granule * granule - shift;
    uint64_t last = (end + shift) / granule * granule;
    *sectors = last > first + shift ? last - shift - first : 0;
    *sector = first;
}

static enum issued issue_discard(struct rung_blkfront *self, struct rung_block_req *req)
{
    uint32_t scale = self->block.info.sector_size / BLKFRONT_SECTOR;
    uint64_t sector = req->sector * scale, sectors = req->count * scale;
    if (!self->can_discard) /* not any more: what was asked for is a hint */
        return ISSUE_LAST;
    issue_round(self, &sector, &sectors);
    if (!sectors)
        return ISSUE_LAST;
    if (issue_conflicts(self, sector, sectors, BLKIF_OP_DISCARD))
        return ISSUE_WAIT;
    struct rung_blkfront_slot *slot = issue_slot(self, BLKIF_OP_DISCARD);
    struct blkif_request_discard request;
    memset(&request, 0, sizeof(request));
    slot->sector = sector;
    slot->sectors = sectors;
    request.operation = BLKIF_OP_DISCARD;
    request.handle = self->handle;
    request.id = issue_id(self, slot);
    request.sector_number = sector;
    request.nr_sectors = sectors;
    issue_take(self, slot, req);
    rung_blkfront_ring_put(&self->ring, &request, sizeof(request));
    return ISSUE_LAST;
}

static enum issued issue_one(struct rung_blkfront *self, struct rung_block_req *req)
{
    const struct blkfront_job *job = blkfront_job(req);
    if (job->result) /* a part of it has failed: the rest is not worth the trouble */
        return ISSUE_LAST;
    if (!self->free_slots || self->flying == self->ring.size)
        return ISSUE_WAIT;
    if (req->kind == RUNG_BLOCK_FLUSH || job->flushing)
        return issue_flush(self, req);
    return req->kind == RUNG_BLOCK_DISCARD ? issue_discard(self, req) : issue_transfer(self, req);
}

void rung_blkfront_issue(struct rung_blkfront *self)
{
    enum issued issued = ISSUE_MORE;
    while (self->state == RUNG_BLKFRONT_UP && self->waiting && issued != ISSUE_WAIT) {
        struct rung_block_req *req = self->waiting;
        issued = issue_one(self, req);
        if (issued != ISSUE_LAST)
            continue;
        self->waiting = req->next;
        if (!self->waiting)
            self->waiting_end = &self->waiting;
        blkfront_job(req)->queued = false;
        rung_blkfront_settle(self, req); /* if nothing was sent */
    }
    if (self->state != RUNG_BLKFRONT_UP)
        return;
    if (rung_blkfront_ring_show(&self->ring))
        rung_xen_event_notify(&self->event);
    if (self->waiting && !self->flying) /* nothing will end that could make room */
        rung_timer_start(self->p, &self->retry, BLKFRONT_RETRY_NS);
}
