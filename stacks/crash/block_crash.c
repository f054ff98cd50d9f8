/* SPDX-License-Identifier: ISC */
/* stacks/crash/block_crash.c - remembers writes and flushes on their way to the disk below. A
 * request of our own goes there, so that its end is seen; it and the copy are one block. */
#include "block_crash.h"

#include <string.h>

#include "rung/heap.h"
#include "rung/log.h"

struct crash_pass { /* a request on its way */
    struct rung_block_req req;
    struct rung_block_req *caller;
    struct rung_block_crash *crash;
    struct rung_block_crash_event *event; /* NULL: a read or discard */
};

/* What is certain when the flush is done: what was done when it began. */
static void crash_flushed(struct rung_block_crash *crash,
                          const struct rung_block_crash_event *flush)
{
    for (struct rung_block_crash_event *e = crash->first; e; e = e->next) {
        if (!e->flush && !e->failed && !e->kept_by && e->ended && e->ended < flush->begun)
            e->kept_by = flush->ended;
    }
}

static void crash_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct crash_pass *pass = rung_container_of(req, struct crash_pass, req);
    struct rung_block_crash *crash = pass->crash;
    struct rung_block_crash_event *event = pass->event;
    struct rung_block_req *caller = pass->caller;
    if (event && result < 0 && !event->flush) {
        event->failed = true;
        event->ended = crash->moment;
    } else if (event && result >= 0) {
        event->ended = ++crash->moment;
        if (event->flush)
            crash_flushed(crash, event);
        else if (caller->flags & RUNG_BLOCK_FUA)
            event->kept_by = event->ended;
    }
    crash->in_flight--;
    rung_free(crash->p, pass);
    caller->op.done(&caller->op, result);
}

static struct rung_block_crash_event *crash_remember(struct rung_block_crash *crash,
                                                     const struct rung_block_req *req,
                                                     uint64_t sectors)
{
    uint64_t bytes = sectors * crash->block.info.sector_size;
    if (bytes > crash->room)
        return NULL;
    struct rung_block_crash_event *event = rung_alloc(crash->p, sizeof(*event) + (size_t)bytes);
    if (!event)
        return NULL;
    *event = (struct rung_block_crash_event){
        .begun = ++crash->moment, .sector = req->sector, .count = sectors,
        .flush = req->kind == RUNG_BLOCK_FLUSH, .data = (uint8_t *)(event + 1),
    };
    uint8_t *to = event->data;
    for (unsigned i = 0; sectors && i < req->vec_count; i++) {
        if (req->vec[i].len)
            memcpy(to, req->vec[i].base, req->vec[i].len);
        to += req->vec[i].len;
    }
    crash->room -= bytes;
    *crash->end = event;
    crash->end = &event->next;
    return event;
}

static void crash_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct rung_block_crash *crash = rung_container_of(block, struct rung_block_crash, block);
    uint64_t sectors;
    assert(req->op.done);
    req->op.cancel = NULL;
    int err = rung_block_check(&block->info, req, &sectors);
    struct crash_pass *pass = err ? NULL : rung_alloc(crash->p, sizeof(*pass));
    struct rung_block_crash_event *event = NULL;
    if (pass && (req->kind == RUNG_BLOCK_WRITE || req->kind == RUNG_BLOCK_FLUSH)) {
        event = crash_remember(crash, req, sectors);
        if (!event) {
            rung_free(crash->p, pass);
            pass = NULL;
        }
    }
    if (!pass) {
        if (!err)
            rung_log(crash->p, RUNG_LOG_ERROR, crash->slot,
                     "no memory to remember a write of %llu bytes: set %s.limit to more, or forget "
                     "what is over",
                     (unsigned long long)(sectors * block->info.sector_size), crash->slot);
        rung_op_finish(crash->p, &req->op, err ? err : RUNG_E_IO);
        return;
    }
    *pass = (struct crash_pass){
        .req = {.op = {.done = crash_done}, .kind = req->kind, .flags = req->flags,
                .sector = req->sector, .count = req->count, .vec = req->vec,
                .vec_count = req->vec_count},
        .caller = req, .crash = crash, .event = event,
    };
    crash->in_flight++;
    rung_block_submit(crash->disk, &pass->req);
}

void rung_block_crash_forget(struct rung_block_crash *self)
{
    assert(!self->in_flight);
    for (struct rung_block_crash_event *e = self->first, *next; e; e = next) {
        next = e->next;
        self->room += e->count * self->block.info.sector_size;
        rung_free(self->p, e);
    }
    self->first = NULL;
    self->end = &self->first;
    self->moment = 0;
}

static void crash_close(struct rung_block *block, struct rung_op *op)
{
    struct rung_block_crash *crash = rung_container_of(block, struct rung_block_crash, block);
    rung_block_crash_forget(crash);
    rung_op_finish(crash->p, op, RUNG_OK);
}

const struct rung_block_ops rung_block_crash_block_ops = RUNG_BLOCK_TABLE("block-crash", crash);

enum rung_err rung_block_crash_open(struct rung_block_crash *self, struct rung_platform *p,
                                    const struct rung_block_crash_keys *keys,
                                    const struct rung_block_crash_needs *needs)
{
    *self = (struct rung_block_crash){
        .p = p, .slot = keys->slot, .disk = needs->block,
        .room = rung_block_crash_key_limit(keys),
    };
    self->end = &self->first;
    rung_block_init(&self->block, &rung_block_crash_block_ops);
    self->block.info = needs->block->info;
    return RUNG_OK;
}
