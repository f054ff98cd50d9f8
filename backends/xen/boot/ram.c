/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ram.c - see ram.h. */
#include "xen/boot/ram.h"

#include <string.h>

#include "xen/boot/layout.h"

#define RAM_WORD 64u

size_t rung_xen_ram_map_bytes(size_t pages)
{
    return (pages + RAM_WORD - 1) / RAM_WORD * sizeof(uint64_t);
}

void rung_xen_ram_init(struct rung_xen_ram *ram, void *base, size_t pages, void *map)
{
    *ram = (struct rung_xen_ram){
        .base = base,
        .map = map,
        .words = rung_xen_ram_map_bytes(pages) / sizeof(uint64_t),
    };
    ram->low = ram->words;
    memset(map, 0, ram->words * sizeof(uint64_t));
}

/* The bits of word i that stand for pages of [first, first + count). */
static uint64_t ram_bits(size_t i, size_t first, size_t count)
{
    size_t start = first > i * RAM_WORD ? first - i * RAM_WORD : 0;
    size_t end = first + count - i * RAM_WORD;
    uint64_t below = end < RAM_WORD ? (UINT64_C(1) << end) - 1 : UINT64_MAX;
    return below & (UINT64_MAX << start);
}

void rung_xen_ram_add(struct rung_xen_ram *ram, size_t first, size_t count)
{
    size_t last = (first + count - 1) / RAM_WORD;
    assert(count > 0 && last < ram->words);
    for (size_t i = first / RAM_WORD; i <= last; i++) {
        uint64_t bits = ram_bits(i, first, count);
        assert(!(ram->map[i] & bits)); /* it is free already */
        ram->map[i] |= bits;
    }
    ram->free += count;
    if (ram->low > first / RAM_WORD)
        ram->low = first / RAM_WORD;
    if (ram->high < last + 1)
        ram->high = last + 1;
}

static void *ram_take(struct rung_xen_ram *ram, size_t first, size_t count)
{
    size_t last = (first + count - 1) / RAM_WORD;
    for (size_t i = first / RAM_WORD; i <= last; i++)
        ram->map[i] &= ~ram_bits(i, first, count);
    ram->free -= count;
    return memset(ram->base + first * XEN_PAGE_SIZE, 0, count * XEN_PAGE_SIZE);
}

static void *ram_get_one(struct rung_xen_ram *ram)
{
    while (!ram->map[ram->low]) /* something is free, so it ends */
        ram->low++;
    return ram_take(ram, ram->low * RAM_WORD + (unsigned)__builtin_ctzll(ram->map[ram->low]), 1);
}

void *rung_xen_ram_get(struct rung_xen_ram *ram, size_t count)
{
    size_t run = 0; /* pages that are free from here on upwards */
    assert(count > 0);
    if (count > ram->free)
        return NULL;
    if (count == 1)
        return ram_get_one(ram);
    while (!ram->map[ram->high - 1])
        ram->high--;
    for (size_t i = ram->high; i-- > ram->low;) {
        uint64_t word = ram->map[i];
        if (!word || (word == UINT64_MAX && run + RAM_WORD < count)) { /* the usual, at once */
            run = word ? run + RAM_WORD : 0;
            continue;
        }
        for (unsigned bit = RAM_WORD; bit-- > 0;) {
            run = (word >> bit) & 1 ? run + 1 : 0;
            if (run == count)
                return ram_take(ram, i * RAM_WORD + bit, count);
        }
    }
    return NULL;
}

void rung_xen_ram_put(struct rung_xen_ram *ram, void *pages, size_t count)
{
    size_t offset = (size_t)((uint8_t *)pages - ram->base);
    assert(offset % XEN_PAGE_SIZE == 0);
    rung_xen_ram_add(ram, offset / XEN_PAGE_SIZE, count);
}
