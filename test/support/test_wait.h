/* SPDX-License-Identifier: ISC */
/* test/support/test_wait.h - running the loop while something that does not wake it goes on: a peer
 * in the kernel, on the other side of a tap.
 * Model    A timer ends each wait of the loop after a millisecond, and then it is asked whether the
 *          condition holds. No case depends on how long a thing takes, only on that it comes.
 * Units    Milliseconds, of the platform's clock.
 * Owner    Nothing is kept between calls.
 * Context  The test's main flow. All calls fail the running cmocka test when something is wrong. */
#ifndef TEST_WAIT_H
#define TEST_WAIT_H

#include "rung/base.h"

/* Runs the loop until done(arg), asking each millisecond; fails the test after 20 s. */
void test_wait(struct rung_platform *p, bool (*done)(void *arg), void *arg);

/* Runs the loop for a while in which something could happen that must not; it must not spin. */
void test_settle(struct rung_platform *p);

/* Runs the loop for so long. */
void test_pause(struct rung_platform *p, unsigned ms);

#endif
