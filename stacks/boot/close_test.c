/* SPDX-License-Identifier: ISC */
/* stacks/boot/close_test.c - modules that let go late, or fail to: main waits for each, and its
 * exit status says so. */
#include "boot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "test_platform.h"

/* A module that ends its close with result, once somebody has stopped the loop before. Returns
 * main's status, which was status before. */
static int close_one(int status, int result, unsigned lines, const char *line)
{
    struct rung_platform *p = test_platform_new();
    struct rung_boot_closer closer;
    rung_op_finish(p, rung_boot_closing(&closer, p, "store"), result);
    rung_loop_stop(p, 0);
    status = rung_boot_wait(&closer, status);
    assert_true(closer.done);
    assert_int_equal(test_log_count(p), lines);
    assert_non_null(strstr(test_log_last(p), line));
    test_platform_free(p);
    return status;
}

static void a_close_that_goes_well_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(close_one(0, RUNG_OK, 0, ""), 0);
    assert_int_equal(close_one(RUNG_BOOT_FAILED, RUNG_OK, 0, ""), RUNG_BOOT_FAILED);
    assert_int_equal(close_one(RUNG_BOOT_USAGE, RUNG_OK, 0, ""), RUNG_BOOT_USAGE);
}

static void one_that_fails_is_logged_and_is_the_status(void **state)
{
    (void)state;
    assert_int_equal(close_one(0, RUNG_E_IO, 1, "store: closing: input/output error"),
                     RUNG_BOOT_FAILED);
    assert_int_equal(close_one(RUNG_BOOT_USAGE, RUNG_E_IO, 1, "closing"), RUNG_BOOT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_close_that_goes_well_changes_nothing),
        cmocka_unit_test(one_that_fails_is_logged_and_is_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
