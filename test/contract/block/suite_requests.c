/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_requests.c - READ, WRITE, FLUSH and DISCARD when all goes well. */
#include "suite.h"

static void info_is_what_was_asked_for(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 1000, false);
    const struct rung_block_info *info = &t.block->info;
    assert_int_equal(info->sectors, 1000);
    assert_int_equal(info->sector_size, block_sector_size);
    assert_true(info->best_depth > 0 && info->best_sectors > 0);
    assert_false(info->caps & RUNG_BLOCK_IS_READONLY);
    if (t.block->ops) /* NULL in a program with direct calls */
        assert_string_equal(t.block->ops->name, block_fixture.module);
    struct rung_block_info before = *info;
    block_write_stamp(&t, 0, 4, 1);
    assert_memory_equal(&before, info, sizeof(before));
    block_end(&t);
}

static void what_is_written_is_read(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 256, false);
    for (uint64_t s = 0; s < 256; s++)
        block_write_stamp(&t, s, 1, 100 + s);
    for (uint64_t s = 0; s < 256; s++)
        block_expect_stamp(&t, s, 1, 100 + s);
    block_write_stamp(&t, 255, 1, 7);
    block_write_stamp(&t, 10, 100, 8);
    block_expect_stamp(&t, 255, 1, 7);
    block_expect_stamp(&t, 9, 1, 109);
    block_expect_stamp(&t, 10, 100, 8);
    block_expect_stamp(&t, 110, 1, 210);
    block_end(&t);
}

/* One request of 3 MiB, past every hint. */
static void a_request_may_be_long(void **state)
{
    struct block_test t;
    (void)state;
    uint64_t sectors = 3 * 1048576 / block_sector_size;
    block_begin(&t, sectors, false);
    block_write_stamp(&t, 0, sectors, 0x1122334455667788);
    block_expect_stamp(&t, 0, sectors, 0x1122334455667788);
    block_end(&t);
}

/* Any count of segments: none, one sector cut into pieces, empty ones between, and more than any
 * host's system call takes. The bytes lie in order. */
static void segments_of_any_count(void **state)
{
    static const unsigned counts[] = {0, 8, 16, 80, 1024, 1032, 2400};
    struct block_test t;
    (void)state;
    block_begin(&t, 2400 * 512 / block_sector_size + 8, false);
    for (size_t c = 0; c < RUNG_ARRAY_LEN(counts); c++) {
        unsigned n = counts[c];
        size_t len = (size_t)n * 512;
        struct rung_vec *vec = calloc(2 * n + 1, sizeof(*vec));
        char *memory = block_memory(len + 512), *back = block_memory(len + 512);
        for (unsigned i = 0; i < n; i++) {
            vec[2 * i] = (struct rung_vec){memory + 512 * (size_t)(n - 1 - i), 512};
            block_fill(memory + 512 * (size_t)(n - 1 - i), 512, 1000 * c + i);
        }
        struct block_io io = {.t = &t};
        block_submit(&t, &io, RUNG_BLOCK_WRITE, 8, vec, 2 * n);
        block_wait(&t);
        assert_int_equal(io.result, RUNG_OK);
        block_fill(back, len + 512, 5);
        assert_int_equal(block_rw(&t, RUNG_BLOCK_READ, 0, 8, back, len), RUNG_OK);
        for (unsigned i = 0; i < n; i++)
            block_expect(back + 512 * (size_t)i, 512, 1000 * c + i);
        block_expect(back + len, 512, 5);
        block_fill(memory, len, 6);
        block_submit(&t, &io, RUNG_BLOCK_READ, 8, vec, 2 * n);
        block_wait(&t);
        assert_int_equal(io.result, RUNG_OK);
        for (unsigned i = 0; i < n; i++)
            block_expect(memory + 512 * (size_t)(n - 1 - i), 512, 1000 * c + i);
        block_free_memory(memory);
        block_free_memory(back);
        free(vec);
    }
    block_end(&t);
}

/* Memory at every multiple of RUNG_BLOCK_ALIGN serves, whatever the sector size. */
static void memory_at_every_allowed_place(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    char *memory = block_memory(8192 + block_sector_size);
    for (size_t at = 0; at <= 8192; at += RUNG_BLOCK_ALIGN) {
        block_fill(memory, 8192 + block_sector_size, 3);
        block_fill(memory + at, block_sector_size, at);
        int err = block_rw(&t, RUNG_BLOCK_WRITE, 0, 5, memory + at, block_sector_size);
        assert_int_equal(err, RUNG_OK);
        block_fill(memory + at, block_sector_size, 4);
        err = block_rw(&t, RUNG_BLOCK_READ, 0, 5, memory + at, block_sector_size);
        assert_int_equal(err, RUNG_OK);
        block_expect(memory, at, 3);
        block_expect(memory + at, block_sector_size, at);
        block_expect(memory + at + block_sector_size, 8192 - at, 3);
    }
    block_free_memory(memory);
    block_end(&t);
}

static void flush_covers_what_was_done(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    block_write_stamp(&t, 0, 64, 1);
    struct block_io io = {.req = {.count = 12345, .flags = RUNG_BLOCK_FUA}};
    const void *nowhere = &io;
    block_submit(&t, &io, RUNG_BLOCK_FLUSH, UINT64_MAX, nowhere, 4); /* not looked at */
    block_wait(&t);
    assert_int_equal(io.result, RUNG_OK);
    assert_int_equal(block_flush(&t), RUNG_OK);
    if (block_fixture.keeps) {
        block_reopen(&t, false);
        block_expect_stamp(&t, 0, 64, 1);
    }
    block_end(&t);
}

static void flushes_among_writes_in_flight(void **state)
{
    enum { N = 60 };
    struct block_test t;
    (void)state;
    block_begin(&t, N, false);
    struct block_io io[N], flush[N];
    struct rung_vec vec[N];
    memset(io, 0, sizeof(io));
    memset(flush, 0, sizeof(flush));
    for (unsigned i = 0; i < N; i++) {
        vec[i] = (struct rung_vec){block_memory(block_sector_size), block_sector_size};
        block_fill(vec[i].base, vec[i].len, i + 50);
        block_submit(&t, &io[i], RUNG_BLOCK_WRITE, i, &vec[i], 1);
        block_submit(&t, &flush[i], RUNG_BLOCK_FLUSH, 0, NULL, 0);
    }
    block_wait(&t);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(io[i].result, RUNG_OK);
        assert_int_equal(flush[i].result, RUNG_OK);
        block_expect_stamp(&t, i, 1, i + 50);
        block_free_memory(vec[i].base);
    }
    block_end(&t);
}

/* A FUA write needs no flush; that it reached the medium shows in the module's own unit test. */
static void fua_writes(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    void *memory = block_memory(8 * (size_t)block_sector_size);
    block_fill(memory, 8 * (size_t)block_sector_size, 99);
    int err = block_rw(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, 3, memory,
                       8 * (size_t)block_sector_size);
    assert_int_equal(err, RUNG_OK);
    if (block_fixture.keeps)
        block_reopen(&t, true);
    block_expect_stamp(&t, 3, 8, 99);
    block_free_memory(memory);
    block_end(&t);
}

static void discard_forgets_its_sectors_only(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 4096, false);
    block_write_stamp(&t, 0, 4096, 21);
    if (!(t.block->info.caps & RUNG_BLOCK_CAN_DISCARD)) {
        assert_int_equal(block_discard(&t, 0, 1), RUNG_E_NOTSUP);
        assert_int_equal(block_discard(&t, 0, 0), RUNG_E_NOTSUP);
        block_expect_stamp(&t, 0, 4096, 21);
        block_end(&t);
        return;
    }
    struct block_io io = {.req.count = 2000};
    const void *nowhere = &io;
    block_submit(&t, &io, RUNG_BLOCK_DISCARD, 1001, nowhere, 7); /* vec is not looked at */
    block_wait(&t);
    assert_int_equal(io.result, RUNG_OK);
    assert_int_equal(block_discard(&t, 0, 0), RUNG_OK);
    assert_int_equal(block_discard(&t, 4096, 0), RUNG_OK);
    assert_int_equal(block_discard(&t, 4095, 1), RUNG_OK);
    block_expect_stamp(&t, 0, 1001, 21);
    block_expect_stamp(&t, 3001, 1094, 21);
    block_write_stamp(&t, 1500, 10, 22);
    block_write_stamp(&t, 4095, 1, 23);
    block_expect_stamp(&t, 1500, 10, 22);
    block_expect_stamp(&t, 4095, 1, 23);
    assert_int_equal(block_discard(&t, 0, 4096), RUNG_OK);
    assert_int_equal(t.block->info.sectors, 4096);
    block_write_stamp(&t, 0, 4096, 24);
    block_expect_stamp(&t, 0, 4096, 24);
    block_end(&t);
}

const struct CMUnitTest block_request_cases[] = {
    cmocka_unit_test(info_is_what_was_asked_for),
    cmocka_unit_test(what_is_written_is_read),
    cmocka_unit_test(a_request_may_be_long),
    cmocka_unit_test(segments_of_any_count),
    cmocka_unit_test(memory_at_every_allowed_place),
    cmocka_unit_test(flush_covers_what_was_done),
    cmocka_unit_test(flushes_among_writes_in_flight),
    cmocka_unit_test(fua_writes),
    cmocka_unit_test(discard_forgets_its_sectors_only),
    {.name = NULL},
};
