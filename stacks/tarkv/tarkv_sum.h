/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_sum.h - the sum of a value's bytes: XXH3 with 128 bits, from libxxhash's
 * header; only for the files of tarkv. */
#ifndef RUNG_TARKV_SUM_H
#define RUNG_TARKV_SUM_H

#include "rung/heap.h"

struct rung_tarkv_sum; /* a sum that is being made */

struct rung_tarkv_sum *rung_tarkv_sum_new(struct rung_platform *p); /* NULL: no memory */
void rung_tarkv_sum_begin(struct rung_tarkv_sum *sum);
void rung_tarkv_sum_add(struct rung_tarkv_sum *sum, const void *bytes, size_t len);
void rung_tarkv_sum_end(const struct rung_tarkv_sum *sum, uint64_t out[2]);

#endif
