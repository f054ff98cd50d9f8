/* SPDX-License-Identifier: ISC */
/* test/apps/tick/tick.c - prints a line each period, "tick 3: 3000 ms, 1767225603 s": how often,
 * the monotonic clock's time since the start, and the wall clock's. */
#include <stdio.h>

#include "rung/clock.h"
#include "rung/log.h"
#include "rung/loop.h"

#include "tick_app.h"

struct tick {
    struct rung_platform *p;
    const struct tick_slots *slots;
    struct rung_timer timer;
    uint64_t start_ns;
    uint32_t count;
};

static void tick_on_timer(struct rung_timer *timer)
{
    struct tick *tick = rung_container_of(timer, struct tick, timer);
    struct rung_platform *p = tick->p;
    uint64_t ms = (rung_clock_monotonic_ns(p) - tick->start_ns) / RUNG_NS_PER_MS;
    uint64_t s = rung_clock_wall_ns(p) / RUNG_NS_PER_S;
    char line[96];
    int n = snprintf(line, sizeof(line), "tick %u: %llu ms, %llu s\n", (unsigned)++tick->count,
                     (unsigned long long)ms, (unsigned long long)s);
    rung_console_write(p, line, (size_t)n);
    if (tick->count == tick_key_count(&tick->slots->keys))
        rung_loop_stop(p, (int)tick_key_status(&tick->slots->keys));
    else
        rung_timer_start(p, timer, tick_key_period(&tick->slots->keys));
}

int tick_main(struct rung_platform *p, const struct tick_slots *slots)
{
    struct tick tick = {.p = p, .slots = slots, .timer = {.fn = tick_on_timer}};
    tick.start_ns = rung_clock_monotonic_ns(p);
    rung_timer_start(p, &tick.timer, tick_key_period(&slots->keys));
    int status = rung_loop_run(p);
    rung_timer_stop(p, &tick.timer);
    return status;
}
