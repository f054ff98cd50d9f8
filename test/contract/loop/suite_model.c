/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_model.c - random work on timers and tasks against a model too simple to
 * be wrong: what must run next is looked for in a table. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "rung/clock.h"

#define TIMERS 200u
#define TASKS 60u
#define RUNS 20000u

struct model;
struct model_timer {
    struct rung_timer timer;
    struct model *model;
    uint64_t due_ns, order;
    bool active;
};

struct model_task {
    struct rung_task task;
    struct model *model;
};

struct model {
    struct rung_platform *p;
    uint64_t random, order;
    unsigned ran;
    struct rung_task refill;
    struct model_timer timers[TIMERS];
    struct model_task tasks[TASKS];
    unsigned queue[TASKS]; /* indices of waiting tasks, the next first */
    unsigned queued;
};

static void model_start(struct model *m)
{
    struct model_timer *t = &m->timers[suite_random(&m->random, TIMERS)];
    /* Few different delays, so that there are many ties; some zero, some long. */
    uint64_t delay_ns = UINT64_C(20000) * suite_random(&m->random, 8);
    if (suite_random(&m->random, 50) == 0)
        delay_ns *= 1000000;
    rung_timer_start(m->p, &t->timer, delay_ns);
    t->due_ns = rung_loop_now_ns(m->p) + delay_ns;
    t->order = m->order++;
    t->active = true;
}

static void model_stop(struct model *m)
{
    struct model_timer *t = &m->timers[suite_random(&m->random, TIMERS)];
    assert_int_equal(t->timer.active, t->active);
    rung_timer_stop(m->p, &t->timer);
    t->active = false;
}

static const struct model_timer *model_first(const struct model *m)
{
    const struct model_timer *first = NULL;
    for (unsigned i = 0; i < TIMERS; i++) {
        const struct model_timer *t = &m->timers[i];
        if (t->active
            && (!first || t->due_ns < first->due_ns
                || (t->due_ns == first->due_ns && t->order < first->order)))
            first = t;
    }
    return first;
}

static void model_on_timer(struct rung_timer *timer)
{
    struct model_timer *t = rung_container_of(timer, struct model_timer, timer);
    struct model *m = t->model;
    assert_ptr_equal(t, model_first(m));
    assert_true(rung_loop_now_ns(m->p) >= t->due_ns);
    assert_false(timer->active);
    t->active = false;
    m->ran++;
    for (unsigned n = suite_random(&m->random, 5); n > 0; n--) {
        if (suite_random(&m->random, 3) == 0)
            model_stop(m);
        else
            model_start(m);
    }
}

/* Begins, and begins again when only long delays are left; in a callback, where the loop's time
 * stands. */
static void model_on_refill(struct rung_task *task)
{
    struct model *m = rung_container_of(task, struct model, refill);
    for (unsigned i = 0; i < TIMERS; i++)
        model_start(m);
}

static bool model_done(void *arg)
{
    struct model *m = arg;
    const struct model_timer *first = model_first(m);
    if (!first || first->due_ns > rung_loop_now_ns(m->p) + 10 * RUNG_NS_PER_MS)
        rung_loop_defer(m->p, &m->refill);
    return m->ran >= RUNS;
}

static struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->p = test_platform_new();
    m->random = test_seed();
    m->refill.fn = model_on_refill;
    for (unsigned i = 0; i < TIMERS; i++) {
        m->timers[i].model = m;
        m->timers[i].timer.fn = model_on_timer;
    }
    return m;
}

static void model_free(struct model *m)
{
    test_platform_free(m->p);
    free(m);
}

static void test_timers_as_a_sorted_table(void **state)
{
    struct model *m = model_new();
    (void)state;
    test_run_until(m->p, model_done, m);
    for (unsigned i = 0; i < TIMERS; i++) {
        assert_int_equal(m->timers[i].timer.active, m->timers[i].active);
        rung_timer_stop(m->p, &m->timers[i].timer);
    }
    rung_loop_undefer(m->p, &m->refill);
    model_free(m);
}

/* Everything at once and out of the middle: the heap's trees become deep and wide. */
static void test_timers_all_stopped(void **state)
{
    struct model *m = model_new();
    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < TIMERS * 2; i++)
            model_start(m);
        for (unsigned i = 0; i < TIMERS * 4; i++)
            model_stop(m);
    }
    for (unsigned i = 0; i < TIMERS; i++)
        rung_timer_stop(m->p, &m->timers[i].timer);
    test_run_turns(m->p, 3);
    assert_int_equal(m->ran, 0);
    model_free(m);
}

static void model_defer(struct model *m)
{
    unsigned i = suite_random(&m->random, TASKS);
    if (!m->tasks[i].task.active)
        m->queue[m->queued++] = i;
    rung_loop_defer(m->p, &m->tasks[i].task);
}

static void model_dequeue(struct model *m, unsigned at)
{
    m->queued--;
    memmove(&m->queue[at], &m->queue[at + 1], (m->queued - at) * sizeof(m->queue[0]));
}

static void model_undefer(struct model *m)
{
    unsigned i = suite_random(&m->random, TASKS);
    for (unsigned at = 0; at < m->queued; at++)
        if (m->queue[at] == i) {
            model_dequeue(m, at);
            break;
        }
    rung_loop_undefer(m->p, &m->tasks[i].task);
    assert_false(m->tasks[i].task.active);
}

static void model_on_task(struct rung_task *task)
{
    struct model_task *t = rung_container_of(task, struct model_task, task);
    struct model *m = t->model;
    assert_true(m->queued > 0);
    assert_int_equal(m->queue[0], t - m->tasks);
    model_dequeue(m, 0);
    m->ran++;
    for (unsigned n = suite_random(&m->random, 5); n > 0; n--) {
        if (suite_random(&m->random, 3) == 0)
            model_undefer(m);
        else
            model_defer(m);
    }
}

static void test_tasks_as_a_queue(void **state)
{
    struct model *m = model_new();
    (void)state;
    for (unsigned i = 0; i < TASKS; i++)
        m->tasks[i] = (struct model_task){.task.fn = model_on_task, .model = m};
    while (m->ran < RUNS) {
        for (unsigned i = 0; i < 10; i++)
            model_defer(m);
        model_undefer(m);
        test_run_turns(m->p, 1);
    }
    while (m->queued > 0)
        model_undefer(m);
    test_run_turns(m->p, 1);
    model_free(m);
}

int suite_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_as_a_sorted_table),
        cmocka_unit_test(test_timers_all_stopped),
        cmocka_unit_test(test_tasks_as_a_queue),
    };
    return cmocka_run_group_tests_name("timers and tasks against a model", tests, NULL, NULL);
}
