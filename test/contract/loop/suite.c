/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite.c - runs all groups, and the letters that callbacks write. */
#include "suite.h"

/* The suite asks for more memory than there is; under ASan that shall fail as it does without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void actor_ran(struct suite_actor *actor)
{
    suite_note(actor->trace, actor->letter);
    if (actor->then)
        actor->then(actor);
}

static void actor_on_timer(struct rung_timer *timer)
{
    assert_false(timer->active);
    actor_ran(rung_container_of(timer, struct suite_actor, timer));
}

static void actor_on_task(struct rung_task *task)
{
    assert_false(task->active);
    actor_ran(rung_container_of(task, struct suite_actor, task));
}

void suite_actor_init(struct suite_actor *actor, struct suite_trace *trace, char letter)
{
    *actor = (struct suite_actor){.trace = trace, .letter = letter};
    actor->timer.fn = actor_on_timer;
    actor->task.fn = actor_on_task;
}

int main(void)
{
    int failed = suite_timer() + suite_timeout() + suite_model() + suite_task() + suite_run()
                 + suite_service() + suite_log() + suite_addr() + suite_misuse() + fixture_tests();
    failed += suite_sink(); /* last: it may start threads, see fixture_tests() */
    return failed > 0;
}
