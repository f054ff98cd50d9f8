/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_page.c - pages, and the frame numbers behind addresses. Each page is a block
 * of its own, so that the sanitizers see its ends; a frame number is never given to another page,
 * so that a stale one leads nowhere. */
#include <stdlib.h>

#include "fake_impl.h"

static struct fake_frame **frame_slot(struct fake *fake, const void *address)
{
    uintptr_t page = (uintptr_t)address / RUNG_XEN_PAGE;
    struct fake_frame **at = &fake->buckets[page % FAKE_BUCKETS];
    while (*at && (uintptr_t)(*at)->page / RUNG_XEN_PAGE != page)
        at = &(*at)->next;
    return at;
}

static void frame_drop(struct fake *fake, struct fake_frame **at)
{
    struct fake_frame *frame = *at;
    *at = frame->next;
    fake->frames[frame->frame - fake->config.first_frame] = NULL;
    free(frame);
}

static struct fake_frame *frame_add(struct fake *fake, uint8_t *page)
{
    struct fake_frame **at = frame_slot(fake, page);
    if (*at) /* of a block of the heap that is gone */
        frame_drop(fake, at);
    at = frame_slot(fake, page);
    struct fake_frame *frame = fake_alloc(sizeof(*frame));
    if (fake->frame_count == fake->frame_room) {
        fake->frame_room = fake->frame_room * 2 + 1024;
        fake->frames = realloc(fake->frames, fake->frame_room * sizeof(*fake->frames));
        if (!fake->frames)
            fake_die("the host is out of memory");
    }
    frame->page = page;
    frame->frame = fake->config.first_frame + fake->frame_count;
    fake->frames[fake->frame_count++] = frame;
    *at = frame;
    return frame;
}

struct fake_frame *fake_frame_find(struct fake *fake, uint64_t frame)
{
    uint64_t index = frame - fake->config.first_frame;
    return index < fake->frame_count ? fake->frames[index] : NULL;
}

uint64_t rung_xen_frame_of(const void *address)
{
    struct fake_frame *frame = *frame_slot(fake_current, address);
    uint8_t *page = (uint8_t *)((uintptr_t)address / RUNG_XEN_PAGE * RUNG_XEN_PAGE);
    return (frame ? frame : frame_add(fake_current, page))->frame;
}

void *rung_xen_pages_get(struct rung_platform *p, size_t count)
{
    struct fake *fake = fake_current;
    void *block;
    assert(count > 0 && p == fake->x.p);
    if (fake->pages_fail_after > 0 && --fake->pages_fail_after == 0)
        return NULL;
    if (count > fake->config.pages - fake->pages_out)
        return NULL;
    if (posix_memalign(&block, RUNG_XEN_PAGE, count * RUNG_XEN_PAGE) != 0)
        fake_die("the host is out of memory");
    memset(block, 0, count * RUNG_XEN_PAGE);
    for (size_t i = 0; i < count; i++) {
        struct fake_frame *frame = frame_add(fake, (uint8_t *)block + i * RUNG_XEN_PAGE);
        frame->given = true;
        frame->block = i == 0 ? (uint32_t)count : 0;
    }
    fake->pages_out += (uint32_t)count;
    return block;
}

void rung_xen_pages_put(struct rung_platform *p, void *pages, size_t count)
{
    struct fake *fake = fake_current;
    assert(p == fake->x.p);
    struct fake_frame *first = *frame_slot(fake, pages);
    if (!first || first->page != pages || !first->given || first->block != count)
        fake_die("%zu pages at %p are given back that were not given out so", count, pages);
    fake_grants_check(fake);
    for (size_t i = 0; i < count; i++) {
        struct fake_frame **at = frame_slot(fake, (uint8_t *)pages + i * RUNG_XEN_PAGE);
        fake_grants_unplace(fake, (*at)->page);
        fake_grants_check_page(fake, (*at)->frame);
        frame_drop(fake, at);
    }
    fake->pages_out -= (uint32_t)count;
    free(pages);
}

void *rung_xen_page_get(struct rung_platform *p)
{
    return rung_xen_pages_get(p, 1);
}

void rung_xen_page_put(struct rung_platform *p, void *page)
{
    rung_xen_pages_put(p, page, 1);
}

uint32_t fake_pages_out(const struct fake *fake)
{
    return fake->pages_out;
}

void fake_pages_fail_after(struct fake *fake, uint32_t n)
{
    fake->pages_fail_after = n;
}

void fake_pages_end(struct fake *fake)
{
    if (fake->pages_out > 0)
        fake_die("%u pages have not been given back", fake->pages_out);
    for (size_t i = 0; i < fake->frame_count; i++)
        free(fake->frames[i]);
    free(fake->frames);
}
