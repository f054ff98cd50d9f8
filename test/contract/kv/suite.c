/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite.c - what the tests of KV have in common, and main(). */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool suite_inside; /* a call into the module is under way */

int kv_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* splitmix64 (Steele, Lea and Flood 2014). */
uint64_t kv_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void kv_begin(struct kv_test *t, enum kv_kind kind)
{
    t->p = test_platform_new();
    t->kv = kv_fixture.open(t->p, kind);
    if (t->kv)
        return;
    test_platform_free(t->p);
    print_message("skipped: the fixture cannot make such a store\n");
    skip();
}

static struct {
    struct rung_kv_ops ops; /* the store's, but for close */
    const struct rung_kv_ops *store_ops;
    struct rung_block *disk;
    struct rung_op store_closed, *closing;
} on_disk;

static void on_disk_store_closed(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, 0);
    rung_block_close(on_disk.disk, on_disk.closing);
}

static void on_disk_close(struct rung_kv *kv, struct rung_op *op)
{
    on_disk.closing = op;
    on_disk.store_closed.done = on_disk_store_closed;
    on_disk.store_ops->close(kv, &on_disk.store_closed);
}

struct rung_kv *kv_on_disk(struct rung_kv *kv, struct rung_block *disk)
{
    on_disk.disk = disk;
    on_disk.store_ops = kv->ops;
    on_disk.ops = *kv->ops;
    on_disk.ops.close = on_disk_close;
    kv->ops = &on_disk.ops;
    return kv;
}

bool kv_has(const struct kv_test *t, enum rung_kv_cap cap)
{
    return (t->kv->info.caps & cap) != 0;
}

struct suite_op {
    struct rung_op op;
    struct kv_wait wait;
};

static void suite_done(struct kv_wait *wait, int result)
{
    assert_false(suite_inside);
    assert_int_equal(wait->done, 0);
    wait->done++;
    wait->result = result;
}

static void suite_op_done(struct rung_op *op, int result)
{
    suite_done(&rung_container_of(op, struct suite_op, op)->wait, result);
}

static bool suite_is_done(void *arg)
{
    return ((struct kv_wait *)arg)->done > 0;
}

int kv_wait(struct kv_test *t, struct kv_wait *wait)
{
    test_run_until(t->p, suite_is_done, wait);
    return wait->result;
}

void kv_close(struct kv_test *t)
{
    struct suite_op close = {.op = {.done = suite_op_done}};
    suite_inside = true;
    rung_kv_close(t->kv, &close.op);
    suite_inside = false;
    assert_int_equal(kv_wait(t, &close.wait), 0);
    test_run_turns(t->p, 3);
    t->kv = NULL;
}

void kv_reopen(struct kv_test *t)
{
    kv_close(t);
    t->kv = kv_fixture.open(t->p, KV_AGAIN);
    assert_non_null(t->kv);
}

void kv_end(struct kv_test *t)
{
    if (t->kv)
        kv_close(t);
    test_platform_free(t->p);
    if (kv_fixture.clean)
        kv_fixture.clean();
}

void kv_need_batches(struct kv_test *t)
{
    if (t->kv->info.max_batch > 1)
        return;
    kv_end(t);
    print_message("skipped: the store has no batches (max_batch is at most 1)\n");
    skip();
}

static void suite_get_done(struct rung_op *op, int result)
{
    struct rung_kv_get *req = rung_container_of(op, struct rung_kv_get, op);
    suite_done(&rung_container_of(req, struct kv_get, req)->wait, result);
}

static void suite_write_done(struct rung_op *op, int result)
{
    struct rung_kv_write *req = rung_container_of(op, struct rung_kv_write, op);
    suite_done(&rung_container_of(req, struct kv_write, req)->wait, result);
}

/* A store may find what it set in here on the way out, but must not need what was in before. */
void kv_start_get(struct kv_test *t, struct kv_get *get)
{
    bool nested = suite_inside;
    struct rung_kv_get in = get->req;
    memset(&get->req, 0xa5, sizeof(get->req));
    get->req.op.done = suite_get_done;
    get->req.key = in.key;
    get->req.key_len = in.key_len;
    get->req.offset = in.offset;
    get->req.len = in.len;
    get->req.accept = in.accept;
    get->req.op.task.active = false;
    get->wait = (struct kv_wait){0};
    suite_inside = true;
    rung_kv_get(t->kv, &get->req);
    suite_inside = nested;
}

void kv_start_write(struct kv_test *t, struct kv_write *write)
{
    bool nested = suite_inside;
    write->req.op.done = suite_write_done;
    write->wait = (struct kv_wait){0};
    suite_inside = true;
    rung_kv_write(t->kv, &write->req);
    suite_inside = nested;
}

int kv_get_range(struct kv_test *t, struct kv_get *get, const char *key, size_t key_len,
                 uint64_t offset, size_t len)
{
    get->req = (struct rung_kv_get){
        .key = key, .key_len = key_len, .offset = offset, .len = len, .accept = get->req.accept,
    };
    kv_start_get(t, get);
    return kv_wait(t, &get->wait);
}

int kv_get_all(struct kv_test *t, struct kv_get *get, const char *key)
{
    *get = (struct kv_get){0};
    return kv_get_range(t, get, key, strlen(key), 0, RUNG_KV_ALL);
}

int kv_write_batch(struct kv_test *t, const struct rung_kv_change change[], unsigned count)
{
    struct kv_write write = {.req = {.change = change, .change_count = count}};
    kv_start_write(t, &write);
    return kv_wait(t, &write.wait);
}

int kv_set(struct kv_test *t, const char *key, size_t key_len, const void *value, size_t len)
{
    void *bytes = malloc(len + 1);
    assert_non_null(bytes);
    memcpy(bytes, value, len);
    struct rung_vec vec = {.base = bytes, .len = len};
    struct rung_kv_change change = {
        .key = key, .key_len = key_len, .value = &vec, .value_count = 1,
    };
    int result = kv_write_batch(t, &change, 1);
    memset(bytes, 0xdd, len + 1); /* it was the caller's again */
    free(bytes);
    return result;
}

int kv_put(struct kv_test *t, const char *key, const char *text)
{
    return kv_set(t, key, strlen(key), text, strlen(text));
}

int kv_remove(struct kv_test *t, const char *key, size_t key_len)
{
    struct rung_kv_change change = {.key = key, .key_len = key_len};
    return kv_write_batch(t, &change, 1);
}

void kv_release(struct kv_get *get)
{
    rung_buf_release(&get->req.value);
}

void kv_expect(struct kv_test *t, const char *key, size_t key_len, const void *value, size_t len)
{
    struct kv_get get = {0};
    assert_int_equal(kv_get_range(t, &get, key, key_len, 0, RUNG_KV_ALL), 0);
    assert_int_equal(get.req.size, len);
    assert_int_equal(get.req.value.len, len);
    if (len)
        assert_memory_equal(get.req.value.data, value, len);
    kv_release(&get);
}

void kv_expect_text(struct kv_test *t, const char *key, const char *text)
{
    kv_expect(t, key, strlen(key), text, strlen(text));
}

void kv_expect_none(struct kv_test *t, const char *key)
{
    struct kv_get get;
    assert_int_equal(kv_get_all(t, &get, key), RUNG_E_NOTFOUND);
}

static bool suite_each(struct rung_kv_list *req, const char *key, size_t key_len, uint64_t size)
{
    struct kv_list *list = rung_container_of(req, struct kv_list, req);
    assert_false(suite_inside);
    assert_int_equal(list->wait.done, 0);
    assert_true(list->stop_at == 0 || list->count < list->stop_at);
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->found = realloc(list->found, list->room * sizeof(*list->found));
        assert_non_null(list->found);
    }
    struct kv_listed *listed = &list->found[list->count++];
    *listed = (struct kv_listed){.key = malloc(key_len + 1), .key_len = key_len, .size = size};
    assert_non_null(listed->key);
    memcpy(listed->key, key, key_len);
    listed->key[key_len] = 0;
    if (list->on_key)
        list->on_key(list, key, key_len);
    assert_memory_equal(listed->key, key, key_len); /* good for the whole call */
    return list->count != list->stop_at;
}

static void suite_list_done(struct rung_op *op, int result)
{
    struct rung_kv_list *req = rung_container_of(op, struct rung_kv_list, op);
    suite_done(&rung_container_of(req, struct kv_list, req)->wait, result);
}

void kv_list_start(struct kv_test *t, struct kv_list *list, const struct kv_list_how *how)
{
    bool nested = suite_inside;
    list->t = t;
    list->stop_at = how->stop_at;
    list->wait = (struct kv_wait){0};
    list->req = (struct rung_kv_list){
        .op = {.done = suite_list_done}, .prefix = how->prefix, .prefix_len = how->prefix_len,
        .after = how->after, .after_len = how->after_len, .limit = how->limit, .each = suite_each,
        .more = true,
    };
    suite_inside = true;
    rung_kv_list(t->kv, &list->req);
    suite_inside = nested;
}

int kv_list_all(struct kv_test *t, struct kv_list *list, const struct kv_list_how *how)
{
    *list = (struct kv_list){0};
    kv_list_start(t, list, how);
    int result = kv_wait(t, &list->wait);
    if (result >= 0)
        assert_int_equal(result, list->count);
    return result;
}

void kv_list_free(struct kv_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->found[i].key);
    free(list->found);
    *list = (struct kv_list){0};
}

int main(void)
{
    static const struct {
        const struct CMUnitTest *tests;
        const size_t *count;
    } groups[] = {
        {kv_tests_get, &kv_count_get},
        {kv_tests_lent, &kv_count_lent},
        {kv_tests_write, &kv_count_write},
        {kv_tests_batch, &kv_count_batch},
        {kv_tests_list, &kv_count_list},
        {kv_tests_list_edge, &kv_count_list_edge},
        {kv_tests_flow, &kv_count_flow},
        {kv_tests_model, &kv_count_model},
    };
    struct CMUnitTest all[96];
    size_t n = 0;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(groups); i++)
        for (size_t k = 0; k < *groups[i].count; k++) {
            assert_true(n < RUNG_ARRAY_LEN(all));
            all[n++] = groups[i].tests[k];
        }
    return _cmocka_run_group_tests(kv_fixture.name, all, n, NULL, NULL);
}
