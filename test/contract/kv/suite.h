/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite.h - the promises of rung/kv.h as tests, run for every module that provides
 * KV.
 * Model    fixture_<module>.c says how the module under test is opened. A test opens a store,
 *          drives it, closes it; a module that cannot do what a test is about (write, batches, ...)
 *          skips.
 * Owner    Everything here fails the running test when it goes wrong.
 * Context  The test's main flow, unless a call says otherwise. */
#ifndef KV_SUITE_H
#define KV_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rung/block.h"
#include "rung/kv.h"
#include "test_platform.h"

#define KV_SMALL_BYTES 65536u

enum kv_kind {
    KV_EMPTY,  /* nothing in it; NULL from a module that is read-only */
    KV_FAST,   /* the same, for many writes: not durable, if the module has a choice */
    KV_AGAIN,  /* what was in it when it was last closed; NULL: the module keeps nothing */
    KV_FILLED, /* read-only, with what is below crunch-content; NULL: the module has no such mode */
    KV_SMALL,  /* empty, and full with KV_SMALL_BYTES at most; NULL: cannot be done */
};

struct kv_fixture { /* what fixture_<module>.c supplies */
    const char *name;
    /* The store, opened, or NULL: there is no such kind. One is open at a time. */
    struct rung_kv *(*open)(struct rung_platform *p, enum kv_kind kind);
    /* After the close, when the test is over: removes what stays behind. NULL: nothing does. */
    void (*clean)(void);
};
extern const struct kv_fixture kv_fixture;

/* For a fixture: a store just opened on a disk, which is closed behind it from now on. One at a
 * time. Gives the store. */
struct rung_kv *kv_on_disk(struct rung_kv *kv, struct rung_block *disk);

struct kv_test {
    struct rung_platform *p;
    struct rung_kv *kv;
};

/* Opens the module; skips the test if it has no such kind. */
void kv_begin(struct kv_test *t, enum kv_kind kind);
/* A store that holds the files of crunch-content: filled by writes, or made so. */
void kv_begin_filled(struct kv_test *t);
void kv_close(struct kv_test *t);
void kv_reopen(struct kv_test *t); /* KV_AGAIN, on the same platform */
void kv_end(struct kv_test *t);
bool kv_has(const struct kv_test *t, enum rung_kv_cap cap);
void kv_need_batches(struct kv_test *t); /* skips, and ends, if there are none */

/* What every request of the suite carries; watches that done() runs once and not inside a call. */
struct kv_wait {
    unsigned done;
    int result;
};
struct kv_get {
    struct rung_kv_get req;
    struct kv_wait wait;
};
struct kv_write {
    struct rung_kv_write req;
    struct kv_wait wait;
};

/* Start a request whose fields are set. Any context. */
void kv_start_get(struct kv_test *t, struct kv_get *get);
void kv_start_write(struct kv_test *t, struct kv_write *write);
/* Wait for it; the result. */
int kv_wait(struct kv_test *t, struct kv_wait *wait);

/* One request from start to end. */
int kv_get_range(struct kv_test *t, struct kv_get *get, const char *key, size_t key_len,
                 uint64_t offset, size_t len);
int kv_get_all(struct kv_test *t, struct kv_get *get, const char *key);
int kv_set(struct kv_test *t, const char *key, size_t key_len, const void *value, size_t len);
int kv_remove(struct kv_test *t, const char *key, size_t key_len);
int kv_write_batch(struct kv_test *t, const struct rung_kv_change change[], unsigned count);
int kv_put(struct kv_test *t, const char *key, const char *text); /* both NUL-terminated */

/* Fail unless the key holds these bytes, or is not there. */
void kv_expect(struct kv_test *t, const char *key, size_t key_len, const void *value, size_t len);
void kv_expect_text(struct kv_test *t, const char *key, const char *text);
void kv_expect_none(struct kv_test *t, const char *key);
void kv_release(struct kv_get *get);

/* A list, and what it reported. */
struct kv_list {
    struct rung_kv_list req;
    struct kv_wait wait;
    struct kv_test *t;
    size_t stop_at; /* each() says no at this many keys; 0: never */
    void (*on_key)(struct kv_list *list, const char *key, size_t key_len);
    void *arg;
    size_t count, room;
    struct kv_listed {
        char *key;
        size_t key_len;
        uint64_t size;
    } *found;
};
struct kv_list_how {
    const char *prefix, *after; /* NULL: none */
    size_t prefix_len, after_len;
    uint32_t limit;
    size_t stop_at;
};
void kv_list_start(struct kv_test *t, struct kv_list *list, const struct kv_list_how *how);
int kv_list_all(struct kv_test *t, struct kv_list *list, const struct kv_list_how *how);
void kv_list_free(struct kv_list *list);

/* The files of crunch-content, sorted by key. Lives for the whole program. */
struct kv_file {
    const char *key;
    size_t key_len;
    const uint8_t *value;
    size_t len;
};
const struct kv_file *kv_content(size_t *count);

int kv_order(const char *a, size_t a_len, const char *b, size_t b_len);
uint64_t kv_random(uint64_t *state);
/* In the other files: the tests. */
extern const struct CMUnitTest kv_tests_get[], kv_tests_lent[], kv_tests_write[], kv_tests_batch[],
    kv_tests_list[], kv_tests_list_edge[], kv_tests_flow[], kv_tests_model[];
extern const size_t kv_count_get, kv_count_lent, kv_count_write, kv_count_batch, kv_count_list,
    kv_count_list_edge, kv_count_flow, kv_count_model;

#define KV_TESTS(group, ...) \
    const struct CMUnitTest kv_tests_##group[] = {__VA_ARGS__}; \
    const size_t kv_count_##group = RUNG_ARRAY_LEN(kv_tests_##group)

#endif
