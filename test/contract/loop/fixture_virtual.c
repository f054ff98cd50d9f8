/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_virtual.c - the virtual platform in the loop's suite, and what
 * virtual.h promises beyond it. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "rung/clock.h"
#include "rung/entropy.h"
#include "rung/log.h"
#include "virtual/virtual.h"

const bool fixture_one_platform = false;

void fixture_pass_ns(struct rung_platform *p, uint64_t ns)
{
    rung_virtual_skip_ns(p, ns);
}

void fixture_console_begin(struct rung_platform *p)
{
    size_t len;
    rung_virtual_console(p, &len);
    assert_int_equal(len, 0); /* every test has a platform of its own */
}

size_t fixture_console_end(struct rung_platform *p, char *text, size_t room)
{
    size_t len;
    const char *console = rung_virtual_console(p, &len);
    len = len < room ? len : room - 1;
    memcpy(text, console, len);
    text[len] = '\0';
    return len;
}

const char *fixture_sink_name(struct rung_platform *p)
{
    (void)p;
    return "a sink";
}

size_t fixture_sink_read(struct rung_platform *p, uint8_t *bytes, size_t room)
{
    size_t len;
    const uint8_t *kept = rung_virtual_sink(p, "a sink", &len);
    len = len < room ? len : room;
    if (len > 0)
        memcpy(bytes, kept, len);
    return len;
}

void fixture_sink_end(struct rung_platform *p)
{
    (void)p; /* it goes with the platform */
}

static struct suite_trace virtual_begin(struct suite_actor a[], unsigned n)
{
    struct suite_trace trace = {.p = rung_virtual_new(1)};
    assert_non_null(trace.p);
    for (unsigned i = 0; i < n; i++)
        suite_actor_init(&a[i], NULL, (char)('a' + i));
    return trace;
}

static void test_idle_is_told(void **state)
{
    struct suite_actor a;
    struct suite_trace trace = virtual_begin(&a, 1);
    (void)state;
    a.trace = &trace;
    assert_true(rung_virtual_idle(trace.p));
    assert_int_equal(rung_loop_run(trace.p), RUNG_VIRTUAL_IDLE);
    assert_false(rung_virtual_step(trace.p));
    rung_loop_defer(trace.p, &a.task);
    assert_false(rung_virtual_idle(trace.p));
    assert_int_equal(rung_loop_run(trace.p), RUNG_VIRTUAL_IDLE);
    rung_timer_start(trace.p, &a.timer, UINT64_C(3600) * RUNG_NS_PER_S);
    assert_false(rung_virtual_idle(trace.p));
    assert_int_equal(rung_loop_run(trace.p), RUNG_VIRTUAL_IDLE);
    assert_string_equal(trace.text, "aa");
    rung_virtual_free(trace.p);
}

static void test_run_jumps_to_the_next_timer(void **state)
{
    struct suite_actor a[2];
    struct suite_trace trace = virtual_begin(a, 2);
    (void)state;
    a[0].trace = a[1].trace = &trace;
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS);
    assert_true(rung_clock_wall_ns(trace.p) == RUNG_VIRTUAL_WALL_NS);
    rung_timer_start(trace.p, &a[1].timer, 7000);
    rung_timer_start(trace.p, &a[0].timer, 500);
    assert_true(rung_virtual_step(trace.p));
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS + 500);
    assert_string_equal(trace.text, "a");
    assert_int_equal(rung_loop_run(trace.p), RUNG_VIRTUAL_IDLE);
    assert_string_equal(trace.text, "ab");
    assert_true(rung_loop_now_ns(trace.p) == RUNG_VIRTUAL_START_NS + 7000);
    assert_true(rung_clock_wall_ns(trace.p) == RUNG_VIRTUAL_WALL_NS + 7000);
    rung_virtual_free(trace.p);
}

static void again_after_1000(struct suite_actor *actor)
{
    struct rung_platform *p = actor->trace->p;
    uint64_t since = rung_loop_now_ns(p) - RUNG_VIRTUAL_START_NS;
    assert_true(since == 1000 * actor->trace->len); /* each timer at its own due time */
    rung_timer_start(p, &actor->timer, 1000);
    rung_loop_defer(p, &actor->other->task);
}

static void test_advance_passes_through(void **state)
{
    struct suite_actor a, b;
    struct suite_trace trace = virtual_begin(&a, 1), tasks = {0};
    (void)state;
    a.trace = &trace;
    a.then = again_after_1000;
    a.other = &b;
    suite_actor_init(&b, &tasks, 'b');
    rung_timer_start(trace.p, &a.timer, 1000);
    rung_virtual_advance_ns(trace.p, 999);
    assert_string_equal(trace.text, "");
    rung_virtual_advance_ns(trace.p, 1);
    assert_string_equal(trace.text, "a");
    assert_string_equal(tasks.text, "b"); /* and what the timers deferred */
    rung_virtual_advance_ns(trace.p, 9500);
    assert_string_equal(trace.text, "aaaaaaaaaa");
    assert_string_equal(tasks.text, "bbbbbbbbbb");
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS + 10500);
    rung_timer_stop(trace.p, &a.timer);
    rung_virtual_free(trace.p);
}

static void stop_here(struct suite_actor *actor)
{
    rung_loop_stop(actor->trace->p, 3);
}

static void test_advance_ends_at_a_stop(void **state)
{
    struct suite_actor a[2];
    struct suite_trace trace = virtual_begin(a, 2);
    (void)state;
    a[0].trace = a[1].trace = &trace;
    a[0].then = stop_here;
    rung_timer_start(trace.p, &a[0].timer, 1000);
    rung_timer_start(trace.p, &a[1].timer, 2000);
    rung_virtual_advance_ns(trace.p, 5000);
    assert_string_equal(trace.text, "a");
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS + 1000);
    assert_int_equal(rung_loop_run(trace.p), 3); /* which reports it, and then it is over */
    assert_int_equal(rung_loop_run(trace.p), RUNG_VIRTUAL_IDLE);
    assert_string_equal(trace.text, "ab");
    rung_virtual_free(trace.p);
}

static void skip_past_the_end(struct suite_actor *actor)
{
    rung_virtual_skip_ns(actor->trace->p, 10000);
}

static void test_advance_never_steps_back(void **state)
{
    struct suite_actor a;
    struct suite_trace trace = virtual_begin(&a, 1);
    (void)state;
    a.trace = &trace;
    a.then = skip_past_the_end;
    rung_timer_start(trace.p, &a.timer, 1000);
    rung_virtual_advance_ns(trace.p, 2000);
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS + 11000);
    rung_virtual_advance_ns(trace.p, UINT64_MAX); /* as far as time goes */
    assert_true(rung_clock_monotonic_ns(trace.p) == UINT64_MAX);
    rung_virtual_free(trace.p);
}

static void test_turns_do_not_move_time(void **state)
{
    struct suite_actor a[2];
    struct suite_trace trace = virtual_begin(a, 2);
    (void)state;
    a[0].trace = a[1].trace = &trace;
    rung_timer_start(trace.p, &a[0].timer, 1);
    rung_loop_defer(trace.p, &a[1].task);
    assert_true(rung_virtual_turn(trace.p));
    assert_false(rung_virtual_turn(trace.p));
    assert_string_equal(trace.text, "b");
    assert_true(rung_clock_monotonic_ns(trace.p) == RUNG_VIRTUAL_START_NS);
    rung_virtual_skip_ns(trace.p, 1);
    assert_true(rung_virtual_turn(trace.p));
    assert_string_equal(trace.text, "ba");
    rung_virtual_free(trace.p);
}

static void test_wall_clock_steps(void **state)
{
    struct rung_platform *p = rung_virtual_new(1);
    (void)state;
    assert_non_null(p);
    rung_virtual_set_wall_ns(p, 5);
    assert_true(rung_clock_wall_ns(p) == 5);
    assert_true(rung_clock_monotonic_ns(p) == RUNG_VIRTUAL_START_NS);
    rung_virtual_advance_ns(p, 7);
    assert_true(rung_clock_wall_ns(p) == 12);
    rung_virtual_free(p);
}

static void test_entropy_is_the_seed(void **state)
{
    struct rung_platform *a = rung_virtual_new(7), *b = rung_virtual_new(7);
    struct rung_platform *c = rung_virtual_new(8);
    uint8_t x[40], y[40], z[40];
    (void)state;
    rung_entropy_fill(a, x, sizeof(x));
    rung_entropy_fill(b, y, sizeof(y));
    rung_entropy_fill(c, z, sizeof(z));
    assert_memory_equal(x, y, sizeof(x));
    assert_memory_not_equal(x, z, sizeof(x));
    rung_entropy_fill(a, y, sizeof(y));
    assert_memory_not_equal(x, y, sizeof(x));
    rung_virtual_free(a);
    rung_virtual_free(b);
    rung_virtual_free(c);
}

static void test_log_is_kept(void **state)
{
    struct rung_platform *p = rung_virtual_new(1);
    (void)state;
    assert_non_null(p);
    assert_string_equal(rung_virtual_log(p), "");
    assert_string_equal(rung_virtual_console(p, NULL), "");
    rung_log(p, RUNG_LOG_INFO, "a", "one");
    rung_log(p, RUNG_LOG_WARN, "b", "two");
    assert_string_equal(rung_virtual_log(p), "info: a: one\nwarn: b: two\n");
    for (unsigned i = 0; i < 20000; i++)
        rung_log(p, RUNG_LOG_INFO, "n", "%u", i);
    size_t len = strlen(rung_virtual_log(p));
    assert_in_range(len, RUNG_VIRTUAL_KEEP / 4, RUNG_VIRTUAL_KEEP); /* the newest part */
    assert_string_equal(rung_virtual_log(p) + len - 15, "info: n: 19999\n");
    rung_virtual_free(p);
}

static void test_console_keeps_the_newest(void **state)
{
    struct rung_platform *p = rung_virtual_new(1);
    size_t size = RUNG_VIRTUAL_KEEP + 10, len;
    char *text = malloc(size);
    (void)state;
    assert_non_null(p);
    assert_non_null(text);
    memset(text, 'x', size);
    text[size - 1] = 'z';
    rung_console_write(p, "first", 5);
    rung_console_write(p, text, size);
    const char *kept = rung_virtual_console(p, &len);
    assert_int_equal(len, RUNG_VIRTUAL_KEEP);
    assert_memory_equal(kept, text + 10, len);
    rung_virtual_free(p);
    free(text);
}

int fixture_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_is_told),
        cmocka_unit_test(test_run_jumps_to_the_next_timer),
        cmocka_unit_test(test_advance_passes_through),
        cmocka_unit_test(test_advance_ends_at_a_stop),
        cmocka_unit_test(test_advance_never_steps_back),
        cmocka_unit_test(test_turns_do_not_move_time),
        cmocka_unit_test(test_wall_clock_steps),
        cmocka_unit_test(test_entropy_is_the_seed),
        cmocka_unit_test(test_log_is_kept),
        cmocka_unit_test(test_console_keeps_the_newest),
    };
    return cmocka_run_group_tests_name("virtual", tests, NULL, NULL);
}
