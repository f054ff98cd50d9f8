/* SPDX-License-Identifier: ISC */
/* test/contract/block/fixture_block_ram.c - block-ram in the BLOCK suite. It has no faults to
 * offer: nothing can go wrong with it. */
#include "block_ram.h"
#include "suite.h"

struct block_rig {
    struct rung_block_ram disk;
    struct rung_block_ram_keys keys; /* as long as it is open */
    struct rung_platform *p;
    bool shuffle;
};

static struct block_rig *ram_make(struct rung_platform *p, const char *variant)
{
    struct block_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->shuffle = strcmp(variant, "shuffled") == 0;
    return rig;
}

static void ram_free(struct block_rig *rig)
{
    free(rig);
}

static enum rung_err ram_open(struct block_rig *rig, const struct block_how *how,
                              struct rung_block **block)
{
    struct rung_block_ram_needs needs = {0};
    if (how->read_only)
        return RUNG_E_NOTSUP;
    rig->keys = (struct rung_block_ram_keys){
        .slot = "block", .size = how->sectors * how->sector_size,
        .sector_size = how->sector_size == 4096,
        .shuffle = rig->shuffle ? (uint32_t)test_seed() | 1 : 0,
    };
    *block = &rig->disk.block;
    return rung_block_ram_open(&rig->disk, rig->p, &rig->keys, &needs);
}

static const char *const ram_variants[] = {"plain", "shuffled", NULL};

const struct block_fixture block_fixture = {
    .module = "block-ram", .variants = ram_variants,
    .make = ram_make, .free = ram_free, .open = ram_open,
};
