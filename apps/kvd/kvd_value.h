/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_value.h - how a value and its expiry are one value of the store.
 * Model    A value is stored as it is, so that every other reader of the store sees what was set. A
 *          few bytes behind it, the *tail*, say more where there is more to say: when it expires;
 *          or only that it has a tail, if its own last byte could be taken for one.
 *              expires: value, 8 bytes (milliseconds since 1970, little-endian), 0xf5
 *              else, if the last byte is 0xf4 or 0xf5: value, 0xf4
 *              else: value
 *          What ends in 0xf5 and is shorter than a tail, or would expire at no time there is, is
 *          a value without one: another program has set it.
 * Units    Bytes; milliseconds since 1970-01-01T00:00:00Z, 1 to INT64_MAX; 0: never expires.
 * Owner    Nothing is kept.
 * Context  Any.
 * Errors   None. */
#ifndef KVD_VALUE_H
#define KVD_VALUE_H

#include "rung/base.h"

#define KVD_TAIL_MAX 9u

struct kvd_tail {
    uint8_t len;
    uint8_t bytes[KVD_TAIL_MAX];
};

/* The tail for a value that ends in `last` (any, if len is 0). */
struct kvd_tail kvd_tail_make(uint8_t last, size_t len, uint64_t expiry_ms);

/* Reads the last bytes of what is stored: n of them, all of it or at least KVD_TAIL_MAX. Gives the
 * length of the tail. */
unsigned kvd_tail_read(const uint8_t *last, size_t n, uint64_t *expiry_ms);

#endif
