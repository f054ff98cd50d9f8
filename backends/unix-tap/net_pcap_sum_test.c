/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_sum_test.c - NET on a capture file: frames whose sums are not made and
 * that are not cut yet, and files with anything in them. */
#include "net_pcap_testing.h"
#include "test_suite.h"

static char folder[] = "/tmp/rung-net-pcap-XXXXXX";

static void put_bytes(struct file_test *t, const uint8_t *bytes, uint32_t len)
{
    uint8_t *at = t->bytes + t->len + 16;
    put_frame(t, 0, len, len);
    memcpy(at, bytes, len);
}

/* TCP over IPv4 from 192.0.2.1 to 192.0.2.2, or UDP, with only the pseudo-header's sum. */
static uint32_t make_ipv4(uint8_t *b, uint32_t len, bool tcp)
{
    static const uint8_t addresses[] = {192, 0, 2, 1, 192, 0, 2, 2};
    uint32_t sum = 0xc000 + 0x0201 + 0xc000 + 0x0202 + (tcp ? 6u : 17u) + (len - 34);
    uint32_t at = 34 + (tcp ? 16u : 6u);
    memset(b, 0x11, len);
    b[12] = 0x08;
    b[13] = 0;
    b[14] = 0x45;
    b[16] = (uint8_t)((len - 14) >> 8);
    b[17] = (uint8_t)(len - 14);
    b[20] = 0x40; /* not to be cut */
    b[21] = 0;
    b[23] = tcp ? 6 : 17;
    memcpy(b + 26, addresses, 8);
    if (tcp) {
        b[46] = 8 << 4; /* 12 bytes of options */
        b[47] = 0x10;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    b[at] = (uint8_t)(sum >> 8);
    b[at + 1] = (uint8_t)sum;
    return at;
}

static struct rung_frame recv_facts(struct file_test *t)
{
    struct rung_frame *f = NULL, facts;
    assert_int_equal(rung_net_recv(&t->pcap.net, &f, 1), 1);
    facts = *f;
    f->release(f);
    return facts;
}

/* Captures of a host that leaves sums and cutting to its NIC. */
static void unfinished_frames_say_so(void **state)
{
    struct file_test t;
    uint8_t *b = calloc(1, 65549);
    (void)state;
    begin(&t, folder);
    put_head(&t, FILE_MAGIC, 1);
    make_ipv4(b, 100, false);
    put_bytes(&t, b, 100);
    make_ipv4(b, 65549, true);
    b[47] |= 0x80; /* CWR */
    put_bytes(&t, b, 65549);
    b[make_ipv4(b, 100, true)]++; /* a sum that somebody made */
    put_bytes(&t, b, 100);
    b[make_ipv4(b, 3000, true)]++; /* and too long: nobody knows how it was cut */
    put_bytes(&t, b, 3000);
    make_ipv4(b, 3000, false); /* UDP is not cut */
    put_bytes(&t, b, 3000);
    make_ipv4(b, 100, true);
    b[20] = 0x20; /* a fragment */
    put_bytes(&t, b, 100);
    make_ipv4(b, 100, true);
    b[17]--; /* with padding */
    put_bytes(&t, b, 100);
    make_ipv4(b, 3000, true);
    b[46] = 4 << 4; /* a header shorter than it can be */
    put_bytes(&t, b, 3000);
    must_open(&t);
    struct rung_frame f = recv_facts(&t);
    assert_int_equal(f.flags, RUNG_FRAME_CSUM);
    assert_int_equal(f.csum_start, 34);
    assert_int_equal(f.csum_offset, 6);
    assert_true(f.gso_size == 0 && f.gso_type == RUNG_GSO_NONE && f.hdr_len == 0);
    f = recv_facts(&t);
    assert_int_equal(f.flags, RUNG_FRAME_CSUM | RUNG_FRAME_ECN);
    assert_int_equal(f.gso_type, RUNG_GSO_TCP4);
    assert_int_equal(f.hdr_len, 66);
    assert_int_equal(f.gso_size, 1448);
    assert_int_equal(f.csum_offset, 16);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(recv_facts(&t).flags, 0);
    expect_end(&t, "5 frames (65949 bytes) came from it, 3 were left out");
    close_it(&t);
    t.keys.offload = false;
    must_open(&t);
    assert_int_equal(recv_facts(&t).flags, 0);
    close_it(&t);
    end(&t);
    free(b);
}

/* Six frames, in either format, with a few bytes changed, and sometimes cut. */
static void make_rubbish(struct file_test *t, unsigned round, uint64_t *chance)
{
    uint8_t b[200];
    t->len = 0;
    t->big = round % 3 == 0;
    if (round % 2)
        put_head(t, FILE_MAGIC, 1);
    else
        put_section(t, 1);
    for (uint32_t i = 0; i < 6; i++) {
        make_ipv4(b, 200, i % 2);
        if (round % 2)
            put_bytes(t, b, 40 + 30 * i);
        else
            put_enhanced(t, i, 40 + 30 * i);
    }
    for (unsigned i = 0; i < 1 + round % 4; i++)
        t->bytes[test_chance(chance, (uint32_t)t->len)] = (uint8_t)test_chance(chance, 256);
    t->len -= test_chance(chance, round % 5 ? 1 : (uint32_t)t->len);
    write_file(t);
}

/* Whatever a file holds: frames or one line, never more. */
static void rubbish_is_survived(void **state)
{
    struct file_test t;
    uint64_t chance = test_seed() | 1;
    unsigned rounds = getenv("RUNG_TEST_SLOW") ? 100 : 2000, opened = 0;
    (void)state;
    begin(&t, folder);
    for (unsigned round = 0; round < rounds; round++) {
        size_t lines = test_log_count(t.p);
        struct rung_frame *f[4];
        make_rubbish(&t, round, &chance);
        if (try_open(&t)) {
            assert_int_equal(test_log_count(t.p), lines + 1);
            continue;
        }
        opened++;
        while (t.pcap.net.link_up) {
            int k = rung_net_recv(&t.pcap.net, f, 4);
            for (int i = 0; i < k; i++)
                f[i]->release(f[i]);
        }
        assert_in_range(test_log_count(t.p), lines + 1, lines + 2); /* the end, and a long frame */
        close_it(&t);
    }
    assert_in_range(opened, rounds / 10, rounds - 1);
    end(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(unfinished_frames_say_so),
        cmocka_unit_test(rubbish_is_survived),
    };
    return run_in_folder("net-pcap on any file", tests, RUNG_ARRAY_LEN(tests), folder);
}
