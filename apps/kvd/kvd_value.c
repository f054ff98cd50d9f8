/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_value.c - see kvd_value.h. No text in UTF-8 ends in 0xf4 or 0xf5, so that texts
 * have no tail unless they expire. */
#include "kvd_value.h"

#define TAIL_PLAIN 0xf4u
#define TAIL_EXPIRES 0xf5u

struct kvd_tail kvd_tail_make(uint8_t last, size_t len, uint64_t expiry_ms)
{
    struct kvd_tail tail = {0};
    if (expiry_ms > 0) {
        for (unsigned i = 0; i < 8; i++)
            tail.bytes[i] = (uint8_t)(expiry_ms >> (8 * i));
        tail.bytes[8] = TAIL_EXPIRES;
        tail.len = KVD_TAIL_MAX;
    } else if (len > 0 && (last == TAIL_PLAIN || last == TAIL_EXPIRES)) {
        tail.bytes[0] = TAIL_PLAIN;
        tail.len = 1;
    }
    return tail;
}

unsigned kvd_tail_read(const uint8_t *last, size_t n, uint64_t *expiry_ms)
{
    uint64_t ms = 0;
    *expiry_ms = 0;
    if (n > 0 && last[n - 1] == TAIL_PLAIN)
        return 1;
    if (n < KVD_TAIL_MAX || last[n - 1] != TAIL_EXPIRES)
        return 0;
    for (unsigned i = 0; i < 8; i++)
        ms |= (uint64_t)last[n - KVD_TAIL_MAX + i] << (8 * i);
    if (ms == 0 || ms > INT64_MAX)
        return 0;
    *expiry_ms = ms;
    return KVD_TAIL_MAX;
}
