/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_state_test.c - back ends that come late, close, vanish, return, keep
 * pages, and a guest that is saved and restored: requests in flight are done once, or are DOWN. */
#include "blkfront_testing.h"

enum { N = 40, S = 1000000 };

struct flight { /* N writes of 8 KiB each, and N reads of other sectors */
    struct blk_io io[2 * N];
    uint8_t *memory;
};

static void flight_start(struct flight *f, struct blk_test *t)
{
    f->memory = blk_memory(2 * N * 8192, 512);
    memset(f->io, 0, sizeof(f->io));
    t->back->hold = true;
    for (unsigned i = 0; i < N; i++) {
        memset(f->memory + i * 8192, (int)(i + 1), 8192);
        memset(t->back->bytes + (N + i) * 8192, 0x80 + (int)i, 8192);
        f->io[i].req.flags = i % 3 ? 0u : RUNG_BLOCK_FUA;
        blk_submit(t, &f->io[i], RUNG_BLOCK_WRITE, i * 16, f->memory + i * 8192, 8192);
        blk_submit(t, &f->io[N + i], RUNG_BLOCK_READ, (N + i) * 16, f->memory + (N + i) * 8192,
                   8192);
    }
    fake_settle(t->fake);
    assert_true(t->back->flying >= 32);
    t->back->hold = false;
}

static void flight_end(struct flight *f, struct blk_test *t, int result)
{
    blk_wait(t);
    for (unsigned i = 0; i < 2 * N; i++) {
        assert_int_equal(f->io[i].done_count, 1);
        assert_int_equal(f->io[i].result, result);
    }
    for (unsigned i = 0; i < N && !result; i++) {
        assert_int_equal(t->back->bytes[i * 8192], i + 1);
        assert_int_equal(t->back->bytes[i * 8192 + 8191], i + 1);
        assert_int_equal(f->memory[(N + i) * 8192], 0x80 + i);
        assert_int_equal(f->memory[(N + i) * 8192 + 8191], 0x80 + i);
    }
    blk_free(f->memory, 512);
}

static const struct blkback_config *config(void)
{
    static struct blkback_config c;
    c = blk_rich;
    c.sectors = 2 * N * 16;
    return &c;
}

struct late { /* something the toolstack or a back end does while open waits */
    struct rung_timer timer;
    struct blk_test *t;
    void (*what)(struct blk_test *t);
};

static void late_on_timer(struct rung_timer *timer)
{
    struct late *late = rung_container_of(timer, struct late, timer);
    late->what(late->t);
}

static void late_start(struct late *late, struct blk_test *t, void (*what)(struct blk_test *t))
{
    *late = (struct late){.timer.fn = late_on_timer, .t = t, .what = what};
    rung_timer_start(t->p, &late->timer, 3000 * (uint64_t)S);
}

static void start_back_end(struct blk_test *t)
{
    blkback_restart(t->back, false);
}

static void a_back_end_comes_late(void **state)
{
    struct blk_test t;
    struct late late;
    struct flight f;
    (void)state;
    blk_begin(&t, config());
    fake_backend_stop(&t.back->device);
    fake_store_write(t.fake, fake_back(t.fake, "vbd", "51712", "state"), "1");
    late_start(&late, &t, start_back_end);
    assert_int_equal(blk_open(&t), RUNG_OK);
    flight_start(&f, &t);
    blkback_answer(t.back);
    flight_end(&f, &t, RUNG_OK);
    blk_end(&t);
}

static void a_back_end_never_comes(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, config());
    fake_backend_stop(&t.back->device);
    fake_store_write(t.fake, fake_back(t.fake, "vbd", "51712", "state"), "1");
    uint64_t start = rung_loop_now_ns(t.p);
    size_t lines = test_log_count(t.p);
    assert_int_equal(blk_open(&t), RUNG_E_TIMEDOUT);
    assert_true(rung_loop_now_ns(t.p) - start >= 10000 * (uint64_t)S);
    assert_int_equal(test_log_count(t.p), lines + 1);
    blk_end(&t);
}

/* The states of a device that another program of this guest, before a reboot, has left behind. */
static void an_earlier_owner_left_its_state(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    for (unsigned left = XenbusStateInitialising; left <= XenbusStateClosed; left++) {
        blk_begin(&t, config());
        fake_settle(t.fake);
        fake_store_write(t.fake, fake_front(t.fake, "vbd", "51712", "state"), "%u", left);
        if (left == XenbusStateConnected)
            fake_store_write(t.fake, fake_back(t.fake, "vbd", "51712", "state"), "%u", left);
        assert_int_equal(blk_open(&t), RUNG_OK);
        flight_start(&f, &t);
        blkback_answer(t.back);
        flight_end(&f, &t, RUNG_OK);
        blk_end(&t);
    }
}

/* Closing and opening again, with requests in flight that it has not carried out. */
static void a_back_end_closes_and_returns(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    blk_begin(&t, config());
    assert_int_equal(blk_open(&t), RUNG_OK);
    flight_start(&f, &t);
    fake_backend_state(&t.back->device, XenbusStateClosing);
    flight_end(&f, &t, RUNG_OK);
    assert_true(t.back->connects == 2);
    assert_int_equal(blk_flush(&t), RUNG_OK); /* an orderly end loses nothing */
    blk_end(&t);
}

/* It dies, and later another starts for the device. What was written and not flushed may be lost:
 * whoever flushes has to know. */
static void a_back_end_vanishes_and_returns(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    for (unsigned dirty = 0; dirty < 2; dirty++) {
        blk_begin(&t, config());
        assert_int_equal(blk_open(&t), RUNG_OK);
        uint8_t *page = blk_memory(4096, 0);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_WRITE, 0, page, 4096), RUNG_OK);
        if (!dirty)
            assert_int_equal(blk_flush(&t), RUNG_OK);
        flight_start(&f, &t);
        fake_backend_stop(&t.back->device);
        fake_device_remove(t.fake, "vbd", "51712");
        fake_settle(t.fake);
        assert_int_equal(t.flying, 2 * N);
        rung_virtual_advance_ns(t.p, 5000 * (uint64_t)S);
        blkback_restart(t.back, true);
        flight_end(&f, &t, RUNG_OK);
        assert_int_equal(blk_flush(&t), dirty ? RUNG_E_IO : RUNG_OK);
        blk_free(page, 0);
        blk_end(&t);
    }
}

static void a_disk_is_unplugged_and_plugged_in_again(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    blk_begin(&t, config());
    assert_int_equal(blk_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 3; i++) {
        flight_start(&f, &t);
        fake_backend_unplug(&t.back->device);
        fake_settle(t.fake);
        fake_backend_stop(&t.back->device);
        fake_device_remove(t.fake, "vbd", "51712");
        fake_settle(t.fake);
        rung_virtual_advance_ns(t.p, 2000 * (uint64_t)S);
        assert_int_equal(t.flying, 2 * N);
        blkback_restart(t.back, true);
        flight_end(&f, &t, RUNG_OK);
    }
    blk_end(&t);
}

/* DOWN after the wait, at once from then on, and well again when it is back. */
static void a_disk_stays_away_for_long(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    blk_begin(&t, config());
    assert_int_equal(blk_open(&t), RUNG_OK);
    flight_start(&f, &t);
    fake_backend_stop(&t.back->device);
    fake_device_remove(t.fake, "vbd", "51712");
    uint64_t start = rung_loop_now_ns(t.p);
    flight_end(&f, &t, RUNG_E_DOWN);
    assert_true(rung_loop_now_ns(t.p) - start >= 10000 * (uint64_t)S);
    assert_true(blk_log_has(&t, "has not come back"));
    start = rung_loop_now_ns(t.p);
    uint8_t *page = blk_memory(4096, 0);
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, page, 4096), RUNG_E_DOWN);
    assert_int_equal(blk_flush(&t), RUNG_E_DOWN);
    assert_int_equal(rung_loop_now_ns(t.p), start);
    blkback_restart(t.back, true);
    blk_until(&t, RUNG_XEN_RUNNING);
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, page, 4096), RUNG_OK);
    blk_free(page, 0);
    blk_end(&t);
}

static void another_disk_comes_back(void **state)
{
    static const char *const what[] = {"another size", "another size", "another size", "read-only",
                                       "without flush"};
    struct blk_test t;
    struct flight f;
    (void)state;
    for (unsigned how = 0; how < RUNG_ARRAY_LEN(what); how++) {
        blk_begin(&t, config());
        assert_int_equal(blk_open(&t), RUNG_OK);
        struct rung_block_info info = t.disk.block.info;
        flight_start(&f, &t);
        fake_backend_stop(&t.back->device);
        fake_device_remove(t.fake, "vbd", "51712");
        fake_settle(t.fake);
        t.back->config.sector_size = how == 0 ? 4096 : 512;
        if (how == 1 || how == 2)
            blkback_resize(t.back, config()->sectors + (how == 1 ? 16 : 0) - 8);
        t.back->config.read_only = how == 3;
        t.back->config.flush = t.back->config.barrier = how != 4;
        size_t lines = test_log_count(t.p);
        blkback_restart(t.back, true);
        flight_end(&f, &t, RUNG_E_DOWN);
        fake_settle(t.fake);
        assert_non_null(strstr(rung_virtual_log(t.p), what[how]));
        assert_true(test_log_count(t.p) <= lines + 2);
        assert_memory_equal(&info, &t.disk.block.info, sizeof(info));
        uint8_t *page = blk_memory(4096, 0);
        assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, page, 4096), RUNG_E_DOWN);
        blk_free(page, 0);
        blk_end(&t);
    }
}

/* A back end with fewer abilities returns: requests are cut anew. */
static void a_lesser_back_end_returns(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    blk_begin(&t, config());
    t.keys.persistent = true;
    assert_int_equal(blk_open(&t), RUNG_OK);
    flight_start(&f, &t);
    fake_backend_stop(&t.back->device);
    fake_settle(t.fake);
    t.back->config.max_segments = 0;
    t.back->config.max_order = 0;
    t.back->config.persistent = false;
    t.back->config.discard = false;
    blkback_restart(t.back, true);
    flight_end(&f, &t, RUNG_OK);
    assert_int_equal(t.disk.ring.pages, 1);
    assert_int_equal(blk_discard(&t, 0, 16), RUNG_OK);
    blk_end(&t);
}

/* `xl block-resize`: what a program was told stays true for as long as it runs. */
static void a_disk_grows(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, config());
    assert_int_equal(blk_open(&t), RUNG_OK);
    struct rung_block_info info = t.disk.block.info;
    size_t lines = test_log_count(t.p);
    fake_store_write(t.fake, fake_back(t.fake, "vbd", "51712", "sectors"), "999999");
    fake_store_write(t.fake, fake_back(t.fake, "vbd", "51712", "state"), "4");
    fake_settle(t.fake);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_true(blk_log_has(&t, "999999 sectors"));
    assert_memory_equal(&info, &t.disk.block.info, sizeof(info));
    blk_end(&t);
}

static void saved_and_restored(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    for (unsigned persistent = 0; persistent < 2; persistent++) {
        blk_begin(&t, config());
        t.keys.persistent = persistent;
        assert_int_equal(blk_open(&t), RUNG_OK);
        for (unsigned i = 0; i < 3; i++) {
            flight_start(&f, &t);
            fake_suspend(t.fake);
            flight_end(&f, &t, RUNG_OK);
            assert_int_equal(blk_flush(&t), RUNG_OK);
        }
        blk_end(&t);
    }
}

/* An answer while the page is still mapped: until it is not, the memory is not the caller's. */
static void pages_that_are_kept_hold_their_request(void **state)
{
    struct blk_test t;
    struct blk_io io = {.result = 1}, other = {.result = 1};
    (void)state;
    blk_begin(&t, config());
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(12288, 0);
    t.back->keeps = true;
    size_t lines = test_log_count(t.p);
    blk_submit(&t, &io, RUNG_BLOCK_READ, 0, memory, 8192);
    blk_submit(&t, &other, RUNG_BLOCK_WRITE, 16, memory + 8192, 512); /* a page of blkfront's own */
    rung_virtual_advance_ns(t.p, 60000 * (uint64_t)S);
    assert_true(io.done_count == 0 && other.done_count == 1);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_true(blk_log_has(&t, "keeps memory"));
    blkback_let_go(t.back);
    blk_wait(&t);
    assert_true(io.done_count == 1 && io.result == RUNG_OK);
    t.back->keeps = false;
    blk_free(memory, 0);
    blk_end(&t);
}

/* The same while the back end goes, comes back and carries the request out once more. */
static void pages_that_are_kept_while_it_goes(void **state)
{
    struct blk_test t;
    struct flight f;
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        blk_begin(&t, config());
        assert_int_equal(blk_open(&t), RUNG_OK);
        flight_start(&f, &t);
        t.back->keeps = true;
        fake_backend_stop(&t.back->device);
        fake_device_remove(t.fake, "vbd", "51712");
        rung_virtual_advance_ns(t.p, 3000 * (uint64_t)S);
        t.back->keeps = false;
        if (how == 1) {
            fake_suspend(t.fake); /* ends every mapping, whoever had it */
            t.back->kept_count = 0;
        }
        if (how == 2)
            rung_virtual_advance_ns(t.p, 30000 * (uint64_t)S);
        if (how != 2)
            blkback_restart(t.back, true);
        rung_virtual_advance_ns(t.p, 3000 * (uint64_t)S);
        blkback_let_go(t.back);
        flight_end(&f, &t, how == 2 ? RUNG_E_DOWN : RUNG_OK);
        blk_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_back_end_comes_late),
        cmocka_unit_test(a_back_end_never_comes),
        cmocka_unit_test(an_earlier_owner_left_its_state),
        cmocka_unit_test(a_back_end_closes_and_returns),
        cmocka_unit_test(a_back_end_vanishes_and_returns),
        cmocka_unit_test(a_disk_is_unplugged_and_plugged_in_again),
        cmocka_unit_test(a_disk_stays_away_for_long),
        cmocka_unit_test(another_disk_comes_back),
        cmocka_unit_test(a_lesser_back_end_returns),
        cmocka_unit_test(a_disk_grows),
        cmocka_unit_test(saved_and_restored),
        cmocka_unit_test(pages_that_are_kept_hold_their_request),
        cmocka_unit_test(pages_that_are_kept_while_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
