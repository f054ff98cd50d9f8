/* SPDX-License-Identifier: ISC */
/* backends/common/platform.c - loop.h and args.h as far as no ground makes a difference. */
#include "common/platform.h"
#include "rung/args.h"

void rung_platform_init(struct rung_platform *p,
                        void (*log_line)(struct rung_platform *p, enum rung_log_level level,
                                         const char *text, size_t len))
{
    *p = (struct rung_platform){.log_level = RUNG_LOG_INFO, .log_line = log_line};
}

uint64_t rung_loop_now_ns(struct rung_platform *p)
{
    /* Read at the first question of a turn: a turn in which nobody asks costs no clock, and a
     * callback after a long wait sees the time after it. Outside a run nothing is kept, since there
     * are no turns to count on. */
    if (!p->now_read) {
        p->now_ns = rung_ground_now_ns(p);
        p->now_read = p->running;
    }
    return p->now_ns;
}

void rung_timer_start(struct rung_platform *p, struct rung_timer *timer, uint64_t delay_ns)
{
    assert(timer->fn);
    uint64_t now = rung_loop_now_ns(p);
    if (timer->active)
        rung_timers_remove(&p->timers, timer);
    timer->active = true;
    rung_timers_add(&p->timers, timer, delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX);
}

void rung_timer_stop(struct rung_platform *p, struct rung_timer *timer)
{
    if (!timer->active)
        return;
    timer->active = false;
    rung_timers_remove(&p->timers, timer);
}

void rung_loop_defer(struct rung_platform *p, struct rung_task *task)
{
    assert(task->fn);
    if (task->active)
        return;
    task->active = true;
    rung_tasks_add(&p->tasks, task);
}

void rung_loop_undefer(struct rung_platform *p, struct rung_task *task)
{
    if (!task->active)
        return;
    task->active = false;
    rung_tasks_remove(&p->tasks, task);
}

void rung_loop_busy_poll(struct rung_platform *p, uint64_t ns)
{
    p->busy_poll_ns = ns;
}

void rung_loop_stop(struct rung_platform *p, int status)
{
    if (p->stopped)
        return;
    p->stopped = true;
    p->status = status;
    rung_ground_stop(p);
}

void rung_turn_begin(struct rung_platform *p)
{
    p->now_read = false;
    p->turn_order = p->timers.next_order;
}

bool rung_turn_ready(const struct rung_platform *p)
{
    const struct rung_timer *first = rung_timers_first(&p->timers);
    return p->stopped || rung_tasks_waiting(&p->tasks) || (first && first->due_ns <= p->now_ns);
}

/* Those started in this turn wait for the next one, even if they are due: a timer that starts
 * itself with 0 must not keep the loop from its I/O. They are younger than all others that are due,
 * so the first of them ends the pass. */
static bool turn_timers(struct rung_platform *p)
{
    struct rung_timer *timer;
    bool any = false;
    while (!p->stopped && (timer = rung_timers_first(&p->timers)) != NULL
           && timer->order < p->turn_order && timer->due_ns <= rung_loop_now_ns(p)) {
        timer->active = false;
        rung_timers_remove(&p->timers, timer);
        timer->fn(timer);
        any = true;
    }
    return any;
}

bool rung_turn_end(struct rung_platform *p)
{
    struct rung_task *task;
    bool any = turn_timers(p);
    rung_tasks_start_batch(&p->tasks);
    while (!p->stopped && (task = rung_tasks_take(&p->tasks)) != NULL) {
        task->active = false;
        task->fn(task);
        any = true;
    }
    return any;
}

void rung_run_begin(struct rung_platform *p)
{
    assert(!p->running); /* rung_loop_run() from a callback */
    p->running = true;
}

int rung_run_end(struct rung_platform *p)
{
    int status = p->status;
    p->running = false;
    p->now_read = false;
    p->stopped = false;
    p->status = 0;
    return status;
}

size_t rung_args_count(struct rung_platform *p)
{
    return p->arg_count;
}

const char *rung_args_word(struct rung_platform *p, size_t index)
{
    assert(index < p->arg_count);
    return p->args[index];
}
