/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/mallocng.h - musl's allocator, mallocng, by names of its own: the heap of an
 * image, see heap.c.
 * Model    Small blocks stand in groups of one size, whose pages come from the pages of the
 *          platform and go back when a group is empty; what blocks are made of is written down
 *          apart from them. Blocks from 128 KiB have pages of their own.
 * Units    Bytes.
 * Owner    A block is the caller's until it is given back.
 * Context  The loop's thread.
 * Errors   NULL: no pages. A block that was overrun, given back twice or never given out ends in
 *          rung_xen_mallocng_damaged(), when it is given back. */
#ifndef RUNG_XEN_MALLOCNG_H
#define RUNG_XEN_MALLOCNG_H

#include <stddef.h>

/* Aligned to 16. */
void *rung_xen_mallocng_alloc(size_t size);

/* align: a power of two. */
void *rung_xen_mallocng_alloc_aligned(size_t align, size_t size);

void rung_xen_mallocng_free(void *block);

/* Whether a block that has just been allocated holds nothing but zeros, as its pages do. */
int rung_xen_mallocng_is_zero(void *block);

/* heap.c's. Pages are zeroed; NULL: none. */
void *rung_xen_mallocng_pages_get(size_t count);
void rung_xen_mallocng_pages_put(void *pages, size_t count);
_Noreturn void rung_xen_mallocng_damaged(void);

#endif
