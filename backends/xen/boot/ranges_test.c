/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ranges_test.c - memory maps, tidy and not. */
#include "xen/boot/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)

/* The list in pages, as "1-9 20-30". */
static void expect(const struct rung_xen_ranges *ranges, const char *text)
{
    char got[512] = "";
    size_t n = 0;
    for (unsigned i = 0; i < ranges->count; i++) {
        assert_int_equal(ranges->at[i].start % PAGE + ranges->at[i].end % PAGE, 0);
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%llu-%llu", i ? " " : "",
                              (unsigned long long)(ranges->at[i].start / PAGE),
                              (unsigned long long)(ranges->at[i].end / PAGE));
    }
    assert_string_equal(got, text);
}

static void add(struct rung_xen_ranges *ranges, uint64_t start, uint64_t end)
{
    rung_xen_ranges_add(ranges, start * PAGE, end * PAGE);
}

static void test_add(void **state)
{
    (void)state;
    struct rung_xen_ranges ranges = {0};
    add(&ranges, 20, 30);
    add(&ranges, 1, 9);
    expect(&ranges, "1-9 20-30");
    add(&ranges, 9, 10); /* touches */
    expect(&ranges, "1-10 20-30");
    add(&ranges, 5, 25); /* overlaps both */
    expect(&ranges, "1-30");
    add(&ranges, 2, 3);
    expect(&ranges, "1-30");
    add(&ranges, 40, 40);
    expect(&ranges, "1-30");
    add(&ranges, 50, 45); /* its end lies before its start */
    expect(&ranges, "1-30");
    assert_true(rung_xen_ranges_bytes(&ranges) == 29 * PAGE);
    assert_true(rung_xen_ranges_end(&ranges) == 30 * PAGE);
}

/* RAM is rounded to fewer pages, what is cut to more. */
static void test_rounding(void **state)
{
    (void)state;
    struct rung_xen_ranges ranges = {0};
    rung_xen_ranges_add(&ranges, PAGE + 1, 10 * PAGE - 1);
    expect(&ranges, "2-9");
    rung_xen_ranges_cut(&ranges, 4 * PAGE + 1, 4 * PAGE + 2);
    expect(&ranges, "2-4 5-9");
    rung_xen_ranges_cut(&ranges, 6 * PAGE - 1, 6 * PAGE + 1);
    expect(&ranges, "2-4 7-9");
    rung_xen_ranges_add(&ranges, 12 * PAGE + 1, 13 * PAGE - 1); /* no whole page */
    expect(&ranges, "2-4 7-9");
}

static void test_cut(void **state)
{
    (void)state;
    struct rung_xen_ranges ranges = {0};
    add(&ranges, 0, 100);
    rung_xen_ranges_cut(&ranges, 0, PAGE);
    rung_xen_ranges_cut(&ranges, 90 * PAGE, 200 * PAGE);
    rung_xen_ranges_cut(&ranges, 10 * PAGE, 20 * PAGE);
    rung_xen_ranges_cut(&ranges, 30 * PAGE, 40 * PAGE);
    expect(&ranges, "1-10 20-30 40-90");
    rung_xen_ranges_cut(&ranges, 5 * PAGE, 45 * PAGE); /* across one that goes whole */
    expect(&ranges, "1-5 45-90");
    rung_xen_ranges_cut(&ranges, 5 * PAGE, 45 * PAGE);
    expect(&ranges, "1-5 45-90");
    rung_xen_ranges_cut(&ranges, 0, UINT64_MAX);
    expect(&ranges, "");
    assert_true(rung_xen_ranges_end(&ranges) == 0);
}

static void test_keep(void **state)
{
    (void)state;
    struct rung_xen_ranges all = {0}, ranges;
    add(&all, 1, 11);
    add(&all, 20, 30);
    ranges = all;
    rung_xen_ranges_keep(&ranges, 15 * PAGE + 1);
    expect(&ranges, "1-11 20-25");
    ranges = all;
    rung_xen_ranges_keep(&ranges, 10 * PAGE);
    expect(&ranges, "1-11");
    ranges = all;
    rung_xen_ranges_keep(&ranges, 100 * PAGE);
    expect(&ranges, "1-11 20-30");
    rung_xen_ranges_keep(&ranges, 0);
    expect(&ranges, "");
}

/* Addresses at the end of all numbers do not wrap. */
static void test_huge(void **state)
{
    (void)state;
    struct rung_xen_ranges ranges = {0};
    rung_xen_ranges_add(&ranges, UINT64_MAX - 10, UINT64_MAX);
    expect(&ranges, "");
    rung_xen_ranges_add(&ranges, PAGE, UINT64_MAX);
    assert_true(rung_xen_ranges_end(&ranges) == UINT64_C(1) << 52);
    rung_xen_ranges_cut(&ranges, 3 * PAGE, UINT64_MAX);
    expect(&ranges, "1-3");
}

/* A full list loses what is highest, and stays in order. */
static void test_full(void **state)
{
    (void)state;
    struct rung_xen_ranges ranges = {0};
    for (uint64_t i = 0; i < 2 * RUNG_XEN_RANGES_MAX; i++)
        add(&ranges, 10 * i + 10, 10 * i + 15);
    assert_int_equal(ranges.count, RUNG_XEN_RANGES_MAX);
    assert_true(rung_xen_ranges_end(&ranges) == (10 * RUNG_XEN_RANGES_MAX + 5) * PAGE);
    add(&ranges, 1, 2);
    assert_int_equal(ranges.count, RUNG_XEN_RANGES_MAX);
    assert_true(ranges.at[0].start == PAGE);
    assert_true(rung_xen_ranges_end(&ranges) == (10 * RUNG_XEN_RANGES_MAX - 5) * PAGE);
    rung_xen_ranges_cut(&ranges, 12 * PAGE, 13 * PAGE);
    assert_int_equal(ranges.count, RUNG_XEN_RANGES_MAX);
    assert_true(ranges.at[2].start == 13 * PAGE && ranges.at[2].end == 15 * PAGE);
    rung_xen_ranges_cut(&ranges, 0, 20 * PAGE);
    assert_true(ranges.at[0].start == 20 * PAGE);
}

/* The same as a list of pages would say, for any sequence of calls. */
static void test_model(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 2000; round++) {
        struct rung_xen_ranges ranges = {0};
        uint64_t model = 0; /* a bit for each page */
        for (unsigned step = 0; step < 12; step++) {
            seed = seed * 1664525 + 1013904223;
            unsigned start = seed >> 8 & 63, end = seed >> 16 & 63;
            uint64_t bits = start < end ? ((UINT64_C(1) << (end - start)) - 1) << start : 0;
            if (seed >> 30) {
                add(&ranges, start, end);
                model |= bits;
            } else {
                rung_xen_ranges_cut(&ranges, start * PAGE, end * PAGE);
                model &= ~bits;
            }
        }
        uint64_t got = 0;
        for (unsigned i = 0; i < ranges.count; i++) {
            for (uint64_t page = ranges.at[i].start / PAGE; page < ranges.at[i].end / PAGE; page++)
                got |= UINT64_C(1) << page;
            assert_true(i == 0 || ranges.at[i].start > ranges.at[i - 1].end);
        }
        assert_true(got == model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),  cmocka_unit_test(test_rounding), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_keep), cmocka_unit_test(test_huge),     cmocka_unit_test(test_full),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
