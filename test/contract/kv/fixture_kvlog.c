/* SPDX-License-Identifier: ISC */
/* test/contract/kv/fixture_kvlog.c - kvlog in the contract suite of KV, on a disk in memory that
 * finishes requests out of order. test/kvlog runs the suite once more, on a file. */
#include <stdlib.h>
#include <string.h>

#include "test_disk.h"
#include "kvlog.h"
#include "suite.h"

enum { FIXTURE_BYTES = 32 << 20 };

static struct test_disk disk;
static struct rung_kvlog store;
static struct rung_kvlog_keys keys;
static struct rung_kvlog_needs needs;
static uint8_t *bytes;

static void kvlog_clean(void)
{
    free(bytes);
    bytes = NULL;
}

static struct rung_kv *kvlog_open(struct rung_platform *p, enum kv_kind kind)
{
    if (kind != KV_AGAIN && kind != KV_FILLED) {
        kvlog_clean();
        bytes = calloc(1, FIXTURE_BYTES);
        assert_non_null(bytes);
    }
    if (kind == KV_FILLED)
        return NULL;
    test_disk_init(&disk, p, bytes, FIXTURE_BYTES, 512, 0);
    disk.chance = (uint32_t)test_seed() | 1;
    needs.block = &disk.block;
    keys = (struct rung_kvlog_keys){
        .slot = "store", .create = kind != KV_AGAIN, .memory = 64 << 20,
        .max_bytes = kind == KV_SMALL ? KV_SMALL_BYTES : 0,
    };
    assert_int_equal(rung_kvlog_open(&store, p, &keys, &needs), 0);
    return &store.kv;
}

const struct kv_fixture kv_fixture = {.name = "kvlog", .open = kvlog_open, .clean = kvlog_clean};
