/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_list_edge.c - list: many keys, requests from inside each(), writes
 * meanwhile, no memory. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE_MANY = 3000 };

static void edge_name(char name[64], unsigned i)
{
    if (i % 5 == 0)
        snprintf(name, 64, "folder-%02u/%05u", i % 7, i);
    else
        snprintf(name, 64, "a-rather-long-name-for-a-key-%05u", i);
}

static void edge_begin_many(struct kv_test *t)
{
    char name[64];
    kv_begin(t, KV_FAST);
    for (unsigned i = 0; i < EDGE_MANY; i++) {
        edge_name(name, i * 1009 % EDGE_MANY);
        assert_int_equal(kv_put(t, name, "v"), 0);
    }
}

/* More keys than a module handles in one go: all of them, in order, once. */
static void edge_many(void **state)
{
    struct kv_test t;
    struct kv_list list;
    (void)state;
    edge_begin_many(&t);
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), EDGE_MANY);
    assert_false(list.req.more);
    for (size_t i = 1; i < list.count; i++)
        assert_true(kv_order(list.found[i - 1].key, list.found[i - 1].key_len, list.found[i].key,
                             list.found[i].key_len) < 0);
    for (size_t at = 1; at < list.count; at += 331) {
        struct kv_list part;
        struct kv_list_how how = {
            .after = list.found[at - 1].key, .after_len = list.found[at - 1].key_len, .limit = 200,
        };
        size_t left = list.count - at;
        assert_int_equal(kv_list_all(&t, &part, &how), left < 200 ? left : 200);
        assert_int_equal(part.req.more, left > 200);
        assert_string_equal(part.found[0].key, list.found[at].key);
        kv_list_free(&part);
    }
    kv_list_free(&list);
    kv_end(&t);
}

struct edge_requests {
    struct kv_get *gets;
    size_t count;
};

static void edge_get_each(struct kv_list *list, const char *key, size_t key_len)
{
    struct edge_requests *requests = list->arg;
    struct kv_get *get = &requests->gets[requests->count];
    (void)key; /* good for this call only: the request needs one that stays */
    *get = (struct kv_get){.req = {
        .key = list->found[requests->count].key, .key_len = key_len, .len = RUNG_KV_ALL,
    }};
    requests->count++;
    kv_start_get(list->t, get);
}

/* A get for each key, started from inside each(). */
static void edge_get_inside(void **state)
{
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    struct edge_requests requests = {.gets = calloc(count, sizeof(*requests.gets))};
    struct kv_list list = {.on_key = edge_get_each, .arg = &requests};
    assert_non_null(requests.gets);
    kv_list_start(&t, &list, &(struct kv_list_how){0});
    assert_int_equal(kv_wait(&t, &list.wait), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kv_wait(&t, &requests.gets[i].wait), 0);
        assert_int_equal(requests.gets[i].req.value.len, files[i].len);
        if (files[i].len)
            assert_memory_equal(requests.gets[i].req.value.data, files[i].value, files[i].len);
        kv_release(&requests.gets[i]);
    }
    kv_list_free(&list);
    free(requests.gets);
    kv_end(&t);
}

struct edge_removal {
    struct kv_write write;
    struct rung_kv_change change;
    char key[64];
};

static void edge_remove_each(struct kv_list *list, const char *key, size_t key_len)
{
    struct edge_removal *removal = (struct edge_removal *)list->arg + (list->count - 1);
    assert_true(key_len < sizeof(removal->key));
    memcpy(removal->key, key, key_len);
    removal->change = (struct rung_kv_change){.key = removal->key, .key_len = key_len};
    removal->write = (struct kv_write){
        .req = {.change = &removal->change, .change_count = 1},
    };
    kv_start_write(list->t, &removal->write);
}

/* Each key is removed as it is reported: all others are still reported, once. */
static void edge_remove_inside(void **state)
{
    struct kv_test t;
    (void)state;
    edge_begin_many(&t);
    struct edge_removal *removals = calloc(EDGE_MANY, sizeof(*removals));
    struct kv_list list = {.on_key = edge_remove_each, .arg = removals};
    assert_non_null(removals);
    kv_list_start(&t, &list, &(struct kv_list_how){0});
    assert_int_equal(kv_wait(&t, &list.wait), EDGE_MANY);
    for (unsigned i = 0; i < EDGE_MANY; i++)
        assert_int_equal(kv_wait(&t, &removals[i].write.wait), 0);
    kv_list_free(&list);
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 0);
    free(removals);
    kv_end(&t);
}

enum { EDGE_QUADS = 300 };

struct edge_quads {
    struct kv_write write[EDGE_QUADS][3];
    struct rung_kv_change change[EDGE_QUADS][3];
    char keys[EDGE_QUADS][3][16];
    unsigned reported[EDGE_QUADS];
};

static void edge_quad_write(struct kv_list *list, unsigned quad, unsigned i, const char *last,
                            const struct rung_vec *value)
{
    struct edge_quads *quads = list->arg;
    char *key = quads->keys[quad][i];
    snprintf(key, sizeof(quads->keys[0][0]), "q%05u%s", quad, last);
    quads->change[quad][i] = (struct rung_kv_change){
        .key = key, .key_len = strlen(key), .value = value, .value_count = 1,
    };
    quads->write[quad][i].req = (struct rung_kv_write){
        .change = &quads->change[quad][i], .change_count = 1,
    };
    kv_start_write(list->t, &quads->write[quad][i]);
}

/* At the first of four keys: it and the next one go, and a new one comes behind them. */
static void edge_quad_each(struct kv_list *list, const char *key, size_t key_len)
{
    static char text[] = "new";
    static const struct rung_vec value = {text, 3};
    struct edge_quads *quads = list->arg;
    unsigned quad = (unsigned)strtoul(list->found[list->count - 1].key + 1, NULL, 10);
    assert_true(quad < EDGE_QUADS);
    if (key[key_len - 1] == 'c' || key[key_len - 1] == 'e')
        quads->reported[quad]++;
    if (key[key_len - 1] != 'a')
        return;
    edge_quad_write(list, quad, 0, "a", NULL);
    edge_quad_write(list, quad, 1, "b", NULL);
    edge_quad_write(list, quad, 2, "d", &value);
}

/* Keys that nobody writes are reported once, in order, whatever happens beside them. */
static void edge_write_around(void **state)
{
    struct kv_test t;
    struct kv_list list;
    char key[16];
    (void)state;
    kv_begin(&t, KV_FAST);
    for (unsigned quad = 0; quad < EDGE_QUADS; quad++)
        for (const char *last = "abce"; *last; last++) {
            snprintf(key, sizeof(key), "q%05u%c", quad, *last);
            assert_int_equal(kv_put(&t, key, "old"), 0);
        }
    struct edge_quads *quads = calloc(1, sizeof(*quads));
    assert_non_null(quads);
    list = (struct kv_list){.on_key = edge_quad_each, .arg = quads};
    kv_list_start(&t, &list, &(struct kv_list_how){0});
    assert_true(kv_wait(&t, &list.wait) >= 2 * EDGE_QUADS);
    for (size_t i = 1; i < list.count; i++)
        assert_true(strcmp(list.found[i - 1].key, list.found[i].key) < 0);
    for (unsigned quad = 0; quad < EDGE_QUADS; quad++) {
        assert_int_equal(quads->reported[quad], 2);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(kv_wait(&t, &quads->write[quad][i].wait), 0);
    }
    kv_list_free(&list);
    assert_int_equal(kv_list_all(&t, &list, &(struct kv_list_how){0}), 3 * EDGE_QUADS);
    kv_list_free(&list);
    free(quads);
    kv_end(&t);
}

static void edge_list_each(struct kv_list *list, const char *key, size_t key_len)
{
    struct kv_list *inner = list->arg;
    (void)key;
    (void)key_len;
    if (list->count == 2) {
        *inner = (struct kv_list){0};
        kv_list_start(list->t, inner, &(struct kv_list_how){.limit = 3});
    }
}

static void edge_list_inside(void **state)
{
    struct kv_test t;
    size_t count;
    (void)state;
    kv_content(&count);
    kv_begin_filled(&t);
    struct kv_list inner = {0}, list = {.on_key = edge_list_each, .arg = &inner};
    kv_list_start(&t, &list, &(struct kv_list_how){0});
    assert_int_equal(kv_wait(&t, &list.wait), count);
    assert_int_equal(kv_wait(&t, &inner.wait), 3);
    assert_string_equal(inner.found[2].key, list.found[2].key);
    kv_list_free(&list);
    kv_list_free(&inner);
    kv_end(&t);
}

/* Many lists at once. */
static void edge_lists_at_once(void **state)
{
    enum { LISTS = 40 };
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    struct kv_list *lists = calloc(LISTS, sizeof(*lists));
    assert_non_null(lists);
    for (uint32_t i = 0; i < LISTS; i++)
        kv_list_start(&t, &lists[i], &(struct kv_list_how){.limit = i % (uint32_t)count});
    for (uint32_t i = 0; i < LISTS; i++) {
        uint32_t limit = i % (uint32_t)count;
        assert_int_equal(kv_wait(&t, &lists[i].wait), limit ? limit : count);
        for (size_t k = 0; k < lists[i].count; k++)
            assert_string_equal(lists[i].found[k].key, files[k].key);
        kv_list_free(&lists[i]);
    }
    free(lists);
    kv_end(&t);
}

static void edge_no_memory(void **state)
{
    struct kv_test t;
    struct kv_list list;
    size_t count;
    int result = RUNG_E_NOMEM;
    (void)state;
    kv_content(&count);
    kv_begin_filled(&t);
    for (long n = 1; result == RUNG_E_NOMEM && n < 100; n++) {
        test_heap_fail_after(t.p, n);
        result = kv_list_all(&t, &list, &(struct kv_list_how){0});
        test_heap_fail_after(t.p, 0);
        if (result == RUNG_E_NOMEM)
            kv_list_free(&list);
    }
    assert_int_equal(result, count);
    kv_list_free(&list);
    kv_end(&t);
}

KV_TESTS(list_edge, cmocka_unit_test(edge_many), cmocka_unit_test(edge_get_inside),
         cmocka_unit_test(edge_remove_inside), cmocka_unit_test(edge_write_around),
         cmocka_unit_test(edge_list_inside),
         cmocka_unit_test(edge_lists_at_once), cmocka_unit_test(edge_no_memory));
