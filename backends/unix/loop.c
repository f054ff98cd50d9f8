/* SPDX-License-Identifier: ISC */
/* backends/unix/loop.c - the platform and its loop, on libuv. One turn of libuv's loop is one turn
 * of ours: prepare begins it, libuv polls and runs the callbacks of I/O, check ends it. So what an
 * I/O callback defers runs in the same turn, and what a task defers runs after the next poll. The
 * only system call of a turn is libuv's poll. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "rung/clock.h"
#include "unix/ground.h"
#include "unix/unix.h"

static void unix_noop_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void unix_on_timer(uv_timer_t *timer)
{
    rung_container_of(timer, struct rung_unix, timer)->armed_ns = UINT64_MAX;
}

/* Bounds the wait by the first timer. If the bound is already nearer than that, it stays: waking
 * once for nothing is cheaper than setting it whenever a time-out is moved, at each request. libuv
 * counts whole milliseconds and may wake up to one early by our clock; then the rest, rounded up,
 * is waited for too, so nothing is early and nothing spins. */
static void unix_bound_wait(struct rung_unix *u)
{
    const struct rung_timer *first = rung_timers_first(&u->base.timers);
    if (!first) {
        if (u->armed_ns != UINT64_MAX)
            uv_timer_stop(&u->timer);
        u->armed_ns = UINT64_MAX;
        return;
    }
    if (first->due_ns >= u->armed_ns)
        return;
    uint64_t now = uv_hrtime();
    uint64_t wait = first->due_ns > now ? first->due_ns - now : 0;
    uint64_t wait_ms = wait / RUNG_NS_PER_MS + (wait % RUNG_NS_PER_MS != 0);
    uv_timer_start(&u->timer, unix_on_timer, wait_ms, 0);
    u->armed_ns = first->due_ns;
}

/* Whether to look again rather than to block: the last I/O was a moment ago. */
static bool unix_look_again(struct rung_unix *u)
{
    if (u->base.busy_poll_ns == 0 || u->working > 0)
        return false;
    uint64_t now = uv_hrtime();
    if (u->had_io)
        u->look_until_ns = now + u->base.busy_poll_ns;
    u->had_io = false;
    return now < u->look_until_ns;
}

static void unix_on_prepare(uv_prepare_t *prepare)
{
    struct rung_unix *u = rung_container_of(prepare, struct rung_unix, prepare);
    rung_turn_begin(&u->base);
    if (rung_turn_ready(&u->base) || unix_look_again(u)) {
        uv_idle_start(&u->idle, unix_noop_idle); /* does nothing if it is active */
        return;
    }
    uv_idle_stop(&u->idle);
    unix_bound_wait(u);
}

static void unix_on_check(uv_check_t *check)
{
    rung_turn_end(&rung_container_of(check, struct rung_unix, check)->base);
}

/* The first signal asks; whoever signs twice does not want to wait for what we are closing. The
 * handlers are one-shot as well, for a loop that is stuck in a callback. */
static void unix_on_signal(uv_signal_t *handle, int signum)
{
    struct rung_platform *p = handle->data;
    struct rung_unix *u = unix_of(p);
    (void)signum;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(u->signals); i++)
        uv_signal_stop(&u->signals[i]);
    rung_loop_stop(p, 0);
}

static int unix_start(struct rung_unix *u)
{
    static const int signums[] = {SIGINT, SIGTERM};
    int err;
    uv_prepare_init(&u->loop, &u->prepare); /* these four cannot fail */
    uv_check_init(&u->loop, &u->check);
    uv_idle_init(&u->loop, &u->idle);
    uv_timer_init(&u->loop, &u->timer);
    uv_prepare_start(&u->prepare, unix_on_prepare);
    uv_check_start(&u->check, unix_on_check);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(signums); i++) {
        err = uv_signal_init(&u->loop, &u->signals[i]);
        if (err)
            return err;
        u->signals[i].data = &u->base;
        err = uv_signal_start_oneshot(&u->signals[i], unix_on_signal, signums[i]);
        if (err)
            return err;
    }
    return 0;
}

/* Closing what a module left open would free memory that is not ours, so it stays: a leak is the
 * mildest end of that bug, and leak checkers name the culprit. */
static void unix_end(struct rung_unix *u)
{
    uv_handle_t *own[] = {(uv_handle_t *)&u->prepare, (uv_handle_t *)&u->check,
                          (uv_handle_t *)&u->idle, (uv_handle_t *)&u->timer,
                          (uv_handle_t *)&u->signals[0], (uv_handle_t *)&u->signals[1]};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(own); i++)
        if (own[i]->loop) /* it was initialised: unix_start() may have stopped half-way */
            uv_close(own[i], NULL);
    for (int turns = 0; turns < 4 && uv_run(&u->loop, UV_RUN_NOWAIT); turns++)
        ; /* closing takes one turn; a signal that was just caught, one more */
    if (uv_loop_close(&u->loop) == 0)
        free(u);
    else
        fprintf(stderr, "error: unix: a module left something open on the loop (a bug: its close "
                        "must end all its handles)\n");
}

struct rung_platform *rung_unix_new(int argc, const char *const argv[])
{
    int err = rung_unix_process_init();
    if (err) {
        fprintf(stderr, "error: unix: cannot set up the process: %s\n", uv_strerror(-err));
        return NULL;
    }
    err = rung_unix_entropy_check();
    if (err) {
        fprintf(stderr, "error: unix: no random numbers: %s; allow getrandom() or provide "
                        "/dev/urandom\n", uv_strerror(err));
        return NULL;
    }
    struct rung_unix *u = calloc(1, sizeof(*u));
    err = u ? uv_loop_init(&u->loop) : UV_ENOMEM;
    if (err) {
        fprintf(stderr, "error: unix: cannot make an event loop: %s\n", uv_strerror(err));
        free(u);
        return NULL;
    }
    rung_platform_init(&u->base, rung_unix_log_line);
    u->base.args = argv + 1;
    u->base.arg_count = argc > 1 ? (size_t)argc - 1 : 0;
    u->armed_ns = UINT64_MAX;
    err = unix_start(u);
    if (err) {
        fprintf(stderr, "error: unix: cannot catch signals: %s\n", uv_strerror(err));
        unix_end(u);
        return NULL;
    }
    return &u->base;
}

void rung_unix_free(struct rung_platform *p)
{
    if (!p)
        return;
    assert(!p->running);
    unix_end(unix_of(p));
}

bool rung_unix_output_lost(struct rung_platform *p)
{
    return unix_of(p)->output_lost;
}

struct uv_loop_s *rung_unix_loop(struct rung_platform *p)
{
    return &unix_of(p)->loop;
}

void rung_unix_had_io(struct rung_platform *p)
{
    unix_of(p)->had_io = true;
}

void rung_unix_working(struct rung_platform *p, int more)
{
    unix_of(p)->working += more;
    assert(unix_of(p)->working >= 0);
}

uint64_t rung_ground_now_ns(struct rung_platform *p)
{
    (void)p;
    return uv_hrtime();
}

void rung_ground_stop(struct rung_platform *p)
{
    uv_stop(&unix_of(p)->loop);
}

int rung_loop_run(struct rung_platform *p)
{
    rung_run_begin(p);
    while (!p->stopped) /* uv_run() comes back only when it is stopped: prepare is referenced */
        uv_run(&unix_of(p)->loop, UV_RUN_DEFAULT);
    return rung_run_end(p);
}
