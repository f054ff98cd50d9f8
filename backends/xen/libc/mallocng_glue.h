/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/mallocng_glue.h - what musl's allocator stands on, in the place of its own
 * glue.h: the compiler includes it in front of each of its files, where glue.h then finds its guard
 * taken. There are no threads, no system calls, and no address space apart from memory: a mapping
 * is pages of ours. */
#ifndef MALLOC_GLUE_H
#define MALLOC_GLUE_H

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "xen/libc/mallocng.h"

#define malloc rung_xen_mallocng_alloc
#define free rung_xen_mallocng_free
#define aligned_alloc rung_xen_mallocng_alloc_aligned
#define is_allzero rung_xen_mallocng_is_zero
#define alloc_meta rung_xen_mallocng_meta
#define size_classes rung_xen_mallocng_classes
#define ctx rung_xen_mallocng_context
#define DISABLE_ALIGNED_ALLOC 0

/* Each of its assertions is about what it finds in and around a block: they stay in all builds. */
#undef assert
#define assert(x) \
    do { \
        if (!(x)) \
            rung_xen_mallocng_damaged(); \
    } while (0)

#undef PAGESIZE
#define PAGESIZE 4096
#define brk(p) ((uintptr_t)-1) /* there is none */
#define mmap(address, len, prot, flags, fd, offset) rung_xen_mallocng_map(len, prot)
#define munmap(base, len) rung_xen_mallocng_unmap(base, len)
#define mprotect(address, len, prot) 0
#define madvise(address, len, advice) ((void)(address), (void)(len))
#define get_random_secret() rung_xen_mallocng_secret()

void *rung_xen_mallocng_map(size_t len, int prot);
void rung_xen_mallocng_unmap(void *base, size_t len);
uint64_t rung_xen_mallocng_secret(void);

#define MT 0
#define RDLOCK_IS_EXCLUSIVE 1
#define LOCK_OBJ_DEF extern int rung_xen_mallocng_no_lock
#define rdlock()
#define wrlock()
#define unlock()
#define upgradelock()

static inline int a_cas(volatile int *p, int expected, int value)
{
    int old = *p;
    if (old == expected)
        *p = value;
    return old;
}

static inline void a_or(volatile int *p, int bits)
{
    *p |= bits;
}

static inline int a_ctz_32(uint32_t x)
{
    return __builtin_ctz(x);
}

static inline int a_clz_32(uint32_t x)
{
    return __builtin_clz(x);
}

#endif
