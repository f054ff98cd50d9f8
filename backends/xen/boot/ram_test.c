/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/ram_test.c - the page allocator on memory of the test's. */
#include "xen/boot/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096u
#define PAGES 300u /* no whole number of the map's words */

struct memory {
    struct rung_xen_ram ram;
    uint8_t *base;
    void *map;
};

static void memory_init(struct memory *m)
{
    m->base = aligned_alloc(PAGE, PAGES * PAGE);
    m->map = malloc(rung_xen_ram_map_bytes(PAGES));
    memset(m->base, 0xa5, PAGES * PAGE);
    memset(m->map, 0xa5, rung_xen_ram_map_bytes(PAGES));
    rung_xen_ram_init(&m->ram, m->base, PAGES, m->map);
}

static void memory_free(struct memory *m)
{
    free(m->base);
    free(m->map);
}

static size_t page_of(const struct memory *m, const void *page)
{
    size_t offset = (size_t)((const uint8_t *)page - m->base);
    assert_int_equal(offset % PAGE, 0);
    return offset / PAGE;
}

/* Gets pages, checks that they are zeroed, and leaves dirt in them. */
static void *get(struct memory *m, size_t count)
{
    uint8_t *pages = rung_xen_ram_get(&m->ram, count);
    for (size_t i = 0; pages && i < count * PAGE; i++)
        assert_int_equal(pages[i], 0);
    if (pages)
        memset(pages, 0xa5, count * PAGE);
    return pages;
}

static void test_empty(void **state)
{
    (void)state;
    struct memory m;
    memory_init(&m);
    assert_null(get(&m, 1));
    assert_null(get(&m, 7));
    memory_free(&m);
}

/* Single pages from below, runs from above, until nothing is left; and all of it once more. */
static void test_order(void **state)
{
    (void)state;
    struct memory m;
    memory_init(&m);
    rung_xen_ram_add(&m.ram, 10, 280);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(page_of(&m, get(&m, 1)), 10);
        assert_int_equal(page_of(&m, get(&m, 1)), 11);
        assert_int_equal(page_of(&m, get(&m, 3)), 287);
        assert_int_equal(page_of(&m, get(&m, 200)), 87);
        assert_null(get(&m, 76));
        assert_int_equal(page_of(&m, get(&m, 75)), 12);
        assert_int_equal(m.ram.free, 0);
        assert_null(get(&m, 1));
        rung_xen_ram_put(&m.ram, m.base + 10 * PAGE, 280); /* of several gets, in one */
        assert_int_equal(m.ram.free, 280);
    }
    memory_free(&m);
}

/* Free pages on both sides of one that is out are no run. */
static void test_holes(void **state)
{
    (void)state;
    struct memory m;
    memory_init(&m);
    rung_xen_ram_add(&m.ram, 60, 3);
    rung_xen_ram_add(&m.ram, 64, 3);
    rung_xen_ram_add(&m.ram, 127, 2);
    assert_null(get(&m, 4));
    assert_int_equal(page_of(&m, get(&m, 2)), 127); /* across two words of the map */
    assert_int_equal(page_of(&m, get(&m, 3)), 64);
    assert_int_equal(page_of(&m, get(&m, 3)), 60);
    rung_xen_ram_put(&m.ram, m.base + 62 * PAGE, 1);
    rung_xen_ram_put(&m.ram, m.base + 60 * PAGE, 1);
    assert_null(get(&m, 2));
    rung_xen_ram_put(&m.ram, m.base + 61 * PAGE, 1);
    assert_int_equal(page_of(&m, get(&m, 3)), 60);
    memory_free(&m);
}

struct held {
    uint8_t *pages;
    size_t count;
};

/* Any sequence: what is given out never overlaps, and nothing is lost. */
static void test_any(void **state)
{
    (void)state;
    struct memory m;
    struct held held[64] = {{0}};
    uint32_t seed = 7;
    memory_init(&m);
    rung_xen_ram_add(&m.ram, 0, PAGES);
    for (unsigned step = 0; step < 20000; step++) {
        seed = seed * 1664525 + 1013904223;
        struct held *h = &held[seed >> 8 & 63];
        if (h->pages) {
            for (size_t i = 0; i < h->count; i++)
                assert_int_equal(h->pages[i * PAGE], h - held);
            rung_xen_ram_put(&m.ram, h->pages, h->count);
            h->pages = NULL;
            continue;
        }
        h->count = seed >> 31 ? 1 : 1 + (seed >> 16 & 31);
        h->pages = rung_xen_ram_get(&m.ram, h->count);
        for (size_t i = 0; h->pages && i < h->count; i++) {
            assert_true(page_of(&m, h->pages) + h->count <= PAGES);
            assert_int_equal(h->pages[i * PAGE], 0);
            h->pages[i * PAGE] = (uint8_t)(h - held);
            memset(h->pages + i * PAGE + 1, 0xa5, PAGE - 1);
        }
    }
    for (size_t i = 0; i < RUNG_ARRAY_LEN(held); i++)
        if (held[i].pages)
            rung_xen_ram_put(&m.ram, held[i].pages, held[i].count);
    assert_int_equal(m.ram.free, PAGES);
    assert_int_equal(page_of(&m, get(&m, PAGES)), 0);
    memory_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty), cmocka_unit_test(test_order),
        cmocka_unit_test(test_holes), cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
