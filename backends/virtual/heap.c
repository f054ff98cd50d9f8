/* SPDX-License-Identifier: ISC */
/* backends/virtual/heap.c - heap.h on malloc(), so that valgrind and the sanitizers see every
 * block. Fresh blocks are filled with a pattern: code that counts on zeros fails in every run. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/platform.h"
#include "rung/heap.h"
#include "virtual/heap.h"
#include "virtual/virtual.h"

#define HEAP_FRESH 0xa5

static void *heap_counted(struct rung_platform *p, void *block)
{
    struct virtual_heap *heap = rung_virtual_heap(p);
    heap->bytes += malloc_usable_size(block);
    if (heap->bytes > heap->most)
        heap->most = heap->bytes;
    return rung_heap_counted(p, block);
}

void *rung_alloc(struct rung_platform *p, size_t size)
{
    return rung_alloc_aligned(p, _Alignof(max_align_t), size);
}

void *rung_zalloc(struct rung_platform *p, size_t count, size_t size)
{
    assert(count > 0 && size > 0);
    if (count > SIZE_MAX / size) /* calloc() sees it too, but the sanitizers' one ends there */
        return NULL;
    return rung_heap_admit(p) ? heap_counted(p, calloc(count, size)) : NULL;
}

void *rung_alloc_aligned(struct rung_platform *p, size_t align, size_t size)
{
    void *block;
    assert(size > 0 && align > 0 && (align & (align - 1)) == 0 && align <= 65536);
    if (align < _Alignof(max_align_t)) /* posix_memalign() wants at least a pointer's */
        align = _Alignof(max_align_t);
    if (!rung_heap_admit(p) || posix_memalign(&block, align, size) != 0)
        return NULL;
    memset(block, HEAP_FRESH, size);
    return heap_counted(p, block);
}

void rung_free(struct rung_platform *p, void *block)
{
    p->heap_blocks -= block != NULL;
    rung_virtual_heap(p)->bytes -= malloc_usable_size(block);
    free(block);
}

size_t rung_virtual_heap_blocks(struct rung_platform *p)
{
    return p->heap_blocks;
}

size_t rung_virtual_heap_bytes(struct rung_platform *p)
{
    return rung_virtual_heap(p)->bytes;
}

size_t rung_virtual_heap_most(struct rung_platform *p)
{
    struct virtual_heap *heap = rung_virtual_heap(p);
    size_t most = heap->most;
    heap->most = heap->bytes;
    return most;
}

void rung_virtual_heap_fail_after(struct rung_platform *p, long n)
{
    p->heap_fail_after = n;
}

uint64_t rung_heap_left(struct rung_platform *p)
{
    uint64_t left = rung_virtual_heap(p)->left;
    return left ? left : UINT64_MAX;
}

void rung_virtual_heap_say_left(struct rung_platform *p, uint64_t bytes)
{
    rung_virtual_heap(p)->left = bytes;
}
