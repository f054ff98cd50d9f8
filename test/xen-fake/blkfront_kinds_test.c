/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_kinds_test.c - flush, FUA, discard, read-only disks, and disks that open
 * finds or does not. */
#include "blkfront_testing.h"

static uint8_t *page;

static int setup(void **state)
{
    (void)state;
    page = blk_memory(4096, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    blk_free(page, 0);
    return 0;
}

static int write_stamp(struct blk_test *t, unsigned flags, uint64_t sector, uint8_t stamp)
{
    struct blk_io io = {.req.flags = flags};
    memset(page, stamp, 512);
    blk_submit(t, &io, RUNG_BLOCK_WRITE, sector, page, 512);
    blk_wait(t);
    return io.result;
}

static void what_is_flushed_survives_a_power_cut(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_test t;
    (void)state;
    for (unsigned barrier = 0; barrier < 2; barrier++) { /* an old back end's only way to flush */
        config.flush = !barrier;
        blk_begin(&t, &config);
        assert_int_equal(blk_open(&t), RUNG_OK);
        assert_true(t.disk.block.info.caps & RUNG_BLOCK_IS_DURABLE);
        assert_int_equal(write_stamp(&t, 0, 1, 11), RUNG_OK);
        assert_int_equal(blk_flush(&t), RUNG_OK);
        assert_int_equal(write_stamp(&t, 0, 1, 12), RUNG_OK);
        assert_int_equal(write_stamp(&t, 0, 2, 13), RUNG_OK);
        blkback_power_cut(t.back);
        assert_int_equal(t.back->bytes[512], 11);
        assert_int_equal(t.back->bytes[1024], 0);
        assert_int_equal(write_stamp(&t, RUNG_BLOCK_FUA, 3, 14), RUNG_OK);
        blkback_power_cut(t.back);
        assert_int_equal(t.back->bytes[3 * 512], 14);
        assert_int_equal(t.back->count[BLKIF_OP_FLUSH_DISKCACHE], barrier ? 0 : 2);
        assert_int_equal(t.back->count[BLKIF_OP_WRITE_BARRIER], barrier ? 2 : 0);
        blk_end(&t);
    }
}

/* Flush follows the write and not the other way round: it is not sent before the answer. */
static void fua_flushes_after_its_write(void **state)
{
    struct blk_test t;
    struct blk_io io = {.req.flags = RUNG_BLOCK_FUA};
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    t.back->hold = true;
    blk_submit(&t, &io, RUNG_BLOCK_WRITE, 0, page, 4096);
    fake_settle(t.fake);
    assert_int_equal(t.back->flying, 1);
    assert_int_equal(t.back->count[BLKIF_OP_FLUSH_DISKCACHE], 0);
    blkback_answer(t.back);
    fake_settle(t.fake);
    assert_int_equal(io.done_count, 0);
    assert_int_equal(t.back->count[BLKIF_OP_FLUSH_DISKCACHE], 1);
    blkback_answer(t.back);
    blk_wait(&t);
    assert_int_equal(io.result, RUNG_OK);
    blk_end(&t);
}

static void a_failed_flush_is_remembered(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    t.back->status[BLKIF_OP_FLUSH_DISKCACHE] = BLKIF_RSP_ERROR;
    size_t lines = test_log_count(t.p);
    assert_int_equal(blk_flush(&t), RUNG_E_IO);
    t.back->status[BLKIF_OP_FLUSH_DISKCACHE] = 0;
    assert_int_equal(blk_flush(&t), RUNG_E_IO);
    assert_int_equal(write_stamp(&t, 0, 0, 1), RUNG_OK);
    assert_int_equal(blk_flush(&t), RUNG_E_IO);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_true(blk_log_has(&t, "failed to flush"));
    blk_close(&t);
    assert_int_equal(blk_open(&t), RUNG_OK);
    assert_int_equal(blk_flush(&t), RUNG_OK);
    t.back->status[BLKIF_OP_FLUSH_DISKCACHE] = BLKIF_RSP_ERROR;
    assert_int_equal(write_stamp(&t, RUNG_BLOCK_FUA, 0, 1), RUNG_E_IO);
    blk_end(&t);
}

/* Offered and then refused: an empty barrier does the same; without one it is a failed flush. */
static void flush_is_not_supported_after_all(void **state)
{
    struct blkback_config config = blk_rich;
    struct blk_test t;
    (void)state;
    for (unsigned barrier = 0; barrier < 2; barrier++) {
        config.barrier = barrier;
        blk_begin(&t, &config);
        assert_int_equal(blk_open(&t), RUNG_OK);
        t.back->status[BLKIF_OP_FLUSH_DISKCACHE] = BLKIF_RSP_EOPNOTSUPP;
        assert_int_equal(write_stamp(&t, 0, 0, 5), RUNG_OK);
        assert_int_equal(blk_flush(&t), barrier ? RUNG_OK : RUNG_E_IO);
        assert_int_equal(write_stamp(&t, RUNG_BLOCK_FUA, 0, 5), barrier ? RUNG_OK : RUNG_E_IO);
        blkback_power_cut(t.back);
        assert_int_equal(t.back->bytes[0], barrier ? 5 : 0);
        assert_int_equal(t.back->count[BLKIF_OP_WRITE_BARRIER], barrier ? 2 : 0);
        t.back->status[BLKIF_OP_WRITE_BARRIER] = BLKIF_RSP_EOPNOTSUPP;
        assert_int_equal(blk_flush(&t), RUNG_E_IO);
        blk_end(&t);
    }
}

static void without_flush_it_is_not_durable(void **state)
{
    struct blkback_config config = {.sectors = 64};
    struct blk_test t;
    (void)state;
    blk_begin(&t, &config);
    assert_int_equal(blk_open(&t), RUNG_OK);
    assert_int_equal(t.disk.block.info.caps, 0);
    assert_int_equal(write_stamp(&t, RUNG_BLOCK_FUA, 3, 14), RUNG_OK);
    assert_int_equal(blk_flush(&t), RUNG_OK);
    assert_int_equal(blk_discard(&t, 0, 1), RUNG_E_NOTSUP);
    assert_true(t.back->count[BLKIF_OP_WRITE] == 1 && t.back->peak == 1);
    blk_end(&t);
}

/* However it is said; blkback ends the program if anything but a read comes. */
static void read_only_disks(void **state)
{
    struct blk_test t;
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct blkback_config config = blk_rich;
        config.read_only = how == 0;
        config.read_only_info = how == 1;
        blk_begin(&t, &config);
        t.keys.read_only = how == 2;
        assert_int_equal(blk_open(&t), RUNG_OK);
        assert_true(t.disk.block.info.caps & RUNG_BLOCK_IS_READONLY);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, page, 512), RUNG_OK);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 0, page, 512), RUNG_E_READONLY);
        assert_int_equal(blk_discard(&t, 0, 8), RUNG_E_READONLY);
        assert_int_equal(blk_flush(&t), RUNG_OK);
        assert_int_equal(t.back->count[BLKIF_OP_READ], 1);
        blk_end(&t);
    }
}

static void discards_are_rounded_in(void **state)
{
    static const struct {
        uint32_t granule, alignment;
        uint64_t sector, count, first, last; /* first == last: nothing is to be discarded */
    } cases[] = {
        {0, 0, 3, 5, 3, 8},           {4096, 0, 0, 16, 0, 16},   {4096, 0, 1, 15, 8, 16},
        {4096, 0, 1, 14, 8, 8},       {4096, 0, 3, 4, 0, 0},     {4096, 1024, 0, 20, 2, 18},
        {4096, 1024, 2, 8, 2, 10},    {4096, 1024, 3, 14, 0, 0}, {4096, 1024, 3, 15, 10, 18},
        {65536, 65024, 0, 1024, 127, 1023}, {4096, 9216, 0, 20, 2, 18}, {4096, 0, 1024, 0, 0, 0},
    };
    struct blk_test t;
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct blkback_config config = blk_rich;
        config.granularity = cases[i].granule;
        config.alignment = cases[i].alignment;
        blk_begin(&t, &config);
        assert_int_equal(blk_open(&t), RUNG_OK);
        assert_int_equal(blk_discard(&t, cases[i].sector, cases[i].count), RUNG_OK);
        for (uint64_t s = 0; s < 1024; s++) {
            bool gone = s >= cases[i].first && s < cases[i].last;
            assert_int_equal(t.back->bytes[s * 512], gone ? 0xdd : 0);
        }
        assert_int_equal(t.back->count[BLKIF_OP_DISCARD], cases[i].first < cases[i].last);
        t.back->status[BLKIF_OP_DISCARD] = BLKIF_RSP_ERROR;
        if (cases[i].first < cases[i].last)
            assert_int_equal(blk_discard(&t, cases[i].sector, cases[i].count), RUNG_E_IO);
        blk_end(&t);
    }
}

/* A hint that is refused is no error, and not given again. */
static void discard_is_not_supported_after_all(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    t.back->status[BLKIF_OP_DISCARD] = BLKIF_RSP_EOPNOTSUPP;
    assert_int_equal(blk_discard(&t, 0, 8), RUNG_OK);
    assert_int_equal(blk_discard(&t, 0, 8), RUNG_OK);
    assert_int_equal(t.back->count[BLKIF_OP_DISCARD], 1);
    blk_end(&t);
}

static void names_of_disks(void **state)
{
    static const struct {
        const char *id, *names[3];
    } disks[] = {
        {"51712", {"xvda", "51712", "0"}},    {"51728", {"xvdb", "51728", "0"}},
        {"51729", {"xvdb1", "51729", "0"}},   {"268439552", {"xvdq", "268439552", "0"}},
        {"268442128", {"xvdaa16", "0", NULL}}, {"2048", {"sda", "2048", NULL}},
        {"5696", {"hdd", "5696", NULL}},       {"769", {"hda1", "769", NULL}},
    };
    struct blk_test t;
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(disks); i++) {
        for (unsigned k = 0; k < 3 && disks[i].names[k]; k++) {
            blk_begin(&t, NULL);
            t.back = blkback_new(t.fake, disks[i].id, &blk_rich);
            t.keys.device = disks[i].names[k];
            assert_int_equal(blk_open(&t), RUNG_OK);
            assert_string_equal(t.disk.device.id, disks[i].id);
            blk_end(&t);
        }
    }
}

static void disks_by_place(void **state)
{
    static const char *const ids[] = {"51712", "768", "51728"}, *const order[] = {"768", "51712",
                                                                                  "51728"};
    struct blkback *back[3];
    struct blk_test t;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        char place[4];
        blk_begin(&t, NULL);
        for (unsigned k = 0; k < 3; k++)
            back[k] = blkback_new(t.fake, ids[k], &blk_rich);
        snprintf(place, sizeof(place), "%u", i);
        t.keys.device = place;
        assert_int_equal(blk_open(&t), i < 3 ? RUNG_OK : RUNG_E_NOTFOUND);
        if (i < 3)
            assert_string_equal(t.disk.device.id, order[i]);
        if (t.open)
            blk_close(&t);
        for (unsigned k = 0; k < 3; k++)
            blkback_free(back[k]);
        blk_end(&t);
    }
}

static void open_says_what_is_wrong(void **state)
{
    static const char *const bad[] = {
        "", "xvd", "xvdA", "vda", "xvda1x", "sdz", "hde", "4294967296", "/dev/xvda", "xvda999",
        "-1",
    };
    struct blk_test t;
    (void)state;
    blk_begin(&t, NULL);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        size_t lines = test_log_count(t.p);
        t.keys.device = bad[i];
        assert_int_equal(blk_open(&t), RUNG_E_RANGE);
        assert_int_equal(test_log_count(t.p), lines + 1);
        assert_true(blk_log_has(&t, "set block.device to"));
    }
    size_t lines = test_log_count(t.p);
    t.keys.device = NULL;
    assert_int_equal(blk_open(&t), RUNG_E_NOTFOUND);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_true(blk_log_has(&t, "disk ="));
    blk_end(&t);
}

static void disks_that_cannot_be(void **state)
{
    static const struct {
        const char *key, *value;
        enum rung_err err;
    } cases[] = {
        {"sector-size", "2048", RUNG_E_NOTSUP}, {"sector-size", "0", RUNG_E_NOTSUP},
        {"sector-size", "8192", RUNG_E_NOTSUP}, {"sectors", "", RUNG_E_CORRUPT},
        {"sectors", "many", RUNG_E_CORRUPT},    {"sectors", "18446744073709551615", RUNG_E_CORRUPT},
        {"sectors", "99999999999999999999999", RUNG_E_CORRUPT}, {"sectors", "-8", RUNG_E_CORRUPT},
        {"sectors", "0", RUNG_OK},              {"sector-size", "nonsense", RUNG_OK},
        {"discard-granularity", "0", RUNG_OK},  {"discard-granularity", "777", RUNG_OK},
        {"feature-max-indirect-segments", "4294967296", RUNG_OK},
    };
    struct blk_test t;
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        blk_begin(&t, &blk_rich);
        t.back->say_key = cases[i].key;
        t.back->say_value = cases[i].value;
        assert_int_equal(blk_open(&t), cases[i].err);
        if (!cases[i].err && strncmp(cases[i].key, "discard", 7) == 0)
            assert_false(t.disk.block.info.caps & RUNG_BLOCK_CAN_DISCARD);
        blk_end(&t);
    }
}

/* A boot loader has used the disk, or we ourselves with other settings, and left its words. */
static void words_of_a_former_owner(void **state)
{
    static const char *const keys[][2] = {
        {"feature-persistent", "1"}, {"ring-page-order", "2"}, {"num-ring-pages", "4"},
        {"ring-ref", "900"}, {"ring-ref0", "901"}, {"ring-ref1", "902"}, {"ring-ref3", "903"},
        {"multi-queue-num-queues", "4"}, {"event-channel", "77"}, {"protocol", "arm-abi"},
    };
    struct blk_test t;
    uint8_t *memory = blk_memory(8192, 0);
    (void)state;
    for (unsigned pages = 1; pages <= 2; pages++) {
        blk_begin(&t, &blk_rich);
        for (unsigned i = 0; i < RUNG_ARRAY_LEN(keys); i++)
            fake_store_write(t.fake, fake_front(t.fake, "vbd", t.back->id, keys[i][0]), "%s",
                             keys[i][1]);
        t.keys.ring_pages = pages - 1; /* the key's choices: 1, 2 */
        t.keys.persistent = false;
        assert_int_equal(blk_open(&t), RUNG_OK);
        assert_int_equal(t.back->pages, pages);
        assert_false(t.back->persistent);
        memset(memory, (int)pages, 8192);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 8, memory, 8192), RUNG_OK);
        assert_int_equal(t.back->bytes[8 * 512 + 8191], pages);
        blk_end(&t);
    }
    blk_free(memory, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_flushed_survives_a_power_cut),
        cmocka_unit_test(fua_flushes_after_its_write),
        cmocka_unit_test(a_failed_flush_is_remembered),
        cmocka_unit_test(flush_is_not_supported_after_all),
        cmocka_unit_test(without_flush_it_is_not_durable),
        cmocka_unit_test(read_only_disks),
        cmocka_unit_test(discards_are_rounded_in),
        cmocka_unit_test(discard_is_not_supported_after_all),
        cmocka_unit_test(names_of_disks),
        cmocka_unit_test(disks_by_place),
        cmocka_unit_test(open_says_what_is_wrong),
        cmocka_unit_test(disks_that_cannot_be),
        cmocka_unit_test(words_of_a_former_owner),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
