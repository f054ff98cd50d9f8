/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_sum.c - the sum of everything on the disk: XXH3, 64 bits, from libxxhash's
 * header, which needs nothing but a compiler. It is ten times as fast as a CRC-32C in C, and twice
 * as long. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kvlog_format.h"

uint64_t rung_kvlog_sum(uint64_t seed, const void *bytes, size_t len)
{
    return XXH3_64bits_withSeed(bytes, len, seed);
}

uint64_t rung_kvlog_chance(uint64_t salt, const void *key, size_t len)
{
    return XXH3_64bits_withSeed(key, len, salt);
}
