/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront.c - the table: how requests come in, and how they end. */
#include "blkfront_impl.h"

#include "rung/heap.h"

static struct rung_blkfront *blkfront_of(struct rung_block *block)
{
    return rung_container_of(block, struct rung_blkfront, block);
}

/* A disk that cannot be written has nothing to flush, and Linux's back end takes a flush of one for
 * a write. */
static bool blkfront_flushes(const struct rung_blkfront *self)
{
    return (self->block.info.caps & RUNG_BLOCK_IS_DURABLE)
           && !(self->block.info.caps & RUNG_BLOCK_IS_READONLY);
}

static void blkfront_append(struct rung_blkfront *self, struct rung_block_req *req)
{
    blkfront_job(req)->queued = true;
    req->next = NULL;
    *self->waiting_end = req;
    self->waiting_end = &req->next;
    rung_loop_defer(self->p, &self->go); /* one notification for all that comes in this turn */
}

void rung_blkfront_requeue(struct rung_blkfront *self, struct rung_block_req *req)
{
    blkfront_job(req)->queued = true;
    req->next = self->waiting;
    if (!self->waiting)
        self->waiting_end = &req->next;
    self->waiting = req;
    rung_loop_defer(self->p, &self->go);
}

static void blkfront_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct rung_blkfront *self = blkfront_of(block);
    uint64_t sectors;
    assert(req->op.done && req->kind <= RUNG_BLOCK_DISCARD && !self->closing);
    req->op.cancel = NULL;
    *blkfront_job(req) = (struct blkfront_job){.vec = 0};
    int err = rung_block_check(&block->info, req, &sectors);
    bool flush = req->kind == RUNG_BLOCK_FLUSH;
    if (!err && self->state >= RUNG_BLKFRONT_GONE)
        err = RUNG_E_DOWN;
    else if (!err && flush && self->flush_failed)
        err = RUNG_E_IO;
    if (err || (flush ? !blkfront_flushes(self) : !sectors))
        rung_op_finish(self->p, &req->op, err);
    else
        blkfront_append(self, req);
}

void rung_blkfront_settle(struct rung_blkfront *self, struct rung_block_req *req)
{
    struct blkfront_job *job = blkfront_job(req);
    if (job->queued || job->held)
        return;
    bool flush = req->kind == RUNG_BLOCK_WRITE && (req->flags & RUNG_BLOCK_FUA) && !job->result
                 && !job->flushing && blkfront_flushes(self);
    if (flush && self->state >= RUNG_BLKFRONT_GONE) { /* its last page was let go of too late */
        job->result = RUNG_E_DOWN;
    } else if (flush) {
        job->flushing = true;
        rung_blkfront_requeue(self, req);
        return;
    }
    if (!job->result && req->kind == RUNG_BLOCK_WRITE && !job->flushing)
        self->writes_done++; /* and are not durable */
    rung_op_finish(self->p, &req->op, job->result);
}

void rung_blkfront_down(struct rung_blkfront *self, enum rung_blkfront_state state)
{
    struct rung_block_req *req = self->waiting;
    self->state = state;
    self->waiting = NULL;
    self->waiting_end = &self->waiting;
    rung_timer_stop(self->p, &self->giveup);
    while (req) {
        struct rung_block_req *next = req->next;
        blkfront_job(req)->queued = false;
        if (!blkfront_job(req)->result)
            blkfront_job(req)->result = RUNG_E_DOWN;
        rung_blkfront_settle(self, req);
        req = next;
    }
}

static void blkfront_on_closed(struct rung_op *op, int result)
{
    struct rung_blkfront *self = rung_container_of(op, struct rung_blkfront, close_op);
    struct rung_op *closing = self->closing;
    rung_blkfront_memory_free(self);
    closing->done(closing, result); /* self is the opener's again */
}

static void blkfront_close(struct rung_block *block, struct rung_op *op)
{
    struct rung_blkfront *self = blkfront_of(block);
    assert(op->done && !self->closing && !self->waiting && !self->flying && !self->stuck);
    op->cancel = NULL;
    self->closing = op;
    self->close_op = (struct rung_op){.done = blkfront_on_closed};
    rung_xen_device_close(&self->device, &self->close_op);
}

const struct rung_block_ops rung_blkfront_block_ops = RUNG_BLOCK_TABLE("blkfront", blkfront);
