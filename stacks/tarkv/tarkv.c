/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv.c - opening, closing, listing; see tarkv.h. */
#include "tarkv.h"

#include <string.h>

#include "rung/log.h"
#include "tarkv_get.h"
#include "tarkv_index.h"
#include "tarkv_scan.h"

enum { TARKV_LIST_TURN = 128 }; /* keys for one turn of the loop: others get their turn as well */

static struct rung_tarkv *tarkv_of(struct rung_kv *kv)
{
    return rung_container_of(kv, struct rung_tarkv, kv);
}

static void rung_tarkv_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    assert(write->op.done);
    rung_op_finish(tarkv_of(kv)->p, &write->op, RUNG_E_READONLY);
}

static bool tarkv_is_listed(const struct rung_tarkv *self, size_t at,
                            const struct rung_kv_list *list)
{
    if (at >= self->count || self->entries[at]->key_len < list->prefix_len)
        return false;
    return !list->prefix_len || !memcmp(self->entries[at]->key, list->prefix, list->prefix_len);
}

/* The list stands at an index, kept in module[1]; op.result counts the keys on the way. */
static void tarkv_list_turn(struct rung_task *task)
{
    struct rung_kv_list *list = rung_container_of(task, struct rung_kv_list, op.task);
    struct rung_tarkv *self = list->module[0];
    size_t at = (size_t)(uintptr_t)list->module[1];
    bool go = true;
    for (unsigned n = 0; n < TARKV_LIST_TURN || !go; n++, at++) {
        bool more = tarkv_is_listed(self, at, list);
        if (!more || !go || (list->limit && (uint32_t)list->op.result == list->limit)) {
            list->more = more;
            rung_op_finish(self->p, &list->op, list->op.result);
            return;
        }
        const struct rung_tarkv_entry *entry = self->entries[at];
        list->op.result++;
        go = list->each(list, entry->key, entry->key_len, entry->size);
    }
    list->module[1] = (void *)(uintptr_t)at;
    rung_loop_defer(self->p, &list->op.task);
}

static void rung_tarkv_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    struct rung_tarkv *self = tarkv_of(kv);
    assert(list->op.done && list->each);
    size_t at = rung_tarkv_seek(self, list->prefix, list->prefix_len, false);
    if (list->after) {
        size_t behind = rung_tarkv_seek(self, list->after, list->after_len, true);
        at = behind > at ? behind : at;
    }
    list->op.cancel = NULL;
    list->op.result = 0;
    list->more = false;
    list->module[0] = self;
    list->module[1] = (void *)(uintptr_t)at;
    list->op.task.fn = tarkv_list_turn;
    rung_loop_defer(self->p, &list->op.task);
}

static void rung_tarkv_close(struct rung_kv *kv, struct rung_op *op)
{
    struct rung_tarkv *self = tarkv_of(kv);
    assert(!self->gets);
    rung_tarkv_index_free(self);
    rung_op_finish(self->p, op, RUNG_OK);
}

const struct rung_kv_ops rung_tarkv_kv_ops = RUNG_KV_TABLE("tarkv", rung_tarkv);

enum rung_err rung_tarkv_open(struct rung_tarkv *self, struct rung_platform *p,
                              const struct rung_tarkv_keys *keys,
                              const struct rung_tarkv_needs *needs)
{
    *self = (struct rung_tarkv){
        .p = p, .block = needs->block, .slot = keys->slot,
        .memory_max = rung_tarkv_key_memory(keys), .versions = rung_tarkv_key_versions(keys),
    };
    rung_kv_init(&self->kv, &rung_tarkv_kv_ops);
    self->kv.info = (struct rung_kv_info){.caps = RUNG_KV_IS_READONLY};
    enum rung_err err = rung_tarkv_scan(self);
    if (!err)
        err = rung_tarkv_settle(self);
    if (err)
        rung_tarkv_index_free(self);
    else
        rung_log(p, RUNG_LOG_INFO, self->slot, "an archive of %zu files", self->count);
    return err;
}
