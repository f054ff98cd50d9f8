/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/memory.c - from the memory map that we are given to pages that can be had. */
#include <string.h>

#include "xen/boot/image.h"
#include "xen/boot/paging.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/memory.h>

#define MEMORY_FIRST UINT64_C(0x40000000) /* what entry.S has mapped */
#define MEMORY_SLACK 32u /* pages that are Xen's and the toolstack's, and count as ours */
#define MEMORY_ENTRIES 64u

struct memory_entry { /* as the older call gives the map, which is the PC firmware's own form */
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));

static void memory_add(struct rung_xen_ranges *ranges, bool ram, uint64_t start, uint64_t size)
{
    uint64_t end = size < UINT64_MAX - start ? start + size : UINT64_MAX;
    if (ram)
        rung_xen_ranges_add(ranges, start, end);
    else
        rung_xen_ranges_cut(ranges, start, end);
}

/* All RAM first, then what is not: entries may overlap, and then the doubtful is not used. */
static void memory_read_info(struct rung_xen_ranges *ranges, const struct hvm_start_info *info)
{
    const struct hvm_memmap_table_entry *map = xen_virtual(info->memmap_paddr);
    for (unsigned ram = 2; ram-- > 0;)
        for (uint32_t i = 0; i < info->memmap_entries; i++)
            if ((map[i].type == XEN_HVM_MEMMAP_TYPE_RAM) == ram)
                memory_add(ranges, ram, map[i].addr, map[i].size);
}

/* For a start information of version 0. */
static void memory_ask_xen(struct rung_xen_ranges *ranges)
{
    struct memory_entry map[MEMORY_ENTRIES];
    struct xen_memory_map ask = {.nr_entries = MEMORY_ENTRIES};
    set_xen_guest_handle(ask.buffer, map);
    if (rung_xen_memory_op(XENMEM_memory_map, &ask) != 0)
        return;
    for (unsigned ram = 2; ram-- > 0;)
        for (uint32_t i = 0; i < ask.nr_entries && i < MEMORY_ENTRIES; i++)
            if ((map[i].type == XEN_HVM_MEMMAP_TYPE_RAM) == ram)
                memory_add(ranges, ram, map[i].start, map[i].size);
}

/* A guest that was started with memory < maxmem sees all of it in the map, and ends if it uses more
 * than it has been given: then only so much is used, from below. */
static void memory_limit(struct rung_xen_ground *g, struct rung_xen_ranges *ranges)
{
    domid_t self = DOMID_SELF;
    long pages = rung_xen_memory_op(XENMEM_current_reservation, &self);
    uint64_t bytes = rung_xen_ranges_bytes(ranges);
    if (pages <= 0 || (uint64_t)pages * XEN_PAGE_SIZE >= bytes)
        return;
    uint64_t given = (uint64_t)pages > MEMORY_SLACK
                         ? ((uint64_t)pages - MEMORY_SLACK) * XEN_PAGE_SIZE : 0;
    rung_xen_ranges_keep(ranges, given);
    g->memory_withheld = bytes - given;
}

/* The lowest place for size bytes that entry.S has mapped; 0: none. */
static uint64_t memory_place(const struct rung_xen_ranges *ranges, uint64_t size)
{
    for (unsigned i = 0; i < ranges->count; i++)
        if (ranges->at[i].end - ranges->at[i].start >= size
            && ranges->at[i].start + size <= MEMORY_FIRST)
            return ranges->at[i].start;
    return 0;
}

/* Makes free what is usable, but for the allocator's map and the command line, which stays in
 * place. False: there is no place for the map. */
static bool memory_free(struct rung_xen_ram *ram, struct rung_xen_ranges free,
                        const struct hvm_start_info *info)
{
    uint64_t pages = rung_xen_ranges_end(&free) / XEN_PAGE_SIZE;
    uint64_t size = rung_xen_ram_map_bytes((size_t)pages);
    if (info->cmdline_paddr) {
        const char *line = xen_virtual(info->cmdline_paddr);
        rung_xen_ranges_cut(&free, info->cmdline_paddr, info->cmdline_paddr + strlen(line) + 1);
    }
    uint64_t map = memory_place(&free, size);
    if (!map)
        return false;
    rung_xen_ranges_cut(&free, map, map + size);
    rung_xen_ram_init(ram, xen_virtual(0), (size_t)pages, xen_virtual(map));
    for (unsigned i = 0; i < free.count; i++)
        rung_xen_ram_add(ram, (size_t)(free.at[i].start / XEN_PAGE_SIZE),
                         (size_t)((free.at[i].end - free.at[i].start) / XEN_PAGE_SIZE));
    return true;
}

enum rung_err rung_xen_memory_init(struct rung_xen_ground *g, const struct hvm_start_info *info)
{
    struct rung_xen_ranges usable = {0};
    uint64_t map_end = info->memmap_paddr
                       + info->memmap_entries * sizeof(struct hvm_memmap_table_entry);
    if (info->version >= 1 && info->memmap_entries > 0 && map_end <= MEMORY_FIRST)
        memory_read_info(&usable, info);
    else
        memory_ask_xen(&usable);
    memory_limit(g, &usable);
    rung_xen_ranges_cut(&usable, 0, XEN_PAGE_SIZE);
    rung_xen_ranges_cut(&usable, XEN_LOAD, xen_image_end());
    if (!memory_free(&g->ram, usable, info) || rung_xen_paging_init(&g->ram, &usable)) {
        rung_log(&g->base, RUNG_LOG_ERROR, "xen",
                 "too little memory to start: give the domain more");
        return RUNG_E_NOMEM;
    }
    return RUNG_OK;
}
