/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_emit.c - the bytes of a group, one piece after the other. A piece lies in the
 * writer's own memory where that is possible; the copy into a buffer is the only one. */
#include <string.h>

#include "kvlog_commit.h"

static bool emit_piece(struct rung_kvlog_cursor *c, const void *from, size_t len)
{
    c->from = from;
    c->left = len;
    c->pos += len;
    return true;
}

/* The next record's facts into c->record, its place to whoever waits for it. */
static bool emit_item(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    struct rung_kvlog_item *item = &commit->items[c->item++];
    item->pos = c->pos;
    c->record = item->record;
    c->raw = NULL;
    if (item->record.type == KVLOG_PAGE) {
        uintptr_t bytes = (uintptr_t)item->bytes; /* only read; a vec says otherwise */
        c->page = (struct rung_vec){(void *)bytes, item->record.size};
        c->vec = &c->page;
        c->record.version = (uint64_t)c->epoch << 40 | ++commit->self->versions;
    } else {
        c->raw = item->bytes;
    }
    return true;
}

static bool emit_change(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    while (c->write) {
        if (c->change == c->write->change_count) {
            c->write = c->write->module[0];
            c->change = 0;
            continue;
        }
        const struct rung_kv_change *change = &c->write->change[c->change];
        struct rung_kvlog_planned *planned = c->write->module[1];
        planned += c->change++;
        if (!planned->node)
            continue;
        planned->pos = c->pos;
        c->raw = NULL;
        c->vec = change->value;
        c->record = (struct kvlog_record){
            .type = change->value ? KVLOG_SET : KVLOG_REMOVE, .key_len = (uint16_t)change->key_len,
            .size = change->value ? planned->size : 0, .key = (const uint8_t *)change->key,
            .version = (uint64_t)c->epoch << 40 | ++commit->self->versions,
        };
        return true;
    }
    return false;
}

static bool emit_record(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    if (!(c->item < commit->item_count ? emit_item(commit) : emit_change(commit))) {
        c->phase = KVLOG_AT_END;
        return false;
    }
    c->record.epoch = c->epoch;
    c->phase = KVLOG_AT_CHUNK;
    c->vec_used = 0;
    c->done = c->index = 0;
    rung_kvlog_put_record(c->head, commit->self->log.salt, c->pos, &c->record);
    return emit_piece(c, c->head, KVLOG_RECORD_BYTES + (size_t)c->record.key_len);
}

/* n bytes of the value in one piece: where they are, or gathered from several. */
static const uint8_t *emit_gather(struct rung_kvlog_cursor *c, size_t n)
{
    size_t have = 0;
    while (c->vec->len == c->vec_used) {
        c->vec++;
        c->vec_used = 0;
    }
    if (c->vec->len - c->vec_used >= n) {
        const uint8_t *at = (const uint8_t *)c->vec->base + c->vec_used;
        c->vec_used += n;
        return at;
    }
    while (have < n) {
        size_t some = c->vec->len - c->vec_used;
        some = some < n - have ? some : n - have;
        if (some)
            memcpy(c->chunk + have, (const uint8_t *)c->vec->base + c->vec_used, some);
        have += some;
        c->vec_used += some;
        if (have < n) {
            c->vec++;
            c->vec_used = 0;
        }
    }
    return c->chunk;
}

static bool emit_chunk(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    uint32_t size = kvlog_has_stream(c->record.type) ? c->record.size : 0;
    if (c->done == size) {
        c->phase = KVLOG_AT_RECORD;
        return false;
    }
    if (c->raw) {
        c->done = size;
        return emit_piece(c, c->raw, (size_t)kvlog_stream(size));
    }
    uint32_t n = size - c->done < KVLOG_CHUNK ? size - c->done : (uint32_t)KVLOG_CHUNK;
    const uint8_t *at = emit_gather(c, n);
    rung_kvlog_put64(c->sum, rung_kvlog_chunk_sum(commit->self->log.salt, c->record.version,
                                                  c->index++, at, n));
    c->done += n;
    c->phase = KVLOG_AT_SUM;
    return emit_piece(c, at, n);
}

void rung_kvlog_emit_begin(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    c->phase = KVLOG_AT_RECORD;
    c->pos = commit->group.pos;
    c->item = c->change = 0;
    c->write = commit->writes;
    c->epoch = commit->group.epoch;
    rung_kvlog_put_group(c->head, commit->self->log.salt, &commit->group);
    emit_piece(c, c->head, KVLOG_GROUP_BYTES);
}

bool rung_kvlog_emit_next(struct rung_kvlog_commit *commit)
{
    struct rung_kvlog_cursor *c = &commit->cursor;
    for (;;) {
        switch (c->phase) {
        case KVLOG_AT_RECORD:
            if (emit_record(commit))
                return true;
            break;
        case KVLOG_AT_CHUNK:
            if (emit_chunk(commit))
                return true;
            break;
        case KVLOG_AT_SUM:
            c->phase = KVLOG_AT_CHUNK;
            return emit_piece(c, c->sum, KVLOG_SUM_BYTES);
        default:
            return false;
        }
    }
}
