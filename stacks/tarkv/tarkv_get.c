/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_get.c - get: reads the sectors that hold what is asked for, no others, and
 * lends the memory they were read into. */
#include "tarkv_get.h"

#include <stdio.h>

#include "rung/heap.h"
#include "tarkv_index.h"

struct get_read {
    struct rung_block_req req;
    struct rung_vec vec;
    struct rung_tarkv *self;
    struct rung_kv_get *get;
    char version[33];
};

static void get_free(struct get_read *read)
{
    read->self->gets--;
    rung_free(read->self->p, read);
}

static void get_release(struct rung_buf *buf)
{
    struct rung_kv_get *get = rung_container_of(buf, struct rung_kv_get, value);
    get_free(get->module[0]);
}

static void get_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct get_read *read = rung_container_of(req, struct get_read, req);
    struct rung_kv_get *get = read->get;
    if (result < 0) {
        get_free(read);
        result = result == RUNG_E_DOWN || result == RUNG_E_NOMEM ? result : RUNG_E_IO;
    }
    get->op.done(&get->op, result < 0 ? result : RUNG_OK);
}

static enum rung_err get_start(struct rung_tarkv *self, struct rung_kv_get *get,
                               const struct rung_tarkv_entry *entry)
{
    uint32_t sector = self->block->info.sector_size;
    uint64_t left = entry->size - get->offset, len = get->len < left ? get->len : left;
    uint64_t at = entry->at + get->offset, from = at - at % sector;
    uint64_t bytes = len ? (at + len - from + sector - 1) / sector * sector : 0;
    size_t own = (sizeof(struct get_read) + RUNG_BLOCK_ALIGN - 1) / RUNG_BLOCK_ALIGN
                 * RUNG_BLOCK_ALIGN;
    if (bytes > PTRDIFF_MAX - own)
        return RUNG_E_NOMEM;
    uint8_t *memory = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, own + (size_t)bytes);
    if (!memory)
        return RUNG_E_NOMEM;
    struct get_read *read = (struct get_read *)(void *)memory;
    *read = (struct get_read){
        .req = {.op = {.done = get_done}, .kind = RUNG_BLOCK_READ, .sector = from / sector},
        .vec = {memory + own, (size_t)bytes}, .self = self, .get = get,
    };
    read->req.vec = &read->vec;
    read->req.vec_count = 1;
    snprintf(read->version, sizeof(read->version), "%016llx%016llx",
             (unsigned long long)entry->sum[0], (unsigned long long)entry->sum[1]);
    get->value = (struct rung_buf){
        .data = len ? memory + own + (at - from) : memory, .len = (size_t)len,
        .release = get_release,
    };
    get->size = entry->size;
    get->version = self->versions ? read->version : NULL;
    get->module[0] = read;
    self->gets++;
    if (len)
        rung_block_submit(self->block, &read->req);
    else
        rung_op_finish(self->p, &get->op, RUNG_OK);
    return RUNG_OK;
}

void rung_tarkv_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct rung_tarkv *self = rung_container_of(kv, struct rung_tarkv, kv);
    enum rung_err err = RUNG_E_INVAL;
    assert(get->op.done);
    get->op.cancel = NULL;
    get->type = NULL;
    get->encoding = RUNG_KV_PLAIN;
    if (rung_kv_key_portable(get->key, get->key_len)) {
        const struct rung_tarkv_entry *entry = rung_tarkv_find(self, get->key, get->key_len);
        if (!entry)
            err = RUNG_E_NOTFOUND;
        else if (get->offset > entry->size)
            err = RUNG_E_RANGE;
        else
            err = get_start(self, get, entry);
    }
    if (err)
        rung_op_finish(self->p, &get->op, err);
}
