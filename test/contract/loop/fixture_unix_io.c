/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix_io.c - how tasks, timers and I/O share the turns of the Unix
 * loop, and that an idle loop takes none. Turns are counted by a prepare handle; nothing here is
 * timed. */
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "rung/clock.h"
#include "unix/unix.h"

struct turns {
    struct rung_platform *p;
    uv_prepare_t prepare;
    unsigned count;
    unsigned most; /* stops the loop; 0: however many */
};

static void turns_on_prepare(uv_prepare_t *prepare)
{
    struct turns *turns = rung_container_of(prepare, struct turns, prepare);
    if (++turns->count == turns->most)
        rung_loop_stop(turns->p, 0);
}

/* Unreferenced: the platform alone must keep the loop going. */
static void turns_begin(struct turns *turns)
{
    turns->count = turns->most = 0;
    turns->p = test_platform_new();
    uv_prepare_init(rung_unix_loop(turns->p), &turns->prepare);
    uv_prepare_start(&turns->prepare, turns_on_prepare);
    uv_unref((uv_handle_t *)&turns->prepare);
}

static void turns_end(struct turns *turns)
{
    uv_close((uv_handle_t *)&turns->prepare, NULL);
    test_run_turns(turns->p, 1);
    test_platform_free(turns->p);
}

static void stop_ok(struct suite_actor *actor)
{
    rung_loop_stop(actor->trace->p, 0);
}

static void defer_twice(struct suite_actor *actor)
{
    if (actor->trace->len < 2)
        rung_loop_defer(actor->trace->p, &actor->task);
}

/* Two turns for the task, one waits for the timer, and rounding to milliseconds may take one or two
 * more. A loop that spins would take thousands in 300 ms. */
static void test_idle_loop_with_a_timer(void **state)
{
    struct turns turns;
    struct suite_trace trace = {0};
    struct suite_actor a, busy;
    (void)state;
    turns_begin(&turns);
    trace.p = turns.p;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&busy, &trace, 'b');
    a.then = stop_ok;
    busy.then = defer_twice;
    rung_timer_start(turns.p, &a.timer, 300 * RUNG_NS_PER_MS);
    rung_loop_defer(turns.p, &busy.task); /* a loop that was busy must come to rest again */
    assert_int_equal(rung_loop_run(turns.p), 0);
    assert_string_equal(trace.text, "bba");
    assert_in_range(turns.count, 3, 7);
    turns_end(&turns);
}

/* The loop waits for a far timer already when a near one is started. */
static void test_near_timer_after_a_far_one(void **state)
{
    struct suite_trace trace = {.p = test_platform_new()};
    struct suite_actor far, near;
    (void)state;
    suite_actor_init(&far, &trace, 'f');
    suite_actor_init(&near, &trace, 'n');
    rung_timer_start(trace.p, &far.timer, 10 * RUNG_NS_PER_S);
    test_run_turns(trace.p, 3);
    rung_timer_start(trace.p, &near.timer, 5 * RUNG_NS_PER_MS);
    suite_expect(&trace, "n"); /* late enough, both would run in one turn */
    rung_timer_stop(trace.p, &far.timer);
    test_platform_free(trace.p);
}

/* Stopping a timer, or moving it away again and again, costs at most the one turn it was for. */
static void test_idle_loop_after_moved_timers(void **state)
{
    struct turns turns;
    struct suite_trace trace = {0};
    struct suite_actor a, b, c;
    (void)state;
    turns_begin(&turns);
    trace.p = turns.p;
    suite_actor_init(&a, &trace, 'a');
    suite_actor_init(&b, &trace, 'b');
    suite_actor_init(&c, &trace, 'c');
    a.then = stop_ok;
    rung_timer_start(turns.p, &a.timer, 200 * RUNG_NS_PER_MS);
    for (uint64_t ms = 1; ms < 100; ms++) {
        rung_timer_start(turns.p, &b.timer, ms * RUNG_NS_PER_MS);
        rung_timer_start(turns.p, &c.timer, ms * RUNG_NS_PER_MS);
        rung_timer_stop(turns.p, &c.timer);
        test_run_turns(turns.p, 1);
    }
    rung_timer_start(turns.p, &b.timer, 3600 * RUNG_NS_PER_S);
    turns.count = 0;
    assert_int_equal(rung_loop_run(turns.p), 0);
    rung_timer_stop(turns.p, &b.timer);
    assert_string_equal(trace.text[0] == 'b' ? trace.text + 1 : trace.text, "a");
    assert_in_range(turns.count, 1, 7);
    turns_end(&turns);
}

static void kill_later(void *arg)
{
    (void)arg;
    usleep(300000);
    kill(getpid(), SIGTERM);
}

/* With nothing at all to do it blocks, and does not return, until someone ends it from outside. */
static void test_idle_loop_with_nothing(void **state)
{
    struct turns turns;
    uv_thread_t thread;
    (void)state;
    turns_begin(&turns);
    assert_int_equal(uv_thread_create(&thread, kill_later, NULL), 0);
    assert_int_equal(rung_loop_run(turns.p), 0);
    assert_in_range(turns.count, 1, 4);
    uv_thread_join(&thread);
    turns_end(&turns);
}

/* A pipe whose reader, in an I/O callback, starts a task and a timer. */
struct echo {
    struct turns turns;
    uv_poll_t poll;
    int ends[2];
    struct rung_task task, writer;
    struct rung_timer timer;
    unsigned io_turn, task_turn, timer_turn;
};

static void echo_on_io(uv_poll_t *poll, int status, int events)
{
    struct echo *e = rung_container_of(poll, struct echo, poll);
    char byte;
    assert_int_equal(status, 0);
    assert_int_equal(events, UV_READABLE);
    assert_int_equal(read(e->ends[0], &byte, 1), 1);
    e->io_turn = e->turns.count;
    rung_unix_had_io(e->turns.p);
    rung_loop_defer(e->turns.p, &e->task);
    rung_timer_start(e->turns.p, &e->timer, 0);
    assert_int_equal(e->task_turn, 0);
}

static void echo_on_task(struct rung_task *task)
{
    struct echo *e = rung_container_of(task, struct echo, task);
    e->task_turn = e->turns.count;
}

static void echo_on_timer(struct rung_timer *timer)
{
    struct echo *e = rung_container_of(timer, struct echo, timer);
    e->timer_turn = e->turns.count;
}

/* Keeps the loop busy with itself until the I/O has run. */
static void echo_on_writer(struct rung_task *writer)
{
    struct echo *e = rung_container_of(writer, struct echo, writer);
    if (e->io_turn == 0)
        rung_loop_defer(e->turns.p, writer);
}

static bool echo_done(void *arg)
{
    return ((struct echo *)arg)->timer_turn > 0;
}

static void echo_begin(struct echo *e)
{
    *e = (struct echo){0};
    e->task.fn = echo_on_task;
    e->writer.fn = echo_on_writer;
    e->timer.fn = echo_on_timer;
    turns_begin(&e->turns);
    assert_int_equal(pipe(e->ends), 0);
    uv_poll_init(rung_unix_loop(e->turns.p), &e->poll, e->ends[0]);
    uv_poll_start(&e->poll, UV_READABLE, echo_on_io);
}

static void echo_end(struct echo *e)
{
    uv_close((uv_handle_t *)&e->poll, NULL);
    turns_end(&e->turns);
    close(e->ends[0]);
    close(e->ends[1]);
}

static void test_task_of_io_runs_in_the_same_turn(void **state)
{
    struct echo e;
    (void)state;
    echo_begin(&e);
    assert_int_equal(write(e.ends[1], "x", 1), 1);
    test_run_until(e.turns.p, echo_done, &e);
    assert_int_equal(e.task_turn, e.io_turn);
    assert_int_equal(e.timer_turn, e.io_turn + 1); /* 0 is the next turn, which does not block */
    echo_end(&e);
}

static void test_io_runs_between_tasks(void **state)
{
    struct echo e;
    (void)state;
    echo_begin(&e);
    rung_loop_defer(e.turns.p, &e.writer);
    test_run_turns(e.turns.p, 3);
    assert_true(e.writer.active);
    assert_int_equal(write(e.ends[1], "x", 1), 1);
    test_run_until(e.turns.p, echo_done, &e);
    assert_false(e.writer.active);
    echo_end(&e);
}

/* An hour of busy polling after I/O: the loop takes turns by itself. Timers and tasks run in
 * them. */
static void test_busy_poll_looks_again(void **state)
{
    struct echo e;
    struct suite_trace trace = {0};
    struct suite_actor guard;
    (void)state;
    echo_begin(&e);
    trace.p = e.turns.p;
    suite_actor_init(&guard, &trace, 'g');
    guard.then = stop_ok;
    rung_loop_busy_poll(e.turns.p, 3600 * RUNG_NS_PER_S);
    rung_timer_start(e.turns.p, &guard.timer, 20 * RUNG_NS_PER_S); /* here one that blocks ends */
    e.turns.most = 1000;
    assert_int_equal(write(e.ends[1], "x", 1), 1);
    assert_int_equal(rung_loop_run(e.turns.p), 0);
    assert_int_equal(e.turns.count, 1000);
    assert_string_equal(trace.text, "");
    assert_int_equal(e.task_turn, e.io_turn);
    assert_int_equal(e.timer_turn, e.io_turn + 1);
    rung_timer_stop(e.turns.p, &guard.timer);
    echo_end(&e);
}

/* It blocks for 300 ms: before any I/O however long the busy poll, and after I/O once that is
 * over. */
static void test_busy_poll_comes_to_rest(void **state)
{
    struct echo e;
    struct suite_trace trace = {0};
    struct suite_actor a;
    (void)state;
    echo_begin(&e);
    trace.p = e.turns.p;
    suite_actor_init(&a, &trace, 'a');
    a.then = stop_ok;
    rung_loop_busy_poll(e.turns.p, 3600 * RUNG_NS_PER_S);
    rung_timer_start(e.turns.p, &a.timer, 300 * RUNG_NS_PER_MS);
    assert_int_equal(rung_loop_run(e.turns.p), 0);
    assert_in_range(e.turns.count, 1, 7);
    rung_unix_working(e.turns.p, 1); /* somebody else needs the core */
    rung_timer_start(e.turns.p, &a.timer, 300 * RUNG_NS_PER_MS);
    assert_int_equal(write(e.ends[1], "x", 1), 1);
    e.turns.count = 0;
    assert_int_equal(rung_loop_run(e.turns.p), 0);
    assert_in_range(e.turns.count, 3, 9);
    rung_unix_working(e.turns.p, -1);
    e.task_turn = e.timer_turn = 0;
    rung_loop_busy_poll(e.turns.p, 1);
    rung_timer_start(e.turns.p, &a.timer, 300 * RUNG_NS_PER_MS);
    assert_int_equal(write(e.ends[1], "x", 1), 1);
    e.turns.count = 0;
    assert_int_equal(rung_loop_run(e.turns.p), 0);
    assert_in_range(e.turns.count, 3, 9);
    assert_true(e.timer_turn > 0);
    echo_end(&e);
}

/* After a long wait, callbacks of I/O see the time after it. */
static void clock_on_io(uv_poll_t *poll, int status, int events)
{
    struct echo *e = rung_container_of(poll, struct echo, poll);
    uint64_t now = rung_clock_monotonic_ns(e->turns.p);
    (void)status;
    (void)events;
    uint64_t loop = rung_loop_now_ns(e->turns.p);
    assert_true(loop >= now); /* read in this turn, after the wait */
    echo_on_io(poll, 0, UV_READABLE);
}

static void write_later(void *arg)
{
    struct echo *e = arg;
    usleep(50000);
    if (write(e->ends[1], "x", 1) != 1)
        abort();
}

static void test_io_sees_the_time_after_the_wait(void **state)
{
    struct echo e;
    uv_thread_t thread;
    (void)state;
    echo_begin(&e);
    uv_poll_start(&e.poll, UV_READABLE, clock_on_io);
    assert_int_equal(uv_thread_create(&thread, write_later, &e), 0);
    test_run_until(e.turns.p, echo_done, &e);
    uv_thread_join(&thread);
    echo_end(&e);
}

int fixture_unix_io(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_loop_with_a_timer),
        cmocka_unit_test(test_near_timer_after_a_far_one),
        cmocka_unit_test(test_idle_loop_after_moved_timers),
        cmocka_unit_test(test_idle_loop_with_nothing),
        cmocka_unit_test(test_task_of_io_runs_in_the_same_turn),
        cmocka_unit_test(test_io_runs_between_tasks),
        cmocka_unit_test(test_io_sees_the_time_after_the_wait),
        cmocka_unit_test(test_busy_poll_looks_again),
        cmocka_unit_test(test_busy_poll_comes_to_rest),
    };
    return cmocka_run_group_tests_name("unix: turns and I/O", tests, NULL, NULL);
}
