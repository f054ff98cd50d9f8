/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/paging.h - the one address space.
 * Model    Everything at its guest-physical address plus XEN_OFFSET: code readable and executable,
 *          constants and symbols readable, all else writable and not executable; nothing at page
 *          zero, nor under the stacks. The page tables, and what .sealed holds, are read-only once
 *          boot is over.
 * Units    Guest-physical bytes; frames of 4 KiB.
 * Owner    The tables are the kernel's, for good.
 * Context  Boot; rung_xen_map() also later.
 * Errors   NOMEM: there is no page for a table. */
#ifndef RUNG_XEN_PAGING_H
#define RUNG_XEN_PAGING_H

#include "xen/boot/ram.h"
#include "xen/boot/ranges.h"

/* Makes the tables for the image and for usable memory, of pages of ram, and switches to them. */
enum rung_err rung_xen_paging_init(struct rung_xen_ram *ram, const struct rung_xen_ranges *usable);

/* Makes the tables and the .sealed section read-only. */
void rung_xen_paging_seal(void);

/* Maps a frame that is no memory of ours (a ring of the toolstack's) at its place, writable. NULL:
 * no page is left for a table. */
void *rung_xen_map(struct rung_xen_ram *ram, uint64_t frame);

#endif
