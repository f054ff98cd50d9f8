/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_fault_test.c - disks that fail, and bits that change: what was said to be done
 * is there or answers an error, and nothing is ever returned that was not written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_format.h"
#include "kvlog_io.h"
#include "kvlog_rig.h"

enum { FAULT_KEYS = 12, FAULT_BYTES = 160 * 1024 };

struct fault {
    struct rig rig;
    struct rig_value now[FAULT_KEYS];
    uint64_t numbers;
};

static void fault_key(char key[16], unsigned i)
{
    snprintf(key, 16, "key-%u", i);
}

static int fault_set(struct fault *f, unsigned i)
{
    struct rig_value value = {.number = ++f->numbers};
    char key[16];
    fault_key(key, i);
    value.len = rig_below(&f->rig, 4) ? rig_below(&f->rig, 200) : rig_below(&f->rig, 3000);
    if (rig_below(&f->rig, 6) == 0)
        value = (struct rig_value){0};
    int result = rig_set(&f->rig, key, &value);
    if (!result)
        f->now[i] = value;
    return result;
}

static void fault_begin(struct fault *f, unsigned writes)
{
    memset(f, 0, sizeof(*f));
    rig_begin(&f->rig, FAULT_BYTES, 512);
    assert_int_equal(rig_open(&f->rig), 0);
    f->rig.keys.create = false;
    for (unsigned n = 0; n < writes; n++)
        assert_int_equal(fault_set(f, rig_below(&f->rig, FAULT_KEYS)), 0);
}

static bool fault_has(struct fault *f, unsigned i)
{
    char key[16];
    fault_key(key, i);
    return rig_has(&f->rig, key, strlen(key), &f->now[i]);
}

/* The medium fails at the n-th write: the write says IO, later ones READONLY, as does the first if
 * it was the background's that failed; reading goes on. Opened anew, all that was done is there,
 * and what failed happened or did not. */
static void writes_that_fail(void **state)
{
    struct fault f;
    (void)state;
    for (long n = 0; n < 60; n++) {
        unsigned i = 0;
        int result = 0;
        fault_begin(&f, 60);
        f.rig.disk.writes_left = n;
        while (!result) {
            i = rig_below(&f.rig, FAULT_KEYS);
            result = fault_set(&f, i);
        }
        assert_true(result == RUNG_E_IO || result == RUNG_E_READONLY);
        for (unsigned k = 0; k < FAULT_KEYS; k++)
            assert_true(fault_has(&f, k));
        assert_int_equal(fault_set(&f, 0), RUNG_E_READONLY);
        f.rig.disk.writes_left = -1;
        assert_int_equal(rig_close(&f.rig), RUNG_E_IO);
        assert_int_equal(rig_open(&f.rig), 0);
        for (unsigned k = 0; k < FAULT_KEYS; k++)
            assert_true((k == i && result == RUNG_E_IO) || fault_has(&f, k));
        assert_int_equal(rig_check(&f.rig, false), 0);
        assert_int_equal(rig_set(&f.rig, "new", &(struct rig_value){.number = 1, .len = 5}), 0);
        rig_end(&f.rig);
    }
}

/* A flush that fails; a device that is gone. */
static void flushes_that_fail(void **state)
{
    struct fault f;
    struct rig_value value = {.number = 7, .len = 15000}; /* more than a buffer: it needs a flush */
    (void)state;
    fault_begin(&f, 20);
    f.rig.disk.flush_err = RUNG_E_IO;
    assert_int_equal(rig_set(&f.rig, "large", &value), RUNG_E_IO);
    assert_int_equal(rig_try(&f.rig, "large"), RUNG_E_NOTFOUND);
    assert_non_null(strstr(test_log_last(f.rig.p), "nothing more is written"));
    assert_int_equal(rig_close(&f.rig), RUNG_E_IO);
    rig_end(&f.rig);
    fault_begin(&f, 20);
    f.rig.disk.read_err = f.rig.disk.write_err = RUNG_E_DOWN;
    assert_int_equal(rig_set(&f.rig, "large", &value), RUNG_E_DOWN);
    f.now[3] = (struct rig_value){.number = 1};
    assert_int_equal(rig_try(&f.rig, "key-3"), RUNG_E_DOWN);
    rig_close(&f.rig);
    assert_int_equal(rig_open(&f.rig), RUNG_E_DOWN);
    rig_end(&f.rig);
}

/* Each part of the disk cannot be read, in turn: an error, and never something else. */
static void sectors_that_cannot_be_read(void **state)
{
    struct fault f;
    (void)state;
    fault_begin(&f, 200);
    for (uint64_t at = 0; at < FAULT_BYTES; at += 512) {
        unsigned wrong = 0;
        f.rig.disk.bad_from = at;
        f.rig.disk.bad_to = at + 512;
        for (unsigned k = 0; k < FAULT_KEYS; k++) {
            char key[16];
            fault_key(key, k);
            int result = rig_try(&f.rig, key);
            if (result == RUNG_E_IO)
                wrong++;
            else
                assert_int_equal(result, f.now[k].number ? 0 : RUNG_E_NOTFOUND);
        }
        assert_true(wrong < FAULT_KEYS);
        f.rig.disk.bad_from = f.rig.disk.bad_to = 0;
        for (unsigned k = 0; k < FAULT_KEYS; k++)
            assert_true(fault_has(&f, k));
    }
    rig_end(&f.rig);
}

/* Whether the open store is as it was, but for keys that answer CORRUPT. */
static bool fault_same(struct fault *f, unsigned *corrupt)
{
    *corrupt = 0;
    for (unsigned k = 0; k < FAULT_KEYS; k++) {
        char key[16];
        fault_key(key, k);
        int result = rig_try(&f->rig, key);
        *corrupt += result == RUNG_E_CORRUPT;
        if (result != RUNG_E_CORRUPT && !fault_has(f, k))
            return false;
    }
    return true;
}

/* Each bit of a closed store, some at a time: the store does not open, or says what is damaged, or
 * what changed does not matter. */
static void every_bit_is_found_or_harmless(void **state)
{
    struct fault f;
    bool few = getenv("RUNG_TEST_SLOW") != NULL; /* these need not meet a superblock's */
    unsigned step = few ? 17001 : 150, opened = 0, refused = 0, found = 0;
    (void)state;
    fault_begin(&f, 150);
    assert_int_equal(rig_close(&f.rig), 0);
    uint8_t *good = malloc(FAULT_BYTES);
    assert_non_null(good);
    memcpy(good, f.rig.bytes, FAULT_BYTES);
    rig_disk(&f.rig, RUNG_BLOCK_IS_READONLY);
    for (uint64_t bit = 0; bit < (uint64_t)FAULT_BYTES * 8; bit += 1 + rig_below(&f.rig, step)) {
        unsigned corrupt;
        f.rig.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rung_err err = rig_open(&f.rig);
        if (err) {
            assert_int_equal(err, RUNG_E_CORRUPT);
            refused++;
        } else {
            assert_true(fault_same(&f, &corrupt));
            uint64_t damages = rig_check(&f.rig, true);
            assert_true(damages >= corrupt);
            opened++;
            found += damages > 0;
            assert_int_equal(rig_close(&f.rig), 0);
        }
        f.rig.bytes[bit / 8] = good[bit / 8];
    }
    print_message("%u refused, %u opened: damage found in %u\n", refused, opened, found);
    assert_true((few || refused > 0) && found > 0 && opened > found);
    free(good);
    rig_end(&f.rig);
}

/* check finds damage wherever there is something: in what it has seen, it hides nowhere. */
static void check_finds_all_of_it(void **state)
{
    struct fault f;
    unsigned step = getenv("RUNG_TEST_SLOW") ? 60 : 13;
    (void)state;
    fault_begin(&f, 150);
    assert_int_equal(rig_close(&f.rig), 0);
    rig_disk(&f.rig, RUNG_BLOCK_IS_READONLY);
    assert_int_equal(rig_open(&f.rig), 0);
    assert_int_equal(rig_check(&f.rig, false), 0);
    uint64_t ring = f.rig.store.log.ring, unseen = 0;
    for (uint64_t pos = f.rig.store.log.tail; pos < f.rig.store.log.head;
         pos += 1 + rig_below(&f.rig, step)) {
        uint8_t *at = &f.rig.bytes[8192 + pos % ring], was = *at;
        *at ^= (uint8_t)(1u << rig_below(&f.rig, 8));
        bool seen = rig_check(&f.rig, true) > 0;
        unseen += !seen;
        assert_true(seen || was == 0); /* the zeros behind groups mean nothing */
        *at = was;
    }
    assert_true(unseen > 0);
    assert_int_equal(rig_check(&f.rig, false), 0);
    rig_end(&f.rig);
}

/* Space is won back from a damaged stretch: what can be read moves on, what cannot is lost for
 * good, says so, and can be written again. */
static void damage_does_not_stop_reclaiming(void **state)
{
    struct fault f;
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        unsigned corrupt, again;
        fault_begin(&f, 100);
        uint64_t used = f.rig.store.log.head - f.rig.store.log.tail;
        uint64_t at = f.rig.store.log.tail + rig_random(&f.rig) % used;
        memset(&f.rig.bytes[8192 + at % f.rig.store.log.ring / 512 * 512], 0xee, 512);
        assert_true(fault_same(&f, &corrupt));
        rig_compact(&f.rig);
        assert_true(fault_same(&f, &again));
        assert_int_equal(again, corrupt);
        assert_int_equal(rig_check(&f.rig, true), corrupt); /* what is lost, and no more */
        assert_int_equal(rig_close(&f.rig), 0);
        assert_int_equal(rig_open(&f.rig), 0);
        assert_true(fault_same(&f, &again));
        assert_int_equal(again, corrupt);
        for (unsigned k = 0; k < FAULT_KEYS; k++) {
            char key[16];
            fault_key(key, k);
            f.now[k] = (struct rig_value){.number = 9, .len = 9};
            assert_int_equal(rig_set(&f.rig, key, &f.now[k]), 0);
        }
        assert_true(fault_same(&f, &again));
        assert_int_equal(again, 0);
        rig_end(&f.rig);
    }
}

/* Writes both superblocks anew, with their sums. */
static void lie_supers(struct rig *rig, const struct kvlog_super *super)
{
    for (unsigned i = 0; i < 2; i++)
        rung_kvlog_put_super(rig->bytes + i * (size_t)KVLOG_SUPER_STEP, super);
}

/* Whoever makes a disk can make sums. A record that moves a value and says it is shorter: getting
 * the key is an error, and check says where. */
static void a_size_that_lies(void **state)
{
    struct fault f;
    struct kvlog_super super;
    enum { SIZE = 50, KEY = 3, LEN = KVLOG_RECORD_BYTES + KEY + SIZE + KVLOG_SUM_BYTES };
    (void)state;
    fault_begin(&f, 0);
    assert_int_equal(rig_set(&f.rig, "key", &(struct rig_value){.number = 1, .len = 100}), 0);
    uint64_t salt = f.rig.store.log.salt, head = f.rig.store.log.head;
    uint64_t old = f.rig.store.log.tail + KVLOG_GROUP_BYTES;
    uint32_t epoch = f.rig.store.log.epoch;
    assert_true(rung_kvlog_get_super(f.rig.bytes, &super));
    uint8_t *group = f.rig.bytes + KVLOG_RING_AT + head % super.ring;
    uint8_t *record = group + KVLOG_GROUP_BYTES, *value = record + KVLOG_RECORD_BYTES + KEY;
    rung_kvlog_put_group(group, salt, &(struct kvlog_group){
        .pos = head, .len = KVLOG_GROUP_BYTES + LEN, .tail = super.tail, .epoch = epoch,
        .count = 1 });
    rung_kvlog_put_record(record, salt, head + KVLOG_GROUP_BYTES, &(struct kvlog_record){
        .type = KVLOG_MOVE, .key_len = KEY, .size = SIZE, .epoch = epoch, .version = 77,
        .old = old, .key = (const uint8_t *)"key" });
    memset(value, 'm', SIZE);
    rung_kvlog_put64(value + SIZE, rung_kvlog_chunk_sum(salt, 77, 0, value, SIZE));
    rig_kill(&f.rig);
    assert_int_equal(rig_try(&f.rig, "key"), RUNG_E_CORRUPT);
    assert_int_equal(rig_check(&f.rig, true), 1);
    rig_end(&f.rig);
}

/* A group of a value and, behind it, a page, both of whose sums are wrong: the superblocks say that
 * the log goes on behind it. */
static void lie_value_and_page(struct rig *rig)
{
    enum { KEY = 3, SIZE = 50, PAGE = KVLOG_PAGE_HEAD };
    struct kvlog_super super;
    struct rung_kvlog *store = &rig->store;
    assert_true(rung_kvlog_get_super(rig->bytes, &super));
    uint64_t salt = store->log.salt, head = super.head, at = head + KVLOG_GROUP_BYTES;
    uint8_t *group = rig->bytes + KVLOG_RING_AT + head % super.ring;
    struct kvlog_record records[] = {
        {.type = KVLOG_SET, .key_len = KEY, .size = SIZE, .key = (const uint8_t *)"key"},
        {.type = KVLOG_PAGE, .size = PAGE}};
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(records); i++) {
        records[i].epoch = super.epoch;
        records[i].version = 77 + i;
        rung_kvlog_put_record(group + (at - head), salt, at, &records[i]);
        at += kvlog_whole(&records[i]);
    }
    rung_kvlog_put_group(group, salt, &(struct kvlog_group){
        .pos = head, .len = at - head, .tail = super.tail, .epoch = super.epoch, .count = 2 });
    super.head = rung_kvlog_up(store, at);
    super.clean = true;
    lie_supers(rig, &super);
}

/* What is left of a group with a damaged value is taken as it stands; but not a page that is
 * damaged as well. */
static void a_damaged_value_hides_no_damaged_page(void **state)
{
    struct fault f;
    (void)state;
    fault_begin(&f, 0);
    assert_int_equal(rig_close(&f.rig), 0);
    lie_value_and_page(&f.rig);
    assert_int_equal(rig_open(&f.rig), RUNG_E_CORRUPT);
    assert_non_null(strstr(test_log_last(f.rig.p), "the disk is damaged at byte"));
    f.rig.keys.salvage = true;
    rig_disk(&f.rig, RUNG_BLOCK_IS_READONLY);
    assert_int_equal(rig_open(&f.rig), 0);
    assert_int_equal(rig_try(&f.rig, "key"), RUNG_E_CORRUPT);
    rig_end(&f.rig);
}

/* Superblocks whose numbers are at their end: written on, the store would be damaged for the next
 * opening. It is read, by who does not write. */
static void numbers_at_their_end(void **state)
{
    static const struct {
        uint32_t epoch;
        uint64_t place;
    } end[] = {{UINT32_MAX, 0}, {UINT32_C(1) << 31, 0}, {0, (UINT64_C(1) << 62) - 512}};
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(end); i++) {
        struct fault f;
        struct kvlog_super super;
        fault_begin(&f, 0);
        assert_int_equal(rig_close(&f.rig), 0);
        assert_true(rung_kvlog_get_super(f.rig.bytes, &super));
        super.epoch = end[i].epoch ? end[i].epoch : super.epoch;
        if (end[i].place)
            super.head = super.tail = super.checkpoint = end[i].place;
        lie_supers(&f.rig, &super);
        uint8_t *before = malloc(FAULT_BYTES);
        assert_non_null(before);
        memcpy(before, f.rig.bytes, FAULT_BYTES);
        assert_int_equal(rig_open(&f.rig), RUNG_E_CORRUPT);
        assert_non_null(strstr(test_log_last(f.rig.p), "no store comes there; it can be read"));
        rig_disk(&f.rig, RUNG_BLOCK_IS_READONLY);
        assert_int_equal(rig_open(&f.rig), 0);
        assert_int_equal(rig_check(&f.rig, true), 1);
        assert_int_equal(rig_close(&f.rig), 0);
        assert_memory_equal(f.rig.bytes, before, FAULT_BYTES);
        free(before);
        rig_end(&f.rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_that_fail), cmocka_unit_test(flushes_that_fail),
        cmocka_unit_test(sectors_that_cannot_be_read),
        cmocka_unit_test(every_bit_is_found_or_harmless), cmocka_unit_test(check_finds_all_of_it),
        cmocka_unit_test(damage_does_not_stop_reclaiming), cmocka_unit_test(a_size_that_lies),
        cmocka_unit_test(a_damaged_value_hides_no_damaged_page),
        cmocka_unit_test(numbers_at_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
