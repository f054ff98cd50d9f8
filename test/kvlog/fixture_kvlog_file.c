/* SPDX-License-Identifier: ISC */
/* test/kvlog/fixture_kvlog_file.c - kvlog on block-file in the contract suite of KV, as programs on
 * Unix have it. The disk is closed behind the store; a filled one is opened read-only. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block_file.h"
#include "kvlog.h"
#include "suite.h"

/* The key's word for worker threads: valgrind does not see what io_uring writes. */
enum { ENGINE_THREADS = 2 };

static struct rung_block_file disk;
static struct rung_block_file_keys disk_keys;
static const struct rung_block_file_needs disk_needs;
static struct rung_kvlog store;
static struct rung_kvlog_keys keys;
static struct rung_kvlog_needs needs;
static char path[64];

static void file_clean(void)
{
    if (path[0])
        unlink(path);
    path[0] = 0;
}

static struct rung_kv *file_open(struct rung_platform *p, enum kv_kind kind)
{
    if (kind == KV_FILLED)
        return NULL;
    if (kind != KV_AGAIN) {
        file_clean();
        strcpy(path, "contract-kvlog-XXXXXX");
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
    }
    disk_keys = (struct rung_block_file_keys){
        .slot = "store.block", .path = path, .size = 64 << 20, .depth = 4,
        .engine = getenv("RUNG_TEST_SLOW") ? ENGINE_THREADS : 0,
    };
    assert_int_equal(rung_block_file_open(&disk, p, &disk_keys, &disk_needs), 0);
    needs.block = &disk.block;
    keys = (struct rung_kvlog_keys){
        .slot = "store", .create = kind != KV_AGAIN,
        .max_bytes = kind == KV_SMALL ? KV_SMALL_BYTES : 0,
    };
    assert_int_equal(rung_kvlog_open(&store, p, &keys, &needs), 0);
    return kv_on_disk(&store.kv, &disk.block);
}

const struct kv_fixture kv_fixture = {.name = "kvlog-file", .open = file_open, .clean = file_clean};
