/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_memory.c - see kvd_memory.h. */
#include "kvd_memory.h"

#define MEMORY_SPARES 4096u /* of each kind; a flood's memory goes back to the heap behind it */

void kvd_give(struct kvd_memory *m, struct kvd_pool *pool, void *thing)
{
    if (pool->count >= MEMORY_SPARES) {
        rung_free(m->p, thing);
        return;
    }
    *(void **)thing = pool->first;
    pool->first = thing;
    pool->count++;
}

void kvd_memory_init(struct kvd_memory *m, struct rung_platform *p, uint64_t query_max,
                     uint64_t reply_max)
{
    *m = (struct kvd_memory){.p = p, .query_max = query_max, .reply_max = reply_max};
    m->holds.size = sizeof(struct kvd_hold);
}

static void memory_empty(struct kvd_memory *m, struct kvd_pool *pool)
{
    while (pool->first != NULL) {
        void *thing = pool->first;
        pool->first = *(void **)thing;
        rung_free(m->p, thing);
    }
    pool->count = 0;
}

void kvd_memory_end(struct kvd_memory *m)
{
    memory_empty(m, &m->holds);
    memory_empty(m, &m->cmds);
    memory_empty(m, &m->keys);
    memory_empty(m, &m->reads);
    memory_empty(m, &m->pieces);
    memory_empty(m, &m->chunks);
}

struct kvd_hold *kvd_hold_lent(struct kvd_memory *m, struct rung_buf *buf)
{
    struct kvd_hold *hold = kvd_take(m, &m->holds);
    if (hold != NULL)
        *hold = (struct kvd_hold){.refs = 1, .buf = buf};
    return hold;
}

struct kvd_hold *kvd_hold_own(struct kvd_memory *m, size_t room)
{
    struct kvd_hold *hold = rung_alloc(m->p, sizeof *hold + room);
    if (hold != NULL)
        *hold = (struct kvd_hold){.refs = 1};
    return hold;
}

void kvd_hold_end(struct kvd_memory *m, struct kvd_hold *hold)
{
    if (hold->charged > 0)
        kvd_reply_give(m, hold->charged);
    if (hold->end != NULL) {
        hold->end(m, hold);
    } else if (hold->buf == NULL) {
        rung_free(m->p, hold);
    } else {
        rung_buf_release(hold->buf);
        kvd_give(m, &m->holds, hold);
    }
}
