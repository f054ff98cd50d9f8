/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_apply.c - what the records of the log make of the index when the store is
 * opened; see kvlog_replay.h. */
#include "kvlog_replay.h"

#include <string.h>

#include "rung/log.h"

int rung_kvlog_replay_no_memory(const struct kvlog_replay *r)
{
    struct rung_kvlog *self = r->self;
    if (self->index.memory_max)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the index of %llu keys and more does not "
                 "fit into %llu bytes: set %s.memory to more, or give more memory",
                 (unsigned long long)self->index.keys, (unsigned long long)self->index.memory_max,
                 self->slot);
    else
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "no memory for the index of more than %llu "
                 "keys: give more", (unsigned long long)self->index.keys);
    return RUNG_E_NOMEM;
}

static int apply_set(struct kvlog_replay *r, const char *key, size_t len, uint64_t pos,
                      uint32_t size)
{
    struct rung_kvlog_node *node = rung_kvlog_demand(r->self, key, len);
    if (!node)
        return rung_kvlog_replay_no_memory(r);
    rung_kvlog_plan(r->self, node, size);
    rung_kvlog_settle(r->self, node, pos, size);
    return RUNG_OK;
}

static int apply_page(struct kvlog_replay *r, uint64_t pos, const struct kvlog_record *page)
{
    char key[RUNG_KV_KEY_MAX];
    uint32_t size = page->size;
    const uint8_t *bytes = rung_kvlog_window_at(&r->window, pos + KVLOG_RECORD_BYTES, size);
    if (!bytes)
        return r->window.err;
    uint32_t count = rung_kvlog_get32(bytes), last = 0;
    for (size_t at = KVLOG_PAGE_HEAD; count-- > 0;) {
        struct kvlog_entry entry;
        size_t n = rung_kvlog_get_entry(bytes + at, size - at, &entry);
        if (!n || entry.shared > last) {
            rung_log(r->self->p, RUNG_LOG_ERROR, r->self->slot, "no page of an index is at byte "
                     "%llu of the disk: restore a copy",
                     (unsigned long long)rung_kvlog_place(r->self, pos));
            return RUNG_E_CORRUPT;
        }
        memcpy(key + entry.shared, entry.key, entry.rest);
        last = (uint32_t)entry.shared + entry.rest;
        int err = apply_set(r, key, last, entry.pos, entry.size);
        if (err)
            return err;
        if (entry.lost)
            rung_kvlog_find(r->self, key, last)->lost = true;
        at += n;
    }
    return RUNG_OK;
}

static int apply_move(struct kvlog_replay *r, uint64_t pos, const struct kvlog_record *record)
{
    const char *key = (const char *)record->key;
    struct rung_kvlog_node *node = rung_kvlog_find(r->self, key, record->key_len);
    if (r->all && (!node || node->pos < record->old)) { /* what was moved could not be read */
        int err = apply_set(r, key, record->key_len, pos, record->size);
        if (err)
            return err;
        node = rung_kvlog_find(r->self, key, record->key_len);
    } else if (!node || node->pos != record->old) {
        return RUNG_OK;
    }
    node->pos = pos;
    node->lost = record->type == KVLOG_LOST;
    return RUNG_OK;
}

static int apply_record(struct kvlog_replay *r, uint64_t pos, const struct kvlog_record *record)
{
    struct rung_kvlog *self = r->self;
    const char *key = (const char *)record->key;
    struct rung_kvlog_node *node;
    switch (record->type) {
    case KVLOG_SET:
        return apply_set(r, key, record->key_len, pos, record->size);
    case KVLOG_REMOVE:
        node = rung_kvlog_find(self, key, record->key_len);
        if (node) {
            rung_kvlog_plan(self, node, KVLOG_ABSENT);
            rung_kvlog_settle(self, node, 0, KVLOG_ABSENT);
        }
        return RUNG_OK;
    case KVLOG_MOVE:
    case KVLOG_LOST:
        return apply_move(r, pos, record);
    default:
        return apply_page(r, pos, record);
    }
}

int rung_kvlog_replay_apply(struct kvlog_replay *r, const struct kvlog_group *group, uint64_t until)
{
    uint64_t at = group->pos + KVLOG_GROUP_BYTES, end = group->pos + group->len;
    while (at < until) {
        struct kvlog_record record;
        if (!rung_kvlog_window_record(&r->window, at, end, &record))
            return r->window.err ? r->window.err : RUNG_E_CORRUPT;
        uint64_t whole = kvlog_whole(&record);
        int err = apply_record(r, at, &record);
        if (err)
            return err;
        at += whole;
    }
    r->self->log.tail = group->tail > r->self->log.tail ? group->tail : r->self->log.tail;
    r->epoch = group->epoch;
    r->self->log.group_before = group->len > r->self->log.group_before
                                    ? group->len : r->self->log.group_before;
    return RUNG_OK;
}

int rung_kvlog_replay_scan(struct kvlog_replay *r, uint64_t at, uint64_t end)
{
    struct kvlog_record record;
    int err = RUNG_OK;
    while (!err && at < end) {
        bool good = rung_kvlog_window_record(&r->window, at, end, &record)
                    && record.epoch >= r->epoch;
        uint64_t whole = good ? kvlog_whole(&record) : 1;
        if (good && record.type != KVLOG_PAGE)
            err = apply_record(r, at, &record);
        err = err ? err : r->window.err;
        at += whole;
    }
    return err;
}
