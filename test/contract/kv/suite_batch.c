/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_batch.c - batches: as a whole or not at all. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char batch_one[] = "one", batch_two[] = "two", batch_three[] = "three";
static const struct rung_vec batch_vec[] = {{batch_one, 3}, {batch_two, 3}, {batch_three, 5}};

#define BATCH_SET(name, which) \
    {.key = (name), .key_len = sizeof(name) - 1, .value = &batch_vec[which], .value_count = 1}
#define BATCH_REMOVE(name) {.key = (name), .key_len = sizeof(name) - 1}

static void batch_bounds(void **state)
{
    const struct rung_kv_change change[] = {BATCH_SET("a", 0), BATCH_SET("b", 1)};
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_true(t.kv->info.max_batch >= 1);
    assert_int_equal(kv_write_batch(&t, change, 0), RUNG_E_LIMIT);
    if (t.kv->info.max_batch == 1) {
        assert_int_equal(kv_write_batch(&t, change, 2), RUNG_E_LIMIT);
        kv_expect_none(&t, "a");
        kv_expect_none(&t, "b");
    }
    if (t.kv->info.max_batch < UINT32_MAX) {
        assert_int_equal(kv_write_batch(&t, change, t.kv->info.max_batch + 1), RUNG_E_LIMIT);
        kv_expect_none(&t, "a");
    }
    kv_end(&t);
}

static void batch_in_order(void **state)
{
    const struct rung_kv_change change[] = {
        BATCH_SET("new", 0),      BATCH_REMOVE("old"),      BATCH_SET("twice", 0),
        BATCH_SET("twice", 1),    BATCH_SET("gone", 0),     BATCH_REMOVE("gone"),
        BATCH_REMOVE("returned"), BATCH_SET("returned", 2), BATCH_REMOVE("never there"),
        BATCH_SET("thrice", 0),   BATCH_REMOVE("thrice"),   BATCH_SET("thrice", 2),
    };
    struct kv_test t;
    struct kv_list list;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    kv_need_batches(&t);
    assert_int_equal(kv_put(&t, "old", "x"), 0);
    assert_int_equal(kv_put(&t, "returned", "x"), 0);
    assert_int_equal(kv_put(&t, "untouched", "x"), 0);
    assert_int_equal(kv_write_batch(&t, change, RUNG_ARRAY_LEN(change)), 0);
    kv_expect_text(&t, "new", "one");
    kv_expect_text(&t, "twice", "two");
    kv_expect_text(&t, "returned", "three");
    kv_expect_text(&t, "thrice", "three");
    kv_expect_text(&t, "untouched", "x");
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 5);
    kv_list_free(&list);
    kv_end(&t);
}

static void batch_expect_untouched(struct kv_test *t)
{
    struct kv_list list;
    kv_expect_text(t, "keep", "x");
    kv_expect_text(t, "drop", "x");
    assert_int_equal(kv_list_all(t, &list, &(struct kv_list_how){0}), 2);
    kv_list_free(&list);
}

/* One bad change anywhere: nothing has happened. */
static void batch_all_or_nothing(void **state)
{
    char byte = 'x';
    struct rung_vec huge = {&byte, SIZE_MAX};
    char long_key[RUNG_KV_KEY_MAX + 1];
    const struct rung_kv_change bad[] = {
        {.key = "", .key_len = 0},
        {.key = long_key, .key_len = sizeof(long_key), .value = batch_vec, .value_count = 1},
        {.key = "big", .key_len = 3, .value = &huge, .value_count = 1},
    };
    const int expected[] = {RUNG_E_INVAL, RUNG_E_INVAL, RUNG_E_TOOBIG};
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    kv_need_batches(&t);
    memset(long_key, 'k', sizeof(long_key));
    assert_int_equal(kv_put(&t, "keep", "x"), 0);
    assert_int_equal(kv_put(&t, "drop", "x"), 0);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++)
        for (unsigned at = 0; at < 6; at++) {
            struct rung_kv_change change[] = {
                BATCH_SET("keep", 1), BATCH_SET("new", 0), BATCH_REMOVE("drop"),
                BATCH_SET("new", 2), BATCH_REMOVE("new"), BATCH_SET("last", 0),
            };
            change[at] = bad[i];
            assert_int_equal(kv_write_batch(&t, change, 6), expected[i]);
            batch_expect_untouched(&t);
        }
    kv_end(&t);
}

/* No memory, at whichever allocation: nothing has happened. */
static void batch_no_memory(void **state)
{
    struct rung_kv_change change[24];
    char keys[24][8];
    struct kv_test t;
    int result = RUNG_E_NOMEM;
    unsigned refused = 0;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    kv_need_batches(&t);
    assert_int_equal(kv_put(&t, "keep", "x"), 0);
    assert_int_equal(kv_put(&t, "drop", "x"), 0);
    for (unsigned i = 0; i < 24; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key%u", i / 2);
        change[i] = (struct rung_kv_change){
            .key = keys[i], .key_len = strlen(keys[i]), .value = &batch_vec[i % 3],
            .value_count = 1,
        };
    }
    change[5] = (struct rung_kv_change)BATCH_REMOVE("drop");
    change[9] = (struct rung_kv_change)BATCH_SET("keep", 1);
    for (long n = 1; result == RUNG_E_NOMEM && n < 1000; n++) {
        test_heap_fail_after(t.p, n);
        result = kv_write_batch(&t, change, 24);
        test_heap_fail_after(t.p, 0);
        if (result == RUNG_E_NOMEM) {
            batch_expect_untouched(&t);
            refused++;
        }
    }
    assert_int_equal(result, 0);
    assert_true(refused > 0);
    kv_expect_text(&t, "keep", "two");
    kv_expect_none(&t, "drop");
    kv_expect_text(&t, "key11", "three");
    kv_end(&t);
}

static void batch_full(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_SMALL);
    kv_need_batches(&t);
    uint8_t *big = calloc(1, KV_SMALL_BYTES);
    assert_non_null(big);
    assert_int_equal(kv_put(&t, "keep", "x"), 0);
    assert_int_equal(kv_put(&t, "drop", "x"), 0);
    struct rung_vec half = {big, KV_SMALL_BYTES / 2};
    struct rung_kv_change change[] = {
        {.key = "one", .key_len = 3, .value = &half, .value_count = 1},
        BATCH_REMOVE("drop"),
        {.key = "two", .key_len = 3, .value = &half, .value_count = 1},
    };
    assert_int_equal(kv_write_batch(&t, change, 3), RUNG_E_FULL);
    batch_expect_untouched(&t);
    /* What counts is what is there in the end. */
    struct rung_kv_change again[] = {change[0], BATCH_REMOVE("one"), change[2]};
    assert_int_equal(kv_write_batch(&t, again, 3), 0);
    kv_expect_none(&t, "one");
    struct rung_kv_change swap[] = {change[0], BATCH_REMOVE("two")};
    assert_int_equal(kv_write_batch(&t, swap, 2), 0);
    kv_expect(&t, "one", 3, big, half.len);
    kv_expect_none(&t, "two");
    free(big);
    kv_end(&t);
}

static void batch_largest(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_FAST);
    kv_need_batches(&t);
    unsigned n = t.kv->info.max_batch < 20000 ? t.kv->info.max_batch : 20000;
    struct rung_kv_change *change = calloc(n, sizeof(*change));
    char (*keys)[12] = calloc(n, sizeof(*keys));
    assert_true(change && keys);
    for (unsigned i = 0; i < n; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%08u", (i * 7919u) % n);
        change[i] = (struct rung_kv_change){
            .key = keys[i], .key_len = 8, .value = &batch_vec[i % 3], .value_count = 1,
        };
    }
    assert_int_equal(kv_write_batch(&t, change, n), 0);
    for (unsigned i = 0; i < n; i += 97)
        kv_expect(&t, keys[i], 8, batch_vec[i % 3].base, batch_vec[i % 3].len);
    for (unsigned i = 0; i < n; i++)
        change[i].value = NULL;
    assert_int_equal(kv_write_batch(&t, change, n), 0);
    struct kv_list list;
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 0);
    kv_list_free(&list);
    free(change);
    free(keys);
    kv_end(&t);
}

KV_TESTS(batch, cmocka_unit_test(batch_bounds), cmocka_unit_test(batch_in_order),
         cmocka_unit_test(batch_all_or_nothing), cmocka_unit_test(batch_no_memory),
         cmocka_unit_test(batch_full), cmocka_unit_test(batch_largest));
