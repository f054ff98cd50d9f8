/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_hdr.c - see net_tap_hdr.h. */
#include "net_tap_hdr.h"

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_IPV6 = 0x86dd,
    PROTO_HOPS = 0, /* IPv6 extension headers that may stand before TCP: RFC 8200 */
    PROTO_TCP = 6,
    PROTO_ROUTING = 43,
    PROTO_DESTINATION = 60,
    TCP_SUM = 16, /* where its sum goes */
};

static unsigned hdr_get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Where TCP starts behind an IPv4 header at `at`, or 0. */
static size_t hdr_tcp4(const struct rung_frame *f, size_t at)
{
    if (f->len < at + 20 || f->data[at] >> 4 != 4 || f->data[at + 9] != PROTO_TCP)
        return 0;
    size_t words = f->data[at] & 15u;
    return words < 5 ? 0 : at + 4 * words;
}

static size_t hdr_tcp6(const struct rung_frame *f, size_t at)
{
    if (f->len < at + 40 || f->data[at] >> 4 != 6)
        return 0;
    unsigned proto = f->data[at + 6];
    at += 40;
    while (proto == PROTO_HOPS || proto == PROTO_ROUTING || proto == PROTO_DESTINATION) {
        if (f->len < at + 8)
            return 0;
        proto = f->data[at];
        at += 8 + 8u * f->data[at + 1];
    }
    return proto == PROTO_TCP ? at : 0;
}

/* Where TCP starts in a frame of this kind, or 0 if it is another. */
static size_t hdr_tcp(const struct rung_frame *f, unsigned gso_type)
{
    size_t at = 12;
    while (f->len >= at + 6
           && (hdr_get16(f->data + at) == ETHER_VLAN || hdr_get16(f->data + at) == ETHER_QINQ))
        at += 4;
    if (f->len < at + 2)
        return 0;
    unsigned type = hdr_get16(f->data + at);
    if (type == ETHER_IPV4 && gso_type == RUNG_GSO_TCP4)
        return hdr_tcp4(f, at + 2);
    if (type == ETHER_IPV6 && gso_type == RUNG_GSO_TCP6)
        return hdr_tcp6(f, at + 2);
    return 0;
}

/* The part of to_frame that is about a super-frame; the rest of f is filled in. */
static bool hdr_super(const struct virtio_net_hdr *hdr, struct rung_frame *f, size_t len)
{
    unsigned kind = hdr->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
    if (kind != VIRTIO_NET_HDR_GSO_TCPV4 && kind != VIRTIO_NET_HDR_GSO_TCPV6)
        return false;
    unsigned type = kind == VIRTIO_NET_HDR_GSO_TCPV4 ? RUNG_GSO_TCP4 : RUNG_GSO_TCP6;
    size_t tcp = hdr_tcp(f, type);
    if (!hdr->gso_size || !tcp || f->len < tcp + 20)
        return false;
    size_t hdr_len = tcp + 4u * (f->data[tcp + 12] >> 4);
    if (hdr_len < tcp + 20 || hdr_len > f->len || hdr_len >= len || hdr_len > UINT16_MAX)
        return false;
    if ((f->flags & RUNG_FRAME_CSUM) && (f->csum_start != tcp || f->csum_offset != TCP_SUM))
        return false;
    f->gso_type = (uint8_t)type;
    f->gso_size = hdr->gso_size;
    f->hdr_len = (uint16_t)hdr_len;
    if (hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN)
        f->flags |= RUNG_FRAME_ECN;
    return true;
}

bool rung_net_tap_hdr_to_frame(const struct virtio_net_hdr *hdr, struct rung_frame *f, size_t len)
{
    f->flags = 0;
    f->gso_size = 0;
    f->gso_type = RUNG_GSO_NONE;
    f->hdr_len = 0;
    f->csum_start = 0;
    f->csum_offset = 0;
    if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        if (hdr->csum_start < 14 || (size_t)hdr->csum_start + hdr->csum_offset + 2 > len)
            return false;
        f->flags = RUNG_FRAME_CSUM;
        f->csum_start = hdr->csum_start;
        f->csum_offset = hdr->csum_offset;
    } else if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
        f->flags = RUNG_FRAME_VERIFIED;
    }
    return hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE || hdr_super(hdr, f, len);
}
