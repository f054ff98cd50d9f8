/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ranges.h - the memory map, as a list of what is RAM and free.
 * Model    Ranges of guest-physical addresses, in order and apart. Made from the table in the start
 *          information, whose entries may come in any order and overlap; then what is in use is
 *          cut out of it.
 * Units    Bytes; ranges are whole pages, never rounded to more than there is.
 * Owner    The list is the caller's.
 * Context  Boot.
 * Errors   A list that is full drops what is highest: less memory, never wrong memory. */
#ifndef RUNG_XEN_RANGES_H
#define RUNG_XEN_RANGES_H

#include "rung/base.h"

#define RUNG_XEN_RANGES_MAX 32u

struct rung_xen_range {
    uint64_t start, end; /* end > start */
};

struct rung_xen_ranges { /* zeroed: empty */
    struct rung_xen_range at[RUNG_XEN_RANGES_MAX];
    unsigned count;
};

/* Adds what lies wholly inside [start, end) in pages; may touch or overlap what is there. */
void rung_xen_ranges_add(struct rung_xen_ranges *ranges, uint64_t start, uint64_t end);

/* Takes out every page that [start, end) touches. */
void rung_xen_ranges_cut(struct rung_xen_ranges *ranges, uint64_t start, uint64_t end);

/* Keeps the lowest bytes, and drops the rest. */
void rung_xen_ranges_keep(struct rung_xen_ranges *ranges, uint64_t bytes);

uint64_t rung_xen_ranges_bytes(const struct rung_xen_ranges *ranges);

/* The end of the last range; 0 if there is none. */
uint64_t rung_xen_ranges_end(const struct rung_xen_ranges *ranges);

#endif
