/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_full_test.c - stores that are full: everything in them is readable, and can be
 * written over, removed and put back, round and round the ring; whatever was written together
 * before. And that work in the background is bounded. RUNG_TEST_ROUNDS makes it longer, the seed is
 * printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_commit.h"
#include "kvlog_rig.h"

enum { FULL_KEYS = 60000, FULL_TOGETHER = 64, FULL_ROUNDS = 30 };

struct full {
    struct rig rig;
    struct rig_value now[FULL_KEYS];
    unsigned keys; /* that were taken */
    uint64_t numbers;
    uint32_t len_max;
    unsigned together, batch; /* writes at once, and changes in each */
    unsigned checkpoints;     /* the ring has room for so many spans from one to the next; 0: any */
};

struct full_write {
    struct rig_write write;
    char keys[RIG_CHANGES][16];
    unsigned key[RIG_CHANGES];
    struct rig_value values[RIG_CHANGES];
};

static struct full f; /* big */
static struct full_write writes[FULL_TOGETHER];

static void full_key(char key[16], unsigned i)
{
    snprintf(key, 16, "key-%u", i);
}

/* Adds a change of key i: of length len, or its removal for UINT32_MAX. */
static void full_add(struct full_write *w, unsigned i, uint32_t len)
{
    unsigned n = w->write.count;
    w->key[n] = i;
    w->values[n] = (struct rig_value){0};
    if (len != UINT32_MAX)
        w->values[n] = (struct rig_value){.number = ++f.numbers, .len = len};
    full_key(w->keys[n], i);
    rig_add(&f.rig, &w->write, w->keys[n], strlen(w->keys[n]), &w->values[n]);
}

static int full_wait(struct full_write *w)
{
    int result = rig_wait(&f.rig, &w->write);
    for (unsigned n = 0; !result && n < w->write.count; n++)
        f.now[w->key[n]] = w->values[n];
    return result;
}

static void full_open(void)
{
    assert_int_equal(rig_open(&f.rig), 0);
    if (f.checkpoints)
        f.rig.store.log.every = f.rig.store.log.ring / f.checkpoints;
}

/* New keys, many at once, until the store has no room for more. */
static void full_fill(void)
{
    bool full = false;
    while (!full && f.keys + f.together * f.batch <= FULL_KEYS) {
        for (unsigned k = 0; k < f.together; k++) {
            writes[k].write = (struct rig_write){.count = 0};
            for (unsigned n = 0; n < f.batch; n++)
                full_add(&writes[k], f.keys + k * f.batch + n, rig_below(&f.rig, f.len_max));
            rig_start(&f.rig, &writes[k].write);
        }
        for (unsigned k = 0; k < f.together; k++) {
            int result = full_wait(&writes[k]);
            if (result)
                assert_int_equal(result, RUNG_E_FULL);
            full |= result != 0;
        }
        f.keys += f.together * f.batch;
    }
    assert_true(full);
}

static void full_look(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < f.keys; i++) {
        char key[16];
        full_key(key, i);
        assert_true(rig_has(&f.rig, key, strlen(key), &f.now[i]));
        count += f.now[i].number != 0;
    }
    assert_int_equal(rig_count(&f.rig), count);
    assert_int_equal(rig_check(&f.rig, false), 0);
}

/* A key that is there, each once: the first at or behind a place of chance. */
static unsigned full_any(bool used[])
{
    unsigned i = rig_below(&f.rig, f.keys);
    while (!f.now[i].number || used[i])
        i = (i + 1) % f.keys;
    used[i] = true;
    return i;
}

/* Writes keys anew with values no longer than before, as many at once: each goes well. */
static void full_overwrite(void)
{
    static bool used[FULL_KEYS];
    unsigned there = 0, n = 0;
    memset(used, 0, sizeof(used));
    for (unsigned i = 0; i < f.keys; i++)
        there += f.now[i].number != 0;
    for (; n < f.together && n < there; n++) {
        unsigned i = full_any(used);
        writes[n].write = (struct rig_write){.count = 0};
        full_add(&writes[n], i, f.now[i].len);
        rig_start(&f.rig, &writes[n].write);
    }
    for (unsigned k = 0; k < n; k++)
        assert_int_equal(full_wait(&writes[k]), 0);
}

/* Removes one, and puts it back. */
static void full_replace(void)
{
    static bool used[FULL_KEYS];
    memset(used, 0, sizeof(used));
    unsigned i = full_any(used);
    uint32_t len = f.now[i].len;
    for (unsigned n = 0; n < 2; n++) {
        writes[0].write = (struct rig_write){.count = 0};
        full_add(&writes[0], i, n ? len : UINT32_MAX);
        rig_start(&f.rig, &writes[0].write);
        assert_int_equal(full_wait(&writes[0]), 0);
    }
}

static void full_run(uint64_t bytes, uint32_t sector)
{
    const char *more = getenv("RUNG_TEST_ROUNDS");
    unsigned rounds = more ? (unsigned)atoi(more) : FULL_ROUNDS;
    rig_begin(&f.rig, bytes, sector);
    f.rig.disk.chance = 1;
    full_open();
    f.rig.keys.create = false;
    full_fill();
    uint64_t live = f.rig.store.index.live;
    full_look();
    rig_compact(&f.rig);
    for (unsigned round = 0; round < rounds; round++) {
        full_overwrite();
        full_replace();
        if (round % 8 == 3)
            rig_kill(&f.rig);
        if (round % 8 == 7) {
            assert_int_equal(rig_close(&f.rig), 0);
            full_open();
        }
    }
    rig_compact(&f.rig);
    full_look();
    print_message("%llu KiB, values to %u, %u x %u at once: %llu %% full\n",
                  (unsigned long long)bytes >> 10, f.len_max, f.together, f.batch,
                  (unsigned long long)(live * 100 / f.rig.store.log.ring));
    rig_end(&f.rig);
}

static void a_full_store_goes_on(void **state)
{
    static const struct {
        uint64_t bytes;
        uint32_t sector, len_max;
        unsigned together, batch, checkpoints;
    } cases[] = {
        {65536, 512, 400, 1, 1, 0},      {65536, 512, 400, 16, 1, 0},
        {65536, 512, 3000, 4, 1, 0},     {131072, 512, 2000, 8, 4, 0},
        {1 << 20, 512, 2000, 64, 1, 0},  {1 << 20, 512, 16000, 64, 1, 0},
        {1 << 20, 4096, 2000, 16, 1, 0}, {1 << 20, 512, 8000, 4, 8, 0},
        {4 << 20, 512, 16000, 64, 1, 0}, {4 << 20, 512, 60000, 8, 1, 0},
        {16 << 20, 512, 32000, 64, 1, 0}, {16 << 20, 512, 64000, 8, 8, 0},
        {64 << 20, 512, 1800, 64, 8, 20}, /* as often as in a store of 1.25 GiB */
    };
    unsigned most = getenv("RUNG_TEST_SLOW") ? 4 : RUNG_ARRAY_LEN(cases);
    (void)state;
    for (unsigned i = 0; i < most; i++) {
        memset(&f, 0, sizeof(f));
        f.len_max = cases[i].len_max;
        f.together = cases[i].together;
        f.batch = cases[i].batch;
        f.checkpoints = cases[i].checkpoints;
        full_run(cases[i].bytes, cases[i].sector);
    }
}

/* The longest value there may be, under the longest key, fits into every empty store, and can be
 * written over. */
static void the_longest_value_fits(void **state)
{
    char key[RUNG_KV_KEY_MAX];
    uint64_t part = getenv("RUNG_TEST_SLOW") ? 1 : 3;
    (void)state;
    memset(key, 'k', sizeof(key));
    for (uint64_t bytes = 65536; bytes <= 8 << 20; bytes += bytes / part / 4096 * 4096) {
        for (unsigned sector = 512; sector <= 4096; sector *= 8) {
            struct rig rig;
            if (sector == 4096 && bytes < 270336)
                continue;
            rig_begin(&rig, bytes, sector);
            assert_int_equal(rig_open(&rig), 0);
            struct rig_value value = {.len = (uint32_t)rig.store.kv.info.max_value};
            for (unsigned n = 0; n < 12; n++) {
                struct rig_write write = {.count = 0};
                value.number = n + 1;
                rig_add(&rig, &write, key, sizeof(key), &value);
                rig_start(&rig, &write);
                assert_int_equal(rig_wait(&rig, &write), 0);
            }
            assert_true(rig_has(&rig, key, sizeof(key), &value));
            value.len++;
            assert_int_equal(rig_set(&rig, "key", &value), RUNG_E_TOOBIG);
            rig_end(&rig);
        }
    }
}

static void full_begin(uint64_t bytes)
{
    memset(&f, 0, sizeof(f));
    rig_begin(&f.rig, bytes, 512);
    full_open();
}

/* However much there is to win back, no group of the background's grows beyond a step and a record,
 * and no memory beyond what the largest record needs. */
static void work_in_the_background_is_bounded(void **state)
{
    (void)state;
    full_begin(8 << 20);
    f.keys = 1000;
    f.together = 1;
    for (unsigned i = 0; i < f.keys; i++) {
        struct rig_value value = {.number = ++f.numbers, .len = 3000};
        char key[16];
        full_key(key, i);
        assert_int_equal(rig_set(&f.rig, key, &value), 0);
        f.now[i] = value;
    }
    size_t blocks = test_heap_blocks(f.rig.p);
    uint64_t head = f.rig.store.log.head, most = 0, groups = 0;
    for (unsigned n = 0; n < 3000; n++) {
        full_overwrite();
        const struct kvlog_group *group = &f.rig.store.commit->group;
        most = group->len > most ? group->len : most;
        groups++;
    }
    uint64_t step = f.rig.store.log.step, one = kvlog_record_bytes(16, 3000);
    assert_true(f.rig.store.log.head - head > f.rig.store.log.ring); /* it went round */
    assert_true(most <= step + 2 * one + KVLOG_PAGE_BYTES + 2 * KVLOG_GROUP_BYTES + 200);
    assert_int_equal(test_heap_blocks(f.rig.p), blocks);
    rig_end(&f.rig);
}

/* Long values, each longer than a step of the background's, with most of the store free: there is
 * room for them however they come, beside others that stay or together with them. */
static void long_values_are_written_over(void **state)
{
    unsigned rounds = getenv("RUNG_TEST_SLOW") ? 200 : 1200;
    (void)state;
    full_begin(32 << 20);
    f.keys = 9;
    for (unsigned n = 0; n < rounds; n++) {
        unsigned flying = 1 + rig_below(&f.rig, 6);
        for (unsigned k = 0; k < flying; k++) {
            unsigned changes = rig_below(&f.rig, 4) ? 1 : 3, from = n < 9 ? n : 0;
            writes[k].write = (struct rig_write){.count = 0};
            for (unsigned c = 0; c < changes; c++)
                full_add(&writes[k], (from + c) % f.keys, 300000 + 1000 * k);
            rig_start(&f.rig, &writes[k].write);
        }
        for (unsigned k = 0; k < flying; k++)
            assert_int_equal(full_wait(&writes[k]), 0);
    }
    full_look();
    rig_end(&f.rig);
}

/* A write waits for space, and then there is no memory for it: the background does not go on
 * winning space for nobody. */
static void who_waits_and_is_refused_is_forgotten(void **state)
{
    unsigned refused = 0;
    (void)state;
    full_begin(4 << 20);
    const struct rung_kvlog_commit *commit = f.rig.store.commit;
    f.keys = 2;
    for (unsigned n = 0; n < 400; n++) {
        bool waits = false;
        writes[0].write = (struct rig_write){.count = 0};
        full_add(&writes[0], n % f.keys, 500000);
        rig_start(&f.rig, &writes[0].write);
        for (unsigned turn = 0; turn < 20 && !waits; turn++) {
            test_run_turns(f.rig.p, 1);
            waits = commit->blocked != NULL;
        }
        test_heap_fail_after(f.rig.p, waits ? 1 : 0);
        int result = full_wait(&writes[0]);
        test_heap_fail_after(f.rig.p, 0);
        assert_null(commit->blocked);
        assert_true(result == 0 || (waits && result == RUNG_E_NOMEM));
        refused += result != 0;
    }
    assert_true(refused > 0);
    full_look();
    rig_end(&f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_store_goes_on), cmocka_unit_test(the_longest_value_fits),
        cmocka_unit_test(long_values_are_written_over),
        cmocka_unit_test(work_in_the_background_is_bounded),
        cmocka_unit_test(who_waits_and_is_refused_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
