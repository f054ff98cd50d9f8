/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_cut.c - a super-frame that is more than one packet can be: longer than
 * 65,535 bytes with its Ethernet header, in too many pieces, or with CWR for its first segment
 * alone, which netif has no word for. It goes out as several super-frames, cut between segments,
 * with new headers and the payload by reference as before. Segments are numbered as the back end
 * itself would have numbered them. */
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"

enum { CUT_FIN = 0x01, CUT_PSH = 0x08, CUT_CWR = 0x80 };

struct cut {
    struct rung_netfront *nf;
    const struct rung_frame *f;
    uint32_t len;              /* of the frame */
    uint32_t ip, tcp;          /* where they start */
    struct netfront_cursor at; /* the next byte of payload */
    uint32_t done, left;       /* bytes of payload */
    uint8_t head[NETFRONT_HEADS];
};

static uint32_t cut_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void cut_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void cut_ip(struct cut *cut, uint32_t payload)
{
    uint8_t *ip = cut->head + cut->ip;
    uint32_t len = cut->f->hdr_len - cut->ip + payload;
    if (cut->f->gso_type == RUNG_GSO_TCP6) {
        cut_put16(ip + 4, len - 40);
        return;
    }
    cut_put16(ip + 2, len);
    cut_put16(ip + 4, cut_get16(ip + 4) + cut->done / cut->f->gso_size);
    cut_put16(ip + 10, 0);
    uint32_t words = ip[0] & 15u;
    cut_put16(ip + 10, ~(uint32_t)rung_netfront_fold(rung_netfront_sum(ip, 4 * words, 0, false)));
}

/* The sum that stands there is of addresses, protocol and length: the new length replaces the old
 * one (RFC 1624). */
static void cut_tcp(struct cut *cut, uint32_t payload)
{
    uint8_t *tcp = cut->head + cut->tcp, *sum = cut->head + cut->tcp + 16;
    uint32_t seq = (cut_get16(tcp + 4) << 16 | cut_get16(tcp + 6)) + cut->done;
    uint32_t old_len = cut->len - cut->tcp, len = cut->f->hdr_len - cut->tcp + payload;
    cut_put16(tcp + 4, seq >> 16);
    cut_put16(tcp + 6, seq);
    if (cut->left > payload)
        tcp[13] &= (uint8_t)~(CUT_FIN | CUT_PSH);
    if (cut->done > 0)
        tcp[13] &= (uint8_t)~CUT_CWR;
    cut_put16(sum, rung_netfront_fold((uint64_t)cut_get16(sum) + (0xffff - old_len) + len));
}

/* How many bytes go next: whole segments, as many as a packet takes by reference. 0: not even
 * one. */
static uint32_t cut_take(const struct cut *cut)
{
    uint32_t most = NETFRONT_PACKET_MAX - cut->f->hdr_len, size = cut->f->gso_size, take = 0;
    struct netfront_cursor at = cut->at;
    unsigned slots = 0;
    if (cut->done == 0 && (cut->f->flags & RUNG_FRAME_ECN))
        most = size; /* the one with CWR */
    while (take < cut->left) {
        uint32_t part = cut->left - take < size ? cut->left - take : size;
        slots += rung_netfront_count(at, part); /* one too many for each page they share */
        if (take + part > most)
            break;
        if (slots > NETFRONT_PACKET_SLOTS - 1
            && rung_netfront_count(cut->at, take + part) > NETFRONT_PACKET_SLOTS - 1)
            break;
        take += part;
        rung_netfront_skip(&at, part);
    }
    return take;
}

static bool cut_piece(struct cut *cut, uint32_t *owner)
{
    uint32_t payload = cut_take(cut), segment = cut->f->gso_size;
    bool gather = payload == 0 || !cut->nf->trusted;
    if (payload == 0)
        payload = segment < cut->left ? segment : cut->left;
    memcpy(cut->head, cut->f->data, cut->f->hdr_len);
    cut_ip(cut, payload);
    cut_tcp(cut, payload);
    struct netfront_piece piece = {
        .head = cut->head, .head_len = cut->f->hdr_len, .from = cut->at, .rest_len = payload,
        .gather = gather, .flags = NETTXF_csum_blank | NETTXF_data_validated,
    };
    if (payload > segment) {
        piece.gso_size = cut->f->gso_size;
        piece.gso_type = cut->f->gso_type;
    }
    if (!rung_netfront_piece(cut->nf, &piece, owner))
        return false;
    rung_netfront_skip(&cut->at, payload);
    cut->done += payload;
    cut->left -= payload;
    return true;
}

/* Headers that are changed must be there, and be what the frame says. */
static bool cut_heads(struct cut *cut)
{
    const struct rung_frame *f = cut->f;
    cut->ip = rung_netfront_head_ip(f->data, f->len);
    cut->tcp = f->csum_start;
    if (!cut->ip || f->hdr_len > NETFRONT_HEADS || f->csum_offset != 16
        || cut->tcp + 20 > f->hdr_len)
        return false;
    if (f->gso_type == RUNG_GSO_TCP6)
        return cut->tcp >= cut->ip + 40;
    return cut->tcp >= cut->ip + 20 && cut->ip + 4u * (f->data[cut->ip] & 15u) <= cut->tcp;
}

bool rung_netfront_cut(struct rung_netfront *nf, const struct rung_frame *f, uint32_t len,
                       uint32_t *owner)
{
    struct cut cut = {.nf = nf, .f = f, .len = len, .left = len - f->hdr_len};
    if (!cut_heads(&cut))
        return false;
    cut.at = (struct netfront_cursor){f, 0};
    rung_netfront_skip(&cut.at, f->hdr_len);
    while (cut.left > 0) {
        if (rung_netfront_room(nf) < 2 * NETFRONT_PACKET_SLOTS || !cut_piece(&cut, owner))
            return false;
    }
    return true;
}
