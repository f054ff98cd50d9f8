/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/names.h - the names of all functions, packed behind the image by rung-image
 * (tool/) and looked up in a backtrace; and how
 * large the frame of each is on the stack.
 * Model    Byte pairs: what stands side by side most often in names becomes one code, again and
 *          again, as Linux does with its symbols. The table:
 *            the number of letters, and that many letters; the first is the zero that ends a name
 *            the number of pairs, and that many pairs of codes
 *            for each function, in the order of addresses: how far it lies behind the one before,
 *            its frame in words (both base-128, least significant first), and its name in codes
 *          A code below the number of letters is that letter; each above stands for a pair, of
 *          letters or of pairs again. Without a name it is still the function before, which makes
 *          its calls with another frame from here on.
 * Units    Bytes; places count from the start of the code.
 * Owner    The table stays the caller's.
 * Context  Any: reads the table alone. One that is damaged is read to where the damage is.
 * Errors   Not found. */
#ifndef RUNG_XEN_NAMES_H
#define RUNG_XEN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_XEN_NAME 64u /* longer names are cut to this, the zero included */

struct rung_xen_name {
    char text[RUNG_XEN_NAME];
    uint64_t place; /* where the function begins */
    uint64_t frame; /* from the stack pointer at calls to behind the return address; 0: unknown */
};

/* The last function that begins at or before a place, with its frame there. */
bool rung_xen_names_find(const uint8_t *table, size_t size, uint64_t place,
                         struct rung_xen_name *found);

#endif
