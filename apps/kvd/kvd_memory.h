/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_memory.h - what kvd holds in memory, and how much of it there may be.
 * Model    Three budgets, in bytes. The *query* budget pays for long commands: it is reserved
 *          before their bytes are taken in. Each connection has KVD_SMALL bytes outside of it. The
 *          *reply* budget pays for values read and replies not yet taken. The *work* budget is for
 *          the commands themselves, until their replies are out, or kept and paid for. New commands
 *          wait while either of these two is used up. A *hold* is a run of bytes with a count of
 *          those who point into it: what TCP or the store has lent, or our own.
 * Units    Bytes.
 * Owner    Things taken from a pool go back to it; the pools are emptied at the end.
 * Context  The loop.
 * Errors   NULL or false: no memory, or no room in the budget; nothing has changed. */
#ifndef KVD_MEMORY_H
#define KVD_MEMORY_H

#include "rung/buf.h"
#include "rung/heap.h"

#define KVD_SMALL 16384u /* bytes of a command that need no reservation */

/* Free things of one size, for reuse: in the steady state nothing is allocated. */
struct kvd_pool {
    void *first; /* linked through their first word */
    unsigned count;
    size_t size;
};

struct kvd_memory {
    struct rung_platform *p;
    uint64_t query_used, query_max;
    uint64_t reply_used, reply_max;
    uint64_t work_used, work_max;
    struct kvd_pool holds, cmds, keys, reads, pieces, chunks;
};

struct kvd_hold {
    uint32_t refs;
    uint32_t filled, room; /* of a value that grows in place: see APPEND; else 0 */
    uint64_t charged;     /* of the reply budget, given back at the end */
    struct rung_buf *buf; /* lent by TCP; NULL: see end, or the bytes are behind this structure */
    void (*end)(struct kvd_memory *m, struct kvd_hold *hold); /* instead; NULL: as buf says */
};

/* Some bytes, and what keeps them where they are. */
struct kvd_bytes {
    const uint8_t *at; /* good for as long as hold is; any, if len is 0 */
    size_t len;
    struct kvd_hold *hold; /* NULL: len is 0, or the bytes are a constant */
};

static inline uint8_t *kvd_hold_bytes(struct kvd_hold *hold)
{
    return (uint8_t *)(hold + 1);
}

static inline void *kvd_take(struct kvd_memory *m, struct kvd_pool *pool)
{
    void *thing = pool->first;
    if (thing == NULL)
        return rung_alloc(m->p, pool->size);
    pool->first = *(void **)thing;
    pool->count--;
    return thing;
}

void kvd_give(struct kvd_memory *m, struct kvd_pool *pool, void *thing);

/* query_max, reply_max: the budgets. The caller sets that of work and the sizes of the pools. */
void kvd_memory_init(struct kvd_memory *m, struct rung_platform *p, uint64_t query_max,
                     uint64_t reply_max);
void kvd_memory_end(struct kvd_memory *m);

/* A hold with one reference: for a lent buffer, or with room for so many bytes. */
struct kvd_hold *kvd_hold_lent(struct kvd_memory *m, struct rung_buf *buf);
struct kvd_hold *kvd_hold_own(struct kvd_memory *m, size_t room);
void kvd_hold_end(struct kvd_memory *m, struct kvd_hold *hold); /* no references are left */

static inline void kvd_hold_drop(struct kvd_memory *m, struct kvd_hold *hold)
{
    if (--hold->refs == 0)
        kvd_hold_end(m, hold);
}

/* One reference more to the same bytes. */
static inline struct kvd_bytes kvd_bytes_ref(struct kvd_bytes bytes)
{
    if (bytes.hold != NULL)
        bytes.hold->refs++;
    return bytes;
}

static inline void kvd_bytes_drop(struct kvd_memory *m, struct kvd_bytes *bytes)
{
    if (bytes->hold != NULL)
        kvd_hold_drop(m, bytes->hold);
    *bytes = (struct kvd_bytes){0};
}

static inline bool kvd_query_take(struct kvd_memory *m, uint64_t bytes)
{
    if (bytes > m->query_max || m->query_used > m->query_max - bytes)
        return false;
    m->query_used += bytes;
    return true;
}

static inline void kvd_query_give(struct kvd_memory *m, uint64_t bytes)
{
    m->query_used -= bytes;
}

/* What is there already is never refused: only new commands wait. */
static inline void kvd_reply_take(struct kvd_memory *m, uint64_t bytes)
{
    m->reply_used += bytes;
}

static inline void kvd_reply_give(struct kvd_memory *m, uint64_t bytes)
{
    m->reply_used -= bytes;
}

static inline bool kvd_reply_full(const struct kvd_memory *m)
{
    return m->reply_used >= m->reply_max;
}

/* Lets the hold pay for bytes until its end. */
static inline void kvd_hold_charge(struct kvd_memory *m, struct kvd_hold *hold, uint64_t bytes)
{
    hold->charged += bytes;
    kvd_reply_take(m, bytes);
}

/* What it has paid for is not there after all, or comes to another sum. */
static inline void kvd_hold_refund(struct kvd_memory *m, struct kvd_hold *hold)
{
    kvd_reply_give(m, hold->charged);
    hold->charged = 0;
}

#endif
