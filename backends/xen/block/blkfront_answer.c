/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_answer.c - from the ring to the ends of requests. A response names a
 * ring request that is in flight, by index and serial number, and what it did; one that does not is
 * a lie, and costs the device. */
#include "blkfront_impl.h"
#include "rung/log.h"

static void answer_pieces(struct rung_blkfront *self, struct rung_blkfront_slot *slot, bool bring)
{
    struct blkfront_cursor at = slot->from;
    for (struct rung_blkfront_piece *piece = slot->pieces, *next; piece; piece = next) {
        next = piece->next;
        if (bring) /* a page that was lent is where it belongs */
            rung_blkfront_copy(slot->req, &at, piece->page, piece->len, false);
        rung_blkfront_piece_end(self, piece, slot->req);
    }
    slot->pieces = NULL;
    if (slot->indirect)
        rung_blkfront_piece_end(self, slot->indirect, slot->req);
    slot->indirect = NULL;
}

static void answer_free(struct rung_blkfront *self, struct rung_blkfront_slot *slot, bool bring)
{
    answer_pieces(self, slot, bring);
    blkfront_job(slot->req)->held--;
    self->flying--;
    self->flying_writes -=
        slot->operation == BLKIF_OP_WRITE || slot->operation == BLKIF_OP_DISCARD;
    slot->req = NULL;
    slot->next_free = self->free_slots;
    self->free_slots = slot;
}

void rung_blkfront_slot_free(struct rung_blkfront *self, struct rung_blkfront_slot *slot)
{
    answer_free(self, slot, false);
}

/* A flush that failed: the other side may have dropped what it could not write, and the next one
 * would say that all is well. So it is remembered. */
static int answer_flush_failed(struct rung_blkfront *self)
{
    if (!self->flush_failed)
        rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
                 "the disk failed to flush: what was written before may be lost; look at the disk "
                 "behind it");
    self->flush_failed = true;
    return RUNG_E_IO;
}

static int answer_flush(struct rung_blkfront *self, const struct rung_blkfront_slot *slot,
                        int16_t status)
{
    if (status == BLKIF_RSP_EOPNOTSUPP && slot->operation == BLKIF_OP_FLUSH_DISKCACHE
        && self->can_barrier) {
        self->flush_op = BLKIF_OP_WRITE_BARRIER; /* an empty one does the same */
        rung_blkfront_requeue(self, slot->req);
        return RUNG_OK;
    }
    if (status != BLKIF_RSP_OKAY)
        return answer_flush_failed(self);
    if (slot->writes_done > self->writes_flushed)
        self->writes_flushed = slot->writes_done;
    return RUNG_OK;
}

static int answer_result(struct rung_blkfront *self, const struct rung_blkfront_slot *slot,
                         int16_t status)
{
    switch (slot->operation) {
    case BLKIF_OP_FLUSH_DISKCACHE:
    case BLKIF_OP_WRITE_BARRIER:
        return answer_flush(self, slot, status);
    case BLKIF_OP_DISCARD:
        if (status == BLKIF_RSP_EOPNOTSUPP) { /* a hint that was not taken has done no harm */
            self->can_discard = false;
            return RUNG_OK;
        }
        break;
    default:
        break;
    }
    return status == BLKIF_RSP_OKAY ? RUNG_OK : RUNG_E_IO;
}

static const char *answer_accept(struct rung_blkfront *self, const struct blkif_response *response)
{
    uint32_t index = (uint32_t)response->id;
    if (index >= self->slot_count)
        return "the back end answered a request that cannot be";
    struct rung_blkfront_slot *slot = &self->slots[index];
    if (!slot->req || slot->serial != response->id >> 32)
        return "the back end answered a request that is not in flight";
    if (response->operation != slot->operation
        && !(slot->indirect && response->operation == BLKIF_OP_INDIRECT))
        return "the back end answered with another operation than was asked for";
    struct rung_block_req *req = slot->req;
    int err = answer_result(self, slot, response->status);
    answer_free(self, slot, req->kind == RUNG_BLOCK_READ && !err);
    if (err && !blkfront_job(req)->result)
        blkfront_job(req)->result = (int16_t)err;
    rung_blkfront_settle(self, req);
    return NULL;
}

void rung_blkfront_on_event(struct rung_xen_event *event)
{
    struct rung_blkfront *self = rung_container_of(event, struct rung_blkfront, event);
    struct blkif_response response;
    const char *lie = NULL;
    int got = 0;
    if (!self->ring.pages || self->state != RUNG_BLKFRONT_UP)
        return;
    while (!lie && (got = rung_blkfront_ring_take(&self->ring, &response)) > 0)
        lie = answer_accept(self, &response);
    if (got < 0)
        lie = "the back end says that it has answered more requests than there are";
    if (!lie) {
        rung_blkfront_issue(self);
        return;
    }
    rung_blkfront_down(self, RUNG_BLKFRONT_DEAD); /* what is in flight ends in disconnected() */
    rung_xen_device_fail(&self->device, lie);
}
