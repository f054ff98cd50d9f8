/* SPDX-License-Identifier: ISC */
/* test/support/test_common.h - what both implementations of test_platform.h share. */
#ifndef TEST_COMMON_H
#define TEST_COMMON_H

#include "common/platform.h"

/* Hooks the log, prints the seed, and gives p back; a NULL fails the test. */
struct rung_platform *test_adopt(struct rung_platform *p);

/* Ends the hook, and says how many heap blocks are still allocated. */
size_t test_disown(struct rung_platform *p);

/* Fails the test if the loop has been stopped: nothing would run any more. */
void test_check_running(struct rung_platform *p);

#endif
