/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_timer.c - struct rung_timer: once, in order, never early, never inside.
 * Tests that compare due times start their timers in one callback, where the loop's time stands. */
#include "suite.h"

#include <stdlib.h>

#include "rung/clock.h"

#define MS UINT64_C(1000000)

/* A starter and the timers it starts; act runs in the starter's callback. */
struct timer_case {
    struct suite_trace trace;
    struct suite_actor starter;
    struct suite_actor a[6];
    void (*act)(struct timer_case *c);
};

static void timer_case_start(struct suite_actor *starter)
{
    struct timer_case *c = rung_container_of(starter, struct timer_case, starter);
    c->trace.len = 0; /* the starter's own letter does not count */
    c->trace.text[0] = '\0';
    c->act(c);
    assert_int_equal(c->trace.len, 0); /* nothing runs inside a call */
}

/* Makes timers 'a', 'b', ..., runs act in a callback, and compares what the timers write after
 * it. */
static void timer_case_run(void (*act)(struct timer_case *c), const char *text)
{
    struct timer_case c = {.act = act};
    c.trace.p = test_platform_new();
    suite_actor_init(&c.starter, &c.trace, '-');
    c.starter.then = timer_case_start;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(c.a); i++)
        suite_actor_init(&c.a[i], &c.trace, (char)('a' + i));
    rung_loop_defer(c.trace.p, &c.starter.task);
    test_run_turns(c.trace.p, 1);
    assert_false(c.starter.task.active);
    suite_expect(&c.trace, text);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(c.a); i++)
        rung_timer_stop(c.trace.p, &c.a[i].timer);
    test_platform_free(c.trace.p);
}

static void start(struct timer_case *c, char letter, uint64_t delay_ns)
{
    rung_timer_start(c->trace.p, &c->a[letter - 'a'].timer, delay_ns);
}

static void stop(struct timer_case *c, char letter)
{
    rung_timer_stop(c->trace.p, &c->a[letter - 'a'].timer);
}

static void test_runs_once_and_later(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    rung_timer_start(trace.p, &a.timer, 0);
    assert_true(a.timer.active);
    assert_string_equal(trace.text, ""); /* not inside start */
    suite_expect(&trace, "a");
    assert_false(a.timer.active);
    rung_timer_start(trace.p, &a.timer, MS); /* and may be started again */
    suite_expect(&trace, "aa");
    test_platform_free(trace.p);
}

static void act_due_order(struct timer_case *c)
{
    start(c, 'e', 3 * MS);
    start(c, 'b', MS);
    start(c, 'd', 3 * MS - 1); /* a nanosecond counts */
    start(c, 'a', 0);
    start(c, 'c', 2 * MS);
    start(c, 'f', 3 * MS + 1);
}

static void test_order_of_due_times(void **state)
{
    (void)state;
    timer_case_run(act_due_order, "abcdef");
}

static void act_ties(struct timer_case *c)
{
    start(c, 'c', MS);
    start(c, 'a', MS);
    start(c, 'e', MS);
    start(c, 'b', 0);
    start(c, 'd', MS);
    start(c, 'c', MS); /* moved: now the last that was started */
    start(c, 'f', 0);
}

static void test_ties_in_order_of_start(void **state)
{
    (void)state;
    timer_case_run(act_ties, "bfaedc");
}

static void act_moves(struct timer_case *c)
{
    for (char letter = 'a'; letter <= 'f'; letter++)
        start(c, letter, MS * (uint64_t)(letter - 'a' + 1));
    start(c, 'a', 7 * MS);
    start(c, 'f', MS / 2);
    start(c, 'c', 8 * MS);
    start(c, 'c', 2 * MS + 1);
}

static void test_start_moves(void **state)
{
    (void)state;
    timer_case_run(act_moves, "fbcdea");
}

static void act_stops(struct timer_case *c)
{
    stop(c, 'a'); /* inactive: nothing */
    for (char letter = 'a'; letter <= 'f'; letter++)
        start(c, letter, MS);
    stop(c, 'c');
    stop(c, 'a');
    stop(c, 'f');
    assert_false(c->a[2].timer.active);
    stop(c, 'c');
    start(c, 'a', MS);
}

static void test_stop(void **state)
{
    (void)state;
    timer_case_run(act_stops, "bdea");
}

static void stop_other(struct suite_actor *actor)
{
    rung_timer_stop(actor->trace->p, &actor->other->timer);
}

static void act_stop_from_timer(struct timer_case *c)
{
    for (char letter = 'a'; letter <= 'e'; letter++)
        start(c, letter, MS);
    c->a[0].then = stop_other; /* both are due, and b is next */
    c->a[0].other = &c->a[1];
    c->a[3].then = stop_other; /* long gone */
    c->a[3].other = &c->a[2];
}

static void test_stop_from_another_timer(void **state)
{
    (void)state;
    timer_case_run(act_stop_from_timer, "acde");
}

static void restart_zero(struct suite_actor *actor)
{
    if (actor->trace->len < 10)
        rung_timer_start(actor->trace->p, &actor->timer, 0);
}

static void redefer(struct suite_actor *actor)
{
    if (actor->trace->len < 10)
        rung_loop_defer(actor->trace->p, &actor->task);
}

static void act_zero(struct timer_case *c)
{
    c->a[0].then = restart_zero;
    c->a[1].then = redefer;
    start(c, 'a', 0);
    rung_loop_defer(c->trace.p, &c->a[1].task);
}

/* 0 is the next turn and not this one: neither timers nor tasks keep the other from running. */
static void test_zero_is_the_next_turn(void **state)
{
    (void)state;
    timer_case_run(act_zero, "abababababa");
}

static void free_self(struct suite_actor *actor)
{
    free(actor);
}

static void test_callback_may_free_its_timer(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct suite_actor *actor = malloc(sizeof(*actor));
        assert_non_null(actor);
        suite_actor_init(actor, &trace, 'x');
        actor->then = free_self;
        rung_timer_start(trace.p, &actor->timer, i % 2 * MS);
    }
    suite_expect(&trace, "xxxxx");
    test_platform_free(trace.p);
}

struct early {
    struct rung_platform *p;
    struct rung_timer timer;
    uint64_t loop_ns, monotonic_ns, delay_ns;
    unsigned ran;
};

static void early_start(struct early *e)
{
    e->delay_ns = e->ran * UINT64_C(250001);
    e->loop_ns = rung_loop_now_ns(e->p);
    e->monotonic_ns = rung_clock_monotonic_ns(e->p);
    assert_true(e->loop_ns <= e->monotonic_ns);
    rung_timer_start(e->p, &e->timer, e->delay_ns);
}

static void early_on_timer(struct rung_timer *timer)
{
    struct early *e = rung_container_of(timer, struct early, timer);
    assert_true(rung_loop_now_ns(e->p) >= e->loop_ns + e->delay_ns);
    assert_true(rung_clock_monotonic_ns(e->p) >= e->loop_ns + e->delay_ns);
    if (++e->ran < 20)
        early_start(e);
}

static bool early_done(void *arg)
{
    return ((struct early *)arg)->ran == 20;
}

static void test_never_early(void **state)
{
    struct early e = {.timer.fn = early_on_timer};
    (void)state;
    e.p = test_platform_new();
    early_start(&e);
    test_run_until(e.p, early_done, &e);
    test_platform_free(e.p);
}

static void act_forever(struct timer_case *c)
{
    start(c, 'a', UINT64_MAX); /* far beyond the end of time: kept, in order, not wrapped around */
    start(c, 'b', UINT64_MAX - 1);
    start(c, 'c', MS);
    start(c, 'd', UINT64_MAX / 2);
}

static void test_delay_does_not_overflow(void **state)
{
    (void)state;
    timer_case_run(act_forever, "c");
}

static void time_stands(struct suite_actor *actor)
{
    struct rung_platform *p = actor->trace->p;
    uint64_t loop_ns = rung_loop_now_ns(p);
    uint64_t monotonic_ns = rung_clock_monotonic_ns(p);
    fixture_pass_ns(p, 2 * MS);
    assert_true(rung_clock_monotonic_ns(p) >= monotonic_ns + 2 * MS);
    assert_true(rung_loop_now_ns(p) == loop_ns);
}

static void time_has_moved(struct suite_actor *actor)
{
    struct rung_platform *p = actor->trace->p;
    assert_true(rung_loop_now_ns(p) >= actor->other->timer.due_ns + 2 * MS);
}

static void test_time_stands_within_a_callback(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor a, b;
    (void)state;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    a.then = time_stands;
    b.then = time_has_moved;
    b.other = &a;
    rung_timer_start(trace.p, &a.timer, 0);
    suite_expect(&trace, "a");
    rung_loop_defer(trace.p, &b.task);
    suite_expect(&trace, "ab");
    test_platform_free(trace.p);
}

int suite_timer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_once_and_later),
        cmocka_unit_test(test_order_of_due_times),
        cmocka_unit_test(test_ties_in_order_of_start),
        cmocka_unit_test(test_start_moves),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_from_another_timer),
        cmocka_unit_test(test_zero_is_the_next_turn),
        cmocka_unit_test(test_callback_may_free_its_timer),
        cmocka_unit_test(test_never_early),
        cmocka_unit_test(test_delay_does_not_overflow),
        cmocka_unit_test(test_time_stands_within_a_callback),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
