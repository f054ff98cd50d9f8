/* SPDX-License-Identifier: ISC */
/* backends/virtual/platform.c - the loop, the clocks and the entropy of tests. There is no I/O, so
 * a turn is due timers and then tasks, and with nothing due time jumps to the next timer. */
#include <stdlib.h>

#include "common/platform.h"
#include "rung/clock.h"
#include "rung/entropy.h"
#include "virtual/heap.h"
#include "virtual/record.h"
#include "virtual/sink.h"
#include "virtual/virtual.h"

struct rung_virtual {
    struct rung_platform base;
    uint64_t time_ns;
    uint64_t wall_offset_ns; /* wall clock minus time_ns, modulo 2^64 */
    uint64_t entropy;        /* state of splitmix64 */
    unsigned still_turns;    /* turns with work since time last moved */
    struct virtual_record log, console;
    struct virtual_sinks sinks;
    struct virtual_heap heap;
};

static struct rung_virtual *virtual_of(struct rung_platform *p)
{
    return rung_container_of(p, struct rung_virtual, base);
}

static void virtual_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                             size_t len)
{
    (void)level;
    rung_virtual_record_add(&virtual_of(p)->log, text, len);
}

struct rung_platform *rung_virtual_new(uint64_t seed)
{
    struct rung_virtual *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    rung_platform_init(&v->base, virtual_log_line);
    v->time_ns = RUNG_VIRTUAL_START_NS;
    v->wall_offset_ns = RUNG_VIRTUAL_WALL_NS - RUNG_VIRTUAL_START_NS;
    v->entropy = seed;
    return &v->base;
}

void rung_virtual_free(struct rung_platform *p)
{
    if (!p)
        return;
    assert(!p->running);
    rung_virtual_record_free(&virtual_of(p)->log);
    rung_virtual_record_free(&virtual_of(p)->console);
    rung_virtual_sinks_free(&virtual_of(p)->sinks);
    free(virtual_of(p));
}

struct virtual_heap *rung_virtual_heap(struct rung_platform *p)
{
    return &virtual_of(p)->heap;
}

struct virtual_sinks *rung_virtual_sinks(struct rung_platform *p)
{
    return &virtual_of(p)->sinks;
}

void rung_virtual_set_args(struct rung_platform *p, const char *const words[], size_t count)
{
    p->args = words;
    p->arg_count = count;
}

uint64_t rung_ground_now_ns(struct rung_platform *p)
{
    return virtual_of(p)->time_ns;
}

void rung_ground_stop(struct rung_platform *p)
{
    (void)p; /* the loops below look at p->stopped */
}

static bool virtual_turn(struct rung_platform *p)
{
    rung_turn_begin(p);
    return rung_turn_end(p);
}

bool rung_virtual_idle(struct rung_platform *p)
{
    return !rung_tasks_waiting(&p->tasks) && !rung_timers_first(&p->timers);
}

bool rung_virtual_turn(struct rung_platform *p)
{
    rung_run_begin(p);
    bool any = virtual_turn(p);
    p->running = false; /* not rung_run_end(): a stop waits for rung_loop_run() to report it */
    p->now_read = false;
    return any;
}

static bool virtual_due(const struct rung_virtual *v)
{
    const struct rung_timer *first = rung_timers_first(&v->base.timers);
    return rung_tasks_waiting(&v->base.tasks) || (first && first->due_ns <= v->time_ns);
}

/* Before a turn: lets time pass, to end_ns at most, if nothing is due or the loop has been busy for
 * long without any. Whether the turn will have something to do. */
static bool virtual_pass(struct rung_virtual *v, uint64_t end_ns)
{
    const struct rung_timer *first = rung_timers_first(&v->base.timers);
    uint64_t next_ns = first ? first->due_ns : end_ns;
    if (virtual_due(v)) {
        if (++v->still_turns < RUNG_VIRTUAL_STILL_TURNS)
            return true;
        next_ns = v->time_ns + RUNG_NS_PER_MS;
    } else if (!first) {
        return false;
    }
    if (next_ns > end_ns || next_ns < v->time_ns) /* the latter at the end of all time */
        return false;
    v->still_turns = 0;
    v->time_ns = next_ns;
    return true;
}

bool rung_virtual_step(struct rung_platform *p)
{
    if (!virtual_pass(virtual_of(p), UINT64_MAX))
        return false;
    rung_virtual_turn(p);
    return true;
}

int rung_loop_run(struct rung_platform *p)
{
    rung_run_begin(p);
    while (!p->stopped) {
        if (virtual_pass(virtual_of(p), UINT64_MAX))
            virtual_turn(p);
        else
            rung_loop_stop(p, RUNG_VIRTUAL_IDLE);
    }
    return rung_run_end(p);
}

void rung_virtual_advance_ns(struct rung_platform *p, uint64_t ns)
{
    struct rung_virtual *v = virtual_of(p);
    uint64_t end_ns = ns < UINT64_MAX - v->time_ns ? v->time_ns + ns : UINT64_MAX;
    while (!p->stopped && virtual_pass(v, end_ns))
        rung_virtual_turn(p);
    if (!p->stopped && end_ns > v->time_ns) /* a callback may have skipped past the end */
        v->time_ns = end_ns;
}

void rung_virtual_skip_ns(struct rung_platform *p, uint64_t ns)
{
    virtual_of(p)->time_ns += ns;
}

void rung_virtual_set_wall_ns(struct rung_platform *p, uint64_t wall_ns)
{
    virtual_of(p)->wall_offset_ns = wall_ns - virtual_of(p)->time_ns;
}

const char *rung_virtual_log(struct rung_platform *p)
{
    return virtual_of(p)->log.text ? virtual_of(p)->log.text : "";
}

const char *rung_virtual_console(struct rung_platform *p, size_t *len)
{
    if (len)
        *len = virtual_of(p)->console.len;
    return virtual_of(p)->console.text ? virtual_of(p)->console.text : "";
}

void rung_console_write(struct rung_platform *p, const char *text, size_t len)
{
    rung_virtual_record_add(&virtual_of(p)->console, text, len);
}

uint64_t rung_clock_monotonic_ns(struct rung_platform *p)
{
    return virtual_of(p)->time_ns;
}

uint64_t rung_clock_wall_ns(struct rung_platform *p)
{
    return virtual_of(p)->time_ns + virtual_of(p)->wall_offset_ns;
}

/* splitmix64 (Steele, Lea, Flood 2014): a few lines, passes the usual tests, any seed will do. A
 * call that ends within a word drops the rest of it. */
void rung_entropy_fill(struct rung_platform *p, void *buf, size_t len)
{
    unsigned char *bytes = buf;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) {
            word = virtual_of(p)->entropy += UINT64_C(0x9e3779b97f4a7c15);
            word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
            word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
            word ^= word >> 31;
        }
        bytes[i] = (unsigned char)(word >> (i % 8 * 8));
    }
}
