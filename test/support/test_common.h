/* SPDX-License-Identifier: ISC */
/* test/support/test_common.h - what the implementations of test_platform.h share. */
#ifndef TEST_COMMON_H
#define TEST_COMMON_H

#include "common/platform.h"

/* Hooks the log, prints the seed, and gives p back; a NULL fails the test. */
struct rung_platform *test_adopt(struct rung_platform *p);

/* Ends the hook, and says how many heap blocks are still allocated. */
size_t test_disown(struct rung_platform *p);

/* Fails the test if the loop has been stopped: nothing would run any more. */
void test_check_running(struct rung_platform *p);

/* test_turns.c, for grounds where time is real: a turn of the loop, and a log_line that drops
 * it. */
void test_turn(struct rung_platform *p, bool wait);
void test_log_nowhere(struct rung_platform *p, enum rung_log_level level, const char *text,
                      size_t len);

/* What such a ground's file has for it: its part of a turn, and how long a test may wait. */
void test_ground_turn(struct rung_platform *p, bool wait);
extern const uint64_t test_ground_limit_ns;

#endif
