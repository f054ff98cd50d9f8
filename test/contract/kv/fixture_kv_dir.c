/* SPDX-License-Identifier: ISC */
/* test/contract/kv/fixture_kv_dir.c - kv-dir in the contract suite of KV. RUNG_TEST_NO_OPENAT2 in
 * the environment: as on a kernel without openat2(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kv_dir.h"
#include "suite.h"

static struct rung_kv_dir store;
static struct rung_kv_dir_keys keys;
static const struct rung_kv_dir_needs needs;
static char folder[64];

static void dir_clean(void)
{
    char command[128];
    if (!folder[0])
        return;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    folder[0] = 0;
}

/* A file system of its own that is soon full, if we may. The open store keeps it alive. */
static bool dir_mount_small(void)
{
    char size[32];
    snprintf(size, sizeof(size), "size=%u", KV_SMALL_BYTES);
    return mount("rung-test", folder, "tmpfs", 0, size) == 0;
}

static struct rung_kv *dir_open(struct rung_platform *p, enum kv_kind kind)
{
    bool again = kind == KV_AGAIN, filled = kind == KV_FILLED, mounted = false;
    if (!again && !filled) {
        strcpy(folder, "/tmp/rung-kv-dir-XXXXXX");
        assert_non_null(mkdtemp(folder));
        mounted = kind == KV_SMALL && dir_mount_small();
        if (kind == KV_SMALL && !mounted) {
            dir_clean();
            return NULL;
        }
    }
    keys = (struct rung_kv_dir_keys){
        .slot = "store",
        .path = filled ? RUNG_TEST_SOURCE_DIR "/contract/kv/crunch-content" : folder,
        .sync = kind != KV_FAST, .read_only = filled,
    };
    assert_int_equal(rung_kv_dir_open(&store, p, &keys, &needs), 0);
    if (mounted)
        assert_int_equal(umount2(folder, MNT_DETACH), 0);
    if (getenv("RUNG_TEST_NO_OPENAT2"))
        store.beneath = false;
    return &store.kv;
}

const struct kv_fixture kv_fixture = {.name = "kv-dir", .open = dir_open, .clean = dir_clean};
