/* SPDX-License-Identifier: ISC */
/* backends/xen/heap_test.c - the heap of an image, with pages from an arena of 8 MiB. */
#include "xen/heap_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/platform.h"
#include "rung/heap.h"
#include "xen/hypercall.h"

#define MODEL_BLOCKS 600u
#define MODEL_STEPS 60000u
#define MANY 2000u

static struct rung_platform platform;

struct model_block {
    uint8_t *at;
    size_t size;
    uint8_t fill;
};

static uint64_t model_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Most blocks are small, some are of a page or two, a few are large. */
static size_t model_size(uint64_t *random)
{
    static const size_t most[8] = {16, 64, 64, 300, 1600, 2100, 9000, 300000};
    return 1 + model_random(random) % most[model_random(random) % 8];
}

static void model_check(const struct model_block *b)
{
    for (size_t i = 0; i < b->size; i++)
        if (b->at[i] != b->fill)
            fail_msg("byte %zu of %zu has changed", i, b->size);
}

static void model_free(struct model_block *b)
{
    model_check(b);
    rung_free(&platform, b->at);
    b->at = NULL;
}

static void model_alloc(struct model_block *b, uint64_t *random)
{
    size_t align = (size_t)1 << model_random(random) % 17;
    b->size = model_size(random);
    switch (model_random(random) % 4) {
    case 0:
        b->at = rung_zalloc(&platform, 1, b->size);
        b->fill = 0;
        if (b->at)
            model_check(b);
        align = 16;
        break;
    case 1:
        b->at = rung_alloc_aligned(&platform, align, b->size);
        break;
    default:
        b->at = rung_alloc(&platform, b->size);
        align = 16;
    }
    if (!b->at)
        return;
    assert_int_equal((uintptr_t)b->at % align, 0);
    assert_int_equal((uintptr_t)b->at % 16, 0);
    b->fill = (uint8_t)model_random(random);
    memset(b->at, b->fill, b->size);
}

/* Random blocks come and go; each holds what was written, whatever happened to the others. */
static void model_run(unsigned fail_every, unsigned *refused)
{
    const char *text = getenv("RUNG_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : UINT64_C(0x52756e6731), random = seed | 1;
    struct model_block blocks[MODEL_BLOCKS] = {{0}};
    unsigned steps = getenv("RUNG_TEST_SLOW") ? MODEL_STEPS / 10 : MODEL_STEPS;
    size_t held = 0;

    print_message("seed: RUNG_TEST_SEED=%#llx\n", (unsigned long long)seed);
    heap_test.fail_every = fail_every;
    for (unsigned step = 0; step < steps; step++) {
        struct model_block *b = &blocks[model_random(&random) % MODEL_BLOCKS];
        if (b->at) {
            model_free(b);
            held--;
        } else {
            model_alloc(b, &random);
            held += b->at != NULL;
            *refused += !b->at;
        }
        assert_int_equal(platform.heap_blocks, held);
    }
    heap_test.fail_every = 0;
    for (unsigned i = 0; i < MODEL_BLOCKS; i++)
        if (blocks[i].at)
            model_free(&blocks[i]);
    assert_int_equal(platform.heap_blocks, 0);
}

static void test_model(void **state)
{
    unsigned refused = 0;
    (void)state;
    model_run(0, &refused);
    assert_true(refused > 0); /* the arena was full at times */
}

static void test_model_with_pages_refused(void **state)
{
    unsigned refused = 0;
    (void)state;
    model_run(3, &refused);
    assert_true(refused > MODEL_STEPS / 2000);
}

/* After everything is given back only the heap's own records, and here and there a group that
 * has gone and come often, are left; and what they are does not grow. */
static void test_gives_pages_back(void **state)
{
    static const size_t sizes[] = {16, 200, 1500, 2000, 4096, 20000, 65536};
    void *blocks[MANY];
    size_t left = 0;
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t s = 0; s < RUNG_ARRAY_LEN(sizes); s++) {
            size_t n = 0, most = 6u << 20;
            while (n < MANY && n * sizes[s] < most
                   && (blocks[n] = rung_alloc(&platform, sizes[s])) != NULL)
                n++;
            assert_true(n * sizes[s] > most / 2 || n == MANY);
            while (n > 0)
                rung_free(&platform, blocks[--n]);
        }
        if (round == 0)
            left = heap_test.pages_out;
    }
    assert_true(left < 64);
    assert_true(heap_test.pages_out <= left);
}

/* What a block costs, in pages: a bound on each size that a server has many of. */
static void test_overhead(void **state)
{
    static const struct {
        size_t size, most; /* bytes that one may cost, of 1,000 (or 4 MiB) of them */
    } cases[] = {{16, 40},     {64, 98},     {512, 600},
                 {2000, 2100}, {4096, 4820}, {65536, 78000}};
    void *blocks[1000];
    (void)state;
    for (size_t c = 0; c < RUNG_ARRAY_LEN(cases); c++) {
        size_t before = heap_test.pages_out, n = 0;
        while (n < RUNG_ARRAY_LEN(blocks) && n * cases[c].size < 4u << 20) {
            blocks[n] = rung_alloc(&platform, cases[c].size);
            assert_non_null(blocks[n++]);
        }
        print_message("%zu bytes: %zu in pages\n", cases[c].size,
                      (heap_test.pages_out - before) * RUNG_XEN_PAGE / n);
        assert_true((heap_test.pages_out - before) * RUNG_XEN_PAGE <= n * cases[c].most + 8192);
        while (n > 0)
            rung_free(&platform, blocks[--n]);
    }
}

static void test_zalloc_clears_used_memory(void **state)
{
    static const size_t sizes[] = {1, 40, 1000, 5000, 70000, 200000};
    (void)state;
    for (size_t s = 0; s < RUNG_ARRAY_LEN(sizes); s++)
        for (unsigned k = 0; k < 200; k++) {
            uint8_t *kept = rung_alloc(&platform, sizes[s]); /* keeps the group */
            uint8_t *block = rung_zalloc(&platform, 1, sizes[s]);
            assert_non_null(kept);
            assert_non_null(block);
            for (size_t i = 0; i < sizes[s]; i++)
                assert_int_equal(block[i], 0);
            memset(block, 0xff, sizes[s]);
            rung_free(&platform, block);
            rung_free(&platform, kept);
        }
}

static void test_says_no(void **state)
{
    size_t out_before = heap_test.pages_out;
    (void)state;
    assert_null(rung_zalloc(&platform, (size_t)1 << 32, (size_t)1 << 32));
    assert_null(rung_alloc(&platform, SIZE_MAX));
    assert_null(rung_alloc(&platform, SIZE_MAX / 2 - 4096));
    assert_null(rung_alloc(&platform, (size_t)1 << 40));
    assert_null(rung_alloc(&platform, HEAP_TEST_PAGES * RUNG_XEN_PAGE));
    assert_null(rung_alloc_aligned(&platform, 65536, SIZE_MAX - 100));
    assert_null(rung_alloc_aligned(&platform, 65536, SIZE_MAX / 4));
    rung_free(&platform, NULL);
    assert_int_equal(platform.heap_blocks, 0);
    assert_int_equal(heap_test.pages_out, out_before);
}

static void test_fails_on_demand(void **state)
{
    void *kept;
    (void)state;
    platform.heap_fail_after = 2;
    kept = rung_alloc(&platform, 10);
    assert_non_null(kept);
    assert_null(rung_zalloc(&platform, 1, 10));
    rung_free(&platform, kept);
    platform.heap_fail_after = 1;
    assert_null(rung_alloc_aligned(&platform, 64, 10));
    kept = rung_alloc(&platform, 10);
    assert_non_null(kept);
    rung_free(&platform, kept);
    assert_int_equal(platform.heap_blocks, 0);
}

static void free_here(void *block)
{
    rung_free(&platform, block);
}

static void free_twice(void *block)
{
    rung_free(&platform, block);
    rung_free(&platform, block);
}

/* An overrun is found before anything is changed. The second free reads what stands in front of the
 * block as if it were a group's head, and ends the program one way or the other. */
static void test_finds_damage(void **state)
{
    static const size_t sizes[] = {16, 60, 100, 1500, 4096, 20000, 200000};
    (void)state;
    for (size_t s = 0; s < RUNG_ARRAY_LEN(sizes); s++) {
        uint8_t *kept = rung_alloc(&platform, sizes[s]), *block = rung_alloc(&platform, sizes[s]);
        assert_non_null(kept);
        assert_non_null(block);
        block[sizes[s]] ^= 0x41; /* one too far */
        assert_true(heap_test_crashes(free_here, block));
        block[sizes[s]] ^= 0x41;
        assert_true(heap_test_dies(free_twice, block));
        assert_false(heap_test_crashes(free_here, block));
        rung_free(&platform, kept);
    }
    assert_non_null(strstr(heap_test.reason, "heap: "));
}

static void test_says_what_is_left(void **state)
{
    enum { PIECE = 1 << 20 };
    uint64_t before = rung_heap_left(&platform);
    (void)state;
    uint8_t *block = rung_alloc(&platform, PIECE);
    assert_non_null(block);
    assert_in_range(before - rung_heap_left(&platform), PIECE, PIECE + 8192);
    rung_free(&platform, block);
    assert_int_equal(rung_heap_left(&platform), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_model_with_pages_refused),
        cmocka_unit_test(test_gives_pages_back),
        cmocka_unit_test(test_overhead),
        cmocka_unit_test(test_zalloc_clears_used_memory),
        cmocka_unit_test(test_says_no),
        cmocka_unit_test(test_fails_on_demand),
        cmocka_unit_test(test_finds_damage),
        cmocka_unit_test(test_says_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
