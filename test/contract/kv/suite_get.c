/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_get.c - get: values, ranges, facts, encodings, and which keys there
 * are. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get_whole(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < count; i++) {
        struct kv_get get = {0};
        kv_expect(&t, files[i].key, files[i].key_len, files[i].value, files[i].len);
        assert_int_equal(kv_get_range(&t, &get, files[i].key, files[i].key_len, 0, RUNG_KV_ALL), 0);
        assert_int_equal(get.req.encoding, RUNG_KV_PLAIN);
        if (get.req.type)
            assert_non_null(strchr(get.req.type, '/'));
        kv_release(&get);
    }
    kv_end(&t);
}

static void get_one_range(struct kv_test *t, const struct kv_file *file, uint64_t offset,
                          size_t len)
{
    struct kv_get get = {0};
    int result = kv_get_range(t, &get, file->key, file->key_len, offset, len);
    if (offset > file->len) {
        assert_int_equal(result, RUNG_E_RANGE);
        return;
    }
    size_t left = file->len - (size_t)offset, want = len < left ? len : left;
    assert_int_equal(result, 0);
    assert_int_equal(get.req.size, file->len);
    assert_int_equal(get.req.value.len, want);
    if (want)
        assert_memory_equal(get.req.value.data, file->value + offset, want);
    kv_release(&get);
}

static void get_ranges(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < count; i++) {
        size_t n = files[i].len;
        const uint64_t offsets[] = {
            0, 1, n / 2, n ? n - 1 : 0, n, n + 1, UINT32_MAX, (uint64_t)INT64_MAX,
            (uint64_t)INT64_MAX + 1, UINT64_MAX,
        };
        const size_t lens[] = {0, 1, n / 2, n ? n - 1 : 0, n, n + 1, SIZE_MAX - 1, RUNG_KV_ALL};
        for (size_t o = 0; o < RUNG_ARRAY_LEN(offsets); o++)
            for (size_t l = 0; l < RUNG_ARRAY_LEN(lens); l++)
                get_one_range(&t, &files[i], offsets[o], lens[l]);
    }
    kv_end(&t);
}

static void get_not_found(void **state)
{
    static const char *const keys[] = {
        "nothing", "a", "deep", "deep/er", "css/site.css/", "index.html/more", "index.htm",
        "index.html2", "Index.html", "a/bb", "~", "!", "css/other.css",
    };
    struct kv_test t;
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(keys); i++) {
        struct kv_get get;
        int result = kv_get_all(&t, &get, keys[i]);
        if (rung_kv_key_portable(keys[i], strlen(keys[i])))
            assert_int_equal(result, RUNG_E_NOTFOUND);
    }
    kv_end(&t);
}

struct get_key {
    const char *key;
    size_t len;
};
#define GET_KEY(text) {(text), sizeof(text) - 1}

static const struct get_key get_strange[] = {
    GET_KEY("/"), GET_KEY("/etc/passwd"), GET_KEY("a//b"), GET_KEY("a/"), GET_KEY("."),
    GET_KEY(".."), GET_KEY("../kv/suite.c"), GET_KEY("a/../a/b"), GET_KEY("a/./b"), GET_KEY("a/.."),
    GET_KEY("index.html\0"), GET_KEY("\0"), GET_KEY("in\0dex.html"), GET_KEY("./index.html"),
    GET_KEY(".rung-tmp"), GET_KEY(".rung-tmp/1-0"), GET_KEY("a/.rung-x"), GET_KEY("//"),
    GET_KEY("a/b/"), GET_KEY("/index.html"), GET_KEY("..//.."), GET_KEY(".rung-"),
};

/* Those that break the rules: INVAL, or with ANY_KEY keys like any other. */
static void get_strange_keys(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin_filled(&t);
    int expected = kv_has(&t, RUNG_KV_ANY_KEY) ? RUNG_E_NOTFOUND : RUNG_E_INVAL;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(get_strange); i++) {
        struct kv_get get = {0};
        assert_false(rung_kv_key_portable(get_strange[i].key, get_strange[i].len));
        assert_int_equal(kv_get_range(&t, &get, get_strange[i].key, get_strange[i].len, 0, 1),
                         expected);
        if (t.kv->info.max_batch == 0)
            continue;
        int result = kv_set(&t, get_strange[i].key, get_strange[i].len, "x", 1);
        assert_int_equal(result, kv_has(&t, RUNG_KV_ANY_KEY) ? 0 : RUNG_E_INVAL);
        if (result == 0)
            kv_expect(&t, get_strange[i].key, get_strange[i].len, "x", 1);
        result = kv_remove(&t, get_strange[i].key, get_strange[i].len);
        assert_int_equal(result, kv_has(&t, RUNG_KV_ANY_KEY) ? 0 : RUNG_E_INVAL);
    }
    kv_end(&t);
}

/* parts of part_len bytes each, len bytes together. */
static char *get_long_key(size_t len, size_t part_len)
{
    char *key = malloc(len + 1);
    assert_non_null(key);
    for (size_t i = 0; i < len; i++)
        key[i] = i % (part_len + 1) == part_len ? '/' : (char)('A' + i % 26);
    key[len] = 0;
    return key;
}

static void get_long_keys(void **state)
{
    static const struct {
        size_t len, part_len;
        bool fits, portable;
    } cases[] = {
        {0, 255, false, false},   {1, 255, true, true},      {255, 255, true, true},
        {256, 256, true, false},  {257, 255, true, true},    {511, 255, true, true},
        {513, 256, true, false},  {1023, 255, true, true},   {1024, 204, true, true},
        {1025, 255, false, false}, {1023, 1, true, true},    {1024, 250, true, true},
        {2000, 200, false, false},
    };
    struct kv_test t;
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        char *key = get_long_key(cases[i].len, cases[i].part_len);
        struct kv_get get = {0};
        bool taken = cases[i].fits && (cases[i].portable || kv_has(&t, RUNG_KV_ANY_KEY));
        if (cases[i].portable)
            assert_true(rung_kv_key_portable(key, cases[i].len));
        assert_int_equal(kv_get_range(&t, &get, key, cases[i].len, 0, RUNG_KV_ALL),
                         taken ? RUNG_E_NOTFOUND : RUNG_E_INVAL);
        if (t.kv->info.max_batch > 0) {
            assert_int_equal(kv_set(&t, key, cases[i].len, key, cases[i].len),
                             taken ? 0 : RUNG_E_INVAL);
            if (taken)
                kv_expect(&t, key, cases[i].len, key, cases[i].len);
            assert_int_equal(kv_remove(&t, key, cases[i].len), taken ? 0 : RUNG_E_INVAL);
        }
        free(key);
    }
    kv_end(&t);
}

/* Every byte but NUL and '/' may be in a portable key. */
static void get_every_byte(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_FAST);
    for (int byte = 1; byte < 256; byte++) {
        char key[3] = {'k', (char)byte, 0};
        if (byte == '/')
            continue;
        assert_int_equal(kv_put(&t, key, key), 0);
    }
    struct kv_list list;
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){.prefix = "k", .prefix_len = 1}),
                     254);
    for (size_t i = 0; i < list.count; i++)
        kv_expect(&t, list.found[i].key, 2, list.found[i].key, 2);
    kv_list_free(&list);
    kv_end(&t);
}

static void get_unzip(const struct rung_buf *packed, const struct kv_file *file)
{
    char name[] = "/tmp/rung-kv-gzip-XXXXXX", command[64];
    uint8_t *plain = malloc(file->len + 1);
    assert_non_null(plain);
    FILE *to = fdopen(mkstemp(name), "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(packed->data, 1, packed->len, to), packed->len);
    assert_int_equal(fclose(to), 0);
    snprintf(command, sizeof(command), "gzip -dc < %s", name);
    FILE *from = popen(command, "r");
    assert_non_null(from);
    assert_int_equal(fread(plain, 1, file->len + 1, from), file->len);
    assert_memory_equal(plain, file->value, file->len);
    assert_int_equal(pclose(from), 0);
    remove(name);
    free(plain);
}

/* The gzip variant is a value of its own: size, version, ranges. */
static void get_gzip_one(struct kv_test *t, const struct kv_file *file)
{
    struct kv_get get = {.req = {.accept = RUNG_KV_GZIP}}, plain = {0};
    assert_int_equal(kv_get_range(t, &get, file->key, file->key_len, 0, RUNG_KV_ALL), 0);
    assert_int_equal(get.req.value.len, get.req.size);
    if (get.req.encoding == RUNG_KV_PLAIN) {
        assert_int_equal(get.req.size, file->len);
        assert_memory_equal(get.req.value.data, file->value, file->len);
        kv_release(&get);
        return;
    }
    assert_int_equal(get.req.encoding, RUNG_KV_GZIP);
    get_unzip(&get.req.value, file);
    assert_int_equal(kv_get_range(t, &plain, file->key, file->key_len, 0, 0), 0);
    assert_int_equal(plain.req.encoding, RUNG_KV_PLAIN);
    assert_string_not_equal(get.req.version, plain.req.version);
    assert_string_equal(get.req.type, plain.req.type);
    kv_release(&plain);
    struct kv_get part = {.req = {.accept = RUNG_KV_GZIP}};
    assert_int_equal(kv_get_range(t, &part, file->key, file->key_len, get.req.size - 8, 16), 0);
    assert_int_equal(part.req.value.len, 8);
    assert_memory_equal(part.req.value.data, get.req.value.data + get.req.size - 8, 8);
    kv_release(&part);
    assert_int_equal(kv_get_range(t, &part, file->key, file->key_len, get.req.size + 1, 1),
                     RUNG_E_RANGE);
    kv_release(&get);
}

static void get_gzip(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < count; i++)
        get_gzip_one(&t, &files[i]);
    kv_end(&t);
}

/* What crunch promises beyond the interface, if this store knows types and variants at all. */
static void get_facts(void **state)
{
    static const struct {
        const char *key, *type;
        bool gzip;
    } facts[] = {
        {"index.html", "text/html; charset=utf-8", true},
        {"css/site.css", "text/css; charset=utf-8", true},
        {"deep/er/and/deeper/still.json", "application/json", false},
        {"SHOUT.TXT", "text/plain; charset=utf-8", false}, /* too short to shrink */
        {"noise.txt", "text/plain; charset=utf-8", false}, /* noise does not shrink */
        {"archive.tar.gz", "application/gzip", false},     /* would, but is packed already */
        {"one", NULL, false},
        {"a.b", NULL, false},
    };
    struct kv_test t;
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(facts) && strcmp(kv_fixture.name, "crunch") == 0; i++) {
        struct kv_get get = {.req = {.accept = RUNG_KV_GZIP}};
        assert_int_equal(kv_get_range(&t, &get, facts[i].key, strlen(facts[i].key), 0, 0), 0);
        if (facts[i].type)
            assert_string_equal(get.req.type, facts[i].type);
        else
            assert_null(get.req.type);
        assert_int_equal(get.req.encoding, facts[i].gzip ? RUNG_KV_GZIP : RUNG_KV_PLAIN);
        assert_int_equal(strlen(get.req.version), 32);
        kv_release(&get);
    }
    kv_end(&t);
}

KV_TESTS(get, cmocka_unit_test(get_whole), cmocka_unit_test(get_ranges),
         cmocka_unit_test(get_not_found), cmocka_unit_test(get_strange_keys),
         cmocka_unit_test(get_long_keys), cmocka_unit_test(get_every_byte),
         cmocka_unit_test(get_gzip), cmocka_unit_test(get_facts));
