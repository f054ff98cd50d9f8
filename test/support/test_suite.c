/* SPDX-License-Identifier: ISC */
/* test/support/test_suite.c - a generator for choices, and cases of several files as one group. */
#include "test_suite.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "rung/base.h"

#define TEST_SUITE_CASES 256
#define TEST_SUITE_SKIP 77 /* ctest's SKIP_RETURN_CODE */

void test_enter(bool (*enter)(const char **why))
{
    const char *why = "";
    if (!enter || enter(&why))
        return;
    printf("skipped: %s\n", why);
    exit(TEST_SUITE_SKIP);
}

/* xorshift64* (Vigna 2016). */
uint32_t test_chance(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 33) % below;
}

int test_run_group(const char *name, const struct CMUnitTest *const files[], size_t n)
{
    struct CMUnitTest all[TEST_SUITE_CASES];
    size_t count = 0;
    for (size_t f = 0; f < n; f++) {
        for (const struct CMUnitTest *c = files[f]; c->name; c++) {
            assert(count < RUNG_ARRAY_LEN(all));
            all[count++] = *c;
        }
    }
    cmocka_set_test_filter(getenv("RUNG_TEST_CASE"));
    return _cmocka_run_group_tests(name, all, count, NULL, NULL);
}
