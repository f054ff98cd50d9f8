/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_text.h - the keys of net-fault that one value or two can be given for.
 * Model    "1%" is for both directions, "1%/0.05%" for sent and received frames.
 * Units    Millionths for shares: percent with up to four decimals. Nanoseconds; whole us, ms or s
 *          in the text.
 * Owner    Nothing is kept.
 * Errors   false: the text does not read so; value is undefined. */
#ifndef RUNG_FAULT_TEXT_H
#define RUNG_FAULT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { RUNG_FAULT_TX, RUNG_FAULT_RX, RUNG_FAULT_WAYS };

#define RUNG_FAULT_ALWAYS 1000000u          /* millionths */
#define RUNG_FAULT_LONGEST_NS UINT64_C(3600000000000) /* an hour: no delay is longer */

bool rung_fault_share(const char *text, uint32_t value[RUNG_FAULT_WAYS]);
bool rung_fault_time(const char *text, uint64_t value[RUNG_FAULT_WAYS]);

#endif
