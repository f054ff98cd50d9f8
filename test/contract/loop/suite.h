/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite.h - the contract of the platform services: loop.h, timeout.h, clock.h,
 * entropy.h, log.h, sink.h, heap.h, args.h and addr.h. A platform is entered by a
 * fixture_<platform>.c, which supplies what is declared first, and by linking the test_platform.h
 * of that platform. */
#ifndef LOOP_SUITE_H
#define LOOP_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "rung/loop.h"
#include "test_platform.h"

/* Lets at least ns pass on the monotonic clock, inside a callback or outside, without a turn. */
void fixture_pass_ns(struct rung_platform *p, uint64_t ns);

/* Collects what the console shows between begin and end: the first room - 1 bytes of it and a NUL
 * in text. Returns how many. Less than a pipe holds. */
void fixture_console_begin(struct rung_platform *p);
size_t fixture_console_end(struct rung_platform *p, char *text, size_t room);

/* Whether a program can have one platform only. */
extern const bool fixture_one_platform;

/* The name of a sink, NULL if this platform has no sinks; what it holds, room bytes of it at most;
 * and its end, if that takes something. One at a time. */
const char *fixture_sink_name(struct rung_platform *p);
size_t fixture_sink_read(struct rung_platform *p, uint8_t *bytes, size_t room);
void fixture_sink_end(struct rung_platform *p);

/* The tests of what this platform promises beyond the interfaces. Number of failed tests. */
int fixture_tests(void);

/* The groups of the suite; each returns its number of failed tests. */
int suite_timer(void);
int suite_timeout(void);
int suite_model(void);
int suite_task(void);
int suite_run(void);
int suite_service(void);
int suite_log(void);
int suite_sink(void);
int suite_addr(void);
int suite_misuse(void);

/* A small generator for the suite's own choices: 0 <= result < below. */
static inline unsigned suite_random(uint64_t *state, unsigned below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((*state >> 33) % below);
}

/* What callbacks of a test write down: letters, in the order they ran. */
struct suite_trace {
    struct rung_platform *p;
    char text[64];
    size_t len;
    size_t want; /* suite_traced() is true from this length on */
};

static inline void suite_note(struct suite_trace *trace, char letter)
{
    assert_true(trace->len + 1 < sizeof(trace->text));
    trace->text[trace->len++] = letter;
    trace->text[trace->len] = '\0';
}

static inline bool suite_traced(void *arg)
{
    struct suite_trace *trace = arg;
    return trace->len >= trace->want;
}

/* Runs the loop until the trace is as long as text, and a few turns more, and compares. */
static inline void suite_expect(struct suite_trace *trace, const char *text)
{
    trace->want = 0;
    while (text[trace->want])
        trace->want++;
    test_run_until(trace->p, suite_traced, trace);
    test_run_turns(trace->p, 4);
    assert_string_equal(trace->text, text);
}

/* A timer, a task and an operation that write their letter. then, if set, runs after that. */
struct suite_actor {
    struct suite_trace *trace;
    char letter;
    struct rung_timer timer;
    struct rung_task task;
    void (*then)(struct suite_actor *actor);
    struct suite_actor *other; /* for then */
};

void suite_actor_init(struct suite_actor *actor, struct suite_trace *trace, char letter);

#endif
