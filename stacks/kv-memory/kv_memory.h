/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory.h - KV in memory: empty when opened, gone when closed.
 * Model    A hash table finds a key, a skip list keeps keys in order. A write happens inside the
 *          call that starts it, as a whole or not at all; its done() follows. Gets are carried out
 *          together on the loop's next turn, so that they wait for the machine's memory together.
 *          Values are counted references: one that is lent outlives being overwritten. Takes any
 *          key.
 * Units    Bytes for max-bytes: of keys, values and what is kept beside each, without the hash
 *          table.
 * Owner    The state is the opener's; all else is on the heap until close is done. Values that are
 *          lent and no longer in the store do not count towards max-bytes.
 * Context  The loop.
 * Errors   open: NOMEM. Requests: as kv.h says; FULL beyond max-bytes. */
#ifndef RUNG_KV_MEMORY_H
#define RUNG_KV_MEMORY_H

#include "kv_memory_module.h"
#include "rung/kv.h"

/* A skip list of 12 levels in which every fourth key rises a level is good for 4^12 keys and
 * more. */
#define RUNG_KV_MEMORY_LEVELS 12u

struct rung_kv_memory_node; /* a key; see kv_memory_index.h */
struct rung_kv_memory_slot {
    uint64_t hash;
    struct rung_kv_memory_node *node; /* NULL: free */
};

struct rung_kv_memory {
    struct rung_kv kv;
    struct rung_platform *p;
    uint64_t max_bytes, used_bytes; /* max_bytes 0: no bound */
    uint64_t versions;              /* the last given out; the first is anyone's guess */
    uint64_t seed[2];               /* of the hash, so that nobody can choose keys that collide */
    struct rung_kv_memory_slot *slots;
    size_t mask, count; /* slots less one, keys */
    struct rung_kv_memory_node *first[RUNG_KV_MEMORY_LEVELS];
    void *gets, **gets_end; /* struct rung_kv_get, submitted, linked by module[0] */
    struct rung_task work;
};

enum rung_err rung_kv_memory_open(struct rung_kv_memory *self, struct rung_platform *p,
                                  const struct rung_kv_memory_keys *keys,
                                  const struct rung_kv_memory_needs *needs);

#endif
