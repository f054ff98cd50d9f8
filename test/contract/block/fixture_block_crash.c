/* SPDX-License-Identifier: ISC */
/* test/contract/block/fixture_block_crash.c - block-crash, around a disk in memory, in the BLOCK
 * suite: it must not be told from the disk below. */
#include "test_disk.h"
#include "block_crash.h"
#include "suite.h"

struct block_rig {
    struct test_disk disk;
    struct rung_block_crash crash;
    struct rung_block_crash_keys keys; /* as long as it is open */
    struct rung_platform *p;
    bool shuffle;
    uint8_t *bytes;
};

static struct block_rig *crash_make(struct rung_platform *p, const char *variant)
{
    struct block_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->shuffle = strcmp(variant, "shuffled") == 0;
    return rig;
}

static void crash_free(struct block_rig *rig)
{
    free(rig->bytes);
    free(rig);
}

static enum rung_err crash_open(struct block_rig *rig, const struct block_how *how,
                                struct rung_block **block)
{
    struct rung_block_crash_needs needs = {.block = &rig->disk.block};
    uint64_t size = how->sectors * how->sector_size;
    if (!rig->bytes)
        rig->bytes = calloc(1, size);
    assert_non_null(rig->bytes);
    test_disk_init(&rig->disk, rig->p, rig->bytes, size, how->sector_size,
                   how->read_only ? RUNG_BLOCK_IS_READONLY : RUNG_BLOCK_CAN_DISCARD);
    rig->disk.chance = rig->shuffle ? (uint32_t)test_seed() | 1 : 0;
    rig->keys = (struct rung_block_crash_keys){.slot = "block", .limit = UINT64_MAX};
    *block = &rig->crash.block;
    return rung_block_crash_open(&rig->crash, rig->p, &rig->keys, &needs);
}

static bool crash_unplug(struct block_rig *rig)
{
    rig->disk.read_err = rig->disk.write_err = rig->disk.flush_err = RUNG_E_DOWN;
    return true;
}

static const char *const crash_variants[] = {"plain", "shuffled", NULL};

const struct block_fixture block_fixture = {
    .module = "block-crash", .variants = crash_variants, .keeps = true, .heapless = true,
    .make = crash_make, .free = crash_free, .open = crash_open, .unplug = crash_unplug,
};
