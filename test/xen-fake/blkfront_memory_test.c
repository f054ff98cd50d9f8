/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_memory_test.c - a caller's memory on its way to the disk: any memory that
 * BLOCK allows, lent where it can be, never more than the request's, many ring requests at once. */
#include "blkfront_testing.h"

static void fill(uint8_t *memory, size_t len, unsigned stamp)
{
    for (size_t i = 0; i < len; i++)
        memory[i] = (uint8_t)(i * 7 + (i >> 8) * 3 + stamp + 1);
}

/* Not only one page, not only whole ones: every start in a page and many lengths, over every kind
 * of back end. blkback looks at each page for bytes that are not the request's. */
static void any_memory(void **state)
{
    struct blkback_config configs[] = {blk_rich, blk_rich, blk_rich, {.sectors = 1024}};
    struct blk_test t;
    (void)state;
    configs[1].sector_size = 4096;
    configs[2].untrusted = true;
    for (unsigned c = 0; c < 2 * RUNG_ARRAY_LEN(configs); c++) {
        blk_begin(&t, &configs[c / 2]);
        t.keys.persistent = c % 2;
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint32_t size = t.disk.block.info.sector_size;
        for (size_t offset = 0; offset < 4096; offset += 512) {
            for (size_t len = size; len <= 20 * 4096; len += len < 8192 ? size : 13 * 4096 / 2) {
                len = len / size * size;
                uint8_t *out = blk_memory(len, offset), *in = blk_memory(len, 4096 - 512 - offset);
                fill(out, len, c);
                assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 3, out, len), RUNG_OK);
                assert_memory_equal(t.back->bytes + 3 * size, out, len);
                assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 3, in, len), RUNG_OK);
                assert_memory_equal(in, out, len);
                assert_int_equal(in[len], 0x5a);
                blk_free(out, offset);
                blk_free(in, 4096 - 512 - offset);
            }
        }
        blk_end(&t);
    }
}

/* Whole pages of the caller's are not copied: no page of blkfront's own is taken for them. */
static void whole_pages_are_lent(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(11 * 4096, 0);
    struct blk_io io = {.result = 1};
    t.back->hold = true;
    uint32_t pages = fake_pages_out(t.fake);
    blk_submit(&t, &io, RUNG_BLOCK_WRITE, 0, memory, 11 * 4096);
    fake_settle(t.fake);
    assert_int_equal(t.back->flying, 1);
    assert_int_equal(t.back->segments, 11);
    assert_int_equal(t.back->count[BLKIF_OP_INDIRECT], 0);
    assert_int_equal(fake_pages_out(t.fake), pages);
    assert_ptr_equal(t.back->first->page[0], memory);
    assert_ptr_equal(t.back->first->page[10], memory + 10 * 4096);
    blkback_answer(t.back);
    blk_wait(&t);
    t.back->hold = false;
    blk_free(memory, 0);
    blk_end(&t);
}

/* A long request is many ring requests, all on their way before the first is answered. */
static void long_requests_are_pipelined(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_test t;
    (void)state;
    for (unsigned segments = 0; segments <= 256; segments += 32) {
        config.max_segments = segments;
        config.max_order = 0;
        config.sectors = 4 * 2048;
        blk_begin(&t, &config);
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint8_t *memory = blk_memory(4 << 20, 0);
        struct blk_io io = {.result = 1};
        fill(memory, 4 << 20, segments);
        t.back->hold = true;
        fake_settle(t.fake);
        uint64_t before = fake_notifications(t.fake);
        blk_submit(&t, &io, RUNG_BLOCK_WRITE, 0, memory, 4 << 20);
        fake_settle(t.fake);
        unsigned each = segments < 11 ? 11 : segments < 64 ? segments : 64;
        unsigned pages = 32 * each < 990 ? 32 * each : 990; /* there are 1024 pieces in all */
        assert_true(t.back->segments >= pages && t.back->flying >= pages / each);
        assert_int_equal(fake_notifications(t.fake) - before, 1);
        t.back->hold = false;
        blkback_answer(t.back);
        blk_wait(&t);
        assert_int_equal(io.result, RUNG_OK);
        assert_memory_equal(t.back->bytes, memory, 4 << 20);
        blk_free(memory, 0);
        blk_end(&t);
    }
}

static const uint8_t *own_low, *own_high; /* memory of the test's, which is lent as it is */
static unsigned old_bytes; /* seen in pages of blkfront's at the moment of lending */

uint32_t __real_rung_xen_grant(struct rung_xen *x, uint16_t remote, const void *address,
                               bool readonly);
uint32_t __wrap_rung_xen_grant(struct rung_xen *x, uint16_t remote, const void *address,
                               bool readonly);

uint32_t __wrap_rung_xen_grant(struct rung_xen *x, uint16_t remote, const void *address,
                               bool readonly)
{
    const uint8_t *page = address;
    bool own = own_low && page >= own_low && page < own_high;
    for (unsigned i = 0; own_low && !own && i < RUNG_XEN_PAGE; i++)
        old_bytes += page[i] == 0x77;
    return __real_rung_xen_grant(x, remote, address, readonly);
}

/* The other side may look from the moment on in which a page is lent: what was in it is gone by
 * then. What a back end saw does not go to the next one either. */
static void pages_are_clean_when_they_are_lent(void **state)
{
    struct blk_test t;
    (void)state;
    for (unsigned persistent = 0; persistent < 2; persistent++) {
        blk_begin(&t, &blk_rich);
        t.keys.persistent = persistent;
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint8_t *memory = blk_memory(64 * 4096, 512);
        memset(memory, 0x77, 64 * 4096);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 0, memory, 64 * 4096), RUNG_OK);
        memset(memory, 0, 64 * 4096);
        own_low = memory - 512;
        own_high = memory + 65 * 4096;
        if (persistent)
            fake_backend_state(&t.back->device, XenbusStateClosing);
        for (size_t len = 512; len <= 16 * 4096; len *= 2) {
            assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 600, memory, len), RUNG_OK);
            assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 600, memory, len), RUNG_OK);
        }
        assert_int_equal(t.back->connects, 1 + persistent);
        own_low = NULL;
        assert_int_equal(old_bytes, 0);
        blk_free(memory, 512);
        blk_end(&t);
    }
}

/* As many as the ring holds are in flight, the rest wait; one notification tells of all of them. */
static void many_requests_are_in_flight(void **state)
{
    enum { N = 600 };
    static struct blk_io io[N];
    struct blk_test t;
    (void)state;
    for (unsigned order = 0; order <= 4; order++) {
        struct blkback_config config = blk_rich;
        config.max_order = 3;
        config.ring_pages = order % 2;
        blk_begin(&t, &config);
        t.keys.ring_pages = order;
        assert_int_equal(blk_open(&t), RUNG_OK);
        unsigned size = 32u << (order < 3 ? order : 3);
        assert_int_equal(t.disk.ring.pages, 1u << (order < 3 ? order : 3));
        assert_int_equal(t.disk.ring.size, size);
        assert_int_equal(t.disk.block.info.best_depth, size);
        uint8_t *memory = blk_memory(N * 4096, 0);
        t.back->hold = true;
        fake_settle(t.fake);
        uint64_t before = fake_notifications(t.fake);
        for (unsigned i = 0; i < N; i++)
            blk_submit(&t, &io[i], RUNG_BLOCK_READ, i, memory + i * 4096, 512);
        fake_settle(t.fake);
        assert_int_equal(fake_notifications(t.fake) - before, 1);
        assert_int_equal(t.back->flying, size);
        t.back->hold = false;
        t.back->shuffle = test_seed() | 1;
        blkback_answer(t.back);
        blk_wait(&t);
        for (unsigned i = 0; i < N; i++)
            assert_true(io[i].done_count == 1 && io[i].result == RUNG_OK);
        assert_true(t.back->peak <= size);
        blk_free(memory, 0);
        blk_end(&t);
    }
}

/* Of two that overlap, one a write, the second waits for the first, and what comes after it too:
 * nobody is overtaken. Back ends tear sectors otherwise. Reads go side by side. */
static void overlapping_requests_wait(void **state)
{
    static const struct {
        enum rung_block_kind kind;
        unsigned sector, sectors, flying;
    } steps[] = {
        {RUNG_BLOCK_READ, 0, 64, 1},  {RUNG_BLOCK_READ, 8, 64, 2},  {RUNG_BLOCK_WRITE, 72, 64, 3},
        {RUNG_BLOCK_WRITE, 71, 1, 3}, {RUNG_BLOCK_READ, 200, 1, 3},
    };
    struct blk_io io[RUNG_ARRAY_LEN(steps)] = {{.result = 1}};
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(RUNG_ARRAY_LEN(steps) * 32768, 0);
    t.back->hold = true;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(steps); i++) {
        blk_submit(&t, &io[i], steps[i].kind, steps[i].sector, memory + i * 32768,
                   steps[i].sectors * 512);
        fake_settle(t.fake);
        assert_int_equal(t.back->flying, steps[i].flying);
    }
    t.back->hold = false;
    blkback_answer(t.back);
    blk_wait(&t);
    blk_free(memory, 0);
    blk_end(&t);
}

/* Pages that stay lent are mapped once: the second time nothing new is, and no more than needed. */
static void persistent_grants_are_used_again(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    t.keys.persistent = true;
    assert_int_equal(blk_open(&t), RUNG_OK);
    assert_true(t.disk.persistent);
    uint8_t *memory = blk_memory(65536, 0);
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 0, memory, 65536), RUNG_OK);
    unsigned kept = t.back->kept_count;
    assert_true(kept >= 16 && kept <= 17);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(blk_rw(&t, i % 2 ? RUNG_BLOCK_READ : RUNG_BLOCK_WRITE, 0, memory, 65536),
                         RUNG_OK);
    assert_int_equal(t.back->kept_count, kept);
    blk_free(memory, 0);
    blk_end(&t);
}

/* The back end says no: pages are lent and ended each time. */
static void persistent_grants_need_both(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_test t;
    (void)state;
    config.persistent = false;
    blk_begin(&t, &config);
    t.keys.persistent = true;
    assert_int_equal(blk_open(&t), RUNG_OK);
    assert_false(t.disk.persistent);
    uint8_t *memory = blk_memory(65536, 512);
    uint32_t open = fake_grants_open(t.fake);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, i, memory, 65536), RUNG_OK);
    assert_int_equal(fake_grants_open(t.fake), open); /* no grant leaked for each request */
    blk_free(memory, 512);
    blk_end(&t);
}

/* Ring requests of one caller's request that fail: the rest is not sent, and it fails once. */
static void a_part_that_fails(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_test t;
    (void)state;
    config.max_segments = 0;
    config.max_order = 0;
    config.sectors = 16384;
    blk_begin(&t, &config);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(8 << 20, 0);
    t.back->limit = 1000;
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 0, memory, 8 << 20), RUNG_E_IO);
    assert_true(t.back->count[BLKIF_OP_WRITE] < 100); /* of 187 */
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, memory, 4096), RUNG_OK);
    blk_free(memory, 0);
    blk_end(&t);
}

/* The same where a ring request goes on from one segment of the caller's into the next. */
static void overlap_at_the_end_of_a_ring_request(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_io first = {.result = 1}, second = {.result = 1};
    struct blk_test t;
    (void)state;
    config.sectors = 2048;
    for (unsigned page = 120; page < 136; page++) {
        blk_begin(&t, &config);
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint8_t *memory = blk_memory(192 * 4096, 0);
        struct rung_vec vec[] = {{memory, 127 * 4096}, {memory + 127 * 4096, 64 * 4096}};
        t.back->hold = true;
        blk_submit(&t, &first, RUNG_BLOCK_READ, page * 8, memory + 191 * 4096, 4096);
        blk_submit_vec(&t, &second, RUNG_BLOCK_WRITE, 0, vec, 2);
        fake_settle(t.fake);
        assert_int_equal(t.back->flying, page < 128 ? 2 : 3);
        t.back->hold = false;
        blkback_answer(t.back);
        blk_wait(&t);
        assert_true(first.result == RUNG_OK && second.result == RUNG_OK);
        blk_free(memory, 0);
        blk_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_memory),
        cmocka_unit_test(whole_pages_are_lent),
        cmocka_unit_test(long_requests_are_pipelined),
        cmocka_unit_test(pages_are_clean_when_they_are_lent),
        cmocka_unit_test(many_requests_are_in_flight),
        cmocka_unit_test(overlapping_requests_wait),
        cmocka_unit_test(overlap_at_the_end_of_a_ring_request),
        cmocka_unit_test(persistent_grants_are_used_again),
        cmocka_unit_test(persistent_grants_need_both),
        cmocka_unit_test(a_part_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
