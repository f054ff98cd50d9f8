/* SPDX-License-Identifier: ISC */
/* backends/unix/ground.h - the Unix platform from within; only for the files that make it up.
 * Modules include unix.h. */
#ifndef RUNG_UNIX_GROUND_H
#define RUNG_UNIX_GROUND_H

#include <uv.h>

#include "common/platform.h"

struct rung_unix {
    struct rung_platform base;
    uv_loop_t loop;
    uv_prepare_t prepare; /* before the wait; referenced, so that an idle loop waits too */
    uv_check_t check;     /* after the wait: runs timers and tasks */
    uv_idle_t idle;       /* active while the next wait must not block */
    uv_timer_t timer;     /* bounds the wait; it runs nothing itself */
    uv_signal_t signals[2];
    void (*log_take)(const char *line, size_t len); /* instead of standard error; or NULL */
    bool output_lost;  /* something for standard output could not be written */
    uint64_t armed_ns;    /* what timer is set for; UINT64_MAX: not set */
    uint64_t look_until_ns; /* until then the loop does not block: rung_loop_busy_poll() */
    bool had_io;            /* since look_until_ns was set */
    int working;            /* jobs that others are at for us */
    bool workers;           /* libuv's threads are there */
};

static inline struct rung_unix *unix_of(struct rung_platform *p)
{
    return rung_container_of(p, struct rung_unix, base);
}

/* console.c: writes a log line to standard error; struct rung_platform's log_line. */
void rung_unix_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                        size_t len);

/* process.c: makes the process fit for a server; see rung_unix_new(). 0 or an errno. */
int rung_unix_process_init(void);

/* entropy.c: 0, or a libuv error if this host gives no entropy. */
int rung_unix_entropy_check(void);

#endif
