/* SPDX-License-Identifier: ISC */
/* test/contract/kv/fixture_tarkv.c - tarkv in the contract suite of KV, with what the host's tar
 * makes of crunch-content, on a disk in memory that finishes requests out of order. */
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"
#include "tarkv.h"
#include "test_disk.h"

enum { FIXTURE_BYTES = 1 << 20 };

static struct test_disk disk;
static struct rung_tarkv store;
static struct rung_tarkv_keys keys;
static struct rung_tarkv_needs needs;
static uint8_t *bytes;

static void tarkv_clean(void)
{
    free(bytes);
    bytes = NULL;
}

static struct rung_kv *tarkv_open(struct rung_platform *p, enum kv_kind kind)
{
    if (kind != KV_FILLED)
        return NULL;
    tarkv_clean();
    FILE *tar = popen("tar -C " RUNG_TEST_SOURCE_DIR "/contract/kv/crunch-content -cf - .", "r");
    assert_non_null(tar);
    bytes = calloc(1, FIXTURE_BYTES);
    assert_non_null(bytes);
    size_t len = fread(bytes, 1, FIXTURE_BYTES, tar);
    assert_int_equal(pclose(tar), 0);
    assert_true(len > 0 && len < FIXTURE_BYTES);
    test_disk_init(&disk, p, bytes, FIXTURE_BYTES, 512, RUNG_BLOCK_IS_READONLY);
    disk.chance = (uint32_t)test_seed() | 1;
    needs.block = &disk.block;
    keys = (struct rung_tarkv_keys){.slot = "store", .memory = 1 << 20, .versions = true};
    assert_int_equal(rung_tarkv_open(&store, p, &keys, &needs), 0);
    return &store.kv;
}

const struct kv_fixture kv_fixture = {.name = "tarkv", .open = tarkv_open, .clean = tarkv_clean};
