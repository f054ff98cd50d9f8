/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_testing.c - see blkfront_testing.h. */
#include "blkfront_testing.h"

const struct blkback_config blk_rich = {
    .sectors = 1024, .sector_size = 512, .flush = true, .barrier = true, .discard = true,
    .persistent = true, .max_segments = 256, .max_order = 4,
};

void blk_begin_small(struct blk_test *t, const struct blkback_config *config,
                     const struct fake_config *guest)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->fake = fake_new(t->p, guest);
    if (config)
        t->back = blkback_new(t->fake, "51712", config);
    t->keys = (struct rung_blkfront_keys){
        .slot = "block", .wait = 10 * UINT64_C(1000000000), .ring_pages = 2,
    };
}

void blk_begin(struct blk_test *t, const struct blkback_config *config)
{
    blk_begin_small(t, config, NULL);
}

enum rung_err blk_open(struct blk_test *t)
{
    struct rung_blkfront_needs needs = {0};
    enum rung_err err = rung_blkfront_open(&t->disk, t->p, &t->keys, &needs);
    t->open = !err;
    return err;
}

struct blk_closing {
    struct rung_op op;
    bool done;
};

static void blk_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct blk_closing, op)->done = true;
}

static bool blk_is_closed(void *arg)
{
    return ((struct blk_closing *)arg)->done;
}

void blk_close(struct blk_test *t)
{
    struct blk_closing closing = {.op.done = blk_on_closed};
    assert_int_equal(t->flying, 0);
    rung_block_close(&t->disk.block, &closing.op);
    test_run_until(t->p, blk_is_closed, &closing);
    t->open = false;
}

void blk_end(struct blk_test *t)
{
    if (t->open)
        blk_close(t);
    if (t->back)
        blkback_free(t->back);
    fake_free(t->fake);
    test_platform_free(t->p);
}

uint8_t *blk_memory(size_t len, size_t offset)
{
    void *memory = NULL;
    size_t room = (offset + len + 2 * RUNG_XEN_PAGE) / RUNG_XEN_PAGE * RUNG_XEN_PAGE;
    if (posix_memalign(&memory, RUNG_XEN_PAGE, room) != 0)
        fail_msg("no memory for the test");
    memset(memory, 0x5a, room);
    return (uint8_t *)memory + offset;
}

void blk_free(uint8_t *memory, size_t offset)
{
    free(memory - offset);
}

static void blk_on_done(struct rung_op *op, int result)
{
    struct blk_io *io =
        rung_container_of(rung_container_of(op, struct rung_block_req, op), struct blk_io, req);
    io->done_count++;
    io->result = result;
    io->t->flying--;
    for (unsigned i = 0; i < io->req.vec_count && io->t->back && io->req.kind < RUNG_BLOCK_FLUSH;
         i++)
        assert_false(blkback_holds(io->t->back, io->req.vec[i].base, io->req.vec[i].len));
}

void blk_submit_vec(struct blk_test *t, struct blk_io *io, enum rung_block_kind kind,
                    uint64_t sector, const struct rung_vec *vec, unsigned count)
{
    io->t = t;
    io->done_count = 0;
    io->req.op.done = blk_on_done;
    io->req.kind = kind;
    io->req.sector = sector;
    io->req.vec = vec;
    io->req.vec_count = count;
    t->flying++;
    rung_block_submit(&t->disk.block, &io->req);
}

void blk_submit(struct blk_test *t, struct blk_io *io, enum rung_block_kind kind, uint64_t sector,
                void *memory, size_t len)
{
    io->vec = (struct rung_vec){memory, len};
    blk_submit_vec(t, io, kind, sector, &io->vec, 1);
}

static bool blk_is_idle(void *arg)
{
    return ((struct blk_test *)arg)->flying == 0;
}

void blk_wait(struct blk_test *t)
{
    test_run_until(t->p, blk_is_idle, t);
}

int blk_rw(struct blk_test *t, enum rung_block_kind kind, uint64_t sector, void *memory, size_t len)
{
    struct blk_io io = {.result = 1};
    blk_submit(t, &io, kind, sector, memory, len);
    blk_wait(t);
    assert_int_equal(io.done_count, 1);
    return io.result;
}

int blk_flush(struct blk_test *t)
{
    return blk_rw(t, RUNG_BLOCK_FLUSH, 0, NULL, 0);
}

int blk_discard(struct blk_test *t, uint64_t sector, uint64_t count)
{
    struct blk_io io = {.req.count = count};
    blk_submit_vec(t, &io, RUNG_BLOCK_DISCARD, sector, NULL, 0);
    blk_wait(t);
    return io.result;
}

struct blk_until {
    struct blk_test *t;
    enum rung_xen_device_state state;
};

static bool blk_is_in_state(void *arg)
{
    const struct blk_until *until = arg;
    return until->t->disk.device.state == until->state;
}

void blk_until(struct blk_test *t, enum rung_xen_device_state state)
{
    struct blk_until until = {t, state};
    test_run_until(t->p, blk_is_in_state, &until);
}

bool blk_log_has(struct blk_test *t, const char *text)
{
    return strstr(test_log_last(t->p), text) != NULL;
}
