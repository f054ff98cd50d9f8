/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_write.c - write: one change, its errors, what it leaves behind. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static void write_and_overwrite(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    kv_expect_none(&t, "folder/key");
    assert_int_equal(kv_put(&t, "folder/key", "value"), 0);
    kv_expect_text(&t, "folder/key", "value");
    assert_int_equal(kv_put(&t, "folder/key", "a longer value"), 0);
    kv_expect_text(&t, "folder/key", "a longer value");
    assert_int_equal(kv_put(&t, "folder/key", ""), 0);
    kv_expect_text(&t, "folder/key", "");
    assert_int_equal(kv_put(&t, "folder/other", "s"), 0);
    kv_expect_text(&t, "folder/key", "");
    assert_int_equal(kv_remove(&t, "folder/key", 10), 0);
    kv_expect_none(&t, "folder/key");
    kv_expect_text(&t, "folder/other", "s");
    kv_end(&t);
}

static void write_remove_missing(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_int_equal(kv_remove(&t, "nothing", 7), 0);
    assert_int_equal(kv_remove(&t, "no/such/folder", 14), 0);
    assert_int_equal(kv_put(&t, "k", "v"), 0);
    assert_int_equal(kv_remove(&t, "k/below", 7), 0);
    assert_int_equal(kv_remove(&t, "k", 1), 0);
    assert_int_equal(kv_remove(&t, "k", 1), 0);
    kv_end(&t);
}

/* A value in pieces of every kind, many of them empty. */
static void write_pieces(void **state)
{
    enum { PIECES = 300 };
    struct kv_test t;
    uint8_t expected[PIECES * 8];
    struct rung_vec vec[PIECES];
    size_t len = 0;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    for (size_t i = 0; i < sizeof(expected); i++)
        expected[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < PIECES; i++) {
        size_t n = i % 3 == 1 ? 0 : i % 8;
        vec[i] = (struct rung_vec){.base = n ? expected + len : NULL, .len = n};
        len += n;
    }
    struct rung_kv_change change = {
        .key = "pieces", .key_len = 6, .value = vec, .value_count = PIECES,
    };
    assert_int_equal(kv_write_batch(&t, &change, 1), 0);
    kv_expect(&t, "pieces", 6, expected, len);
    change.value_count = 0; /* not NULL: an empty value, no removal */
    assert_int_equal(kv_write_batch(&t, &change, 1), 0);
    kv_expect(&t, "pieces", 6, "", 0);
    kv_end(&t);
}

static void write_large(void **state)
{
    struct kv_test t;
    size_t len = 3 * 1024 * 1024 + 17;
    struct kv_get get = {0};
    (void)state;
    kv_begin(&t, KV_EMPTY);
    uint8_t *value = malloc(len);
    assert_non_null(value);
    for (size_t i = 0; i < len; i++)
        value[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    assert_int_equal(kv_set(&t, "large", 5, value, len), 0);
    kv_expect(&t, "large", 5, value, len);
    assert_int_equal(kv_get_range(&t, &get, "large", 5, 1000000, 1500000), 0);
    assert_int_equal(get.req.value.len, 1500000);
    assert_memory_equal(get.req.value.data, value + 1000000, 1500000);
    kv_release(&get);
    free(value);
    kv_end(&t);
}

/* Lengths nobody has memory for; the memory named is not to be looked at. */
static void write_too_big(void **state)
{
    struct kv_test t;
    char byte = 'b';
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_int_equal(kv_put(&t, "k", "old"), 0);
    uint64_t most = t.kv->info.max_value;
    assert_true(most > 0);
    struct rung_vec vec[3] = {{&byte, 1}, {&byte, SIZE_MAX}, {&byte, SIZE_MAX}};
    struct rung_kv_change change = {.key = "k", .key_len = 1, .value = vec, .value_count = 3};
    assert_int_equal(kv_write_batch(&t, &change, 1), RUNG_E_TOOBIG);
    if (most < SIZE_MAX) {
        vec[1].len = (size_t)most; /* with the first byte, one too many */
        change.value_count = 2;
        assert_int_equal(kv_write_batch(&t, &change, 1), RUNG_E_TOOBIG);
        vec[0].len = (size_t)most + 1;
        change.value_count = 1;
        assert_int_equal(kv_write_batch(&t, &change, 1), RUNG_E_TOOBIG);
    }
    kv_expect_text(&t, "k", "old");
    kv_end(&t);
}

/* A key and its leading parts cannot both be portable: the second is refused, or both are kept. */
static void write_leading_parts(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    int refused = kv_has(&t, RUNG_KV_ANY_KEY) ? 0 : RUNG_E_INVAL;
    assert_int_equal(kv_put(&t, "a/b/c", "deep"), 0);
    assert_int_equal(kv_put(&t, "a/b", "x"), refused);
    assert_int_equal(kv_put(&t, "a", "x"), refused);
    kv_expect_text(&t, "a/b/c", "deep");
    assert_int_equal(kv_put(&t, "f", "flat"), 0);
    assert_int_equal(kv_put(&t, "f/g", "x"), refused);
    assert_int_equal(kv_put(&t, "f/g/h", "x"), refused);
    kv_expect_text(&t, "f", "flat");
    if (refused) {
        kv_expect_none(&t, "a");
        kv_expect_none(&t, "a/b");
        kv_expect_none(&t, "f/g");
    }
    /* When the keys below are gone the name is free, and the other way round. */
    assert_int_equal(kv_remove(&t, "a/b/c", 5), 0);
    assert_int_equal(kv_put(&t, "a", "now a value"), 0);
    kv_expect_text(&t, "a", "now a value");
    assert_int_equal(kv_remove(&t, "f", 1), 0);
    assert_int_equal(kv_put(&t, "f/g/h", "now below"), 0);
    kv_expect_text(&t, "f/g/h", "now below");
    kv_end(&t);
}

static void write_read_only(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    char text[] = "forged";
    (void)state;
    kv_begin(&t, KV_FILLED);
    assert_true(kv_has(&t, RUNG_KV_IS_READONLY));
    assert_int_equal(t.kv->info.max_batch, 0);
    struct rung_vec vec = {text, 6};
    struct rung_kv_change change[] = {
        {.key = files[0].key, .key_len = files[0].key_len, .value = &vec, .value_count = 1},
        {.key = files[1].key, .key_len = files[1].key_len},
    };
    assert_int_equal(kv_put(&t, "new", "forged"), RUNG_E_READONLY);
    assert_int_equal(kv_write_batch(&t, change, 1), RUNG_E_READONLY);
    assert_int_equal(kv_write_batch(&t, change + 1, 1), RUNG_E_READONLY);
    assert_int_equal(kv_write_batch(&t, change, 2), RUNG_E_READONLY);
    assert_int_equal(kv_remove(&t, "not there", 9), RUNG_E_READONLY);
    for (size_t i = 0; i < count; i++)
        kv_expect(&t, files[i].key, files[i].key_len, files[i].value, files[i].len);
    struct kv_list list;
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), count);
    kv_list_free(&list);
    kv_end(&t);
}

/* What was done is there after a close, and what was removed is not. */
static void write_persists(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_int_equal(kv_put(&t, "stays", "one"), 0);
    assert_int_equal(kv_put(&t, "goes/away", "two"), 0);
    assert_int_equal(kv_put(&t, "new/one", "three"), 0);
    assert_int_equal(kv_remove(&t, "goes/away", 9), 0);
    kv_close(&t);
    t.kv = kv_fixture.open(t.p, KV_AGAIN);
    if (!t.kv) { /* it keeps nothing, and may not say otherwise */
        test_platform_free(t.p);
        return;
    }
    kv_expect_text(&t, "stays", "one");
    kv_expect_text(&t, "new/one", "three");
    kv_expect_none(&t, "goes/away");
    assert_int_equal(kv_put(&t, "stays", "four"), 0);
    kv_reopen(&t);
    kv_expect_text(&t, "stays", "four");
    struct kv_list list;
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 2);
    kv_list_free(&list);
    kv_end(&t);
}

/* FULL changes nothing, and a full store can still be read, listed and emptied. */
static void write_full(void **state)
{
    enum { PIECE = 4000, MOST = 64 };
    struct kv_test t;
    char key[] = "k00", value[PIECE];
    int n = 0, result = 0;
    (void)state;
    kv_begin(&t, KV_SMALL);
    memset(value, 'v', sizeof(value));
    for (; n < MOST; n++) {
        key[1] = (char)('0' + n / 10);
        key[2] = (char)('0' + n % 10);
        result = kv_set(&t, key, 3, value, PIECE);
        if (result)
            break;
    }
    assert_int_equal(result, RUNG_E_FULL);
    assert_true(n >= 8 && n <= (int)(KV_SMALL_BYTES / PIECE));
    kv_expect_none(&t, key);
    struct kv_list list;
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), n);
    kv_list_free(&list);
    for (int i = 0; i < n; i++) {
        char have[] = {'k', (char)('0' + i / 10), (char)('0' + i % 10)};
        kv_expect(&t, have, 3, value, PIECE);
    }
    assert_int_equal(kv_remove(&t, "k01", 3), 0);
    assert_int_equal(kv_remove(&t, "k02", 3), 0);
    assert_int_equal(kv_set(&t, key, 3, value, PIECE), 0);
    kv_expect(&t, key, 3, value, PIECE);
    kv_end(&t);
}

KV_TESTS(write, cmocka_unit_test(write_and_overwrite), cmocka_unit_test(write_remove_missing),
         cmocka_unit_test(write_pieces), cmocka_unit_test(write_large),
         cmocka_unit_test(write_too_big), cmocka_unit_test(write_leading_parts),
         cmocka_unit_test(write_read_only), cmocka_unit_test(write_persists),
         cmocka_unit_test(write_full));
