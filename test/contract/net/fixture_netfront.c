/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_netfront.c - netfront in the NET suite, on the fake hypervisor. The
 * peer is a back end written for tests (xen-fake/netback.h), which checks each packet as Linux
 * would. What goes out in pieces, because one packet on this wire is at most 65,535 bytes in 18
 * slots, is put together again here. */
#include <xen/io/xenbus.h>

#include "netback.h"
#include "netfront.h"
#include "suite.h"

enum { ALONE_SLOTS = 4 }; /* a first segment in so few slots was not cut off for want of them */

struct net_rig {
    struct rung_netfront front;
    struct rung_netfront_keys keys; /* as long as it is open */
    struct rung_platform *p;
    struct netback *back;
    struct netback_packet packet, ahead; /* the last one taken, and the one after it */
    bool have_ahead;
};

/* There is one hypervisor for all rigs. */
static struct fake *rig_fake;
static unsigned rig_count;

static struct net_rig *netfront_make(struct rung_platform *p, const char *variant)
{
    static const char *const ids[] = {"0", "1"};
    static const char *const macs[] = {"00:16:3e:00:00:01", "00:16:3e:00:00:02"};
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    assert_in_range(rig_count, 0, RUNG_ARRAY_LEN(ids) - 1);
    if (!rig_fake)
        rig_fake = fake_new(p, NULL);
    struct netback_config config = {.mac = macs[rig_count]};
    rig->p = p;
    rig->keys = (struct rung_netfront_keys){
        .slot = "net", .device = ids[rig_count], .wait = UINT64_C(10000000000), .offload = true,
        .rx_memory = 1 << 20,
    };
    if (strcmp(variant, "plain") == 0) {
        rig->keys.offload = false;
    } else if (strcmp(variant, "jumbo") == 0) {
        rig->keys.offload = false;
        config.mtu = 65535;
        config.no_dynamic = true;
    } else if (strcmp(variant, "poor") == 0) {
        config.no_sg = config.no_csum6 = config.no_split = config.no_queues = true;
        config.no_mcast = true;
    } else if (strcmp(variant, "untrusted") == 0) {
        config.untrusted = true;
    }
    rig->back = netback_new(rig_fake, ids[rig_count++], &config);
    fake_settle(rig_fake);
    return rig;
}

static void netfront_free(struct net_rig *rig)
{
    netback_free(rig->back);
    free(rig);
    if (--rig_count > 0)
        return;
    fake_free(rig_fake);
    rig_fake = NULL;
}

static enum rung_err netfront_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_netfront_needs needs = {0};
    *net = &rig->front.net;
    return rung_netfront_open(&rig->front, rig->p, &rig->keys, &needs);
}

static bool netfront_inject(struct net_rig *rig, const struct net_wire *wire)
{
    struct netback_packet *packet = &rig->packet;
    memset(packet, 0, offsetof(struct netback_packet, bytes));
    packet->len = wire->len;
    packet->gso_size = wire->gso_size;
    packet->gso_type = wire->gso_type;
    if (wire->flags & RUNG_FRAME_CSUM)
        packet->flags = NETRXF_csum_blank | NETRXF_data_validated;
    else if (wire->flags & RUNG_FRAME_VERIFIED)
        packet->flags = NETRXF_data_validated;
    memcpy(packet->bytes, wire->bytes, wire->len);
    return netback_send(rig->back, packet);
}

static uint32_t wire_get(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | *at++;
    return value;
}

static void wire_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Length of all headers of the suite's TCP packets, or 0. */
static uint32_t tcp_head(const struct netback_packet *packet)
{
    bool ip6 = wire_get(packet->bytes + 12, 2) == 0x86dd;
    uint32_t l4 = ip6 ? 54 : 34;
    if (!ip6 && wire_get(packet->bytes + 12, 2) != 0x0800)
        return 0;
    if (packet->len < l4 + 20 || packet->bytes[ip6 ? 20 : 23] != 6)
        return 0;
    return l4 + 20;
}

/* Whether b goes on where a ends: the same connection, and the next byte. */
static bool tcp_goes_on(const struct netback_packet *a, const struct netback_packet *b)
{
    uint32_t head = tcp_head(a);
    if (!head || tcp_head(b) != head || memcmp(a->bytes, b->bytes, 14) != 0)
        return false;
    uint32_t seq = wire_get(a->bytes + head - 16, 4) + (a->len - head);
    return wire_get(b->bytes + head - 16, 4) == seq;
}

static uint32_t wire_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The headers of the whole, from those of its first piece. */
static void tcp_mend(struct net_wire *wire, uint32_t head, uint32_t first_len)
{
    uint8_t *ip = wire->bytes + 14, *sum = wire->bytes + head - 4;
    if (head == 54 + 20) {
        wire_put16(ip + 4, wire->len - 54);
    } else {
        uint32_t words = 0;
        wire_put16(ip + 2, wire->len - 14);
        wire_put16(ip + 10, 0);
        for (uint32_t i = 0; i < 20; i += 2)
            words += wire_get(ip + i, 2);
        wire_put16(ip + 10, ~wire_fold(words));
    }
    wire_put16(sum, wire_fold(wire_get(sum, 2) + (0xffff - (first_len - head + 20))
                              + (wire->len - head + 20)));
}

static bool take_next(struct net_rig *rig, struct netback_packet *packet)
{
    if (!rig->have_ahead)
        return netback_take(rig->back, packet);
    memcpy(packet, &rig->ahead, sizeof(*packet));
    rig->have_ahead = false;
    return true;
}

/* Puts what goes on behind the first piece. */
static void take_rest(struct net_rig *rig, struct net_wire *wire)
{
    uint32_t head = tcp_head(&rig->packet), first_len = wire->len;
    unsigned first_slots = rig->packet.slots, pieces = 1;
    bool alone = rig->packet.gso_size == 0;
    while (head && (rig->have_ahead = netback_take(rig->back, &rig->ahead))
           && tcp_goes_on(&rig->packet, &rig->ahead)) {
        memcpy(&rig->packet, &rig->ahead, sizeof(rig->packet));
        memcpy(wire->bytes + wire->len, rig->packet.bytes + head, rig->packet.len - head);
        wire->len += rig->packet.len - head;
        if (rig->packet.gso_size) {
            wire->gso_size = rig->packet.gso_size;
            wire->gso_type = rig->packet.gso_type;
        }
        rig->have_ahead = false;
        pieces++;
    }
    if (pieces == 1)
        return;
    tcp_mend(wire, head, first_len);
    wire->hdr_len = (uint16_t)head;
    if (alone && first_slots <= ALONE_SLOTS)
        wire->flags |= RUNG_FRAME_ECN;
}

static bool netfront_take(struct net_rig *rig, struct net_wire *wire)
{
    struct netback_packet *packet = &rig->packet;
    if (!take_next(rig, packet))
        return false;
    memset(wire, 0, offsetof(struct net_wire, bytes));
    wire->len = packet->len;
    wire->gso_size = packet->gso_size;
    wire->gso_type = packet->gso_type;
    memcpy(wire->bytes, packet->bytes, packet->len);
    if (packet->flags & NETTXF_csum_blank) {
        bool ip6 = packet->bytes[12] == 0x86;
        wire->flags = RUNG_FRAME_CSUM;
        wire->csum_start = ip6 ? 54 : 34;
        wire->csum_offset = packet->bytes[ip6 ? 20 : 23] == 6 ? 16 : 6;
    }
    if (packet->gso_size)
        wire->hdr_len = (uint16_t)tcp_head(packet);
    take_rest(rig, wire);
    return true;
}

static bool netfront_set_link(struct net_rig *rig, bool up)
{
    rig->back->device.manual = !up; /* else it opens again as soon as the front end has closed */
    if (up)
        netback_up(rig->back);
    else
        fake_backend_state(&rig->back->device, XenbusStateClosed);
    return true;
}

/* A device ends for good when the other side is caught lying. */
static bool netfront_unplug(struct net_rig *rig)
{
    netback_tx_raw(rig->back, 999, NETIF_RSP_OKAY);
    return true;
}

static const char *const netfront_variants[] = {
    "offload", "plain", "jumbo", "poor", "untrusted", NULL,
};

const struct net_fixture net_fixture = {
    .module = "netfront", .variants = netfront_variants, .super_max = 65535,
    .make = netfront_make, .free = netfront_free, .open = netfront_open,
    .inject = netfront_inject, .take = netfront_take, .set_link = netfront_set_link,
    .unplug = netfront_unplug,
};
