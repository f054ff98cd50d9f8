/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_commit.c - one group after the other: what waits is taken together, written,
 * made durable by one flush, and done. A group that fits into one buffer is one request that
 * carries the flush with it. */
#include "kvlog_commit.h"

#include <string.h>

#include "kvlog_reclaim.h"
#include "rung/heap.h"
#include "rung/log.h"

static void commit_fill(struct rung_kvlog *self);

uint64_t rung_kvlog_free(const struct rung_kvlog *self)
{
    return self->log.ring - (self->log.head - self->log.tail_kept);
}

uint64_t rung_kvlog_pages(const struct rung_kvlog *self)
{
    return self->index.paged + self->index.paged / 8 + self->reclaim->checkpoint.page_bytes
           + 2 * self->log.unit;
}

uint64_t rung_kvlog_needed(const struct rung_kvlog *self)
{
    uint64_t live = self->index.live;
    return live + live / self->log.step * (self->log.unit + KVLOG_GROUP_BYTES)
           + 2 * rung_kvlog_pages(self);
}

uint64_t rung_kvlog_shared(const struct rung_kvlog *self)
{
    const struct rung_kvlog_ring *log = &self->log;
    uint64_t moves = log->step + self->index.largest + log->step / 2;
    return log->together > moves ? log->together : moves;
}

/* The tail goes from one group's beginning to the next one's: all that is needed of a group is
 * written again, in groups of a step each, before any of its room is free. */
uint64_t rung_kvlog_reserve(const struct rung_kvlog *self, uint64_t next)
{
    const struct rung_kvlog_ring *log = &self->log;
    const uint64_t lengths[] = {log->group_before, log->group_since, next};
    uint64_t longest = rung_kvlog_shared(self);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(lengths); i++)
        longest = lengths[i] > longest ? lengths[i] : longest;
    return rung_kvlog_pages(self) + longest
           + longest / log->step * (log->unit + KVLOG_GROUP_BYTES) + log->step;
}

void rung_kvlog_count_group(struct rung_kvlog *self, uint64_t len)
{
    struct rung_kvlog_ring *log = &self->log;
    log->group_since = len > log->group_since ? len : log->group_since;
    if (log->tail_kept < log->group_mark)
        return;
    log->group_before = log->group_since; /* those in front of the mark are gone */
    log->group_since = 0;
    log->group_mark = log->head;
}

bool rung_kvlog_commit_add(struct rung_kvlog *self, const struct rung_kvlog_item *item)
{
    struct rung_kvlog_commit *commit = self->commit;
    uint64_t len = commit->group.len + kvlog_whole(&item->record);
    if (commit->item_count == KVLOG_ITEMS || rung_kvlog_up(self, len) > rung_kvlog_free(self))
        return false;
    commit->items[commit->item_count++] = *item;
    commit->group.len = len;
    commit->group.count++;
    return true;
}

int rung_kvlog_refusal(const struct rung_kvlog *self)
{
    return self->failed == RUNG_E_IO ? RUNG_E_READONLY : self->failed;
}

void rung_kvlog_fail(struct rung_kvlog *self, int err, const char *doing)
{
    if (!self->failed)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "%s failed (%s): nothing more is written; "
                 "mend the disk, and start anew", doing, rung_err_text(err));
    self->failed = err == RUNG_E_DOWN ? RUNG_E_DOWN : RUNG_E_IO;
}

static void commit_apply(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    self->log.head = rung_kvlog_up(self, commit->group.pos + commit->group.len);
    self->log.tail_kept = commit->group.tail;
    rung_kvlog_count_group(self, commit->group.len);
    for (unsigned i = 0; i < commit->item_count; i++) {
        const struct rung_kvlog_item *item = &commit->items[i];
        if (item->node && item->node->pos == item->record.old) {
            item->node->pos = item->pos;
            item->node->lost = item->record.type == KVLOG_LOST;
        }
    }
}

static void commit_end_writes(struct rung_kvlog *self, int err)
{
    struct rung_kv_write *write = self->commit->writes, *next;
    self->commit->writes = NULL;
    for (; write; write = next) {
        next = write->module[0];
        rung_kvlog_end_write(self, write, err);
    }
}

/* Nothing of the group counts. Those who wait are refused as well: they would meet the same. */
void rung_kvlog_commit_refused(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    int err = self->failed ? self->failed : RUNG_E_FULL;
    rung_kvlog_unplan_writes(self);
    commit_end_writes(self, err);
    commit->busy = commit->no_room = false;
    commit->blocked = NULL;
    rung_kvlog_refuse_writes(self, self->failed ? rung_kvlog_refusal(self) : RUNG_E_FULL);
    rung_kvlog_reclaim_again(self);
    self->resting = true;
    rung_loop_defer(self->p, &self->work);
}

/* The disk had no room for all of the group. What there is of it lies where the next one goes,
 * could pass for a part of that, and may even be whole: of an epoch that is over it is nothing. So
 * a new one begins before anybody is told. */
static void commit_no_room(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    if (!self->no_room_told)
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "the disk has no room left for what is "
                 "written: writes are refused until it has");
    self->no_room_told = commit->no_room = true;
    if (!self->reclaim->checkpoint.super_writes)
        rung_kvlog_super_start(self, KVLOG_SUPER_EPOCH); /* else it follows the other */
}

static void commit_finish(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    if (commit->err == RUNG_E_FULL && !self->failed) {
        commit_no_room(self);
        return;
    }
    if (commit->err) {
        rung_kvlog_fail(self, commit->err, "writing");
        rung_kvlog_commit_refused(self);
        return;
    }
    self->no_room_told = false;
    commit_apply(self);
    commit_end_writes(self, RUNG_OK);
    commit->busy = false;
    rung_kvlog_reclaim_committed(self);
    rung_loop_defer(self->p, &self->work);
}

static void commit_flushed(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct rung_kvlog_commit *commit = rung_container_of(req, struct rung_kvlog_commit, flush);
    commit->err = result < 0 ? result : 0;
    commit_finish(commit->self);
}

/* All of the group is with the disk. */
static void commit_written(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    if (commit->err || commit->used_buffers == 1) {
        commit_finish(self);
        return;
    }
    commit->flush = (struct rung_block_req){
        .op = {.done = commit_flushed}, .kind = RUNG_BLOCK_FLUSH,
    };
    rung_block_submit(self->block, &commit->flush);
}

static void commit_buffer_done(struct rung_kvlog_span *span)
{
    struct rung_kvlog_buffer *buffer = rung_container_of(span, struct rung_kvlog_buffer, span);
    struct rung_kvlog_commit *commit = buffer->commit;
    buffer->busy = false;
    commit->busy_buffers--;
    if (span->err && (!commit->err || commit->err == RUNG_E_FULL))
        commit->err = span->err; /* what is worse than no room */
    if (!commit->ended && !commit->err)
        commit_fill(commit->self);
    else if (commit->busy_buffers == 0)
        commit_written(commit->self);
}

static void commit_submit(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    struct rung_kvlog_buffer *buffer = commit->filling;
    size_t len = (size_t)rung_kvlog_up(self, commit->filled);
    unsigned flags = commit->ended && commit->used_buffers == 1 ? RUNG_BLOCK_FUA : 0;
    memset(buffer->bytes + commit->filled, 0, len - commit->filled);
    buffer->busy = true;
    commit->busy_buffers++;
    commit->filling = NULL;
    rung_kvlog_span_start(self, &buffer->span, RUNG_BLOCK_WRITE, flags, commit->filling_pos,
                          buffer->bytes, len);
    commit->filling_pos += len;
}

static bool commit_take_buffer(struct rung_kvlog_commit *commit)
{
    for (unsigned i = 0; i < KVLOG_BUFFERS && !commit->filling; i++) {
        if (!commit->buffers[i].busy) {
            commit->filling = &commit->buffers[i];
            commit->filled = 0;
            commit->used_buffers++;
        }
    }
    return commit->filling != NULL;
}

/* Copies the group into buffers until it ends or there is none free. */
static void commit_fill(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    struct rung_kvlog_cursor *c = &commit->cursor;
    while (c->left || rung_kvlog_emit_next(commit)) {
        if (commit->filling && commit->filled == commit->buffer_bytes)
            commit_submit(self);
        if (!commit->filling && !commit_take_buffer(commit))
            return;
        size_t room = commit->buffer_bytes - commit->filled, n = c->left < room ? c->left : room;
        memcpy(commit->filling->bytes + commit->filled, c->from, n);
        commit->filled += n;
        c->from += n;
        c->left -= n;
    }
    assert(c->pos == commit->group.pos + commit->group.len);
    commit->ended = true;
    commit_submit(self);
}

void rung_kvlog_work(struct rung_task *task)
{
    struct rung_kvlog *self = rung_container_of(task, struct rung_kvlog, work);
    struct rung_kvlog_commit *commit = self->commit;
    if (commit->busy)
        return;
    if (self->failed) {
        rung_kvlog_refuse_writes(self, rung_kvlog_refusal(self));
        rung_kvlog_reclaim_idle(self);
        return;
    }
    const struct rung_kv_write *waited = commit->blocked;
    commit->group = (struct kvlog_group){
        .pos = self->log.head, .len = KVLOG_GROUP_BYTES, .epoch = self->log.epoch,
    };
    commit->item_count = 0;
    commit->writes = NULL;
    commit->writes_end = &commit->writes;
    bool wanted = rung_kvlog_reclaim_offer(self);
    commit->group.tail = self->log.tail;
    rung_kvlog_take_writes(self);
    if (!wanted && !commit->group.count) {
        bool ended = commit->writes != NULL;
        commit_end_writes(self, RUNG_OK); /* they remove what is not there */
        if (self->writes && (ended || commit->blocked != waited))
            rung_loop_defer(self->p, &self->work); /* the next one; space has become urgent */
        else if (self->writes)
            rung_kvlog_reclaim_starve(self);
        rung_kvlog_reclaim_idle(self);
        return;
    }
    commit->busy = true;
    commit->ended = false;
    commit->err = 0;
    commit->filling = NULL;
    commit->used_buffers = commit->busy_buffers = 0;
    commit->filling_pos = commit->group.pos;
    rung_kvlog_emit_begin(commit);
    commit_fill(self);
}

enum rung_err rung_kvlog_commit_open(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = rung_zalloc(self->p, 1, sizeof(*commit));
    if (!commit)
        return RUNG_E_NOMEM;
    self->commit = commit;
    commit->self = self;
    commit->buffer_bytes = self->log.step < KVLOG_BUFFER_BYTES ? (size_t)self->log.step
                                                               : (size_t)KVLOG_BUFFER_BYTES;
    for (unsigned i = 0; i < KVLOG_BUFFERS; i++) {
        struct rung_kvlog_buffer *buffer = &commit->buffers[i];
        buffer->commit = commit;
        buffer->span.done = commit_buffer_done;
        buffer->bytes = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, commit->buffer_bytes);
        if (!buffer->bytes)
            return RUNG_E_NOMEM;
    }
    return RUNG_OK;
}

void rung_kvlog_commit_free(struct rung_kvlog *self)
{
    for (unsigned i = 0; self->commit && i < KVLOG_BUFFERS; i++)
        rung_free(self->p, self->commit->buffers[i].bytes);
    rung_free(self->p, self->commit);
    self->commit = NULL;
}
