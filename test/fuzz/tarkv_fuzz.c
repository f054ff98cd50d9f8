/* SPDX-License-Identifier: ISC */
/* test/fuzz/tarkv_fuzz.c - any disk for tarkv. The first byte chooses: 1: checksums are made right
 * in every block, so that what is behind them is tried; 2: without versions; 4: sectors of 4096
 * bytes. The rest is the disk, filled up with zeros. */
#include "store_fuzz.h"
#include "tarkv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_MEMORY = 65536 };

static void fuzz_sum(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        sum += block[i];
    if (sum == 8 * ' ')
        memset(block + 148, 0, 8); /* a block of zeros */
    else
        snprintf((char *)block + 148, 8, "%06o", sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536)
        return 0;
    uint32_t sector = data[0] & 4 ? 4096 : 512;
    size_t bytes = (size - 1 + sector - 1) / sector * sector;
    uint8_t *content = calloc(1, bytes + 1);
    struct rung_platform *p = rung_virtual_new(1);
    FUZZ_CHECK(content && p);
    memcpy(content, data + 1, size - 1);
    for (size_t at = 0; (data[0] & 1) && at < bytes; at += 512)
        fuzz_sum(content + at);
    struct test_disk disk;
    struct rung_tarkv store;
    struct rung_tarkv_keys keys = {
        .slot = "fuzz", .memory = FUZZ_MEMORY, .versions = !(data[0] & 2),
    };
    struct rung_tarkv_needs needs = {.block = &disk.block};
    test_disk_init(&disk, p, content, bytes, sector, RUNG_BLOCK_IS_READONLY);
    if (rung_tarkv_open(&store, p, &keys, &needs) == 0) {
        FUZZ_CHECK(store.memory <= FUZZ_MEMORY);
        FUZZ_CHECK(fuzz_all(p, &store.kv) == store.count);
        FUZZ_CHECK(fuzz_close(p, &store.kv) == 0);
    }
    FUZZ_CHECK(rung_virtual_heap_blocks(p) == 0);
    rung_virtual_free(p);
    free(content);
    return 0;
}
