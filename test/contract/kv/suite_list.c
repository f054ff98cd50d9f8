/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_list.c - list: order, prefix, after, limit, an early end, and what they do
 * together, compared with the same worked out over a plain sorted array. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_TEXT(text) (text), sizeof(text) - 1

struct list_text {
    const char *text;
    size_t len;
};

/* What a list with these parameters reports, from sorted files. Returns how many, sets *more. */
static size_t list_expected(const struct kv_file *files, size_t count,
                            const struct kv_list_how *how, const struct kv_file *expected[],
                            bool *more)
{
    size_t n = 0;
    *more = false;
    for (size_t i = 0; i < count; i++) {
        const struct kv_file *file = &files[i];
        if (file->key_len < how->prefix_len
            || (how->prefix_len && memcmp(file->key, how->prefix, how->prefix_len) != 0))
            continue;
        if (how->after && kv_order(file->key, file->key_len, how->after, how->after_len) <= 0)
            continue;
        if ((how->limit && n == how->limit) || (how->stop_at && n == how->stop_at)) {
            *more = true;
            break;
        }
        expected[n++] = file;
    }
    return n;
}

static void list_check(struct kv_test *t, const struct kv_file *files, size_t count,
                       const struct kv_list_how *how)
{
    const struct kv_file *expected[64];
    struct kv_list list;
    bool more;
    assert_true(count <= RUNG_ARRAY_LEN(expected));
    size_t n = list_expected(files, count, how, expected, &more);
    assert_int_equal(kv_list_all(t, &list, how), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(list.found[i].key_len, expected[i]->key_len);
        assert_memory_equal(list.found[i].key, expected[i]->key, expected[i]->key_len);
        assert_int_equal(list.found[i].size, expected[i]->len);
    }
    assert_int_equal(list.req.more, more);
    kv_list_free(&list);
}

static void list_whole(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    list_check(&t, files, count, &(struct kv_list_how){0});
    list_check(&t, files, count, &(struct kv_list_how){.prefix = "", .after = ""});
    kv_end(&t);
}

static void list_empty(void **state)
{
    struct kv_test t;
    struct kv_list list;
    (void)state;
    kv_begin(&t, KV_EMPTY);
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 0);
    assert_false(list.req.more);
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){.prefix = "a", .prefix_len = 1,
                                                                  .limit = 1}), 0);
    assert_false(list.req.more);
    kv_end(&t);
}

static const struct list_text list_prefixes[] = {
    {LIST_TEXT("")}, {LIST_TEXT("a")}, {LIST_TEXT("a/")}, {LIST_TEXT("a/b")}, {LIST_TEXT("a.")},
    {LIST_TEXT("a/b/")}, {LIST_TEXT("deep/er")}, {LIST_TEXT("deep/er/and/deeper/")},
    {LIST_TEXT("deep/er/an")}, {LIST_TEXT("css/site.css")}, {LIST_TEXT("css/site.css/")},
    {LIST_TEXT("css/site.css2")}, {LIST_TEXT("nothing")}, {LIST_TEXT("no/thing/")},
    {LIST_TEXT("/")}, {LIST_TEXT("//")}, {LIST_TEXT("../")}, {LIST_TEXT("./")}, {LIST_TEXT("a//")},
    {LIST_TEXT("a/../a/")}, {LIST_TEXT(".rung-tmp/")}, {LIST_TEXT("\0")}, {LIST_TEXT("a\0b/")},
    {LIST_TEXT("a/\0/")}, {LIST_TEXT("\xff")}, {LIST_TEXT("\xc3")}, {LIST_TEXT("noise.")},
    {LIST_TEXT("with space/")}, {LIST_TEXT("/etc/")}, {LIST_TEXT("index.html/")}, {LIST_TEXT("e")},
};

static const struct list_text list_afters[] = {
    {NULL, 0}, {LIST_TEXT("")}, {LIST_TEXT("a")}, {LIST_TEXT("a-b")}, {LIST_TEXT("a.b")},
    {LIST_TEXT("a/")}, {LIST_TEXT("a/b")}, {LIST_TEXT("a/b/")}, {LIST_TEXT("a/a")},
    {LIST_TEXT("a/c")}, {LIST_TEXT("a0")}, {LIST_TEXT("a\0")}, {LIST_TEXT("b")},
    {LIST_TEXT("deep")}, {LIST_TEXT("deep/er/and")}, {LIST_TEXT("deep/er/and/deeper/still.json")},
    {LIST_TEXT("deep/er/and/deeper/still.jsom")}, {LIST_TEXT("deep/es")}, {LIST_TEXT("noise.bin")},
    {LIST_TEXT("noise.bio")}, {LIST_TEXT("\xc3\xbcml\xc3\xa4ut.html")}, {LIST_TEXT("\xff")},
    {LIST_TEXT("/")}, {LIST_TEXT("..")}, {LIST_TEXT("with space/a file.txt")}, {LIST_TEXT("-")},
};

static void list_combined(void **state)
{
    static const uint32_t limits[] = {0, 1, 2, 3, 20, 21, 22, UINT32_MAX};
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t p = 0; p < RUNG_ARRAY_LEN(list_prefixes); p++)
        for (size_t a = 0; a < RUNG_ARRAY_LEN(list_afters); a++)
            for (size_t l = 0; l < RUNG_ARRAY_LEN(limits); l += p > 2 && a > 2 ? 2 : 1) {
                struct kv_list_how how = {
                    .prefix = list_prefixes[p].text, .prefix_len = list_prefixes[p].len,
                    .after = list_afters[a].text, .after_len = list_afters[a].len,
                    .limit = limits[l],
                };
                list_check(&t, files, count, &how);
            }
    kv_end(&t);
}

/* each() says no at every place there is, with and without a limit. */
static void list_stopped(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t stop = 1; stop <= count + 1; stop++)
        for (uint32_t limit = 0; limit <= count + 1; limit += 7)
            list_check(&t, files, count, &(struct kv_list_how){.stop_at = stop, .limit = limit});
    list_check(&t, files, count, &(struct kv_list_how){.stop_at = 1, .prefix = "a/b",
                                                       .prefix_len = 3});
    kv_end(&t);
}

/* Page by page, as a caller with little memory would. */
static void list_pages(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (uint32_t page = 1; page <= 8; page++) {
        size_t seen = 0;
        bool more = true;
        while (more) {
            struct kv_list list;
            struct kv_list_how how = {.limit = page};
            if (seen) {
                how.after = files[seen - 1].key;
                how.after_len = files[seen - 1].key_len;
            }
            assert_true(kv_list_all(&t, &list, &how) > 0);
            for (size_t i = 0; i < list.count; i++, seen++) {
                assert_true(seen < count);
                assert_string_equal(list.found[i].key, files[seen].key);
            }
            more = list.req.more;
            kv_list_free(&list);
        }
        assert_int_equal(seen, count);
    }
    kv_end(&t);
}

/* Keys around '/' in byte order: '!' to '.' come before what is below a folder, '0' behind it. */
static void list_around_slash(void **state)
{
    static const char *const keys[] = {
        "a!/x", "a-", "a-b/a/b", "a.", "a.b", "a/b", "a/b!", "a/b.c/d", "a/b0/c", "a0", "a00/x",
        "aa", "b/a/a/a/a", "b/a/a/a/b", "b/a/a/a0", "b/a/a0", "b/a0", "b0",
    };
    struct kv_file files[RUNG_ARRAY_LEN(keys)];
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_FAST);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(keys); i++) {
        const char *key = keys[i * 7 % RUNG_ARRAY_LEN(keys)];
        files[i] = (struct kv_file){.key = keys[i], .key_len = strlen(keys[i]), .len = i};
        assert_int_equal(kv_put(&t, key, key), 0);
    }
    for (size_t i = 0; i < RUNG_ARRAY_LEN(keys); i++)
        files[i].len = files[i].key_len;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(keys); i++)
        for (size_t len = 0; len <= strlen(keys[i]); len++) {
            struct kv_list_how how = {.prefix = keys[i], .prefix_len = len};
            list_check(&t, files, RUNG_ARRAY_LEN(files), &how);
            how = (struct kv_list_how){.after = keys[i], .after_len = len, .limit = 4};
            list_check(&t, files, RUNG_ARRAY_LEN(files), &how);
        }
    kv_end(&t);
}

KV_TESTS(list, cmocka_unit_test(list_whole), cmocka_unit_test(list_empty),
         cmocka_unit_test(list_combined), cmocka_unit_test(list_stopped),
         cmocka_unit_test(list_pages), cmocka_unit_test(list_around_slash));
