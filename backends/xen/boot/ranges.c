/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ranges.c - see ranges.h. */
#include "xen/boot/ranges.h"

#include <string.h>

#include "xen/boot/layout.h"

#define RANGES_TOP (UINT64_C(1) << 52) /* no processor has longer addresses */

static uint64_t ranges_down(uint64_t address)
{
    return address & ~(uint64_t)(XEN_PAGE_SIZE - 1);
}

/* Beyond the top there is nothing, so that sums do not overflow. */
static uint64_t ranges_clamp(uint64_t address)
{
    return address < RANGES_TOP ? address : RANGES_TOP;
}

static void ranges_remove(struct rung_xen_ranges *ranges, unsigned i)
{
    ranges->count--;
    memmove(&ranges->at[i], &ranges->at[i + 1], (ranges->count - i) * sizeof(ranges->at[0]));
}

static void ranges_insert(struct rung_xen_ranges *ranges, unsigned i, struct rung_xen_range range)
{
    if (i == RUNG_XEN_RANGES_MAX)
        return;
    if (ranges->count == RUNG_XEN_RANGES_MAX)
        ranges->count--;
    memmove(&ranges->at[i + 1], &ranges->at[i], (ranges->count - i) * sizeof(ranges->at[0]));
    ranges->at[i] = range;
    ranges->count++;
}

void rung_xen_ranges_add(struct rung_xen_ranges *ranges, uint64_t start, uint64_t end)
{
    struct rung_xen_range range = {
        .start = ranges_down(ranges_clamp(start) + XEN_PAGE_SIZE - 1),
        .end = ranges_down(ranges_clamp(end)),
    };
    unsigned i = 0;
    if (range.start >= range.end)
        return;
    while (i < ranges->count && ranges->at[i].end < range.start)
        i++;
    while (i < ranges->count && ranges->at[i].start <= range.end) { /* it touches: one range */
        if (ranges->at[i].start < range.start)
            range.start = ranges->at[i].start;
        if (ranges->at[i].end > range.end)
            range.end = ranges->at[i].end;
        ranges_remove(ranges, i);
    }
    ranges_insert(ranges, i, range);
}

void rung_xen_ranges_cut(struct rung_xen_ranges *ranges, uint64_t start, uint64_t end)
{
    start = ranges_down(ranges_clamp(start));
    end = ranges_down(ranges_clamp(end) + XEN_PAGE_SIZE - 1);
    if (start >= end)
        return;
    for (unsigned i = 0; i < ranges->count; i++) {
        struct rung_xen_range *range = &ranges->at[i];
        struct rung_xen_range above = {.start = end, .end = range->end};
        if (range->end <= start || range->start >= end)
            continue;
        if (range->start < start) {
            range->end = start;
            if (above.start < above.end)
                ranges_insert(ranges, ++i, above);
        } else if (above.start < above.end) {
            *range = above;
        } else {
            ranges_remove(ranges, i--);
        }
    }
}

void rung_xen_ranges_keep(struct rung_xen_ranges *ranges, uint64_t bytes)
{
    for (unsigned i = 0; i < ranges->count; i++) {
        struct rung_xen_range *range = &ranges->at[i];
        uint64_t size = range->end - range->start;
        if (size > bytes) {
            range->end = range->start + ranges_down(bytes);
            ranges->count = range->end > range->start ? i + 1 : i;
        } else {
            bytes -= size;
        }
    }
}

uint64_t rung_xen_ranges_bytes(const struct rung_xen_ranges *ranges)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < ranges->count; i++)
        bytes += ranges->at[i].end - ranges->at[i].start;
    return bytes;
}

uint64_t rung_xen_ranges_end(const struct rung_xen_ranges *ranges)
{
    return ranges->count ? ranges->at[ranges->count - 1].end : 0;
}
