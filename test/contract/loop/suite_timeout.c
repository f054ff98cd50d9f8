/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_timeout.c - timeout.h: kinds of time-outs, many waiters, one timer. */
#include "suite.h"

#include "rung/clock.h"
#include "rung/timeout.h"

#define MS UINT64_C(1000000)

enum { KIND_NONE, KIND_SHORT, KIND_LONG, KIND_NEVER, KINDS };
enum { WAITERS = 20, STEPS = 2000 };

/* Waiters 'a', 'b', ... that write their letter when they are over; act runs in a callback, where
 * the loop's time stands. */
struct timeout_case {
    struct suite_trace trace;
    struct rung_timeouts set;
    struct rung_timeout_queue queues[KINDS];
    struct rung_timeout waiter[WAITERS];
    unsigned again;     /* waiter 'a' starts anew so many times */
    uint64_t sooner_ns; /* of KIND_LONG */
    struct rung_task task;
    void (*act)(struct timeout_case *c);
};

static void on_over(struct rung_timeouts *set, struct rung_timeout *waiter, unsigned kind)
{
    struct timeout_case *c = rung_container_of(set, struct timeout_case, set);
    uint64_t sooner_ns = kind == KIND_LONG ? c->sooner_ns : 0;
    assert_int_equal(waiter->kind, 0); /* it is in no queue any more */
    assert_in_range(kind, KIND_SHORT, KIND_LONG);
    assert_true(waiter->due_ns - sooner_ns <= rung_loop_now_ns(c->trace.p)); /* never early */
    if (c->act)
        suite_note(&c->trace, (char)('a' + (waiter - c->waiter)));
    if (waiter == c->waiter && c->again > 0) {
        c->again--;
        rung_timeout_start(set, waiter, kind);
    }
}

static uint64_t on_sooner(struct rung_timeouts *set, unsigned kind)
{
    struct timeout_case *c = rung_container_of(set, struct timeout_case, set);
    return kind == KIND_LONG ? c->sooner_ns : 0;
}

static void on_task(struct rung_task *task)
{
    struct timeout_case *c = rung_container_of(task, struct timeout_case, task);
    c->act(c);
    assert_string_equal(c->trace.text, ""); /* nothing runs inside a call */
}

static void case_open(struct timeout_case *c, void (*act)(struct timeout_case *c))
{
    *c = (struct timeout_case){.act = act, .task.fn = on_task};
    c->trace.p = test_platform_new();
    c->queues[KIND_SHORT].length_ns = 2 * MS;
    c->queues[KIND_LONG].length_ns = 20 * MS;
    c->set.over = on_over;
    c->set.sooner_ns = on_sooner;
    rung_timeouts_init(&c->set, c->trace.p, c->queues, KINDS);
}

static void case_close(struct timeout_case *c)
{
    rung_timeouts_end(&c->set);
    assert_false(c->set.timer.active);
    test_platform_free(c->trace.p);
}

/* Who is over in the end, in order. */
static void case_run(void (*act)(struct timeout_case *c), const char *text)
{
    struct timeout_case c;
    case_open(&c, act);
    rung_loop_defer(c.trace.p, &c.task);
    test_run_turns(c.trace.p, 1);
    suite_expect(&c.trace, text);
    case_close(&c);
}

static void start(struct timeout_case *c, char letter, unsigned kind)
{
    rung_timeout_start(&c->set, &c->waiter[letter - 'a'], kind);
    assert_int_equal(c->waiter[letter - 'a'].kind, kind == KIND_NEVER ? 0 : kind);
}

static void stop(struct timeout_case *c, char letter)
{
    rung_timeout_stop(&c->set, &c->waiter[letter - 'a']);
    assert_int_equal(c->waiter[letter - 'a'].kind, 0);
}

static void act_kinds(struct timeout_case *c)
{
    start(c, 'a', KIND_LONG);
    start(c, 'b', KIND_SHORT);
    start(c, 'c', KIND_LONG);
    start(c, 'd', KIND_SHORT);
    start(c, 'e', KIND_NEVER);
}

static void test_each_kind_has_its_length(void **state)
{
    (void)state;
    case_run(act_kinds, "bdac");
}

static void act_moves(struct timeout_case *c)
{
    start(c, 'a', KIND_SHORT);
    start(c, 'b', KIND_SHORT);
    start(c, 'c', KIND_LONG);
    start(c, 'd', KIND_SHORT);
    start(c, 'a', KIND_SHORT); /* it moves: behind the others */
    start(c, 'c', KIND_SHORT);
    start(c, 'b', KIND_NEVER);
    start(c, 'd', KIND_NONE);
}

static void test_start_moves(void **state)
{
    (void)state;
    case_run(act_moves, "ac");
}

static void act_stop(struct timeout_case *c)
{
    for (char letter = 'a'; letter <= 'g'; letter++)
        start(c, letter, KIND_SHORT);
    stop(c, 'a'); /* the first */
    stop(c, 'g'); /* the last */
    stop(c, 'd');
    stop(c, 'd'); /* nothing */
}

static void test_stop(void **state)
{
    (void)state;
    case_run(act_stop, "bcef");
}

static void act_again(struct timeout_case *c)
{
    c->again = 3;
    start(c, 'a', KIND_SHORT);
    start(c, 'b', KIND_SHORT);
}

static void test_over_may_start_it_anew(void **state)
{
    (void)state;
    case_run(act_again, "abaaa");
}

static void act_sooner(struct timeout_case *c)
{
    start(c, 'a', KIND_LONG);
    start(c, 'b', KIND_LONG);
    assert_true(c->set.timer.due_ns == c->waiter[0].due_ns);
    c->sooner_ns = 19 * MS;
    rung_timeouts_look(&c->set);
    assert_true(c->set.timer.due_ns == c->waiter[0].due_ns - 19 * MS);
}

static void test_sooner(void **state)
{
    (void)state;
    case_run(act_sooner, "ab");
}

/* What the header says of cost. */
static void act_timer(struct timeout_case *c)
{
    start(c, 'a', KIND_LONG);
    uint64_t order = c->set.timer.order;
    start(c, 'b', KIND_LONG);
    start(c, 'c', KIND_LONG);
    stop(c, 'a');
    assert_true(c->set.timer.order == order);
    start(c, 'd', KIND_SHORT); /* earlier */
    order = c->set.timer.order;
    assert_true(c->set.timer.due_ns == c->waiter['d' - 'a'].due_ns);
    for (unsigned i = 0; i < 10; i++)
        start(c, 'd', KIND_SHORT);
    assert_true(c->set.timer.order == order);
}

static void test_the_timer_moves_to_earlier_times_alone(void **state)
{
    (void)state;
    case_run(act_timer, "dbc");
}

static void test_end(void **state)
{
    struct timeout_case c;
    (void)state;
    case_open(&c, act_kinds);
    start(&c, 'a', KIND_SHORT);
    rung_timeouts_end(&c.set);
    fixture_pass_ns(c.trace.p, 5 * MS);
    test_run_turns(c.trace.p, 4);
    assert_string_equal(c.trace.text, "");
    case_close(&c);
}

/* Each queue holds those of its kind, from front to back as from back to front, by their times. */
static void model_check(const struct timeout_case *c)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct rung_timeout_queue *queue = &c->queues[kind];
        const struct rung_timeout *prev = NULL;
        unsigned in_queue = 0, of_kind = 0;
        for (const struct rung_timeout *w = queue->first; w; prev = w, w = w->next, in_queue++) {
            assert_int_equal(w->kind, kind);
            assert_ptr_equal(w->prev, prev);
            assert_true(!prev || prev->due_ns <= w->due_ns);
            assert_in_range(in_queue, 0, WAITERS - 1);
        }
        assert_ptr_equal(queue->last, prev);
        for (unsigned i = 0; i < WAITERS; i++)
            of_kind += c->waiter[i].kind == kind;
        assert_int_equal(in_queue, kind == KIND_NONE || kind == KIND_NEVER ? 0 : of_kind);
    }
}

static void test_model(void **state)
{
    struct timeout_case c;
    uint64_t random = test_seed();
    (void)state;
    case_open(&c, NULL); /* the trace is too short for it */
    for (unsigned i = 0; i < STEPS; i++) {
        struct rung_timeout *waiter = &c.waiter[suite_random(&random, WAITERS)];
        if (suite_random(&random, 4) == 0)
            rung_timeout_stop(&c.set, waiter);
        else
            rung_timeout_start(&c.set, waiter, suite_random(&random, KINDS));
        model_check(&c);
        if (suite_random(&random, 32) > 0)
            continue;
        fixture_pass_ns(c.trace.p, suite_random(&random, 3) * MS);
        test_run_turns(c.trace.p, 2);
        model_check(&c);
        for (unsigned k = 0; k < WAITERS; k++)
            assert_true(c.waiter[k].kind == 0
                        || c.waiter[k].due_ns + 2 * MS > rung_loop_now_ns(c.trace.p));
    }
    case_close(&c);
}

int suite_timeout(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_length),
        cmocka_unit_test(test_start_moves),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_over_may_start_it_anew),
        cmocka_unit_test(test_sooner),
        cmocka_unit_test(test_the_timer_moves_to_earlier_times_alone),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests_name("time-outs", tests, NULL, NULL);
}
