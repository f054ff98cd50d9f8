/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_state_test.c - back ends that come late, go, and come back, as the same or
 * as others; a guest that is suspended; what is asked of each, and what it may cost. */
#include "netfront_testing.h"

#include <stddef.h>

/* It has been down, and is up. */
static bool link_is_back(void *arg)
{
    struct nf_test *t = arg;
    return t->link_events > 0 && t->net->link_up;
}

static void passes_frames(struct nf_test *t)
{
    struct nf_out out;
    nf_make(&out, 3000, 30, 5);
    assert_int_equal(nf_send(t, &out), 1);
    nf_expect(t, &out, 3000);
    nf_settle(t);
    assert_int_equal(out.released, 1);
    nf_free(&out);
    assert_true(nf_inject(t, 3000, 6));
    struct rung_frame *f = nf_recv(t);
    assert_non_null(f);
    assert_memory_equal(f->data, t->packet.bytes, f->len);
    f->release(f);
}

struct late {
    struct rung_timer timer;
    struct nf_test *t;
};

static void starts_late(struct rung_timer *timer)
{
    struct late *late = rung_container_of(timer, struct late, timer);
    netback_restart(late->t->back, false);
}

static void a_back_end_may_come_late(void **state)
{
    struct nf_test t;
    struct late late = {.timer.fn = starts_late, .t = &t};
    (void)state;
    nf_begin(&t, NULL);
    fake_backend_stop(&t.back->device);
    rung_timer_start(t.p, &late.timer, UINT64_C(5000000000));
    assert_int_equal(nf_open(&t), RUNG_OK);
    passes_frames(&t);
    nf_end(&t);
}

static void open_says_what_is_wrong(void **state)
{
    static const struct {
        struct netback_config config;
        enum rung_err err;
        const char *line, *device;
        bool stopped;
    } ways[] = {
        {.line = "vif", .device = "7", .err = RUNG_E_NOTFOUND},
        {.line = "back end", .stopped = true, .err = RUNG_E_TIMEDOUT},
        {.config.mac = "nonsense", .line = "Ethernet address"},
        {.config.mac = "00:00:00:00:00:00", .line = "Ethernet address"},
        {.config.mac = "01:16:3e:00:00:01", .line = "Ethernet address"},
        {.config.mac = "00:16:3e:00:00:01:02", .line = "Ethernet address"},
        {.config.mac = "00:16:3e:00:00", .line = "Ethernet address"},
        {.config.no_copy = true, .line = "feature-rx-copy"},
    };
    struct nf_test t;
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(ways); i++) {
        nf_begin(&t, &ways[i].config);
        t.keys.device = ways[i].device;
        if (ways[i].stopped)
            fake_backend_stop(&t.back->device);
        size_t blocks = test_heap_blocks(t.p);
        uint32_t pages = fake_pages_out(t.fake);
        enum rung_err err = nf_open(&t);
        assert_true(ways[i].err ? err == ways[i].err : err < 0);
        if (!nf_log_has(&t, ways[i].line))
            fail_msg("'%s' is not in the log: %s", ways[i].line, rung_virtual_log(t.p));
        nf_settle(&t);
        assert_int_equal(test_heap_blocks(t.p), blocks);
        assert_int_equal(fake_pages_out(t.fake), pages);
        nf_end(&t);
    }
}

static void the_key_that_is_too_small(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    t.keys.rx_memory = 1000;
    assert_int_equal(nf_open(&t), RUNG_E_RANGE);
    assert_true(nf_log_has(&t, "net.rx-memory"));
    nf_end(&t);
}

static void the_first_device_is_taken(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    t.keys.device = NULL;
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_string_equal(t.front.device.id, "0");
    passes_frames(&t);
    nf_end(&t);
}

/* Fifty times: frames in flight are released and counted, lent ones stay; nothing is left of the
 * time before. */
static void back_ends_come_and_go(void **state)
{
    struct nf_test t;
    struct nf_out out[3];
    struct rung_frame *held[50];
    uint32_t pages = 0, grants = 0, ports = 0, watches = 0;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned round = 0; round < 50; round++) {
        uint64_t dropped = t.net->stats.tx_dropped;
        passes_frames(&t);
        assert_true(nf_inject(&t, 100 + round, (uint8_t)round));
        held[round] = nf_recv(&t);
        for (unsigned i = 0; i < 3; i++) {
            nf_make(&out[i], 60 + i * 2000, 1, 1);
            assert_int_equal(nf_send(&t, &out[i]), 1);
        }
        t.link_events = 0;
        if (round % 3 == 0) { /* closes; is plugged in anew; its domain dies, and is back later */
            netback_down(t.back);
        } else if (round % 3 == 1) {
            netback_restart(t.back, true);
        } else {
            fake_backend_stop(&t.back->device);
            fake_device_remove(t.fake, "vif", "0");
            nf_advance_ms(&t, 3000);
            assert_false(t.net->link_up);
            netback_restart(t.back, true);
        }
        test_run_until(t.p, link_is_back, &t);
        nf_settle(&t);
        assert_int_equal(t.net->stats.tx_dropped, dropped + 3);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(out[i].released, 1);
            nf_free(&out[i]);
        }
        nf_packet(&t, 100 + round, (uint8_t)round);
        assert_memory_equal(held[round]->data, t.packet.bytes, t.packet.len);
        if (round == 10) { /* each reader's page is one more */
            pages = fake_pages_out(t.fake);
            grants = fake_grants_open(t.fake);
            ports = fake_ports_open(t.fake);
            watches = fake_guest_watches(t.fake);
        }
    }
    assert_true(fake_pages_out(t.fake) <= pages + 39);
    assert_int_equal(fake_grants_open(t.fake), grants);
    assert_int_equal(fake_ports_open(t.fake), ports);
    assert_int_equal(fake_guest_watches(t.fake), watches);
    for (unsigned i = 0; i < 50; i++)
        held[i]->release(held[i]);
    nf_end(&t);
}

/* While it is away frames are taken and dropped; who waited for room is told that there is, and
 * what comes in when it is back is told as ever. */
static void events_outlive_a_back_end(void **state)
{
    struct nf_test t;
    struct nf_out *out = calloc(400, sizeof(*out));
    unsigned sent = 0;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_null(nf_recv(&t)); /* an event is owed */
    for (int k = 1; k == 1; sent += (unsigned)k) {
        assert_true(sent < 400);
        nf_make(&out[sent], 2000, 0, 1);
        k = nf_send(&t, &out[sent]);
    }
    nf_free(&out[sent]);
    t.back->device.manual = true;
    fake_backend_state(&t.back->device, XenbusStateClosed);
    nf_advance_ms(&t, 100);
    assert_false(t.net->link_up);
    assert_int_equal(t.tx_events, 1);
    assert_int_equal(t.net->stats.tx_dropped, sent);
    for (unsigned i = 0; i < sent; i++) {
        assert_int_equal(out[i].released, 1);
        out[i].released = 0;
        assert_int_equal(nf_send(&t, &out[i]), 1);
        assert_int_equal(out[i].released, 1);
        nf_free(&out[i]);
    }
    assert_null(nf_recv(&t));
    t.rx_events = t.link_events = 0;
    t.back->device.manual = false;
    netback_up(t.back);
    test_run_until(t.p, link_is_back, &t);
    nf_settle(&t);
    assert_int_equal(t.rx_events, 0);
    assert_true(nf_inject(&t, 100, 1));
    nf_settle(&t);
    assert_int_equal(t.rx_events, 1);
    free(out);
    nf_end(&t); /* with a frame that nobody took */
}

/* Another device in its place is told to close; the next one, if it is as the first was, will
 * do. */
static void one_that_offers_less_is_not_taken(void **state)
{
    static const struct netback_config less[] = {
        {.no_gso4 = true}, {.no_gso6 = true}, {.no_sg = true}, {.no_csum = true}, {.mtu = 1400},
        {.mac = "00:16:3e:00:00:09"},
    };
    struct nf_test t;
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(less); i++) {
        nf_begin(&t, NULL);
        assert_int_equal(nf_open(&t), RUNG_OK);
        t.back->config = less[i];
        netback_restart(t.back, true);
        nf_advance_ms(&t, 3000);
        assert_null(nf_recv(&t));
        assert_false(t.net->link_up);
        assert_true(nf_log_has(&t, "or start the guest again"));
        size_t lines = test_log_count(t.p);
        nf_advance_ms(&t, 10000);
        assert_int_equal(test_log_count(t.p), lines);
        t.back->config = (struct netback_config){0};
        netback_restart(t.back, true);
        test_run_until(t.p, link_is_back, &t);
        assert_true(nf_inject(&t, 100, 1));
        nf_settle(&t);
        nf_end(&t);
    }
}

/* One that offers more is as good. */
static void one_that_offers_more_will_do(void **state)
{
    struct netback_config config = {.no_sg = true, .no_csum = true, .mtu = 1000, .no_split = true};
    struct nf_test t;
    (void)state;
    nf_begin(&t, &config);
    assert_int_equal(nf_open(&t), RUNG_OK);
    struct rung_net_info info = t.net->info;
    assert_int_equal(info.mtu, 1000);
    assert_int_equal(info.max_frags, 1);
    t.back->config = (struct netback_config){.mtu = 1500};
    netback_restart(t.back, true);
    nf_advance_ms(&t, 3000);
    assert_true(t.net->link_up);
    assert_memory_equal(&info, &t.net->info, sizeof(info));
    passes_frames(&t);
    nf_end(&t);
}

/* Saved and restored: what was granted is nobody's, the other side knows nothing. */
static void a_suspend_is_a_new_beginning(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_true(nf_inject(&t, 5000, 1));
    struct rung_frame *held = nf_recv(&t);
    for (unsigned i = 0; i < 5; i++) {
        passes_frames(&t);
        t.link_events = 0;
        nf_make(&out, 5000, 0, 2);
        assert_int_equal(nf_send(&t, &out), 1);
        uint64_t dropped = t.net->stats.tx_dropped;
        fake_suspend(t.fake);
        test_run_until(t.p, link_is_back, &t);
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        assert_int_equal(t.net->stats.tx_dropped, dropped + 1);
        nf_free(&out);
    }
    held->release(held);
    passes_frames(&t);
    nf_end(&t);
}

/* A page that a back end has kept is nobody's after the suspend, also when the device is gone: to
 * end its grant then would give the number, which is free, to two. */
static void what_was_kept_is_forgotten_in_a_suspend(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    nf_make(&out, 3000, 0, 1);
    t.back->keeps = true;
    assert_int_equal(nf_send(&t, &out), 1);
    assert_true(netback_take(t.back, &t.packet));
    uint32_t ref = t.back->kept[0];
    t.back->kept_count = 0; /* the fake's back end does not let go when it disconnects */
    nf_advance_ms(&t, 3000);
    assert_int_equal(t.front.tx.stuck, 1);
    assert_int_equal(out.released, 0);
    fake_unmap(t.fake, ref);
    fake_suspend(t.fake);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.front.tx.stuck, 0);
    nf_advance_ms(&t, 3000);
    nf_free(&out);
    nf_end(&t);
}

/* Hot-unplugged in order, and plugged in again. */
static void unplugged_and_back(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 5; i++) {
        passes_frames(&t);
        fake_backend_unplug(&t.back->device);
        nf_advance_ms(&t, 2000);
        assert_false(t.net->link_up);
        fake_device_remove(t.fake, "vif", "0");
        nf_advance_ms(&t, 2000);
        assert_int_equal(rung_net_recv(t.net, NULL, 0), 0);
        netback_restart(t.back, true);
        nf_advance_ms(&t, 2000);
        assert_true(t.net->link_up);
    }
    nf_end(&t);
}

static void both_ways_of_notifying(void **state)
{
    struct nf_test t;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct netback_config config = {.no_split = i == 1, .no_queues = i == 1};
        nf_begin(&t, &config);
        assert_int_equal(nf_open(&t), RUNG_OK);
        assert_int_equal(t.back->split, i == 0);
        const char *queues = fake_store_read(
            t.fake, fake_front(t.fake, "vif", "0", "multi-queue-num-queues"));
        assert_string_equal(queues, "1"); /* in any case: a former owner may have said more */
        assert_null(nf_recv(&t));
        assert_true(nf_inject(&t, 100, 1));
        nf_settle(&t);
        assert_int_equal(t.rx_events, 1);
        struct rung_frame *f = nf_recv(&t);
        assert_non_null(f);
        f->release(f);
        passes_frames(&t);
        nf_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_back_end_may_come_late),
        cmocka_unit_test(open_says_what_is_wrong),
        cmocka_unit_test(the_key_that_is_too_small),
        cmocka_unit_test(the_first_device_is_taken),
        cmocka_unit_test(back_ends_come_and_go),
        cmocka_unit_test(events_outlive_a_back_end),
        cmocka_unit_test(one_that_offers_less_is_not_taken),
        cmocka_unit_test(one_that_offers_more_will_do),
        cmocka_unit_test(a_suspend_is_a_new_beginning),
        cmocka_unit_test(what_was_kept_is_forgotten_in_a_suspend),
        cmocka_unit_test(unplugged_and_back),
        cmocka_unit_test(both_ways_of_notifying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
