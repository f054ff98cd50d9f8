/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_lent.c - values that are lent, and versions. */
#include "suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was lent stays as it was, whatever happens to the key. */
static void lent_outlives(void **state)
{
    struct kv_test t;
    struct kv_get old, part = {0}, newer;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_int_equal(kv_put(&t, "k", "the first value"), 0);
    assert_int_equal(kv_get_all(&t, &old, "k"), 0);
    assert_int_equal(kv_get_range(&t, &part, "k", 1, 4, 5), 0);
    char version[128] = "";
    if (old.req.version)
        snprintf(version, sizeof(version), "%s", old.req.version);
    assert_int_equal(kv_put(&t, "k", "the second, longer value"), 0);
    assert_int_equal(kv_get_all(&t, &newer, "k"), 0);
    assert_int_equal(kv_remove(&t, "k", 1), 0);
    kv_expect_none(&t, "k");
    for (int i = 0; i < 20; i++)
        assert_int_equal(kv_put(&t, "k", "something else for the memory"), 0);
    assert_int_equal(old.req.value.len, 15);
    assert_memory_equal(old.req.value.data, "the first value", 15);
    assert_int_equal(part.req.value.len, 5);
    assert_memory_equal(part.req.value.data, "first", 5);
    assert_memory_equal(newer.req.value.data, "the second, longer value", 24);
    if (old.req.version)
        assert_string_equal(old.req.version, version);
    kv_release(&part);
    assert_memory_equal(old.req.value.data, "the first value", 15);
    kv_release(&old);
    assert_memory_equal(newer.req.value.data, "the second, longer value", 24);
    kv_release(&newer);
    kv_end(&t);
}

/* The owner may move data and len on, and link buffers, before it gives one back. */
static void lent_moved(void **state)
{
    struct kv_test t;
    struct kv_get get[3];
    (void)state;
    kv_begin_filled(&t);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kv_get_all(&t, &get[i], "index.html"), 0);
        get[i].req.value.next = i ? &get[i - 1].req.value : NULL;
    }
    get[0].req.value.data += get[0].req.value.len;
    get[0].req.value.len = 0;
    get[1].req.value.data += 100;
    get[1].req.value.len -= 100;
    assert_memory_equal(get[1].req.value.data, get[2].req.value.data + 100, get[1].req.value.len);
    for (int i = 0; i < 3; i++)
        kv_release(&get[i]);
    kv_end(&t);
}

static void lent_many(void **state)
{
    enum { MANY = 100 };
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    struct kv_get *get = calloc(MANY, sizeof(*get));
    assert_non_null(get);
    for (size_t i = 0; i < MANY; i++) {
        const struct kv_file *file = &files[i % count];
        assert_int_equal(kv_get_range(&t, &get[i], file->key, file->key_len, 0, RUNG_KV_ALL), 0);
    }
    for (size_t k = 0; k < MANY; k++) {
        size_t i = k * 37 % MANY; /* given back in another order */
        const struct kv_file *file = &files[i % count];
        assert_int_equal(get[i].req.value.len, file->len);
        if (file->len)
            assert_memory_equal(get[i].req.value.data, file->value, file->len);
        kv_release(&get[i]);
    }
    free(get);
    kv_end(&t);
}

static void lent_version_rules(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < count; i++) {
        struct kv_get one = {0}, two = {0};
        assert_int_equal(kv_get_range(&t, &one, files[i].key, files[i].key_len, 0, RUNG_KV_ALL), 0);
        assert_int_equal(kv_get_range(&t, &two, files[i].key, files[i].key_len, 0, 0), 0);
        if (one.req.version) { /* nothing was written in between */
            assert_string_equal(one.req.version, two.req.version);
            assert_true(one.req.version[0] != 0);
            for (const char *at = one.req.version; *at; at++)
                assert_true(isalnum((unsigned char)*at) || *at == '-');
        }
        kv_release(&one);
        kv_release(&two);
    }
    kv_end(&t);
}

/* However fast writes follow one another: equal versions, equal values. */
static void lent_versions_differ(void **state)
{
    enum { ROUNDS = 300 };
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_FAST);
    char (*versions)[128] = calloc(ROUNDS, sizeof(*versions));
    assert_non_null(versions);
    for (int i = 0; i < ROUNDS; i++) {
        char text[16];
        struct kv_get get;
        snprintf(text, sizeof(text), "%06d", i);
        if (i % 7 == 3)
            assert_int_equal(kv_remove(&t, "k", 1), 0);
        assert_int_equal(kv_put(&t, "k", text), 0);
        assert_int_equal(kv_get_all(&t, &get, "k"), 0);
        assert_memory_equal(get.req.value.data, text, 6);
        if (get.req.version)
            snprintf(versions[i], sizeof(*versions), "%s", get.req.version);
        for (int k = 0; k < i && get.req.version; k++)
            assert_string_not_equal(versions[i], versions[k]);
        kv_release(&get);
    }
    kv_end(&t);
    free(versions);
}

/* Nor has another store, which did the same, the same: whoever kept the version of a value would
 * take the other's for it. */
static void lent_versions_of_another_store_differ(void **state)
{
    struct kv_test t;
    struct kv_get get;
    char version[2][128] = {"", "-"};
    (void)state;
    kv_begin(&t, KV_EMPTY);
    for (unsigned i = 0; i < 2; i++) {
        if (i > 0) {
            kv_close(&t);
            if (kv_fixture.clean)
                kv_fixture.clean();
            t.kv = kv_fixture.open(t.p, KV_EMPTY);
            assert_non_null(t.kv);
        }
        assert_int_equal(kv_put(&t, "k", i ? "this" : "that"), 0);
        assert_int_equal(kv_get_all(&t, &get, "k"), 0);
        if (get.req.version)
            snprintf(version[i], sizeof(version[i]), "%s", get.req.version);
        kv_release(&get);
    }
    assert_string_not_equal(version[0], version[1]);
    kv_end(&t);
}

/* "Lends a value where it lies": all who have it have the same bytes, and none cost memory. */
static void lent_in_place(void **state)
{
    enum { MANY = 50 };
    struct kv_test t;
    struct kv_get get[MANY];
    (void)state;
    kv_begin_filled(&t);
    if (!kv_has(&t, RUNG_KV_IN_PLACE)) {
        kv_end(&t);
        print_message("skipped: the module lends copies\n");
        skip();
    }
    size_t blocks = test_heap_blocks(t.p);
    memset(get, 0, sizeof(get));
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(kv_get_range(&t, &get[i], "index.html", 10, i, RUNG_KV_ALL), 0);
        assert_ptr_equal(get[i].req.value.data, get[0].req.value.data + i);
    }
    assert_int_equal(test_heap_blocks(t.p), blocks);
    for (size_t i = 0; i < MANY; i++)
        kv_release(&get[i]);
    kv_end(&t);
}

KV_TESTS(lent, cmocka_unit_test(lent_in_place), cmocka_unit_test(lent_outlives),
         cmocka_unit_test(lent_moved), cmocka_unit_test(lent_many),
         cmocka_unit_test(lent_version_rules), cmocka_unit_test(lent_versions_differ),
         cmocka_unit_test(lent_versions_of_another_store_differ));
