/* SPDX-License-Identifier: ISC */
/* test/fuzz/store_fuzz.h - a disk and a KV on it for one input of a fuzzer; what must not happen
 * aborts. */
#ifndef STORE_FUZZ_H
#define STORE_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "rung/kv.h"
#include "test_disk.h"
#include "virtual/virtual.h"

enum { FUZZ_TURNS = 200000 };

struct fuzz_wait { /* one request */
    union {
        struct rung_op op;
        struct rung_kv_get get;
        struct rung_kv_write write;
        struct rung_kv_list list;
    } u;
    struct rung_platform *p;
    bool done;
    int result;
    unsigned count;
    size_t last_len;
    char last[RUNG_KV_KEY_MAX];
};

/* done() of every request; op is the first member of them all. */
static inline void fuzz_done(struct rung_op *op, int result)
{
    struct fuzz_wait *wait = rung_container_of(op, struct fuzz_wait, u.op);
    FUZZ_CHECK(!wait->done);
    wait->done = true;
    wait->result = result;
}

static inline int fuzz_run(struct rung_platform *p, struct fuzz_wait *wait)
{
    for (unsigned turns = 0; !wait->done; turns++) {
        FUZZ_CHECK(turns < FUZZ_TURNS);
        FUZZ_CHECK(rung_virtual_step(p));
    }
    return wait->result;
}

static inline int fuzz_close(struct rung_platform *p, struct rung_kv *kv)
{
    struct fuzz_wait wait = {.u.op = {.done = fuzz_done}};
    rung_kv_close(kv, &wait.u.op);
    return fuzz_run(p, &wait);
}

/* Gets all of a key's value, or a range of it. */
static inline int fuzz_get(struct rung_platform *p, struct rung_kv *kv, const char *key,
                           size_t key_len, uint64_t offset, size_t len)
{
    struct fuzz_wait wait = {.u.get = {.op = {.done = fuzz_done}, .key = key, .key_len = key_len,
                                       .offset = offset, .len = len}};
    rung_kv_get(kv, &wait.u.get);
    int result = fuzz_run(p, &wait);
    if (result)
        return result;
    volatile uint8_t sum = 0; /* all of it is read, for the sanitizer */
    for (size_t i = 0; i < wait.u.get.value.len; i++)
        sum ^= wait.u.get.value.data[i];
    (void)sum;
    FUZZ_CHECK(wait.u.get.value.len <= wait.u.get.size);
    rung_buf_release(&wait.u.get.value);
    return 0;
}

static inline bool fuzz_each(struct rung_kv_list *list, const char *key, size_t key_len,
                             uint64_t size)
{
    struct fuzz_wait *wait = rung_container_of(list, struct fuzz_wait, u.list);
    size_t common = key_len < wait->last_len ? key_len : wait->last_len;
    int order = memcmp(wait->last, key, common);
    (void)size;
    FUZZ_CHECK(key_len >= 1 && key_len <= RUNG_KV_KEY_MAX);
    FUZZ_CHECK(order < 0 || (order == 0 && wait->last_len < key_len));
    memcpy(wait->last, key, key_len);
    wait->last_len = key_len;
    wait->count++;
    return wait->count % 4 != 0;
}

/* Lists all keys in order, a few at a time, and gets each in some ways. How many there are. */
static inline unsigned fuzz_all(struct rung_platform *p, struct rung_kv *kv)
{
    struct fuzz_wait *wait = calloc(1, sizeof(*wait));
    unsigned count = 0;
    bool more = true;
    FUZZ_CHECK(wait);
    while (more) {
        char after[RUNG_KV_KEY_MAX];
        size_t after_len = wait->last_len;
        memcpy(after, wait->last, after_len);
        wait->u.list = (struct rung_kv_list){.op = {.done = fuzz_done}, .each = fuzz_each,
                                             .limit = 1, .after = after_len ? after : NULL,
                                             .after_len = after_len};
        wait->done = false;
        rung_kv_list(kv, &wait->u.list);
        int result = fuzz_run(p, wait);
        FUZZ_CHECK(result >= 0 && result <= 1);
        more = wait->u.list.more;
        FUZZ_CHECK(result == 1 || !more);
        if (result == 1) {
            count++;
            fuzz_get(p, kv, wait->last, wait->last_len, 0, RUNG_KV_ALL);
            fuzz_get(p, kv, wait->last, wait->last_len, 3, 5);
        }
    }
    free(wait);
    return count;
}

#endif
