/* SPDX-License-Identifier: ISC */
/* test/xen-guest/fixture_kvlog.c - kvlog over blkfront, on a real Xen, in the contract suite of KV.
 * A disk that was used before is made empty at its start, where a store says what it is. */
#include "blkfront.h"
#include "kvlog.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum { WIPED = 256 << 10 };

static struct rung_blkfront disk;
static struct rung_blkfront_keys disk_keys;
static struct rung_kvlog store;
static struct rung_kvlog_keys keys;
static struct rung_kvlog_needs needs;

struct wipe {
    struct rung_block_req req;
    bool done;
};

static void wipe_on_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    assert_int_equal(result, 0);
    rung_container_of(req, struct wipe, req)->done = true;
}

static bool wipe_is_done(void *arg)
{
    return ((struct wipe *)arg)->done;
}

static void fix_wipe(struct rung_platform *p)
{
    uint8_t *zeros = calloc(1, WIPED + RUNG_BLOCK_ALIGN);
    assert_non_null(zeros);
    uint8_t *aligned = zeros + (RUNG_BLOCK_ALIGN - (uintptr_t)zeros % RUNG_BLOCK_ALIGN);
    struct rung_vec vec = {aligned, WIPED};
    struct wipe wipe = {.req = {.op.done = wipe_on_done, .kind = RUNG_BLOCK_WRITE, .vec = &vec,
                                .vec_count = 1}};
    rung_block_submit(&disk.block, &wipe.req);
    test_run_until(p, wipe_is_done, &wipe);
    free(zeros);
}

static struct rung_kv *fix_open(struct rung_platform *p, enum kv_kind kind)
{
    static const struct rung_blkfront_needs disk_needs;
    if (kind == KV_FILLED)
        return NULL;
    disk_keys = (struct rung_blkfront_keys){
        .slot = "store.block", .device = "xvdb", .wait = 10 * UINT64_C(1000000000),
        .ring_pages = 4, .persistent = true,
    };
    assert_int_equal(rung_blkfront_open(&disk, p, &disk_keys, &disk_needs), 0);
    if (kind != KV_AGAIN)
        fix_wipe(p);
    needs.block = &disk.block;
    keys = (struct rung_kvlog_keys){
        .slot = "store", .create = kind != KV_AGAIN,
        .max_bytes = kind == KV_SMALL ? KV_SMALL_BYTES : 0,
    };
    assert_int_equal(rung_kvlog_open(&store, p, &keys, &needs), 0);
    return kv_on_disk(&store.kv, &disk.block);
}

const struct kv_fixture kv_fixture = {.name = "kvlog-blkfront", .open = fix_open};
