/* SPDX-License-Identifier: ISC */
/* test/contract/kv/fixture_kv_memory.c - kv-memory in the contract suite of KV. */
#include "kv_memory.h"
#include "suite.h"

static struct rung_kv_memory store;
static struct rung_kv_memory_keys keys;
static const struct rung_kv_memory_needs needs;

static struct rung_kv *memory_open(struct rung_platform *p, enum kv_kind kind)
{
    if (kind == KV_AGAIN || kind == KV_FILLED)
        return NULL;
    keys = (struct rung_kv_memory_keys){
        .slot = "store", .max_bytes = kind == KV_SMALL ? KV_SMALL_BYTES : 0,
    };
    assert_int_equal(rung_kv_memory_open(&store, p, &keys, &needs), 0);
    return &store.kv;
}

const struct kv_fixture kv_fixture = {.name = "kv-memory", .open = memory_open};
