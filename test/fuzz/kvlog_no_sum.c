/* SPDX-License-Identifier: ISC */
/* test/fuzz/kvlog_no_sum.c - in place of stacks/kvlog/kvlog_sum.c: every sum is 0, so that zeros
 * are a right one, and a fuzzer gets to what is behind them. Whoever makes a disk can make sums as
 * well. */
#include "kvlog_format.h"

uint64_t rung_kvlog_sum(uint64_t seed, const void *bytes, size_t len)
{
    (void)seed;
    (void)bytes;
    (void)len;
    return 0;
}

/* FNV-1a: the index is to have its levels. */
uint64_t rung_kvlog_chance(uint64_t salt, const void *key, size_t len)
{
    uint64_t x = salt ^ UINT64_C(0xcbf29ce484222325);
    for (const uint8_t *at = key; len-- > 0; at++)
        x = (x ^ *at) * UINT64_C(0x100000001b3);
    return x * UINT64_C(0x9e3779b97f4a7c15);
}
