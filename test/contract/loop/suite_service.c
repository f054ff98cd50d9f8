/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_service.c - clock.h, entropy.h, heap.h, args.h and the console. */
#include "suite.h"

#include <string.h>

#include "rung/args.h"
#include "rung/clock.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

static void test_monotonic_clock(void **state)
{
    struct rung_platform *p = test_platform_new();
    uint64_t before = rung_clock_monotonic_ns(p);
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = rung_clock_monotonic_ns(p);
        assert_true(now >= before);
        before = now;
    }
    fixture_pass_ns(p, 1);
    assert_true(rung_clock_monotonic_ns(p) > before);
    test_platform_free(p);
}

/* Either a real clock, which must be later than this code, or 0: none. */
static void test_wall_clock(void **state)
{
    struct rung_platform *p = test_platform_new();
    uint64_t wall = rung_clock_wall_ns(p);
    (void)state;
    assert_true(wall == 0 || wall > UINT64_C(1760000000) * RUNG_NS_PER_S);
    test_platform_free(p);
}

/* The bytes asked for are all set, in some fill of many, and none around them. */
static void test_entropy_fills_exactly(void **state)
{
    struct rung_platform *p = test_platform_new();
    (void)state;
    for (size_t len = 0; len <= 33; len++) {
        unsigned char buf[48], seen[48] = {0};
        for (unsigned i = 0; i < 64; i++) {
            memset(buf, 0, sizeof(buf));
            rung_entropy_fill(p, buf + 4, len);
            for (size_t k = 0; k < sizeof(buf); k++)
                seen[k] |= buf[k];
        }
        for (size_t k = 0; k < sizeof(buf); k++)
            assert_int_equal(seen[k] != 0, k >= 4 && k < 4 + len);
    }
    test_platform_free(p);
}

/* Not a test of randomness; it catches a buffer that is half filled or filled with a repetition. */
static void test_entropy_is_spread(void **state)
{
    static const size_t len = 100000;
    struct rung_platform *p = test_platform_new();
    unsigned char *buf = test_heap_blocks(p) == 0 ? rung_alloc(p, len) : NULL;
    unsigned count[256] = {0};
    (void)state;
    assert_non_null(buf);
    rung_entropy_fill(p, buf, len);
    for (size_t i = 0; i < len; i++)
        count[buf[i]]++;
    for (unsigned i = 0; i < 256; i++) /* 390 expected; 10 standard deviations off: never */
        assert_in_range(count[i], 190, 590);
    assert_memory_not_equal(buf, buf + len / 2, len / 2);
    rung_free(p, buf);
    test_platform_free(p);
}

static void test_heap_gives_usable_memory(void **state)
{
    struct rung_platform *p = test_platform_new();
    unsigned char *blocks[64];
    (void)state;
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = i % 2 ? rung_alloc(p, i * i + 1) : rung_zalloc(p, i + 1, i + 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; i % 2 == 0 && k < (i + 1) * (i + 1); k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)i, i * i + 1);
    }
    assert_int_equal(test_heap_blocks(p), 64);
    for (size_t i = 0; i < 64; i++) {
        for (size_t k = 0; k < i * i + 1; k++)
            assert_int_equal(blocks[i][k], i);
        rung_free(p, blocks[i]);
    }
    rung_free(p, NULL);
    assert_int_equal(test_heap_blocks(p), 0);
    test_platform_free(p);
}

static void test_heap_aligns(void **state)
{
    struct rung_platform *p = test_platform_new();
    (void)state;
    for (size_t align = 1; align <= 65536; align *= 2)
        for (size_t size = 1; size <= 4097; size += 1024) {
            unsigned char *block = rung_alloc_aligned(p, align, size);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % align, 0);
            memset(block, 1, size);
            rung_free(p, block);
        }
    assert_int_equal(test_heap_blocks(p), 0);
    test_platform_free(p);
}

static void test_heap_says_no(void **state)
{
    static const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    struct rung_platform *p = test_platform_new();
    (void)state;
    assert_null(rung_zalloc(p, half, half)); /* the product is 0 modulo 2^64 */
    assert_null(rung_zalloc(p, SIZE_MAX, 2));
    assert_null(rung_alloc(p, SIZE_MAX / 4));
    assert_null(rung_alloc_aligned(p, 4096, SIZE_MAX / 4));
    assert_int_equal(test_heap_blocks(p), 0);
    test_platform_free(p);
}

static void test_heap_fails_on_demand(void **state)
{
    struct rung_platform *p = test_platform_new();
    void *kept;
    (void)state;
    test_heap_fail_after(p, 2);
    kept = rung_alloc(p, 10);
    assert_non_null(kept);
    assert_null(rung_zalloc(p, 1, 10));
    assert_int_equal(test_heap_blocks(p), 1);
    rung_free(p, kept);
    kept = rung_alloc_aligned(p, 64, 10); /* once */
    assert_non_null(kept);
    rung_free(p, kept);
    test_heap_fail_after(p, 1);
    assert_null(rung_alloc(p, 10));
    test_heap_fail_after(p, 1);
    assert_null(rung_alloc_aligned(p, 16, 10));
    test_heap_fail_after(p, 1);
    test_heap_fail_after(p, -1);
    kept = rung_alloc(p, 10);
    assert_non_null(kept);
    rung_free(p, kept);
    test_platform_free(p);
}

static void test_args(void **state)
{
    static const char *const words[] = {"--tcp.ipv4=10.0.0.2/24", "port=80", "", "two words"};
    struct rung_platform *p = test_platform_new_args(words, RUNG_ARRAY_LEN(words));
    (void)state;
    assert_int_equal(rung_args_count(p), RUNG_ARRAY_LEN(words));
    for (size_t i = 0; i < RUNG_ARRAY_LEN(words); i++)
        assert_string_equal(rung_args_word(p, i), words[i]);
    test_platform_free(p);
    p = test_platform_new();
    assert_int_equal(rung_args_count(p), 0);
    test_platform_free(p);
}

static void test_console_writes_bytes_as_they_are(void **state)
{
    static const char bytes[] = "one\ntwo\r\n\033[1m\0\377end";
    struct rung_platform *p = test_platform_new();
    char text[64];
    (void)state;
    fixture_console_begin(p);
    rung_console_write(p, "", 0);
    rung_console_write(p, bytes, 3);
    rung_log(p, RUNG_LOG_ERROR, "test", "a log line is not the program's output");
    rung_console_write(p, bytes + 3, sizeof(bytes) - 1 - 3);
    size_t len = fixture_console_end(p, text, sizeof(text));
    assert_int_equal(len, sizeof(bytes) - 1);
    assert_memory_equal(text, bytes, sizeof(bytes) - 1);
    test_platform_free(p);
}

int suite_service(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_clock),
        cmocka_unit_test(test_wall_clock),
        cmocka_unit_test(test_entropy_fills_exactly),
        cmocka_unit_test(test_entropy_is_spread),
        cmocka_unit_test(test_heap_gives_usable_memory),
        cmocka_unit_test(test_heap_aligns),
        cmocka_unit_test(test_heap_says_no),
        cmocka_unit_test(test_heap_fails_on_demand),
        cmocka_unit_test(test_args),
        cmocka_unit_test(test_console_writes_bytes_as_they_are),
    };
    return cmocka_run_group_tests_name("clock, entropy, heap, args, console", tests, NULL, NULL);
}
