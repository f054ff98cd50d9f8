/* SPDX-License-Identifier: ISC */
/* test/support/test_platform.h - one way to get and to run a platform, for tests that run on
 * several.
 * Model    A test links one of test_platform_virtual.c, _unix.c and _xen.c; its own source
 *          does not know which. All calls fail the running cmocka test when something is wrong.
 * Units    Seeds are 64 bits. RUNG_TEST_SEED in the environment replaces the default one, and
 *          RUNG_TEST_LOG (any value) shows the log on standard error as it is written.
 * Owner    Platforms are the test's until test_platform_free().
 * Context  The test's main flow, not a callback, unless a call says otherwise. */
#ifndef TEST_PLATFORM_H
#define TEST_PLATFORM_H

#include "rung/base.h"

/* A platform without arguments, log level info; prints the test's seed. Never NULL. */
struct rung_platform *test_platform_new(void);

/* The same with boot arguments words[0..count), which stay the caller's while it lives. */
struct rung_platform *test_platform_new_args(const char *const words[], size_t count);

/* Frees it, and fails the test if memory of its heap is still allocated. NULL does nothing. */
void test_platform_free(struct rung_platform *p);

/* The seed for a test's own choices: the same in every run unless RUNG_TEST_SEED is set. */
uint64_t test_seed(void);

/* Runs the loop until done(arg), which is asked before the first turn and after each. Fails the
 * test when nothing can happen any more (virtual), after 20 s (unix), or if the loop is stopped. */
void test_run_until(struct rung_platform *p, bool (*done)(void *arg), void *arg);

/* Runs n turns of the loop without blocking and, on the virtual platform, without moving time. */
void test_run_turns(struct rung_platform *p, unsigned n);

/* The last log line written, without its newline; "" if none. Any context. */
const char *test_log_last(struct rung_platform *p);

/* How many lines have been logged since the platform was made. Any context. */
size_t test_log_count(struct rung_platform *p);

/* Makes the n-th allocation from now on give NULL, once (1: the next); n <= 0: none. Any
 * context. */
void test_heap_fail_after(struct rung_platform *p, long n);

/* How many blocks of the platform's heap are allocated. Any context. */
size_t test_heap_blocks(struct rung_platform *p);

#endif
