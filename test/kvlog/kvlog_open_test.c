/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_open_test.c - disks that are no store, or none that can be used: one line each,
 * and nothing written. What a key of the tree bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_format.h"
#include "kvlog_rig.h"

enum { OPEN_BYTES = 1 << 20 };

static void refused(struct rig *rig, enum rung_err err, const char *words)
{
    uint8_t *before = malloc(rig->size);
    size_t lines = test_log_count(rig->p);
    assert_non_null(before);
    memcpy(before, rig->bytes, rig->size);
    assert_int_equal(rig_open(rig), err);
    if (!strstr(test_log_last(rig->p), words))
        fail_msg("it says: %s", test_log_last(rig->p));
    assert_int_equal(test_log_count(rig->p), lines + 1);
    assert_memory_equal(rig->bytes, before, rig->size);
    free(before);
}

static void filled(struct rig *rig)
{
    struct rig_value value = {.number = 1, .len = 100};
    rig_begin(rig, OPEN_BYTES, 512);
    assert_int_equal(rig_open(rig), 0);
    assert_int_equal(rig_set(rig, "key", &value), 0);
    assert_int_equal(rig_close(rig), 0);
    rig->keys.create = false;
}

static void what_is_no_store_is_left_alone(void **state)
{
    struct rig rig;
    (void)state;
    rig_begin(&rig, OPEN_BYTES, 512);
    rig.keys.create = false;
    refused(&rig, RUNG_E_NOTFOUND, "the disk holds no store");
    memset(rig.bytes, 0x55, OPEN_BYTES);
    refused(&rig, RUNG_E_NOTFOUND, "the disk holds no store");
    rig.keys.create = true;
    refused(&rig, RUNG_E_NOTFOUND, "is not empty");
    memset(rig.bytes, 0, OPEN_BYTES);
    rig.bytes[100000] = 1; /* some other file system */
    refused(&rig, RUNG_E_NOTFOUND, "is not empty");
    rig.bytes[100000] = 0;
    rig_disk(&rig, RUNG_BLOCK_IS_READONLY);
    refused(&rig, RUNG_E_READONLY, "read-only: no store can be made");
    rig_end(&rig);
}

static void too_small_or_cut_off(void **state)
{
    struct rig rig;
    (void)state;
    filled(&rig);
    rig.size = 65536 - 512;
    rig_disk(&rig, 0);
    refused(&rig, RUNG_E_INVAL, "too small");
    rig.size = OPEN_BYTES - 512;
    rig_disk(&rig, 0);
    refused(&rig, RUNG_E_INVAL, "cut off: the store takes 1048576 bytes");
    rig.size = OPEN_BYTES;
    rig_disk(&rig, 0);
    assert_int_equal(rig_open(&rig), 0);
    rig_end(&rig);
    rig_begin(&rig, 65536, 512);
    assert_int_equal(rig_open(&rig), 0); /* just big enough */
    rig_end(&rig);
    rig_begin(&rig, 262144, 4096);
    refused(&rig, RUNG_E_INVAL, "270336 are the least");
    rig_end(&rig);
}

/* A newer program was stopped between the two superblocks. */
static void one_superblock_of_another_version(void **state)
{
    struct rig rig;
    struct kvlog_super super;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        filled(&rig);
        uint8_t *at = rig.bytes + i * (size_t)KVLOG_SUPER_STEP;
        assert_true(rung_kvlog_get_super(at, &super));
        for (unsigned newer = 0; newer < 3; newer++) {
            super.version = newer ? 2 : 3000;
            super.written += newer < 2;
            rung_kvlog_put_super(at, &super);
            rig.keys.create = newer == 1;
            refused(&rig, RUNG_E_NOTSUP, "and this program knows version 1: use a newer program");
            rig.keys.salvage = newer == 2;
            refused(&rig, RUNG_E_NOTSUP, "use a newer program");
        }
        rig.keys.salvage = false;
        at[8] = 4; /* without its sum it is damage */
        assert_int_equal(rig_open(&rig), 0);
        rig_end(&rig);
    }
}

static void another_version_or_sector_size(void **state)
{
    struct rig rig;
    (void)state;
    filled(&rig);
    rig.sector_size = 4096;
    rig_disk(&rig, 0);
    refused(&rig, RUNG_E_NOTSUP, "made for sectors of 512 bytes");
    rig.sector_size = 512;
    rig_disk(&rig, 0);
    rig.bytes[8] = rig.bytes[KVLOG_SUPER_STEP + 8] = 2;
    refused(&rig, RUNG_E_NOTSUP, "version 2, and this program knows version 1");
    rig.keys.create = true;
    refused(&rig, RUNG_E_NOTSUP, "use a newer program");
    rig.bytes[8] = rig.bytes[KVLOG_SUPER_STEP + 8] = 1;
    rig.bytes[20] ^= 1;
    rig.bytes[KVLOG_SUPER_STEP + 60] ^= 4;
    refused(&rig, RUNG_E_CORRUPT, "both superblocks are damaged");
    rig_end(&rig);
}

/* The superblocks of an earlier closing, or of an earlier opening that was killed, are put back; or
 * the disk never wrote the later ones. What stands behind them is neither written over nor missed
 * in silence. */
static void superblocks_that_are_older(void **state)
{
    struct rig rig;
    struct rig_value two = {.number = 2, .len = 700};
    uint8_t *older = malloc(KVLOG_RING_AT);
    (void)state;
    assert_non_null(older);
    for (unsigned killed = 0; killed < 2; killed++) {
        filled(&rig);
        if (killed)
            assert_int_equal(rig_open(&rig), 0);
        memcpy(older, rig.bytes, KVLOG_RING_AT);
        if (killed) {
            assert_int_equal(rig_set(&rig, "of its epoch", &two), 0);
            rig_kill(&rig);
        } else {
            assert_int_equal(rig_open(&rig), 0);
        }
        assert_int_equal(rig_set(&rig, "key", &two), 0);
        assert_int_equal(rig_close(&rig), 0);
        memcpy(rig.bytes, older, KVLOG_RING_AT);
        refused(&rig, RUNG_E_CORRUPT, "its superblocks are older than what is written at byte");
        rig.keys.salvage = true;
        assert_int_equal(rig_open(&rig), 0);
        assert_non_null(strstr(test_log_last(rig.p), "superblocks are older"));
        assert_true(rig.store.partial);
        assert_true(rig_has(&rig, "key", 3, &two));
        assert_int_equal(rig_count(&rig), 1 + killed);
        assert_int_equal(rig_check(&rig, true), 1);
        assert_int_equal(rig_close(&rig), 0);
        assert_memory_equal(rig.bytes, older, KVLOG_RING_AT);
        rig_end(&rig);
    }
    free(older);
}

/* The superblocks of a store that was empty, closed or in use, are put back after the log went
 * round: nothing is where they have it begin. */
static void superblocks_of_an_empty_store(void **state)
{
    enum { KEYS = 5 };
    static const char *const keys[KEYS] = {"k0", "k1", "k2", "k3", "k4"};
    struct rig rig;
    uint8_t *older = malloc(KVLOG_RING_AT);
    (void)state;
    assert_non_null(older);
    for (unsigned round = 0; round < 40; round++) {
        struct rig_value last[KEYS] = {0};
        rig_begin(&rig, OPEN_BYTES, round % 4 < 2 ? 512 : 4096);
        assert_int_equal(rig_open(&rig), 0);
        if (round % 2)
            assert_int_equal(rig_close(&rig), 0);
        memcpy(older, rig.bytes, KVLOG_RING_AT);
        if (round % 2)
            assert_int_equal(rig_open(&rig), 0);
        for (uint32_t n = 1; rig.store.log.head < (17 + round) * rig.store.log.ring / 8; n++) {
            unsigned k = rig_below(&rig, KEYS);
            struct rig_value value = {.number = n, .len = 10 + rig_below(&rig, 3000)};
            assert_int_equal(rig_set(&rig, keys[k], &value), 0);
            last[k] = value;
        }
        assert_int_equal(rig_close(&rig), 0);
        memcpy(rig.bytes, older, KVLOG_RING_AT);
        refused(&rig, RUNG_E_CORRUPT, "its superblocks are older than what is written at byte");
        rig.keys.salvage = true;
        assert_int_equal(rig_open(&rig), 0);
        assert_true(rig.store.partial);
        for (unsigned k = 0; k < KEYS; k++)
            assert_true(rig_has(&rig, keys[k], 2, &last[k]));
        assert_true(rig_check(&rig, true) >= 1);
        rig_end(&rig);
    }
    free(older);
}

/* What was cut off stands where a closed store ends, and is of an earlier epoch: that is sound. */
static void what_was_cut_off_is_nothing_newer(void **state)
{
    struct rig rig;
    struct rig_value one = {.number = 1, .len = 100}, torn = {.number = 2, .len = 700};
    struct kvlog_super super;
    (void)state;
    filled(&rig);
    assert_int_equal(rig_open(&rig), 0);
    uint64_t head = rig.store.log.head;
    uint8_t *group = rig.bytes + KVLOG_RING_AT + head % rig.store.log.ring;
    assert_int_equal(rig_set(&rig, "key", &torn), 0);
    memset(group + 512, 0, 512);
    rig_kill(&rig);
    assert_int_equal(rig_close(&rig), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rung_kvlog_get_super(rig.bytes, &super));
        assert_true(super.clean && super.head == head);
        assert_memory_equal(group + 8, "rvkg", 4);
        assert_int_equal(rig_open(&rig), 0);
        assert_true(rig_has(&rig, "key", 3, &one));
        assert_int_equal(rig_check(&rig, false), 0);
        assert_int_equal(rig_close(&rig), 0);
    }
    rig_end(&rig);
}

static void a_larger_disk_will_do(void **state)
{
    struct rig rig;
    struct rig_value value = {.number = 1, .len = 100};
    (void)state;
    filled(&rig);
    rig.bytes = realloc(rig.bytes, 2 * OPEN_BYTES);
    assert_non_null(rig.bytes);
    memset(rig.bytes + OPEN_BYTES, 0x77, OPEN_BYTES);
    rig.size = 2 * OPEN_BYTES;
    rig_disk(&rig, 0);
    assert_int_equal(rig_open(&rig), 0);
    assert_non_null(strstr(test_log_last(rig.p), "to use the 1048576 behind it"));
    assert_true(rig_has(&rig, "key", 3, &value));
    assert_int_equal(rig_close(&rig), 0);
    assert_int_equal(rig.bytes[OPEN_BYTES], 0x77);
    rig_end(&rig);
}

/* A disk that cannot be written is a store that answers READONLY; also one that was not closed. */
static void read_only_is_only_read(void **state)
{
    struct rig rig;
    struct rig_value value = {.number = 1, .len = 100};
    (void)state;
    filled(&rig);
    for (unsigned unclean = 0; unclean < 2; unclean++) {
        uint8_t *before = malloc(rig.size);
        assert_non_null(before);
        memcpy(before, rig.bytes, rig.size);
        rig_disk(&rig, RUNG_BLOCK_IS_READONLY);
        assert_int_equal(rig_open(&rig), 0);
        assert_true(rig.store.kv.info.caps & RUNG_KV_IS_READONLY);
        assert_int_equal(rig.store.kv.info.max_batch, 0);
        assert_true(rig_has(&rig, "key", 3, &value));
        assert_int_equal(rig_set(&rig, "key", &value), RUNG_E_READONLY);
        assert_int_equal(rig_check(&rig, false), 0);
        assert_int_equal(rig_close(&rig), 0);
        assert_memory_equal(rig.bytes, before, rig.size);
        rig_disk(&rig, 0);
        assert_int_equal(rig_open(&rig), 0);
        memcpy(before, rig.bytes, rig.size);
        assert_int_equal(rig_close(&rig), 0);
        memcpy(rig.bytes, before, rig.size); /* as if it had been killed */
        free(before);
    }
    rig_end(&rig);
}

/* Where each allocation of an opening fails in turn: one line, nothing left behind. */
static void no_memory_to_open(void **state)
{
    struct rig rig;
    enum rung_err err = RUNG_E_NOMEM;
    (void)state;
    filled(&rig);
    size_t blocks = test_heap_blocks(rig.p);
    unsigned refusals = 0;
    for (long n = 1; err == RUNG_E_NOMEM && n < 100; n++) {
        test_heap_fail_after(rig.p, n);
        err = rig_open(&rig);
        test_heap_fail_after(rig.p, 0);
        if (err == RUNG_E_NOMEM) {
            refusals++;
            assert_int_equal(test_heap_blocks(rig.p), blocks);
        }
    }
    assert_int_equal(err, 0);
    assert_true(refusals > 5);
    rig_end(&rig);
}

static void the_index_is_bounded(void **state)
{
    struct rig rig;
    struct rig_value value = {.number = 1, .len = 10}, none = {0};
    char key[32];
    unsigned n = 0;
    int result = 0;
    (void)state;
    rig_begin(&rig, OPEN_BYTES, 512);
    rig.keys.memory = 10000;
    assert_int_equal(rig_open(&rig), 0);
    for (; !result && n < 1000; n++) {
        snprintf(key, sizeof(key), "a key of 20 bytes%03u", n);
        result = rig_set(&rig, key, &value);
    }
    assert_int_equal(result, RUNG_E_NOMEM);
    assert_non_null(strstr(test_log_last(rig.p), "set store.memory to more"));
    assert_true(n - 1 >= 10000 / 120); /* under 100 bytes besides the key */
    assert_int_equal(rig_set(&rig, "a key of 20 bytes000", &value), 0); /* no new key */
    assert_int_equal(rig_set(&rig, key, &value), RUNG_E_NOMEM);
    assert_int_equal(rig_set(&rig, "a key of 20 bytes000", &none), 0);
    assert_int_equal(rig_set(&rig, key, &value), 0);
    assert_int_equal(rig_close(&rig), 0);
    rig.keys.memory = 5000;
    assert_int_equal(rig_open(&rig), RUNG_E_NOMEM);
    assert_non_null(strstr(test_log_last(rig.p), "does not fit into 5000 bytes: set store.memory"));
    rig_end(&rig);
}

/* It can hold some keys of any length, or nothing is made. */
static void an_index_without_memory(void **state)
{
    struct rig rig;
    struct rig_value value = {.number = 1, .len = 10};
    char key[RUNG_KV_KEY_MAX + 1] = {0};
    (void)state;
    rig_begin(&rig, OPEN_BYTES, 512);
    rig.keys.memory = 1;
    refused(&rig, RUNG_E_RANGE, "store.memory=1 is out of range");
    rig.keys.memory = 4095;
    refused(&rig, RUNG_E_RANGE, "the index takes 4096 bytes at least");
    rig.keys.memory = 4096;
    assert_int_equal(rig_open(&rig), 0);
    memset(key, 'k', RUNG_KV_KEY_MAX);
    assert_int_equal(rig_set(&rig, key, &value), 0);
    key[0] = 'l';
    assert_int_equal(rig_set(&rig, key, &value), 0);
    rig_end(&rig);
}

/* The biggest value there is, and its ranges; reading some of it reads no more than some. */
static void large_values(void **state)
{
    struct rig rig;
    struct rig_value value = {.number = 3};
    struct rig_get get;
    (void)state;
    rig_begin(&rig, UINT64_C(160) << 20, 512);
    assert_int_equal(rig_open(&rig), 0);
    assert_true(rig.store.kv.info.max_value >= 16 << 20);
    value.len = (uint32_t)rig.store.kv.info.max_value;
    for (unsigned i = 0; i < 6; i++) { /* round the ring */
        value.number++;
        assert_int_equal(rig_set(&rig, "large", &value), 0);
        assert_int_equal(rig_set(&rig, "other", &(struct rig_value){.number = 1, .len = 9}), 0);
        assert_true(rig_has(&rig, "large", 5, &value));
        uint64_t read = rig.disk.read_bytes;
        rig_get_start(&rig, &get, "large", 5, value.len - 100, 50);
        assert_int_equal(rig_get_wait(&rig, &get), 0);
        assert_int_equal(get.req.value.len, 50);
        rung_buf_release(&get.req.value);
        assert_true(rig.disk.read_bytes - read < 20000);
    }
    assert_int_equal(rig_close(&rig), 0);
    assert_int_equal(rig_open(&rig), 0);
    assert_true(rig_has(&rig, "large", 5, &value));
    assert_int_equal(rig_check(&rig, false), 0);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_store_is_left_alone), cmocka_unit_test(too_small_or_cut_off),
        cmocka_unit_test(another_version_or_sector_size),
        cmocka_unit_test(one_superblock_of_another_version),
        cmocka_unit_test(superblocks_that_are_older),
        cmocka_unit_test(superblocks_of_an_empty_store),
        cmocka_unit_test(what_was_cut_off_is_nothing_newer),
        cmocka_unit_test(a_larger_disk_will_do),
        cmocka_unit_test(read_only_is_only_read), cmocka_unit_test(no_memory_to_open),
        cmocka_unit_test(the_index_is_bounded), cmocka_unit_test(an_index_without_memory),
        cmocka_unit_test(large_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
