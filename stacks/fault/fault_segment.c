/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_segment.c - see fault_segment.h. */
#include "fault_segment.h"

#include <string.h>

#include "fault_copy.h"

enum {
    ETHER_LEN = 14,
    TAG_LEN = 4, /* IEEE 802.1Q */
    TCP_PROTOCOL = 6,
    TCP_FIN = 0x01,
    TCP_PSH = 0x08,
    TCP_CWR = 0x80,
    HEADERS_MAX = 256, /* tags, IPv4 with options or IPv6 with extensions, TCP with options */
};

struct headers {
    uint8_t bytes[HEADERS_MAX];
    uint32_t ip, tcp, len; /* where they start, and where the payload does */
    bool ipv6;
};

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t segment_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

static uint32_t segment_sum(const uint8_t *at, uint32_t len, uint32_t sum)
{
    uint64_t wide = sum;
    for (uint32_t i = 0; i + 1 < len; i += 2)
        wide += get16(at + i);
    return segment_fold(wide);
}

/* Past extension headers of IPv6 to TCP. 0: there is none. */
static uint32_t segment_skip_extensions(const uint8_t *bytes, uint32_t at, uint32_t end)
{
    unsigned next = bytes[at + 6];
    at += 40;
    while (next == 0 || next == 43 || next == 60) { /* hop-by-hop, routing, destination */
        if (at + 8 > end)
            return 0;
        next = bytes[at];
        at += 8 + 8u * bytes[at + 1];
    }
    return next == TCP_PROTOCOL && at < end ? at : 0;
}

/* Finds the headers among the first bytes of a frame. */
static bool segment_parse(const struct rung_frame *f, uint32_t len, struct headers *h)
{
    uint32_t end = len < HEADERS_MAX ? len : HEADERS_MAX;
    const uint8_t *bytes = h->bytes;
    rung_fault_read(f, 0, h->bytes, end);
    uint32_t at = ETHER_LEN;
    while (at + TAG_LEN <= end
           && (get16(bytes + at - 2) == 0x8100 || get16(bytes + at - 2) == 0x88a8))
        at += TAG_LEN;
    h->ip = at;
    h->ipv6 = f->gso_type == RUNG_GSO_TCP6;
    if (at + 40 > end || get16(bytes + at - 2) != (h->ipv6 ? 0x86ddu : 0x0800u)
        || bytes[at] >> 4 != (h->ipv6 ? 6 : 4))
        return false;
    if (h->ipv6) {
        at = segment_skip_extensions(bytes, at, end);
    } else {
        uint32_t words = bytes[at] & 15u;
        bool tcp = bytes[at + 9] == TCP_PROTOCOL && words >= 5;
        bool part = (get16(bytes + at + 6) & 0x3fff) != 0; /* of a fragmented packet */
        at = tcp && !part ? at + 4 * words : 0;
    }
    h->tcp = at;
    if (!at || at + 20 > end)
        return false;
    uint32_t words = bytes[at + 12] >> 4;
    h->len = at + 4 * words;
    return words >= 5 && h->len <= end && h->len < len;
}

/* The headers of the segment whose payload starts done bytes into the whole and is part long. */
static void segment_write_headers(uint8_t *to, const struct headers *h, uint32_t number,
                                  uint32_t done, uint32_t part, bool last)
{
    uint8_t *ip = to + h->ip, *tcp = to + h->tcp;
    memcpy(to, h->bytes, h->len);
    if (h->ipv6) {
        put16(ip + 4, h->len - h->ip - 40 + part);
    } else {
        put16(ip + 2, h->len - h->ip + part);
        put16(ip + 4, get16(ip + 4) + number);
        put16(ip + 10, 0);
        put16(ip + 10, ~segment_sum(ip, h->tcp - h->ip, 0));
    }
    put32(tcp + 4, get32(tcp + 4) + done);
    if (!last)
        tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
    if (done > 0)
        tcp[13] &= (uint8_t)~TCP_CWR;
    put16(tcp + 16, 0);
}

static void segment_write_sum(struct rung_frame *segment, const struct headers *h)
{
    const uint8_t *ip = segment->data + h->ip;
    uint32_t tcp_len = segment->len - h->tcp;
    uint32_t sum = segment_sum(h->ipv6 ? ip + 8 : ip + 12, h->ipv6 ? 32 : 8,
                               TCP_PROTOCOL + tcp_len);
    sum = rung_fault_sum(segment, h->tcp, sum);
    put16(segment->data + h->tcp + 16, ~sum);
}

unsigned rung_fault_segment(struct rung_platform *p, const struct rung_frame *f, uint32_t headroom,
                            struct rung_frame *segments[RUNG_FAULT_SEGMENTS])
{
    struct headers h;
    uint32_t len = rung_fault_len(f);
    if (!f->gso_size || len > RUNG_FRAME_MAX || !segment_parse(f, len, &h))
        return 0;
    uint32_t payload = len - h.len;
    uint32_t count = (payload + f->gso_size - 1) / f->gso_size;
    if (count > RUNG_FAULT_SEGMENTS)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t done = i * f->gso_size;
        uint32_t part = payload - done < f->gso_size ? payload - done : f->gso_size;
        segments[i] = rung_fault_new(p, h.len + part, headroom);
        if (!segments[i]) {
            while (i-- > 0)
                segments[i]->release(segments[i]);
            return 0;
        }
        segment_write_headers(segments[i]->data, &h, i, done, part, i + 1 == count);
        rung_fault_read(f, h.len + done, segments[i]->data + h.len, part);
        segment_write_sum(segments[i], &h);
    }
    return count;
}
