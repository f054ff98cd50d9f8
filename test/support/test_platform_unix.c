/* SPDX-License-Identifier: ISC */
/* test/support/test_platform_unix.c - test_platform.h on the Unix platform. Log lines do not reach
 * standard error unless RUNG_TEST_LOG is set. */
#include "test_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <uv.h>

#include "rung/clock.h"
#include "test_common.h"
#include "unix/unix.h"

const uint64_t test_ground_limit_ns = 20 * RUNG_NS_PER_S;

struct rung_platform *test_platform_new_args(const char *const words[], size_t count)
{
    static const char *const argv[] = {"test", NULL};
    struct rung_platform *p = rung_unix_new(1, argv);
    assert_non_null(p);
    p->args = words;
    p->arg_count = count;
    p->log_line = test_log_nowhere;
    return test_adopt(p);
}

void test_platform_free(struct rung_platform *p)
{
    if (!p)
        return;
    size_t blocks = test_disown(p);
    rung_unix_free(p);
    if (blocks > 0)
        fail_msg("%zu blocks of the heap are still allocated", blocks);
}

void test_ground_turn(struct rung_platform *p, bool wait)
{
    uv_run(rung_unix_loop(p), wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}
