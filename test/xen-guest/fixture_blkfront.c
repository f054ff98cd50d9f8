/* SPDX-License-Identifier: ISC */
/* test/xen-guest/fixture_blkfront.c - blkfront on a real Xen in the BLOCK suite: disks that Linux's
 * blkback serves, each from something else in dom0 (test/xen/test_guest.py). They are larger than
 * any case wants: a rig is the first part of one. A second rig has a spare disk. */
#include "blkfront.h"
#include "suite.h"
#include "test_platform_xen.h"

struct block_rig {
    struct rung_blkfront disk;
    struct rung_blkfront_keys keys; /* as long as it is open */
    struct rung_platform *p;
    const char *variant;
    bool spare;
};

static unsigned rigs;

static const struct {
    const char *variant, *device;
    bool persistent;
} disks[] = {
    {"file", "xvda", true}, {"loop", "xvdb", false}, {"disk", "xvdc", true},
    {"large", "xvdd", true}, {"large-lent", "xvdd", false},
};

static const char *const variants[] = {"file", "loop", "disk", "large", "large-lent", NULL};

static struct block_rig *fix_make(struct rung_platform *p, const char *variant)
{
    struct block_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->variant = variant;
    rig->spare = rigs++ > 0;
    return rig;
}

static void fix_free(struct block_rig *rig)
{
    rigs--;
    free(rig);
}

static enum rung_err fix_open(struct block_rig *rig, const struct block_how *how,
                              struct rung_block **block)
{
    struct rung_blkfront_needs needs = {0};
    bool large = how->sector_size == 4096;
    unsigned i = 0;
    while (strcmp(disks[i].variant, rig->variant) != 0)
        i++;
    if (large != (strncmp(rig->variant, "large", 5) == 0))
        return RUNG_E_NOTSUP;
    const char *spare = large ? "xvdf" : "xvde";
    rig->keys = (struct rung_blkfront_keys){
        .slot = "block", .wait = 10 * UINT64_C(1000000000),
        .device = rig->spare ? spare : disks[i].device, .read_only = how->read_only,
        .ring_pages = 2, .persistent = disks[i].persistent,
    };
    enum rung_err err = rung_blkfront_open(&rig->disk, rig->p, &rig->keys, &needs);
    if (err)
        return err;
    *block = &rig->disk.block;
    assert_int_equal(rig->disk.block.info.sector_size, how->sector_size);
    assert_true(rig->disk.block.info.sectors >= how->sectors);
    rig->disk.block.info.sectors = how->sectors;
    return RUNG_OK;
}

/* The store answers in its own time. */
static void fix_settle(struct block_rig *rig)
{
    test_platform_settle(rig->p);
}

const struct block_fixture block_fixture = {
    .module = "blkfront", .variants = variants, .keeps = true, .settle = fix_settle,
    .make = fix_make, .free = fix_free, .open = fix_open,
};
