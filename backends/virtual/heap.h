/* SPDX-License-Identifier: ISC */
/* backends/virtual/heap.h - how many bytes of a virtual platform's heap are allocated. */
#ifndef RUNG_VIRTUAL_HEAP_H
#define RUNG_VIRTUAL_HEAP_H

#include <stddef.h>

struct rung_platform;

struct virtual_heap {
    size_t bytes; /* as malloc() rounds them up */
    size_t most;  /* since rung_virtual_heap_most() */
};

struct virtual_heap *rung_virtual_heap(struct rung_platform *p);

#endif
