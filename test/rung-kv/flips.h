/* SPDX-License-Identifier: ISC */
/* test/rung-kv/flips.h - which bytes of a store mean something. */
#ifndef KVLOG_FLIPS_H
#define KVLOG_FLIPS_H

#include <stddef.h>
#include <stdint.h>

/* Reads the store as docs/reference/kvlog-format.md says, knowing nothing of stacks/kvlog. used[i]
 * is 1 where byte i means something; 0: the bytes are no store that was closed, and whole. */
int flips_map(const uint8_t *bytes, size_t len, uint8_t *used);

#endif
