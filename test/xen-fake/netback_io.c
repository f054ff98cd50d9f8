/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netback_io.c - a back end for network devices: its rings. Requests are checked as
 * Linux's netback does, and more. See netback.h. */
#include "netback.h"

#include "xen/hypercall.h"

enum { BACK_SLOTS = XEN_NETIF_NR_SLOTS_MIN, BACK_MAPS = 4 };

uint32_t netback_tx_there(const struct netback *back)
{
    return back->up ? RUNG_XEN_READ(back->tx->req_prod) - back->tx_taken : 0;
}

uint32_t netback_rx_there(const struct netback *back)
{
    return back->up ? RUNG_XEN_READ(back->rx->req_prod) - back->rx_taken : 0;
}

void netback_tx_push(struct netback *back, bool always)
{
    uint32_t before = back->tx->rsp_prod;
    RUNG_XEN_WRITE(back->tx->rsp_prod, back->tx_said);
    if (always || back->tx_said - back->tx->rsp_event < back->tx_said - before)
        fake_notify(back->fake, &back->tx_port);
}

void netback_rx_push(struct netback *back, bool always)
{
    uint32_t before = back->rx->rsp_prod;
    RUNG_XEN_WRITE(back->rx->rsp_prod, back->rx_said);
    if (always || back->rx_said - back->rx->rsp_event < back->rx_said - before)
        fake_notify(back->fake, back->split ? &back->rx_port : &back->tx_port);
}

/* ---- From the guest ---- */

static struct netif_tx_request back_request(struct netback *back)
{
    if (netback_tx_there(back) == 0)
        netback_fault(back, "a packet is shown only in part");
    return back->tx->ring[back->tx_taken++ % NETBACK_RING].req;
}

static void back_hold(struct netback *back, uint16_t id, bool extra)
{
    if (back->held_count == NETBACK_RING)
        netback_fault(back, "more requests than the ring has slots");
    if (!extra && back->flying[id])
        netback_fault(back, "id %u is in flight already", id);
    if (!extra)
        back->flying[id] = true;
    back->held[back->held_count].id = id;
    back->held[back->held_count++].extra = extra;
}

void netback_answer(struct netback *back, uint32_t count)
{
    uint32_t n = count < back->held_count ? count : back->held_count;
    if (!back->up)
        return;
    for (uint32_t i = 0; i < n; i++) {
        struct netif_tx_response *rsp = &back->tx->ring[back->tx_said++ % NETBACK_RING].rsp;
        bool extra = back->held[i].extra;
        rsp->id = extra && back->no_id ? 0xdead : back->held[i].id;
        rsp->status = extra ? NETIF_RSP_NULL : back->status;
        if (!extra)
            back->flying[back->held[i].id] = false;
    }
    back->held_count -= n;
    memmove(back->held, back->held + n, back->held_count * sizeof(back->held[0]));
    back->tx->req_event = back->tx_taken + 1;
    netback_tx_push(back, false);
}

void netback_let_go(struct netback *back)
{
    while (back->kept_count > 0)
        fake_unmap(back->fake, back->kept[--back->kept_count]);
}

static struct netif_extra_info back_extra(struct netback *back)
{
    struct netif_tx_request raw = back_request(back);
    struct netif_extra_info extra;
    memcpy(&extra, &raw, sizeof(extra));
    if (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE)
        netback_fault(back, "more extra info than there is use for");
    return extra;
}

static void back_group(struct netback *back, const struct netif_extra_info *extra)
{
    unsigned at = 0;
    while (at < back->group_count && memcmp(back->groups[at], extra->u.mcast.addr, 6) != 0)
        at++;
    if (extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
        if (at == back->group_count)
            netback_fault(back, "a group is removed that is not there");
        memcpy(back->groups[at], back->groups[--back->group_count], 6);
        return;
    }
    if (at < back->group_count || back->group_count == NETBACK_GROUPS)
        netback_fault(back, "a group is added twice, or one too many");
    memcpy(back->groups[back->group_count++], extra->u.mcast.addr, 6);
}

/* The bytes of one slot. Its page must not be one that we could write to. */
static void back_copy(struct netback *back, const struct netif_tx_request *req, uint32_t len,
                      struct netback_packet *packet)
{
    if (len == 0 || req->offset + len > RUNG_XEN_PAGE)
        netback_fault(back, "a slot of %u bytes at %u", len, req->offset);
    /* A careless one reads what it has itself written into the ring. */
    bool (*copy)(struct fake *, uint16_t, uint32_t, uint32_t, void *, uint32_t) =
        back->careless ? fake_peek : fake_copy_from;
    if (!copy(back->fake, 0, req->gref, req->offset, packet->bytes + packet->len, len))
        netback_fault(back, "grant %u cannot be read", req->gref);
    if (fake_map(back->fake, 0, req->gref, true)) {
        fake_unmap(back->fake, req->gref);
        netback_fault(back, "grant %u can be written to", req->gref);
    }
    if (back->keeps && fake_map(back->fake, 0, req->gref, false))
        back->kept[back->kept_count++] = req->gref;
    packet->len += len;
}

static void back_check_gso(struct netback *back, const struct netback_packet *packet)
{
    uint32_t head = packet->bytes[12] == 0x86 ? 54 : 34;
    if (packet->gso_type != (packet->bytes[12] == 0x86 ? 2 : 1))
        netback_fault(back, "a long segment of type %u in another packet", packet->gso_type);
    if (packet->gso_type == 1 ? back->config.no_gso4 : back->config.no_gso6)
        netback_fault(back, "a long segment that was not offered");
    head += (packet->bytes[head + 12] >> 4) * 4u;
    if (packet->len <= head + packet->gso_size)
        netback_fault(back, "a long segment of one segment, which Linux drops");
    if (!(packet->flags & NETTXF_csum_blank))
        netback_fault(back, "a long segment with a sum");
}

/* A sum that was left to us must be one that we can find the place of. */
static void back_check_sum(struct netback *back, const struct netback_packet *packet)
{
    bool ip6 = packet->bytes[12] == 0x86 && packet->bytes[13] == 0xdd;
    bool ip4 = packet->bytes[12] == 0x08 && packet->bytes[13] == 0x00;
    uint8_t proto = packet->bytes[ip6 ? 20 : 23];
    if ((!ip6 && !ip4) || (proto != 6 && proto != 17))
        netback_fault(back, "a sum that Linux would not find the place of");
    if (back->config.no_csum || (ip6 && back->config.no_csum6))
        netback_fault(back, "a sum that was not offered");
    if (!(packet->flags & NETTXF_data_validated))
        netback_fault(back, "a blank sum, not validated");
}

/* The rest of a packet whose first request is req. */
static void back_gather(struct netback *back, struct netif_tx_request req,
                        struct netback_packet *packet)
{
    struct netif_tx_request part[BACK_SLOTS] = {req};
    uint32_t left = req.size, n = 1;
    for (uint16_t flags = req.flags; flags & NETTXF_more_data; flags = part[n - 1].flags) {
        if (n == BACK_SLOTS || (back->config.no_sg && n == 1))
            netback_fault(back, "a packet of too many slots");
        part[n] = back_request(back);
        if (part[n].flags & ~NETTXF_more_data)
            netback_fault(back, "flags %x in the middle of a packet", part[n].flags);
        back_hold(back, part[n].id, false);
        if (part[n].size >= left)
            netback_fault(back, "a packet of %u bytes has slots of more", req.size);
        left -= part[n++].size;
    }
    if (req.size < 14)
        netback_fault(back, "a packet of %u bytes", req.size);
    for (uint32_t i = 0; i < n; i++)
        back_copy(back, &part[i], i == 0 ? left : part[i].size, packet);
    packet->slots = n;
}

static bool back_take(struct netback *back, struct netback_packet *packet)
{
    while (netback_tx_there(back) > 0) {
        struct netif_tx_request req = back_request(back);
        struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_NONE};
        back_hold(back, req.id, false);
        memset(packet, 0, offsetof(struct netback_packet, bytes));
        packet->flags = req.flags;
        if (req.flags & NETTXF_extra_info) {
            extra = back_extra(back);
            back_hold(back, 0, true);
        }
        bool group = extra.type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD
                     || extra.type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL;
        if (group) {
            back_group(back, &extra);
        } else {
            if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
                packet->gso_size = extra.u.gso.size;
                packet->gso_type = extra.u.gso.type;
            } else if (req.flags & NETTXF_extra_info) {
                netback_fault(back, "extra info of type %u", extra.type);
            }
            back_gather(back, req, packet);
            packet->flags &= NETTXF_csum_blank | NETTXF_data_validated;
            if (packet->gso_type)
                back_check_gso(back, packet);
            if (packet->flags & NETTXF_csum_blank)
                back_check_sum(back, packet);
        }
        if (!back->hold)
            netback_answer(back, NETBACK_RING);
        if (!group)
            return true;
    }
    if (back->up)
        back->tx->req_event = back->tx_taken + 1;
    return false;
}

bool netback_take(struct netback *back, struct netback_packet *packet)
{
    if (back->confused || setjmp(back->way_out) != 0)
        return false;
    return back_take(back, packet);
}

/* ---- To the guest ---- */

uint32_t netback_rx_request(struct netback *back, uint32_t *ref)
{
    uint32_t slot = back->rx_taken++ % NETBACK_RING;
    struct netif_rx_request req = back->rx->ring[slot].req;
    *ref = req.gref;
    if (req.id != slot && !back->careless)
        netback_fault(back, "the id in slot %u is %u", slot, req.id);
    return slot;
}

uint64_t netback_rsp(uint32_t id, uint32_t offset, uint32_t flags, int status)
{
    struct netif_rx_response rsp = {(uint16_t)id, (uint16_t)offset, (uint16_t)flags,
                                    (int16_t)status};
    uint64_t raw;
    memcpy(&raw, &rsp, sizeof(raw));
    return raw;
}

uint64_t netback_gso(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso_type)
{
    struct netif_extra_info extra = {.type = type, .flags = flags};
    uint64_t raw;
    extra.u.gso.size = size;
    extra.u.gso.type = gso_type;
    memcpy(&raw, &extra, sizeof(raw));
    return raw;
}

static void back_rx_write(struct netback *back, uint64_t raw)
{
    memcpy(&back->rx->ring[back->rx_said++ % NETBACK_RING].rsp, &raw, sizeof(raw));
}

void netback_rx_raw(struct netback *back, uint64_t raw)
{
    back_rx_write(back, raw);
    netback_rx_push(back, true);
}

void netback_tx_raw(struct netback *back, uint16_t id, int16_t status)
{
    struct netif_tx_response *rsp = &back->tx->ring[back->tx_said++ % NETBACK_RING].rsp;
    rsp->id = id;
    rsp->status = status;
    netback_tx_push(back, true);
}

static bool back_lets_in(struct netback *back, const struct netback_packet *packet)
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static struct netback_packet scratch;
    const char *key = fake_front(back->fake, "vif", back->id, "request-multicast-control");
    if (!(packet->bytes[0] & 1) || memcmp(packet->bytes, all, 6) == 0
        || fake_store_number(back->fake, key, 0) != 1)
        return true;
    /* What the guest has said of groups by now; packets between them are not lost. */
    while (netback_tx_there(back) > 0) {
        const struct netif_tx_request *req = &back->tx->ring[back->tx_taken % NETBACK_RING].req;
        if (!(req->flags & NETTXF_extra_info) || req->size > 0)
            break;
        back_take(back, &scratch);
    }
    for (unsigned i = 0; i < back->group_count; i++) {
        if (memcmp(back->groups[i], packet->bytes, 6) == 0)
            return true;
    }
    return false;
}

/* One data slot, of which the guest is told in a moment. */
static uint32_t back_put(struct netback *back, const struct netback_packet *packet, uint32_t at)
{
    uint32_t most = back->part && back->part < RUNG_XEN_PAGE - back->offset
                        ? back->part : RUNG_XEN_PAGE - back->offset;
    uint32_t len = packet->len - at < most ? packet->len - at : most, ref;
    uint32_t slot = netback_rx_request(back, &ref);
    uint32_t flags = at == 0 ? packet->flags : 0;
    if (!fake_copy_to(back->fake, 0, ref, back->offset, packet->bytes + at, len))
        netback_fault(back, "grant %u cannot be written to", ref);
    if (at + len < packet->len)
        flags |= NETRXF_more_data;
    if (at == 0 && packet->gso_size)
        flags |= NETRXF_extra_info;
    back_rx_write(back, netback_rsp(slot, back->offset, flags, (int)len));
    return at + len;
}

static bool back_send(struct netback *back, const struct netback_packet *packet)
{
    uint32_t most = RUNG_XEN_PAGE - back->offset, unused;
    if (!back->up)
        return false;
    if (back->part && back->part < most)
        most = back->part;
    if (!back_lets_in(back, packet))
        return true;
    if (netback_rx_there(back) < (packet->len + most - 1) / most + (packet->gso_size > 0)) {
        RUNG_XEN_WRITE(back->rx->req_event, back->rx->req_prod + 1);
        return false;
    }
    uint32_t at = back_put(back, packet, 0);
    if (packet->gso_size) {
        netback_rx_request(back, &unused);
        back_rx_write(back, netback_gso(XEN_NETIF_EXTRA_TYPE_GSO, 0, packet->gso_size,
                                        packet->gso_type));
    }
    while (at < packet->len)
        at = back_put(back, packet, at);
    netback_rx_push(back, false);
    return true;
}

bool netback_send(struct netback *back, const struct netback_packet *packet)
{
    if (back->confused || setjmp(back->way_out) != 0)
        return false;
    return back_send(back, packet);
}
