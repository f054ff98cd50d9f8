/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_write.c - writes until they are part of a group: what is wrong with them, what
 * they will make of the index, and whether there is room. All memory is found before anything is
 * written, so that what is durable can always be carried out. */
#include "kvlog_commit.h"
#include "kvlog_ops.h"
#include "kvlog_reclaim.h"
#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"

enum { WRITE_LATER = 1 };

#define WRITE_TELL_NS (60 * RUNG_NS_PER_S) /* not more often, however much comes and goes */

static int write_check_change(const struct rung_kvlog *self, const struct rung_kv_change *change,
                              uint64_t *bytes)
{
    uint64_t size = 0;
    if (change->key_len < 1 || change->key_len > RUNG_KV_KEY_MAX)
        return RUNG_E_INVAL;
    for (unsigned i = 0; change->value && i < change->value_count; i++) {
        if (change->value[i].len > self->kv.info.max_value - size)
            return RUNG_E_TOOBIG;
        size += change->value[i].len;
    }
    *bytes += kvlog_record_bytes(change->key_len, (uint32_t)size);
    return RUNG_OK;
}

static int write_check(const struct rung_kvlog *self, const struct rung_kv_write *write)
{
    uint64_t bytes = KVLOG_GROUP_BYTES;
    if (!self->writable)
        return RUNG_E_READONLY;
    if (write->change_count < 1 || write->change_count > self->kv.info.max_batch)
        return RUNG_E_LIMIT;
    for (unsigned i = 0; i < write->change_count; i++) {
        int err = write_check_change(self, &write->change[i], &bytes);
        if (err)
            return err;
    }
    if (bytes > KVLOG_GROUP_MAX)
        return RUNG_E_LIMIT;
    return rung_kvlog_refusal(self);
}

void rung_kvlog_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    struct rung_kvlog *self = rung_container_of(kv, struct rung_kvlog, kv);
    assert(write->op.done && !self->closing);
    write->op.cancel = NULL;
    int err = write_check(self, write);
    if (err) {
        rung_op_finish(self->p, &write->op, err);
        return;
    }
    write->module[0] = write->module[1] = NULL;
    *self->writes_end = write;
    self->writes_end = &write->module[0];
    rung_loop_defer(self->p, &self->work);
}

static struct rung_kv_write *write_pop(struct rung_kvlog *self)
{
    struct rung_kv_write *write = self->writes;
    self->writes = write->module[0];
    if (!self->writes)
        self->writes_end = &self->writes;
    write->module[0] = NULL;
    return write;
}

static void write_unplan(struct rung_kvlog *self, struct rung_kvlog_planned *planned)
{
    struct rung_kvlog_node *node = planned->node;
    if (!node)
        return;
    rung_kvlog_plan(self, node, planned->before);
    if (--node->plans == 0 && node->size == KVLOG_ABSENT)
        rung_kvlog_settle(self, node, 0, KVLOG_ABSENT);
}

/* One change; its record's bytes are added. */
static int write_plan_change(struct rung_kvlog *self, const struct rung_kv_change *change,
                             struct rung_kvlog_planned *planned, uint64_t *bytes)
{
    uint32_t size = 0;
    for (unsigned i = 0; change->value && i < change->value_count; i++)
        size += (uint32_t)change->value[i].len;
    struct rung_kvlog_node *node = change->value
                                       ? rung_kvlog_demand(self, change->key, change->key_len)
                                       : rung_kvlog_find(self, change->key, change->key_len);
    *planned = (struct rung_kvlog_planned){.size = change->value ? size : KVLOG_ABSENT};
    if (!node && change->value)
        return RUNG_E_NOMEM;
    if (!node || (!change->value && node->planned == KVLOG_ABSENT))
        return RUNG_OK;
    node->plans++;
    planned->node = node;
    planned->before = rung_kvlog_plan(self, node, planned->size);
    *bytes += kvlog_record_bytes(change->key_len, size);
    return RUNG_OK;
}

/* Whether what the store is to hold can be held, with what is needed to win back space: the old
 * index and the new one, the longest group and the largest record once more, and an eighth of the
 * ring, so that there is always something to win. */
static bool write_fits(const struct rung_kvlog *self, uint64_t bytes)
{
    const struct rung_kvlog_ring *log = &self->log;
    uint64_t live = self->index.live;
    if (self->max_bytes && live > self->max_bytes)
        return false;
    if (live > log->ring)
        return false;
    uint64_t reserve = rung_kvlog_reserve(self, KVLOG_GROUP_BYTES + bytes) - rung_kvlog_pages(self);
    return rung_kvlog_needed(self) + self->index.largest + 2 * log->step + reserve
           <= log->ring - log->ring / 8;
}

static int write_memory_err(struct rung_kvlog *self)
{
    if (!self->memory_told)
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "no memory for more than %llu keys (%llu "
                 "bytes): new keys are refused; set %s.memory to more, or give more memory",
                 (unsigned long long)self->index.keys, (unsigned long long)self->index.memory,
                 self->slot);
    self->memory_told = true;
    return RUNG_E_NOMEM;
}

/* Whether there is room for one change more. */
static bool write_fits_one(struct rung_kvlog *self, const struct rung_kv_change *change)
{
    uint64_t bytes = 0, before = self->index.live + self->index.paged;
    uint64_t largest = self->index.largest, recent = self->index.recent;
    struct rung_kvlog_planned planned;
    bool fits = write_plan_change(self, change, &planned, &bytes)
                || self->index.live + self->index.paged <= before || write_fits(self, bytes);
    write_unplan(self, &planned);
    self->index.largest = largest;
    self->index.recent = recent;
    return fits;
}

/* For a write that has been taken back: it is not in use. A batch may be too long for what is left
 * of a store that is not full: then whoever made it tries with less. */
static void write_tell_full(struct rung_kvlog *self, const struct rung_kv_write *write)
{
    uint64_t now = rung_loop_now_ns(self->p);
    if (self->full_told || now < self->full_next_ns
        || (write->change_count > 1 && write_fits_one(self, &write->change[0])))
        return;
    rung_log(self->p, RUNG_LOG_WARN, self->slot, "full: %llu bytes are in use; what would "
             "make it more is refused until something is removed",
             (unsigned long long)self->index.live);
    self->full_told = true;
    self->full_live = self->index.live;
    self->full_next_ns = now + WRITE_TELL_NS;
}

/* Whether the group with so many more bytes can be written now; WRITE_LATER: not before more space
 * is won. When all of the ring has been gone through since, there is none. */
static int write_room(struct rung_kvlog *self, const struct rung_kv_write *write, uint64_t bytes)
{
    struct rung_kvlog_commit *commit = self->commit;
    uint64_t need = rung_kvlog_up(self, commit->group.len + bytes);
    if (commit->group.count && need > (commit->writes ? self->log.together
                                                      : rung_kvlog_shared(self))) {
        commit->alone = !commit->writes;
        return WRITE_LATER;
    }
    bool over = commit->blocked == write
                && (self->log.tail_kept >= commit->blocked_mark || self->reclaim->stuck);
    uint64_t room = need + rung_kvlog_reserve(self, need);
    if (rung_kvlog_free(self) >= room + (over ? 0 : rung_kvlog_checkpoint_room(self))) {
        commit->blocked = NULL;
        return RUNG_OK;
    }
    if (commit->writes)
        return WRITE_LATER; /* alone it might fit */
    if (commit->blocked != write) {
        commit->blocked = write;
        commit->blocked_mark = self->log.head;
        self->reclaim->stuck = 0; /* it may try again */
    } else if (self->log.tail_kept >= commit->blocked_mark) {
        commit->blocked = NULL;
        return RUNG_E_FULL;
    } else if (self->reclaim->stuck) {
        commit->blocked = NULL;
        return self->reclaim->stuck;
    }
    return WRITE_LATER;
}

static int write_plan(struct rung_kvlog *self, struct rung_kv_write *write)
{
    uint64_t bytes = 0, before = self->index.live + self->index.paged;
    uint64_t largest = self->index.largest, recent = self->index.recent;
    struct rung_kvlog_planned *planned =
        rung_alloc(self->p, write->change_count * sizeof(*planned));
    unsigned n = 0, records = 0;
    int err = planned ? RUNG_OK : RUNG_E_NOMEM;
    for (; !err && n < write->change_count; n++) {
        err = write_plan_change(self, &write->change[n], &planned[n], &bytes);
        records += planned[n].node != NULL;
    }
    if (err)
        err = write_memory_err(self);
    else if (self->index.live + self->index.paged > before && !write_fits(self, bytes))
        err = RUNG_E_FULL;
    else if (records)
        err = write_room(self, write, bytes);
    if (!err) {
        self->commit->group.len += bytes;
        self->commit->group.count += records;
        write->module[1] = planned;
        return RUNG_OK;
    }
    while (n-- > 0)
        write_unplan(self, &planned[n]);
    self->index.largest = largest;
    self->index.recent = recent;
    rung_free(self->p, planned);
    if (err == RUNG_E_FULL)
        write_tell_full(self, write);
    return err;
}

void rung_kvlog_take_writes(struct rung_kvlog *self)
{
    struct rung_kvlog_commit *commit = self->commit;
    while (self->writes && (!commit->writes || commit->group.len < self->log.together)) {
        int err = write_plan(self, self->writes);
        if (err == WRITE_LATER)
            break;
        struct rung_kv_write *write = write_pop(self);
        if (err) {
            if (commit->blocked == write) /* nobody waits for space any more */
                commit->blocked = NULL;
            rung_op_finish(self->p, &write->op, err);
            continue;
        }
        *commit->writes_end = write;
        commit->writes_end = &write->module[0];
    }
}

void rung_kvlog_unplan_writes(struct rung_kvlog *self)
{
    struct rung_kv_write *last_first = NULL, *write = self->commit->writes, *next;
    for (; write; write = next) {
        next = write->module[0];
        write->module[0] = last_first;
        last_first = write;
    }
    self->commit->writes = NULL;
    for (write = last_first; write; write = next) {
        struct rung_kvlog_planned *planned = write->module[1];
        next = write->module[0];
        for (unsigned i = write->change_count; i-- > 0;)
            write_unplan(self, &planned[i]);
        write->module[0] = self->commit->writes;
        self->commit->writes = write;
    }
}

void rung_kvlog_end_write(struct rung_kvlog *self, struct rung_kv_write *write, int err)
{
    struct rung_kvlog_planned *planned = write->module[1];
    for (unsigned i = 0; !err && i < write->change_count; i++) {
        struct rung_kvlog_node *node = planned[i].node;
        if (!node)
            continue;
        node->plans--;
        rung_kvlog_settle(self, node, planned[i].pos, planned[i].size);
    }
    if (self->index.live < self->full_live - self->full_live / 8)
        self->full_told = false; /* a good deal less: when it is full once more, that is news */
    rung_free(self->p, planned);
    rung_op_finish(self->p, &write->op, err);
}

void rung_kvlog_refuse_writes(struct rung_kvlog *self, int err)
{
    while (self->writes)
        rung_op_finish(self->p, &write_pop(self)->op, err);
}
