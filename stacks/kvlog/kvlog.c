/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog.c - opening and closing; see kvlog.h. */
#include "kvlog.h"

#include <string.h>

#include "kvlog_ops.h"
#include "kvlog_reclaim.h"
#include "kvlog_super.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

enum {
    KVLOG_MAX_BATCH = 16384,  /* planned at once; this keeps it to some milliseconds */
    KVLOG_TOGETHER = 1 << 20, /* more bytes in a group, and those who wait do so for too long */
    KVLOG_CHECKPOINT = 64 << 20, /* bytes of log to be read at an opening, in most stores */
    KVLOG_MEMORY_MIN = 4096,  /* for the longest keys there are, some of them */
    /* Of 64 bits: versions begin anywhere in 2^39, so that those of another store, or of one that
     * went on from a copy, are others; and have as many before them as no opening comes to. */
    KVLOG_VERSION_SPARE = 25,
};

static void kvlog_free(struct rung_kvlog *self)
{
    rung_kvlog_reclaim_free(self);
    rung_kvlog_commit_free(self);
    rung_kvlog_index_free(self);
}

static void rung_kvlog_close(struct rung_kv *kv, struct rung_op *op)
{
    struct rung_kvlog *self = rung_container_of(kv, struct rung_kvlog, kv);
    assert(!self->writes && !self->gets && !self->closing);
    self->closing = op;
    rung_loop_defer(self->p, &self->work);
}

void rung_kvlog_closed(struct rung_kvlog *self, int err)
{
    struct rung_op *op = self->closing;
    rung_loop_undefer(self->p, &self->work);
    kvlog_free(self);
    rung_op_finish(self->p, op, err ? RUNG_E_IO : RUNG_OK);
}

void rung_kvlog_compact(struct rung_kvlog *self, struct rung_op *op)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    assert(op->done && !r->compacting && !self->closing);
    op->cancel = NULL;
    if (!self->writable) {
        rung_op_finish(self->p, op, RUNG_E_READONLY);
        return;
    }
    r->compacting = op;
    r->compact_to = self->log.head;
    r->stuck = 0;
    self->resting = false;
    rung_loop_defer(self->p, &self->work);
}

const struct rung_kv_ops rung_kvlog_kv_ops = RUNG_KV_TABLE("kvlog", rung_kvlog);

/* The longest value that an empty store can take, and write over: as write_fits() in kvlog_write.c
 * has it, a little less. It is there once, may be moved, and is written again in a group of its
 * own. */
static uint64_t kvlog_max_value(const struct rung_kvlog_ring *log)
{
    uint64_t group = log->unit + KVLOG_GROUP_BYTES, page = log->step < KVLOG_PAGE_BYTES
                                                               ? log->step : KVLOG_PAGE_BYTES;
    uint64_t index = 2 * (page + 2 * log->unit + 2 * RUNG_KV_KEY_MAX);
    uint64_t room = log->ring - log->ring / 8 - 5 * log->step - index - 2 * group;
    uint64_t steps = log->step / log->unit; /* in units, so that nothing overflows */
    uint64_t record = room / (3 * steps + 3) * steps;
    uint64_t value = record - record / 512 - 2 * RUNG_KV_KEY_MAX;
    value = value < log->ring / 4 ? value : log->ring / 4;
    return value < KVLOG_VALUE_MAX ? value : KVLOG_VALUE_MAX;
}

/* What follows from the superblock. */
static void kvlog_set_up(struct rung_kvlog *self, const struct kvlog_super *super)
{
    struct rung_kvlog_ring *log = &self->log;
    uint64_t step = super->ring / 16, together = super->ring / 64, every = super->ring / 8;
    step = step < KVLOG_BUFFER_BYTES ? step : KVLOG_BUFFER_BYTES;
    *log = (struct rung_kvlog_ring){
        .unit = super->unit, .ring = super->ring, .head = super->head, .tail = super->tail,
        .checkpoint = super->checkpoint, .step = step - step % super->unit,
        .salt = rung_kvlog_sum(0, super->id, sizeof(super->id)), .written = super->written,
        .epoch = super->epoch, .group_before = super->group,
        .together = together < KVLOG_TOGETHER ? together : KVLOG_TOGETHER,
        .every = every < KVLOG_CHECKPOINT ? every : KVLOG_CHECKPOINT,
    };
    memcpy(log->id, super->id, sizeof(log->id));
    self->kv.info = (struct rung_kv_info){
        .caps = RUNG_KV_ANY_KEY | (self->writable ? 0 : RUNG_KV_IS_READONLY),
        .max_batch = self->writable ? KVLOG_MAX_BATCH : 0, .max_value = kvlog_max_value(log),
    };
    if (self->block->info.caps & RUNG_BLOCK_IS_DURABLE)
        self->kv.info.caps |= RUNG_KV_IS_DURABLE;
}

/* From here on a crash finds a store that is in use, of a new epoch: nothing that was written
 * before and cut off can be taken for what is written now. The flush makes durable what was read
 * and may not have been yet. */
static int kvlog_begin(struct rung_kvlog *self)
{
    if (!self->writable)
        return RUNG_OK;
    self->log.epoch++;
    self->log.written++;
    struct kvlog_super super = rung_kvlog_super_of(self, false);
    int err = rung_kvlog_now(self, RUNG_BLOCK_FLUSH, 0, 0, NULL, 0);
    return err ? err : rung_kvlog_super_write(self, &super);
}

/* Written on, it would count on into numbers that the next opening takes for damage. */
static int kvlog_used_up(struct rung_kvlog *self)
{
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is damaged: its superblock says epoch "
             "%u and byte %llu of the log, and no store comes there; it can be read: load a dump "
             "of it into a new one", self->log.epoch, (unsigned long long)self->log.head);
    return RUNG_E_CORRUPT;
}

/* Nobody knows whether the last write was never finished, or damaged since. Who opens a store to
 * save what is left must hear of it. */
static void kvlog_tell_torn(struct rung_kvlog *self)
{
    unsigned long long place = rung_kvlog_place(self, self->log.head);
    if (self->salvage)
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "the last write, at byte %llu of the disk, is "
                 "not whole, and left out: older values stand for what it wrote", place);
    else
        rung_log(self->p, RUNG_LOG_INFO, self->slot, "cut off a write that was never finished, at "
                 "byte %llu of the disk", place);
    self->partial |= self->salvage;
}

static int kvlog_start(struct rung_kvlog *self, const struct kvlog_super *super)
{
    kvlog_set_up(self, super);
    int err = rung_kvlog_replay(self, super);
    if (!err && self->writable && rung_kvlog_used_up(self))
        err = kvlog_used_up(self);
    if (err)
        return err;
    self->log.tail_kept = self->log.tail;
    if (rung_kvlog_commit_open(self) || rung_kvlog_reclaim_open(self)) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "no memory for the store: give more");
        return RUNG_E_NOMEM;
    }
    if (self->torn)
        kvlog_tell_torn(self);
    err = kvlog_begin(self);
    if (err)
        rung_kvlog_super_failed(self, "opened for writing", err);
    return err;
}

/* Before anything is looked at or made. */
static int kvlog_check_keys(struct rung_kvlog *self)
{
    uint64_t memory = self->index.memory_max;
    if (!memory || memory >= KVLOG_MEMORY_MIN)
        return RUNG_OK;
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "%s.memory=%llu is out of range: the index takes "
             "%d bytes at least; 0 for no bound", self->slot, (unsigned long long)memory,
             KVLOG_MEMORY_MIN);
    return RUNG_E_RANGE;
}

enum rung_err rung_kvlog_open(struct rung_kvlog *self, struct rung_platform *p,
                              const struct rung_kvlog_keys *keys,
                              const struct rung_kvlog_needs *needs)
{
    struct kvlog_super super;
    bool salvage = rung_kvlog_key_salvage(keys);
    *self = (struct rung_kvlog){
        .p = p, .block = needs->block, .slot = keys->slot, .salvage = salvage,
        .writable = !salvage && !(needs->block->info.caps & RUNG_BLOCK_IS_READONLY),
        .max_bytes = rung_kvlog_key_max_bytes(keys), .work = {.fn = rung_kvlog_work},
    };
    self->index.memory_max = rung_kvlog_key_memory(keys);
    self->writes_end = &self->writes;
    rung_entropy_fill(p, &self->versions, sizeof(self->versions));
    self->versions >>= KVLOG_VERSION_SPARE;
    rung_kv_init(&self->kv, &rung_kvlog_kv_ops);
    int err = kvlog_check_keys(self);
    if (!err)
        err = rung_kvlog_super_read(self, rung_kvlog_key_create(keys), &super);
    if (!err)
        err = kvlog_start(self, &super);
    if (err)
        kvlog_free(self);
    return (enum rung_err)err;
}
