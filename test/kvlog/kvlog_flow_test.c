/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_flow_test.c - a store at work: writes that wait together share a flush, and no
 * memory is an error of one request and of nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_format.h"
#include "kvlog_rig.h"

enum { FLOW_WRITES = 64, FLOW_KEYS = 40 };

static void flow_key(char key[16], unsigned i)
{
    snprintf(key, 16, "key-%u", i);
}

/* One write is under way, so the others wait, and are the next group together. */
static void writes_share_a_flush(void **state)
{
    static struct rig_write writes[FLOW_WRITES];
    static char keys[FLOW_WRITES][16];
    struct rig_value value = {.number = 1, .len = 500};
    struct rig rig;
    (void)state;
    rig_begin(&rig, 16 << 20, 512);
    assert_int_equal(rig_open(&rig), 0);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t before = rig.disk.writes + rig.disk.flushes;
        for (unsigned i = 0; i < FLOW_WRITES; i++) {
            writes[i] = (struct rig_write){.count = 0};
            flow_key(keys[i], i);
            rig_add(&rig, &writes[i], keys[i], strlen(keys[i]), &value);
            rig_start(&rig, &writes[i]);
            if (i == 0)
                test_run_turns(rig.p, 1); /* it sets out alone */
        }
        for (unsigned i = 0; i < FLOW_WRITES; i++)
            assert_int_equal(rig_wait(&rig, &writes[i]), 0);
        /* Two groups, each one request that carries its flush; and what the background does now and
         * then. */
        assert_true(rig.disk.writes + rig.disk.flushes - before <= 2 + 3);
    }
    uint64_t writes_before = rig.disk.writes, flushes = rig.disk.flushes;
    value.len = 1000000; /* longer than the buffers: several requests, one flush */
    assert_int_equal(rig_set(&rig, "long", &value), 0);
    assert_true(rig.disk.writes - writes_before >= 4);
    assert_int_equal(rig.disk.flushes - flushes, 1);
    rig_end(&rig);
}

struct flow {
    struct rig rig;
    struct rig_value now[FLOW_KEYS];
    uint64_t numbers;
    unsigned refused;
};

/* A write, a get and now and then more, in which the n-th allocation fails. */
static void flow_step(struct flow *f, long n)
{
    struct rig_write write = {.count = 0};
    struct rig_value values[RIG_CHANGES];
    unsigned key[RIG_CHANGES], count = 1 + rig_below(&f->rig, 3), k = rig_below(&f->rig, FLOW_KEYS);
    char keys[RIG_CHANGES][16], name[16];
    for (unsigned i = 0; i < count; i++) {
        key[i] = rig_below(&f->rig, FLOW_KEYS);
        flow_key(keys[i], key[i]);
        values[i] = (struct rig_value){.number = ++f->numbers, .len = rig_below(&f->rig, 9000)};
        if (rig_below(&f->rig, 4) == 0)
            values[i] = (struct rig_value){0};
        rig_add(&f->rig, &write, keys[i], strlen(keys[i]), &values[i]);
    }
    test_heap_fail_after(f->rig.p, n);
    rig_start(&f->rig, &write);
    int result = rig_wait(&f->rig, &write);
    test_heap_fail_after(f->rig.p, 0);
    if (result != RUNG_E_NOMEM)
        assert_int_equal(result, 0);
    f->refused += result != 0;
    for (unsigned i = 0; !result && i < count; i++)
        f->now[key[i]] = values[i];
    flow_key(name, k);
    test_heap_fail_after(f->rig.p, 1);
    result = rig_try(&f->rig, name);
    test_heap_fail_after(f->rig.p, 0);
    assert_int_equal(result, f->now[k].number ? RUNG_E_NOMEM : RUNG_E_NOTFOUND);
    assert_true(rig_has(&f->rig, name, strlen(name), &f->now[k]));
}

static void no_memory_while_it_runs(void **state)
{
    static struct flow f;
    (void)state;
    memset(&f, 0, sizeof(f));
    rig_begin(&f.rig, 2 << 20, 512);
    f.rig.disk.chance = 1;
    assert_int_equal(rig_open(&f.rig), 0);
    f.rig.keys.create = false;
    for (unsigned n = 0; n < 2000; n++)
        flow_step(&f, 1 + rig_below(&f.rig, 6));
    assert_true(f.refused > 200 && f.refused < 1800);
    assert_true(f.rig.store.log.head > 3 * f.rig.store.log.ring); /* it went round */
    for (unsigned i = 0; i < FLOW_KEYS; i++) {
        char key[16];
        flow_key(key, i);
        assert_true(rig_has(&f.rig, key, strlen(key), &f.now[i]));
    }
    assert_int_equal(rig_check(&f.rig, false), 0);
    rig_kill(&f.rig);
    assert_int_equal(rig_check(&f.rig, false), 0);
    rig_end(&f.rig);
}

/* Space cannot be won back while there is no memory for the record that is in the way; then it
 * can. */
static void no_memory_to_move_a_record(void **state)
{
    struct rig rig;
    struct rig_value large = {.number = 1, .len = 900000}, small = {.number = 2, .len = 20000};
    (void)state;
    rig_begin(&rig, 8 << 20, 512);
    assert_int_equal(rig_open(&rig), 0);
    assert_int_equal(rig_set(&rig, "large", &large), 0);
    assert_int_equal(rig_set(&rig, "small", &small), 0);
    unsigned refused = 0, n = 0;
    for (; n < 1000; n++) {
        test_heap_fail_after(rig.p, 2); /* the plan, then the window if one is needed */
        int result = rig_set(&rig, "small", &small);
        test_heap_fail_after(rig.p, 0);
        if (result)
            assert_int_equal(result, RUNG_E_NOMEM);
        refused += result != 0;
    }
    assert_true(rig_has(&rig, "large", 5, &large));
    assert_true(rig_has(&rig, "small", 5, &small));
    for (n = 0; n < 1000; n++)
        assert_int_equal(rig_set(&rig, "small", &small), 0);
    assert_true(rig_has(&rig, "large", 5, &large));
    assert_int_equal(rig_check(&rig, false), 0);
    print_message("%u writes refused for want of memory\n", refused);
    rig_end(&rig);
}

struct flow_check { /* a check in the middle of which somebody writes */
    struct rung_kvlog_check check;
    struct rig *rig;
    const char *key;
    const struct rig_value *value;
    struct rig_write write;
    uint64_t tail;
    unsigned steps;
};

static void flow_checked(struct rung_kvlog_check *check, uint64_t done, uint64_t total)
{
    struct flow_check *f = rung_container_of(check, struct flow_check, check);
    assert_true(done <= total);
    assert_int_equal(f->rig->store.log.tail, f->tail);
    if (f->steps++ == 0) {
        rig_add(f->rig, &f->write, f->key, strlen(f->key), f->value);
        rig_start(f->rig, &f->write);
    }
}

/* Nothing is moved under the check; the write is carried out, if not now then afterwards. */
static void flow_check(struct rig *rig, const char *key, const struct rig_value *value)
{
    struct flow_check f = {
        .check = {.progress = flow_checked}, .rig = rig, .key = key, .value = value,
        .tail = rig->store.log.tail,
    };
    assert_int_equal(rung_kvlog_check(&rig->store, &f.check), 0);
    assert_int_equal(f.check.damages, 0);
    assert_true(f.steps > 1);
    assert_int_equal(rig->store.log.tail, f.tail);
    assert_int_equal(rig_wait(rig, &f.write), 0);
    assert_true(rig_has(rig, key, strlen(key), value));
    assert_int_equal(rig_check(rig, false), 0);
}

struct flow_compact {
    struct rung_op op;
    bool done;
};

static void flow_compacted(struct rung_op *op, int result)
{
    assert_int_equal(result, 0);
    rung_container_of(op, struct flow_compact, op)->done = true;
}

/* Somebody writes while a check is at work, and the background has something to do: it waits for
 * the check, and the write for it if that needs space. */
static void writes_during_a_check(void **state)
{
    struct rig rig;
    struct rig_value small = {.number = 2, .len = 20000}, other = {.number = 3, .len = 9000}, large;
    struct flow_compact compact = {.op = {.done = flow_compacted}};
    (void)state;
    rig_begin(&rig, 8 << 20, 512);
    assert_int_equal(rig_open(&rig), 0);
    for (unsigned n = 0; n < 40; n++)
        assert_int_equal(rig_set(&rig, "small", &small), 0);
    rung_kvlog_compact(&rig.store, &compact.op);
    flow_check(&rig, "other", &other);
    for (unsigned n = 0; n < 100000 && !compact.done; n++)
        test_run_turns(rig.p, 1);
    assert_true(compact.done);
    assert_true(rig_has(&rig, "small", 5, &small));
    const struct rung_kvlog_ring *log = &rig.store.log;
    large = (struct rig_value){.number = 4, .len = (uint32_t)rig.store.kv.info.max_value};
    while (log->ring - (log->head - log->tail) > large.len)
        assert_int_equal(rig_set(&rig, "small", &small), 0);
    flow_check(&rig, "large", &large);
    rig_end(&rig);
}

/* A store that is mostly full, its keys written anew by chance, many at once: each opening reads a
 * part of the log, wherever it stands. */
static void flow_openings(uint32_t len, unsigned together, unsigned percent)
{
    static struct rig_write writes[FLOW_WRITES];
    static char keys[FLOW_WRITES][16];
    struct rig_value value = {.number = 1, .len = len};
    struct rig rig;
    rig_begin(&rig, 16 << 20, 512);
    assert_int_equal(rig_open(&rig), 0);
    rig.keys.create = false;
    uint64_t ring = rig.store.log.ring, each = kvlog_record_bytes(8, len), most = 0;
    unsigned count = (unsigned)(ring * percent / 100 / each), done = 0;
    for (unsigned round = 0; rig.store.log.head < 4 * ring; round++) {
        for (unsigned i = 0; i < together; i++, done++) {
            writes[i] = (struct rig_write){.count = 0};
            flow_key(keys[i], done < count ? done : rig_below(&rig, count));
            rig_add(&rig, &writes[i], keys[i], strlen(keys[i]), &value);
            rig_start(&rig, &writes[i]);
        }
        for (unsigned i = 0; i < together; i++)
            assert_int_equal(rig_wait(&rig, &writes[i]), 0);
        if (done < count || rig_below(&rig, (uint32_t)(ring / 20 / (each * together))) > 0)
            continue;
        assert_int_equal(rig_close(&rig), 0); /* killed, it is also looked for what was cut off */
        uint64_t before = rig.disk.read_bytes;
        assert_int_equal(rig_open(&rig), 0);
        before = rig.disk.read_bytes - before;
        most = before > most ? before : most;
    }
    print_message("%u bytes, %u at once, %u %% full: %llu %% of the ring is read\n", len, together,
                  percent, (unsigned long long)(most * 100 / ring));
    assert_in_range(most, 1, ring / 2);
    rig_end(&rig);
}

static void an_opening_reads_a_part(void **state)
{
    (void)state;
    flow_openings(1000, 64, 70);
    flow_openings(100, 64, 50);
    flow_openings(1000, 1, 70);
    flow_openings(16000, 16, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_share_a_flush), cmocka_unit_test(no_memory_while_it_runs),
        cmocka_unit_test(no_memory_to_move_a_record), cmocka_unit_test(writes_during_a_check),
        cmocka_unit_test(an_opening_reads_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
