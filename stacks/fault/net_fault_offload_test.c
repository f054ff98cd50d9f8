/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_offload_test.c - corruption, copies, and links whose offloads are
 * hidden. */
#include "fault_testing.h"

#include "fault_copy.h"

enum { SUPER_LEN = 54 + 5000, SUPER_GSO = 1460, SUPER_SEGMENTS = 4 };

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* A TCP frame over IPv4 whose sum is left to the link. */
static void make(uint8_t *bytes, uint32_t len, struct rung_frame *as)
{
    uint8_t *ip = bytes + 14, *tcp = ip + 20;
    memset(bytes, 2, 12);
    memset(bytes + 12, 0, 42);
    put16(bytes + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, len - 14);
    ip[9] = 6;
    memcpy(ip + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
    put16(ip + 10, ~sum_of(ip, 20, 0));
    tcp[12] = 5 << 4;
    for (uint32_t i = 54; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    put16(tcp + 16, sum_of(ip + 12, 8, 6 + len - 34));
    as->flags = RUNG_FRAME_CSUM;
    as->csum_start = 34;
    as->csum_offset = 16;
}

static bool sum_is_right(const uint8_t *bytes, uint32_t len)
{
    return sum_of(bytes + 34, len - 34, sum_of(bytes + 26, 8, 6 + len - 34)) == 0xffff;
}

static unsigned bits_apart(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    unsigned bits = 0;
    for (uint32_t i = 0; i < len; i++) {
        for (unsigned x = a[i] ^ b[i]; x; x &= x - 1)
            bits++;
    }
    return bits;
}

/* The damage is to be seen: the sum is that of the bytes before, and nobody makes it anew. The
 * sender's own bytes are as they were. */
static void a_sent_frame_is_corrupted_in_a_copy(void **state)
{
    struct fault_test t;
    struct test_net_out out;
    uint8_t before[500], right[500];
    (void)state;
    fault_begin(&t);
    t.keys.corrupt = "100%";
    fault_open(&t);
    for (unsigned i = 0; i < 200; i++) {
        test_net_out(&out, 500);
        make(out.bytes, 500, &out.frame);
        memcpy(before, out.bytes, 500);
        memcpy(right, out.bytes, 500);
        put16(right + 50, 0);
        put16(right + 50, ~sum_of(right + 34, 466, sum_of(right + 26, 8, 6 + 466)));
        fault_send(&t, &out);
        assert_int_equal(out.released, 1);
        assert_memory_equal(out.bytes, before, 500);
        struct test_net_frame *sent = test_net_take(&t.link);
        assert_int_equal(sent->frame.flags, 0);
        assert_int_equal(sent->len, 500);
        assert_int_equal(bits_apart(sent->bytes, right, 500), 1);
        test_net_free(sent);
    }
    assert_int_equal(test_heap_blocks(t.p), 1);
    fault_close(&t);
    assert_non_null(strstr(rung_virtual_log(t.p), "sent: 200 frames passed, 0 of them twice, 0 "
                                                  "overtaken, 200 corrupted; 0 lost"));
    fault_end(&t);
}

static void a_received_frame_is_not_verified_any_more(void **state)
{
    struct fault_test t;
    uint8_t bytes[300];
    struct rung_frame as = {0};
    (void)state;
    fault_begin(&t);
    t.keys.corrupt = "0%/100%";
    fault_open(&t);
    make(bytes, 300, &as);
    for (unsigned i = 0; i < 100; i++) {
        as.flags = i % 2 ? RUNG_FRAME_CSUM : RUNG_FRAME_VERIFIED;
        t.link.cut = i;
        test_net_put(&t.link, bytes, 300, &as);
        struct rung_frame *f = fault_recv(&t);
        uint8_t got[300], want[300];
        assert_int_equal(f->flags, 0);
        rung_fault_read(f, 0, got, 300);
        memcpy(want, bytes, 300);
        if (i % 2) {
            put16(want + 50, ~sum_of(want + 34, 266, 0));
            assert_true(sum_is_right(want, 300));
        }
        assert_int_equal(bits_apart(got, want, 300), 1);
        f->release(f);
    }
    fault_close(&t);
    fault_end(&t);
}

static void make_super(uint8_t *bytes, struct rung_frame *as)
{
    make(bytes, SUPER_LEN, as);
    as->gso_size = SUPER_GSO;
    as->gso_type = RUNG_GSO_TCP4;
    as->hdr_len = 54;
}

/* A corrupted super-frame goes out as its segments: one is damaged, the others are whole. */
static void a_super_frame_is_cut_to_be_corrupted(void **state)
{
    struct fault_test t;
    static uint8_t room[64 + SUPER_LEN];
    struct rung_frame as = {0};
    (void)state;
    fault_begin(&t);
    t.keys.corrupt = "100%/0%";
    fault_open(&t);
    for (unsigned i = 0; i < 50; i++) {
        struct test_net_out out;
        unsigned n = 0, damaged = 0;
        test_net_out(&out, 1);
        make_super(room + 64, &as);
        out.frame.flags = as.flags;
        out.frame.csum_start = as.csum_start;
        out.frame.csum_offset = as.csum_offset;
        out.frame.gso_size = as.gso_size;
        out.frame.gso_type = as.gso_type;
        out.frame.hdr_len = as.hdr_len;
        out.frame.data = room + 64;
        out.frame.len = SUPER_LEN;
        fault_send(&t, &out);
        assert_int_equal(out.released, 1);
        for (struct test_net_frame *f; (f = test_net_take(&t.link)) != NULL; test_net_free(f)) {
            uint32_t at = 54 + n++ * SUPER_GSO, len = f->len;
            assert_int_equal(f->frame.flags, 0);
            bool whole = sum_is_right(f->bytes, len)
                         && memcmp(f->bytes + 54, room + 64 + at, len - 54) == 0
                         && memcmp(f->bytes, room + 64, 16) == 0
                         && sum_of(f->bytes + 14, 20, 0) == 0xffff;
            damaged += !whole;
        }
        assert_int_equal(n, SUPER_SEGMENTS);
        assert_int_equal(damaged, 1);
    }
    fault_close(&t);
    fault_end(&t);
}

/* Who hides the offloads gets what a plain wire carries: summed frames no longer than the mtu. */
static void hidden_offloads_are_done_here(void **state)
{
    struct fault_test t;
    static uint8_t bytes[SUPER_LEN];
    struct rung_frame as = {0}, *f;
    (void)state;
    fault_begin(&t);
    t.keys.offload = false;
    fault_open(&t);
    assert_int_equal(t.fault.net.info.caps, RUNG_NET_TX_SG | RUNG_NET_PROMISC);
    make(bytes, 333, &as);
    for (unsigned i = 0; i < 60; i++) {
        t.link.cut = i;
        test_net_put(&t.link, bytes, 333, &as);
        f = fault_recv(&t);
        uint8_t got[333];
        rung_fault_read(f, 0, got, 333);
        assert_int_equal(f->flags, 0);
        assert_true(sum_is_right(got, 333));
        f->release(f);
    }
    make_super(bytes, &as);
    test_net_put(&t.link, bytes, SUPER_LEN, &as);
    for (uint32_t i = 0; i < SUPER_SEGMENTS; i++) {
        f = fault_recv(&t);
        assert_true(!f->flags && !f->gso_size && f->len <= 1514);
        assert_true(sum_is_right(f->data, f->len));
        assert_memory_equal(f->data + 54, bytes + 54 + i * SUPER_GSO, f->len - 54);
        f->release(f);
    }
    bytes[23] = 17; /* no TCP: what cannot be cut is dropped, and counted */
    test_net_put(&t.link, bytes, SUPER_LEN, &as);
    assert_null(fault_recv(&t));
    assert_int_equal(t.fault.net.stats.rx_dropped, 1);
    assert_int_equal(t.fault.net.stats.rx_frames, 60 + SUPER_SEGMENTS);
    fault_close(&t);
    fault_end(&t);
}

/* Segments of one super-frame are lost, doubled and held each on their own, and all fit in. */
static void each_segment_has_a_fate_of_its_own(void **state)
{
    struct fault_test t;
    static uint8_t bytes[SUPER_LEN];
    struct rung_frame as = {0}, *f;
    unsigned got = 0;
    (void)state;
    fault_begin(&t);
    t.keys.offload = false;
    t.keys.loss = "50%";
    t.keys.duplicate = "100%";
    t.keys.queue = 1;
    fault_open(&t);
    make_super(bytes, &as);
    for (unsigned i = 0; i < 500; i++) {
        test_net_put(&t.link, bytes, SUPER_LEN, &as);
        for (; (f = fault_recv(&t)) != NULL; got++)
            f->release(f);
    }
    assert_in_range(got, 2 * 1000 - 300, 2 * 1000 + 300); /* of 500 * 4, twice */
    assert_int_equal(got % 2, 0);
    as.gso_size = 5; /* 1,000 of them, doubled */
    for (unsigned i = 0; i < 3; i++)
        test_net_put(&t.link, bytes, SUPER_LEN, &as);
    for (got = 0; (f = fault_recv(&t)) != NULL; got++)
        f->release(f);
    assert_in_range(got, 3000 - 400, 3000 + 400);
    fault_close(&t);
    assert_int_equal(test_heap_blocks(t.p), 0);
    fault_end(&t);
}

/* A doubled frame has bytes of its own: the link and the borrower write into what they have. */
static void twins_share_nothing(void **state)
{
    struct fault_test t;
    struct test_net_out out;
    uint8_t bytes[200];
    struct rung_frame as = {0}, *f[2];
    (void)state;
    fault_begin(&t);
    t.keys.duplicate = "100%";
    fault_open(&t);
    make(bytes, 200, &as);
    test_net_put(&t.link, bytes, 200, &as);
    assert_int_equal(rung_net_recv(&t.fault.net, f, 2), 2);
    memset(f[0]->data, 0, f[0]->len);
    assert_memory_equal(f[1]->data, bytes, 200);
    assert_int_equal(f[1]->flags, RUNG_FRAME_CSUM);
    assert_int_equal(f[1]->csum_offset, 16);
    f[0]->release(f[0]);
    f[1]->release(f[1]);
    test_net_out(&out, 200);
    make(out.bytes, 200, &out.frame);
    t.link.hold = true;
    fault_send(&t, &out);
    assert_int_equal(out.released, 0);
    assert_int_equal(test_heap_blocks(t.p), 2);
    test_net_release(&t.link);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.link.net.stats.tx_frames, 2);
    fault_close(&t);
    fault_end(&t);
}

/* Without memory a frame is not doubled, or is lost and counted; nothing else happens. */
static void without_memory_faults_are_smaller(void **state)
{
    struct fault_test t;
    struct test_net_out out;
    (void)state;
    fault_begin(&t);
    t.keys.duplicate = "100%";
    fault_open(&t);
    test_net_out(&out, 100);
    test_heap_fail_after(t.p, 1);
    fault_send(&t, &out);
    assert_int_equal(t.link.net.stats.tx_frames, 1);
    fault_close(&t);
    t.keys.duplicate = "0%";
    t.keys.corrupt = "100%";
    fault_open(&t);
    test_net_out(&out, 100);
    test_heap_fail_after(t.p, 1);
    fault_send(&t, &out);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.link.net.stats.tx_frames, 1);
    assert_int_equal(t.fault.net.stats.tx_dropped, 1);
    fault_close(&t);
    fault_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sent_frame_is_corrupted_in_a_copy),
        cmocka_unit_test(a_received_frame_is_not_verified_any_more),
        cmocka_unit_test(a_super_frame_is_cut_to_be_corrupted),
        cmocka_unit_test(hidden_offloads_are_done_here),
        cmocka_unit_test(each_segment_has_a_fate_of_its_own),
        cmocka_unit_test(twins_share_nothing),
        cmocka_unit_test(without_memory_faults_are_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
