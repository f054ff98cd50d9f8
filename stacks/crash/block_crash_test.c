/* SPDX-License-Identifier: ISC */
/* stacks/crash/block_crash_test.c - which writes a power cut takes, and which it must not. */
#include "block_crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"

enum { CRASH_SECTORS = 8, CRASH_BYTES = CRASH_SECTORS * 512 };

/* The disk below: requests wait until the test lets them go. */
struct crash_disk {
    struct rung_block block;
    struct rung_platform *p;
    struct rung_block_req *waiting;
};

struct crash_rig {
    struct rung_platform *p;
    struct crash_disk disk;
    struct rung_block_crash crash;
    struct rung_block_crash_keys keys;
};

struct crash_io {
    struct rung_block_req req;
    struct rung_vec vec;
    bool done;
    int result;
};

static _Alignas(512) uint8_t memory[4][1024];

static void disk_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct crash_disk *disk = rung_container_of(block, struct crash_disk, block);
    req->next = disk->waiting;
    disk->waiting = req;
}

static void disk_close(struct rung_block *block, struct rung_op *op)
{
    rung_op_finish(rung_container_of(block, struct crash_disk, block)->p, op, 0);
}

static const struct rung_block_ops disk_ops = RUNG_BLOCK_TABLE("disk", disk);

/* Ends the request that was submitted last. */
static void disk_end(struct crash_rig *rig, int result)
{
    struct rung_block_req *req = rig->disk.waiting;
    rig->disk.waiting = req->next;
    rung_op_finish(rig->p, &req->op, result);
    test_run_turns(rig->p, 2);
}

static void begin(struct crash_rig *rig, uint64_t limit)
{
    struct rung_block_crash_needs needs = {.block = &rig->disk.block};
    memset(rig, 0, sizeof(*rig));
    rig->p = rig->disk.p = test_platform_new();
    rung_block_init(&rig->disk.block, &disk_ops);
    rig->disk.block.info = (struct rung_block_info){.sectors = CRASH_SECTORS, .sector_size = 512};
    rig->keys = (struct rung_block_crash_keys){.slot = "block", .limit = limit};
    assert_int_equal(rung_block_crash_open(&rig->crash, rig->p, &rig->keys, &needs), 0);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(memory); i++)
        memset(memory[i], (int)i + 1, sizeof(memory[i]));
}

static void on_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct crash_io *io = rung_container_of(req, struct crash_io, req);
    io->done = true;
    io->result = result;
}

static void on_closed(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, 0);
}

static void end(struct crash_rig *rig)
{
    struct rung_op op = {.done = on_closed};
    rung_block_close(&rig->crash.block, &op);
    test_run_turns(rig->p, 2);
    test_platform_free(rig->p);
}

static void start(struct crash_rig *rig, struct crash_io *io, enum rung_block_kind kind,
                  unsigned flags, uint64_t sector, unsigned which)
{
    *io = (struct crash_io){.vec = {memory[which], sizeof(memory[which])}};
    io->req = (struct rung_block_req){
        .op = {.done = on_done}, .kind = kind, .flags = flags, .sector = sector, .vec = &io->vec,
        .vec_count = 1,
    };
    rung_block_submit(&rig->crash.block, &io->req);
}

/* What sectors 0, 2 and 4 may hold at each moment, over many power cuts: bit n for content n, 0 for
 * none, and bit 7 for a mixture. */
static void expect(struct crash_rig *rig, const unsigned *may[3], unsigned moments)
{
    uint8_t image[CRASH_BYTES] = {0}, disk[CRASH_BYTES];
    struct rung_block_crash_replay replay;
    uint64_t chance = test_seed() | 1;
    rung_block_crash_rewind(&rig->crash, &replay, image);
    for (unsigned moment = 0; moment < moments; moment++) {
        unsigned seen[3] = {0};
        assert_true(rung_block_crash_next(&replay));
        for (unsigned n = 0; n < 2000; n++) {
            rung_block_crash_cut(&replay, &chance, disk);
            for (unsigned i = 0; i < 3; i++) {
                const uint8_t *at = disk + i * 1024;
                bool whole = at[0] <= 4;
                for (unsigned k = 1; k < 1024; k++)
                    whole &= at[k] == at[0];
                seen[i] |= whole ? 1u << at[0] : 128u;
            }
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(seen[i], may[i][moment]);
    }
    assert_false(rung_block_crash_next(&replay));
}

/* A write is loose until a flush that began behind it is done. */
static void a_flush_keeps_what_was_done_before(void **state)
{
    struct crash_rig rig;
    struct crash_io one, two, flush;
    (void)state;
    begin(&rig, 1 << 20);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);   /* moment 1 */
    disk_end(&rig, 0);                              /* 2 */
    start(&rig, &flush, RUNG_BLOCK_FLUSH, 0, 0, 0); /* 3 */
    start(&rig, &two, RUNG_BLOCK_WRITE, 0, 2, 1);   /* 4 */
    disk_end(&rig, 0);                              /* 5: the write, after the flush began */
    disk_end(&rig, 0);                              /* 6: the flush */
    assert_true(one.done && two.done && flush.done);
    const unsigned first[] = {131, 131, 131, 131, 131, 2};
    const unsigned second[] = {1, 1, 1, 133, 133, 133}, third[] = {1, 1, 1, 1, 1, 1};
    expect(&rig, (const unsigned *[]){first, second, third}, 6);
    end(&rig);
}

static void fua_keeps_only_itself(void **state)
{
    struct crash_rig rig;
    struct crash_io one, two;
    (void)state;
    begin(&rig, 1 << 20);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    start(&rig, &two, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, 2, 1);
    disk_end(&rig, 0);
    const unsigned first[] = {131, 131, 131, 131}, second[] = {1, 1, 133, 4};
    const unsigned third[] = {1, 1, 1, 1};
    expect(&rig, (const unsigned *[]){first, second, third}, 4);
    end(&rig);
}

/* A flush, or a write, that failed makes nothing certain. */
static void what_failed_keeps_nothing(void **state)
{
    struct crash_rig rig;
    struct crash_io one, two, flush;
    (void)state;
    begin(&rig, 1 << 20);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    start(&rig, &flush, RUNG_BLOCK_FLUSH, 0, 0, 0);
    disk_end(&rig, RUNG_E_IO);
    start(&rig, &two, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, 2, 1);
    disk_end(&rig, RUNG_E_IO);
    assert_int_equal(flush.result, RUNG_E_IO);
    assert_int_equal(two.result, RUNG_E_IO);
    const unsigned first[] = {131, 131, 131, 131}, second[] = {1, 1, 1, 133};
    const unsigned third[] = {1, 1, 1, 1};
    expect(&rig, (const unsigned *[]){first, second, third}, 4);
    end(&rig);
}

/* Of two writes of a place, the second is not undone by the first. */
static void an_older_write_does_not_come_back(void **state)
{
    struct crash_rig rig;
    struct crash_io one, two;
    (void)state;
    begin(&rig, 1 << 20);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    start(&rig, &two, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, 0, 1);
    disk_end(&rig, 0);
    const unsigned first[] = {131, 131, 135, 4}, none[] = {1, 1, 1, 1};
    expect(&rig, (const unsigned *[]){first, none, none}, 4);
    end(&rig);
}

static void without_chance_all_that_was_done_is_there(void **state)
{
    uint8_t image[CRASH_BYTES] = {0}, disk[CRASH_BYTES];
    struct rung_block_crash_replay replay;
    struct crash_rig rig;
    struct crash_io one, two;
    (void)state;
    begin(&rig, 1 << 20);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    start(&rig, &two, RUNG_BLOCK_WRITE, 0, 2, 1);
    disk_end(&rig, 0);
    rung_block_crash_rewind(&rig.crash, &replay, image);
    while (rung_block_crash_next(&replay)) {
        assert_int_equal(rung_block_crash_loose(&replay), replay.moment >= 3 ? 2 : 1);
        rung_block_crash_cut(&replay, NULL, disk);
        assert_int_equal(disk[0], replay.moment >= 2);
        assert_int_equal(disk[1024], replay.moment >= 4 ? 2 : 0);
    }
    assert_int_equal(replay.moment, 4);
    rung_block_crash_forget(&rig.crash);
    assert_null(rig.crash.first);
    end(&rig);
}

static void the_limit_says_so(void **state)
{
    struct crash_rig rig;
    struct crash_io one, two;
    (void)state;
    begin(&rig, 1024);
    start(&rig, &one, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    start(&rig, &two, RUNG_BLOCK_WRITE, 0, 0, 0);
    test_run_turns(rig.p, 2);
    assert_int_equal(two.result, RUNG_E_IO);
    assert_non_null(strstr(test_log_last(rig.p), "set block.limit to more"));
    rung_block_crash_forget(&rig.crash);
    start(&rig, &two, RUNG_BLOCK_WRITE, 0, 0, 0);
    disk_end(&rig, 0);
    assert_int_equal(two.result, 0);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_keeps_what_was_done_before),
        cmocka_unit_test(fua_keeps_only_itself),
        cmocka_unit_test(what_failed_keeps_nothing),
        cmocka_unit_test(an_older_write_does_not_come_back),
        cmocka_unit_test(without_chance_all_that_was_done_is_there),
        cmocka_unit_test(the_limit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
