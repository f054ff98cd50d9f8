/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_life.c - who owns what and when: submit, done, cancel, open, close. */
#include "suite.h"

static void a_thousand_in_flight(void **state)
{
    enum { N = 1000 };
    struct block_test t;
    (void)state;
    block_begin(&t, N, false);
    struct block_io *io = calloc(2 * N, sizeof(*io));
    struct rung_vec *vec = calloc(N, sizeof(*vec));
    char *memory = block_memory((size_t)N * block_sector_size);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < N; i++) {
            vec[i] = (struct rung_vec){memory + (size_t)i * block_sector_size, block_sector_size};
            if (round == 0)
                block_fill(vec[i].base, vec[i].len, i + 7);
            block_submit(&t, &io[round * N + i], round ? RUNG_BLOCK_READ : RUNG_BLOCK_WRITE, i,
                         &vec[i], 1);
        }
        assert_int_equal(t.flying, N);
        block_wait(&t);
        if (round == 0)
            block_fill(memory, (size_t)N * block_sector_size, 0);
    }
    test_run_turns(t.p, 5); /* a done() that ran twice would show here at the latest */
    for (unsigned i = 0; i < 2 * N; i++) {
        assert_int_equal(io[i].done_count, 1);
        assert_int_equal(io[i].result, RUNG_OK);
        block_expect(memory + (size_t)(i % N) * block_sector_size, block_sector_size, i % N + 7);
    }
    block_free_memory(memory);
    free(vec);
    free(io);
    block_end(&t);
}

/* Everything a caller sets up is as he left it when done() runs, so that he can submit it again. */
static void again_from_done(struct block_io *io)
{
    unsigned *left = io->arg;
    assert_int_equal(io->result, RUNG_OK);
    assert_int_equal(io->req.kind, RUNG_BLOCK_WRITE);
    assert_int_equal(io->req.vec_count, 1);
    assert_int_equal(io->req.flags, 0);
    assert_int_equal(io->req.vec->len, block_sector_size);
    block_expect(io->req.vec->base, io->req.vec->len, io->req.sector);
    if (--*left == 0)
        return;
    io->req.sector++;
    block_fill(io->req.vec->base, io->req.vec->len, io->req.sector);
    block_submit_again(io);
}

static void a_request_is_submitted_again_from_done(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 200, false);
    unsigned left = 200;
    struct rung_vec vec = {block_memory(block_sector_size), block_sector_size};
    struct block_io io = {.then = again_from_done, .arg = &left};
    block_fill(vec.base, vec.len, 0);
    block_submit(&t, &io, RUNG_BLOCK_WRITE, 0, &vec, 1);
    block_wait(&t);
    assert_int_equal(left, 0);
    for (uint64_t s = 0; s < 200; s++)
        block_expect_stamp(&t, s, 1, s);
    block_free_memory(vec.base);
    block_end(&t);
}

/* Request, vec and memory go away in done(): the sanitizer or valgrind sees any later touch. */
static void freed_from_done(struct block_io *io)
{
    struct rung_vec *vec = io->arg;
    block_free_memory(vec->base);
    free(vec);
    free(io);
}

static void a_request_is_freed_from_done(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    for (unsigned i = 0; i < 300; i++) {
        struct block_io *io = calloc(1, sizeof(*io));
        struct rung_vec *vec = calloc(1, sizeof(*vec));
        *vec = (struct rung_vec){block_memory(block_sector_size), block_sector_size};
        block_fill(vec->base, vec->len, 1);
        io->then = freed_from_done;
        io->arg = vec;
        uint64_t sector = i % 5 == 0 ? 64 : i % 64; /* an error now and then */
        block_submit(&t, io, i % 2 ? RUNG_BLOCK_READ : RUNG_BLOCK_WRITE, sector, vec, 1);
    }
    block_wait(&t);
    block_end(&t);
}

/* Called off or not, done() runs once, with the result or CANCELED. */
static void cancel_ends_in_done(void **state)
{
    enum { N = 100 };
    struct block_test t;
    (void)state;
    block_begin(&t, N, false);
    struct block_io io[N];
    struct rung_vec vec[N];
    block_write_each(&t, io, vec, N, 0);
    for (unsigned i = 0; i < N; i += 3) {
        t.in_call = true;
        enum rung_err err = rung_op_cancel(&io[i].req.op);
        t.in_call = false;
        assert_true(err == RUNG_OK || err == RUNG_E_NOTSUP);
        if (err)
            io[i].arg = &t; /* runs its course */
    }
    block_wait(&t);
    test_run_turns(t.p, 5);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(io[i].done_count, 1);
        if (io[i].arg || i % 3)
            assert_int_equal(io[i].result, RUNG_OK);
        else
            assert_true(io[i].result == RUNG_OK || io[i].result == RUNG_E_CANCELED);
        block_free_memory(vec[i].base);
    }
    block_end(&t);
}

/* Requests that overlap may take effect in any order, and a read may find sectors of each of them,
 * but every sector whole. */
static void sectors_are_never_torn(void **state)
{
    enum { WRITES = 12, READS = 24, LONG = 16 };
    struct block_test t;
    (void)state;
    block_begin(&t, LONG, false);
    size_t len = LONG * (size_t)block_sector_size;
    struct block_io io[WRITES + READS];
    struct rung_vec vec[WRITES + READS];
    for (unsigned i = 0; i < WRITES + READS; i++)
        vec[i] = (struct rung_vec){block_memory(len), len};
    block_write_stamp(&t, 0, LONG, 1000);
    for (unsigned round = block_rounds(30); round > 0; round--) {
        memset(io, 0, sizeof(io));
        for (unsigned i = 0; i < WRITES + READS; i++) {
            bool write = i % 3 == 0;
            if (write)
                block_fill(vec[i].base, len, 1000 + i);
            block_submit(&t, &io[i], write ? RUNG_BLOCK_WRITE : RUNG_BLOCK_READ, 0, &vec[i], 1);
        }
        block_wait(&t);
        for (unsigned i = 0; i < WRITES + READS; i++) {
            assert_int_equal(io[i].result, RUNG_OK);
            for (size_t s = 0; s < LONG; s++) {
                uint64_t stamp;
                const char *sector = (const char *)vec[i].base + s * block_sector_size;
                memcpy(&stamp, sector, sizeof(stamp));
                assert_true(stamp >= 1000 && stamp < 1000 + WRITES + READS);
                block_expect(sector, block_sector_size, stamp);
            }
        }
    }
    for (unsigned i = 0; i < WRITES + READS; i++)
        block_free_memory(vec[i].base);
    block_end(&t);
}

static void content_outlives_close(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 500, false);
    if (!block_fixture.keeps)
        block_skip(&t, "this disk keeps nothing when it is closed");
    block_write_stamp(&t, 0, 250, 1);
    block_write_stamp(&t, 250, 250, 2);
    for (unsigned i = 0; i < 3; i++) {
        block_reopen(&t, i == 1);
        assert_int_equal(t.block->info.sectors, 500);
        block_expect_stamp(&t, 0, 250, 1);
        block_expect_stamp(&t, 250, 250, 2);
    }
    block_end(&t);
}

static void close_from_done_on_closed(struct rung_op *op, int result)
{
    struct block_io *io = rung_container_of(rung_container_of(op, struct rung_block_req, op),
                                            struct block_io, req);
    assert_int_equal(result, RUNG_OK);
    assert_false(io->t->in_call);
    io->t->flying--;
    io->t->block = NULL;
}

static void close_from_done(struct block_io *io)
{
    struct block_io *closing = io->arg;
    closing->t = io->t;
    closing->req.op.done = close_from_done_on_closed;
    io->t->flying++;
    io->t->in_call = true;
    rung_block_close(io->t->block, &closing->req.op);
    io->t->in_call = false;
}

static void the_last_done_closes(void **state)
{
    static const enum rung_block_kind kinds[] = {
        RUNG_BLOCK_READ, RUNG_BLOCK_WRITE, RUNG_BLOCK_FLUSH,
    };
    struct block_test t;
    (void)state;
    for (size_t k = 0; k < 2 * RUNG_ARRAY_LEN(kinds); k++) {
        block_begin(&t, 8, false);
        struct rung_vec vec = {block_memory(block_sector_size), block_sector_size};
        block_fill(vec.base, vec.len, 1);
        struct block_io closing = {.t = &t}, io = {.then = close_from_done, .arg = &closing};
        block_submit(&t, &io, kinds[k / 2], k % 2 ? 8 : 0, &vec, 1); /* once with an error */
        block_wait(&t);
        assert_null(t.block);
        block_free_memory(vec.base);
        block_end(&t);
    }
}

static void two_disks_know_nothing_of_each_other(void **state)
{
    struct block_test t, u;
    (void)state;
    block_begin(&t, 64, false);
    u = t;
    u.rig = block_fixture.make(t.p, block_variant);
    u.block = NULL;
    assert_int_equal(block_fixture.open(u.rig, &u.how, &u.block), RUNG_OK);
    block_write_stamp(&t, 0, 64, 1);
    block_write_stamp(&u, 0, 64, 2);
    block_expect_stamp(&t, 0, 64, 1);
    block_expect_stamp(&u, 0, 64, 2);
    block_close(&t);
    block_expect_stamp(&u, 0, 64, 2);
    block_close(&u);
    block_fixture.free(u.rig);
    block_end(&t);
}

/* Every allocation that open makes is refused once: it says so, and leaves nothing behind. */
static size_t blocks_left(struct block_test *t)
{
    if (block_fixture.settle)
        block_fixture.settle(t->rig);
    return test_heap_blocks(t->p);
}

static void open_without_memory(void **state)
{
    struct block_test t;
    (void)state;
    block_begin(&t, 64, false);
    block_close(&t);
    size_t blocks = blocks_left(&t);
    long n = 1;
    for (;; n++) {
        size_t lines = test_log_count(t.p);
        test_heap_fail_after(t.p, n);
        enum rung_err err = block_fixture.open(t.rig, &t.how, &t.block);
        test_heap_fail_after(t.p, 0);
        if (!err)
            break;
        assert_int_equal(err, RUNG_E_NOMEM);
        assert_int_equal(test_log_count(t.p), lines + 1);
        assert_int_equal(blocks_left(&t), blocks);
        assert_true(n < 100);
    }
    assert_true(n > 1 || block_fixture.heapless);
    block_write_stamp(&t, 0, 64, 1);
    block_expect_stamp(&t, 0, 64, 1);
    block_end(&t);
}

const struct CMUnitTest block_life_cases[] = {
    cmocka_unit_test(a_thousand_in_flight),
    cmocka_unit_test(a_request_is_submitted_again_from_done),
    cmocka_unit_test(a_request_is_freed_from_done),
    cmocka_unit_test(cancel_ends_in_done),
    cmocka_unit_test(sectors_are_never_torn),
    cmocka_unit_test(content_outlives_close),
    cmocka_unit_test(the_last_done_closes),
    cmocka_unit_test(two_disks_know_nothing_of_each_other),
    cmocka_unit_test(open_without_memory),
    {.name = NULL},
};
