/* SPDX-License-Identifier: ISC */
/* stacks/capture/net_capture_flow_test.c - what is recorded when things do not go
 * smoothly, and what never stops the traffic. */
#include "capture_testing.h"

/* What the link does not take is not in the file, however often it is offered. */
static void only_what_has_gone_is_recorded(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    struct test_net_out out[150];
    struct rung_frame *f[150];
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    for (unsigned i = 0; i < 150; i++) {
        test_net_out(&out[i], 60 + i);
        out[i].bytes[20] = (uint8_t)i;
        f[i] = &out[i].frame;
    }
    test_net_set_room(&t.link, 3);
    assert_int_equal(rung_net_send(&t.capture.net, f, 150), 3);
    assert_int_equal(rung_net_send(&t.capture.net, f + 3, 147), 0);
    assert_int_equal(t.events, 0);
    test_net_set_room(&t.link, 100);
    test_run_turns(t.p, 2);
    assert_int_equal(t.events, RUNG_NET_TX_READY);
    assert_int_equal(rung_net_send(&t.capture.net, f + 3, 147), 100);
    test_net_unplug(&t.link);
    assert_int_equal(rung_net_send(&t.capture.net, f + 103, 47), RUNG_E_DOWN);
    assert_int_equal(t.capture.net.stats.tx_frames, 103);
    capture_close(&t);
    capture_read(&t, &file);
    for (unsigned i = 0; i < 103; i++) {
        assert_true(test_pcapng_next(&file, &packet));
        assert_int_equal(packet.bytes[20], i);
    }
    assert_false(test_pcapng_next(&file, &packet));
    assert_true(file.seen == 103 && file.recorded == 103 && file.lost == 0);
    capture_end(&t);
}

struct nested {
    struct test_net_out out;
    struct capture_test *t;
    struct nested *then;
    int taken;
};

static void release_sends(struct rung_frame *frame)
{
    struct nested *n = rung_container_of(frame, struct nested, out.frame);
    struct rung_frame *f = n->then ? &n->then->out.frame : NULL;
    if (f)
        n->then->taken = rung_net_send(&n->t->capture.net, &f, 1);
}

/* A release() inside the link's send() sends: its frame is recorded, and what the outer send() did
 * not get rid of is taken back although it is not the newest any more. */
static void release_may_send(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    struct nested n[4];
    struct rung_frame *f[3];
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    for (unsigned i = 0; i < 4; i++) {
        test_net_out(&n[i].out, 60);
        n[i].out.bytes[20] = (uint8_t)i;
        n[i].out.frame.release = release_sends;
        n[i].t = &t;
        n[i].then = i == 0 ? &n[3] : NULL;
    }
    for (unsigned i = 0; i < 3; i++)
        f[i] = &n[i].out.frame;
    test_net_set_room(&t.link, 2); /* for 0, and for 3, which its release sends */
    assert_int_equal(rung_net_send(&t.capture.net, f, 3), 1);
    assert_int_equal(n[3].taken, 1);
    capture_close(&t);
    capture_read(&t, &file);
    assert_true(test_pcapng_next(&file, &packet));
    assert_int_equal(packet.bytes[20], 0);
    assert_true(test_pcapng_next(&file, &packet));
    assert_int_equal(packet.bytes[20], 3);
    assert_false(test_pcapng_next(&file, &packet));
    capture_end(&t);
}

static void close_from_release(struct rung_frame *frame)
{
    struct nested *n = rung_container_of(frame, struct nested, out.frame);
    n->t->op.done = capture_on_closed;
    rung_net_close(&n->t->capture.net, &n->t->op);
}

static void release_may_close(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct nested n;
    struct test_net_out other;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    test_net_out(&n.out, 60);
    test_net_out(&other, 60);
    n.out.frame.release = close_from_release;
    n.t = &t;
    test_net_set_room(&t.link, 1);
    struct rung_frame *f[] = {&n.out.frame, &other.frame};
    assert_int_equal(rung_net_send(&t.capture.net, f, 2), 1);
    test_run_until(t.p, capture_is_closed, &t);
    capture_read(&t, &file);
    assert_int_equal(test_pcapng_rest(&file), 1);
    assert_true(file.has_statistics);
    capture_end(&t);
}

/* While the disk is slow the ring fills up: traffic goes on, and the file says what is missing. */
static void a_full_ring_loses_records_and_says_so(void **state)
{
    enum { N = 400 };
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    struct test_net_out out;
    unsigned last = 0;
    uint64_t lost = 0;
    (void)state;
    capture_begin(&t);
    t.keys.ring = 128 << 10;
    capture_open(&t);
    rung_virtual_sinks_stall(t.p, true);
    for (unsigned i = 0; i < N; i++) {
        test_net_out(&out, 1000);
        capture_put16(out.bytes + 20, i + 1);
        capture_send(&t, &out);
        rung_virtual_advance_ns(t.p, RUNG_NS_PER_MS);
        assert_int_equal(out.released, 1);
        if (i == N / 2)
            rung_virtual_sinks_stall(t.p, false);
    }
    assert_int_equal(test_log_count(t.p), 2);
    assert_non_null(strstr(test_log_last(t.p), "set net.capture.ring to more"));
    capture_close(&t);
    assert_non_null(strstr(rung_virtual_log(t.p), "warn: net.capture: 3"));
    capture_read(&t, &file);
    while (test_pcapng_next(&file, &packet)) {
        unsigned id = (unsigned)packet.bytes[20] << 8 | packet.bytes[21];
        assert_int_equal(packet.lost, id - last - 1);
        last = id;
        lost += packet.lost;
    }
    assert_int_equal(last, N); /* the ring has been written in time */
    assert_true(lost > 50 && lost < 120);
    assert_true(file.lost == lost && file.recorded == N - lost && file.seen == N);
    assert_int_equal(file.packets, file.recorded);
    capture_leave(&t, "lost");
    capture_end(&t);
}

/* Memory is written after the delay, or at once when a quarter of the ring is full. */
static void what_is_recorded_gets_written(void **state)
{
    struct capture_test t;
    struct test_net_out out;
    struct test_pcapng file;
    size_t before, after;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    rung_virtual_advance_ns(t.p, t.keys.delay);
    capture_read(&t, &file); /* a reader may look as soon as that */
    assert_int_equal(test_pcapng_rest(&file), 0);
    rung_virtual_sink(t.p, "f", &before);
    test_net_out(&out, 1500);
    capture_send(&t, &out);
    rung_virtual_advance_ns(t.p, t.keys.delay - 1);
    rung_virtual_sink(t.p, "f", &after);
    assert_int_equal(after, before);
    rung_virtual_advance_ns(t.p, 1);
    capture_read(&t, &file);
    assert_int_equal(test_pcapng_rest(&file), 1);
    for (unsigned i = 0; i < 50; i++)
        capture_send(&t, &out);
    test_run_turns(t.p, 4); /* no time passes */
    capture_read(&t, &file);
    assert_int_equal(test_pcapng_rest(&file), 51);
    capture_close(&t);
    capture_end(&t);
}

static void the_limit_ends_the_recording(void **state)
{
    struct capture_test t;
    struct test_net_out out;
    struct test_pcapng file;
    size_t len;
    (void)state;
    capture_begin(&t);
    t.keys.limit = 20000;
    capture_open(&t);
    for (unsigned i = 0; i < 100; i++) {
        test_net_out(&out, i == 99 ? 14 : 1000);
        capture_send(&t, &out);
    }
    assert_int_equal(test_log_count(t.p), 2);
    assert_non_null(strstr(test_log_last(t.p), "as long as net.capture.limit lets it"));
    capture_close(&t);
    capture_read(&t, &file);
    assert_int_equal(test_pcapng_rest(&file), 18);
    assert_non_null(strstr(test_log_last(t.p), "18 frames are recorded in f, 82 are missing"));
    assert_true(file.has_statistics && file.seen == 100 && file.recorded == 18);
    rung_virtual_sink(t.p, "f", &len);
    assert_in_range(len, 19000, 20000);
    capture_end(&t);
}

/* A full disk ends the recording and nothing else. */
static void a_disk_that_fails_does_not_stop_the_traffic(void **state)
{
    struct capture_test t;
    struct test_net_out out;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    rung_virtual_sinks_fail(t.p, RUNG_E_FULL);
    for (unsigned i = 0; i < 10; i++) {
        test_net_out(&out, 100);
        capture_send(&t, &out);
        rung_virtual_advance_ns(t.p, RUNG_NS_PER_S);
        assert_int_equal(out.released, 1);
    }
    assert_int_equal(test_log_count(t.p), 2);
    assert_non_null(strstr(test_log_last(t.p), "cannot write to f: no space left"));
    rung_virtual_sinks_fail(t.p, RUNG_OK);
    capture_close(&t);
    assert_false(rung_virtual_sink_is_open(t.p, "f"));
    assert_int_equal(test_log_count(t.p), 2); /* nothing of how many are there */
    capture_end(&t);
}

/* A reader that has stopped reading holds up the end of the program for two seconds. */
static void closing_does_not_wait_for_ever(void **state)
{
    struct capture_test t;
    struct test_net_out out;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    rung_virtual_sinks_stall(t.p, true);
    test_net_out(&out, 100);
    capture_send(&t, &out);
    uint64_t before = rung_clock_monotonic_ns(t.p);
    capture_close(&t);
    assert_int_equal(rung_clock_monotonic_ns(t.p) - before, 2 * RUNG_NS_PER_S);
    assert_non_null(strstr(rung_virtual_log(t.p), "cannot write to f: its reader is too slow"));
    assert_int_equal(test_log_count(t.p), 2);
    assert_false(rung_virtual_sink_is_open(t.p, "f"));
    capture_end(&t);
}

static void bad_keys_say_what_to_do(void **state)
{
    static const struct {
        uint64_t ring, limit;
        const char *says;
    } bad[] = {
        {1000, 0, "a ring of 1000 bytes is too small: set net.capture.ring to 128K at least"},
        {UINT64_C(1) << 40, 0, "too large: set net.capture.ring to 128K at least and 1G at most"},
        {1 << 20, 100, "set net.capture.limit to 4K or more"},
    };
    static const struct {
        enum rung_err err;
        const char *says;
    } files[] = {
        {RUNG_E_ACCESS, "cannot write to f: permission denied: set net.capture.file to a file"},
        {RUNG_E_DOWN, "nobody reads f: start its reader first"},
        {RUNG_E_NOTSUP, "nothing can be recorded on this platform: leave net.capture.file out"},
    };
    struct capture_test t;
    (void)state;
    capture_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        t.keys.ring = bad[i].ring;
        t.keys.limit = bad[i].limit;
        assert_int_equal(capture_try_open(&t), RUNG_E_RANGE);
        assert_non_null(strstr(test_log_last(t.p), bad[i].says));
    }
    t.keys.ring = 1 << 20;
    t.keys.limit = 0;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(files); i++) {
        rung_virtual_sinks_fail(t.p, files[i].err);
        assert_int_equal(capture_try_open(&t), files[i].err);
        assert_non_null(strstr(test_log_last(t.p), files[i].says));
    }
    rung_virtual_sinks_fail(t.p, RUNG_E_AGAIN); /* the platform has said why */
    assert_int_equal(capture_try_open(&t), RUNG_E_AGAIN);
    assert_int_equal(test_log_count(t.p), 6);
    assert_null(t.link.net.ready);
    capture_end(&t);
}

/* Without a file it is not there. */
static void without_a_file_nothing_is_recorded(void **state)
{
    struct capture_test t;
    struct test_net_out out;
    uint8_t bytes[60] = {0};
    (void)state;
    capture_begin(&t);
    t.keys.file = NULL;
    capture_open(&t);
    assert_int_equal(test_heap_blocks(t.p), 0);
    assert_non_null(strstr(test_log_last(t.p), "nothing is recorded: set net.capture.file"));
    test_net_out(&out, 100);
    capture_send(&t, &out);
    test_net_put(&t.link, bytes, 60, NULL);
    capture_recv(&t);
    assert_int_equal(t.capture.net.stats.tx_bytes, 100);
    assert_int_equal(t.capture.net.stats.rx_bytes, 60);
    capture_close(&t);
    capture_end(&t);
}

/* The link has said it once; who listens later hears it all the same. */
static void events_wait_for_a_listener(void **state)
{
    struct capture_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    t.capture.net.ready = NULL;
    test_net_put(&t.link, bytes, 60, NULL);
    test_net_set_link(&t.link, false);
    rung_virtual_advance_ns(t.p, RUNG_NS_PER_S);
    assert_false(t.capture.net.link_up);
    t.capture.net.ready = capture_on_ready;
    rung_virtual_advance_ns(t.p, 10 * RUNG_NS_PER_MS);
    assert_int_equal(t.events, RUNG_NET_RX_READY | RUNG_NET_LINK);
    assert_int_equal(t.calls, 1);
    capture_recv(&t);
    capture_close(&t);
    capture_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_has_gone_is_recorded),
        cmocka_unit_test(release_may_send),
        cmocka_unit_test(release_may_close),
        cmocka_unit_test(a_full_ring_loses_records_and_says_so),
        cmocka_unit_test(what_is_recorded_gets_written),
        cmocka_unit_test(the_limit_ends_the_recording),
        cmocka_unit_test(a_disk_that_fails_does_not_stop_the_traffic),
        cmocka_unit_test(closing_does_not_wait_for_ever),
        cmocka_unit_test(bad_keys_say_what_to_do),
        cmocka_unit_test(without_a_file_nothing_is_recorded),
        cmocka_unit_test(events_wait_for_a_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
