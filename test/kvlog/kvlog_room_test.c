/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_room_test.c - a disk that has no room for what is written, as a file on a full
 * file system has not: what is refused has not happened, what is there can be read, and when there
 * is room again writing goes on; whenever the program is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog_rig.h"

enum { ROOM_KEYS = 12, ROOM_WRITES = 4, ROOM_RUNS = 120, ROOM_EPISODES = 8 };

struct room {
    struct rig rig;
    struct rig_value now[ROOM_KEYS];
    uint64_t numbers;
};

struct room_write {
    struct rig_write write;
    unsigned key[RIG_CHANGES];
    char name[RIG_CHANGES][16];
    struct rig_value value[RIG_CHANGES];
};

static void room_add(struct room *f, struct room_write *w)
{
    unsigned n = w->write.count, i = rig_below(&f->rig, ROOM_KEYS);
    struct rig_value value = {.number = ++f->numbers};
    value.len = rig_below(&f->rig, 4) ? rig_below(&f->rig, 300) : rig_below(&f->rig, 9000);
    if (rig_below(&f->rig, 5) == 0)
        value = (struct rig_value){0};
    w->key[n] = i;
    w->value[n] = value;
    snprintf(w->name[n], sizeof(w->name[n]), "key-%u", i);
    rig_add(&f->rig, &w->write, w->name[n], strlen(w->name[n]), &w->value[n]);
}

/* Some writes at once, of some changes each: those that went well have happened, in order. How many
 * were refused. */
static unsigned room_set(struct room *f)
{
    struct room_write w[ROOM_WRITES];
    unsigned count = 1 + rig_below(&f->rig, ROOM_WRITES), refused = 0;
    for (unsigned k = 0; k < count; k++) {
        w[k].write = (struct rig_write){.count = 0};
        for (unsigned n = 1 + rig_below(&f->rig, 3); n > 0; n--)
            room_add(f, &w[k]);
        rig_start(&f->rig, &w[k].write);
    }
    for (unsigned k = 0; k < count; k++) {
        int result = rig_wait(&f->rig, &w[k].write);
        if (result)
            assert_int_equal(result, RUNG_E_FULL);
        refused += result != 0;
        for (unsigned n = 0; !result && n < w[k].write.count; n++)
            f->now[w[k].key[n]] = w[k].value[n];
    }
    return refused;
}

static void room_look(struct room *f)
{
    unsigned there = 0;
    for (unsigned i = 0; i < ROOM_KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%u", i);
        assert_true(rig_has(&f->rig, key, strlen(key), &f->now[i]));
        there += f->now[i].number != 0;
    }
    assert_int_equal(rig_count(&f->rig), there);
}

static void room_fill_up(struct room *f, long writes)
{
    f->rig.disk.writes_left = writes;
    f->rig.disk.write_err = RUNG_E_FULL;
    f->rig.disk.room_from = 8192; /* the superblocks have theirs */
}

static void room_again(struct room *f)
{
    f->rig.disk.writes_left = -1;
    f->rig.disk.write_err = 0;
}

static void room_begin(struct room *f, uint64_t bytes)
{
    memset(f, 0, sizeof(*f));
    rig_begin(&f->rig, bytes, 512);
    f->rig.disk.chance = 1 | (uint32_t)rig_random(&f->rig);
    assert_int_equal(rig_open(&f->rig), 0);
    f->rig.keys.create = false;
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(room_set(f), 0);
}

/* Once: the disk is full for a while, and what comes then. */
static void room_episode(struct room *f)
{
    room_fill_up(f, rig_below(&f->rig, 12));
    while (room_set(f) == 0)
        ;
    assert_non_null(strstr(test_log_last(f->rig.p), "no room left"));
    unsigned lines = (unsigned)test_log_count(f->rig.p);
    room_look(f);
    for (unsigned n = rig_below(&f->rig, 4); n > 0; n--)
        room_set(f);
    assert_int_equal(test_log_count(f->rig.p), lines); /* said once */
    room_look(f);
    room_again(f);
    if (rig_below(&f->rig, 3) == 0)
        rig_kill(&f->rig);
    else if (rig_below(&f->rig, 3) == 0)
        rig_compact(&f->rig);
    room_look(f);
    if (rig_below(&f->rig, 4) == 0) {
        assert_int_equal(rig_close(&f->rig), 0);
        assert_int_equal(rig_open(&f->rig), 0);
        if (rig_below(&f->rig, 2) == 0)
            rig_kill(&f->rig);
    }
    for (unsigned n = rig_below(&f->rig, 30); n > 0; n--)
        assert_int_equal(room_set(f), 0);
    room_look(f);
    assert_int_equal(rig_check(&f->rig, false), 0);
}

static void room_comes_back(void **state)
{
    static struct room f;
    unsigned runs = getenv("RUNG_TEST_SLOW") ? 5 : ROOM_RUNS;
    (void)state;
    for (unsigned n = 0; n < runs; n++) {
        room_begin(&f, n % 2 ? 192 * 1024 : 2 << 20);
        f.rig.random += n; /* the seed gives all of them */
        for (unsigned k = 0; k < ROOM_EPISODES; k++)
            room_episode(&f);
        rig_end(&f.rig);
    }
}

/* What the background wants is no reason to try for ever: somebody must ask. */
static void nobody_asks(void **state)
{
    static struct room f;
    (void)state;
    room_begin(&f, 192 * 1024);
    room_fill_up(&f, 0);
    while (room_set(&f) == 0)
        ;
    assert_int_equal(rig_compact_result(&f.rig), RUNG_E_FULL);
    uint64_t writes = f.rig.disk.writes;
    assert_int_equal(rig_compact_result(&f.rig), RUNG_E_FULL);
    assert_in_range(f.rig.disk.writes, writes + 1, writes + 4);
    room_again(&f);
    rig_compact(&f.rig);
    room_look(&f);
    assert_int_equal(room_set(&f), 0);
    rig_end(&f.rig);
}

/* What the background cannot read is still so after the disk had no room: it is not tried again,
 * and told again, for a write that needs no space won back. */
static void not_read_is_not_forgotten(void **state)
{
    static struct room f;
    struct rig_value value = {.number = 1, .len = 3000};
    (void)state;
    room_begin(&f, 2 << 20);
    f.rig.disk.bad_from = 8192;
    f.rig.disk.bad_to = 2 << 20;
    while (!strstr(test_log_last(f.rig.p), "no more space is won back"))
        assert_int_equal(rig_set(&f.rig, "key", &value), 0);
    uint64_t tail = f.rig.store.log.tail;
    room_fill_up(&f, 0);
    assert_int_equal(rig_set(&f.rig, "key", &value), RUNG_E_FULL);
    assert_non_null(strstr(test_log_last(f.rig.p), "no room left"));
    unsigned lines = (unsigned)test_log_count(f.rig.p);
    room_again(&f);
    assert_int_equal(rig_set(&f.rig, "key", &value), 0);
    test_run_turns(f.rig.p, 100);
    assert_int_equal(test_log_count(f.rig.p), lines);
    assert_int_equal(f.rig.store.log.tail, tail);
    f.rig.disk.bad_from = f.rig.disk.bad_to = 0;
    rig_compact(&f.rig); /* which asks for it */
    assert_true(rig_has(&f.rig, "key", 3, &value));
    assert_int_equal(rig_check(&f.rig, false), 0);
    rig_end(&f.rig);
}

/* Without room for the superblock, too, nobody knows what is on the disk: nothing more is written
 * until the store is opened anew. */
static void not_even_for_a_superblock(void **state)
{
    static struct room f;
    struct rig_value value = {.number = 1, .len = 10};
    (void)state;
    room_begin(&f, 192 * 1024);
    room_fill_up(&f, 0);
    f.rig.disk.room_from = 0;
    int result = rig_set(&f.rig, "new", &value); /* READONLY: a checkpoint's was under way */
    assert_true(result == RUNG_E_IO || result == RUNG_E_READONLY);
    assert_non_null(strstr(test_log_last(f.rig.p), "nothing more is written"));
    room_again(&f);
    assert_int_equal(rig_set(&f.rig, "new", &value), RUNG_E_READONLY);
    room_look(&f);
    assert_int_equal(rig_close(&f.rig), RUNG_E_IO);
    assert_int_equal(rig_open(&f.rig), 0);
    assert_int_equal(rig_set(&f.rig, "new", &value), 0);
    assert_int_equal(rig_check(&f.rig, false), 0);
    rig_end(&f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_comes_back), cmocka_unit_test(nobody_asks),
        cmocka_unit_test(not_even_for_a_superblock), cmocka_unit_test(not_read_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
