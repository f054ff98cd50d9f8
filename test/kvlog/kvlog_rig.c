/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_rig.c - see kvlog_rig.h. */
#include "kvlog_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t rig_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rig_random(struct rig *rig)
{
    return rig_mix(&rig->random);
}

uint32_t rig_below(struct rig *rig, uint32_t n)
{
    return (uint32_t)(rig_random(rig) % n);
}

void rig_begin(struct rig *rig, uint64_t size, uint32_t sector_size)
{
    *rig = (struct rig){.size = size, .sector_size = sector_size, .random = test_seed()};
    rig->p = test_platform_new();
    rig->bytes = calloc(1, size);
    assert_non_null(rig->bytes);
    rig->keys = (struct rung_kvlog_keys){.slot = "store", .create = true};
    rig_disk(rig, 0);
}

void rig_end(struct rig *rig)
{
    if (rig->open)
        assert_int_equal(rig_close(rig), 0);
    test_platform_free(rig->p);
    free(rig->bytes);
}

void rig_disk(struct rig *rig, uint32_t caps)
{
    test_disk_init(&rig->disk, rig->p, rig->bytes, rig->size, rig->sector_size, caps);
}

enum rung_err rig_open(struct rig *rig)
{
    assert_false(rig->open);
    rig->needs.block = &rig->disk.block;
    enum rung_err err = rung_kvlog_open(&rig->store, rig->p, &rig->keys, &rig->needs);
    rig->open = !err;
    return err;
}

struct rig_op {
    struct rung_op op;
    bool done;
    int result;
};

static void rig_op_done(struct rung_op *op, int result)
{
    struct rig_op *wait = rung_container_of(op, struct rig_op, op);
    assert_false(wait->done);
    wait->done = true;
    wait->result = result;
}

static bool rig_op_over(void *arg)
{
    return ((struct rig_op *)arg)->done;
}

int rig_close(struct rig *rig)
{
    struct rig_op wait = {.op = {.done = rig_op_done}};
    rung_kv_close(&rig->store.kv, &wait.op);
    test_run_until(rig->p, rig_op_over, &wait);
    rig->open = false;
    return wait.result;
}

int rig_compact_result(struct rig *rig)
{
    struct rig_op wait = {.op = {.done = rig_op_done}};
    rung_kvlog_compact(&rig->store, &wait.op);
    test_run_until(rig->p, rig_op_over, &wait);
    return wait.result;
}

void rig_compact(struct rig *rig)
{
    assert_int_equal(rig_compact_result(rig), 0);
}

void rig_kill(struct rig *rig)
{
    uint8_t *copy = malloc(rig->size);
    assert_non_null(copy);
    memcpy(copy, rig->bytes, rig->size);
    rig_close(rig);
    memcpy(rig->bytes, copy, rig->size);
    free(copy);
    assert_int_equal(rig_open(rig), 0);
}

static void rig_found(struct rung_kvlog_check *check, uint64_t place, const char *what)
{
    (void)check;
    print_message("damage at byte %llu: %s\n", (unsigned long long)place, what);
}

uint64_t rig_check(struct rig *rig, bool quiet)
{
    struct rung_kvlog_check check = {.found = quiet ? NULL : rig_found};
    assert_int_equal(rung_kvlog_check(&rig->store, &check), 0);
    return check.damages;
}

void rig_fill(uint8_t *to, const struct rig_value *value)
{
    uint64_t state = value->number * UINT64_C(0x2545f4914f6cdd1d);
    for (uint32_t at = 0; at < value->len; at += 8) {
        uint64_t word = rig_mix(&state);
        memcpy(to + at, &word, value->len - at < 8 ? value->len - at : 8);
    }
}

bool rig_is(const uint8_t *bytes, size_t len, const struct rig_value *value)
{
    uint64_t state = value->number * UINT64_C(0x2545f4914f6cdd1d);
    if (value->number == 0 || len != value->len)
        return false;
    for (uint32_t at = 0; at < value->len; at += 8) {
        uint64_t word = rig_mix(&state);
        if (memcmp(bytes + at, &word, value->len - at < 8 ? value->len - at : 8) != 0)
            return false;
    }
    return true;
}

void rig_add(struct rig *rig, struct rig_write *write, const char *key, size_t key_len,
             const struct rig_value *value)
{
    unsigned i = write->count++;
    assert_true(i < RIG_CHANGES);
    write->change[i] = (struct rung_kv_change){.key = key, .key_len = key_len};
    if (!value->number)
        return;
    uint8_t *bytes = write->bytes[i] = malloc(value->len + 1u);
    assert_non_null(bytes);
    rig_fill(bytes, value);
    size_t one = rig_below(rig, value->len + 1);
    size_t two = rig_below(rig, value->len - (uint32_t)one + 1);
    write->vec[i][0] = (struct rung_vec){bytes, one};
    write->vec[i][1] = (struct rung_vec){bytes + one, two};
    write->vec[i][2] = (struct rung_vec){bytes + one + two, value->len - one - two};
    write->change[i].value = write->vec[i];
    write->change[i].value_count = 3;
}

static void rig_write_done(struct rung_op *op, int result)
{
    struct rung_kv_write *req = rung_container_of(op, struct rung_kv_write, op);
    struct rig_write *write = rung_container_of(req, struct rig_write, req);
    assert_false(write->done);
    write->done = true;
    write->result = result;
}

static bool rig_write_over(void *arg)
{
    return ((struct rig_write *)arg)->done;
}

void rig_start(struct rig *rig, struct rig_write *write)
{
    write->req = (struct rung_kv_write){
        .op = {.done = rig_write_done}, .change = write->change, .change_count = write->count,
    };
    rung_kv_write(&rig->store.kv, &write->req);
}

int rig_wait(struct rig *rig, struct rig_write *write)
{
    test_run_until(rig->p, rig_write_over, write);
    for (unsigned i = 0; i < write->count; i++)
        free(write->bytes[i]);
    return write->result;
}

int rig_set(struct rig *rig, const char *key, const struct rig_value *value)
{
    struct rig_write write = {.count = 0};
    rig_add(rig, &write, key, strlen(key), value);
    rig_start(rig, &write);
    return rig_wait(rig, &write);
}

static void rig_get_done(struct rung_op *op, int result)
{
    struct rung_kv_get *req = rung_container_of(op, struct rung_kv_get, op);
    struct rig_get *get = rung_container_of(req, struct rig_get, req);
    assert_false(get->done);
    get->done = true;
    get->result = result;
}

static bool rig_get_over(void *arg)
{
    return ((struct rig_get *)arg)->done;
}

void rig_get_start(struct rig *rig, struct rig_get *get, const char *key, size_t key_len,
                   uint64_t offset, size_t len)
{
    *get = (struct rig_get){.req = {
        .op = {.done = rig_get_done}, .key = key, .key_len = key_len, .offset = offset, .len = len,
    }};
    rung_kv_get(&rig->store.kv, &get->req);
}

int rig_get_wait(struct rig *rig, struct rig_get *get)
{
    test_run_until(rig->p, rig_get_over, get);
    return get->result;
}

bool rig_has(struct rig *rig, const char *key, size_t key_len, const struct rig_value *value)
{
    struct rig_get get;
    rig_get_start(rig, &get, key, key_len, 0, RUNG_KV_ALL);
    int result = rig_get_wait(rig, &get);
    if (result)
        return result == RUNG_E_NOTFOUND && !value->number;
    bool same = rig_is(get.req.value.data, get.req.value.len, value);
    rung_buf_release(&get.req.value);
    return same;
}

int rig_try(struct rig *rig, const char *key)
{
    struct rig_get get;
    rig_get_start(rig, &get, key, strlen(key), 0, RUNG_KV_ALL);
    int result = rig_get_wait(rig, &get);
    if (!result)
        rung_buf_release(&get.req.value);
    return result;
}

struct rig_list {
    struct rung_kv_list req;
    struct rig_op wait;
};

static bool rig_each(struct rung_kv_list *list, const char *key, size_t key_len, uint64_t size)
{
    (void)list;
    (void)key;
    (void)key_len;
    (void)size;
    return true;
}

static void rig_list_done(struct rung_op *op, int result)
{
    struct rung_kv_list *req = rung_container_of(op, struct rung_kv_list, op);
    rig_op_done(&rung_container_of(req, struct rig_list, req)->wait.op, result);
}

unsigned rig_count(struct rig *rig)
{
    struct rig_list list = {.req = {.op = {.done = rig_list_done}, .each = rig_each}};
    rung_kv_list(&rig->store.kv, &list.req);
    test_run_until(rig->p, rig_op_over, &list.wait);
    assert_true(list.wait.result >= 0);
    return (unsigned)list.wait.result;
}
