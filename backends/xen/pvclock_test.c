/* SPDX-License-Identifier: ISC */
/* backends/xen/pvclock_test.c - records of time to nanoseconds. */
#include "xen/pvclock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

/* A clock of 3 GHz as Xen writes it: 1/3 ns per tick, with the shift that keeps most bits. */
static const struct vcpu_time_info three_ghz = {
    .tsc_timestamp = 1000, .system_time = 5000000000, .tsc_to_system_mul = 0xaaaaaaaa,
    .tsc_shift = -1};

static void test_rate(void **state)
{
    (void)state;
    assert_true(rung_xen_pvclock_ns(&three_ghz, 1000) == 5000000000);
    uint64_t second = rung_xen_pvclock_ns(&three_ghz, 1000 + 3000000000) - 5000000000;
    assert_in_range(second, 999999998, 1000000000);
    /* A year later no bit is lost: the product has more than 64. */
    uint64_t year = rung_xen_pvclock_ns(&three_ghz, UINT64_C(3000000000) * 86400 * 365);
    assert_in_range(year / 1000000000 - 5, 86400 * 365 - 1, 86400 * 365);
}

static void test_slow_clock(void **state)
{
    (void)state;
    struct vcpu_time_info record = {.tsc_to_system_mul = 0x80000000, .tsc_shift = 2};
    assert_true(rung_xen_pvclock_ns(&record, 1000) == 2000); /* 500 MHz */
}

static void test_before_the_record(void **state)
{
    (void)state;
    assert_true(rung_xen_pvclock_ns(&three_ghz, 999) == 5000000000);
    assert_true(rung_xen_pvclock_ns(&three_ghz, 0) == 5000000000);
}

/* Nonsense gives a time, not an undefined shift. */
static void test_nonsense(void **state)
{
    (void)state;
    struct vcpu_time_info record = {.system_time = 7, .tsc_to_system_mul = 1};
    for (int shift = INT8_MIN; shift <= INT8_MAX; shift++) {
        record.tsc_shift = (int8_t)shift;
        assert_true(rung_xen_pvclock_ns(&record, 1) >= 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate), cmocka_unit_test(test_slow_clock),
        cmocka_unit_test(test_before_the_record), cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
