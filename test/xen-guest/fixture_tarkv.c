/* SPDX-License-Identifier: ISC */
/* test/xen-guest/fixture_tarkv.c - tarkv over blkfront, on a real Xen, in the contract suite of KV.
 * test/xen/test_guest.py has put on the disk what its tar makes of crunch-content. */
#include "blkfront.h"
#include "suite.h"
#include "tarkv.h"

static struct rung_blkfront disk;
static struct rung_blkfront_keys disk_keys;
static struct rung_tarkv store;
static struct rung_tarkv_keys keys;
static struct rung_tarkv_needs needs;

static struct rung_kv *fix_open(struct rung_platform *p, enum kv_kind kind)
{
    static const struct rung_blkfront_needs disk_needs;
    if (kind != KV_FILLED)
        return NULL;
    disk_keys = (struct rung_blkfront_keys){
        .slot = "store.block", .device = "xvda", .wait = 10 * UINT64_C(1000000000),
        .read_only = true, .ring_pages = 1, .persistent = true,
    };
    assert_int_equal(rung_blkfront_open(&disk, p, &disk_keys, &disk_needs), 0);
    needs.block = &disk.block;
    keys = (struct rung_tarkv_keys){.slot = "store", .memory = 1 << 20, .versions = true};
    assert_int_equal(rung_tarkv_open(&store, p, &keys, &needs), 0);
    return kv_on_disk(&store.kv, &disk.block);
}

const struct kv_fixture kv_fixture = {.name = "tarkv-blkfront", .open = fix_open};
