/* SPDX-License-Identifier: ISC */
/* test/xen-guest/fixture_loop.c - the Xen platform in the loop's suite, on Xen; and what waiting in
 * the hypervisor must do. What the console shows is read where xenconsoled reads it. */
#include "suite.h"

#include <string.h>

#include "rung/clock.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include <xen/io/console.h>

const bool fixture_one_platform = true;

static struct { /* of the console's output, as far as the ring still holds it */
    uint32_t from;
} shown;

void fixture_pass_ns(struct rung_platform *p, uint64_t ns)
{
    uint64_t start = rung_clock_monotonic_ns(p);
    while (rung_clock_monotonic_ns(p) - start < ns)
        ;
}

void fixture_console_begin(struct rung_platform *p)
{
    assert_non_null(ground_of(p)->console.ring);
    shown.from = ground_of(p)->console.ring->out_prod;
}

size_t fixture_console_end(struct rung_platform *p, char *text, size_t room)
{
    const struct xencons_interface *ring = ground_of(p)->console.ring;
    size_t len = 0;
    assert_in_range(ring->out_prod - shown.from, 0, sizeof(ring->out));
    for (uint32_t at = shown.from; at != ring->out_prod && len + 1 < room; at++) {
        char c = ring->out[MASK_XENCONS_IDX(at, ring->out)];
        char next = ring->out[MASK_XENCONS_IDX(at + 1, ring->out)];
        if (at + 1 == ring->out_prod)
            next = '\0';
        if (c != '\r' || next != '\n') /* the console makes a line's end of two */
            text[len++] = c;
    }
    text[len] = '\0';
    return len;
}

const char *fixture_sink_name(struct rung_platform *p)
{
    (void)p;
    return NULL;
}

size_t fixture_sink_read(struct rung_platform *p, uint8_t *bytes, size_t room)
{
    (void)p;
    (void)bytes;
    (void)room;
    return 0;
}

void fixture_sink_end(struct rung_platform *p)
{
    (void)p;
}

/* It needs processes: the same code is tested on the build machine, and a failed assert() on Xen in
 * test/xen/test_faults.py. */
int suite_misuse(void)
{
    return 0;
}

/* A timer that is waited for in the hypervisor comes no earlier than it is due. */
static void test_sleeps_long_enough(void **state)
{
    static const uint64_t waits[] = {1, 1000, 100000, RUNG_NS_PER_MS, 30 * RUNG_NS_PER_MS};
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(waits); i++) {
        uint64_t start = rung_clock_monotonic_ns(trace.p);
        trace.want = trace.len + 1;
        rung_timer_start(trace.p, &a.timer, waits[i]);
        test_run_until(trace.p, suite_traced, &trace);
        assert_true(rung_clock_monotonic_ns(trace.p) - start >= waits[i]);
    }
    test_platform_free(trace.p);
}

int fixture_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sleeps_long_enough)};
    return cmocka_run_group_tests_name("xen", tests, NULL, NULL);
}
