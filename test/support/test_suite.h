/* SPDX-License-Identifier: ISC */
/* test/support/test_suite.h - what every contract suite needs around its cases.
 * Model    A suite's cases stand in several files, each ending with a NULL name; together they are
 *          one cmocka group. Chance is a generator whose state the case keeps, from test_seed().
 * Owner    Nothing is kept between calls.
 * Context  The test's main flow. */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Asks a fixture for what the program needs of its host; NULL: nothing. If it is not here, says why
 * and ends the program as skipped (77). */
void test_enter(bool (*enter)(const char **why));

/* The next number of the sequence, below a bound > 0. *state is not 0. */
uint32_t test_chance(uint64_t *state, uint32_t below);

/* Runs the cases of n files as one group; how many failed. RUNG_TEST_CASE in the environment picks
 * some by name, with * and ?. */
int test_run_group(const char *name, const struct CMUnitTest *const files[], size_t n);

#endif
