/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_port.c - the functions that lwIP calls: memory, time, chance. lwIP hands them
 * nothing to know us by, so the one stack that is open is kept here, in the only writable static of
 * ours in this folder (lwIP's own globals are why there can be no second stack). */
#include "lwip_int.h"

#include "rung/clock.h"
#include "rung/entropy.h"

#include "lwip/sys.h"

#define PORT_RESERVE 16u /* that part of the memory is not for new connections */

static struct lwip_core *port_core;

bool rung_lwip_port_begin(struct lwip_core *core)
{
    if (port_core)
        return false;
    port_core = core;
    return true;
}

void rung_lwip_port_end(void)
{
    port_core = NULL;
}

struct lwip_core *rung_lwip_port_core(void)
{
    return port_core;
}

/* In front of each block. */
union port_head {
    struct {
        size_t size;            /* of all, for the bound */
        union port_head *next; /* of the same class, while it is not in use */
    } block;
    max_align_t align;
};

/* A segment costs three small blocks, made and freed again within a round trip: those that come
 * back are kept for the next. With sanitizers on they are not (core.cmake), to be watched each. */
static unsigned port_class(size_t all)
{
    return (unsigned)((all + LWIP_CACHE_STEP - 1) / LWIP_CACHE_STEP);
}

static union port_head *port_cached(struct lwip_core *core, size_t all)
{
    unsigned class = port_class(all);
    if (class >= LWIP_CACHE_CLASSES || !core->cache[class])
        return NULL;
    union port_head *head = core->cache[class];
    core->cache[class] = head->block.next;
    core->cached -= head->block.size;
    return head;
}

uint64_t rung_lwip_port_left(const struct lwip_core *core)
{
    return core->max_memory - core->memory + core->cached;
}

bool rung_lwip_port_is_short(const struct lwip_core *core)
{
    return rung_lwip_port_left(core) < core->max_memory / PORT_RESERVE;
}

void *rung_lwip_port_alloc(size_t size)
{
    struct lwip_core *core = port_core;
    size_t all = sizeof(union port_head) + size;
    union port_head *head = port_cached(core, all);
    if (head)
        return head + 1;
    if (port_class(all) < LWIP_CACHE_CLASSES)
        all = port_class(all) * LWIP_CACHE_STEP;
    if (core->memory + all > core->max_memory && core->cached)
        rung_lwip_port_trim(core); /* what is kept in other sizes must not starve this one */
    if (core->memory + all > core->max_memory)
        return NULL;
    head = rung_alloc(core->p, all);
    if (!head)
        return NULL;
    head->block.size = all;
    core->memory += all;
    return head + 1;
}

void *rung_lwip_port_zalloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size)
        return NULL;
    void *block = rung_lwip_port_alloc(count * size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

static void port_give(struct lwip_core *core, union port_head *head)
{
    core->memory -= head->block.size;
    rung_free(core->p, head);
}

void rung_lwip_port_free(void *block)
{
    struct lwip_core *core = port_core;
    union port_head *head = (union port_head *)block - 1;
    unsigned class = port_class(head->block.size);
    if (class >= LWIP_CACHE_CLASSES || core->cached >= RUNG_LWIP_CACHE) {
        port_give(core, head);
        return;
    }
    head->block.next = core->cache[class];
    core->cache[class] = head;
    core->cached += head->block.size;
}

void rung_lwip_port_trim(struct lwip_core *core)
{
    for (unsigned class = 0; class < LWIP_CACHE_CLASSES; class++) {
        union port_head *head;
        while ((head = core->cache[class])) {
            core->cache[class] = head->block.next;
            port_give(core, head);
        }
    }
    core->cached = 0;
}

/* Fetched in batches: one system call serves sixteen connections. */
uint32_t rung_lwip_port_random(void)
{
    struct lwip_core *core = port_core;
    if (!core->random_left) {
        rung_entropy_fill(core->p, core->random, sizeof(core->random));
        core->random_left = RUNG_ARRAY_LEN(core->random);
    }
    return core->random[--core->random_left];
}

u32_t sys_now(void)
{
    return (u32_t)(rung_loop_now_ns(port_core->p) / RUNG_NS_PER_MS);
}

void sys_init(void)
{
}
