/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_model_test.c - operations drawn at random, several at once, against a model that
 * is too simple to be wrong, on disks so small that their space is won back over and over. In
 * between the store is closed, killed, compacted and checked. RUNG_TEST_ROUNDS makes it longer, the
 * seed is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_rig.h"

enum { MODEL_KEYS = 50, MODEL_WRITES = 6, MODEL_GETS = 6, MODEL_ROUNDS = 40000 };

struct model_key {
    char key[RUNG_KV_KEY_MAX];
    size_t key_len;
    struct rig_value now;
    struct rig_value maybe[MODEL_WRITES * RIG_CHANGES]; /* what this round may have made of it */
    unsigned maybes;
};

struct model {
    struct rig rig;
    struct model_key keys[MODEL_KEYS];
    uint64_t numbers;
    uint32_t largest;
    unsigned full, done, operations;
};

static struct model m; /* big */

static void model_keys(void)
{
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        struct model_key *k = &m.keys[i];
        int n = snprintf(k->key, sizeof(k->key), "key/%u/", i * 7919 % 1000);
        k->key_len = (size_t)n + (rig_below(&m.rig, 8) ? rig_below(&m.rig, 30)
                                                      : rig_below(&m.rig, 1000));
        memset(k->key + n, 'a' + (int)i % 26, k->key_len - (size_t)n);
    }
}

static struct rig_value model_value(void)
{
    struct rig_value value = {.number = ++m.numbers};
    uint32_t kind = rig_below(&m.rig, 20);
    if (kind < 6)
        return (struct rig_value){0};
    value.len = kind < 15 ? rig_below(&m.rig, 200) : rig_below(&m.rig, m.largest / 8);
    if (kind == 19)
        value.len = rig_below(&m.rig, m.largest);
    return value;
}

struct model_write {
    struct rig_write write;
    struct model_key *keys[RIG_CHANGES];
    struct rig_value values[RIG_CHANGES];
};

static void model_start(struct model_write *w)
{
    unsigned n = rig_below(&m.rig, 3) ? 1 : 1 + rig_below(&m.rig, RIG_CHANGES);
    *w = (struct model_write){.write = {.count = 0}};
    for (unsigned i = 0; i < n; i++) {
        struct model_key *k = w->keys[i] = &m.keys[rig_below(&m.rig, MODEL_KEYS)];
        w->values[i] = model_value();
        k->maybe[k->maybes++] = w->values[i];
        rig_add(&m.rig, &w->write, k->key, k->key_len, &w->values[i]);
    }
    rig_start(&m.rig, &w->write);
    m.operations++;
}

static void model_finish(struct model_write *w)
{
    int result = rig_wait(&m.rig, &w->write);
    if (result != RUNG_E_FULL)
        assert_int_equal(result, 0);
    m.full += result == RUNG_E_FULL;
    m.done += result == 0;
    for (unsigned i = 0; !result && i < w->write.count; i++)
        w->keys[i]->now = w->values[i];
}

/* A get while writes are on their way: one of what the key was or may be. */
static void model_saw(const struct model_key *k, struct rig_get *get)
{
    int result = rig_get_wait(&m.rig, get);
    bool known = result ? result == RUNG_E_NOTFOUND && !k->now.number
                        : rig_is(get->req.value.data, get->req.value.len, &k->now);
    for (unsigned i = 0; !known && i < k->maybes; i++)
        known = result ? result == RUNG_E_NOTFOUND && !k->maybe[i].number
                       : rig_is(get->req.value.data, get->req.value.len, &k->maybe[i]);
    assert_true(known);
    if (!result)
        rung_buf_release(&get->req.value);
}

static void model_round(void)
{
    static struct model_write writes[MODEL_WRITES];
    struct rig_get gets[MODEL_GETS];
    const struct model_key *got[MODEL_GETS];
    unsigned w = rig_below(&m.rig, MODEL_WRITES + 1), g = rig_below(&m.rig, MODEL_GETS + 1);
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        m.keys[i].maybes = 0;
    for (unsigned i = 0; i < w; i++)
        model_start(&writes[i]);
    for (unsigned i = 0; i < g; i++) {
        got[i] = &m.keys[rig_below(&m.rig, MODEL_KEYS)];
        rig_get_start(&m.rig, &gets[i], got[i]->key, got[i]->key_len, 0, RUNG_KV_ALL);
    }
    m.operations += g;
    if (g && rig_below(&m.rig, 2)) /* or they are answered while the writes go on */
        test_run_turns(m.rig.p, rig_below(&m.rig, 10));
    for (unsigned i = 0; i < g; i++)
        model_saw(got[i], &gets[i]);
    for (unsigned i = 0; i < w; i++)
        model_finish(&writes[i]);
}

/* Ranges: where they begin and end within the chunks. */
static void model_range(void)
{
    const struct model_key *k = &m.keys[rig_below(&m.rig, MODEL_KEYS)];
    uint64_t offset = rig_below(&m.rig, k->now.len + 10);
    size_t len = rig_below(&m.rig, 3) ? rig_below(&m.rig, k->now.len + 10) : RUNG_KV_ALL;
    struct rig_get get;
    rig_get_start(&m.rig, &get, k->key, k->key_len, offset, len);
    int result = rig_get_wait(&m.rig, &get);
    m.operations++;
    if (!k->now.number || offset > k->now.len) {
        assert_int_equal(result, k->now.number ? RUNG_E_RANGE : RUNG_E_NOTFOUND);
        return;
    }
    assert_int_equal(result, 0);
    uint8_t *whole = malloc(k->now.len + 1u);
    assert_non_null(whole);
    rig_fill(whole, &k->now);
    size_t left = k->now.len - (size_t)offset;
    assert_int_equal(get.req.size, k->now.len);
    assert_int_equal(get.req.value.len, len < left ? len : left);
    if (get.req.value.len)
        assert_memory_equal(get.req.value.data, whole + offset, get.req.value.len);
    free(whole);
    rung_buf_release(&get.req.value);
}

static void model_compare(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        assert_true(rig_has(&m.rig, m.keys[i].key, m.keys[i].key_len, &m.keys[i].now));
        count += m.keys[i].now.number != 0;
    }
    assert_int_equal(rig_count(&m.rig), count);
    assert_int_equal(rig_check(&m.rig, false), 0);
}

static void model_disturb(unsigned round)
{
    uint32_t what = rig_below(&m.rig, 400);
    if (what == 0) {
        assert_int_equal(rig_close(&m.rig), 0);
        rig_disk(&m.rig, 0);
        m.rig.disk.chance = (uint32_t)rig_random(&m.rig) | 1;
        assert_int_equal(rig_open(&m.rig), 0);
    } else if (what == 1) {
        rig_kill(&m.rig);
    } else if (what == 2) {
        rig_compact(&m.rig);
    }
    if (what < 3 || round % 500 == 499)
        model_compare();
}

static void model_run(uint64_t size, uint32_t sector_size)
{
    const char *more = getenv("RUNG_TEST_ROUNDS");
    unsigned rounds = more ? (unsigned)atoi(more) : getenv("RUNG_TEST_SLOW") ? 100 : MODEL_ROUNDS;
    memset(&m, 0, sizeof(m));
    rig_begin(&m.rig, size, sector_size);
    m.rig.disk.chance = 1;
    assert_int_equal(rig_open(&m.rig), 0);
    m.largest = (uint32_t)m.rig.store.kv.info.max_value;
    if (m.largest > 100000)
        m.largest = 100000;
    model_keys();
    for (unsigned round = 0; round < rounds; round++) {
        model_round();
        model_range();
        model_disturb(round);
    }
    model_compare();
    print_message("%u operations, %u writes done, %u refused (full), %llu MiB written\n",
                  m.operations, m.done, m.full,
                  (unsigned long long)((m.rig.store.log.head - m.rig.store.log.ring) >> 20));
    rig_end(&m.rig);
}

static void on_the_smallest_disk(void **state)
{
    (void)state;
    model_run(65536, 512);
}

static void on_a_small_disk(void **state)
{
    (void)state;
    model_run(300000 / 512 * 512, 512);
}

static void on_big_sectors(void **state)
{
    (void)state;
    model_run(1 << 20, 4096);
}

static void with_room(void **state)
{
    (void)state;
    model_run(4 << 20, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_smallest_disk), cmocka_unit_test(on_a_small_disk),
        cmocka_unit_test(on_big_sectors), cmocka_unit_test(with_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
