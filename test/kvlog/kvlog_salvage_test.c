/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_salvage_test.c - what salvage reads of a damaged store: each value whose own
 * record can be read, and it says so when it had to leave something out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_index.h"
#include "kvlog_rig.h"

enum { SALVAGE_KEYS = 40, SALVAGE_BYTES = 512 * 1024, SALVAGE_SECTOR = 512 };

struct salvage {
    struct rig rig;
    struct rig_value now[SALVAGE_KEYS];
    uint64_t from[SALVAGE_KEYS], to[SALVAGE_KEYS]; /* places of their records */
    uint64_t tail, head, ring, checkpoint, salt;
    uint8_t *good; /* the disk, closed */
    bool bad[SALVAGE_BYTES / SALVAGE_SECTOR]; /* sectors, from the tail's on */
};

static const char *salvage_key(unsigned i)
{
    static char key[16];
    snprintf(key, sizeof(key), "key-%u", i);
    return key;
}

/* Single writes and batches, some to remove a key; the log has gone round, and has checkpoints.
 * Some keys are seldom written, and moved. */
static void salvage_begin(struct salvage *s)
{
    uint64_t number = 0;
    memset(s, 0, sizeof(*s));
    rig_begin(&s->rig, SALVAGE_BYTES, SALVAGE_SECTOR);
    assert_int_equal(rig_open(&s->rig), 0);
    s->rig.keys.create = false;
    while (s->rig.store.log.head < 3 * s->rig.store.log.ring + rig_below(&s->rig, 100000)) {
        struct rig_write write = {.count = 0};
        char keys[RIG_CHANGES][16];
        unsigned changes = 1 + rig_below(&s->rig, RIG_CHANGES);
        for (unsigned c = 0; c < changes; c++) {
            unsigned i = rig_below(&s->rig, 1 + rig_below(&s->rig, SALVAGE_KEYS));
            struct rig_value value = {.number = ++number, .len = rig_below(&s->rig, 1500)};
            if (rig_below(&s->rig, 8) == 0)
                value = (struct rig_value){0};
            strcpy(keys[c], salvage_key(i));
            rig_add(&s->rig, &write, keys[c], strlen(keys[c]), &value);
            s->now[i] = value;
        }
        rig_start(&s->rig, &write);
        assert_int_equal(rig_wait(&s->rig, &write), 0);
    }
}

/* Closes the store, and notes where everything is. */
static void salvage_note(struct salvage *s)
{
    assert_int_equal(rig_close(&s->rig), 0);
    s->good = malloc(SALVAGE_BYTES);
    assert_non_null(s->good);
    memcpy(s->good, s->rig.bytes, SALVAGE_BYTES);
    rig_disk(&s->rig, RUNG_BLOCK_IS_READONLY);
    assert_int_equal(rig_open(&s->rig), 0);
    struct rung_kvlog_ring *log = &s->rig.store.log;
    s->tail = log->tail;
    s->head = log->head;
    s->ring = log->ring;
    s->checkpoint = log->checkpoint;
    s->salt = log->salt;
    for (unsigned i = 0; i < SALVAGE_KEYS; i++) {
        const char *key = salvage_key(i);
        struct rung_kvlog_node *node = rung_kvlog_find(&s->rig.store, key, strlen(key));
        assert_true((node != NULL) == (s->now[i].number > 0));
        s->from[i] = node ? node->pos : 0;
        s->to[i] = node ? node->pos + kvlog_record_bytes(strlen(key), node->size) : 0;
    }
    assert_int_equal(rig_close(&s->rig), 0);
}

static void salvage_end(struct salvage *s)
{
    free(s->good);
    rig_end(&s->rig);
}

static bool salvage_has(struct salvage *s, unsigned i)
{
    const char *key = salvage_key(i);
    return rig_has(&s->rig, key, strlen(key), &s->now[i]);
}

static uint64_t salvage_sectors(const struct salvage *s)
{
    return (s->head - s->tail) / SALVAGE_SECTOR;
}

/* To be damaged: n sectors behind the tail, and further. */
static void salvage_dig(struct salvage *s, uint64_t first, uint64_t n)
{
    for (uint64_t i = first; i < first + n && i < salvage_sectors(s); i++)
        s->bad[i] = true;
}

/* Every page of an index from the tail on. */
static void salvage_dig_pages(struct salvage *s)
{
    uint8_t *two = malloc(2 * s->ring);
    assert_non_null(two);
    for (unsigned i = 0; i < 2; i++)
        memcpy(two + i * s->ring, s->good + KVLOG_RING_AT, s->ring);
    for (uint64_t at = s->tail; at < s->head; at++) {
        struct kvlog_record r;
        const uint8_t *bytes = two + at % s->ring;
        if (rung_kvlog_get_record(bytes, s->ring, s->salt, at, &r) && r.type == KVLOG_PAGE)
            salvage_dig(s, (at - s->tail) / SALVAGE_SECTOR, 1);
    }
    free(two);
}

static bool salvage_touched(const struct salvage *s, unsigned i)
{
    for (uint64_t at = s->from[i]; at < s->to[i]; at++)
        if (s->bad[(at - s->tail) / SALVAGE_SECTOR])
            return true;
    return false;
}

static void salvage_damage(struct salvage *s)
{
    bool noise = rig_below(&s->rig, 2);
    for (uint64_t i = 0; i < salvage_sectors(s); i++) {
        uint64_t at = (s->tail + i * SALVAGE_SECTOR) % s->ring;
        for (unsigned k = 0; s->bad[i] && k < SALVAGE_SECTOR; k++)
            s->rig.bytes[KVLOG_RING_AT + at + k] = noise ? (uint8_t)rig_random(&s->rig) : 0;
    }
}

/* Keys of which the record is not touched by what has been dug must be there. How many are not. */
static unsigned salvage_try(struct salvage *s)
{
    unsigned lost = 0;
    salvage_damage(s);
    s->rig.keys.salvage = false;
    bool refused = rig_open(&s->rig) != 0;
    if (!refused)
        assert_int_equal(rig_close(&s->rig), 0);
    s->rig.keys.salvage = true;
    assert_int_equal(rig_open(&s->rig), 0);
    assert_int_equal(s->rig.store.partial, refused);
    for (unsigned i = 0; i < SALVAGE_KEYS; i++) {
        bool has = salvage_has(s, i);
        if (!has && s->now[i].number && !salvage_touched(s, i))
            fail_msg("key-%u, at %llu to %llu, is not there", i, (unsigned long long)s->from[i],
                     (unsigned long long)s->to[i]);
        lost += !has;
    }
    assert_int_equal(rig_close(&s->rig), 0);
    memcpy(s->rig.bytes, s->good, SALVAGE_BYTES);
    memset(s->bad, 0, sizeof(s->bad));
    return lost;
}

/* Each sector from the tail to the head in turn; stretches of them, with or without all pages. */
static void what_can_be_read_is_there(void **state)
{
    struct salvage s;
    unsigned step = getenv("RUNG_TEST_SLOW") ? 40 : 1;
    (void)state;
    salvage_begin(&s);
    salvage_note(&s);
    uint64_t sectors = salvage_sectors(&s);
    assert_true(s.checkpoint > s.tail && s.head > s.checkpoint);
    for (uint64_t i = 0; i < sectors; i += step) {
        salvage_dig(&s, i, 1);
        salvage_try(&s);
    }
    for (unsigned n = 0; n < 400 / step; n++) {
        for (unsigned k = 0; k <= n % 3; k++)
            salvage_dig(&s, rig_random(&s.rig) % sectors, 1 + rig_below(&s.rig, 1 + n));
        if (n / 3 % 2)
            salvage_dig_pages(&s);
        salvage_try(&s);
    }
    salvage_dig(&s, 0, sectors);
    assert_true(salvage_try(&s) > 0);
    salvage_end(&s);
}

/* With nothing to salvage it gives what any opening does, and what was removed stays so. */
static void a_sound_store_is_as_it_is(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct salvage s;
        salvage_begin(&s);
        salvage_note(&s);
        s.rig.keys.salvage = true;
        assert_int_equal(rig_open(&s.rig), 0);
        assert_false(s.rig.store.partial);
        for (unsigned i = 0; i < SALVAGE_KEYS; i++)
            assert_true(salvage_has(&s, i));
        salvage_end(&s);
    }
}

/* Writes some keys anew, so many times. */
static void salvage_write(struct salvage *s, unsigned writes)
{
    for (unsigned n = 0; n < writes; n++) {
        unsigned i = rig_below(&s->rig, SALVAGE_KEYS);
        s->now[i] = (struct rig_value){.number = rig_random(&s->rig) | 1, .len = 400};
        assert_int_equal(rig_set(&s->rig, salvage_key(i), &s->now[i]), 0);
    }
}

/* The first 8 KiB are put back from so many writes before; of the last opening or the one before.
 * Then all the newest values are read by salvage, wherever the log has come to meanwhile. Without
 * it the store is refused, or, if they are of the last opening and what they name is there still,
 * it is as it was. */
static void salvage_put_back(unsigned behind, bool reopened, bool kill)
{
    struct salvage s;
    uint8_t supers[KVLOG_RING_AT];
    memset(&s, 0, sizeof(s));
    rig_begin(&s.rig, SALVAGE_BYTES / 2, SALVAGE_SECTOR);
    assert_int_equal(rig_open(&s.rig), 0);
    s.rig.keys.create = false;
    salvage_write(&s, 400 + behind / 9);
    memcpy(supers, s.rig.bytes, sizeof(supers));
    uint64_t checkpoint = s.rig.store.log.checkpoint, ring = s.rig.store.log.ring;
    if (reopened) {
        assert_int_equal(rig_close(&s.rig), 0);
        assert_int_equal(rig_open(&s.rig), 0);
    }
    salvage_write(&s, behind);
    bool gone = s.rig.store.log.head > checkpoint + ring + ring / 4;
    if (kill)
        rig_kill(&s.rig);
    uint8_t *bytes = malloc(s.rig.size);
    assert_non_null(bytes);
    memcpy(bytes, s.rig.bytes, s.rig.size);
    assert_int_equal(rig_close(&s.rig), 0);
    if (kill)
        memcpy(s.rig.bytes, bytes, s.rig.size);
    memcpy(s.rig.bytes, supers, sizeof(supers));
    memcpy(bytes, s.rig.bytes, s.rig.size);
    enum rung_err err = rig_open(&s.rig);
    assert_true(err == RUNG_E_CORRUPT || (!err && !gone && !reopened));
    if (err)
        assert_non_null(strstr(test_log_last(s.rig.p), "superblocks are older"));
    if (!err)
        assert_int_equal(rig_close(&s.rig), 0);
    memcpy(s.rig.bytes, bytes, s.rig.size);
    s.rig.keys.salvage = true;
    assert_int_equal(rig_open(&s.rig), 0);
    assert_int_equal(s.rig.store.partial, err != 0);
    for (unsigned i = 0; i < SALVAGE_KEYS; i++)
        if (!salvage_has(&s, i))
            fail_msg("%u writes behind: key-%u is not there", behind, i);
    free(bytes);
    salvage_end(&s);
}

static void superblocks_of_laps_before(void **state)
{
    unsigned step = getenv("RUNG_TEST_SLOW") ? 700 : 50;
    (void)state;
    for (unsigned behind = step; behind <= 3000; behind += step)
        for (unsigned i = 0; i < 4; i++)
            salvage_put_back(behind, i & 1, i & 2);
}

/* The last write of a program that was killed is damaged, anywhere but in its padding: it counts as
 * never finished, and salvage says what that may mean. */
static void a_last_write_that_is_not_whole(void **state)
{
    struct salvage s;
    uint8_t *killed = malloc(SALVAGE_BYTES);
    (void)state;
    assert_non_null(killed);
    salvage_begin(&s);
    assert_int_equal(rig_set(&s.rig, "last", &(struct rig_value){.number = 1, .len = 9}), 0);
    uint64_t at = s.rig.store.log.head;
    assert_int_equal(rig_set(&s.rig, "last", &(struct rig_value){.number = 2, .len = 9}), 0);
    memcpy(killed, s.rig.bytes, SALVAGE_BYTES);
    assert_int_equal(rig_close(&s.rig), 0);
    rig_disk(&s.rig, RUNG_BLOCK_IS_READONLY);
    uint64_t len = KVLOG_GROUP_BYTES + kvlog_record_bytes(4, 9);
    for (uint64_t bad = 0; bad <= len; bad++) {
        for (unsigned salvage = 0; salvage < 2; salvage++) {
            memcpy(s.rig.bytes, killed, SALVAGE_BYTES);
            s.rig.bytes[KVLOG_RING_AT + (at + bad) % s.rig.store.log.ring] ^= 8;
            s.rig.keys.salvage = salvage;
            assert_int_equal(rig_open(&s.rig), 0);
            assert_int_equal(s.rig.store.torn, bad < len);
            assert_int_equal(s.rig.store.partial, salvage && bad < len);
            if (bad < len)
                assert_non_null(strstr(test_log_last(s.rig.p), salvage
                    ? "warn: store: the last write, at byte" : "info: store: cut off a write"));
            assert_true(rig_has(&s.rig, "last", 4, &(struct rig_value){1 + (bad == len), 9}));
            assert_int_equal(rig_close(&s.rig), 0);
        }
    }
    free(killed);
    rig_end(&s.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(superblocks_of_laps_before),
        cmocka_unit_test(a_last_write_that_is_not_whole),
        cmocka_unit_test(what_can_be_read_is_there),
        cmocka_unit_test(a_sound_store_is_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
