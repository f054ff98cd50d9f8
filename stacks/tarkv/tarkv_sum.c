/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_sum.c - see tarkv_sum.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tarkv_sum.h"

enum { SUM_ALIGN = 64 /* as xxhash.h asks */ };

struct rung_tarkv_sum {
    XXH3_state_t state;
};

struct rung_tarkv_sum *rung_tarkv_sum_new(struct rung_platform *p)
{
    return rung_alloc_aligned(p, SUM_ALIGN, sizeof(struct rung_tarkv_sum));
}

void rung_tarkv_sum_begin(struct rung_tarkv_sum *sum)
{
    XXH3_INITSTATE(&sum->state);
    XXH3_128bits_reset(&sum->state);
}

void rung_tarkv_sum_add(struct rung_tarkv_sum *sum, const void *bytes, size_t len)
{
    XXH3_128bits_update(&sum->state, bytes, len);
}

void rung_tarkv_sum_end(const struct rung_tarkv_sum *sum, uint64_t out[2])
{
    XXH128_hash_t hash = XXH3_128bits_digest(&sum->state);
    out[0] = hash.high64;
    out[1] = hash.low64;
}
