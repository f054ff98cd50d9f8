/* SPDX-License-Identifier: ISC */
/* backends/virtual/virtual.h - the platform of tests: the same in every run.
 * Model    All platform services without a host. Time moves only when the test advances it, or when
 *          rung_loop_run() has nothing due and jumps to the next timer. Entropy is a sequence made
 *          from a seed. Log and console are kept to be read. The heap counts its blocks and can
 *          fail on demand. Several virtual platforms can live side by side.
 * Units    Nanoseconds. The monotonic clock starts at RUNG_VIRTUAL_START_NS, the wall clock at
 *          RUNG_VIRTUAL_WALL_NS (2026-01-01T00:00:00Z).
 * Owner    Texts returned are the platform's, good until the next line is written or it is freed.
 * Context  Outside callbacks unless a call says otherwise.
 * Errors   Misuse asserts. */
#ifndef RUNG_VIRTUAL_H
#define RUNG_VIRTUAL_H

#include <limits.h>

#include "rung/base.h"

#define RUNG_VIRTUAL_START_NS UINT64_C(1000000000)
#define RUNG_VIRTUAL_WALL_NS UINT64_C(1767225600000000000)

/* What rung_loop_run() returns when no timer and no task is left: nothing can ever happen again,
 * and a real platform would block for ever. */
#define RUNG_VIRTUAL_IDLE INT_MIN

/* Time passes for a busy loop too: after so many turns in which it had no reason to move, it moves
 * by 1 ms. So a task that defers itself until a timer runs comes to an end. */
#define RUNG_VIRTUAL_STILL_TURNS 10000

/* NULL: out of memory. The seed determines every byte of entropy. */
struct rung_platform *rung_virtual_new(uint64_t seed);

/* Frees the platform. Blocks still allocated are not freed: a leak checker finds them. */
void rung_virtual_free(struct rung_platform *p);

/* Sets the boot arguments; words[0..count) stay the caller's and must outlive their use. */
void rung_virtual_set_args(struct rung_platform *p, const char *const words[], size_t count);

/* Runs one turn of the loop at the present time: due timers, then waiting tasks. Whether any
 * ran. */
bool rung_virtual_turn(struct rung_platform *p);

/* Moves time to the next timer if nothing is due, and runs one turn: what rung_loop_run() does over
 * and over. False, and no turn, if nothing can ever happen. */
bool rung_virtual_step(struct rung_platform *p);

/* Whether nothing can ever happen: no timer is active and no task waits. Any context. */
bool rung_virtual_idle(struct rung_platform *p);

/* Lets ns pass, running every timer on the way at its own due time, and all tasks. Returns early
 * when rung_loop_stop() is called, with the time as it is then. */
void rung_virtual_advance_ns(struct rung_platform *p, uint64_t ns);

/* Moves the clocks on without running anything, as a slow callback would. Any context; the loop's
 * own time follows on its next turn. */
void rung_virtual_skip_ns(struct rung_platform *p, uint64_t ns);

/* Sets the wall clock, which may step either way. Any context. */
void rung_virtual_set_wall_ns(struct rung_platform *p, uint64_t wall_ns);

/* Everything logged so far, each line with its newline; never NULL. The oldest is dropped beyond
 * RUNG_VIRTUAL_KEEP bytes. Any context. */
#define RUNG_VIRTUAL_KEEP 65536
const char *rung_virtual_log(struct rung_platform *p);

/* The same for the console; *len, unless NULL, is how many bytes (there may be NULs among them). */
const char *rung_virtual_console(struct rung_platform *p, size_t *len);

/* What has been written to the sink of that name; *len is 0, and the result perhaps NULL, if it was
 * never opened. Good until the sink is written again. Any context. */
const uint8_t *rung_virtual_sink(struct rung_platform *p, const char *name, size_t *len);
bool rung_virtual_sink_is_open(struct rung_platform *p, const char *name);

/* Makes writes to sinks wait, and lets them go on. Any context. */
void rung_virtual_sinks_stall(struct rung_platform *p, bool on);

/* Makes every call for a sink give err, and nothing be written; RUNG_OK: no more. Any context. */
void rung_virtual_sinks_fail(struct rung_platform *p, enum rung_err err);

/* How many heap blocks are allocated. Any context. */
size_t rung_virtual_heap_blocks(struct rung_platform *p);

/* How many bytes they have, and the most that they had since this was last called. Any context. */
size_t rung_virtual_heap_bytes(struct rung_platform *p);
size_t rung_virtual_heap_most(struct rung_platform *p);

/* Makes the n-th allocation from now on give NULL, once (1: the next); n <= 0: none. Any
 * context. */
void rung_virtual_heap_fail_after(struct rung_platform *p, long n);

/* What rung_heap_left() says from now on, which bounds nothing; 0: that it cannot tell. Any
 * context. */
void rung_virtual_heap_say_left(struct rung_platform *p, uint64_t bytes);

#endif
