/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/paging.c - see paging.h. Tables come from the lowest pages there are, which are
 * next to the image and so mapped one by one: that is what allows to seal them. */
#include "xen/boot/paging.h"

#include "xen/boot/cpu.h"
#include "xen/boot/image.h"

#define PAGE_PRESENT UINT64_C(1)
#define PAGE_WRITABLE UINT64_C(2)
#define PAGE_USED UINT64_C(0x60) /* accessed and dirty: the processor need not write them */
#define PAGE_LARGE UINT64_C(0x80)
#define PAGE_NX (UINT64_C(1) << 63)
#define PAGE_FRAME UINT64_C(0x000ffffffffff000)

#define PAGE_CODE (PAGE_PRESENT | PAGE_USED)
#define PAGE_CONSTANT (PAGE_CODE | PAGE_NX)
#define PAGE_DATA (PAGE_CONSTANT | PAGE_WRITABLE)
#define PAGE_TABLE (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USED)

#define PAGING_LEVELS 4u
#define PAGING_LARGE_SIZE UINT64_C(0x200000)

#define CR0_WP (UINT64_C(1) << 16)

XEN_SEALED static uint64_t *paging_root; /* the table that cr3 names */

static uint64_t *paging_slot(uint64_t *table, unsigned level, uint64_t address)
{
    return &table[(address >> (12 + 9 * (level - 1))) & 511];
}

/* The table behind a slot, made if there is none yet. */
static uint64_t *paging_next(struct rung_xen_ram *ram, uint64_t *slot)
{
    if (!(*slot & PAGE_PRESENT)) {
        void *fresh = rung_xen_ram_get(ram, 1);
        if (!fresh)
            return NULL;
        *slot = xen_physical(fresh) | PAGE_TABLE;
    }
    return xen_virtual(*slot & PAGE_FRAME);
}

/* Maps [start, end), whole pages, by large ones where they fit. */
static enum rung_err paging_map(struct rung_xen_ram *ram, uint64_t start, uint64_t end,
                                uint64_t flags)
{
    while (start < end) {
        uint64_t address = start + XEN_OFFSET;
        uint64_t *table = paging_root;
        unsigned level = PAGING_LEVELS;
        bool large = start % PAGING_LARGE_SIZE == 0 && end - start >= PAGING_LARGE_SIZE;
        for (; table && level > (large ? 2u : 1u); level--)
            table = paging_next(ram, paging_slot(table, level, address));
        if (!table)
            return RUNG_E_NOMEM;
        *paging_slot(table, level, address) = start | flags | (large ? PAGE_LARGE : 0);
        start += large ? PAGING_LARGE_SIZE : XEN_PAGE_SIZE;
    }
    return RUNG_OK;
}

static enum rung_err paging_map_image(struct rung_xen_ram *ram)
{
    const struct {
        uint64_t start, end, flags;
    } parts[] = {
        {xen_physical(rung_xen_code), xen_physical(rung_xen_constants), PAGE_CODE},
        {xen_physical(rung_xen_constants), xen_physical(rung_xen_data), PAGE_CONSTANT},
        {xen_physical(rung_xen_data), xen_physical(rung_xen_guard), PAGE_DATA},
        {xen_physical(rung_xen_stack), xen_physical(rung_xen_stack_end), PAGE_DATA},
        {xen_physical(rung_xen_fault_stack), xen_physical(rung_xen_fault_stack_end), PAGE_DATA},
        {xen_physical(rung_xen_image_end), xen_image_end(), PAGE_CONSTANT},
    };
    enum rung_err err = RUNG_OK;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(parts) && !err; i++)
        err = paging_map(ram, parts[i].start, parts[i].end, parts[i].flags);
    return err;
}

enum rung_err rung_xen_paging_init(struct rung_xen_ram *ram, const struct rung_xen_ranges *usable)
{
    enum rung_err err;
    paging_root = rung_xen_ram_get(ram, 1);
    err = paging_root ? paging_map_image(ram) : RUNG_E_NOMEM;
    for (unsigned i = 0; i < usable->count && !err; i++)
        err = paging_map(ram, usable->at[i].start, usable->at[i].end, PAGE_DATA);
    if (err)
        return err;
    xen_write_cr3(xen_physical(paging_root));
    rung_xen_ram_put(ram, rung_xen_first_tables,
                     (size_t)(rung_xen_first_tables_end - rung_xen_first_tables) / XEN_PAGE_SIZE);
    return RUNG_OK;
}

/* Tables can be written to between these two, also those that are read-only already. */
static uint64_t paging_unlock(void)
{
    uint64_t cr0 = xen_read_cr0();
    xen_write_cr0(cr0 & ~CR0_WP);
    return cr0;
}

static void paging_lock(uint64_t cr0)
{
    xen_write_cr0(cr0);
}

/* Makes one page read-only, unless it is part of a large one. */
static void paging_protect(const void *page)
{
    uint64_t *table = paging_root;
    for (unsigned level = PAGING_LEVELS; level > 1; level--) {
        uint64_t slot = *paging_slot(table, level, (uintptr_t)page);
        if (slot & PAGE_LARGE)
            return;
        table = xen_virtual(slot & PAGE_FRAME);
    }
    *paging_slot(table, 1, (uintptr_t)page) &= ~PAGE_WRITABLE;
}

static void paging_protect_tables(uint64_t *table, unsigned level)
{
    paging_protect(table);
    for (unsigned i = 0; level > 1 && i < 512; i++)
        if ((table[i] & (PAGE_PRESENT | PAGE_LARGE)) == PAGE_PRESENT)
            paging_protect_tables(xen_virtual(table[i] & PAGE_FRAME), level - 1);
}

/* The table with a page's entry may itself have been made read-only a moment ago. */
void rung_xen_paging_seal(void)
{
    uint64_t cr0 = paging_unlock();
    for (char *page = rung_xen_sealed; page < rung_xen_sealed_end; page += XEN_PAGE_SIZE)
        paging_protect(page);
    paging_protect_tables(paging_root, PAGING_LEVELS);
    paging_lock(cr0);
    xen_write_cr3(xen_physical(paging_root));
}

void *rung_xen_map(struct rung_xen_ram *ram, uint64_t frame)
{
    uint64_t start = frame * XEN_PAGE_SIZE;
    uint64_t cr0 = paging_unlock();
    enum rung_err err = paging_map(ram, start, start + XEN_PAGE_SIZE, PAGE_DATA);
    paging_lock(cr0);
    if (err)
        return NULL;
    xen_invlpg(xen_virtual(start));
    return xen_virtual(start);
}
