/* SPDX-License-Identifier: ISC */
/* backends/xen/heap.c - heap.h on musl's mallocng over the platform's pages. Why that one:
 * docs/decisions/0008-xen-libc.md. */
#include <string.h>

#include "common/platform.h"
#include "rung/heap.h"
#include "xen/hypercall.h"
#include "xen/libc/libc.h"
#include "xen/libc/mallocng.h"

/* mallocng is one for the program, as the memory is, and its calls carry nothing: whose pages it
 * gets is known here alone. */
static struct rung_platform *heap_platform;

void *rung_xen_mallocng_pages_get(size_t count)
{
    return rung_xen_pages_get(heap_platform, count);
}

void rung_xen_mallocng_pages_put(void *pages, size_t count)
{
    rung_xen_pages_put(heap_platform, pages, count);
}

void rung_xen_mallocng_damaged(void)
{
    rung_xen_crash("heap: a block was written past its end, freed twice, or is none");
}

static bool heap_admit(struct rung_platform *p)
{
    heap_platform = p;
    return rung_heap_admit(p);
}

void *rung_alloc(struct rung_platform *p, size_t size)
{
    assert(size > 0);
    return heap_admit(p) ? rung_heap_counted(p, rung_xen_mallocng_alloc(size)) : NULL;
}

void *rung_zalloc(struct rung_platform *p, size_t count, size_t size)
{
    void *block;
    assert(count > 0 && size > 0);
    if (count > SIZE_MAX / size || !heap_admit(p))
        return NULL;
    block = rung_xen_mallocng_alloc(count * size);
    if (block && !rung_xen_mallocng_is_zero(block))
        memset(block, 0, count * size);
    return rung_heap_counted(p, block);
}

void *rung_alloc_aligned(struct rung_platform *p, size_t align, size_t size)
{
    assert(size > 0 && align > 0 && (align & (align - 1)) == 0 && align <= 65536);
    return heap_admit(p) ? rung_heap_counted(p, rung_xen_mallocng_alloc_aligned(align, size))
                         : NULL;
}

void rung_free(struct rung_platform *p, void *block)
{
    heap_platform = p;
    p->heap_blocks -= block != NULL;
    rung_xen_mallocng_free(block);
}

/* Without what mallocng keeps in parts of pages. */
uint64_t rung_heap_left(struct rung_platform *p)
{
    return (uint64_t)rung_xen_pages_left(p) * RUNG_XEN_PAGE;
}
