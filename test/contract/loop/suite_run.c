/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_run.c - rung_loop_run() and rung_loop_stop(). */
#include "suite.h"

#include "rung/clock.h"

static void stop_with_letter(struct suite_actor *actor)
{
    rung_loop_stop(actor->trace->p, actor->letter);
}

static void test_stop_from_a_task(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a, b, c;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    suite_actor_init(&c, &trace, 'c');
    b.then = stop_with_letter;
    rung_loop_defer(trace.p, &a.task);
    rung_loop_defer(trace.p, &b.task);
    rung_loop_defer(trace.p, &c.task);
    assert_int_equal(rung_loop_run(trace.p), 'b');
    assert_string_equal(trace.text, "ab"); /* after the present callback */
    assert_true(c.task.active);
    rung_loop_defer(trace.p, &b.task); /* what was left goes first in the next run */
    assert_int_equal(rung_loop_run(trace.p), 'b');
    assert_string_equal(trace.text, "abcb");
    test_platform_free(trace.p);
}

static void test_stop_from_a_timer(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a, b, c;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    suite_actor_init(&c, &trace, 'c');
    a.then = b.then = c.then = stop_with_letter;
    rung_timer_start(trace.p, &b.timer, RUNG_NS_PER_MS);
    rung_timer_start(trace.p, &a.timer, 0);
    rung_timer_start(trace.p, &c.timer, 3 * RUNG_NS_PER_MS);
    assert_int_equal(rung_loop_run(trace.p), 'a');
    assert_string_equal(trace.text, "a");
    assert_int_equal(rung_loop_run(trace.p), 'b');
    assert_int_equal(rung_loop_run(trace.p), 'c');
    assert_string_equal(trace.text, "abc");
    test_platform_free(trace.p);
}

/* Two are due: the second waits for the next run. */
static void test_stop_between_timers(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a, b;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    a.then = b.then = stop_with_letter;
    rung_timer_start(trace.p, &a.timer, 0);
    rung_timer_start(trace.p, &b.timer, 0);
    fixture_pass_ns(trace.p, RUNG_NS_PER_MS);
    assert_int_equal(rung_loop_run(trace.p), 'a');
    assert_string_equal(trace.text, "a");
    assert_true(b.timer.active);
    assert_int_equal(rung_loop_run(trace.p), 'b');
    test_platform_free(trace.p);
}

static void stop_three_times(struct suite_actor *actor)
{
    rung_loop_stop(actor->trace->p, -7);
    rung_loop_stop(actor->trace->p, 0);
    rung_loop_stop(actor->trace->p, 64);
}

static void test_first_stop_sets_the_status(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    a.then = stop_three_times;
    rung_loop_defer(trace.p, &a.task);
    assert_int_equal(rung_loop_run(trace.p), -7);
    a.then = stop_with_letter; /* a new run has a new first stop */
    rung_loop_defer(trace.p, &a.task);
    assert_int_equal(rung_loop_run(trace.p), 'a');
    test_platform_free(trace.p);
}

static void test_stop_before_a_run(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    rung_loop_defer(trace.p, &a.task);
    rung_timer_start(trace.p, &a.timer, 0);
    rung_loop_stop(trace.p, 5);
    rung_loop_stop(trace.p, 6);
    assert_int_equal(rung_loop_run(trace.p), 5);
    assert_string_equal(trace.text, "");
    a.then = stop_with_letter;
    assert_int_equal(rung_loop_run(trace.p), 'a');
    rung_timer_stop(trace.p, &a.timer);
    rung_loop_undefer(trace.p, &a.task);
    assert_string_equal(trace.text, "a");
    test_platform_free(trace.p);
}

static void start_timer(struct suite_actor *actor)
{
    rung_timer_start(actor->trace->p, &actor->other->timer, RUNG_NS_PER_MS);
}

static void defer_other(struct suite_actor *actor)
{
    rung_loop_defer(actor->trace->p, &actor->other->task);
}

/* A task starts a timer, which defers a task, which ends the run. */
static void test_runs_until_stopped(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a, b, c;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    suite_actor_init(&c, &trace, 'c');
    a.then = start_timer;
    a.other = &b;
    b.then = defer_other;
    b.other = &c;
    c.then = stop_with_letter;
    rung_loop_defer(trace.p, &a.task);
    assert_int_equal(rung_loop_run(trace.p), 'c');
    assert_string_equal(trace.text, "abc");
    test_platform_free(trace.p);
}

/* Several platforms live side by side and know nothing of each other. */
static void test_two_platforms(void **state)
{
    struct suite_trace one = {.p = NULL}, two = {.p = NULL};
    struct suite_actor a, b;
    (void)state;
    if (fixture_one_platform) {
        print_message("skipped: there is one platform here\n");
        skip();
    }
    one.p = test_platform_new();
    two.p = test_platform_new();
    suite_actor_init(&a, &one, 'a');
    suite_actor_init(&b, &two, 'b');
    rung_timer_start(one.p, &a.timer, 0);
    rung_timer_start(two.p, &b.timer, 0);
    suite_expect(&one, "a");
    assert_string_equal(two.text, "");
    test_platform_free(one.p);
    suite_expect(&two, "b");
    test_platform_free(two.p);
}

int suite_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_from_a_task),
        cmocka_unit_test(test_stop_from_a_timer),
        cmocka_unit_test(test_stop_between_timers),
        cmocka_unit_test(test_first_stop_sets_the_status),
        cmocka_unit_test(test_stop_before_a_run),
        cmocka_unit_test(test_runs_until_stopped),
        cmocka_unit_test(test_two_platforms),
    };
    return cmocka_run_group_tests_name("run and stop", tests, NULL, NULL);
}
