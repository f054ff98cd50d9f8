/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory_write.c - write: changes are made in order and noted; when one fails,
 * the notes take all of them back. Nothing else runs in between, so nobody sees half a batch, and
 * taking back needs no memory. */
#include <string.h>

#include "kv_memory_index.h"
#include "rung/heap.h"

enum { MEM_FORESEEN = 32 }; /* changes; see MEM_TOGETHER in kv_memory.c */

struct mem_note {
    struct rung_kv_memory_node *node; /* a reference; NULL: the change had nothing to do */
    struct rung_kv_memory_value *old;
};

static uint64_t mem_cost(const struct rung_kv_memory_node *node,
                         const struct rung_kv_memory_value *value)
{
    if (!value)
        return 0;
    return sizeof(*node) + node->height * sizeof(node->next[0]) + node->key_len + sizeof(*value)
           + value->len;
}

static void mem_version(char text[14], uint64_t number)
{
    char *at = text + 13;
    *at = 0;
    do {
        *--at = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
        number /= 36;
    } while (number);
    memmove(text, at, (size_t)(text + 14 - at));
}

/* A copy of the pieces, len bytes together. NULL: no memory. */
static struct rung_kv_memory_value *mem_copy(struct rung_kv_memory *self,
                                             const struct rung_kv_change *change, size_t len)
{
    struct rung_kv_memory_value *value = rung_alloc(self->p, sizeof(*value) + len);
    if (!value)
        return NULL;
    value->refs = 1;
    value->len = len;
    mem_version(value->version, ++self->versions);
    uint8_t *to = value->data;
    for (unsigned i = 0; i < change->value_count; i++) {
        if (change->value[i].len)
            memcpy(to, change->value[i].base, change->value[i].len);
        to += change->value[i].len;
    }
    return value;
}

static int mem_check(const struct rung_kv_memory *self, const struct rung_kv_change *change,
                     size_t *len)
{
    *len = 0;
    if (change->key_len < 1 || change->key_len > RUNG_KV_KEY_MAX)
        return RUNG_E_INVAL;
    for (unsigned i = 0; change->value && i < change->value_count; i++) {
        if (change->value[i].len > self->kv.info.max_value - *len)
            return RUNG_E_TOOBIG;
        *len += change->value[i].len;
    }
    return RUNG_OK;
}

static void mem_exchange(struct rung_kv_memory *self, struct rung_kv_memory_node *node,
                         struct rung_kv_memory_value *value)
{
    self->used_bytes -= mem_cost(node, node->value);
    self->used_bytes += mem_cost(node, value);
    node->value = value;
}

/* hash: of the key, if that is of a good length. */
static int mem_change(struct rung_kv_memory *self, const struct rung_kv_change *change,
                      uint64_t hash, struct mem_note *note)
{
    size_t len;
    struct rung_kv_memory_value *value = NULL;
    *note = (struct mem_note){0};
    int err = mem_check(self, change, &len);
    if (err)
        return err;
    struct rung_kv_memory_node *node =
        rung_kv_memory_find(self, change->key, change->key_len, hash);
    if (!change->value && !node)
        return RUNG_OK;
    if (change->value) {
        value = mem_copy(self, change, len);
        if (!value)
            return RUNG_E_NOMEM;
        if (!node)
            node = rung_kv_memory_insert(self, change->key, change->key_len, hash);
        if (!node) {
            rung_kv_memory_drop_value(self, value);
            return RUNG_E_NOMEM;
        }
    }
    node->refs++;
    *note = (struct mem_note){.node = node, .old = node->value};
    mem_exchange(self, node, value);
    return RUNG_OK;
}

/* Drops what n changes, made or taken back, have left over: old or new values, keys without one. */
static void mem_settle(struct rung_kv_memory *self, struct mem_note notes[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct rung_kv_memory_node *node = notes[i].node;
        rung_kv_memory_drop_value(self, notes[i].old);
        if (!node)
            continue;
        if (!node->value && node->linked)
            rung_kv_memory_remove(self, node);
        rung_kv_memory_drop_node(self, node);
    }
}

/* The hashes of some changes' keys, and what those changes will look at on its way from memory, one
 * step for all, then the next, as gets do it. What is fetched for nothing does no harm. */
static void mem_foresee(const struct rung_kv_memory *self, const struct rung_kv_change *change,
                        unsigned n, uint64_t hashes[])
{
    for (unsigned i = 0; i < n; i++) {
        bool good = change[i].key_len >= 1 && change[i].key_len <= RUNG_KV_KEY_MAX;
        hashes[i] = good ? rung_kv_memory_hash(self, change[i].key, change[i].key_len) : 0;
        __builtin_prefetch(&self->slots[hashes[i] & self->mask]);
    }
    for (unsigned i = 0; i < n && n > 1; i++)
        __builtin_prefetch(self->slots[hashes[i] & self->mask].node);
    for (unsigned i = 0; i < n && n > 1; i++) {
        const struct rung_kv_memory_node *node = self->slots[hashes[i] & self->mask].node;
        if (node)
            __builtin_prefetch(node->value);
    }
}

static int mem_batch(struct rung_kv_memory *self, const struct rung_kv_write *write,
                     struct mem_note notes[])
{
    uint64_t before = self->used_bytes;
    uint64_t hashes[MEM_FORESEEN];
    unsigned n = 0, left;
    int err = RUNG_OK;
    for (; (left = write->change_count - n) > 0 && !err; n += !err) {
        if (n % MEM_FORESEEN == 0)
            mem_foresee(self, &write->change[n], left < MEM_FORESEEN ? left : MEM_FORESEEN,
                        hashes);
        err = mem_change(self, &write->change[n], hashes[n % MEM_FORESEEN], &notes[n]);
    }
    /* Only growth is refused: a store that is full must still shrink. */
    if (!err && self->max_bytes && self->used_bytes > self->max_bytes && self->used_bytes > before)
        err = RUNG_E_FULL;
    for (unsigned i = n; err && i-- > 0;) {
        if (!notes[i].node)
            continue;
        struct rung_kv_memory_value *made = notes[i].node->value;
        mem_exchange(self, notes[i].node, notes[i].old);
        notes[i].old = made;
    }
    mem_settle(self, notes, n);
    return err;
}

void rung_kv_memory_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    struct rung_kv_memory *self = rung_kv_memory_of(kv);
    struct mem_note few[8], *notes = few;
    int err;
    assert(write->op.done);
    if (write->change_count < 1 || write->change_count > kv->info.max_batch) {
        rung_op_finish(self->p, &write->op, RUNG_E_LIMIT);
        return;
    }
    if (write->change_count > RUNG_ARRAY_LEN(few))
        notes = rung_alloc(self->p, write->change_count * sizeof(*notes));
    err = notes ? mem_batch(self, write, notes) : RUNG_E_NOMEM;
    if (notes != few)
        rung_free(self->p, notes);
    rung_op_finish(self->p, &write->op, err);
}
