/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_testing.h - archives made block by block, for the tests of tarkv: what no tar
 * would write as well. */
#ifndef RUNG_TARKV_TESTING_H
#define RUNG_TARKV_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tarkv.h"
#include "test_disk.h"
#include "test_platform.h"

enum { TEST_BYTES = 1 << 20 };

struct tar_test {
    struct rung_platform *p;
    struct test_disk disk;
    struct rung_tarkv store;
    struct rung_tarkv_keys keys;
    struct rung_tarkv_needs needs;
    uint8_t *bytes;
    size_t at; /* what has been written */
    bool open;
};

static inline void tar_begin(struct tar_test *t)
{
    *t = (struct tar_test){.p = test_platform_new(), .bytes = calloc(1, TEST_BYTES)};
    assert_non_null(t->bytes);
    t->keys = (struct rung_tarkv_keys){.slot = "content", .memory = 1 << 20, .versions = true};
}

/* The checksum of the header at h, as the field has it. */
static inline void tar_sum(uint8_t *h)
{
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A header; the caller may change it, and then makes its sum anew. */
static inline uint8_t *tar_header(struct tar_test *t, char type, const char *name, size_t size)
{
    uint8_t *h = t->bytes + t->at;
    assert_true(t->at + 512 <= TEST_BYTES && strlen(name) <= 100);
    memcpy(h, name, strlen(name));
    snprintf((char *)h + 100, 8, "%07o", 0644u);
    snprintf((char *)h + 124, 12, "%011lo", (unsigned long)size);
    snprintf((char *)h + 136, 12, "%011o", 1u);
    h[156] = (uint8_t)type;
    memcpy(h + 257, "ustar\0" "00", 8);
    tar_sum(h);
    t->at += 512;
    return h;
}

static inline void tar_bytes(struct tar_test *t, const void *bytes, size_t len)
{
    assert_true(t->at + len + 512 <= TEST_BYTES);
    memcpy(t->bytes + t->at, bytes, len);
    t->at += (len + 511) / 512 * 512;
}

static inline void tar_file(struct tar_test *t, const char *name, const char *text)
{
    tar_header(t, '0', name, strlen(text));
    tar_bytes(t, text, strlen(text));
}

static inline void tar_link(struct tar_test *t, char type, const char *name, const char *to)
{
    uint8_t *h = tar_header(t, type, name, 0);
    memcpy(h + 157, to, strlen(to));
    tar_sum(h);
}

/* A header with bytes of its own for the next entry: pax ('x', 'g') or GNU ('L', 'K'). */
static inline void tar_extra(struct tar_test *t, char type, const char *text, size_t len)
{
    tar_header(t, type, "extra", len);
    tar_bytes(t, text, len);
}

static inline void tar_pax(struct tar_test *t, const char *key, const char *value)
{
    char record[2048];
    size_t len = strlen(key) + strlen(value) + 3, digits = 1;
    while (snprintf(NULL, 0, "%zu", len + digits) > (int)digits)
        digits++;
    int n = snprintf(record, sizeof(record), "%zu %s=%s\n", len + digits, key, value);
    assert_int_equal(n, len + digits);
    tar_extra(t, 'x', record, (size_t)n);
}

static inline enum rung_err tar_open_on(struct tar_test *t, size_t bytes, uint32_t sector)
{
    test_disk_init(&t->disk, t->p, t->bytes, bytes, sector, RUNG_BLOCK_IS_READONLY);
    t->disk.chance = 1;
    t->needs.block = &t->disk.block;
    enum rung_err err = rung_tarkv_open(&t->store, t->p, &t->keys, &t->needs);
    t->open = !err;
    return err;
}

/* On a disk that is a good deal bigger than the archive. */
static inline enum rung_err tar_open(struct tar_test *t)
{
    return tar_open_on(t, TEST_BYTES, 512);
}

struct tar_op {
    struct rung_op op;
    bool done;
    int result;
};

static inline void tar_op_done(struct rung_op *op, int result)
{
    struct tar_op *wait = rung_container_of(op, struct tar_op, op);
    assert_false(wait->done);
    wait->done = true;
    wait->result = result;
}

static inline bool tar_op_over(void *arg)
{
    return ((struct tar_op *)arg)->done;
}

static inline void tar_close(struct tar_test *t)
{
    struct tar_op wait = {.op = {.done = tar_op_done}};
    if (!t->open)
        return;
    rung_kv_close(&t->store.kv, &wait.op);
    test_run_until(t->p, tar_op_over, &wait);
    t->open = false;
}

static inline void tar_end(struct tar_test *t)
{
    tar_close(t);
    test_platform_free(t->p);
    free(t->bytes);
}

struct tar_get {
    struct rung_kv_get req;
    bool done;
    int result;
};

static inline void tar_get_done(struct rung_op *op, int result)
{
    struct rung_kv_get *req = rung_container_of(op, struct rung_kv_get, op);
    struct tar_get *get = rung_container_of(req, struct tar_get, req);
    get->done = true;
    get->result = result;
}

static inline bool tar_get_over(void *arg)
{
    return ((struct tar_get *)arg)->done;
}

static inline int tar_get(struct tar_test *t, struct tar_get *get, const char *key, uint64_t offset,
                          size_t len)
{
    *get = (struct tar_get){.req = {.op = {.done = tar_get_done}, .key = key,
                                    .key_len = strlen(key), .offset = offset, .len = len}};
    rung_kv_get(&t->store.kv, &get->req);
    test_run_until(t->p, tar_get_over, get);
    return get->result;
}

static inline void tar_has(struct tar_test *t, const char *key, const char *text)
{
    struct tar_get get;
    assert_int_equal(tar_get(t, &get, key, 0, RUNG_KV_ALL), 0);
    assert_int_equal(get.req.value.len, strlen(text));
    assert_memory_equal(get.req.value.data, text, strlen(text));
    rung_buf_release(&get.req.value);
}

static inline void tar_lacks(struct tar_test *t, const char *key)
{
    struct tar_get get;
    assert_int_equal(tar_get(t, &get, key, 0, RUNG_KV_ALL), RUNG_E_NOTFOUND);
}

#endif
