/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_head.c - reads headers, where netif says less than net.h: it has no
 * word for where a sum goes, or how long the headers of a super-frame are. */
#include <string.h>

#include "netfront_impl.h"

enum {
    HEAD_IPV4 = 0x0800,
    HEAD_VLAN = 0x8100,
    HEAD_QINQ = 0x88a8,
    HEAD_IPV6 = 0x86dd,
    HEAD_HOPS = 0, /* IPv6 extension headers that may stand before TCP and UDP: RFC 8200 */
    HEAD_ROUTING = 43,
    HEAD_DESTINATION = 60,
    HEAD_TCP = 6,
    HEAD_UDP = 17,
    HEAD_TCP_SUM = 16,
    HEAD_UDP_SUM = 6,
};

static uint32_t head_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

uint32_t rung_netfront_head_ip(const uint8_t *data, uint32_t len)
{
    uint32_t at = 12;
    while (at + 6 <= len && at < 20
           && (head_get16(data + at) == HEAD_VLAN || head_get16(data + at) == HEAD_QINQ))
        at += 4;
    if (at + 2 + 20 > len)
        return 0;
    uint32_t type = head_get16(data + at), version = data[at + 2] >> 4;
    return (type == HEAD_IPV4 && version == 4) || (type == HEAD_IPV6 && version == 6) ? at + 2 : 0;
}

/* Where TCP or UDP starts behind an IPv4 header; 0: it does not, or this is a fragment. */
static uint32_t head_l4_ipv4(const uint8_t *data, uint32_t len, uint32_t ip, uint32_t *proto)
{
    uint32_t l4 = ip + 4u * (data[ip] & 15u);
    if (l4 < ip + 20 || l4 > len || (head_get16(data + ip + 6) & 0x3fff))
        return 0;
    *proto = data[ip + 9];
    return l4;
}

static uint32_t head_l4_ipv6(const uint8_t *data, uint32_t len, uint32_t ip, uint32_t *proto)
{
    uint32_t l4 = ip + 40;
    if (l4 > len)
        return 0;
    *proto = data[ip + 6];
    while (*proto == HEAD_HOPS || *proto == HEAD_ROUTING || *proto == HEAD_DESTINATION) {
        if (l4 + 8 > len)
            return 0;
        *proto = data[l4];
        l4 += 8 + 8u * data[l4 + 1];
    }
    return l4;
}

static uint32_t head_l4(const uint8_t *data, uint32_t len, uint32_t ip, uint32_t *proto)
{
    return data[ip] >> 4 == 4 ? head_l4_ipv4(data, len, ip, proto)
                              : head_l4_ipv6(data, len, ip, proto);
}

/* As Linux's skb_checksum_setup() finds it, for plain headers; others are summed here. */
bool rung_netfront_head_sums(const struct rung_frame *f, bool ipv6)
{
    uint32_t ip = rung_netfront_head_ip(f->data, f->len), proto = 0;
    if (ip != 14 || (f->data[ip] >> 4 == 6 && !ipv6)
        || head_l4(f->data, f->len, ip, &proto) != f->csum_start)
        return false;
    return (proto == HEAD_TCP && f->csum_offset == HEAD_TCP_SUM)
           || (proto == HEAD_UDP && f->csum_offset == HEAD_UDP_SUM);
}

/* The part about a super-frame. */
static bool head_super(struct rung_frame *f, uint32_t len, uint32_t tcp, bool ipv6,
                       uint8_t gso_type, uint16_t gso_size)
{
    if (tcp + 20 > f->len || ipv6 != (gso_type == RUNG_GSO_TCP6))
        return false;
    uint32_t hdr_len = tcp + 4u * (f->data[tcp + 12] >> 4);
    if (hdr_len < tcp + 20 || hdr_len > f->len || hdr_len >= len)
        return false;
    f->gso_type = gso_type;
    f->gso_size = gso_size;
    f->hdr_len = (uint16_t)hdr_len; /* a page at most */
    return true;
}

bool rung_netfront_head_in(struct rung_frame *f, uint32_t len, bool blank, bool validated,
                           uint8_t gso_type, uint16_t gso_size)
{
    uint32_t proto = 0, l4 = 0;
    f->flags = validated && !blank ? RUNG_FRAME_VERIFIED : 0;
    f->gso_size = 0;
    f->gso_type = RUNG_GSO_NONE;
    f->hdr_len = f->csum_start = f->csum_offset = 0;
    if (!blank && !gso_size)
        return true;
    uint32_t ip = rung_netfront_head_ip(f->data, f->len);
    if (ip)
        l4 = head_l4(f->data, f->len, ip, &proto);
    if (!l4 || (proto != HEAD_TCP && (proto != HEAD_UDP || gso_size)))
        return false;
    if (blank) {
        f->flags = RUNG_FRAME_CSUM;
        f->csum_start = (uint16_t)l4; /* within a page */
        f->csum_offset = proto == HEAD_TCP ? HEAD_TCP_SUM : HEAD_UDP_SUM;
        if (l4 + (proto == HEAD_TCP ? 20u : 8u) > len)
            return false;
    }
    return !gso_size || head_super(f, len, l4, f->data[ip] >> 4 == 6, gso_type, gso_size);
}

/* Words are added as the machine reads them, which only swaps the bytes of the folded sum. */
uint64_t rung_netfront_sum(const uint8_t *data, uint32_t len, uint64_t sum, bool odd)
{
    uint64_t part = 0;
    uint32_t at = 0;
    for (; at + 4 <= len; at += 4) {
        uint32_t word;
        memcpy(&word, data + at, sizeof(word));
        part += word;
    }
    if (at < len) {
        uint8_t rest[4] = {0, 0, 0, 0};
        uint32_t word;
        memcpy(rest, data + at, len - at);
        memcpy(&word, rest, sizeof(word));
        part += word;
    }
    uint32_t folded = rung_netfront_fold(part);
    if (!odd) /* little-endian */
        folded = (folded & 0xff) << 8 | folded >> 8;
    return sum + folded;
}

uint16_t rung_netfront_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
