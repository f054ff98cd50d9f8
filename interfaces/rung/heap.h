/* SPDX-License-Identifier: ISC */
/* interfaces/rung/heap.h - HEAP: memory that outlives a call.
 * Model    One heap for the program. Modules allocate when they open and per connection or request
 *          in flight; the data path lends and references instead. The virtual platform can refuse
 *          the n-th allocation, for tests.
 * Units    Bytes.
 * Owner    A block is its allocator's caller's, until rung_free().
 * Context  Any callback.
 * Errors   NULL: out of memory; nothing has changed. Every caller handles it. */
#ifndef RUNG_HEAP_H
#define RUNG_HEAP_H

#include "rung/base.h"

/* size > 0. Aligned for any C type; the content is undefined. */
void *rung_alloc(struct rung_platform *p, size_t size);

/* The same, filled with zeros. count * size may not fit in size_t: that gives NULL. */
void *rung_zalloc(struct rung_platform *p, size_t count, size_t size);

/* The same as rung_alloc(), at a multiple of align, a power of two up to 64 KiB. */
void *rung_alloc_aligned(struct rung_platform *p, size_t align, size_t size);

/* Gives back a block of any of the calls above; NULL does nothing. */
void rung_free(struct rung_platform *p, void *block);

/* About how many bytes can still be had, for bounds whose defaults know no machine; UINT64_MAX: the
 * ground cannot tell, as in a process. */
uint64_t rung_heap_left(struct rung_platform *p);

#endif
