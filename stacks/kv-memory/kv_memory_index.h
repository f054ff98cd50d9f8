/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory_index.h - what the files of kv-memory share; nobody else includes
 * it. */
#ifndef RUNG_KV_MEMORY_INDEX_H
#define RUNG_KV_MEMORY_INDEX_H

#include "kv_memory.h"

struct rung_kv_memory_value {
    size_t refs; /* the store's, and one for each time it is lent */
    size_t len;
    char version[14]; /* a counter in base 36, and its NUL: 36^13 > 2^64 */
    uint8_t data[];
};

struct rung_kv_memory_node {
    struct rung_kv_memory_value *value; /* NULL only inside a write */
    uint64_t hash;
    uint32_t refs; /* the index's, a list's that stands here, a write's */
    uint16_t key_len;
    uint8_t height;
    bool linked;                       /* in the index; else it waits for its last reference */
    struct rung_kv_memory_node *next[]; /* height links, then the key's bytes */
};

static inline const char *rung_kv_memory_key(const struct rung_kv_memory_node *node)
{
    return (const char *)&node->next[node->height];
}

static inline struct rung_kv_memory *rung_kv_memory_of(struct rung_kv *kv)
{
    return rung_container_of(kv, struct rung_kv_memory, kv);
}

/* The node of the key, or NULL. hash: rung_kv_memory_hash() of it. */
struct rung_kv_memory_node *rung_kv_memory_find(const struct rung_kv_memory *self, const char *key,
                                                size_t len, uint64_t hash);
uint64_t rung_kv_memory_hash(const struct rung_kv_memory *self, const char *key, size_t len);

/* The first key in order that is not before the given one; with beyond, the first behind it. */
struct rung_kv_memory_node *rung_kv_memory_seek(struct rung_kv_memory *self, const char *key,
                                                size_t len, bool beyond);

/* Puts a key into the index that is not there, without a value. NULL: no memory. */
struct rung_kv_memory_node *rung_kv_memory_insert(struct rung_kv_memory *self, const char *key,
                                                  size_t len, uint64_t hash);
/* Takes it out; it stays readable while there are references, and its next links are void. */
void rung_kv_memory_remove(struct rung_kv_memory *self, struct rung_kv_memory_node *node);
void rung_kv_memory_drop_node(struct rung_kv_memory *self, struct rung_kv_memory_node *node);
void rung_kv_memory_drop_value(struct rung_kv_memory *self, struct rung_kv_memory_value *value);

/* The operations that have a file of their own. */
void rung_kv_memory_write(struct rung_kv *kv, struct rung_kv_write *write);
void rung_kv_memory_list(struct rung_kv *kv, struct rung_kv_list *list);

#endif
