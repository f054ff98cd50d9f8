/* SPDX-License-Identifier: ISC */
/* test/support/test_platform_xen.c - test_platform.h in a Xen domain. There is one platform, and
 * the tests have it one after the other: each finds it as new, but for what the kernel has
 * connected. */
#include "test_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "test_common.h"
#include "test_platform_xen.h"
#include "xen/ground.h"

const uint64_t test_ground_limit_ns = 60 * RUNG_NS_PER_S;

static struct {
    bool begun, used;
    size_t blocks; /* of the kernel */
} test;

void test_ground_turn(struct rung_platform *p, bool wait)
{
    rung_xen_loop_turn(p, wait);
}

void test_platform_settle(struct rung_platform *p)
{
    uint64_t start = rung_clock_monotonic_ns(p);
    bool stopped = p->stopped;
    p->stopped = false;
    while ((!rung_xen_store_quiet(&rung_xen_ground.xen.store) || rung_tasks_waiting(&p->tasks))
           && rung_clock_monotonic_ns(p) - start < test_ground_limit_ns)
        test_turn(p, false);
    p->stopped = stopped;
}

/* A platform as new; the kernel's own timers go on with it. */
static void test_begin_anew(struct rung_platform *p)
{
    struct rung_timer *kept[] = {&rung_xen_ground.xen.store.retry,
                                 &rung_xen_ground.xen.grants.retry};
    bool active[RUNG_ARRAY_LEN(kept)];
    for (size_t i = 0; i < RUNG_ARRAY_LEN(kept); i++) {
        active[i] = kept[i]->active;
        kept[i]->active = false;
    }
    rung_platform_init(p, test_log_nowhere);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(kept); i++)
        if (active[i])
            rung_timer_start(p, kept[i], RUNG_NS_PER_S);
}

struct rung_platform *test_platform_new_args(const char *const words[], size_t count)
{
    struct rung_platform *p = &rung_xen_ground.base;
    if (!test.used) /* or a test that failed has left it */
        test.blocks = p->heap_blocks;
    if (!test.begun)
        test_platform_settle(p);
    test.used = test.begun = true;
    test_begin_anew(p);
    p->args = words;
    p->arg_count = count;
    return test_adopt(p);
}

void test_platform_free(struct rung_platform *p)
{
    if (!p)
        return;
    test_platform_settle(p);
    size_t blocks = test_disown(p);
    p->heap_blocks = test.blocks;
    test.used = false;
    if (blocks > 0)
        fail_msg("%zu blocks of the heap are still allocated", blocks);
}
