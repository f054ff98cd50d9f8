/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_reclaim.c - winning back space; see kvlog_reclaim.h. */
#include "kvlog_reclaim.h"

#include "rung/heap.h"
#include "rung/log.h"

static void reclaim_read_done(struct rung_kvlog_span *span)
{
    struct rung_kvlog_reclaim *r = rung_container_of(span, struct rung_kvlog_reclaim, span);
    struct rung_kvlog *self = r->self;
    r->reading = false;
    if (span->err) {
        r->to = r->from;
        r->stuck = span->err;
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "reading byte %llu of the disk failed (%s): "
                 "no more space is won back; copy the store to another disk",
                 (unsigned long long)rung_kvlog_place(self, r->from), rung_err_text(span->err));
    }
    rung_loop_defer(self->p, &self->work);
}

/* A window of that size, of the usual one if nobody needs more. */
static bool reclaim_resize(struct rung_kvlog *self, size_t room)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    room = room < r->usual ? r->usual : room;
    if (room == r->room)
        return true;
    uint8_t *bytes = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, room);
    if (!bytes && room > r->room) {
        if (!r->stuck)
            rung_log(self->p, RUNG_LOG_WARN, self->slot, "no memory to move a value of %llu "
                     "bytes: no space is won back until there is; give more",
                     (unsigned long long)room);
        r->stuck = RUNG_E_NOMEM;
    }
    if (!bytes)
        return room <= r->room;
    rung_free(self->p, r->bytes);
    r->bytes = bytes;
    r->room = room;
    r->from = r->to = 0;
    return true;
}

const uint8_t *rung_kvlog_reclaim_at(struct rung_kvlog *self, uint64_t pos, uint64_t len)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    if (!r->reading && pos >= r->from && pos + len <= r->to)
        return r->bytes + (pos - r->from);
    if (r->reading || r->moving) /* what moves is still read from the window */
        return NULL;
    uint64_t from = rung_kvlog_down(self, pos), want = rung_kvlog_up(self, pos + len) - from;
    if (from + want > self->log.head || !reclaim_resize(self, (size_t)want))
        return NULL;
    r->reading = true;
    r->from = from;
    r->to = from + r->room < self->log.head ? from + r->room
                                            : self->log.head; /* the rest changes */
    rung_kvlog_span_start(self, &r->span, RUNG_BLOCK_READ, 0, from, r->bytes,
                          (size_t)(r->to - from));
    return NULL;
}

/* A group of its own would not fit either: what was kept back for it was not enough. */
void rung_kvlog_reclaim_no_room(struct rung_kvlog *self)
{
    if (!self->commit->group.count && self->log.tail == self->log.tail_kept)
        self->reclaim->stuck = RUNG_E_FULL;
}

void rung_kvlog_reclaim_starve(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    if (r->more || r->reading || r->checkpoint.super_writes || self->checking)
        return;
    if (!r->stuck)
        r->stuck = RUNG_E_FULL;
    rung_loop_defer(self->p, &self->work);
}

bool rung_kvlog_reclaim_move(struct rung_kvlog *self, struct rung_kvlog_node *node,
                             const struct kvlog_record *r, const uint8_t *bytes)
{
    struct rung_kvlog_item item = {.record = *r, .node = node};
    const uint8_t *value = bytes + KVLOG_RECORD_BYTES + r->key_len;
    if (kvlog_has_stream(r->type)) {
        if (!rung_kvlog_stream_good(self->log.salt, r->version, value, r->size))
            return rung_kvlog_salvage_lose(self, node);
        item.record.type = KVLOG_MOVE;
        item.bytes = value;
    }
    item.record.old = node->pos;
    item.record.key = (const uint8_t *)rung_kvlog_key(node);
    if (!rung_kvlog_commit_add(self, &item)) {
        rung_kvlog_reclaim_no_room(self);
        return false;
    }
    self->reclaim->moving = true;
    return true;
}

/* The group at r->at; false: not now. */
static bool reclaim_enter(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    struct kvlog_group group = {.pos = r->at};
    const uint8_t *head = rung_kvlog_reclaim_at(self, r->at, KVLOG_GROUP_BYTES);
    if (!head)
        return false;
    if (!rung_kvlog_get_group(head, self->log.salt, &group)
        || group.len > self->log.head - r->at) {
        rung_kvlog_salvage_begin(self);
        return true;
    }
    r->group_pos = r->at;
    r->group_end = r->at + group.len;
    r->at += KVLOG_GROUP_BYTES;
    return true;
}

/* The record at r->at; false: not now, or not in this group. */
static bool reclaim_record(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    struct kvlog_record record;
    uint64_t left = r->group_end - r->at, most = KVLOG_RECORD_BYTES + RUNG_KV_KEY_MAX;
    if (left == 0) {
        r->at = rung_kvlog_up(self, r->group_end);
        r->group_end = 0;
        return true;
    }
    size_t len = (size_t)(left < most ? left : most);
    const uint8_t *at = rung_kvlog_reclaim_at(self, r->at, len);
    if (!at)
        return false;
    if (!rung_kvlog_get_record(at, len, self->log.salt, r->at, &record)
        || kvlog_whole(&record) > left) {
        rung_kvlog_salvage_begin(self);
        return true;
    }
    uint64_t whole = kvlog_whole(&record);
    struct rung_kvlog_node *node =
        record.key_len ? rung_kvlog_find(self, (const char *)record.key, record.key_len) : NULL;
    if (node && node->size != KVLOG_ABSENT && node->pos == r->at) {
        at = rung_kvlog_reclaim_at(self, r->at, whole);
        if (!at || !rung_kvlog_reclaim_move(self, node, &record, at))
            return false;
    }
    r->at += whole;
    return true;
}

/* How far it may go: behind the last checkpoint everything is needed. */
static uint64_t reclaim_limit(const struct rung_kvlog *self)
{
    return self->log.checkpoint;
}

static bool reclaim_wanted(const struct rung_kvlog *self)
{
    const struct rung_kvlog_reclaim *r = self->reclaim;
    const struct rung_kvlog_ring *log = &self->log;
    if (r->compacting)
        return r->at < r->compact_to;
    if (self->commit->blocked)
        return true;
    uint64_t used = log->head - log->tail, needed = rung_kvlog_needed(self);
    return rung_kvlog_free(self) < log->ring / 4 && used > needed
           && used - needed > log->ring / 8;
}

/* Goes on through the log for one step. */
static void reclaim_go(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    uint64_t begun = r->at, limit = reclaim_limit(self);
    bool on = true;
    while (on && r->at < limit && r->at - begun < self->log.step
           && self->commit->group.len < self->log.step) {
        if (r->damage.active)
            on = rung_kvlog_salvage_step(self, limit);
        else if (r->group_end)
            on = reclaim_record(self);
        else
            on = reclaim_enter(self);
    }
    r->more |= on && r->at < limit;
    if (r->at >= limit)
        r->checkpoint.due = true;
    if (!r->moving)
        self->log.tail = r->damage.active || r->group_end ? r->group_pos : r->at;
}

static void reclaim_compacted(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    struct rung_op *op = r->compacting;
    bool on = r->at < r->compact_to || r->checkpoint.due || r->checkpoint.active;
    if (!op || r->moving || r->checkpoint.super_writes || (on && !self->failed && !r->stuck))
        return;
    r->compacting = NULL;
    rung_op_finish(self->p, op, self->failed ? self->failed : r->stuck);
}

bool rung_kvlog_reclaim_offer(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    r->more = false;
    if (self->resting && self->writes) {
        self->resting = false;
        if (r->stuck == RUNG_E_FULL)
            r->stuck = 0;
    }
    if (self->closing || self->resting || self->checking)
        return false;
    bool alone = self->commit->alone;
    self->commit->alone = false;
    if (r->checkpoint.active && !alone)
        rung_kvlog_checkpoint_offer(self); /* before all that changes what its pages say */
    if (reclaim_wanted(self) && !r->stuck && !alone)
        reclaim_go(self);
    r->more |= alone; /* it goes on behind the write, or at once if there is no room for that */
    if (r->compacting && r->at >= r->compact_to && self->log.checkpoint < r->compact_to)
        r->checkpoint.due = true; /* the new places, so that the next opening finds them at once */
    if (!r->checkpoint.active && rung_kvlog_checkpoint_due(self)) {
        rung_kvlog_checkpoint_begin(self);
        r->more = true;
    }
    return (self->commit->blocked || r->compacting) && self->log.tail > self->log.tail_kept;
}

/* As if the store had just been opened: nothing before the tail is needed, all else is looked at
 * again. A checkpoint begins anew. */
void rung_kvlog_reclaim_again(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    r->at = self->log.tail;
    r->group_end = 0;
    r->damage.active = r->moving = false;
    r->checkpoint.due |= r->checkpoint.active;
    r->checkpoint.active = r->checkpoint.ended = false;
    if (!r->stuck)
        r->stuck = RUNG_E_FULL;
}

void rung_kvlog_reclaim_committed(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    if (r->moving)
        self->log.tail = r->damage.active || r->group_end ? r->group_pos : r->at;
    rung_kvlog_checkpoint_committed(self);
    r->moving = false;
}

void rung_kvlog_reclaim_idle(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    reclaim_compacted(self);
    if (self->closing && !r->reading && !r->checkpoint.super_writes) {
        if (self->writable && !self->failed)
            rung_kvlog_super_start(self, KVLOG_SUPER_CLEAN);
        else
            rung_kvlog_closed(self, self->failed);
        return;
    }
    if (r->more)
        rung_loop_defer(self->p, &self->work);
}

enum rung_err rung_kvlog_reclaim_open(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = rung_zalloc(self->p, 1, sizeof(*r));
    if (!r)
        return RUNG_E_NOMEM;
    self->reclaim = r;
    r->self = self;
    r->at = self->log.tail;
    r->span.done = reclaim_read_done;
    r->usual = (size_t)rung_kvlog_up(self, self->log.step + RUNG_KV_KEY_MAX);
    uint64_t page = self->log.step < KVLOG_PAGE_BYTES ? self->log.step : KVLOG_PAGE_BYTES;
    r->checkpoint.page_bytes = (uint32_t)page;
    r->checkpoint.last_end = self->log.checkpoint;
    r->checkpoint.pages = rung_alloc(self->p, KVLOG_PAGES * (size_t)page);
    r->checkpoint.super = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, KVLOG_SUPER_STEP);
    return r->checkpoint.pages && r->checkpoint.super && reclaim_resize(self, r->usual)
               ? RUNG_OK : RUNG_E_NOMEM;
}

void rung_kvlog_reclaim_free(struct rung_kvlog *self)
{
    if (self->reclaim) {
        rung_free(self->p, self->reclaim->bytes);
        rung_free(self->p, self->reclaim->checkpoint.pages);
        rung_free(self->p, self->reclaim->checkpoint.super);
    }
    rung_free(self->p, self->reclaim);
    self->reclaim = NULL;
}
