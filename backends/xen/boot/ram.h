/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ram.h - the page allocator behind rung_xen_page_get() and the heap.
 * Model    One bit for each page, set while it is free. Single pages come from the lowest free
 *          address, runs of pages from the highest, so that the long-lived single pages of rings
 *          and pools do not break up what the heap asks for; a hint at either end keeps the search
 *          short. Nothing is written to a page before it is given out, and then it is cleared: a
 *          guest pays for the memory that it uses.
 * Units    Pages of 4 KiB.
 * Owner    The map is the caller's memory, as long as the allocator is used.
 * Context  Any.
 * Errors   NULL: no page, or no run that long. Giving back what is not out asserts. */
#ifndef RUNG_XEN_RAM_H
#define RUNG_XEN_RAM_H

#include "rung/base.h"

struct rung_xen_ram {
    uint8_t *base;   /* the address of page 0 */
    uint64_t *map;   /* a bit for each page, set: free */
    size_t words;    /* of the map */
    size_t low, high; /* no page is free in words below low, nor in high and above */
    size_t free;     /* pages */
};

/* Bytes of the map for so many pages. */
size_t rung_xen_ram_map_bytes(size_t pages);

/* None of the pages is free yet. map: of that many bytes, aligned to 8, any content. */
void rung_xen_ram_init(struct rung_xen_ram *ram, void *base, size_t pages, void *map);

/* Makes pages [first, first + count) free. They are not written to. */
void rung_xen_ram_add(struct rung_xen_ram *ram, size_t first, size_t count);

/* count > 0 pages in a row, zeroed. */
void *rung_xen_ram_get(struct rung_xen_ram *ram, size_t count);

/* Gives pages back, of one get or of several. */
void rung_xen_ram_put(struct rung_xen_ram *ram, void *pages, size_t count);

#endif
