/* SPDX-License-Identifier: ISC */
/* test/support/test_platform_virtual.c - test_platform.h on the virtual platform. */
#include "test_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "test_common.h"
#include "virtual/virtual.h"

#define TEST_MAX_TURNS 10000000

struct rung_platform *test_platform_new_args(const char *const words[], size_t count)
{
    struct rung_platform *p = test_adopt(rung_virtual_new(test_seed()));
    rung_virtual_set_args(p, words, count);
    return p;
}

void test_platform_free(struct rung_platform *p)
{
    if (!p)
        return;
    size_t blocks = test_disown(p);
    rung_virtual_free(p);
    if (blocks > 0)
        fail_msg("%zu blocks of the heap are still allocated", blocks);
}

void test_run_until(struct rung_platform *p, bool (*done)(void *arg), void *arg)
{
    for (unsigned turns = 0; !done(arg); turns++) {
        test_check_running(p);
        if (turns >= TEST_MAX_TURNS)
            fail_msg("not done after %u turns", turns);
        if (!rung_virtual_step(p))
            fail_msg("nothing can happen any more; last log line: '%s'", test_log_last(p));
    }
}

void test_run_turns(struct rung_platform *p, unsigned n)
{
    while (n-- > 0)
        rung_virtual_turn(p);
}
