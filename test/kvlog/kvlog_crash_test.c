/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_crash_test.c - the power is cut at every moment of a run of writes: with all
 * that was done on the disk, and with what was not yet flushed lost, kept, kept in part and torn,
 * as chance has it. Each time the store must open, hold every write that was done, hold none by
 * halves, and be found sound. From some of these disks it goes on writing, and the power is cut
 * again. Now and then the disk has no room for a write. RUNG_TEST_STATES says how many disks to
 * try, RUNG_TEST_SEED repeats a run; both are printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block_crash.h"
#include "kvlog_rig.h"

enum {
    CRASH_STATES = 300000, CRASH_SLOW = 500, CRASH_KEYS = 14, CRASH_WRITES = 40,
    CRASH_EACH = 6,    /* disks by chance at a moment at which something is loose */
    CRASH_AGAIN = 50,  /* of so many disks one is used on */
    CRASH_SMALL = 128 * 1024,
    CRASH_MEMORY = 4096, CRASH_KEY = 1025,
};

struct crash_run { /* a store from open to the power cut */
    struct rig rig;
    struct rung_block_crash crash;
    struct rung_block_crash_keys crash_keys;
    struct rung_block_crash_needs crash_needs;
    bool tight;                         /* values that nearly fill it */
    uint8_t *before;                    /* the disk when recording began */
    unsigned writes;                    /* begun */
    uint64_t digest[CRASH_WRITES + 1];  /* of all keys after so many writes */
    uint64_t instead[CRASH_WRITES + 1]; /* the same, had the last not been refused by the disk: it
                                         * may be there until that is told; 0: it was not */
    uint64_t begun[CRASH_WRITES + 1], ended[CRASH_WRITES + 1]; /* moments; 0: not */
    uint64_t now[CRASH_KEYS];           /* hash of each key; 0: not there */
};

struct crash_test {
    uint64_t numbers, chance;
    unsigned states, states_max, again, moments, torn, full, no_room, no_memory;
};

static struct crash_test test;

/* Where memory is bounded, some are so long that there is none for all of them. */
static void crash_key(const struct rig *rig, char *key, unsigned i)
{
    unsigned more = rig->keys.memory && i % 3 == 2 ? 1000 : i % 5 == 4 ? 200 : 0;
    int n = snprintf(key, CRASH_KEY, "key-%u", i);
    memset(key + n, '-', more);
    key[(unsigned)n + more] = 0;
}

/* FNV-1a over a key and its value. */
static uint64_t crash_hash(const char *key, size_t key_len, const uint8_t *value, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key_len; i++)
        hash = (hash ^ (uint8_t)key[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < len; i += 7) /* some are enough: the store's sums look at all */
        hash = (hash ^ value[i]) * UINT64_C(0x100000001b3);
    return (hash ^ len) * UINT64_C(0x100000001b3);
}

static uint64_t crash_value_hash(const struct rig *rig, unsigned i,
                                 const struct rig_value *value)
{
    char key[CRASH_KEY];
    crash_key(rig, key, i);
    if (!value->number)
        return 0;
    uint8_t *bytes = malloc(value->len + 1u);
    assert_non_null(bytes);
    rig_fill(bytes, value);
    uint64_t hash = crash_hash(key, strlen(key), bytes, value->len);
    free(bytes);
    return hash;
}

/* What the open store holds, and of each key. */
static uint64_t crash_digest(struct rig *rig, uint64_t now[])
{
    uint64_t digest = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < CRASH_KEYS; i++) {
        struct rig_get get;
        char key[CRASH_KEY];
        crash_key(rig, key, i);
        now[i] = 0;
        rig_get_start(rig, &get, key, strlen(key), 0, RUNG_KV_ALL);
        int result = rig_get_wait(rig, &get);
        if (result == RUNG_E_NOTFOUND)
            continue;
        assert_int_equal(result, 0);
        now[i] = crash_hash(key, strlen(key), get.req.value.data, get.req.value.len);
        digest += now[i];
        rung_buf_release(&get.req.value);
        count++;
    }
    assert_int_equal(rig->store.index.keys, count);
    return digest;
}

struct crash_write {
    struct rig_write write;
    char keys[RIG_CHANGES][CRASH_KEY];
    unsigned key[RIG_CHANGES];
    uint64_t hash[RIG_CHANGES];
    unsigned number;
};

static void crash_begin_write(struct crash_run *run, struct crash_write *w)
{
    unsigned n = rig_below(&run->rig, 3) ? 1 : 1 + rig_below(&run->rig, 5);
    w->write = (struct rig_write){.count = 0};
    for (unsigned i = 0; i < n; i++) {
        unsigned k = rig_below(&run->rig, CRASH_KEYS);
        struct rig_value value = {.number = ++test.numbers};
        uint32_t kind = rig_below(&run->rig, 10);
        value.len = kind < 8 ? rig_below(&run->rig, 300) : rig_below(&run->rig, 5000);
        if (run->tight)
            value.len = 1900 + rig_below(&run->rig, 600);
        if (kind == 0)
            value = (struct rig_value){0};
        crash_key(&run->rig, w->keys[i], k);
        w->key[i] = k;
        w->hash[i] = crash_value_hash(&run->rig, k, &value);
        rig_add(&run->rig, &w->write, w->keys[i], strlen(w->keys[i]), &value);
    }
    w->number = ++run->writes;
    run->begun[w->number] = run->crash.moment;
    rig_start(&run->rig, &w->write);
}

/* They take effect in the order they were started, but for those that the store has no room for. */
static void crash_end_write(struct crash_run *run, struct crash_write *w, bool no_room)
{
    unsigned n = w->write.count;
    int result = rig_wait(&run->rig, &w->write);
    uint64_t digest = run->digest[w->number - 1], now[CRASH_KEYS];
    memcpy(now, run->now, sizeof(now));
    assert_true(!result || result == RUNG_E_FULL || result == RUNG_E_NOMEM);
    test.full += result == RUNG_E_FULL && !no_room;
    test.no_room += result == RUNG_E_FULL && no_room;
    test.no_memory += result == RUNG_E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        digest += w->hash[i] - now[w->key[i]];
        now[w->key[i]] = w->hash[i];
    }
    if (!result)
        memcpy(run->now, now, sizeof(now));
    else if (no_room && result == RUNG_E_FULL)
        run->instead[w->number] = digest;
    run->digest[w->number] = result ? run->digest[w->number - 1] : digest;
    run->ended[w->number] = run->crash.moment;
}

/* Whether the disk has no room for the next write; the superblocks have theirs. */
static bool crash_no_room(struct crash_run *run)
{
    bool no_room = rig_below(&run->rig, 10) == 0;
    run->rig.disk.writes_left = no_room ? (long)rig_below(&run->rig, 2) : -1;
    run->rig.disk.write_err = no_room ? RUNG_E_FULL : 0;
    run->rig.disk.room_from = 8192;
    return no_room;
}

/* A group of the background's that the disk refuses may be on its way still, and is what it hears
 * then. */
static void crash_compact(struct crash_run *run, bool no_room)
{
    int result = rig_compact_result(&run->rig);
    if (result == RUNG_E_FULL && no_room)
        result = rig_compact_result(&run->rig);
    assert_int_equal(result, 0);
}

/* Some writes at once, then the next ones. */
static void crash_work(struct crash_run *run)
{
    static struct crash_write writes[8];
    bool no_room = false;
    while (run->writes < CRASH_WRITES) {
        no_room = crash_no_room(run);
        unsigned n = no_room ? 1 : 1 + rig_below(&run->rig, 4);
        n = n < CRASH_WRITES - run->writes ? n : CRASH_WRITES - run->writes;
        for (unsigned i = 0; i < n; i++) {
            crash_begin_write(run, &writes[i]);
            test_run_turns(run->rig.p, rig_below(&run->rig, 6));
        }
        for (unsigned i = 0; i < n; i++)
            crash_end_write(run, &writes[i], no_room);
        run->rig.disk.writes_left = -1;
        run->rig.disk.write_err = 0;
    }
    if (rig_below(&run->rig, 2))
        crash_compact(run, no_room);
    assert_true(crash_digest(&run->rig, run->now) == run->digest[run->writes]);
}

/* A store on a disk that holds `disk`, with recording on; disk NULL: a new one. */
static void crash_begin(struct crash_run *run, uint64_t size, const uint8_t *disk)
{
    memset(run, 0, sizeof(*run));
    rig_begin(&run->rig, size, 512);
    run->rig.random = test.chance += 12345;
    if (disk)
        memcpy(run->rig.bytes, disk, size);
    run->rig.disk.chance = (uint32_t)rig_random(&run->rig) | 1;
    run->crash_keys = (struct rung_block_crash_keys){.slot = "crash", .limit = UINT64_MAX};
    run->crash_needs.block = &run->rig.disk.block;
    assert_int_equal(rung_block_crash_open(&run->crash, run->rig.p, &run->crash_keys,
                                           &run->crash_needs), 0);
    run->rig.needs.block = &run->crash.block;
    run->before = malloc(size);
    assert_non_null(run->before);
}

static void crash_start(struct crash_run *run)
{
    memcpy(run->before, run->rig.bytes, run->rig.size);
    rung_block_crash_forget(&run->crash);
    assert_int_equal(rung_kvlog_open(&run->rig.store, run->rig.p, &run->rig.keys,
                                     &run->rig.needs), 0);
    run->rig.open = true;
    run->digest[0] = crash_digest(&run->rig, run->now);
}

static void crash_op_done(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, 0);
}

static void crash_end(struct crash_run *run)
{
    struct rung_op op = {.done = crash_op_done};
    if (run->rig.open)
        assert_int_equal(rig_close(&run->rig), 0);
    rung_block_close(&run->crash.block, &op);
    test_run_turns(run->rig.p, 3);
    free(run->before);
    rig_end(&run->rig);
}

/* Opens what the power cut left, and looks. Between the writes that were done and those that had
 * begun, it must be one of the states in between. */
static void crash_look(struct rig *after, const struct crash_run *run, uint64_t moment)
{
    unsigned from = 0, to = 0;
    for (unsigned i = 1; i <= run->writes; i++) {
        from = run->ended[i] && run->ended[i] <= moment ? i : from;
        to = run->begun[i] <= moment ? i : to;
    }
    test_disk_init(&after->disk, after->p, after->bytes, after->size, 512, 0);
    assert_int_equal(rig_open(after), 0);
    test.torn += after->store.torn;
    uint64_t now[CRASH_KEYS], digest = crash_digest(after, now);
    unsigned found = from;
    while (found <= to && run->digest[found] != digest
           && (found == from || !run->instead[found] || run->instead[found] != digest))
        found++;
    if (found > to)
        fail_msg("state %u, moment %llu: neither of the states %u to %u", test.states,
                 (unsigned long long)moment, from, to);
    assert_int_equal(rig_check(after, false), 0);
    assert_int_equal(rig_close(after), 0);
    test.states++;
}

static void crash_all(const struct crash_run *run, bool once_more);

/* Goes on from a disk that the power cut left: writes, and the power is cut again. */
static void crash_on(const struct crash_run *run, const uint8_t *disk)
{
    struct crash_run *next = calloc(1, sizeof(*next));
    assert_non_null(next);
    crash_begin(next, run->rig.size, disk);
    next->rig.keys = run->rig.keys;
    next->rig.keys.create = false;
    next->tight = run->tight;
    crash_start(next);
    crash_work(next);
    assert_int_equal(rig_close(&next->rig), 0);
    test.again++;
    crash_all(next, false);
    crash_end(next);
    free(next);
}

/* Every moment of a run that is over. */
static void crash_all(const struct crash_run *run, bool once_more)
{
    struct rung_block_crash_replay replay;
    struct rig after;
    uint8_t *image = malloc(run->rig.size), *again = malloc(run->rig.size);
    assert_true(image && again);
    memcpy(image, run->before, run->rig.size);
    rig_begin(&after, run->rig.size, 512);
    after.keys = run->rig.keys; /* with the same bound of memory it opens, whenever it is cut */
    after.keys.create = false;
    rung_block_crash_rewind(&run->crash, &replay, image);
    while (rung_block_crash_next(&replay) && test.states < test.states_max) {
        unsigned each = rung_block_crash_loose(&replay) ? CRASH_EACH : 0;
        test.moments++;
        for (unsigned i = 0; i <= each; i++) {
            rung_block_crash_cut(&replay, i ? &test.chance : NULL, after.bytes);
            memcpy(again, after.bytes, run->rig.size);
            crash_look(&after, run, replay.moment);
            if (once_more && i && test.states % CRASH_AGAIN == 0)
                crash_on(run, again);
        }
    }
    rig_end(&after);
    free(image);
    free(again);
}

static void crash_everywhere(void **state)
{
    static struct crash_run run;
    static const uint32_t sizes[] = {CRASH_SMALL, 192 * 1024, 2 * CRASH_SMALL};
    const char *states = getenv("RUNG_TEST_STATES");
    (void)state;
    test.chance = test_seed() | 1;
    test.states_max = states ? (unsigned)atoi(states)
                             : getenv("RUNG_TEST_SLOW") ? CRASH_SLOW : CRASH_STATES;
    for (unsigned i = 0; test.states < test.states_max; i++) {
        crash_begin(&run, sizes[i % 4 ? i % 3 : 0], NULL);
        run.rig.keys.memory = i % 2 ? CRASH_MEMORY : 0;
        assert_int_equal(rig_open(&run.rig), 0); /* makes the store */
        assert_int_equal(rig_close(&run.rig), 0);
        run.rig.needs.block = &run.crash.block;
        run.tight = i % 4 == 0;
        crash_start(&run);
        crash_work(&run);
        assert_int_equal(rig_close(&run.rig), 0);
        crash_all(&run, true);
        crash_end(&run);
    }
    print_message("%u disks after a power cut at %u moments, %u runs went on from one, %u with an "
                  "unfinished write; acknowledged writes lost: 0 (%u refused: full; %u: the disk "
                  "had no room; %u: no memory); RUNG_TEST_STATES=%u\n", test.states, test.moments,
                  test.again, test.torn, test.full, test.no_room, test.no_memory,
                  test.states_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(crash_everywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
