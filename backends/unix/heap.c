/* SPDX-License-Identifier: ISC */
/* backends/unix/heap.c - heap.h on malloc(), so that valgrind and the sanitizers see every
 * block. */
#include <stdlib.h>

#include "rung/heap.h"
#include "unix/ground.h"

void *rung_alloc(struct rung_platform *p, size_t size)
{
    assert(size > 0);
    return rung_heap_admit(p) ? rung_heap_counted(p, malloc(size)) : NULL;
}

void *rung_zalloc(struct rung_platform *p, size_t count, size_t size)
{
    assert(count > 0 && size > 0);
    if (count > SIZE_MAX / size) /* calloc() sees it too, but the sanitizers' one ends there */
        return NULL;
    return rung_heap_admit(p) ? rung_heap_counted(p, calloc(count, size)) : NULL;
}

void *rung_alloc_aligned(struct rung_platform *p, size_t align, size_t size)
{
    void *block;
    assert(size > 0 && align > 0 && (align & (align - 1)) == 0 && align <= 65536);
    if (!rung_heap_admit(p))
        return NULL;
    if (align < _Alignof(max_align_t)) /* posix_memalign() wants at least a pointer's */
        align = _Alignof(max_align_t);
    return posix_memalign(&block, align, size) == 0 ? rung_heap_counted(p, block) : NULL;
}

void rung_free(struct rung_platform *p, void *block)
{
    p->heap_blocks -= block != NULL;
    free(block);
}

uint64_t rung_heap_left(struct rung_platform *p)
{
    (void)p;
    return UINT64_MAX;
}
