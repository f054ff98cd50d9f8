/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite.c - runs the cases for every variant, and the helpers they share. */
#include "suite.h"

#include "test_suite.h"

const char *block_variant;
uint32_t block_sector_size;

static bool block_idle(void *arg)
{
    return ((struct block_test *)arg)->flying == 0;
}

static void block_open(struct block_test *t, bool read_only)
{
    t->how.read_only = read_only;
    t->block = NULL;
    enum rung_err err = block_fixture.open(t->rig, &t->how, &t->block);
    if (err == RUNG_E_NOTSUP)
        block_skip(t, "this module has no such disk");
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    assert_non_null(t->block);
}

void block_begin(struct block_test *t, uint64_t sectors, bool read_only)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->rig = block_fixture.make(t->p, block_variant);
    t->how = (struct block_how){.sector_size = block_sector_size, .sectors = sectors};
    block_open(t, read_only);
}

struct closing {
    struct rung_op op;
    struct block_test *t;
    unsigned done_count;
    int result;
};

static void block_on_closed(struct rung_op *op, int result)
{
    struct closing *closing = rung_container_of(op, struct closing, op);
    assert_false(closing->t->in_call);
    closing->done_count++;
    closing->result = result;
    closing->t->flying--;
}

void block_close(struct block_test *t)
{
    struct closing closing = {.op.done = block_on_closed, .t = t};
    assert_int_equal(t->flying, 0);
    t->flying++;
    t->in_call = true;
    rung_block_close(t->block, &closing.op);
    t->in_call = false;
    assert_int_equal(closing.done_count, 0);
    test_run_until(t->p, block_idle, t);
    test_run_turns(t->p, 3);
    assert_int_equal(closing.done_count, 1);
    assert_int_equal(closing.result, RUNG_OK);
    t->block = NULL;
}

void block_reopen(struct block_test *t, bool read_only)
{
    block_close(t);
    block_open(t, read_only);
}

void block_end(struct block_test *t)
{
    if (t->block)
        block_close(t);
    block_fixture.free(t->rig);
    test_platform_free(t->p);
}

void block_skip(struct block_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    block_end(t);
    skip();
}

uint32_t block_chance(struct block_test *t, uint32_t below)
{
    return test_chance(&t->chance, below);
}

unsigned block_rounds(unsigned n)
{
    return getenv("RUNG_TEST_SLOW") ? (n + 9) / 10 : n;
}

/* The start of the block lies RUNG_BLOCK_ALIGN before what is handed out: whoever writes in front
 * of it or behind it is found by the sanitizer. */
void *block_memory(size_t len)
{
    void *memory = NULL;
    size_t odd = RUNG_BLOCK_ALIGN;
    if (posix_memalign(&memory, 8192, len + odd) != 0)
        fail_msg("no memory for the test");
    return (char *)memory + odd;
}

void block_free_memory(void *memory)
{
    if (memory)
        free((char *)memory - RUNG_BLOCK_ALIGN);
}

void block_fill(void *memory, size_t len, uint64_t stamp)
{
    for (size_t i = 0; i < len; i += sizeof(stamp))
        memcpy((char *)memory + i, &stamp, sizeof(stamp));
}

void block_expect(const void *memory, size_t len, uint64_t stamp)
{
    for (size_t i = 0; i < len; i += sizeof(stamp)) {
        uint64_t found;
        memcpy(&found, (const char *)memory + i, sizeof(found));
        if (found != stamp)
            fail_msg("byte %zu of %zu: found %#llx, not %#llx", i, len, (unsigned long long)found,
                     (unsigned long long)stamp);
    }
}

static void block_on_done(struct rung_op *op, int result)
{
    struct block_io *io =
        rung_container_of(rung_container_of(op, struct rung_block_req, op), struct block_io, req);
    assert_false(io->t->in_call);
    assert_int_equal(io->done_count, 0);
    assert_true(result <= 0);
    io->done_count++;
    io->result = result;
    io->t->flying--;
    if (io->then)
        io->then(io);
}

void block_write_each(struct block_test *t, struct block_io *io, struct rung_vec *vec, unsigned n,
                      uint64_t off)
{
    memset(io, 0, n * sizeof(*io));
    for (unsigned i = 0; i < n; i++) {
        vec[i] = (struct rung_vec){block_memory(block_sector_size), block_sector_size};
        block_fill(vec[i].base, vec[i].len, i);
        block_submit(t, &io[i], RUNG_BLOCK_WRITE, i % 3 == 1 ? i + off : i, &vec[i], 1);
    }
}

void block_submit_again(struct block_io *io)
{
    bool outer = io->t->in_call;
    io->done_count = 0;
    io->t->flying++;
    io->t->in_call = true;
    rung_block_submit(io->t->block, &io->req);
    io->t->in_call = outer;
}

void block_submit(struct block_test *t, struct block_io *io, enum rung_block_kind kind,
                  uint64_t sector, const struct rung_vec *vec, unsigned vec_count)
{
    io->t = t;
    io->req.op.done = block_on_done;
    io->req.kind = kind;
    io->req.sector = sector;
    io->req.vec = vec;
    io->req.vec_count = vec_count;
    block_submit_again(io);
}

void block_wait(struct block_test *t)
{
    test_run_until(t->p, block_idle, t);
}

int block_rw(struct block_test *t, enum rung_block_kind kind, unsigned flags, uint64_t sector,
             void *memory, size_t len)
{
    struct rung_vec vec = {memory, len};
    struct block_io io = {.req.flags = flags};
    block_submit(t, &io, kind, sector, &vec, 1);
    block_wait(t);
    assert_int_equal(io.done_count, 1);
    return io.result;
}

int block_discard(struct block_test *t, uint64_t sector, uint64_t count)
{
    struct block_io io = {.req.count = count};
    block_submit(t, &io, RUNG_BLOCK_DISCARD, sector, NULL, 0);
    block_wait(t);
    return io.result;
}

int block_flush(struct block_test *t)
{
    struct block_io io = {.t = t};
    block_submit(t, &io, RUNG_BLOCK_FLUSH, 0, NULL, 0);
    block_wait(t);
    return io.result;
}

void block_write_stamp(struct block_test *t, uint64_t sector, uint64_t count, uint64_t stamp)
{
    size_t len = (size_t)count * t->how.sector_size;
    void *memory = block_memory(len);
    block_fill(memory, len, stamp);
    assert_int_equal(block_rw(t, RUNG_BLOCK_WRITE, 0, sector, memory, len), RUNG_OK);
    block_expect(memory, len, stamp);
    block_free_memory(memory);
}

void block_expect_stamp(struct block_test *t, uint64_t sector, uint64_t count, uint64_t stamp)
{
    size_t len = (size_t)count * t->how.sector_size;
    void *memory = block_memory(len);
    block_fill(memory, len, ~stamp);
    assert_int_equal(block_rw(t, RUNG_BLOCK_READ, 0, sector, memory, len), RUNG_OK);
    block_expect(memory, len, stamp);
    block_free_memory(memory);
}

static int block_run_group(const char *variant, uint32_t sector_size)
{
    static const struct CMUnitTest *const files[] = {
        block_request_cases, block_limit_cases, block_life_cases, block_fault_cases,
        block_model_cases,
    };
    char name[128];
    block_variant = variant;
    block_sector_size = sector_size;
    snprintf(name, sizeof(name), "block/%s/%s/%u", block_fixture.module, variant,
             (unsigned)sector_size);
    return test_run_group(name, files, RUNG_ARRAY_LEN(files));
}

int main(void)
{
    int failed = 0;
    for (const char *const *variant = block_fixture.variants; *variant; variant++) {
        failed += block_run_group(*variant, 512);
        failed += block_run_group(*variant, 4096);
    }
    return failed != 0;
}
