/* SPDX-License-Identifier: ISC */
/* backends/common/tasks.c - the parts of the task queue that run seldom. */
#include "common/tasks.h"

/* Takes task out of the list. *before is the one in front of it, or NULL. Whether it was there. */
static bool tasks_unlink(struct rung_task **list, struct rung_task *task, struct rung_task **before)
{
    *before = NULL;
    for (struct rung_task **link = list; *link; link = &(*link)->next) {
        if (*link == task) {
            *link = task->next;
            return true;
        }
        *before = *link;
    }
    return false;
}

void rung_tasks_remove(struct rung_tasks *tasks, struct rung_task *task)
{
    struct rung_task *before;
    if (tasks_unlink(&tasks->first, task, &before)) {
        if (tasks->last == task)
            tasks->last = before;
        return;
    }
    bool found = tasks_unlink(&tasks->batch, task, &before);
    assert(found);
    (void)found;
}

void rung_tasks_start_batch(struct rung_tasks *tasks)
{
    struct rung_task **end = &tasks->batch;
    while (*end)
        end = &(*end)->next;
    *end = tasks->first;
    tasks->first = NULL;
}
