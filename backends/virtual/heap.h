/* SPDX-License-Identifier: ISC */
/* backends/virtual/heap.h - how many bytes of a virtual platform's heap are allocated. */
#ifndef RUNG_VIRTUAL_HEAP_H
#define RUNG_VIRTUAL_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct rung_platform;

struct virtual_heap {
    size_t bytes; /* as malloc() rounds them up */
    size_t most;  /* since rung_virtual_heap_most() */
    uint64_t left; /* what rung_heap_left() says; 0: that it cannot tell */
};

struct virtual_heap *rung_virtual_heap(struct rung_platform *p);

#endif
