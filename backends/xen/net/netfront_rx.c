/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_rx.c - takes frames out of the receive ring. What stands in it is
 * copied once, then checked, as a whole packet, before anything is done with it; the bytes of a
 * frame are looked at only when the back end has lost its grants of them. */
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"

enum {
    RX_PARTS = 20, /* slots of a packet; Linux uses 17 at most */
    RX_BATCH = 16, /* slots that are worth posting */
    RX_FLAGS = NETRXF_data_validated | NETRXF_csum_blank | NETRXF_more_data | NETRXF_extra_info,
};

/* A packet as the ring has it. */
struct rx_packet {
    struct { uint16_t offset, len; } part[RX_PARTS];
    unsigned parts, slots; /* of data; with extra info, which follows the first part */
    uint32_t len;
    uint16_t flags, gso_size;
    uint8_t gso_type;
    bool failed;           /* the back end could not carry it over */
};

enum rx_found { RX_LIE, RX_PARTLY, RX_WHOLE };

static enum rx_found rx_lie(struct rung_netfront *nf, const char *why)
{
    rung_netfront_lie(nf, why);
    return RX_LIE;
}

static uint64_t rx_slot(const struct rung_netfront *nf, uint32_t at)
{
    return rung_netfront_read64(&nf->rx.ring->ring[(nf->rx.cons + at) % NETFRONT_RING]);
}

/* What stands behind the first part. We have asked for one kind only, and each can come once. */
static enum rx_found rx_extra(struct rung_netfront *nf, struct rx_packet *packet, uint32_t there)
{
    if (packet->slots == there)
        return RX_PARTLY;
    uint64_t raw = rx_slot(nf, packet->slots++);
    struct netif_extra_info extra;
    memcpy(&extra, &raw, sizeof(extra));
    if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO || (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE))
        return rx_lie(nf, "it sends extra info that was not asked for");
    if (!(nf->net.info.caps & RUNG_NET_RX_GSO) || extra.u.gso.size == 0
        || (extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4
            && extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6))
        return rx_lie(nf, "it sends a long segment of a kind that was not asked for");
    packet->gso_type = extra.u.gso.type; /* Xen's numbers are RUNG_GSO_* */
    packet->gso_size = extra.u.gso.size;
    return RX_WHOLE;
}

/* One part: its response is {id, offset, flags, status}, and status is its length. */
static enum rx_found rx_part(struct rung_netfront *nf, struct rx_packet *packet, uint16_t *flags)
{
    uint64_t raw = rx_slot(nf, packet->slots);
    struct netif_rx_response rsp;
    memcpy(&rsp, &raw, sizeof(rsp));
    if (rsp.id != (nf->rx.cons + packet->slots) % NETFRONT_RING)
        return rx_lie(nf, "it answers a request that is not the one whose turn it is");
    if (rsp.flags & ~(packet->parts == 0 ? (unsigned)RX_FLAGS : (unsigned)NETRXF_more_data))
        return rx_lie(nf, "it sends flags that do not belong there");
    if (packet->parts == RX_PARTS)
        return rx_lie(nf, "it sends a frame in more slots than a frame can have");
    uint32_t len = rsp.status > 0 ? (uint32_t)rsp.status : 0;
    if (len > 0 && rsp.offset + len > RUNG_XEN_PAGE)
        return rx_lie(nf, "it sends bytes beyond the end of a page");
    packet->failed |= len == 0;
    packet->part[packet->parts].offset = rsp.offset;
    packet->part[packet->parts++].len = (uint16_t)len;
    packet->len += len;
    packet->slots++;
    *flags = rsp.flags;
    return RX_WHOLE;
}

/* Reads one packet of the `there` responses, and takes nothing. Linux shows whole packets only; one
 * that is not all there is waited for. */
static enum rx_found rx_read(struct rung_netfront *nf, struct rx_packet *packet, uint32_t there)
{
    uint16_t flags = NETRXF_more_data;
    packet->parts = packet->slots = 0;
    packet->len = 0;
    packet->gso_size = 0;
    packet->gso_type = 0;
    packet->failed = false;
    while (flags & NETRXF_more_data) {
        enum rx_found found = packet->slots < there ? rx_part(nf, packet, &flags) : RX_PARTLY;
        if (found == RX_WHOLE && packet->parts == 1) {
            packet->flags = flags;
            if (flags & NETRXF_extra_info)
                found = rx_extra(nf, packet, there);
        }
        if (found != RX_WHOLE)
            return found;
    }
    if (packet->len > NETFRONT_PACKET_MAX)
        return rx_lie(nf, "it sends a frame of more than 65535 bytes");
    if ((packet->flags & NETRXF_csum_blank) && !(nf->net.info.caps & RUNG_NET_RX_CSUM))
        return rx_lie(nf, "it leaves out a checksum that it was asked to make");
    return RX_WHOLE;
}

static struct rung_netfront_page *rx_take(struct rung_netfront *nf)
{
    uint32_t id = nf->rx.cons++ % NETFRONT_RING;
    struct rung_netfront_page *page = nf->tables->posted[id];
    nf->tables->posted[id] = NULL;
    return page;
}

/* Its pages go back into the ring, with the grants that they have. */
static void rx_recycle(struct rung_netfront *nf, unsigned slots)
{
    while (slots-- > 0)
        rung_netfront_page_put(nf, rx_take(nf));
}

static void rx_put(struct rung_netfront *nf, struct rung_netfront_page *page)
{
    while (page) {
        struct rung_netfront_page *rest = page->next;
        rung_netfront_page_put(nf, page);
        page = rest;
    }
}

/* Takes the packet out of the ring, as a list of pages that are ours alone. NULL: the back end has
 * kept one. */
static struct rung_netfront_page *rx_pages(struct rung_netfront *nf, const struct rx_packet *packet)
{
    struct rung_netfront_page *first = NULL, **end = &first;
    bool kept = false;
    for (unsigned i = 0; i < packet->parts; i++) {
        struct rung_netfront_page *page = rx_take(nf);
        if (i == 0)
            rx_recycle(nf, packet->slots - packet->parts);
        if (!rung_netfront_page_take_back(nf, page)) {
            kept = true;
            continue;
        }
        page->frame.data = page->bytes + packet->part[i].offset;
        page->frame.len = packet->part[i].len;
        page->frame.next = NULL;
        if (end != &first)
            rung_container_of(end, struct rung_netfront_page, next)->frame.next = &page->frame;
        *end = page;
        page->next = NULL;
        end = &page->next;
    }
    if (!kept)
        return first;
    rx_put(nf, first);
    rung_netfront_lie(nf, "it keeps a page mapped that it says it is done with");
    return NULL;
}

/* To us, to all or to a group: a bridge floods what it does not know the place of. */
static bool rx_is_for_us(const struct rung_netfront *nf, const struct rung_frame *f)
{
    return (f->data[0] & 1) || memcmp(f->data, nf->net.info.mac, 6) == 0;
}

/* The packet becomes a frame; NULL: it is lost, or not for us. */
static struct rung_frame *rx_frame(struct rung_netfront *nf, const struct rx_packet *packet)
{
    if (packet->failed || packet->part[0].len < 14
        || !rung_netfront_may_lend(nf, packet->parts)) {
        nf->net.stats.rx_dropped++;
        rx_recycle(nf, packet->slots);
        return NULL;
    }
    struct rung_netfront_page *page = rx_pages(nf, packet);
    if (!page)
        return NULL;
    struct rung_frame *f = &page->frame;
    if (!rx_is_for_us(nf, f)) {
        rx_put(nf, page);
        return NULL;
    }
    if (!rung_netfront_head_in(f, packet->len, packet->flags & NETRXF_csum_blank,
                               packet->flags & NETRXF_data_validated, packet->gso_type,
                               packet->gso_size)) {
        nf->net.stats.rx_dropped++;
        rx_put(nf, page);
        return NULL;
    }
    f->release = rung_netfront_release;
    page->lent = true;
    nf->rx.lent += packet->parts;
    nf->net.stats.rx_frames++;
    nf->net.stats.rx_bytes += packet->len;
    return f;
}

/* How many responses there are; a ring that was nearly used up gets more requests. */
static uint32_t rx_there(struct rung_netfront *nf)
{
    struct rung_netfront_rx *rx = &nf->rx;
    uint32_t there = rung_netfront_read32(&rx->ring->rsp_prod) - rx->cons;
    uint32_t out = rx->prod - rx->cons;
    if (there > out) {
        rung_netfront_lie(nf, "it sends more than there were requests for");
        return 0;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (out - there < rx->target / 4 && rx->target < NETFRONT_RING)
        rx->target *= 2;
    return there;
}

bool rung_netfront_rx_waits(const struct rung_netfront *nf)
{
    return nf->rx.ring && rung_netfront_read32(&nf->rx.ring->rsp_prod) != nf->rx.cons;
}

void rung_netfront_rx_drop(struct rung_netfront *nf)
{
    struct rx_packet packet;
    uint32_t there = rx_there(nf);
    while (there > 0 && rx_read(nf, &packet, there) == RX_WHOLE) {
        nf->net.stats.rx_dropped++;
        rx_recycle(nf, packet.slots);
        there -= packet.slots;
    }
}

/* Nothing more is there: asks to be told of the next. False: it has come meanwhile. */
static bool rx_rest(struct rung_netfront *nf, uint32_t partly)
{
    struct rung_netfront_rx *rx = &nf->rx;
    uint32_t seen = rx->cons + partly;
    if (rx->target - (rx->prod - rx->cons) >= RX_BATCH)
        rung_netfront_post(nf);
    *(volatile uint32_t *)&rx->ring->rsp_event = seen + 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it is seen before we look */
    return rung_netfront_read32(&rx->ring->rsp_prod) == seen;
}

static void rx_wants(struct rung_netfront *nf)
{
    nf->rx.want = true;
    nf->events &= ~(unsigned)RUNG_NET_RX_READY; /* it would tell of what is taken already */
}

/* Looks at n packets at most, so that losing frames is bounded too. */
int rung_netfront_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_netfront *nf = rung_container_of(net, struct rung_netfront, net);
    struct rx_packet packet;
    unsigned k = 0, looked = 0;
    bool rests = n == 0;
    if (nf->gone)
        return RUNG_E_DOWN;
    if (!net->link_up) {
        rx_wants(nf);
        return 0;
    }
    if (nf->rx.target - (nf->rx.prod - nf->rx.cons) >= RX_BATCH)
        rung_netfront_post(nf);
    while (!rests && looked < n && !nf->gone) {
        uint32_t there = rx_there(nf);
        while (there > 0 && looked < n && rx_read(nf, &packet, there) == RX_WHOLE) {
            struct rung_frame *frame = rx_frame(nf, &packet);
            there -= packet.slots;
            looked++;
            if (frame)
                f[k++] = frame;
            if (nf->gone)
                break;
        }
        rests = !nf->gone && looked < n && rx_rest(nf, there);
    }
    if (nf->gone)
        return k > 0 ? (int)k : RUNG_E_DOWN;
    if (rests && n > 0)
        rx_wants(nf);
    else if (k < n) /* there may be more: that is for another call */
        rung_netfront_tell(nf, RUNG_NET_RX_READY);
    return (int)k;
}
