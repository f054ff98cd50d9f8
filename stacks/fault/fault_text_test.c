/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_text_test.c - what the keys take, and what they do not. */
#include "fault_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void shares_are_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t tx, rx;
    } good[] = {
        {"0%", 0, 0}, {"1%", 10000, 10000}, {"100%", 1000000, 1000000}, {"0.05%", 500, 500},
        {"0.0001%", 1, 1}, {"12.3456%", 123456, 123456}, {"100.0%", 1000000, 1000000},
        {"1%/0%", 10000, 0}, {"0.5%/5.25%", 5000, 52500}, {"007%", 70000, 70000},
    };
    static const char *const bad[] = {
        "", "1", "%", "1 %", " 1%", "-1%", "101%", "100.0001%", "1.%", ".5%", "1.00001%", "1%/",
        "1%/2", "/1%", "1%/2%/3%", "1%x", "1%%", "999999999999%", "18446744073709551617%", "1,5%",
        "0x1%",
    };
    uint32_t value[RUNG_FAULT_WAYS];
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(rung_fault_share(good[i].text, value));
        assert_int_equal(value[RUNG_FAULT_TX], good[i].tx);
        assert_int_equal(value[RUNG_FAULT_RX], good[i].rx);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rung_fault_share(bad[i], value));
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t tx, rx;
    } good[] = {
        {"0ms", 0, 0}, {"0s", 0, 0}, {"20ms", 20000000, 20000000}, {"500us", 500000, 500000},
        {"3600s", UINT64_C(3600000000000), UINT64_C(3600000000000)},
        {"2s/1ms", 2000000000, 1000000},
    };
    static const char *const bad[] = {
        "", "0", "20", "ms", "20 ms", "20m", "1h", "3601s", "3600001ms", "-1ms", "1.5ms", "1ms/",
        "1ms/2ms/3ms", "999999999999s", "18446744073709551616us", "1ns", "1msx",
    };
    uint64_t value[RUNG_FAULT_WAYS];
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(rung_fault_time(good[i].text, value));
        assert_true(value[RUNG_FAULT_TX] == good[i].tx && value[RUNG_FAULT_RX] == good[i].rx);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(rung_fault_time(bad[i], value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_read),
        cmocka_unit_test(times_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
