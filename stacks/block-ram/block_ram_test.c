/* SPDX-License-Identifier: ISC */
/* stacks/block-ram/block_ram_test.c - what block-ram promises beyond block.h. */
#include "block_ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"

enum { RAM_MANY = 200 };

struct ram_test {
    struct rung_platform *p;
    struct rung_block_ram disk;
    struct rung_block_ram_keys keys;
    unsigned done_count;
    unsigned order[RAM_MANY]; /* the sector of each request, as they were done */
};

struct ram_io {
    struct rung_block_req req;
    struct rung_vec vec;
    struct ram_test *t;
    int result;
};

static _Alignas(RUNG_BLOCK_ALIGN) uint8_t memory[RAM_MANY][512];

static void on_done(struct rung_op *op, int result)
{
    struct ram_io *io =
        rung_container_of(rung_container_of(op, struct rung_block_req, op), struct ram_io, req);
    io->result = result;
    io->t->order[io->t->done_count++] = (unsigned)io->req.sector;
}

static void begin(struct ram_test *t, uint32_t shuffle)
{
    struct rung_block_ram_needs needs = {0};
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->keys = (struct rung_block_ram_keys){
        .slot = "block", .size = 512 * RAM_MANY, .shuffle = shuffle,
    };
    assert_int_equal(rung_block_ram_open(&t->disk, t->p, &t->keys, &needs), RUNG_OK);
}

static void on_closed(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, RUNG_OK);
}

static void end(struct ram_test *t)
{
    struct rung_op op = {.done = on_closed};
    rung_block_close(&t->disk.block, &op);
    test_run_turns(t->p, 2);
    test_platform_free(t->p);
}

static bool all_done(void *arg)
{
    return ((struct ram_test *)arg)->done_count == RAM_MANY;
}

static void run_many(struct ram_test *t, enum rung_block_kind kind)
{
    static struct ram_io io[RAM_MANY];
    t->done_count = 0;
    for (unsigned i = 0; i < RAM_MANY; i++) {
        io[i] = (struct ram_io){
            .req = {.op.done = on_done, .kind = kind, .sector = i, .count = 1, .vec_count = 1},
            .vec = {memory[i], 512},
            .t = t,
        };
        io[i].req.vec = &io[i].vec;
        rung_block_submit(&t->disk.block, &io[i].req);
    }
    test_run_until(t->p, all_done, t);
    for (unsigned i = 0; i < RAM_MANY; i++)
        assert_int_equal(io[i].result, RUNG_OK);
}

static bool in_order(const struct ram_test *t)
{
    for (unsigned i = 0; i < RAM_MANY; i++) {
        if (t->order[i] != i)
            return false;
    }
    return true;
}

static void bad_sizes_say_what_to_do(void **state)
{
    static const uint64_t sizes[] = {0, 1, 511, 4096 + 512};
    struct rung_block_ram disk;
    struct rung_block_ram_needs needs = {0};
    struct rung_platform *p = test_platform_new();
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(sizes); i++) {
        struct rung_block_ram_keys keys = {.slot = "kv.block", .size = sizes[i], .sector_size = 1};
        assert_int_equal(rung_block_ram_open(&disk, p, &keys, &needs), RUNG_E_INVAL);
        assert_non_null(strstr(test_log_last(p), "set kv.block.size to a multiple of 4096"));
        assert_int_equal(test_log_count(p), i + 1);
    }
    test_platform_free(p);
}

static void it_starts_empty(void **state)
{
    static const uint8_t zero[512];
    struct ram_test t;
    (void)state;
    begin(&t, 0);
    memset(memory, 0xff, sizeof(memory));
    run_many(&t, RUNG_BLOCK_READ);
    for (unsigned i = 0; i < RAM_MANY; i++)
        assert_memory_equal(memory[i], zero, sizeof(zero));
    assert_false(t.disk.block.info.caps & RUNG_BLOCK_IS_DURABLE);
    end(&t);
}

static void order_follows_the_seed(void **state)
{
    struct ram_test t, again, other;
    (void)state;
    begin(&t, 0);
    run_many(&t, RUNG_BLOCK_WRITE);
    assert_true(in_order(&t));
    end(&t);
    begin(&t, 1);
    begin(&again, 1);
    begin(&other, 2);
    run_many(&t, RUNG_BLOCK_WRITE);
    run_many(&again, RUNG_BLOCK_WRITE);
    run_many(&other, RUNG_BLOCK_WRITE);
    assert_false(in_order(&t));
    assert_memory_equal(t.order, again.order, sizeof(t.order));
    assert_memory_not_equal(t.order, other.order, sizeof(t.order));
    end(&other);
    end(&again);
    end(&t);
}

/* The bytes are moved when the request is carried out: a caller who fills its memory after submit()
 * does not get away with it. */
static void memory_is_not_read_inside_submit(void **state)
{
    struct ram_test t;
    (void)state;
    begin(&t, 0);
    memset(memory, 1, sizeof(memory));
    struct ram_io io = {
        .req = {.op.done = on_done, .kind = RUNG_BLOCK_WRITE, .vec_count = 1},
        .vec = {memory[0], 512}, .t = &t,
    };
    io.req.vec = &io.vec;
    rung_block_submit(&t.disk.block, &io.req);
    memset(memory, 2, sizeof(memory));
    test_run_turns(t.p, 5);
    assert_int_equal(t.done_count, 1);
    assert_int_equal(t.disk.bytes[0], 2);
    end(&t);
}

static void discarded_sectors_are_noise_when_shuffled(void **state)
{
    struct ram_test t;
    unsigned differ = 0;
    (void)state;
    begin(&t, 5);
    run_many(&t, RUNG_BLOCK_DISCARD);
    run_many(&t, RUNG_BLOCK_READ);
    for (unsigned i = 1; i < RAM_MANY; i++)
        differ += memory[i][0] != memory[0][0];
    assert_true(differ > RAM_MANY / 2);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_sizes_say_what_to_do),
        cmocka_unit_test(it_starts_empty),
        cmocka_unit_test(order_follows_the_seed),
        cmocka_unit_test(memory_is_not_read_inside_submit),
        cmocka_unit_test(discarded_sectors_are_noise_when_shuffled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
