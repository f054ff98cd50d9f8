/* SPDX-License-Identifier: ISC */
/* test/fuzz/kvlog_fuzz.c - any disk for kvlog, with sums that are always right (kvlog_no_sum.c).
 * The first byte chooses: 1: salvage; 2: a read-only disk; 4: sectors of 4096 bytes; 8: the second
 * superblock is damaged. Then come the 80 bytes of a superblock that are no zeros, then what the
 * ring begins with. The disk has 272 KiB. What opens is listed, got, checked, written to,
 * compacted, closed and opened again. */
#include "kvlog.h"
#include "kvlog_format.h"
#include "store_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_BYTES = 278528, FUZZ_SUPER = 80, FUZZ_MEMORY = 1 << 20 };

struct fuzz {
    struct rung_platform *p;
    struct test_disk disk;
    struct rung_kvlog store;
    struct rung_kvlog_keys keys;
    struct rung_kvlog_needs needs;
    uint8_t bytes[FUZZ_BYTES];
};

static void fuzz_write(struct fuzz *f, const char *key, const char *text)
{
    struct rung_vec vec = {.len = text ? strlen(text) : 0};
    char copy[64];
    vec.base = copy;
    if (text)
        memcpy(copy, text, vec.len);
    struct rung_kv_change change = {
        .key = key, .key_len = strlen(key), .value = text ? &vec : NULL, .value_count = 1,
    };
    struct fuzz_wait wait = {
        .u.write = {.op = {.done = fuzz_done}, .change = &change, .change_count = 1},
    };
    rung_kv_write(&f->store.kv, &wait.u.write);
    int result = fuzz_run(f->p, &wait);
    if (!result)
        FUZZ_CHECK(fuzz_get(f->p, &f->store.kv, key, strlen(key), 0, RUNG_KV_ALL)
                   == (text ? 0 : RUNG_E_NOTFOUND));
}

static void fuzz_use(struct fuzz *f)
{
    struct rung_kvlog_check check = {.found = NULL};
    fuzz_all(f->p, &f->store.kv);
    rung_kvlog_check(&f->store, &check);
    fuzz_write(f, "key", "value");
    fuzz_write(f, "a", "a value of some more bytes than that one");
    fuzz_write(f, "key", NULL);
    struct fuzz_wait wait = {.u.op = {.done = fuzz_done}};
    rung_kvlog_compact(&f->store, &wait.u.op);
    fuzz_run(f->p, &wait);
    fuzz_all(f->p, &f->store.kv);
    FUZZ_CHECK(f->store.index.memory <= FUZZ_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz f; /* big; set up anew for each input */
    if (size < 1 + FUZZ_SUPER || size - 1 - FUZZ_SUPER > FUZZ_BYTES - KVLOG_RING_AT)
        return 0;
    f.p = rung_virtual_new(1);
    FUZZ_CHECK(f.p);
    memset(f.bytes, 0, sizeof(f.bytes));
    memcpy(f.bytes, data + 1, FUZZ_SUPER);
    if (!(data[0] & 8))
        memcpy(f.bytes + KVLOG_SUPER_STEP, data + 1, FUZZ_SUPER);
    memcpy(f.bytes + KVLOG_RING_AT, data + 1 + FUZZ_SUPER, size - 1 - FUZZ_SUPER);
    f.keys = (struct rung_kvlog_keys){.slot = "fuzz", .memory = FUZZ_MEMORY,
                                      .salvage = data[0] & 1};
    f.needs.block = &f.disk.block;
    for (unsigned i = 0; i < 2; i++) {
        test_disk_init(&f.disk, f.p, f.bytes, FUZZ_BYTES, data[0] & 4 ? 4096 : 512,
                       data[0] & 2 ? RUNG_BLOCK_IS_READONLY : 0);
        if (rung_kvlog_open(&f.store, f.p, &f.keys, &f.needs) == 0) {
            fuzz_use(&f);
            fuzz_close(f.p, &f.store.kv);
        }
        FUZZ_CHECK(rung_virtual_heap_blocks(f.p) == 0);
    }
    rung_virtual_free(f.p);
    return 0;
}
