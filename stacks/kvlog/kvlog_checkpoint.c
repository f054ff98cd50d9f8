/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_checkpoint.c - writing the index into the log, a few pages with each group,
 * and the superblock that says where it begins. A page holds what is true of its keys when its
 * group begins, so the index may go on changing meanwhile: what is written later stands behind
 * it. */
#include <string.h>

#include "kvlog_reclaim.h"
#include "rung/log.h"

enum { PAGE_FIRST = 1, PAGE_LAST = 2 };
enum { CHECKPOINT_SAVE = 4 /* one byte of so many is put by for the next one */ };

/* Bytes of log from one checkpoint to the next. Until the tail has passed them the pages of all
 * that were written since are in the way, between what is needed. Two of them count as needed; the
 * others of one round of the ring take half of what it has beside that, at most. */
static uint64_t checkpoint_every(const struct rung_kvlog *self)
{
    uint64_t ring = self->log.ring, needed = rung_kvlog_needed(self);
    uint64_t spare = needed < ring - ring / 16 ? ring - needed : ring / 16;
    uint64_t pages = rung_kvlog_pages(self), round = 2 * ring / ((spare + 4 * pages) / pages);
    return self->log.every > round ? self->log.every : round;
}

/* One that reclaiming waits for has its room kept (rung_kvlog_reserve); any other has to leave it
 * that. */
bool rung_kvlog_checkpoint_due(const struct rung_kvlog *self)
{
    const struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    uint64_t room = rung_kvlog_pages(self) + rung_kvlog_reserve(self, 0);
    if (c->super_writes)
        return false;
    return c->due || (self->log.head - c->last_end > checkpoint_every(self)
                      && rung_kvlog_free(self) >= room);
}

uint64_t rung_kvlog_checkpoint_room(const struct rung_kvlog *self)
{
    const struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    uint64_t pages = rung_kvlog_pages(self), every = checkpoint_every(self);
    uint64_t since = self->log.head - c->last_end + CHECKPOINT_SAVE * pages;
    if (c->active || c->super_writes || self->checking || since <= every)
        return 0;
    uint64_t room = (since - every) / CHECKPOINT_SAVE;
    return room < pages ? room : pages;
}

void rung_kvlog_checkpoint_begin(struct rung_kvlog *self)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    c->active = true;
    c->ended = c->due = false;
    c->largest = self->index.recent = 0;
    c->key_len = 0;
}

static uint16_t checkpoint_shared(const struct rung_kvlog_checkpoint *c,
                                  const struct rung_kvlog_node *node)
{
    const char *key = rung_kvlog_key(node);
    uint16_t most = node->key_len < c->key_len ? node->key_len : c->key_len, n = 0;
    while (n < most && key[n] == c->key[n])
        n++;
    return n;
}

/* Fills a page; *last: there is no key behind it. Its bytes. */
static uint32_t checkpoint_page(struct rung_kvlog *self, uint8_t *page, bool *last)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    struct rung_kvlog_node *node = c->key_len ? rung_kvlog_seek(self, c->key, c->key_len, true)
                                              : rung_kvlog_seek(self, "", 0, false);
    uint32_t used = KVLOG_PAGE_HEAD, count = 0, flags = c->key_len ? 0 : PAGE_FIRST;
    for (; node; node = rung_kvlog_next(node), count++) {
        uint16_t shared = count ? checkpoint_shared(c, node) : 0;
        struct kvlog_entry entry = {
            .shared = shared, .rest = (uint16_t)(node->key_len - shared), .size = node->size,
            .pos = node->pos, .lost = node->lost,
            .key = (const uint8_t *)rung_kvlog_key(node) + shared,
        };
        if (used + KVLOG_ENTRY_BYTES + entry.rest > c->page_bytes)
            break;
        used += (uint32_t)rung_kvlog_put_entry(page + used, &entry);
        uint64_t bytes = kvlog_record_bytes(node->key_len, node->size);
        c->largest = bytes > c->largest ? bytes : c->largest;
        memcpy(c->key + shared, entry.key, entry.rest);
        c->key_len = node->key_len;
    }
    *last = !node;
    rung_kvlog_put32(page, count);
    rung_kvlog_put32(page + 4, flags | (*last ? PAGE_LAST : 0u));
    return used;
}

void rung_kvlog_checkpoint_offer(struct rung_kvlog *self)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    for (unsigned i = 0; i < KVLOG_PAGES && !c->ended; i++) {
        if (i && self->commit->group.len + c->page_bytes > self->log.step)
            return;
        uint16_t key_len = c->key_len;
        uint8_t *page = c->pages + (size_t)i * c->page_bytes;
        char key[RUNG_KV_KEY_MAX];
        bool last;
        memcpy(key, c->key, key_len);
        struct rung_kvlog_item item = {.bytes = page};
        item.record.type = KVLOG_PAGE;
        item.record.size = checkpoint_page(self, page, &last);
        if (!rung_kvlog_commit_add(self, &item)) {
            memcpy(c->key, key, key_len);
            c->key_len = key_len;
            rung_kvlog_reclaim_no_room(self);
            return;
        }
        if (!key_len && !i)
            c->start = self->log.head;
        c->ended = last;
    }
}

void rung_kvlog_checkpoint_committed(struct rung_kvlog *self)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    if (!c->active || !c->ended)
        return;
    c->active = c->ended = false;
    self->index.largest = c->largest > self->index.recent ? c->largest : self->index.recent;
    c->last_end = self->log.head;
    rung_kvlog_super_start(self, KVLOG_SUPER_CHECKPOINT);
}

struct kvlog_super rung_kvlog_super_of(const struct rung_kvlog *self, bool clean)
{
    const struct rung_kvlog_ring *log = &self->log;
    struct kvlog_super super = {
        .version = KVLOG_VERSION, .unit = log->unit, .epoch = log->epoch, .clean = clean,
        .written = log->written, .ring = log->ring, .checkpoint = log->checkpoint,
        .head = log->head,
        .tail = log->tail_kept < log->checkpoint ? log->tail_kept : log->checkpoint,
        .group = log->group_before > log->group_since ? log->group_before : log->group_since,
    };
    memcpy(super.id, log->id, sizeof(super.id));
    return super;
}

static void super_next(struct rung_kvlog *self);

static void super_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct rung_kvlog_checkpoint *c =
        rung_container_of(req, struct rung_kvlog_checkpoint, super_req);
    struct rung_kvlog *self =
        rung_container_of(c, struct rung_kvlog_reclaim, checkpoint)->self;
    if (result < 0)
        rung_kvlog_fail(self, result, "writing the superblock");
    c->super_writes = self->failed ? 0 : c->super_writes - 1;
    if (c->super_writes) {
        super_next(self);
        return;
    }
    if (c->super_why == KVLOG_SUPER_CLEAN) {
        rung_kvlog_closed(self, self->failed);
        return;
    }
    if (c->super_why == KVLOG_SUPER_CHECKPOINT && !self->failed) {
        self->log.checkpoint = c->start; /* in both places: what was before is not needed */
        c->due = false; /* who waited for one has it; there may be no room for another yet */
    }
    if (self->commit->no_room && c->super_why == KVLOG_SUPER_CHECKPOINT && !self->failed)
        rung_kvlog_super_start(self, KVLOG_SUPER_EPOCH);
    else if (self->commit->no_room)
        rung_kvlog_commit_refused(self);
    rung_loop_defer(self->p, &self->work);
}

static void super_next(struct rung_kvlog *self)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    uint64_t offset = c->super_writes == 2 ? 0 : KVLOG_SUPER_STEP;
    c->super_vec = (struct rung_vec){c->super, self->log.unit};
    c->super_req = (struct rung_block_req){
        .op = {.done = super_done}, .kind = RUNG_BLOCK_WRITE, .flags = RUNG_BLOCK_FUA,
        .sector = offset / self->block->info.sector_size, .vec = &c->super_vec, .vec_count = 1,
    };
    rung_block_submit(self->block, &c->super_req);
}

void rung_kvlog_super_start(struct rung_kvlog *self, enum rung_kvlog_super why)
{
    struct rung_kvlog_checkpoint *c = &self->reclaim->checkpoint;
    self->log.written++;
    self->log.epoch += why == KVLOG_SUPER_EPOCH;
    struct kvlog_super super = rung_kvlog_super_of(self, why == KVLOG_SUPER_CLEAN);
    if (why == KVLOG_SUPER_CHECKPOINT)
        super.checkpoint = c->start;
    memset(c->super, 0, self->log.unit);
    rung_kvlog_put_super(c->super, &super);
    c->super_why = why;
    c->super_writes = 2;
    super_next(self);
}
