/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/image.h - the places that image.lds names, and the way between an address and
 * the memory behind it. Only for the kernel. */
#ifndef RUNG_XEN_IMAGE_H
#define RUNG_XEN_IMAGE_H

#include <stdint.h>

#include "xen/boot/layout.h"

extern char rung_xen_code[], rung_xen_code_end[];
extern char rung_xen_constants[], rung_xen_data[];
extern char rung_xen_sealed[], rung_xen_sealed_end[];
extern char rung_xen_guard[], rung_xen_stack[], rung_xen_stack_end[];
extern char rung_xen_fault_guard[], rung_xen_fault_stack[], rung_xen_fault_stack_end[];
extern char rung_xen_image_end[];
extern char rung_xen_first_tables[], rung_xen_first_tables_end[]; /* entry.S */

/* Bytes of the names that rung-image has put behind the image, see names.h. */
extern const volatile uint32_t rung_xen_symbols_size;

/* For what boot writes and nobody may write afterwards. */
#define XEN_SEALED __attribute__((section(".bss.sealed")))

static inline void *xen_virtual(uint64_t physical)
{
    return (void *)(uintptr_t)(physical + XEN_OFFSET);
}

static inline uint64_t xen_physical(const volatile void *address)
{
    return (uintptr_t)address - XEN_OFFSET;
}

/* The end of the image in memory, symbols included, in whole pages. */
static inline uint64_t xen_image_end(void)
{
    uint64_t end = xen_physical(rung_xen_image_end) + rung_xen_symbols_size;
    return (end + XEN_PAGE_SIZE - 1) & ~(uint64_t)(XEN_PAGE_SIZE - 1);
}

#endif
