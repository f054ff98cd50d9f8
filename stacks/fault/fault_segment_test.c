/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_segment_test.c - super-frames of every kind, and of none that should be. */
#include "fault_segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fault_copy.h"
#include "test_platform.h"
#include "test_suite.h"

/* What a super-frame is made of. */
struct kind {
    bool ipv6;
    unsigned tags, ip_options, tcp_options; /* options in words; of IPv6: extension headers */
    uint32_t payload;
    uint16_t gso_size;
    uint8_t flags;
};

struct super {
    struct rung_frame frame[3]; /* in up to so many fragments */
    uint32_t ip, tcp, headers, len;
    uint8_t bytes[RUNG_FRAME_MAX + 4];
};

static struct rung_frame *segments[RUNG_FAULT_SEGMENTS];

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* Byte by byte, unlike the code under test. */
static uint32_t sum_of(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint32_t make_ip(const struct kind *kind, uint8_t *ip, uint32_t total)
{
    if (!kind->ipv6) {
        ip[0] = (uint8_t)(0x45 + kind->ip_options);
        put16(ip + 2, total);
        put16(ip + 4, 0xfffe); /* the identification runs over */
        put16(ip + 6, 0x4000);
        ip[9] = 6;
        memcpy(ip + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
        memset(ip + 20, 1, 4 * kind->ip_options);
        return 20 + 4 * kind->ip_options;
    }
    ip[0] = 0x60;
    put16(ip + 4, total - 40);
    ip[6] = kind->ip_options ? 60 : 6;
    for (unsigned i = 8; i < 40; i++)
        ip[i] = (uint8_t)i;
    for (unsigned i = 0; i < kind->ip_options; i++)
        ip[40 + 8 * i] = i + 1 < kind->ip_options ? 60 : 6;
    return 40 + 8 * kind->ip_options;
}

static void make(struct super *s, const struct kind *kind)
{
    memset(s, 0, sizeof(*s));
    s->ip = 14 + 4 * kind->tags;
    for (unsigned i = 0; i < kind->tags; i++)
        put16(s->bytes + 12 + 4 * i, i ? 0x8100 : 0x88a8);
    put16(s->bytes + s->ip - 2, kind->ipv6 ? 0x86dd : 0x0800);
    uint32_t ip_len = make_ip(kind, s->bytes + s->ip, 0);
    s->tcp = s->ip + ip_len;
    s->headers = s->tcp + 20 + 4 * kind->tcp_options;
    s->len = s->headers + kind->payload;
    make_ip(kind, s->bytes + s->ip, s->len - s->ip);
    uint8_t *tcp = s->bytes + s->tcp;
    put16(tcp + 4, 0xffff); /* the sequence number runs over */
    put16(tcp + 6, 0xff00);
    tcp[12] = (uint8_t)((5 + kind->tcp_options) << 4);
    tcp[13] = kind->flags;
    memset(tcp + 20, 1, 4 * kind->tcp_options);
    for (uint32_t i = 0; i < kind->payload; i++)
        s->bytes[s->headers + i] = (uint8_t)(i * 31 + (i >> 8));
    s->frame[0] = (struct rung_frame){
        .data = s->bytes, .len = s->len, .gso_size = kind->gso_size,
        .gso_type = kind->ipv6 ? RUNG_GSO_TCP6 : RUNG_GSO_TCP4, .hdr_len = (uint16_t)s->headers,
        .flags = RUNG_FRAME_CSUM, .csum_start = (uint16_t)s->tcp, .csum_offset = 16,
    };
}

/* Cuts the frame into three fragments. The headers need not lie in the first. */
static void scatter(struct super *s, uint64_t *chance)
{
    uint32_t a = 1 + test_chance(chance, s->len - 2);
    uint32_t b = 1 + test_chance(chance, s->len - a - 1);
    s->frame[0].len = a;
    s->frame[0].next = &s->frame[1];
    s->frame[1] = (struct rung_frame){.data = s->bytes + a, .len = b, .next = &s->frame[2]};
    s->frame[2] = (struct rung_frame){.data = s->bytes + a + b, .len = s->len - a - b};
}

static void check_segment(const struct super *s, const struct kind *kind, unsigned i, unsigned n)
{
    const struct rung_frame *f = segments[i];
    const uint8_t *ip = f->data + s->ip, *tcp = f->data + s->tcp;
    uint32_t done = i * kind->gso_size, last = i + 1 == n;
    uint32_t part = last ? kind->payload - done : kind->gso_size;
    assert_null(f->next);
    assert_true(!f->flags && !f->gso_size && !f->gso_type);
    assert_int_equal(f->len, s->headers + part);
    assert_int_equal(((uintptr_t)f->data + 14) % 4, 0);
    assert_memory_equal(f->data, s->bytes, s->ip);
    assert_memory_equal(f->data + s->headers, s->bytes + s->headers + done, part);
    if (kind->ipv6) {
        assert_int_equal(get16(ip + 4), f->len - s->ip - 40);
    } else {
        assert_int_equal(get16(ip + 2), f->len - s->ip);
        assert_int_equal(get16(ip + 4), (0xfffe + i) & 0xffff);
        assert_int_equal(sum_of(ip, s->tcp - s->ip, 0), 0xffff);
    }
    assert_int_equal(get32(tcp + 4), 0xffffff00 + done);
    uint8_t gone = (uint8_t)((last ? 0 : 0x09) | (i ? 0x80 : 0));
    assert_int_equal(tcp[13], kind->flags & ~gone);
    uint32_t sum = sum_of(kind->ipv6 ? ip + 8 : ip + 12, kind->ipv6 ? 32 : 8,
                          6 + f->len - s->tcp);
    assert_int_equal(sum_of(tcp, f->len - s->tcp, sum), 0xffff);
}

static void release_all(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        segments[i]->release(segments[i]);
}

static void segments_are_what_a_wire_carries(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct super *s = malloc(sizeof(*s));
    uint64_t chance = test_seed() | 1;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct kind kind = {
            .ipv6 = round % 2, .tags = test_chance(&chance, 3),
            .ip_options = test_chance(&chance, 4), .tcp_options = test_chance(&chance, 11),
            .payload = 1 + test_chance(&chance, round % 8 ? 9000 : 65000),
            .gso_size = (uint16_t)(88 + test_chance(&chance, 8900)),
            .flags = (uint8_t)test_chance(&chance, 256),
        };
        make(s, &kind);
        if (round % 3)
            scatter(s, &chance);
        unsigned want = (kind.payload + kind.gso_size - 1) / kind.gso_size;
        unsigned n = rung_fault_segment(p, s->frame, round % 20, segments);
        assert_int_equal(n, want);
        for (unsigned i = 0; i < n; i++)
            check_segment(s, &kind, i, n);
        release_all(n);
    }
    free(s);
    test_platform_free(p);
}

/* What is no TCP as it says is refused, and changed bytes never lead outside of the frame (the
 * sanitizers look on). */
static void what_lies_is_refused(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct super *s = malloc(sizeof(*s));
    uint64_t chance = test_seed() | 1;
    static const struct kind good[2] = {
        {.payload = 3000, .gso_size = 1000, .ip_options = 1},
        {.ipv6 = true, .payload = 3000, .gso_size = 1000, .ip_options = 1},
    };
    (void)state;
    make(s, &good[0]);
    s->frame[0].gso_type = RUNG_GSO_TCP6;
    assert_int_equal(rung_fault_segment(p, s->frame, 0, segments), 0);
    make(s, &good[0]);
    s->frame[0].gso_size = 2; /* too many */
    assert_int_equal(rung_fault_segment(p, s->frame, 0, segments), 0);
    s->frame[0].gso_size = 0;
    assert_int_equal(rung_fault_segment(p, s->frame, 0, segments), 0);
    for (unsigned k = 0; k < 2; k++) {
        make(s, &good[k]);
        for (uint32_t len = 1; len <= s->headers; len++) { /* nothing behind the headers */
            uint8_t *tight = malloc(len);
            memcpy(tight, s->bytes, len);
            struct rung_frame f = s->frame[0];
            f.data = tight;
            f.len = len;
            assert_int_equal(rung_fault_segment(p, &f, 0, segments), 0);
            free(tight);
        }
        for (unsigned round = 0; round < 3000; round++) {
            make(s, &good[k]);
            for (unsigned i = 0; i < 3; i++)
                s->bytes[12 + test_chance(&chance, s->headers - 12)] =
                    (uint8_t)test_chance(&chance, 256);
            release_all(rung_fault_segment(p, s->frame, 0, segments));
        }
    }
    free(s);
    test_platform_free(p);
}

static void without_memory_nothing_is_left(void **state)
{
    struct rung_platform *p = test_platform_new();
    struct super *s = malloc(sizeof(*s));
    static const struct kind kind = {.payload = 5000, .gso_size = 1000};
    (void)state;
    make(s, &kind);
    for (long n = 1; n <= 5; n++) {
        test_heap_fail_after(p, n);
        assert_int_equal(rung_fault_segment(p, s->frame, 0, segments), 0);
        assert_int_equal(test_heap_blocks(p), 0);
    }
    test_heap_fail_after(p, 0);
    release_all(rung_fault_segment(p, s->frame, 0, segments));
    free(s);
    test_platform_free(p);
}

/* A sum over fragments of odd lengths, written where it lies across two of them. */
static void sums_are_finished_in_place(void **state)
{
    struct rung_platform *p = test_platform_new();
    uint64_t chance = test_seed() | 1;
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        uint8_t bytes[80], whole[80];
        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)test_chance(&chance, 256);
        struct rung_frame f[3] = {{.data = bytes, .flags = RUNG_FRAME_CSUM}};
        uint32_t start = test_chance(&chance, 70);
        f[0].csum_start = (uint16_t)start;
        f[0].csum_offset = (uint16_t)test_chance(&chance, 79 - start);
        memcpy(whole, bytes, sizeof(whole));
        uint32_t sum = ~sum_of(whole + start, 80 - start, 0) & 0xffff;
        put16(whole + start + f[0].csum_offset, sum ? sum : 0xffff);
        uint32_t a = 1 + test_chance(&chance, 77), b = 1 + test_chance(&chance, 79 - a - 1);
        f[0].len = a;
        f[0].next = &f[1];
        f[1] = (struct rung_frame){.data = bytes + a, .len = b, .next = &f[2]};
        f[2] = (struct rung_frame){.data = bytes + a + b, .len = 80 - a - b};
        assert_true(rung_fault_finish_sum(f));
        assert_int_equal(f[0].flags, 0);
        assert_memory_equal(bytes, whole, sizeof(whole));
    }
    uint8_t bytes[60] = {0};
    struct rung_frame bad = {.data = bytes, .len = 60, .flags = RUNG_FRAME_CSUM, .csum_start = 50,
                             .csum_offset = 9};
    assert_false(rung_fault_finish_sum(&bad));
    bad.csum_start = 65535;
    bad.csum_offset = 65535;
    assert_false(rung_fault_finish_sum(&bad));
    test_platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_what_a_wire_carries),
        cmocka_unit_test(what_lies_is_refused),
        cmocka_unit_test(without_memory_nothing_is_left),
        cmocka_unit_test(sums_are_finished_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
