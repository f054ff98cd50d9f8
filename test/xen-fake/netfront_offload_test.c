/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_offload_test.c - checksums and super-frames that are sent: what is left to
 * the back end, what it cannot do and is done here, and how a frame is cut that is more than one
 * packet. */
#include "netfront_testing.h"

/* Linux leaves any old id in the answer to extra info. */
static void answers_to_extra_info_have_no_id(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    t.back->no_id = true;
    for (unsigned i = 0; i < 400; i++) {
        nf_make(&out, 9000, 50, 1);
        nf_tcp(&out, 9000, 1448, i % 2);
        nf_cut(&out, 74, 0);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_true(netback_take(t.back, &t.packet));
        assert_int_equal(t.packet.gso_size, 1448);
        assert_int_equal(t.packet.gso_type, i % 2 ? 2 : 1);
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
    }
    nf_end(&t);
}

/* Linux drops a long segment that is one segment: netback.c would end the test. */
static void one_segment_is_no_super_frame(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 2; i++) {
        nf_make(&out, 54 + 1448 + i, 0, 1);
        nf_tcp(&out, 54 + 1448 + i, 1448, false);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_true(netback_take(t.back, &t.packet));
        assert_int_equal(t.packet.gso_size, i ? 1448 : 0);
        assert_int_equal(t.packet.flags, NETTXF_csum_blank | NETTXF_data_validated);
        nf_settle(&t);
        nf_free(&out);
    }
    nf_end(&t);
}

/* The sum of RFC 1071 from a place on, as 16 bits. */
static uint32_t sum_from(const uint8_t *bytes, uint32_t at, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = at; i < len; i++)
        sum += (i - at) % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* A sum that netback could not find the place of, or that it does not make, is made here; whatever
 * the length, wherever pages end. */
static void other_sums_are_made_here(void **state)
{
    struct netback_config config = {.no_csum6 = true, .mtu = 9000};
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, &config);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(t.net->info.caps & RUNG_NET_TX_TSO6, 0);
    for (unsigned i = 0; i < 60; i++) {
        uint32_t len = i < 20 ? 80 + i : 200 + i * 131, start = 18 + i % 7, offset = i % 5 * 4 + 2;
        nf_make(&out, len, 1000 + i, (uint8_t)i);
        if (i % 4 == 1) {
            nf_tcp(&out, len, 0, true);
            start = 54;
            offset = 16;
        }
        out.frame[0].data[start + offset] = 0;
        out.frame[0].data[start + offset + 1] = 0;
        out.frame[0].flags = RUNG_FRAME_CSUM;
        out.frame[0].csum_start = (uint16_t)start;
        out.frame[0].csum_offset = (uint16_t)offset;
        if (i % 3 == 0)
            nf_cut(&out, 30 + i % 9, 0);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_true(netback_take(t.back, &t.packet));
        assert_int_equal(t.packet.len, len);
        assert_int_equal(t.packet.flags, 0);
        assert_int_equal(sum_from(t.packet.bytes, start, len), 0xffff);
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
    }
    nf_end(&t);
}

enum { FIN = 0x01, PSH = 0x08, CWR = 0x80 };

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* What a piece of a cut frame must say: done bytes of payload went before it. Its length. */
static uint32_t check_piece(const struct netback_packet *packet, const struct nf_out *out,
                            uint32_t done, uint32_t all, bool ipv6)
{
    const uint8_t *ip = packet->bytes + 14, *tcp = packet->bytes + (ipv6 ? 54 : 34);
    uint32_t head = ipv6 ? 74 : 54, len = packet->len - head;
    assert_memory_equal(tcp + 20, out->frame[0].data + head + done, len);
    assert_int_equal(get16(tcp + 4) << 16 | get16(tcp + 6), 0xfffff000 + done);
    assert_int_equal(tcp[13] & CWR, done == 0 ? CWR : 0);
    assert_int_equal(tcp[13] & (FIN | PSH), done + len == all ? FIN | PSH : 0);
    assert_int_equal(packet->flags, NETTXF_csum_blank | NETTXF_data_validated);
    if (ipv6) {
        assert_int_equal(get16(ip + 4), len + 20);
    } else {
        assert_int_equal(get16(ip + 2), len + 40);
        assert_int_equal(get16(ip + 4), (0xfffe + done / 1448) & 0xffff);
        assert_int_equal(sum_from(ip, 0, 20), 0xffff);
    }
    /* The field stands for the length alone here: addresses and protocol were left out of it. */
    assert_int_equal(get16(tcp + 16), len + 20);
    return len;
}

/* A TCP segment of len bytes in all, of 1448 a segment, with what check_piece() looks for. */
static void make_long(struct nf_out *out, uint32_t len, uint32_t offset, uint8_t seed, bool ipv6)
{
    nf_make(out, len, offset, seed);
    nf_tcp(out, len, 1448, ipv6);
    uint8_t *ip = out->frame[0].data + 14, *tcp = out->frame[0].data + (ipv6 ? 54 : 34);
    uint32_t tcp_len = len - (ipv6 ? 54 : 34);
    memcpy(tcp + 4, (const uint8_t[]){0xff, 0xff, 0xf0, 0}, 4);
    tcp[13] = 0x10 | FIN | PSH | CWR;
    tcp[16] = (uint8_t)(tcp_len >> 8);
    tcp[17] = (uint8_t)tcp_len;
    if (ipv6)
        return;
    memcpy(ip + 4, (const uint8_t[]){0xff, 0xfe}, 2);
    uint32_t sum = 0xffff - sum_from(ip, 0, 20);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* With CWR for the first segment alone, and longer than a packet can be; all in one piece of
 * memory, or in many that begin and end anywhere. */
static void long_frames_are_cut(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 24; i++) {
        bool ipv6 = i % 2, ecn = i / 2 % 2;
        uint32_t head = ipv6 ? 74 : 54, len = i < 12 && !ecn ? RUNG_FRAME_MAX - i : 30000 + i * 991;
        uint32_t done = 0, pieces = 0;
        make_long(&out, len, 3 + i * 200, (uint8_t)i, ipv6);
        if (ecn)
            out.frame[0].flags |= RUNG_FRAME_ECN;
        for (unsigned frag = 0; frag < (i % 3 ? 17u : 0u); frag++)
            nf_cut(&out, frag ? 37 + i * frag * 3 : head, frag);
        bool whole = !ecn && len <= 65535 && i % 3 == 0;
        assert_int_equal(nf_send(&t, &out), 1);
        for (; done < len - head; pieces++) {
            assert_true(netback_take(t.back, &t.packet));
            uint32_t part = check_piece(&t.packet, &out, done, len - head, ipv6);
            assert_int_equal(t.packet.gso_size == 0, part <= 1448);
            assert_true(done > 0 || !ecn || part == 1448);
            done += part;
        }
        assert_true(whole ? pieces == 1 : pieces >= 1 && pieces <= 6);
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
    }
    nf_end(&t);
}

/* Segments that are in more pieces than a packet has slots for are copied. */
static void crumbs_are_gathered(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 10; i++) {
        uint32_t done = 0;
        make_long(&out, 4000, 2900 + i * 100, (uint8_t)i, false);
        nf_cut(&out, 54, 0);
        for (unsigned frag = 1; frag < 20; frag++) /* more than info allows; it is still sent */
            nf_cut(&out, 1 + i, frag);
        assert_int_equal(nf_send(&t, &out), 1);
        for (; done < 4000 - 54;) {
            assert_true(netback_take(t.back, &t.packet));
            done += check_piece(&t.packet, &out, done, 4000 - 54, false);
        }
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
    }
    nf_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_extra_info_have_no_id),
        cmocka_unit_test(one_segment_is_no_super_frame),
        cmocka_unit_test(other_sums_are_made_here),
        cmocka_unit_test(long_frames_are_cut),
        cmocka_unit_test(crumbs_are_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
