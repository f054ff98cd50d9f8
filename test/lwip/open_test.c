/* SPDX-License-Identifier: ISC */
/* test/lwip/open_test.c - lwIP's state is the program's, so there is one stack in a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "test_platform.h"

static void a_second_stack_is_refused_in_one_line(void **state)
{
    struct forger f;
    struct rung_lwip second;
    (void)state;
    forger_open(&f);
    struct rung_lwip_keys keys = f.keys;
    struct rung_lwip_needs needs = {.net = &f.pair.net};
    keys.slot = "other";
    size_t lines = test_log_count(f.p), blocks = test_heap_blocks(f.p);
    assert_int_equal(rung_lwip_open(&second, f.p, &keys, &needs), RUNG_E_BUSY);
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_non_null(strstr(test_log_last(f.p), "other: there can be one lwIP stack in a program"));
    assert_int_equal(test_heap_blocks(f.p), blocks);
    forger_connect(&f, 4000, 1000, NULL, 0); /* the first does not mind */
    assert_non_null(f.conn);
    rung_tcp_abort(f.conn);
    forger_close(&f);
}

static void another_may_follow_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct forger f;
        forger_open(&f);
        forger_connect(&f, 4000, 1000, NULL, 0);
        assert_non_null(f.conn);
        rung_tcp_abort(f.conn);
        forger_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_stack_is_refused_in_one_line),
        cmocka_unit_test(another_may_follow_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
