/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_get.c - get: reads the record's header and the chunks that hold what is asked
 * for, looks at their sums, and lends the memory they were read into. Nothing keeps a record where
 * it is meanwhile: if it is not there any more, the index says where it went. */
#include <stdio.h>
#include <string.h>

#include "kvlog_index.h"
#include "kvlog_io.h"
#include "kvlog_ops.h"
#include "rung/heap.h"
#include "rung/log.h"

enum { GET_GAP = 16384 /* what is rather read than left out between header and chunks */ };

struct get_read {
    struct rung_kvlog *self;
    struct rung_kv_get *get;
    struct rung_kvlog_span head, data;
    unsigned spans; /* on their way */
    uint64_t pos;   /* of the record */
    uint32_t size;
    uint32_t chunk;                /* the first that is read */
    uint64_t data_pos, data_len;   /* the chunks, with their sums */
    uint64_t data_from;            /* where the memory for them begins, as a place in the log */
    uint8_t *head_bytes, *data_bytes;
    char version[17];
};

static void get_start(struct rung_kvlog *self, struct rung_kv_get *get);

static void get_free(struct rung_kvlog *self, struct get_read *read)
{
    self->gets--;
    rung_free(self->p, read);
}

static void get_release(struct rung_buf *buf)
{
    struct rung_kv_get *get = rung_container_of(buf, struct rung_kv_get, value);
    get_free(get->module[0], get->module[1]);
}

/* Looks at every chunk, and pushes them together. */
static bool get_join(struct get_read *read, uint64_t version)
{
    uint64_t salt = read->self->log.salt;
    uint8_t *from = read->data_bytes + (read->data_pos - read->data_from), *to = from;
    uint64_t left = read->data_len;
    for (uint32_t index = read->chunk; left > 0; index++) {
        size_t n = left < KVLOG_CHUNK + KVLOG_SUM_BYTES ? (size_t)left - KVLOG_SUM_BYTES
                                                        : (size_t)KVLOG_CHUNK;
        if (!rung_kvlog_chunk_good(salt, version, index, from, n))
            return false;
        if (to != from)
            memmove(to, from, n);
        to += n;
        from += n + KVLOG_SUM_BYTES;
        left -= n + KVLOG_SUM_BYTES;
    }
    return true;
}

static bool get_good(struct get_read *read)
{
    struct rung_kv_get *get = read->get;
    struct kvlog_record r;
    uint64_t skip = read->pos - rung_kvlog_down(read->self, read->pos);
    if (!rung_kvlog_get_record(read->head_bytes + skip, KVLOG_RECORD_BYTES + get->key_len,
                               read->self->log.salt, read->pos, &r)
        || (r.type != KVLOG_SET && r.type != KVLOG_MOVE) || r.key_len != get->key_len
        || memcmp(r.key, get->key, r.key_len) != 0 || r.size != read->size)
        return false;
    snprintf(read->version, sizeof(read->version), "%llx", (unsigned long long)r.version);
    return get_join(read, r.version);
}

static void get_lend(struct get_read *read)
{
    struct rung_kv_get *get = read->get;
    uint64_t left = read->size - get->offset;
    size_t len = get->len < left ? get->len : (size_t)left;
    uint64_t skip = get->offset - (uint64_t)read->chunk * KVLOG_CHUNK;
    get->value = (struct rung_buf){
        .data = len ? read->data_bytes + (read->data_pos - read->data_from) + skip
                    : read->data_bytes,
        .len = len, .release = get_release,
    };
    get->size = read->size;
    get->version = read->version;
    get->module[0] = read->self;
    get->module[1] = read;
    get->op.done(&get->op, RUNG_OK);
}

static void get_done(struct get_read *read)
{
    struct rung_kvlog *self = read->self;
    struct rung_kv_get *get = read->get;
    int err = read->head.err ? read->head.err : read->data.err;
    if (!err && get_good(read)) {
        get_lend(read);
        return;
    }
    struct rung_kvlog_node *node = rung_kvlog_find(self, get->key, get->key_len);
    uint64_t pos = read->pos;
    get_free(self, read);
    if (!err && (!node || node->size == KVLOG_ABSENT || node->pos != pos)) {
        get_start(self, get); /* it has moved, or was written anew */
        return;
    }
    if (!err) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "a value is damaged at byte %llu of the "
                 "disk: restore it from a copy", (unsigned long long)rung_kvlog_place(self, pos));
        err = RUNG_E_CORRUPT;
    }
    get->op.done(&get->op, err == RUNG_E_DOWN || err == RUNG_E_CORRUPT ? err : RUNG_E_IO);
}

static void get_head_done(struct rung_kvlog_span *span)
{
    struct get_read *read = rung_container_of(span, struct get_read, head);
    if (--read->spans == 0)
        get_done(read);
}

static void get_data_done(struct rung_kvlog_span *span)
{
    struct get_read *read = rung_container_of(span, struct get_read, data);
    if (--read->spans == 0)
        get_done(read);
}

/* Where the header and the chunks are, and how much memory they take; *apart: in two reads. */
static void get_place(const struct rung_kvlog *self, struct get_read *read, uint64_t *head_len,
                      uint64_t *data_len, bool *apart)
{
    const struct rung_kv_get *get = read->get;
    uint64_t behind = read->pos + KVLOG_RECORD_BYTES + get->key_len;
    uint64_t left = read->size - get->offset, len = get->len < left ? get->len : left;
    uint64_t stream = kvlog_stream(read->size), step = KVLOG_CHUNK + KVLOG_SUM_BYTES;
    uint64_t from = rung_kvlog_down(self, read->pos);
    read->chunk = len ? (uint32_t)(get->offset / KVLOG_CHUNK) : 0;
    read->data_pos = behind + read->chunk * step;
    uint64_t end = len ? ((get->offset + len - 1) / KVLOG_CHUNK + 1) * step : 0;
    read->data_len = len ? (end < stream ? end : stream) - read->chunk * step : 0;
    *apart = len && read->data_pos - behind > GET_GAP;
    read->data_from = *apart ? rung_kvlog_down(self, read->data_pos) : from;
    end = rung_kvlog_up(self, read->data_pos + read->data_len);
    *head_len = (*apart ? rung_kvlog_up(self, behind) : end) - from;
    *data_len = *apart ? end - read->data_from : 0;
}

static int get_read(struct rung_kvlog *self, struct rung_kv_get *get,
                    const struct rung_kvlog_node *node)
{
    struct get_read facts = {.self = self, .get = get, .pos = node->pos, .size = node->size};
    uint64_t head_len, data_len;
    bool apart;
    size_t own = (sizeof(facts) + RUNG_BLOCK_ALIGN - 1) / RUNG_BLOCK_ALIGN * RUNG_BLOCK_ALIGN;
    get_place(self, &facts, &head_len, &data_len, &apart);
    if (head_len + data_len > self->log.ring)
        return RUNG_E_CORRUPT;
    uint8_t *memory =
        rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, own + (size_t)(head_len + data_len));
    if (!memory)
        return RUNG_E_NOMEM;
    struct get_read *read = (struct get_read *)(void *)memory;
    *read = facts;
    read->head_bytes = memory + own;
    read->data_bytes = apart ? read->head_bytes + head_len : read->head_bytes;
    read->head.done = get_head_done;
    read->data.done = get_data_done;
    read->spans = apart ? 2 : 1;
    self->gets++;
    rung_kvlog_span_start(self, &read->head, RUNG_BLOCK_READ, 0,
                          rung_kvlog_down(self, read->pos), read->head_bytes, (size_t)head_len);
    if (apart)
        rung_kvlog_span_start(self, &read->data, RUNG_BLOCK_READ, 0, read->data_from,
                              read->data_bytes, (size_t)data_len);
    return RUNG_OK;
}

static void get_start(struct rung_kvlog *self, struct rung_kv_get *get)
{
    struct rung_kvlog_node *node = rung_kvlog_find(self, get->key, get->key_len);
    int err = RUNG_E_NOTFOUND;
    if (node && node->size != KVLOG_ABSENT) {
        if (node->lost)
            err = RUNG_E_CORRUPT;
        else if (get->offset > node->size)
            err = RUNG_E_RANGE;
        else
            err = get_read(self, get, node);
    }
    if (err)
        rung_op_finish(self->p, &get->op, err);
}

void rung_kvlog_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct rung_kvlog *self = rung_container_of(kv, struct rung_kvlog, kv);
    assert(get->op.done && !self->closing);
    get->op.cancel = NULL;
    get->type = NULL;
    get->encoding = RUNG_KV_PLAIN;
    if (get->key_len < 1 || get->key_len > RUNG_KV_KEY_MAX)
        rung_op_finish(self->p, &get->op, RUNG_E_INVAL);
    else
        get_start(self, get);
}
