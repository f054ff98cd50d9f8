/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_super.c - a frame to send, made of a copy of its headers and references to
 * its payload; consecutive segments of one connection are joined into a super-frame, which the
 * link cuts again as it was (TSO). lwIP knows only segments, so the MSS on the wire is right,
 * and what is lost is sent again by the segment. Figures: docs/decisions. */
#include "lwip_int.h"

#include "lwip/inet_chksum.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

#define SUPER_MAX 65535u /* bytes of an IP packet, in either version */
#define SUPER_IP6_HLEN 40u
#define SUPER_SEQ 4u /* offsets in a TCP header */
#define SUPER_FLAGS 13u
#define SUPER_SUM 16u

static uint8_t *super_ip(struct lwip_tx *tx)
{
    return tx->head + LWIP_ETHERNET_HEAD;
}

static bool super_is_v6(const uint8_t *ip)
{
    return ip[0] >> 4 == 6;
}

static uint32_t super_ip_len(const uint8_t *ip)
{
    return super_is_v6(ip) ? SUPER_IP6_HLEN : 4u * (ip[0] & 15u);
}

static uint32_t super_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void super_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Length of the headers of a TCP segment, from the IP header on, that are in one piece of len
 * bytes; 0: it is something else. */
static uint32_t super_tcp_heads(const uint8_t *ip, uint32_t len)
{
    uint32_t heads;
    if (len < SUPER_IP6_HLEN) /* or IPv4 with 20 bytes behind it */
        return 0;
    if (super_is_v6(ip)) {
        if (ip[6] != IP_PROTO_TCP)
            return 0;
    } else if (ip[0] >> 4 != 4 || ip[9] != IP_PROTO_TCP || (ip[6] & 0x3f) || ip[7]) {
        return 0; /* fragments are not for us */
    }
    heads = super_ip_len(ip);
    if (len < heads + TCP_HLEN)
        return 0;
    heads += 4u * (ip[heads + 12] >> 4);
    return heads <= len && heads <= LWIP_HEAD - LWIP_ETHERNET_HEAD ? heads : 0;
}

static uint32_t super_frame_heads(const struct pbuf *p)
{
    const uint8_t *frame = p->payload;
    bool ip4 = p->len > LWIP_ETHERNET_HEAD && frame[12] == 0x08 && frame[13] == 0x00;
    bool ip6 = p->len > LWIP_ETHERNET_HEAD && frame[12] == 0x86 && frame[13] == 0xdd;
    uint32_t heads = 0;
    if (ip4 || ip6)
        heads = super_tcp_heads(frame + LWIP_ETHERNET_HEAD, p->len - LWIP_ETHERNET_HEAD);
    return heads ? LWIP_ETHERNET_HEAD + heads : 0;
}

/* One more piece of memory behind what is there. */
bool rung_lwip_run_add(struct lwip_tx *tx, uint8_t *data, uint32_t len)
{
    struct rung_frame *last = &tx->frag[tx->runs - 1];
    if (tx->flat) { /* this link takes one fragment: the bytes are copied behind the head */
        memcpy(last->data + last->len, data, len);
        last->len += len;
    } else if (tx->runs > 1 && last->data + last->len == data) {
        last->len += len;
    } else {
        if (tx->runs == LWIP_RUNS || tx->runs == tx->core->net->info.max_frags)
            return false;
        last->next = &tx->frag[tx->runs++];
        last->next->next = NULL;
        last->next->data = data;
        last->next->len = len;
    }
    tx->len += len;
    return true;
}

/* All of a pbuf chain from `skip` on. False: too many pieces, and the frame is as it was. */
static bool super_payload(struct lwip_tx *tx, struct pbuf *p, uint32_t skip)
{
    unsigned runs = tx->runs;
    uint32_t len = tx->len, last_len = tx->frag[runs - 1].len;
    for (struct pbuf *q = p; q; q = q->next) {
        uint32_t from = skip < q->len ? skip : q->len;
        skip -= from;
        if (q->len > from && !rung_lwip_run_add(tx, (uint8_t *)q->payload + from, q->len - from)) {
            tx->runs = runs;
            tx->len = len;
            tx->frag[runs - 1].len = last_len;
            tx->frag[runs - 1].next = NULL;
            return false;
        }
    }
    return true;
}

/* Whether bytes of a frame from `skip` on are in pbufs themselves. Those of TCP are the app's, as a
 * rule, and stay until no frame shows them (rung_lwip_give_back()). */
static bool super_is_own(const struct pbuf *p, uint32_t skip)
{
    if (p->len > skip)
        return true;
    for (const struct pbuf *q = p->next; q; q = q->next)
        if (q->type_internal != (u8_t)PBUF_ROM || (q->flags & PBUF_FLAG_IS_CUSTOM))
            return true;
    return false;
}

/* Only where it must be: lwIP does not send again what somebody else refers to. */
static void super_keep(struct lwip_tx *tx, struct pbuf *p, uint32_t skip)
{
    if (tx->flat || !super_is_own(p, skip))
        return;
    pbuf_ref(p);
    tx->pbufs[tx->pbuf_count++] = p;
}

/* Takes the frame p; flattens it if it is in too many pieces. */
bool rung_lwip_super_begin(struct lwip_tx *tx, struct pbuf *p)
{
    uint32_t heads = super_frame_heads(p);
    uint32_t copy = heads ? heads : p->len < LWIP_HEAD ? p->len : LWIP_HEAD;
    memcpy(tx->head, p->payload, copy);
    void (*release)(struct rung_frame *) = tx->frag[0].release;
    tx->frag[0] = (struct rung_frame){.data = tx->head, .len = copy, .release = release};
    tx->runs = 1;
    tx->pbuf_count = 0;
    tx->len = copy;
    tx->head_len = (uint16_t)heads;
    tx->size = 0;
    if (!super_payload(tx, p, copy))
        return false;
    if (p->tot_len > copy)
        super_keep(tx, p, copy);
    if (heads) {
        const uint8_t *tcp = super_ip(tx) + super_ip_len(super_ip(tx));
        tx->size = (uint16_t)(p->tot_len - heads);
        tx->next_seq = super_get32(tcp + SUPER_SEQ) + tx->size;
    }
    return true;
}

/* Whether two segments' headers, from the IP header on, differ only in what the cut makes anew:
 * lengths, IPv4's identification and sums, the sequence number, PSH. */
static bool super_same_heads(const uint8_t *a, const uint8_t *b, uint32_t heads)
{
    uint32_t tcp = super_ip_len(a);
    if (memcmp(a, b, 2))
        return false;
    if (super_is_v6(a)) {
        if (memcmp(a + 2, b + 2, 2) || memcmp(a + 6, b + 6, SUPER_IP6_HLEN - 6))
            return false;
    } else if (memcmp(a + 6, b + 6, 4) || memcmp(a + 12, b + 12, 8)) {
        return false;
    }
    if (memcmp(a + tcp, b + tcp, SUPER_SEQ) || memcmp(a + tcp + 8, b + tcp + 8, 4)
        || a[tcp + 12] != b[tcp + 12] || memcmp(a + tcp + 14, b + tcp + 14, 2)
        || ((a[tcp + SUPER_FLAGS] ^ b[tcp + SUPER_FLAGS]) & ~TCP_PSH))
        return false;
    for (uint32_t at = tcp + TCP_HLEN; at < heads; at += 4)
        if (memcmp(a + at, b + at, 4))
            return false;
    return true;
}

/* Adds the segment p, which begins with its IP header, to the frame, if it is the next one of its
 * connection and there is room. */
bool rung_lwip_super_add(struct lwip_tx *tx, struct pbuf *p)
{
    uint32_t caps = tx->core->net->info.caps;
    uint32_t heads = tx->head_len - (uint32_t)LWIP_ETHERNET_HEAD;
    if (!tx->head_len || !tx->size || p->tot_len <= heads
        || super_tcp_heads(p->payload, p->len) != heads)
        return false;
    const uint8_t *new_ip = p->payload;
    uint8_t *ip = super_ip(tx), *tcp = ip + super_ip_len(ip);
    const uint8_t *new_tcp = new_ip + (tcp - ip);
    uint32_t size = p->tot_len - heads;
    if (super_get32(new_tcp + SUPER_SEQ) != tx->next_seq
        || !(caps & (super_is_v6(ip) ? RUNG_NET_TX_TSO6 : RUNG_NET_TX_TSO4)) || tx->flat
        || size > tx->size || (tx->len - tx->head_len) % tx->size != 0 /* that was the last */
        || tx->len - LWIP_ETHERNET_HEAD + size > SUPER_MAX || tx->pbuf_count == LWIP_SEGMENTS
        || (tcp[SUPER_FLAGS] & (TCP_PSH | TCP_FIN | TCP_SYN | TCP_RST | TCP_URG))
        || (new_tcp[SUPER_FLAGS] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_URG))
        || !super_same_heads(ip, new_ip, heads) || !super_payload(tx, p, heads))
        return false;
    super_keep(tx, p, heads);
    tcp[SUPER_FLAGS] |= new_tcp[SUPER_FLAGS] & TCP_PSH;
    tx->next_seq += size;
    return true;
}

/* The sum of addresses, protocol and length that a link starts from (RFC 9293 3.1, RFC 8200
 * 8.1). */
static uint32_t super_pseudo(const uint8_t *ip, uint32_t len)
{
    uint32_t from = super_is_v6(ip) ? 8 : 12, to = super_is_v6(ip) ? SUPER_IP6_HLEN : 20;
    uint32_t sum = IP_PROTO_TCP + len;
    for (uint32_t i = from; i < to; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Lengths, and the sum of an IPv4 header: once for a frame, however many segments it is. */
static void super_ip_end(struct lwip_tx *tx)
{
    uint8_t *ip = super_ip(tx);
    uint32_t all = tx->len - LWIP_ETHERNET_HEAD;
    if (tx->head[12] == 0x86 && tx->head[13] == 0xdd) {
        super_put16(ip + 4, all - SUPER_IP6_HLEN);
    } else if (tx->head[12] == 0x08 && tx->head[13] == 0x00) {
        uint16_t sum;
        super_put16(ip + 2, all);
        super_put16(ip + 10, 0);
        sum = inet_chksum(ip, (uint16_t)super_ip_len(ip)); /* in network order */
        memcpy(ip + 10, &sum, sizeof(sum));
    }
}

/* What is left for the link to do. */
void rung_lwip_super_end(struct lwip_tx *tx)
{
    struct rung_frame *frame = &tx->frag[0];
    uint8_t *ip = super_ip(tx);
    super_ip_end(tx);
    if (!tx->head_len || !(tx->core->net->info.caps & RUNG_NET_TX_CSUM))
        return;
    uint32_t ip_len = super_ip_len(ip), all = tx->len - LWIP_ETHERNET_HEAD;
    if (tx->len > (uint32_t)tx->head_len + tx->size) {
        frame->gso_size = tx->size;
        frame->gso_type = super_is_v6(ip) ? RUNG_GSO_TCP6 : RUNG_GSO_TCP4;
        frame->hdr_len = tx->head_len;
    }
    frame->flags = RUNG_FRAME_CSUM;
    frame->csum_start = (uint16_t)(LWIP_ETHERNET_HEAD + ip_len);
    frame->csum_offset = SUPER_SUM;
    super_put16(ip + ip_len + SUPER_SUM, super_pseudo(ip, all - ip_len));
}
