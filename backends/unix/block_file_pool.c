/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_pool.c - block-file on libuv's worker threads. A worker
 * touches its slot, the medium and the request, and the loop touches none of them until libuv
 * hands the slot back: that hand-over is the only synchronisation there is, or needs to be. */
#include <unistd.h>
#include <uv.h>

#include "block_file_impl.h"
#include "rung/heap.h"
#include "unix/unix.h"

struct rung_block_file_slot {
    uv_work_t work;
    struct rung_block_file *file;
    struct rung_block_req *req;
    struct rung_block_file_slot *next; /* while free */
    uint8_t *bounce;
    int result;
};

static struct rung_block_file_slot *pool_slot_of(uv_work_t *work)
{
    return rung_container_of(work, struct rung_block_file_slot, work);
}

static void pool_queue(struct rung_block_file_slot *slot, uv_work_cb work, uv_after_work_cb after)
{
    int err = uv_queue_work(rung_unix_loop(slot->file->p), &slot->work, work, after);
    assert(!err); /* it fails without a callback only */
    (void)err;
}

enum rung_err rung_block_file_pool_open(struct rung_block_file *self)
{
    self->slots = rung_zalloc(self->p, self->depth, sizeof(*self->slots));
    if (!self->slots)
        return RUNG_E_NOMEM;
    if (rung_block_file_bounces(&self->medium)) {
        self->bounce = rung_alloc_aligned(self->p, self->medium.dio_align,
                                          (size_t)self->depth * RUNG_BLOCK_FILE_BOUNCE);
        if (!self->bounce) {
            rung_free(self->p, self->slots);
            return RUNG_E_NOMEM;
        }
    }
    for (unsigned i = 0; i < self->depth; i++) {
        struct rung_block_file_slot *slot = &self->slots[i];
        slot->file = self;
        slot->bounce = self->bounce ? self->bounce + (size_t)i * RUNG_BLOCK_FILE_BOUNCE : NULL;
        slot->next = self->free_slots;
        self->free_slots = slot;
    }
    return RUNG_OK;
}

void rung_block_file_pool_free(struct rung_block_file *self)
{
    rung_free(self->p, self->bounce);
    rung_free(self->p, self->slots);
}

static void pool_work(uv_work_t *work)
{
    struct rung_block_file_slot *slot = pool_slot_of(work);
    slot->result = rung_block_file_io(&slot->file->medium, slot->req, slot->bounce);
}

static void pool_after(uv_work_t *work, int status)
{
    struct rung_block_file_slot *slot = pool_slot_of(work);
    struct rung_block_file *file = slot->file;
    int result = status ? RUNG_E_IO : slot->result;
    slot->next = file->free_slots;
    file->free_slots = slot;
    rung_block_file_done(file, slot->req, result);
}

void rung_block_file_pool_start(struct rung_block_file *self, struct rung_block_req *req)
{
    struct rung_block_file_slot *slot = self->free_slots;
    self->free_slots = slot->next;
    slot->req = req;
    pool_queue(slot, pool_work, pool_after);
}

/* On a worker as well: closing a device, or a file on a network, waits for what is not yet written.
 * Linux frees the descriptor whatever close() says, so that EINTR is no reason to try again. */
static void pool_close_work(uv_work_t *work)
{
    struct rung_block_file_slot *slot = pool_slot_of(work);
    slot->result = close(slot->file->medium.fd) < 0 ? RUNG_E_IO : RUNG_OK;
}

static void pool_close_after(uv_work_t *work, int status)
{
    struct rung_block_file_slot *slot = pool_slot_of(work);
    struct rung_block_file *file = slot->file;
    struct rung_op *op = file->closing;
    int result = status ? RUNG_E_IO : slot->result;
    rung_block_file_pool_free(file);
    op->done(op, result);
}

void rung_block_file_pool_close(struct rung_block_file *self, struct rung_op *op)
{
    self->closing = op;
    pool_queue(&self->slots[0], pool_close_work, pool_close_after);
}
