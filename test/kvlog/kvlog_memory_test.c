/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_memory_test.c - the bound of the index's memory: what a store took under one
 * opens under it again, however it came and however often; what is too big is refused before it
 * takes much more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_index.h"
#include "kvlog_rig.h"
#include "virtual/virtual.h"

enum { MEMORY_KEYS = 16384, MEMORY_DISK = 4 << 20 };

struct memory {
    struct rig rig;
    bool there[MEMORY_KEYS];
    unsigned count;   /* of them */
    uint32_t len_max; /* of a key's name */
    uint64_t names;   /* chooses the names, together with the key */
};

static struct memory m; /* big */

static size_t memory_name(unsigned i, char name[RUNG_KV_KEY_MAX + 1])
{
    uint64_t x = (m.names + i) * UINT64_C(0x9e3779b97f4a7c15);
    size_t len = 9 + (x >> 33) % (m.len_max - 8);
    memset(name, 'n', len);
    name[len] = 0;
    snprintf(name, 9, "%08x", (unsigned)(x >> 32));
    name[8] = 'n';
    return len;
}

/* Sets the key, or removes it, in one write with others; 0 or NOMEM. */
static int memory_change(const unsigned keys[], unsigned count)
{
    static char names[RIG_CHANGES][RUNG_KV_KEY_MAX + 1];
    struct rig_write write = {.count = 0};
    for (unsigned n = 0; n < count; n++) {
        struct rig_value value = {.number = !m.there[keys[n]], .len = 3};
        rig_add(&m.rig, &write, names[n], memory_name(keys[n], names[n]), &value);
    }
    rig_start(&m.rig, &write);
    int result = rig_wait(&m.rig, &write);
    for (unsigned n = 0; !result && n < count; n++) {
        m.there[keys[n]] ^= true;
        m.count += m.there[keys[n]] ? 1 : UINT32_MAX;
    }
    return result;
}

/* New keys, until there is no memory for more, not for a single one. */
static void memory_fill(void)
{
    unsigned at = rig_below(&m.rig, MEMORY_KEYS), together = RIG_CHANGES;
    for (;;) {
        unsigned keys[RIG_CHANGES];
        for (unsigned n = 0, i = at; n < together; i = (i + 1) % MEMORY_KEYS)
            if (!m.there[i])
                keys[n++] = i;
        int result = memory_change(keys, together);
        at = (keys[together - 1] + (result == 0)) % MEMORY_KEYS;
        if (result) {
            assert_int_equal(result, RUNG_E_NOMEM);
            if (together == 1)
                return;
            together = 1;
        }
    }
}

/* Some go, some come, some of both in one write; then it is full again. */
static void memory_churn(void)
{
    for (unsigned n = 1 + rig_below(&m.rig, m.count / 4 + 1); n > 0; n--) {
        unsigned keys[2], count = 0;
        for (unsigned i = rig_below(&m.rig, MEMORY_KEYS); count < 1; i = (i + 1) % MEMORY_KEYS)
            if (m.there[i])
                keys[count++] = i;
        unsigned other = rig_below(&m.rig, MEMORY_KEYS);
        if (other != keys[0])
            keys[count++] = other;
        if (memory_change(keys, count))
            memory_change(keys, 1);
    }
    memory_fill();
}

static void memory_open_again(bool kill)
{
    if (kill) {
        rig_kill(&m.rig);
    } else {
        assert_int_equal(rig_close(&m.rig), 0);
        enum rung_err err = rig_open(&m.rig);
        if (err)
            fail_msg("%s: %s", rung_err_text(err), test_log_last(m.rig.p));
    }
    assert_int_equal(rig_count(&m.rig), m.count);
    assert_true(m.rig.store.index.memory <= m.rig.keys.memory);
}

static void memory_run(uint64_t bound, uint64_t seed, unsigned rounds)
{
    memset(&m, 0, sizeof(m));
    rig_begin(&m.rig, MEMORY_DISK, 512);
    m.rig.random += seed; /* the seed gives all of them */
    m.names = rig_random(&m.rig);
    m.len_max = bound < 65536 ? 60 : 30 + rig_below(&m.rig, 200);
    m.rig.keys.memory = bound;
    assert_int_equal(rig_open(&m.rig), 0);
    m.rig.keys.create = false;
    memory_fill();
    for (unsigned n = 0; n < rounds; n++) {
        memory_open_again(n % 2);
        memory_open_again(rig_below(&m.rig, 2));
        if (rig_below(&m.rig, 3) == 0)
            rig_compact(&m.rig);
        memory_churn();
    }
    memory_open_again(true);
    rig_end(&m.rig);
}

static void what_was_taken_opens_again(void **state)
{
    bool slow = getenv("RUNG_TEST_SLOW") != NULL;
    (void)state;
    for (unsigned n = 0; n < (slow ? 4 : 100); n++)
        memory_run(4096, n, 8);
    for (unsigned n = 0; n < (slow ? 1 : 30); n++)
        memory_run(65536, n, 6);
    for (unsigned n = 0; n < (slow ? 0 : 4); n++)
        memory_run(1 << 20, n, 2);
}

/* The heights are the same at each opening, and other ones in another store. */
static void who_chooses_keys_chooses_no_heights(void **state)
{
    enum { KEYS = 200 };
    struct rig rig;
    uint8_t heights[3][KEYS];
    (void)state;
    rig_begin(&rig, MEMORY_DISK, 512);
    for (unsigned turn = 0; turn < 3; turn++) {
        if (turn == 2)
            memset(rig.bytes, 0, rig.size); /* another */
        assert_int_equal(rig_open(&rig), 0);
        for (unsigned i = 0; i < KEYS; i++) {
            char key[16];
            snprintf(key, sizeof(key), "key-%u", i);
            if (turn != 1)
                assert_int_equal(rig_set(&rig, key, &(struct rig_value){.number = 1}), 0);
            heights[turn][i] = rung_kvlog_find(&rig.store, key, strlen(key))->height;
        }
        assert_int_equal(rig_close(&rig), 0);
    }
    assert_memory_equal(heights[0], heights[1], KEYS);
    assert_memory_not_equal(heights[0], heights[2], KEYS);
    rig_end(&rig);
}

/* A store of some MiB of keys, for whoever allows so much. */
static void memory_foreign(void)
{
    memset(&m, 0, sizeof(m));
    rig_begin(&m.rig, 16 << 20, 512);
    m.len_max = 900;
    m.rig.keys.memory = 4 << 20;
    assert_int_equal(rig_open(&m.rig), 0);
    m.rig.keys.create = false;
    memory_fill();
    assert_int_equal(rig_close(&m.rig), 0);
}

/* Refused with one line, and never more taken than twice what is allowed, with some buffers. */
static void what_is_too_big_is_refused(void **state)
{
    static const uint64_t bounds[] = {4096, 65536, 1 << 20};
    (void)state;
    memory_foreign();
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(bounds); i++) {
        struct rig other;
        rig_begin(&other, m.rig.size, 512);
        size_t before = rung_virtual_heap_most(other.p), lines = test_log_count(other.p);
        memcpy(other.bytes, m.rig.bytes, m.rig.size);
        other.keys.memory = bounds[i];
        assert_int_equal(rig_open(&other), RUNG_E_NOMEM);
        assert_int_equal(test_log_count(other.p), lines + 1);
        assert_non_null(strstr(test_log_last(other.p), "set store.memory to more"));
        size_t most = rung_virtual_heap_most(other.p) - before;
        assert_true(most > bounds[i]);
        assert_true(most < 2 * bounds[i] + 600000); /* the window onto the log */
        rig_end(&other);
    }
    rig_end(&m.rig);
}

/* There were more keys than are allowed now, and they are gone: what is there now counts. */
static void what_is_gone_is_not_counted(void **state)
{
    (void)state;
    memset(&m, 0, sizeof(m));
    rig_begin(&m.rig, MEMORY_DISK, 512);
    m.len_max = 100;
    m.rig.keys.memory = 64000;
    assert_int_equal(rig_open(&m.rig), 0);
    m.rig.keys.create = false;
    memory_fill();
    for (unsigned i = 0; m.rig.store.index.memory > 40000; i++)
        if (m.there[i])
            assert_int_equal(memory_change(&i, 1), 0);
    m.rig.keys.memory = 40000;
    memory_open_again(false);
    memory_fill();
    memory_open_again(true);
    m.rig.keys.memory = 38000; /* a little too little */
    assert_int_equal(rig_close(&m.rig), 0);
    assert_int_equal(rig_open(&m.rig), RUNG_E_NOMEM);
    assert_non_null(strstr(test_log_last(m.rig.p), "does not fit into 38000 bytes"));
    rig_end(&m.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_opens_again),
        cmocka_unit_test(who_chooses_keys_chooses_no_heights),
        cmocka_unit_test(what_is_too_big_is_refused),
        cmocka_unit_test(what_is_gone_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
