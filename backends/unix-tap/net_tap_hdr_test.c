/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_hdr_test.c - unit tests of the header's translation, with headers that
 * no kernel should send. */
#include "net_tap_hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"

enum { TCP4 = 34, TCP6 = 54, ROOM = 2000 };

/* A frame with bytes of its own, so that the sanitizer sees what is read beyond len. */
struct sample {
    struct rung_frame frame;
    struct virtio_net_hdr hdr;
    uint8_t *bytes;
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void begin(struct sample *s, size_t len)
{
    memset(s, 0, sizeof(*s));
    s->bytes = calloc(1, len);
    assert_non_null(s->bytes);
    s->frame.data = s->bytes;
    s->frame.len = (uint32_t)len;
    s->frame.flags = 0xffff; /* all of it is to be filled in */
    s->frame.gso_size = s->frame.hdr_len = s->frame.csum_start = s->frame.csum_offset = 0xffff;
    s->frame.gso_type = 0xff;
}

static void end(struct sample *s)
{
    free(s->bytes);
}

/* A super-frame with TCP at offset tcp, that is well in every way. */
static void begin_super(struct sample *s, size_t len, unsigned tcp)
{
    begin(s, len);
    bool ipv6 = tcp == TCP6;
    put16(s->bytes + 12, ipv6 ? 0x86dd : 0x0800);
    s->bytes[14] = ipv6 ? 0x60 : 0x45;
    s->bytes[ipv6 ? 20 : 23] = 6;
    s->bytes[tcp + 12] = 8 << 4;
    s->hdr = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .hdr_len = 7, .gso_size = 1448,
        .gso_type = ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
    };
    s->hdr.csum_start = (uint16_t)tcp;
    s->hdr.csum_offset = 16;
}

static void a_plain_header_says_nothing(void **state)
{
    struct sample s;
    (void)state;
    begin(&s, 14);
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 14));
    assert_int_equal(s.frame.flags, 0);
    assert_int_equal(s.frame.gso_size | s.frame.gso_type | s.frame.hdr_len, 0);
    assert_int_equal(s.frame.csum_start | s.frame.csum_offset, 0);
    s.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 14));
    assert_int_equal(s.frame.flags, RUNG_FRAME_VERIFIED);
    end(&s);
}

static void a_sum_lies_inside_the_frame(void **state)
{
    struct sample s;
    (void)state;
    begin(&s, 60);
    s.hdr = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM
                                             | VIRTIO_NET_HDR_F_DATA_VALID};
    s.hdr.csum_start = 34;
    s.hdr.csum_offset = 24; /* the last two bytes */
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60));
    assert_int_equal(s.frame.flags, RUNG_FRAME_CSUM); /* which is not there yet: not VERIFIED */
    assert_int_equal(s.frame.csum_start, 34);
    assert_int_equal(s.frame.csum_offset, 24);
    s.hdr.csum_offset = 25;
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60));
    s.hdr.csum_start = s.hdr.csum_offset = 0xffff;
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60));
    s.hdr.csum_start = 13; /* no protocol lies in the Ethernet header */
    s.hdr.csum_offset = 0;
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60));
    end(&s);
}

static void a_super_frame_has_its_headers_measured(void **state)
{
    static const unsigned at[] = {TCP4, TCP6};
    struct sample s;
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(at); i++) {
        begin_super(&s, ROOM, at[i]);
        assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60000));
        assert_int_equal(s.frame.flags, RUNG_FRAME_CSUM);
        assert_int_equal(s.frame.gso_size, 1448);
        assert_int_equal(s.frame.gso_type, at[i] == TCP4 ? RUNG_GSO_TCP4 : RUNG_GSO_TCP6);
        assert_int_equal(s.frame.hdr_len, at[i] + 32);
        assert_int_equal(s.frame.csum_start, at[i]);
        assert_int_equal(s.frame.csum_offset, 16);
        s.hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
        s.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID; /* put together from checked ones */
        assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, 60000));
        assert_int_equal(s.frame.flags, RUNG_FRAME_VERIFIED | RUNG_FRAME_ECN);
        assert_int_equal(s.frame.hdr_len, at[i] + 32);
        end(&s);
    }
}

/* VLAN tags, options and extension headers move TCP to the back. */
static void headers_are_of_any_length(void **state)
{
    struct sample s;
    (void)state;
    begin_super(&s, ROOM, TCP4);
    memmove(s.bytes + 20, s.bytes + 12, 50);
    put16(s.bytes + 12, 0x88a8);
    put16(s.bytes + 16, 0x8100);
    s.hdr.csum_start = TCP4 + 8;
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    assert_int_equal(s.frame.hdr_len, TCP4 + 8 + 32);
    end(&s);
    begin_super(&s, ROOM, TCP4);
    s.bytes[14] = 0x4f; /* 60 bytes of IPv4 header */
    s.bytes[TCP4 + 40 + 12] = 0xf0;
    s.hdr.csum_start = TCP4 + 40;
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    assert_int_equal(s.frame.hdr_len, TCP4 + 40 + 60);
    end(&s);
    begin_super(&s, ROOM, TCP6);
    s.bytes[20] = 0; /* hop by hop, 8 bytes; destination options, 24 */
    s.bytes[54] = 60;
    s.bytes[62] = 6;
    s.bytes[63] = 2;
    s.bytes[TCP6 + 32 + 12] = 5 << 4;
    s.hdr.csum_start = TCP6 + 32;
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    assert_int_equal(s.frame.hdr_len, TCP6 + 32 + 20);
    end(&s);
}

static void contradictions_are_refused(void **state)
{
    static const struct {
        size_t at; /* in the packet, and what stands there; 0: nothing is changed there */
        uint8_t value;
        struct virtio_net_hdr hdr;
    } bad[] = {
        {0, 0, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0}},
        {0, 0, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1448}}, /* it is IPv4 */
        {0, 0, {.gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1448}},
        {0, 0, {.gso_type = VIRTIO_NET_HDR_GSO_ECN, .gso_size = 1448}},
        {0, 0, {.gso_type = 0x7f, .gso_size = 1448}},
        {12, 0x08 ^ 0xff, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448}},
        {14, 0x65, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448}}, /* version */
        {14, 0x44, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448}}, /* too short */
        {23, 17, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448}},   /* UDP */
        {TCP4 + 12, 4 << 4, {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448}},
    };
    struct sample s;
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        begin_super(&s, ROOM, TCP4);
        if (bad[i].at)
            s.bytes[bad[i].at] = bad[i].value;
        assert_false(rung_net_tap_hdr_to_frame(&bad[i].hdr, &s.frame, ROOM));
        end(&s);
    }
    begin_super(&s, ROOM, TCP4);
    s.hdr.csum_start++; /* the sum of something else */
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    s.hdr.csum_start--;
    s.hdr.csum_offset = 6;
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    s.hdr.csum_offset = 16;
    assert_true(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, ROOM));
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, TCP4 + 32)); /* nothing to cut */
    end(&s);
}

/* Whatever is cut off, nothing is read behind it (the sanitizer and valgrind look on). */
static void short_frames_are_refused(void **state)
{
    static const unsigned at[] = {TCP4, TCP6};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(at); i++) {
        for (size_t len = 1; len <= at[i] + 32; len++) {
            struct sample whole, s;
            begin_super(&whole, ROOM, at[i]);
            begin(&s, len);
            memcpy(s.bytes, whole.bytes, len);
            assert_int_equal(rung_net_tap_hdr_to_frame(&whole.hdr, &s.frame, 60000),
                             len == at[i] + 32);
            end(&s);
            end(&whole);
        }
    }
}

/* Headers of IPv6 that go on for ever, or up to the end of 16 bits. */
static void endless_headers_are_refused(void **state)
{
    struct sample s;
    (void)state;
    begin_super(&s, RUNG_FRAME_MAX, TCP6);
    memset(s.bytes + 20, 0, RUNG_FRAME_MAX - 20);
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, RUNG_FRAME_MAX));
    s.hdr.flags = 0;
    size_t at = TCP6, end_at = 65534 - 8; /* TCP starts where its end is beyond 65,535 */
    for (; at + 8 < end_at; at += 8)
        s.bytes[at] = at + 16 < end_at ? 0 : 6;
    s.bytes[at + 12] = 5 << 4;
    assert_true(at + 20 > UINT16_MAX && at + 20 <= RUNG_FRAME_MAX);
    assert_false(rung_net_tap_hdr_to_frame(&s.hdr, &s.frame, RUNG_FRAME_MAX));
    end(&s);
}

static void frames_give_headers(void **state)
{
    struct virtio_net_hdr hdr;
    struct rung_frame f = {.flags = RUNG_FRAME_VERIFIED, .csum_start = 9, .hdr_len = 9};
    const struct virtio_net_hdr none = {.flags = 0};
    (void)state;
    rung_net_tap_hdr_from_frame(&hdr, &f);
    assert_memory_equal(&hdr, &none, sizeof(none));
    f = (struct rung_frame){
        .flags = RUNG_FRAME_CSUM | RUNG_FRAME_ECN, .gso_size = 1440, .gso_type = RUNG_GSO_TCP6,
        .hdr_len = 74, .csum_start = 54, .csum_offset = 16,
    };
    rung_net_tap_hdr_from_frame(&hdr, &f);
    assert_int_equal(hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN);
    assert_int_equal(hdr.gso_size, 1440);
    assert_int_equal(hdr.hdr_len, 74);
    assert_int_equal(hdr.csum_start, 54);
    assert_int_equal(hdr.csum_offset, 16);
    f.gso_type = RUNG_GSO_TCP4;
    f.flags = RUNG_FRAME_CSUM;
    rung_net_tap_hdr_from_frame(&hdr, &f);
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
}

/* Any header at all with any bytes: what comes out keeps to net.h. */
static void chance_keeps_to_the_contract(void **state)
{
    struct sample s;
    (void)state;
    uint64_t chance = test_seed() | 1;
    begin_super(&s, 200, TCP4);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t raw[sizeof(s.hdr)];
        struct virtio_net_hdr hdr = s.hdr;
        chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(raw, &hdr, sizeof(raw));
        raw[(chance >> 40) % sizeof(raw)] = (uint8_t)(chance >> 32);
        raw[(chance >> 50) % sizeof(raw)] = (uint8_t)(chance >> 24);
        memcpy(&hdr, raw, sizeof(raw));
        s.frame.len = 14 + (uint32_t)((chance >> 44) % 187);
        if (!rung_net_tap_hdr_to_frame(&hdr, &s.frame, 200))
            continue;
        accepted++;
        assert_true((s.frame.gso_size == 0) == (s.frame.gso_type == RUNG_GSO_NONE));
        if (s.frame.gso_size)
            assert_in_range(s.frame.hdr_len, TCP4 + 20, s.frame.len);
        if (s.frame.flags & RUNG_FRAME_CSUM)
            assert_in_range(s.frame.csum_start + s.frame.csum_offset, 14, 198);
    }
    assert_in_range(accepted, 1000, 199000);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_header_says_nothing),
        cmocka_unit_test(a_sum_lies_inside_the_frame),
        cmocka_unit_test(a_super_frame_has_its_headers_measured),
        cmocka_unit_test(headers_are_of_any_length),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(short_frames_are_refused),
        cmocka_unit_test(endless_headers_are_refused),
        cmocka_unit_test(frames_give_headers),
        cmocka_unit_test(chance_keeps_to_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
