/* SPDX-License-Identifier: ISC */
/* test/contract/block/fixture_blkfront.c - blkfront in the BLOCK suite, in a Unix process: on the
 * fake hypervisor of test/xen-fake, with a strict back end. Each rig is a disk of its own in one
 * guest; the back ends differ in what they offer. */
#include "blkback.h"
#include "blkfront.h"
#include "suite.h"

struct block_rig {
    struct rung_blkfront disk;
    struct rung_blkfront_keys keys; /* as long as it is open */
    struct rung_platform *p;
    struct blkback *back;           /* from the first open on */
    const char *variant;
    char id[16];
};

static struct { /* the one guest, and how many rigs there are in it */
    struct fake *fake;
    unsigned rigs, next;
} guest;

static const char *const blkfront_variants[] = {
    "all", "bare", "persistent", "untrusted", "shuffled", NULL,
};

static bool blkfront_is(const struct block_rig *rig, const char *variant)
{
    return strcmp(rig->variant, variant) == 0;
}

static struct block_rig *blkfront_make(struct rung_platform *p, const char *variant)
{
    struct block_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->variant = variant;
    if (!guest.rigs++) {
        guest.fake = fake_new(p, NULL);
        guest.next = 0;
    }
    snprintf(rig->id, sizeof(rig->id), "%u", 51712 + 16 * guest.next++);
    return rig;
}

static void blkfront_free(struct block_rig *rig)
{
    if (rig->back)
        blkback_free(rig->back);
    if (!--guest.rigs)
        fake_free(guest.fake);
    free(rig);
}

static void blkfront_plug(struct block_rig *rig, const struct block_how *how)
{
    bool bare = blkfront_is(rig, "bare");
    struct blkback_config config = {
        .sectors = how->sectors * (how->sector_size / 512), .sector_size = how->sector_size,
        .flush = !bare, .discard = !bare, .max_segments = bare ? 0 : 256,
        .max_order = bare ? 0 : 4, .persistent = blkfront_is(rig, "persistent"),
        .untrusted = blkfront_is(rig, "untrusted"), .granularity = how->sector_size,
    };
    rig->back = blkback_new(guest.fake, rig->id, &config);
    if (blkfront_is(rig, "shuffled"))
        rig->back->shuffle = test_seed() | 1;
}

static enum rung_err blkfront_open(struct block_rig *rig, const struct block_how *how,
                                   struct rung_block **block)
{
    struct rung_blkfront_needs needs = {0};
    if (!rig->back)
        blkfront_plug(rig, how);
    rig->keys = (struct rung_blkfront_keys){
        .slot = "block", .device = rig->id, .wait = 10 * UINT64_C(1000000000),
        .read_only = how->read_only, .ring_pages = 2, .persistent = blkfront_is(rig, "persistent"),
    };
    *block = &rig->disk.block;
    return rung_blkfront_open(&rig->disk, rig->p, &rig->keys, &needs);
}

static bool blkfront_shrink(struct block_rig *rig, uint64_t sectors)
{
    rig->back->limit = sectors * (rig->disk.block.info.sector_size / 512);
    return true;
}

static bool blkfront_unplug(struct block_rig *rig)
{
    fake_backend_stop(&rig->back->device);
    fake_device_remove(guest.fake, "vbd", rig->id);
    return true;
}

const struct block_fixture block_fixture = {
    .module = "blkfront", .variants = blkfront_variants, .keeps = true,
    .make = blkfront_make, .free = blkfront_free, .open = blkfront_open,
    .shrink = blkfront_shrink, .unplug = blkfront_unplug,
};
