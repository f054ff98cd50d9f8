/* SPDX-License-Identifier: ISC */
/* interfaces/rung/entropy.h - ENTROPY: bytes nobody can guess.
 * Model    Each call fills the buffer with bytes fit for keys, sequence numbers and hash seeds:
 *          getrandom() on Unix, RDRAND/RDSEED and jitter through a generator on Xen. The virtual
 *          platform gives a seeded sequence, the same in every run.
 * Units    Bytes.
 * Owner    The buffer stays the caller's.
 * Context  Any callback. It does not block: a platform without entropy does not start.
 * Errors   None. */
#ifndef RUNG_ENTROPY_H
#define RUNG_ENTROPY_H

#include "rung/base.h"

void rung_entropy_fill(struct rung_platform *p, void *buf, size_t len);

#endif
