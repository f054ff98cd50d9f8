/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_limits.c - INVAL, RANGE, READONLY: refused, and nothing was done. */
#include "suite.h"

static int submit_vec(struct block_test *t, enum rung_block_kind kind, uint64_t sector,
                      const struct rung_vec *vec, unsigned n)
{
    struct block_io io = {.t = t};
    block_submit(t, &io, kind, sector, vec, n);
    block_wait(t);
    assert_int_equal(io.done_count, 1);
    return io.result;
}

static void crooked_memory_is_invalid(void **state)
{
    static const enum rung_block_kind kinds[] = {RUNG_BLOCK_READ, RUNG_BLOCK_WRITE};
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    block_write_stamp(&t, 0, 64, 11);
    char *memory = block_memory(65536);
    block_fill(memory, 65536, 12);
    for (size_t k = 0; k < RUNG_ARRAY_LEN(kinds); k++) {
        struct rung_vec off_by_one[] = {{memory + 1, block_sector_size}};
        struct rung_vec off_by_256[] = {{memory, block_sector_size},
                                        {memory + 8192 + 256, block_sector_size}};
        struct rung_vec odd_len[] = {{memory, block_sector_size - 1}};
        struct rung_vec odd_sum[] = {{memory, 256}, {memory + 512, block_sector_size - 256}};
        assert_int_equal(submit_vec(&t, kinds[k], 0, off_by_one, 1), RUNG_E_INVAL);
        assert_int_equal(submit_vec(&t, kinds[k], 0, off_by_256, 2), RUNG_E_INVAL);
        assert_int_equal(submit_vec(&t, kinds[k], 0, odd_len, 1), RUNG_E_INVAL);
        assert_int_equal(submit_vec(&t, kinds[k], 0, odd_sum, 2), RUNG_E_INVAL);
        if (block_sector_size > 512) {
            struct rung_vec part[] = {{memory, 512}};
            struct rung_vec more[] = {{memory, block_sector_size}, {memory + 8192, 512}};
            assert_int_equal(submit_vec(&t, kinds[k], 0, part, 1), RUNG_E_INVAL);
            assert_int_equal(submit_vec(&t, kinds[k], 0, more, 2), RUNG_E_INVAL);
        }
    }
    block_expect(memory, 65536, 12);
    block_expect_stamp(&t, 0, 64, 11);
    block_free_memory(memory);
    block_end(&t);
}

static void past_the_end_is_out_of_range(void **state)
{
    static const struct {
        uint64_t sector, count;
    } bad[] = {
        {64, 1}, {63, 2}, {65, 1}, {65, 0}, {0, 65}, {1, 64}, {UINT64_MAX, 1}, {UINT64_MAX, 0},
        {UINT64_MAX / 512, 1}, {UINT64_C(1) << 55, 8}, {(UINT64_C(1) << 52) - 1, 1},
    };
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    block_write_stamp(&t, 0, 64, 31);
    bool discards = (t.block->info.caps & RUNG_BLOCK_CAN_DISCARD) != 0;
    char *memory = block_memory(65 * (size_t)block_sector_size);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        size_t len = (size_t)bad[i].count * block_sector_size;
        block_fill(memory, len, 32);
        int err = block_rw(&t, RUNG_BLOCK_WRITE, 0, bad[i].sector, memory, len);
        assert_int_equal(err, RUNG_E_RANGE);
        err = block_rw(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, bad[i].sector, memory, len);
        assert_int_equal(err, RUNG_E_RANGE);
        err = block_rw(&t, RUNG_BLOCK_READ, 0, bad[i].sector, memory, len);
        assert_int_equal(err, RUNG_E_RANGE);
        if (discards)
            assert_int_equal(block_discard(&t, bad[i].sector, bad[i].count), RUNG_E_RANGE);
    }
    if (discards) {
        assert_int_equal(block_discard(&t, 1, UINT64_MAX), RUNG_E_RANGE);
        assert_int_equal(block_discard(&t, 0, UINT64_MAX), RUNG_E_RANGE);
    }
    assert_int_equal(block_rw(&t, RUNG_BLOCK_READ, 0, 64, memory, 0), RUNG_OK); /* not past it */
    assert_int_equal(block_rw(&t, RUNG_BLOCK_WRITE, 0, 64, memory, 0), RUNG_OK);
    block_expect_stamp(&t, 0, 64, 31);
    block_free_memory(memory);
    block_end(&t);
}

static void read_only_refuses_changes(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    block_write_stamp(&t, 0, 64, 41);
    if (!block_fixture.keeps)
        block_skip(&t, "a disk that keeps nothing cannot be opened read-only");
    block_reopen(&t, true);
    assert_true(t.block->info.caps & RUNG_BLOCK_IS_READONLY);
    char *memory = block_memory(block_sector_size);
    block_fill(memory, block_sector_size, 42);
    int err = block_rw(&t, RUNG_BLOCK_WRITE, 0, 0, memory, block_sector_size);
    assert_int_equal(err, RUNG_E_READONLY);
    err = block_rw(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, 63, memory, block_sector_size);
    assert_int_equal(err, RUNG_E_READONLY);
    assert_int_equal(block_discard(&t, 3, 4), RUNG_E_READONLY);
    assert_int_equal(block_flush(&t), RUNG_OK);
    block_expect_stamp(&t, 0, 64, 41);
    block_reopen(&t, false);
    assert_false(t.block->info.caps & RUNG_BLOCK_IS_READONLY);
    block_expect_stamp(&t, 0, 64, 41);
    block_free_memory(memory);
    block_end(&t);
}

/* An error is this request's alone: those around it end well. */
static void one_bad_request_among_good_ones(void **state)
{
    enum { N = 40 };
    struct block_test t;
    (void)state;
    block_begin(&t, N, false);
    struct block_io io[N];
    struct rung_vec vec[N];
    block_write_each(&t, io, vec, N, N);
    block_wait(&t);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(io[i].result, i % 3 == 1 ? RUNG_E_RANGE : RUNG_OK);
        if (i % 3 != 1)
            block_expect_stamp(&t, i, 1, i);
        block_free_memory(vec[i].base);
    }
    block_end(&t);
}

const struct CMUnitTest block_limit_cases[] = {
    cmocka_unit_test(crooked_memory_is_invalid),
    cmocka_unit_test(past_the_end_is_out_of_range),
    cmocka_unit_test(read_only_refuses_changes),
    cmocka_unit_test(one_bad_request_among_good_ones),
    {.name = NULL},
};
