/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_sum.c - tells unfinished checksums from the bytes of a frame. The
 * kernel leaves them for the NIC to make: the field then holds the pseudo-header's sum, not
 * inverted (CHECKSUM_PARTIAL; so do the frames that GRO has merged). See net_pcap.h. */
#include "net_pcap_impl.h"

enum { SUM_TCP = 6, SUM_UDP = 17 }; /* IP's protocol numbers */

/* What stands between Ethernet and the checksum. */
struct sum_ip {
    uint32_t l4;       /* where TCP or UDP begins */
    uint32_t protocol;
    uint32_t sum;      /* of the addresses, not folded */
};

static uint32_t sum_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t sum_words(const uint8_t *at, unsigned len)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < len; i += 2)
        sum += sum_get16(at + i);
    return sum;
}

/* Whole datagrams that fill their frame: a fragment is always finished, and padding is a wire's. */
static bool sum_ipv4(const uint8_t *frame, uint32_t len, struct sum_ip *ip)
{
    const uint8_t *head = frame + 14;
    if (len < 34 || head[0] >> 4 != 4 || (head[0] & 15) < 5)
        return false;
    ip->l4 = 14u + (head[0] & 15u) * 4u;
    ip->protocol = head[9];
    ip->sum = sum_words(head + 12, 8);
    return sum_get16(head + 2) == len - 14 && (sum_get16(head + 6) & 0x3fff) == 0;
}

static bool sum_ipv6(const uint8_t *frame, uint32_t len, struct sum_ip *ip)
{
    const uint8_t *head = frame + 14;
    if (len < 54 || head[0] >> 4 != 6)
        return false;
    ip->l4 = 54;
    ip->protocol = head[6]; /* without extension headers, as the kernel's own TCP and UDP are */
    ip->sum = sum_words(head + 8, 32);
    return sum_get16(head + 4) == len - 54;
}

bool rung_net_pcap_unfinished(const uint8_t *bytes, uint32_t len, struct rung_frame *f)
{
    struct sum_ip ip = {0};
    uint32_t type = sum_get16(bytes + 12);
    if (type == 0x0800 ? !sum_ipv4(bytes, len, &ip) : type != 0x86dd || !sum_ipv6(bytes, len, &ip))
        return false;
    bool tcp = ip.protocol == SUM_TCP;
    if ((!tcp && ip.protocol != SUM_UDP) || len < ip.l4 + (tcp ? 20u : 8u))
        return false;
    uint32_t offset = tcp ? 16 : 6;
    uint32_t sum = ip.sum + ip.protocol + (len - ip.l4);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    if (sum_get16(bytes + ip.l4 + offset) != sum)
        return false;
    uint32_t tcp_len = tcp ? (bytes[ip.l4 + 12] >> 4) * 4u : 0;
    if (tcp && (tcp_len < 20 || ip.l4 + tcp_len > len))
        return false;
    f->flags |= RUNG_FRAME_CSUM;
    f->csum_start = (uint16_t)ip.l4;
    f->csum_offset = (uint16_t)offset;
    f->hdr_len = (uint16_t)(tcp ? ip.l4 + tcp_len : 0);
    return true;
}
