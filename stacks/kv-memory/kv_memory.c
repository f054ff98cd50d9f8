/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory.c - KV in memory: get, opening and closing; see kv_memory.h. */
#include "kv_memory.h"

#include <string.h>

#include "kv_memory_index.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

enum {
    MEM_FIRST_SLOTS = 64,
    MEM_TOGETHER = 32, /* gets; a processor waits for about so many cache lines at once */
    MEM_MAX_BATCH = 16384, /* a batch runs to its end at once; this keeps it to some milliseconds */
};

static void mem_release(struct rung_buf *buf)
{
    struct rung_kv_get *get = rung_container_of(buf, struct rung_kv_get, value);
    rung_kv_memory_drop_value(get->module[0], get->module[1]);
}

static int mem_lend(struct rung_kv_memory *self, struct rung_kv_get *get,
                    struct rung_kv_memory_node *node)
{
    if (!node)
        return RUNG_E_NOTFOUND;
    struct rung_kv_memory_value *value = node->value;
    if (get->offset > value->len)
        return RUNG_E_RANGE;
    size_t offset = (size_t)get->offset, left = value->len - offset;
    value->refs++;
    get->value = (struct rung_buf){
        .data = value->data + offset, .len = get->len < left ? get->len : left,
        .release = mem_release,
    };
    get->size = value->len;
    get->version = value->version;
    get->module[0] = self;
    get->module[1] = value;
    return RUNG_OK;
}

/* One step for all gets, then the next: in a large store each step is a cache miss, and the misses
 * of many gets overlap. get->size holds the hash until it is the size. */
static void mem_get_some(struct rung_kv_memory *self, struct rung_kv_get *gets[], unsigned n)
{
    struct rung_kv_memory_node *nodes[MEM_TOGETHER];
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(self->slots[gets[i]->size & self->mask].node);
    for (unsigned i = 0; i < n; i++) {
        nodes[i] = rung_kv_memory_find(self, gets[i]->key, gets[i]->key_len, gets[i]->size);
        if (nodes[i])
            __builtin_prefetch(nodes[i]->value);
    }
    for (unsigned i = 0; i < n; i++)
        gets[i]->op.result = mem_lend(self, gets[i], nodes[i]);
    for (unsigned i = 0; i < n; i++) /* from here on the store may change under our feet */
        gets[i]->op.done(&gets[i]->op, gets[i]->op.result);
}

static void mem_get_work(struct rung_task *task)
{
    struct rung_kv_memory *self = rung_container_of(task, struct rung_kv_memory, work);
    struct rung_kv_get *get = self->gets, *together[MEM_TOGETHER];
    self->gets = NULL;
    self->gets_end = &self->gets;
    while (get) {
        unsigned n = 0;
        for (; get && n < MEM_TOGETHER; get = get->module[0])
            together[n++] = get;
        mem_get_some(self, together, n);
    }
}

static void rung_kv_memory_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct rung_kv_memory *self = rung_kv_memory_of(kv);
    assert(get->op.done);
    get->op.cancel = NULL;
    get->type = NULL;
    get->encoding = RUNG_KV_PLAIN;
    if (get->key_len < 1 || get->key_len > RUNG_KV_KEY_MAX) {
        rung_op_finish(self->p, &get->op, RUNG_E_INVAL);
        return;
    }
    get->size = rung_kv_memory_hash(self, get->key, get->key_len);
    __builtin_prefetch(&self->slots[get->size & self->mask]);
    get->module[0] = NULL;
    *self->gets_end = get;
    self->gets_end = &get->module[0];
    rung_loop_defer(self->p, &self->work);
}

static void rung_kv_memory_close(struct rung_kv *kv, struct rung_op *op)
{
    struct rung_kv_memory *self = rung_kv_memory_of(kv);
    assert(!self->gets);
    for (struct rung_kv_memory_node *node = self->first[0], *next; node; node = next) {
        next = node->next[0];
        assert(node->refs == 1 && node->value->refs == 1);
        rung_free(self->p, node->value);
        rung_free(self->p, node);
    }
    rung_free(self->p, self->slots);
    self->slots = NULL;
    rung_op_finish(self->p, op, RUNG_OK);
}

const struct rung_kv_ops rung_kv_memory_kv_ops =
    RUNG_KV_TABLE("kv-memory", rung_kv_memory);

enum rung_err rung_kv_memory_open(struct rung_kv_memory *self, struct rung_platform *p,
                                  const struct rung_kv_memory_keys *keys,
                                  const struct rung_kv_memory_needs *needs)
{
    (void)needs;
    struct rung_kv_memory_slot *slots = rung_zalloc(p, MEM_FIRST_SLOTS, sizeof(*slots));
    if (!slots) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "no memory for the store: give more memory");
        return RUNG_E_NOMEM;
    }
    *self = (struct rung_kv_memory){
        .p = p, .max_bytes = rung_kv_memory_key_max_bytes(keys), .slots = slots,
        .mask = MEM_FIRST_SLOTS - 1, .work = {.fn = mem_get_work},
    };
    self->gets_end = &self->gets;
    rung_entropy_fill(p, self->seed, sizeof(self->seed));
    rung_entropy_fill(p, &self->versions, sizeof(self->versions)); /* others after a restart */
    self->versions >>= 1;
    rung_kv_init(&self->kv, &rung_kv_memory_kv_ops);
    self->kv.info = (struct rung_kv_info){
        .caps = RUNG_KV_ANY_KEY | RUNG_KV_IN_PLACE, .max_batch = MEM_MAX_BATCH,
        .max_value = PTRDIFF_MAX / 2,
    };
    if (self->max_bytes && self->max_bytes < self->kv.info.max_value)
        self->kv.info.max_value = self->max_bytes;
    return RUNG_OK;
}
