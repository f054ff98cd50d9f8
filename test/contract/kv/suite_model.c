/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_model.c - thousands of operations drawn at random, against a model that is
 * too simple to be wrong. The seed is printed; RUNG_TEST_SEED replaces it. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_KEYS = 60, MODEL_MAX = 40000, MODEL_STEPS = 4000, MODEL_BATCH = 8 };

struct model_entry {
    char key[48];
    size_t key_len;
    uint8_t *value; /* NULL: not there */
    size_t len;
};
struct model {
    struct kv_test t;
    uint64_t random;
    struct model_entry entries[MODEL_KEYS]; /* sorted by key */
    struct kv_get lent[6];                  /* held over several steps, with what they held */
    uint8_t *copy[6];
};

static size_t model_below(struct model *m, size_t n)
{
    return (size_t)(kv_random(&m->random) % n);
}

static int model_sorter(const void *a, const void *b)
{
    const struct model_entry *x = a, *y = b;
    return kv_order(x->key, x->key_len, y->key, y->key_len);
}

/* Keys in a few folders; none is another's leading parts. */
static void model_keys(struct model *m)
{
    static const char *const folders[] = {"", "x/", "x/y/", "x/y.z/", "x0/", "\xe2\x98\x83/"};
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        struct model_entry *e = &m->entries[i];
        snprintf(e->key, sizeof(e->key), "%s%c%zu", folders[i % 6], "kK!-._~"[i % 7], i);
        e->key_len = strlen(e->key);
    }
    qsort(m->entries, MODEL_KEYS, sizeof(m->entries[0]), model_sorter);
}

static void model_set(struct model_entry *e, const uint8_t *value, size_t len)
{
    free(e->value);
    e->value = NULL;
    e->len = len;
    if (!value)
        return;
    e->value = malloc(len + 1);
    assert_non_null(e->value);
    memcpy(e->value, value, len);
}

static void model_write(struct model *m)
{
    static uint8_t bytes[MODEL_BATCH][MODEL_MAX];
    struct rung_kv_change change[MODEL_BATCH];
    struct rung_vec vec[MODEL_BATCH][2];
    struct model_entry *entries[MODEL_BATCH];
    uint32_t most = m->t.kv->info.max_batch;
    size_t n = 1 + model_below(m, most < MODEL_BATCH ? most : MODEL_BATCH);
    for (size_t i = 0; i < n; i++) {
        struct model_entry *e = entries[i] = &m->entries[model_below(m, MODEL_KEYS)];
        size_t len = model_below(m, model_below(m, 4) ? 300 : MODEL_MAX);
        size_t cut = model_below(m, len + 1);
        for (size_t k = 0; k < len; k += 8) {
            uint64_t word = kv_random(&m->random);
            memcpy(bytes[i] + k, &word, len - k < 8 ? len - k : 8);
        }
        vec[i][0] = (struct rung_vec){bytes[i], cut};
        vec[i][1] = (struct rung_vec){bytes[i] + cut, len - cut};
        change[i] = (struct rung_kv_change){
            .key = e->key, .key_len = e->key_len, .value = model_below(m, 3) ? vec[i] : NULL,
            .value_count = 2,
        };
    }
    assert_int_equal(kv_write_batch(&m->t, change, (unsigned)n), 0);
    for (size_t i = 0; i < n; i++)
        model_set(entries[i], change[i].value ? bytes[i] : NULL, vec[i][0].len + vec[i][1].len);
}

static void model_drop(struct model *m, size_t slot)
{
    struct kv_get *get = &m->lent[slot];
    if (!m->copy[slot])
        return;
    assert_memory_equal(get->req.value.data, m->copy[slot], get->req.value.len);
    kv_release(get);
    free(m->copy[slot]);
    m->copy[slot] = NULL;
}

static void model_get(struct model *m)
{
    const struct model_entry *e = &m->entries[model_below(m, MODEL_KEYS)];
    size_t slot = model_below(m, RUNG_ARRAY_LEN(m->lent));
    uint64_t offset = model_below(m, 3) ? 0 : model_below(m, e->len + 10);
    size_t len = model_below(m, 3) ? RUNG_KV_ALL : model_below(m, e->len + 10);
    model_drop(m, slot);
    m->lent[slot] = (struct kv_get){0};
    int result = kv_get_range(&m->t, &m->lent[slot], e->key, e->key_len, offset, len);
    if (!e->value || offset > e->len) {
        assert_int_equal(result, e->value ? RUNG_E_RANGE : RUNG_E_NOTFOUND);
        return;
    }
    size_t left = e->len - (size_t)offset, want = len < left ? len : left;
    assert_int_equal(result, 0);
    assert_int_equal(m->lent[slot].req.size, e->len);
    assert_int_equal(m->lent[slot].req.value.len, want);
    if (want)
        assert_memory_equal(m->lent[slot].req.value.data, e->value + offset, want);
    m->copy[slot] = malloc(want + 1);
    assert_non_null(m->copy[slot]);
    memcpy(m->copy[slot], e->value + offset, want);
}

static void model_list(struct model *m)
{
    const struct model_entry *p = &m->entries[model_below(m, MODEL_KEYS)];
    const struct model_entry *a = &m->entries[model_below(m, MODEL_KEYS)];
    struct kv_list_how how = {
        .prefix = p->key, .prefix_len = model_below(m, 2) ? 0 : model_below(m, p->key_len + 1),
        .after = model_below(m, 2) ? NULL : a->key, .after_len = model_below(m, a->key_len + 1),
        .limit = (uint32_t)model_below(m, 2) * (uint32_t)model_below(m, 20),
        .stop_at = model_below(m, 4) ? 0 : 1 + model_below(m, 20),
    };
    struct kv_list list;
    size_t n = 0;
    bool more = false;
    kv_list_all(&m->t, &list, &how);
    for (size_t i = 0; i < MODEL_KEYS && !more; i++) {
        const struct model_entry *e = &m->entries[i];
        if (!e->value || e->key_len < how.prefix_len || memcmp(e->key, how.prefix, how.prefix_len)
            || (how.after && kv_order(e->key, e->key_len, how.after, how.after_len) <= 0))
            continue;
        if ((how.limit && n == how.limit) || (how.stop_at && n == how.stop_at)) {
            more = true;
            continue;
        }
        assert_true(n < list.count);
        assert_string_equal(list.found[n].key, e->key);
        assert_int_equal(list.found[n].size, e->len);
        n++;
    }
    assert_int_equal(list.count, n);
    assert_int_equal(list.req.more, more);
    kv_list_free(&list);
}

static void model_reopen(struct model *m)
{
    for (size_t i = 0; i < RUNG_ARRAY_LEN(m->lent); i++)
        model_drop(m, i);
    kv_close(&m->t);
    m->t.kv = kv_fixture.open(m->t.p, KV_AGAIN);
    if (m->t.kv)
        return;
    for (size_t i = 0; i < MODEL_KEYS; i++)
        model_set(&m->entries[i], NULL, 0);
    m->t.kv = kv_fixture.open(m->t.p, KV_FAST);
}

static void model_run(void **state)
{
    struct model m = {.random = test_seed()};
    (void)state;
    kv_begin(&m.t, KV_FAST);
    model_keys(&m);
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        size_t what = model_below(&m, 100);
        if (what < 45)
            model_get(&m);
        else if (what < 80)
            model_write(&m);
        else
            model_list(&m);
        if (step % 1500 == 1499)
            model_reopen(&m);
    }
    for (size_t i = 0; i < RUNG_ARRAY_LEN(m.lent); i++)
        model_drop(&m, i);
    for (size_t i = 0; i < MODEL_KEYS; i++)
        model_set(&m.entries[i], NULL, 0);
    kv_end(&m.t);
}

KV_TESTS(model, cmocka_unit_test(model_run));
