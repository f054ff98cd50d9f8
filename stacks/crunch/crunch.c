/* SPDX-License-Identifier: ISC */
/* stacks/crunch/crunch.c - KV in the image; see crunch.h. */
#include "crunch.h"

#include <string.h>

enum { CRUNCH_LIST_TURN = 128 }; /* keys for one turn of the loop: others get their turn as well */

static struct rung_crunch *crunch_of(struct rung_kv *kv)
{
    return rung_container_of(kv, struct rung_crunch, kv);
}

static int crunch_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* The index of the first key that is not before the given one; with beyond, the first behind it. */
static size_t crunch_seek(const struct rung_crunch_image *image, const char *key, size_t len,
                          bool beyond)
{
    size_t low = 0, high = image->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct rung_crunch_entry *entry = &image->entries[mid];
        if (crunch_order(entry->key, entry->key_len, key, len) < (beyond ? 1 : 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void crunch_release(struct rung_buf *buf)
{
    (void)buf; /* the image stays */
}

static int crunch_lend(const struct rung_crunch_image *image, struct rung_kv_get *get)
{
    if (!rung_kv_key_portable(get->key, get->key_len))
        return RUNG_E_INVAL;
    size_t at = crunch_seek(image, get->key, get->key_len, false);
    if (at == image->count)
        return RUNG_E_NOTFOUND;
    const struct rung_crunch_entry *entry = &image->entries[at];
    if (crunch_order(entry->key, entry->key_len, get->key, get->key_len) != 0)
        return RUNG_E_NOTFOUND;
    bool gzip = (get->accept & RUNG_KV_GZIP) && entry->gzip.data;
    const struct rung_crunch_variant *variant = gzip ? &entry->gzip : &entry->plain;
    if (get->offset > variant->size)
        return RUNG_E_RANGE;
    size_t offset = (size_t)get->offset, left = variant->size - offset;
    get->value = (struct rung_buf){
        .data = variant->data + offset, .len = get->len < left ? get->len : left,
        .release = crunch_release,
    };
    get->size = variant->size;
    get->version = variant->version;
    get->type = entry->type;
    get->encoding = gzip ? RUNG_KV_GZIP : RUNG_KV_PLAIN;
    return RUNG_OK;
}

static void crunch_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct rung_crunch *self = crunch_of(kv);
    assert(get->op.done);
    rung_op_finish(self->p, &get->op, crunch_lend(self->image, get));
}

static void crunch_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    assert(write->op.done);
    rung_op_finish(crunch_of(kv)->p, &write->op, RUNG_E_READONLY);
}

static bool crunch_is_listed(const struct rung_crunch_image *image, size_t at,
                             const struct rung_kv_list *list)
{
    if (at >= image->count || image->entries[at].key_len < list->prefix_len)
        return false;
    return !list->prefix_len || !memcmp(image->entries[at].key, list->prefix, list->prefix_len);
}

/* The list stands at an index, kept in module[1]; op.result counts the keys on the way. */
static void crunch_list_turn(struct rung_task *task)
{
    struct rung_kv_list *list = rung_container_of(task, struct rung_kv_list, op.task);
    struct rung_crunch *self = list->module[0];
    size_t at = (size_t)(uintptr_t)list->module[1];
    bool go = true;
    for (unsigned n = 0; n < CRUNCH_LIST_TURN || !go; n++, at++) {
        bool more = crunch_is_listed(self->image, at, list);
        if (!more || !go || (list->limit && (uint32_t)list->op.result == list->limit)) {
            list->more = more;
            rung_op_finish(self->p, &list->op, list->op.result);
            return;
        }
        const struct rung_crunch_entry *entry = &self->image->entries[at];
        list->op.result++;
        go = list->each(list, entry->key, entry->key_len, entry->plain.size);
    }
    list->module[1] = (void *)(uintptr_t)at;
    rung_loop_defer(self->p, &list->op.task);
}

static void crunch_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    struct rung_crunch *self = crunch_of(kv);
    assert(list->op.done && list->each);
    size_t at = crunch_seek(self->image, list->prefix, list->prefix_len, false);
    if (list->after) {
        size_t behind = crunch_seek(self->image, list->after, list->after_len, true);
        at = behind > at ? behind : at;
    }
    list->op.cancel = NULL;
    list->op.result = 0;
    list->more = false;
    list->module[0] = self;
    list->module[1] = (void *)(uintptr_t)at;
    list->op.task.fn = crunch_list_turn;
    rung_loop_defer(self->p, &list->op.task);
}

static void crunch_close(struct rung_kv *kv, struct rung_op *op)
{
    rung_op_finish(crunch_of(kv)->p, op, RUNG_OK);
}

const struct rung_kv_ops rung_crunch_kv_ops = RUNG_KV_TABLE("crunch", crunch);

enum rung_err rung_crunch_open(struct rung_crunch *self, struct rung_platform *p,
                               const struct rung_crunch_keys *keys,
                               const struct rung_crunch_needs *needs)
{
    (void)needs;
    assert(keys->generated);
    *self = (struct rung_crunch){.p = p, .image = keys->generated};
    rung_kv_init(&self->kv, &rung_crunch_kv_ops);
    self->kv.info = (struct rung_kv_info){.caps = RUNG_KV_IS_READONLY | RUNG_KV_IN_PLACE};
    return RUNG_OK;
}
