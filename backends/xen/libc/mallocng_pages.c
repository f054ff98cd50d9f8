/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/mallocng_pages.c - mappings for mallocng, made of pages. Compiled with its
 * glue, as its own files are. */
#include "meta.h"

#define PAGE 4096u

static size_t pages_of(size_t len)
{
    return (len + PAGE - 1) / PAGE;
}

/* A mapping that may not be used yet is mallocng's wish for pages for its own records: the first
 * stays a guard, the others come to life one by one and never go back, and it wishes for twice as
 * many each time. A guard here would be a page of memory, and so would each page kept for later: it
 * gets what follows the guard, and is made to ask for no more than one page next time. */
void *rung_xen_mallocng_map(size_t len, int prot)
{
    size_t guards = prot == PROT_NONE;
    char *pages = rung_xen_mallocng_pages_get(pages_of(len) - guards);
    if (!pages)
        return MAP_FAILED;
    if (guards)
        ctx.meta_alloc_shift = SIZE_MAX; /* about to be counted up */
    return pages - guards * PAGE;
}

void rung_xen_mallocng_unmap(void *base, size_t len)
{
    rung_xen_mallocng_pages_put(base, pages_of(len));
}

/* What marks its records, so that an overrun that meets them cannot pass for one by chance. The
 * counter's low bits differ from boot to boot. */
uint64_t rung_xen_mallocng_secret(void)
{
    return __builtin_ia32_rdtsc() * UINT64_C(0x9e3779b97f4a7c15) | 1;
}
