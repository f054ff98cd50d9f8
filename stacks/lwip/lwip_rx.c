/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_rx.c - frames that the link lends become lwIP's pbufs, and the app's buffers,
 * without a copy. A frame goes back to the link when the last of its pieces has been released. */
#include "lwip_int.h"

#include "lwip/ip4.h"
#include "lwip/ip6.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"

#define RX_ROUNDS 4u
/* Behind a copy: lwIP looks into an extension header, and past an option that ends it, before it
 * looks how much of it there is (ip6.c). Behind what is lent the rest of the link's page lies. */
#define RX_BEHIND 8u

static struct lwip_piece *rx_piece_of(struct pbuf *p)
{
    struct pbuf_custom *pc = rung_container_of(p, struct pbuf_custom, pbuf);
    return rung_container_of(pc, struct lwip_piece, pc);
}

static void rx_piece_put(struct lwip_piece *piece)
{
    struct lwip_core *core = piece->core;
    if (piece->copied) {
        core->copied -= piece->copied;
        rung_free(core->p, piece);
    } else {
        piece->free = core->free_pieces;
        core->free_pieces = piece;
    }
    core->pieces_out--;
    rung_lwip_core_unref(core);
}

/* pbuf_free() comes here when lwIP, and whoever has the bytes, are done with them. */
static void rx_piece_free(struct pbuf *p)
{
    struct lwip_piece *piece = rx_piece_of(p), *first = piece->first;
    struct lwip_core *core = piece->core;
    core->pieces_out++; /* keeps the core while the pieces go */
    if (piece != first)
        rx_piece_put(piece);
    if (--first->count == 0) {
        if (first->frame) {
            core->frames_held--;
            first->frame->release(first->frame);
        }
        rx_piece_put(first);
    }
    core->pieces_out--;
    rung_lwip_core_unref(core);
}

bool rung_lwip_piece_is(const struct pbuf *p)
{
    const struct pbuf_custom *pc = (const void *)p;
    return (p->flags & PBUF_FLAG_IS_CUSTOM) && pc->custom_free_function == rx_piece_free;
}

static struct lwip_piece *rx_piece_get(struct lwip_core *core)
{
    struct lwip_piece *piece = core->free_pieces;
    if (piece)
        core->free_pieces = piece->free;
    else
        piece = rung_alloc(core->p, sizeof(*piece));
    if (!piece)
        return NULL;
    core->pieces_out++;
    return piece;
}

static void rx_piece_init(struct lwip_piece *piece, struct lwip_core *core, uint8_t *data,
                          uint16_t len)
{
    piece->core = core;
    piece->conn = NULL;
    piece->first = piece;
    piece->frame = NULL;
    piece->count = 1;
    piece->copied = 0;
    piece->window = 0;
    piece->pc.custom_free_function = rx_piece_free;
    pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &piece->pc, data, len);
}

struct lwip_piece *rung_lwip_piece_copy(struct lwip_core *core, const struct pbuf *p, uint16_t at,
                                        uint16_t len)
{
    uint32_t size = (uint32_t)sizeof(struct lwip_piece) + len + RX_BEHIND;
    struct lwip_piece *piece = rung_alloc(core->p, size);
    if (!piece)
        return NULL;
    core->pieces_out++;
    core->copied += size;
    rx_piece_init(piece, core, (uint8_t *)(piece + 1), len);
    piece->copied = size;
    pbuf_copy_partial(p, piece + 1, len, at);
    memset((uint8_t *)(piece + 1) + len, 0, RX_BEHIND);
    return piece;
}

/* The frame without its Ethernet header, as lwIP wants it; NULL: no memory, and the frame is still
 * ours. */
static struct pbuf *rx_wrap(struct lwip_core *core, struct rung_frame *frame)
{
    struct pbuf *head = NULL;
    struct lwip_piece *first = NULL;
    uint32_t skip = LWIP_ETHERNET_HEAD;
    for (struct rung_frame *f = frame; f; f = f->next) {
        if (f->len <= skip) {
            skip -= f->len;
            continue;
        }
        struct lwip_piece *piece = rx_piece_get(core);
        if (!piece)
            break;
        rx_piece_init(piece, core, f->data + skip, (uint16_t)(f->len - skip));
        skip = 0;
        if (!first) {
            first = piece;
            head = &piece->pc.pbuf;
            continue;
        }
        piece->first = first;
        first->count++;
        pbuf_cat(head, &piece->pc.pbuf);
    }
    if (!first)
        return NULL;
    first->frame = frame;
    core->frames_held++;
    return head;
}

/* Bytes that will be kept are copied when so many of the link's frames are held that it could run
 * dry, and the frame goes back at once. */
bool rung_lwip_link_is_short(const struct lwip_core *core)
{
    unsigned hold = core->net->info.rx_hold; /* half of that is for what does not stay */
    return core->frames_held > (hold && hold / 2 < LWIP_FRAMES_HELD ? hold / 2 : LWIP_FRAMES_HELD);
}

struct pbuf *rung_lwip_spare(struct lwip_core *core, struct pbuf *p, bool poor)
{
    uint64_t most = poor ? 2 * core->max_copied : core->max_copied;
    struct lwip_piece *piece = NULL;
    rung_lwip_unordered_yield(core, p->tot_len);
    if (core->copied + p->tot_len <= most)
        piece = rung_lwip_piece_copy(core, p, 0, p->tot_len);
    pbuf_free(p);
    return piece ? &piece->pc.pbuf : NULL;
}

static bool rx_is_fragment(uint16_t type, const struct pbuf *p)
{
    const struct ip_hdr *head = p->payload;
    return type == ETHTYPE_IP && p->len >= sizeof(*head)
           && (IPH_OFFSET(head) & PP_HTONS(IP_OFFMASK | IP_MF));
}

/* Whether lwIP may keep it, until more of its datagram has come or a minute is over. Of IPv6, what
 * has extension headers: the one of a fragment need not be the first. */
static bool rx_may_stay(uint16_t type, const struct pbuf *p)
{
    const struct ip6_hdr *head = p->payload;
    if (type != ETHTYPE_IPV6 || p->len < sizeof(*head))
        return rx_is_fragment(type, p);
    return IP6H_NEXTH(head) != IP6_NEXTH_TCP && IP6H_NEXTH(head) != IP6_NEXTH_UDP
           && IP6H_NEXTH(head) != IP6_NEXTH_ICMP6;
}

/* Whether a datagram put together from fragments has a good sum nobody but us can know. With
 * RUNG_FRAME_CSUM it has none, and is whole: behind an extension header too. */
static void rx_set_checks(struct lwip_core *core, uint16_t flags, uint16_t type,
                          const struct pbuf *p)
{
    uint16_t want = core->netif.chksum_flags | NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    if (flags & RUNG_FRAME_CSUM ? !rx_is_fragment(type, p)
                                : (flags & RUNG_FRAME_VERIFIED) && !rx_may_stay(type, p))
        want &= (uint16_t)~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
    NETIF_SET_CHECKSUM_CTRL(&core->netif, want);
}

/* A frame for us, for all, or for a group; a link may lend others too. */
static bool rx_is_for_us(struct lwip_core *core, const uint8_t *head)
{
    return (head[0] & 1) || memcmp(head, core->netif.hwaddr, sizeof(core->netif.hwaddr)) == 0;
}

static void rx_packet(struct lwip_core *core, const uint8_t *head, struct pbuf *p)
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint16_t type = (uint16_t)(head[12] << 8 | head[13]);
    p->if_idx = netif_get_index(&core->netif);
    if (head[0] & 1)
        p->flags |= memcmp(head, all, sizeof(all)) ? PBUF_FLAG_LLMCAST : PBUF_FLAG_LLBCAST;
    switch (type) {
    case ETHTYPE_IP: ip4_input(p, &core->netif); break;
    case ETHTYPE_IPV6: ip6_input(p, &core->netif); break;
    case ETHTYPE_ARP:
        if (p->len >= 28)
            rung_lwip_addr_arp(core, p->payload);
        etharp_input(p, &core->netif);
        break;
    default: pbuf_free(p); break;
    }
}

static void rx_frame(struct lwip_core *core, struct rung_frame *frame)
{
    uint8_t head[LWIP_ETHERNET_HEAD];
    uint16_t flags = frame->flags;
    uint32_t len = 0;
    for (struct rung_frame *f = frame; f; f = f->next)
        len += f->len;
    if (frame->len < sizeof(head) || len == sizeof(head) || len - sizeof(head) > UINT16_MAX
        || !rx_is_for_us(core, frame->data)) {
        frame->release(frame);
        return;
    }
    memcpy(head, frame->data, sizeof(head));
    struct pbuf *p = rx_wrap(core, frame);
    if (!p) {
        frame->release(frame);
        return;
    }
    uint16_t type = (uint16_t)(head[12] << 8 | head[13]);
    rx_set_checks(core, flags, type, p);
    if (rung_lwip_link_is_short(core) && rx_may_stay(type, p))
        p = rung_lwip_spare(core, p, false);
    if (p)
        rx_packet(core, head, p);
}

/* Batch by batch, each with its answers, so that the app's and the link's queues stay short; after
 * some, timers and other I/O get their turn. */
void rung_lwip_receive(struct lwip_core *core)
{
    struct rung_frame *batch[LWIP_BATCH];
    for (unsigned round = 0; round < RX_ROUNDS && core->self; round++) {
        int count = rung_net_recv(core->net, batch, LWIP_BATCH);
        if (count <= 0)
            return;
        core->in_turn = true;
        for (int i = 0; i < count; i++)
            rx_frame(core, batch[i]);
        rung_lwip_half_trim(core);
        rung_lwip_turn_end(core);
        if (count < (int)LWIP_BATCH)
            return;
    }
    if (core->self)
        rung_loop_defer(core->p, &core->rx_task);
}

void rung_lwip_receive_task(struct rung_task *task)
{
    rung_lwip_receive(rung_container_of(task, struct lwip_core, rx_task));
}

void rung_lwip_pieces_free(struct lwip_core *core)
{
    while (core->free_pieces) {
        struct lwip_piece *piece = core->free_pieces;
        core->free_pieces = piece->free;
        rung_free(core->p, piece);
    }
}
