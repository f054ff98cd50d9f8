/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_testing.h - what the unit tests of kv-dir share: a folder under /tmp with a
 * store in it, and requests from start to end. Included by one file of each test program. */
#ifndef RUNG_KV_DIR_TESTING_H
#define RUNG_KV_DIR_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv_dir.h"
#include "test_platform.h"

static char base[64];    /* holds store and outside */
static char root[80];    /* base/store */
static struct rung_platform *p;
static struct rung_kv_dir dir;
static struct rung_kv_dir_keys keys;
static const struct rung_kv_dir_needs needs;

struct test_op {
    struct rung_kv_get get;
    struct rung_kv_write write;
    struct rung_kv_list list;
    struct rung_op close;
    int result;
    bool done;
    char keys[4096]; /* listed, each with a line break */
};

static inline const char *at(const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
    return path;
}

static inline void put_file(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline bool exists(const char *name)
{
    struct stat st;
    return lstat(at(name), &st) == 0;
}

static inline bool is_done(void *arg)
{
    return ((struct test_op *)arg)->done;
}

#define TEST_DONE(name, type, member) \
    static inline void name(struct rung_op *op, int result) \
    { \
        struct type *req = rung_container_of(op, struct type, op); \
        struct test_op *test = rung_container_of(req, struct test_op, member); \
        test->result = result; \
        test->done = true; \
    }
TEST_DONE(got, rung_kv_get, get)
TEST_DONE(written, rung_kv_write, write)
TEST_DONE(listed, rung_kv_list, list)

static inline void closed(struct rung_op *op, int result)
{
    struct test_op *test = rung_container_of(op, struct test_op, close);
    test->result = result;
    test->done = true;
}

static inline int finish(struct test_op *op)
{
    test_run_until(p, is_done, op);
    return op->result;
}

/* The value as text, "" if there is none; *result says why. */
static inline const char *get(const char *key, int *result)
{
    static char text[256];
    struct test_op op = {
        .get = {.op = {.done = got}, .key = key, .key_len = strlen(key), .len = sizeof(text) - 1},
    };
    text[0] = 0;
    rung_kv_get(&dir.kv, &op.get);
    *result = finish(&op);
    if (*result)
        return text;
    memcpy(text, op.get.value.data, op.get.value.len);
    text[op.get.value.len] = 0;
    rung_buf_release(&op.get.value);
    return text;
}

static inline void expect_text(const char *key, const char *expected)
{
    int result;
    const char *text = get(key, &result);
    assert_int_equal(result, 0);
    assert_string_equal(text, expected);
}

static inline void expect_err(const char *key, int expected)
{
    int result;
    get(key, &result);
    assert_int_equal(result, expected);
}

static inline int change(const char *key, const char *text)
{
    char copy[64] = "";
    struct rung_vec vec = {copy, text ? strlen(text) : 0};
    struct rung_kv_change c = {
        .key = key, .key_len = strlen(key), .value = text ? &vec : NULL, .value_count = 1,
    };
    struct test_op op = {.write = {.op = {.done = written}, .change = &c, .change_count = 1}};
    if (text)
        memcpy(copy, text, vec.len);
    rung_kv_write(&dir.kv, &op.write);
    return finish(&op);
}

static inline bool each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct test_op *op = rung_container_of(list, struct test_op, list);
    size_t used = strlen(op->keys);
    (void)size;
    assert_true(used + len + 2 < sizeof(op->keys));
    memcpy(op->keys + used, key, len);
    strcpy(op->keys + used + len, "\n");
    return true;
}

static inline int list_result(char keys_found[4096], const char *prefix)
{
    struct test_op op = {.list = {
        .op = {.done = listed}, .prefix = prefix, .prefix_len = strlen(prefix), .each = each,
    }};
    rung_kv_list(&dir.kv, &op.list);
    finish(&op);
    memcpy(keys_found, op.keys, sizeof(op.keys));
    return op.result;
}

static inline void expect_list(const char *prefix, const char *expected)
{
    char found[4096];
    assert_true(list_result(found, prefix) >= 0);
    assert_string_equal(found, expected);
}

static inline void open_store(void)
{
    assert_int_equal(rung_kv_dir_open(&dir, p, &keys, &needs), 0);
}

static inline void close_store(void)
{
    struct test_op op = {.close = {.done = closed}};
    rung_kv_close(&dir.kv, &op.close);
    assert_int_equal(finish(&op), 0);
}

static inline int set_up(void **state)
{
    (void)state;
    strcpy(base, "/tmp/rung-kv-dir-test-XXXXXX");
    assert_non_null(mkdtemp(base));
    snprintf(root, sizeof(root), "%s/store", base);
    mkdir(root, 0777);
    mkdir(at("outside"), 0777);
    put_file("outside/secret", "secret");
    p = test_platform_new();
    keys = (struct rung_kv_dir_keys){.slot = "content", .path = root};
    return 0;
}

static inline int tear_down(void **state)
{
    char command[128];
    (void)state;
    test_platform_free(p);
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command);
}

#define KV_DIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
