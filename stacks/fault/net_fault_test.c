/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_test.c - time, bounds, and what the link says. */
#include "fault_testing.h"

#include "fault_copy.h"

static void sent_frames_take_their_time(void **state)
{
    struct fault_test t;
    struct test_net_out out[3];
    (void)state;
    fault_begin(&t);
    t.keys.delay = "20ms/0ms";
    fault_open(&t);
    for (unsigned i = 0; i < 3; i++) {
        test_net_out(&out[i], 60 + i);
        fault_send(&t, &out[i]);
        rung_virtual_advance_ns(t.p, 5 * RUNG_NS_PER_MS);
    }
    rung_virtual_advance_ns(t.p, 5 * RUNG_NS_PER_MS - 1);
    assert_null(t.link.sent);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(out[i].released, 0);
        rung_virtual_advance_ns(t.p, 1);
        struct test_net_frame *sent = test_net_take(&t.link);
        assert_non_null(sent);
        assert_int_equal(sent->len, 60 + i);
        assert_int_equal(out[i].released, 1);
        assert_null(t.link.sent);
        test_net_free(sent);
        rung_virtual_advance_ns(t.p, 5 * RUNG_NS_PER_MS - 1);
    }
    uint8_t bytes[60] = {0};
    test_net_put(&t.link, bytes, 60, NULL); /* the other way is free */
    struct rung_frame *f = fault_recv(&t);
    assert_non_null(f);
    f->release(f);
    fault_close(&t);
    fault_end(&t);
}

static void received_frames_take_their_time(void **state)
{
    struct fault_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    fault_begin(&t);
    t.keys.delay = "0ms/500us";
    fault_open(&t);
    test_net_put(&t.link, bytes, 60, NULL);
    rung_virtual_advance_ns(t.p, 499999);
    assert_int_equal(t.events, 0);
    assert_null(fault_recv(&t));
    rung_virtual_advance_ns(t.p, 1);
    assert_int_equal(t.events, RUNG_NET_RX_READY);
    assert_int_equal(t.calls, 1);
    struct rung_frame *f = fault_recv(&t);
    assert_non_null(f);
    assert_ptr_equal(f->data, rung_container_of(f, struct test_net_frame, frame)->bytes);
    f->release(f);
    fault_close(&t);
    fault_end(&t);
}

/* Frames arrive between delay - jitter and delay + jitter, spread over all of it. */
static void jitter_spreads(void **state)
{
    enum { N = 500, MS = 1000000 };
    struct fault_test t;
    struct test_net_out *out = calloc(N, sizeof(*out));
    unsigned early = 0, late = 0;
    (void)state;
    fault_begin(&t);
    t.keys.delay = "10ms";
    t.keys.jitter = "4ms";
    fault_open(&t);
    for (unsigned i = 0; i < N; i++) {
        test_net_out(&out[i], 60);
        fault_send(&t, &out[i]);
    }
    rung_virtual_advance_ns(t.p, 6 * MS - 1);
    assert_null(t.link.sent);
    rung_virtual_advance_ns(t.p, 2 * MS);
    for (struct test_net_frame *f; (f = test_net_take(&t.link)) != NULL; test_net_free(f))
        early++;
    rung_virtual_advance_ns(t.p, 4 * MS);
    for (struct test_net_frame *f; (f = test_net_take(&t.link)) != NULL; test_net_free(f))
        late++;
    assert_in_range(early, N / 4 - 60, N / 4 + 60);
    assert_in_range(late, N / 2 - 60, N / 2 + 60);
    rung_virtual_advance_ns(t.p, 2 * MS + 1);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(out[i].released, 1);
    fault_close(&t);
    fault_end(&t);
    free(out);
}

/* A full line pushes the sender back; it leaves to the link what comes in. */
static void lines_are_bounded(void **state)
{
    struct fault_test t;
    struct test_net_out out[10];
    struct rung_frame *f[10];
    uint8_t bytes[60] = {0};
    (void)state;
    fault_begin(&t);
    t.keys.delay = "10ms";
    t.keys.queue = 4;
    fault_open(&t);
    for (unsigned i = 0; i < 10; i++) {
        test_net_out(&out[i], 60);
        f[i] = &out[i].frame;
        test_net_put(&t.link, bytes, 60, NULL);
    }
    assert_int_equal(rung_net_send(&t.fault.net, f, 10), 4);
    assert_int_equal(rung_net_send(&t.fault.net, f + 4, 6), 0);
    test_run_turns(t.p, 5);
    assert_int_equal(t.events, 0);
    assert_int_equal(t.link.lent, 4);
    rung_virtual_advance_ns(t.p, 10 * RUNG_NS_PER_MS);
    assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY);
    assert_int_equal(t.calls, 1);
    assert_int_equal(rung_net_send(&t.fault.net, f + 4, 6), 4);
    for (unsigned i = 0; i < 4; i++) {
        struct rung_frame *in = fault_recv(&t);
        assert_non_null(in);
        in->release(in);
    }
    assert_null(fault_recv(&t));
    assert_int_equal(t.link.lent, 4);
    fault_close(&t); /* with four on their way on each side */
    assert_int_equal(t.link.lent, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(out[i].released, i < 8);
    assert_int_equal(t.fault.net.stats.tx_dropped, 0);
    fault_end(&t);
}

/* A link that is full keeps the order, and its TX_READY moves things on. */
static void a_full_link_is_waited_for(void **state)
{
    struct fault_test t;
    struct test_net_out out[8];
    struct rung_frame *f[8];
    (void)state;
    fault_begin(&t);
    t.keys.queue = 5;
    t.keys.loss = "0.0001%"; /* just so that there is a line */
    fault_open(&t);
    test_net_set_room(&t.link, 2);
    for (unsigned i = 0; i < 8; i++) {
        test_net_out(&out[i], 60 + i);
        f[i] = &out[i].frame;
    }
    assert_int_equal(rung_net_send(&t.fault.net, f, 8), 7);
    test_run_turns(t.p, 3);
    assert_int_equal(t.events, 0);
    test_net_set_room(&t.link, 100);
    test_run_turns(t.p, 3);
    assert_int_equal(t.events, RUNG_NET_TX_READY);
    fault_send(&t, &out[7]);
    for (unsigned i = 0; i < 8; i++) {
        struct test_net_frame *sent = test_net_take(&t.link);
        assert_int_equal(sent->len, 60 + i);
        test_net_free(sent);
    }
    fault_close(&t);
    fault_end(&t);
}

static void what_is_under_way_is_lost_with_the_link(void **state)
{
    struct fault_test t;
    struct test_net_out out[3];
    uint8_t bytes[60] = {0};
    (void)state;
    fault_begin(&t);
    t.keys.delay = "10ms";
    fault_open(&t);
    test_net_out(&out[0], 60);
    fault_send(&t, &out[0]);
    test_net_put(&t.link, bytes, 60, NULL);
    rung_virtual_advance_ns(t.p, RUNG_NS_PER_MS);
    test_net_set_link(&t.link, false);
    test_run_turns(t.p, 2);
    assert_false(t.fault.net.link_up);
    assert_int_equal(t.events, RUNG_NET_LINK);
    assert_int_equal(out[0].released, 1);
    assert_int_equal(t.link.lent, 0);
    test_net_out(&out[1], 60);
    fault_send(&t, &out[1]);
    assert_int_equal(out[1].released, 1);
    assert_int_equal(t.fault.net.stats.tx_dropped, 2);
    assert_int_equal(t.fault.net.stats.rx_dropped, 1);
    test_net_set_link(&t.link, true);
    test_net_out(&out[2], 60);
    fault_send(&t, &out[2]);
    rung_virtual_advance_ns(t.p, 10 * RUNG_NS_PER_MS);
    assert_int_equal(out[2].released, 1);
    assert_int_equal(t.link.net.stats.tx_frames, 1);
    fault_close(&t);
    fault_end(&t);
}

static void a_device_that_is_gone_is_told_once(void **state)
{
    struct fault_test t;
    struct test_net_out out[2];
    struct rung_frame *f = &out[1].frame;
    (void)state;
    for (unsigned how = 0; how < 6; how++) {
        fault_begin(&t);
        t.keys.delay = how % 2 ? "10ms" : "0ms";
        fault_open(&t);
        test_net_out(&out[0], 60);
        test_net_out(&out[1], 60);
        fault_send(&t, &out[0]);
        test_net_unplug(&t.link);
        if (how / 2 == 1) /* it is noticed by the event, by send(), or by recv() */
            assert_int_equal(rung_net_send(&t.fault.net, &f, 1), RUNG_E_DOWN);
        else if (how / 2 == 2)
            assert_int_equal(rung_net_recv(&t.fault.net, &f, 1), RUNG_E_DOWN);
        assert_int_equal(t.calls, 0);
        rung_virtual_advance_ns(t.p, RUNG_NS_PER_S);
        assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
        assert_int_equal(t.calls, 1);
        assert_int_equal(out[0].released, 1);
        assert_int_equal(rung_net_send(&t.fault.net, &f, 1), RUNG_E_DOWN);
        assert_int_equal(rung_net_recv(&t.fault.net, &f, 1), RUNG_E_DOWN);
        assert_ptr_equal(f, &out[1].frame);
        assert_int_equal(out[1].released, 0);
        fault_close(&t);
        fault_end(&t);
    }
}

static void the_mtu_is_a_bound(void **state)
{
    struct fault_test t;
    struct test_net_out out;
    struct rung_frame *f;
    uint8_t bytes[1000] = {0};
    (void)state;
    fault_begin(&t);
    t.keys.mtu = 600;
    fault_open(&t);
    assert_int_equal(t.fault.net.info.mtu, 600);
    test_net_out(&out, 614);
    fault_send(&t, &out);
    assert_int_equal(t.link.net.stats.tx_frames, 1);
    test_net_out(&out, 615);
    fault_send(&t, &out);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.link.net.stats.tx_frames, 1);
    assert_int_equal(t.fault.net.stats.tx_dropped, 1);
    test_net_put(&t.link, bytes, 615, NULL);
    test_net_put(&t.link, bytes, 614, NULL);
    struct rung_frame as = {.gso_size = 561, .gso_type = RUNG_GSO_TCP4, .hdr_len = 54};
    test_net_put(&t.link, bytes, 1000, &as);
    as.gso_size = 560;
    test_net_put(&t.link, bytes, 999, &as);
    f = fault_recv(&t);
    assert_int_equal(rung_fault_len(f), 614);
    f->release(f);
    f = fault_recv(&t);
    assert_int_equal(rung_fault_len(f), 999);
    f->release(f);
    assert_null(fault_recv(&t));
    assert_int_equal(t.fault.net.stats.rx_dropped, 2);
    fault_close(&t);
    assert_non_null(strstr(test_log_last(t.p), "received: 2 frames passed"));
    assert_non_null(strstr(test_log_last(t.p), "2 too long"));
    fault_end(&t);
}

static void bad_keys_say_what_to_do(void **state)
{
    static const struct {
        struct rung_net_fault_keys keys;
        const char *says;
    } bad[] = {
        {{.loss = "1"}, "'1' is no share of frames: set net.fault.loss to 1%, 0.05% and so on"},
        {{.duplicate = "101%"}, "set net.fault.duplicate to"},
        {{.reorder = "x"}, "set net.fault.reorder to"},
        {{.corrupt = ""}, "set net.fault.corrupt to"},
        {{.delay = "1h"}, "'1h' is no time a frame can take: set net.fault.delay to 20ms"},
        {{.jitter = "-1ms"}, "set net.fault.jitter to"},
        {{.mtu = 575}, "an mtu of 575 does not go with the link's: set net.fault.mtu to 576 at "
                       "least and 1500 at most, or to 0"},
        {{.mtu = 1501}, "set net.fault.mtu to 576 at least and 1500 at most"},
        {{.queue = 0}, "set net.fault.queue to 1 or more"},
    };
    struct fault_test t;
    (void)state;
    fault_begin(&t);
    struct rung_net_fault_keys good = t.keys;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        const struct rung_net_fault_keys *k = &bad[i].keys;
        t.keys = good;
        t.keys.loss = k->loss ? k->loss : good.loss;
        t.keys.duplicate = k->duplicate ? k->duplicate : good.duplicate;
        t.keys.reorder = k->reorder ? k->reorder : good.reorder;
        t.keys.corrupt = k->corrupt ? k->corrupt : good.corrupt;
        t.keys.delay = k->delay ? k->delay : good.delay;
        t.keys.jitter = k->jitter ? k->jitter : good.jitter;
        t.keys.mtu = k->mtu;
        t.keys.queue = i + 1 == RUNG_ARRAY_LEN(bad) ? 0 : good.queue;
        assert_int_equal(fault_try_open(&t), RUNG_E_RANGE);
        assert_non_null(strstr(test_log_last(t.p), bad[i].says));
        assert_int_equal(test_log_count(t.p), i + 1);
        assert_null(t.link.net.ready);
    }
    fault_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_frames_take_their_time),
        cmocka_unit_test(received_frames_take_their_time),
        cmocka_unit_test(jitter_spreads),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(a_full_link_is_waited_for),
        cmocka_unit_test(what_is_under_way_is_lost_with_the_link),
        cmocka_unit_test(a_device_that_is_gone_is_told_once),
        cmocka_unit_test(the_mtu_is_a_bound),
        cmocka_unit_test(bad_keys_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
