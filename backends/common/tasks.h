/* SPDX-License-Identifier: ISC */
/* backends/common/tasks.h - the deferred calls of a loop, first come first served.
 * Model    Two lists through struct rung_task: those that wait for the next turn, and the batch of
 *          the present one. A task deferred by a task joins the first, so that I/O and timers get
 *          their turn in between.
 * Units    None.
 * Owner    Tasks are the caller's and stay in place while they wait.
 * Context  The loop's thread.
 * Errors   None. */
#ifndef RUNG_COMMON_TASKS_H
#define RUNG_COMMON_TASKS_H

#include "rung/loop.h"

struct rung_tasks { /* zeroed: empty */
    struct rung_task *batch;
    struct rung_task *first; /* waiting; last is good only if there is one */
    struct rung_task *last;
};

/* task is not in any queue. */
static inline void rung_tasks_add(struct rung_tasks *tasks, struct rung_task *task)
{
    task->next = NULL;
    if (tasks->first)
        tasks->last->next = task;
    else
        tasks->first = task;
    tasks->last = task;
}

/* task is in this queue. */
void rung_tasks_remove(struct rung_tasks *tasks, struct rung_task *task);

/* Makes all that wait the batch of this turn. What a stopped turn left in the batch comes first. */
void rung_tasks_start_batch(struct rung_tasks *tasks);

/* Takes the next of the batch out, or gives NULL. */
static inline struct rung_task *rung_tasks_take(struct rung_tasks *tasks)
{
    struct rung_task *task = tasks->batch;
    if (task)
        tasks->batch = task->next;
    return task;
}

static inline bool rung_tasks_waiting(const struct rung_tasks *tasks)
{
    return tasks->first || tasks->batch;
}

#endif
