/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_faults.c - IO, FULL and DOWN, made by the fixture's hooks. A fault
 * costs the requests that it hits: none is lost, none is done twice, nothing hangs. */
#include "suite.h"

static int rw(struct block_test *t, enum rung_block_kind kind, uint64_t sector, uint64_t count)
{
    size_t len = (size_t)count * block_sector_size;
    char *memory = block_memory(len);
    block_fill(memory, len, sector);
    int err = block_rw(t, kind, 0, sector, memory, len);
    block_free_memory(memory);
    return err;
}

static void a_medium_that_shrank_is_an_io_error(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 256, false);
    block_write_stamp(&t, 0, 256, 1);
    if (!block_fixture.shrink || !block_fixture.shrink(t.rig, 100))
        block_skip(&t, "this medium cannot shrink");
    assert_int_equal(t.block->info.sectors, 256); /* fixed while it is open */
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 100, 1), RUNG_E_IO);
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 255, 1), RUNG_E_IO);
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 90, 20), RUNG_E_IO);
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 100, 1), RUNG_E_IO);
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 99, 2), RUNG_E_IO);
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 256, 1), RUNG_E_RANGE);
    if (t.block->info.caps & RUNG_BLOCK_CAN_DISCARD)
        assert_int_equal(block_discard(&t, 99, 2), RUNG_E_IO);
    assert_int_equal(block_flush(&t), RUNG_OK);
    block_expect_stamp(&t, 0, 90, 1);
    block_write_stamp(&t, 0, 90, 2);
    block_expect_stamp(&t, 0, 90, 2);
    block_end(&t);
}

static void a_medium_shrinks_under_requests(void **state)
{
    enum { N = 200 };
    struct block_test t;
    (void)state;
    block_begin(&t, N, false);
    block_write_stamp(&t, 0, N, 1);
    struct block_io io[N];
    struct rung_vec vec[N];
    memset(io, 0, sizeof(io));
    for (unsigned i = 0; i < N; i++) {
        vec[i] = (struct rung_vec){block_memory(block_sector_size), block_sector_size};
        block_fill(vec[i].base, vec[i].len, 1);
        block_submit(&t, &io[i], i % 4 ? RUNG_BLOCK_READ : RUNG_BLOCK_WRITE, i, &vec[i], 1);
    }
    bool shrank = block_fixture.shrink && block_fixture.shrink(t.rig, 0);
    block_wait(&t);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(io[i].done_count, 1);
        assert_true(io[i].result == RUNG_OK || (shrank && io[i].result == RUNG_E_IO));
        block_free_memory(vec[i].base);
    }
    if (!shrank)
        block_skip(&t, "this medium cannot shrink");
    assert_true(block_fixture.shrink(t.rig, 0)); /* a write at that moment may have made it grow */
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 0, 1), RUNG_E_IO);
    block_end(&t);
}

static void a_full_medium_says_so(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 2048, false);
    block_write_stamp(&t, 0, 16, 1);
    if (!block_fixture.fill || !block_fixture.fill(t.rig, 1024))
        block_skip(&t, "this medium has room for all its sectors");
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 1024, 1), RUNG_E_FULL);
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 2047, 1), RUNG_E_FULL);
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 1000, 100), RUNG_E_FULL); /* in part */
    assert_int_equal(block_flush(&t), RUNG_OK);
    block_expect_stamp(&t, 0, 16, 1);
    block_write_stamp(&t, 0, 16, 2);
    block_expect_stamp(&t, 0, 16, 2);
    assert_true(block_fixture.fill(t.rig, UINT64_MAX));
    block_write_stamp(&t, 1000, 1048, 3);
    block_expect_stamp(&t, 1000, 1048, 3);
    block_end(&t);
}

static void a_disk_that_is_gone_is_down(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    if (!block_fixture.unplug || !block_fixture.unplug(t.rig))
        block_skip(&t, "this medium cannot be taken away");
    assert_int_equal(rw(&t, RUNG_BLOCK_READ, 0, 1), RUNG_E_DOWN);
    assert_int_equal(rw(&t, RUNG_BLOCK_WRITE, 0, 1), RUNG_E_DOWN);
    assert_int_equal(block_flush(&t), RUNG_E_DOWN);
    block_end(&t);
}

const struct CMUnitTest block_fault_cases[] = {
    cmocka_unit_test(a_medium_that_shrank_is_an_io_error),
    cmocka_unit_test(a_medium_shrinks_under_requests),
    cmocka_unit_test(a_full_medium_says_so),
    cmocka_unit_test(a_disk_that_is_gone_is_down),
    {.name = NULL},
};
