/* SPDX-License-Identifier: ISC */
/* stacks/capture/net_capture_test.c - what stands in the file of what passes. */
#include "capture_testing.h"

static void both_directions_are_recorded(void **state)
{
    static const uint8_t to[][6] = {
        {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 9}, {1, 0, 0x5e, 0, 0, 1},
        {255, 255, 255, 255, 255, 255},
    };
    static const uint32_t kinds[] = {RUNG_PCAPNG_UNICAST, RUNG_PCAPNG_PROMISCUOUS,
                                     RUNG_PCAPNG_MULTICAST, RUNG_PCAPNG_BROADCAST};
    struct capture_test t;
    struct test_net_out out;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    uint8_t bytes[60] = {0};
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    test_net_out(&out, 61);
    memset(out.bytes, 0x33, sizeof(out.bytes));
    capture_send(&t, &out);
    rung_virtual_advance_ns(t.p, 1000);
    for (unsigned i = 0; i < 4; i++) {
        t.link.cut = i; /* the address may be spread over fragments */
        memcpy(bytes, to[i], 6);
        test_net_put(&t.link, bytes, sizeof(bytes), NULL);
        capture_recv(&t);
    }
    rung_virtual_advance_ns(t.p, 50 * RUNG_NS_PER_MS);
    capture_close(&t);
    capture_read(&t, &file);
    assert_string_equal(file.application, "Rung net-capture");
    assert_string_equal(file.name, "net.capture");
    assert_string_equal(file.description, "test-net");
    assert_memory_equal(file.mac, t.link.net.info.mac, 6);
    assert_int_equal(file.snaplen, 0);
    assert_true(test_pcapng_next(&file, &packet));
    assert_int_equal(packet.flags, RUNG_PCAPNG_OUT);
    assert_int_equal(packet.len, 61);
    assert_int_equal(packet.kept, 61);
    assert_memory_equal(packet.bytes, out.bytes, 61);
    assert_true(packet.time_ns == RUNG_VIRTUAL_WALL_NS);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(test_pcapng_next(&file, &packet));
        assert_int_equal(packet.flags, RUNG_PCAPNG_IN | kinds[i]);
        assert_memory_equal(packet.bytes, to[i], 6);
        assert_true(packet.time_ns == RUNG_VIRTUAL_WALL_NS + 1000);
    }
    assert_false(test_pcapng_next(&file, &packet));
    assert_true(file.has_statistics);
    assert_true(file.seen == 5 && file.recorded == 5 && file.lost == 0);
    assert_true(file.start_ns == RUNG_VIRTUAL_WALL_NS);
    assert_non_null(strstr(test_log_last(t.p), "5 frames are recorded in f, 0 are missing there"));
    capture_leave(&t, "plain");
    capture_end(&t);
    assert_int_equal(out.released, 1);
}

/* Frames show the sum that the wire will carry; those that pass do not change. */
static void sums_are_finished_in_the_copy(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    struct test_net_out out;
    struct rung_frame as;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    for (uint32_t len = 62; len < 72; len++) {
        test_net_out(&out, len);
        capture_frame(out.bytes, len, len % 2 ? 6 : 17, &as);
        out.frame.flags = as.flags;
        out.frame.csum_start = as.csum_start;
        out.frame.csum_offset = as.csum_offset;
        capture_send(&t, &out);
        struct test_net_frame *sent = test_net_take(&t.link);
        assert_memory_equal(sent->bytes, out.bytes, len);
        assert_int_equal(sent->frame.flags, RUNG_FRAME_CSUM);
        test_net_put(&t.link, out.bytes, len, &as);
        t.link.cut = 35; /* in the midst of it */
        capture_recv(&t);
        test_net_free(sent);
    }
    capture_close(&t);
    capture_read(&t, &file);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(test_pcapng_next(&file, &packet));
        assert_true(capture_sum_is_right(&packet));
    }
    capture_leave(&t, "sums");
    capture_end(&t);
}

/* A sum of 0 would say to UDP that there is none. */
static void a_sum_of_zero_is_written_as_ones(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    uint8_t bytes[64];
    struct rung_frame as;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    capture_frame(bytes, sizeof(bytes), 17, &as);
    capture_put16(bytes + 62, 0);
    capture_put16(bytes + 62, ~capture_sum_of(bytes + 34, 30, 0));
    test_net_put(&t.link, bytes, sizeof(bytes), &as);
    capture_recv(&t);
    capture_close(&t);
    capture_read(&t, &file);
    assert_true(test_pcapng_next(&file, &packet));
    assert_int_equal(packet.bytes[40] << 8 | packet.bytes[41], 0xffff);
    assert_true(capture_sum_is_right(&packet));
    capture_end(&t);
}

/* Offsets that point past the frame, from a link that lies, touch nothing; no length is too odd. */
static void a_lying_link_does_no_harm(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    (void)state;
    capture_begin(&t);
    capture_open(&t);
    for (unsigned i = 0; i < 64; i++) {
        uint8_t bytes[70] = {0};
        struct rung_frame as = {
            .flags = RUNG_FRAME_CSUM, .csum_start = (uint16_t)(i & 1 ? 60 : 65535),
            .csum_offset = (uint16_t)(i & 2 ? 65535 : 9), .gso_size = (uint16_t)(i & 4 ? 1 : 0),
            .gso_type = i & 4 ? RUNG_GSO_TCP4 : RUNG_GSO_NONE,
            .hdr_len = (uint16_t)(i & 8 ? 65535 : 0),
        };
        test_net_put(&t.link, bytes, 1 + i, &as);
        capture_recv(&t);
    }
    capture_close(&t);
    capture_read(&t, &file);
    assert_int_equal(test_pcapng_rest(&file), 64);
    capture_end(&t);
}

static void super_frames_say_what_they_are(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    uint8_t *bytes = malloc(RUNG_FRAME_MAX);
    struct rung_frame as;
    (void)state;
    assert_non_null(bytes);
    capture_begin(&t);
    capture_open(&t);
    capture_frame(bytes, RUNG_FRAME_MAX, 6, &as);
    as.gso_size = 1460;
    as.gso_type = RUNG_GSO_TCP4;
    as.hdr_len = 54;
    test_net_put(&t.link, bytes, RUNG_FRAME_MAX, &as);
    capture_recv(&t);
    capture_close(&t);
    capture_read(&t, &file);
    assert_true(test_pcapng_next(&file, &packet));
    assert_int_equal(packet.len, RUNG_FRAME_MAX);
    assert_int_equal(packet.kept, RUNG_FRAME_MAX);
    assert_string_equal(packet.comment, "super-frame: 45 segments of up to 1460 bytes each");
    assert_true(capture_sum_is_right(&packet));
    capture_leave(&t, "super");
    free(bytes);
    capture_end(&t);
}

static void the_snap_length_cuts(void **state)
{
    struct capture_test t;
    struct test_pcapng file;
    struct test_pcapng_packet packet;
    uint8_t bytes[200];
    struct rung_frame as;
    (void)state;
    capture_begin(&t);
    t.keys.snaplen = 100;
    capture_open(&t);
    capture_frame(bytes, sizeof(bytes), 6, &as);
    test_net_put(&t.link, bytes, 200, &as);
    capture_recv(&t);
    test_net_put(&t.link, bytes, 99, NULL);
    capture_recv(&t);
    capture_close(&t);
    capture_read(&t, &file);
    assert_int_equal(file.snaplen, 100);
    assert_true(test_pcapng_next(&file, &packet));
    assert_true(packet.len == 200 && packet.kept == 100);
    assert_memory_equal(packet.bytes, bytes, 100); /* without the rest there is nothing to sum */
    assert_true(test_pcapng_next(&file, &packet));
    assert_true(packet.len == 99 && packet.kept == 99);
    capture_leave(&t, "snaplen");
    capture_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_are_recorded),
        cmocka_unit_test(sums_are_finished_in_the_copy),
        cmocka_unit_test(a_sum_of_zero_is_written_as_ones),
        cmocka_unit_test(a_lying_link_does_no_harm),
        cmocka_unit_test(super_frames_say_what_they_are),
        cmocka_unit_test(the_snap_length_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
