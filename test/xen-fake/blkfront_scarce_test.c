/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_scarce_test.c - hardly a page, a grant or a port to be had: slower, or one
 * line that says so. */
#include "blkfront_testing.h"

static void fill(uint8_t *memory, size_t len, unsigned stamp)
{
    for (size_t i = 0; i < len; i++)
        memory[i] = (uint8_t)(i * 7 + (i >> 8) * 3 + stamp + 1);
}

static unsigned chance(uint64_t *x, unsigned below)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (unsigned)(*x % below);
}

/* With hardly a page to be had, all goes on, only slower: with as many as one for the ring and one
 * for what cannot be lent. */
static void scarce_pages(void **state)
{
    enum { N = 60 };
    static struct blk_io io[N];
    struct blk_test t;
    uint64_t x = test_seed() | 1;
    unsigned opened = 0, small = 0;
    (void)state;
    for (unsigned c = 0; c < 32; c++) {
        struct blkback_config config = blk_rich;
        struct fake_config guest = {.pages = 1 + c / 2};
        config.sectors = 16384;
        blk_begin_small(&t, &config, &guest);
        t.keys.persistent = c % 2;
        t.keys.ring_pages = 3;
        if (blk_open(&t)) {
            assert_int_equal(opened, 0);
            assert_int_equal(test_log_count(t.p), 1);
            blk_end(&t);
            continue;
        }
        opened++;
        small += t.disk.ring.pages == 1;
        assert_true(t.disk.ring.pages <= 8);
        uint8_t *memory = blk_memory(N * 131072, 512);
        fill(memory, N * 131072, c);
        for (unsigned i = 0; i < N; i++) {
            size_t len = (1 + chance(&x, 256)) * 512u;
            blk_submit(&t, &io[i], RUNG_BLOCK_WRITE, i * 256, memory + i * 131072, len);
        }
        blk_wait(&t);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(io[i].result, RUNG_OK);
            assert_memory_equal(t.back->bytes + i * 131072, memory + i * 131072, io[i].vec.len);
        }
        blk_free(memory, 512);
        blk_end(&t);
    }
    assert_true(small > 0 && opened > 4);
}

/* Others have lent everything that can be: requests wait, and go on with what becomes free. */
static void scarce_grants(void **state)
{
    enum { N = 512 };
    static uint32_t refs[N];
    struct fake_config guest = {.grant_frames = 1};
    struct blk_test t;
    (void)state;
    for (unsigned left = 0; left < 4; left++) {
        struct blk_io io = {.result = 1};
        unsigned count = 0;
        blk_begin_small(&t, &blk_rich, &guest);
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint8_t *memory = blk_memory(65536, 512);
        while (count < N && (refs[count] = rung_xen_grant(fake_xen(t.fake), 0, memory, true)))
            count++;
        for (unsigned i = 0; i < left; i++)
            assert_true(rung_xen_grant_end(fake_xen(t.fake), refs[--count]));
        fill(memory, 65536, left);
        blk_submit(&t, &io, RUNG_BLOCK_WRITE, 1, memory, 65536);
        rung_virtual_advance_ns(t.p, UINT64_C(1000000000));
        assert_int_equal(io.done_count, left > 0);
        while (count > 0)
            assert_true(rung_xen_grant_end(fake_xen(t.fake), refs[--count]));
        blk_wait(&t);
        assert_int_equal(io.result, RUNG_OK);
        assert_memory_equal(t.back->bytes + 512, memory, 65536);
        blk_free(memory, 512);
        blk_end(&t);
    }
}

/* No grant for the ring, no port: open says so in one line and leaves nothing. */
static void nothing_to_connect_with(void **state)
{
    struct fake_config guests[] = {{.ports = 1}, {.grant_frames = 1}};
    struct blk_test t;
    (void)state;
    for (unsigned g = 0; g < RUNG_ARRAY_LEN(guests); g++) {
        static uint32_t refs[512];
        unsigned count = 0;
        blk_begin_small(&t, &blk_rich, &guests[g]);
        void *page = rung_xen_page_get(t.p);
        while (g == 1 && count < 512
               && (refs[count] = rung_xen_grant(fake_xen(t.fake), 0, page, true)))
            count++;
        assert_true(blk_open(&t) < 0);
        assert_int_equal(test_log_count(t.p), 1);
        while (count > 0)
            assert_true(rung_xen_grant_end(fake_xen(t.fake), refs[--count]));
        rung_xen_page_put(t.p, page);
        blk_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scarce_pages),
        cmocka_unit_test(scarce_grants),
        cmocka_unit_test(nothing_to_connect_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
