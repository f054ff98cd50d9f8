/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/rx_pool.c - see rx_pool.h. */
#include "rx_pool.h"

#include "rung/clock.h"
#include "rung/heap.h"

#define RX_RETRY_NS (100 * RUNG_NS_PER_MS) /* the heap said no: ask again after this */

static const struct {
    size_t bytes;
    unsigned keep; /* free blocks kept for the next read */
} rx_sizes[] = {
    [RUNG_RX_SMALL] = {RUNG_RX_SMALL_BYTES, 64},
    [RUNG_RX_BIG] = {RUNG_RX_BIG_BYTES, 16},
};

struct rung_rx_pool {
    struct rung_platform *p;
    uint64_t limit, lent;
    uint64_t least; /* what one read takes at least */
    struct {
        struct rung_rx_block *first; /* linked by buf.next */
        unsigned count;
    } free[RUNG_ARRAY_LEN(rx_sizes)];
    struct rung_rx_waiter *first, **end;
    unsigned waiting;
    void (*wake)(struct rung_rx_waiter *waiter);
    struct rung_task task;   /* blocks came back */
    struct rung_timer retry; /* the heap may have room again */
    bool orphan;             /* the stack is gone */
};

static uint64_t rx_cost(enum rung_rx_size size)
{
    return sizeof(struct rung_rx_block) + rx_sizes[size].bytes;
}

static bool rx_room(const struct rung_rx_pool *pool, uint64_t cost)
{
    return pool->lent + cost <= pool->limit;
}

/* Each gets one go, in order, until the pool is dry again. Those who find it so wait anew, behind
 * the others: counting keeps that from going round for ever while the heap refuses. */
static void rx_wake(struct rung_rx_pool *pool)
{
    for (unsigned n = pool->waiting; n > 0 && pool->first && rx_room(pool, pool->least); n--) {
        struct rung_rx_waiter *waiter = pool->first;
        rung_rx_unwait(pool, waiter);
        pool->wake(waiter);
    }
}

static void rx_task(struct rung_task *task)
{
    rx_wake(rung_container_of(task, struct rung_rx_pool, task));
}

static void rx_retry(struct rung_timer *timer)
{
    rx_wake(rung_container_of(timer, struct rung_rx_pool, retry));
}

static struct rung_rx_block *rx_block_new(struct rung_rx_pool *pool, enum rung_rx_size size)
{
    struct rung_rx_block *block = rung_alloc(pool->p, (size_t)rx_cost(size));
    if (block) {
        block->pool = pool;
        block->size = size;
    }
    return block;
}

/* One small block is there from the start and never goes back to the heap while the pool lives:
 * when others have used the heap up, connections still take turns with it, and their ends are
 * seen. */
static bool rx_reserve(struct rung_rx_pool *pool)
{
    struct rung_rx_block *block = rx_block_new(pool, RUNG_RX_SMALL);
    if (!block)
        return false;
    block->buf.next = NULL;
    pool->free[RUNG_RX_SMALL].first = block;
    pool->free[RUNG_RX_SMALL].count = 1;
    return true;
}

struct rung_rx_pool *rung_rx_pool_new(struct rung_platform *p, uint64_t limit,
                                      enum rung_rx_size least,
                                      void (*wake)(struct rung_rx_waiter *waiter))
{
    assert(limit >= RUNG_RX_LIMIT_MIN);
    struct rung_rx_pool *pool = rung_zalloc(p, 1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->p = p;
    if (!rx_reserve(pool)) {
        rung_free(p, pool);
        return NULL;
    }
    pool->limit = limit;
    pool->least = rx_cost(RUNG_RX_SMALL);
    if (least == RUNG_RX_BIG)
        pool->least += rx_cost(RUNG_RX_BIG);
    pool->wake = wake;
    pool->end = &pool->first;
    pool->task.fn = rx_task;
    pool->retry.fn = rx_retry;
    return pool;
}

static void rx_end(struct rung_rx_pool *pool)
{
    if (pool->orphan && pool->lent == 0)
        rung_free(pool->p, pool);
}

void rung_rx_pool_free(struct rung_rx_pool *pool)
{
    assert(!pool->first);
    rung_loop_undefer(pool->p, &pool->task);
    rung_timer_stop(pool->p, &pool->retry);
    for (size_t size = 0; size < RUNG_ARRAY_LEN(rx_sizes); size++) {
        while (pool->free[size].first) {
            struct rung_rx_block *block = pool->free[size].first;
            pool->free[size].first = (struct rung_rx_block *)(void *)block->buf.next;
            rung_free(pool->p, block);
        }
    }
    pool->orphan = true;
    rx_end(pool);
}

struct rung_rx_block *rung_rx_get(struct rung_rx_pool *pool, enum rung_rx_size size)
{
    struct rung_rx_block *block = pool->free[size].first;
    if (!rx_room(pool, rx_cost(size)))
        return NULL;
    if (block) {
        pool->free[size].first = (struct rung_rx_block *)(void *)block->buf.next;
        pool->free[size].count--;
    } else {
        block = rx_block_new(pool, size);
        if (!block)
            return NULL;
    }
    pool->lent += rx_cost(size);
    return block;
}

void rung_rx_put(struct rung_rx_block *block)
{
    struct rung_rx_pool *pool = block->pool;
    enum rung_rx_size size = block->size;
    pool->lent -= rx_cost(size);
    if (pool->orphan || pool->free[size].count == rx_sizes[size].keep) {
        rung_free(pool->p, block);
    } else {
        block->buf.next = (struct rung_buf *)(void *)pool->free[size].first;
        pool->free[size].first = block;
        pool->free[size].count++;
    }
    if (pool->first)
        rung_loop_defer(pool->p, &pool->task);
    rx_end(pool);
}

void rung_rx_wait(struct rung_rx_pool *pool, struct rung_rx_waiter *waiter)
{
    assert(!waiter->link);
    waiter->next = NULL;
    waiter->link = pool->end;
    *pool->end = waiter;
    pool->end = &waiter->next;
    pool->waiting++;
    /* The limit is lifted by blocks that come back. The heap tells nobody. */
    if (rx_room(pool, pool->least) && !pool->retry.active)
        rung_timer_start(pool->p, &pool->retry, RX_RETRY_NS);
}

void rung_rx_unwait(struct rung_rx_pool *pool, struct rung_rx_waiter *waiter)
{
    if (!waiter->link)
        return;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    else
        pool->end = waiter->link;
    waiter->link = NULL;
    pool->waiting--;
}
