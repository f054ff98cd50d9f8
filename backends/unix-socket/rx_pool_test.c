/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/rx_pool_test.c - the pool when the heap is empty: one small block is always
 * in turn, so that connections go on, one after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rx_pool.h"
#include "test_platform.h"

static void pool_never_wakes(struct rung_rx_waiter *waiter)
{
    (void)waiter;
    fail();
}

static void test_reserve(void **state)
{
    (void)state;
    struct rung_platform *p = test_platform_new();
    struct rung_rx_pool *pool =
        rung_rx_pool_new(p, RUNG_RX_LIMIT_MIN, RUNG_RX_SMALL, pool_never_wakes);
    assert_non_null(pool);
    for (int turn = 0; turn < 3; turn++) {
        test_heap_fail_after(p, 1);
        struct rung_rx_block *block = rung_rx_get(pool, RUNG_RX_SMALL);
        assert_non_null(block); /* without the heap */
        assert_null(rung_rx_get(pool, RUNG_RX_SMALL)); /* this one asked it */
        rung_rx_put(block);
    }
    rung_rx_pool_free(pool);
    test_platform_free(p);
}

static void test_no_memory_at_all(void **state)
{
    (void)state;
    struct rung_platform *p = test_platform_new();
    for (long n = 1; n <= 2; n++) {
        test_heap_fail_after(p, n);
        assert_null(rung_rx_pool_new(p, RUNG_RX_LIMIT_MIN, RUNG_RX_SMALL, pool_never_wakes));
    }
    test_platform_free(p); /* and nothing is left behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_no_memory_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
