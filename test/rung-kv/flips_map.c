/* SPDX-License-Identifier: ISC */
/* test/rung-kv/flips_map.c - another reader of the format, written from its description. */
#include "flips.h"

#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t map_number(const uint8_t *at, unsigned bytes)
{
    uint64_t number = 0;
    while (bytes-- > 0)
        number = number << 8 | at[bytes];
    return number;
}

static const uint8_t *map_super(const uint8_t *bytes)
{
    const uint8_t *best = NULL;
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = bytes + 4096u * i;
        if (memcmp(at, "rung-kv\n", 8) != 0
            || map_number(at + 504, 8) != XXH3_64bits_withSeed(at, 504, 0))
            continue;
        if (!best || map_number(at + 16, 8) > map_number(best + 16, 8))
            best = at;
    }
    return best;
}

/* A group's header at a place, out of the ring. */
static void map_copy(const uint8_t *ring, uint64_t ring_len, uint64_t place, uint8_t *to,
                     size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = ring[(place + i) % ring_len];
}

int flips_map(const uint8_t *bytes, size_t len, uint8_t *used)
{
    const uint8_t *super = len > 8192 ? map_super(bytes) : NULL;
    if (!super || map_number(super + 8, 4) != 1 || !(map_number(super + 52, 4) & 1))
        return 0;
    uint64_t unit = map_number(super + 12, 4), ring_len = map_number(super + 40, 8);
    uint64_t head = map_number(super + 64, 8), tail = map_number(super + 72, 8);
    uint64_t salt = XXH3_64bits_withSeed(super + 24, 16, 0);
    if (8192 + ring_len > len)
        return 0;
    memset(used, 0, len);
    memset(used, 1, 512);
    memset(used + 4096, 1, 512);
    for (uint64_t place = tail; place < head;) {
        uint8_t group[48];
        map_copy(bytes + 8192, ring_len, place, group, sizeof(group));
        uint64_t seed = salt ^ place * UINT64_C(0x9e3779b97f4a7c15);
        uint64_t group_len = map_number(group + 24, 8);
        if (map_number(group, 8) != XXH3_64bits_withSeed(group + 8, 40, seed)
            || map_number(group + 8, 4) != 0x676b7672 || map_number(group + 16, 8) != place
            || group_len > head - place)
            return 0;
        for (uint64_t i = 0; i < group_len; i++)
            used[8192 + (place + i) % ring_len] = 1;
        place += (group_len + unit - 1) / unit * unit;
    }
    return 1;
}
