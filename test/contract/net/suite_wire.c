/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_wire.c - the suite's frames: made, cut, compared. They are of an Ethernet
 * type for experiments, or between addresses for documentation, so that a host's own frames on the
 * same wire are told apart. */
#include "suite.h"

enum {
    WIRE_TYPE = 0x88b5,  /* IEEE 802: local experimental */
    WIRE_NET = 0xc00002, /* 192.0.2.0/24, RFC 5737 */
};

static const uint8_t wire_net6[4] = {0x20, 0x01, 0x0d, 0xb8}; /* 2001:db8::/32, RFC 3849 */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* The sum of RFC 1071, folded and not inverted. */
static uint32_t wire_sum(const uint8_t *at, size_t len, uint32_t sum)
{
    uint64_t wide = sum;
    for (size_t i = 0; i + 1 < len; i += 2)
        wide += get16(at + i);
    if (len % 2)
        wide += (uint64_t)at[len - 1] << 8;
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

static void wire_start(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len,
                       uint32_t type)
{
    static const uint8_t peer[6] = {0x02, 0x52, 0x75, 0x6e, 0x67, 0x01};
    memset(wire, 0, offsetof(struct net_wire, bytes));
    wire->len = len;
    memset(wire->bytes, 0xff, 6); /* to everyone: comes through any peer's filter */
    memcpy(wire->bytes + 6, t->net ? t->net->info.mac : peer, 6);
    put16(wire->bytes + 12, type);
    for (uint32_t i = 14; i < len; i++)
        wire->bytes[i] = (uint8_t)(i * 7 + id * 13 + (i >> 8));
}

void net_plain(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len)
{
    assert_in_range(len, 22, RUNG_FRAME_MAX);
    wire_start(t, wire, id, len, WIRE_TYPE);
    put32(wire->bytes + 14, id);
    put32(wire->bytes + 18, len);
}

void net_inbound(struct net_test *t, struct net_wire *wire)
{
    memcpy(wire->bytes, t->net->info.mac, 6);
    wire->bytes[6] = 0x02;
    wire->bytes[11] ^= 0x55;
}

static void wire_ipv4(struct net_wire *wire, uint32_t protocol)
{
    uint8_t *ip = wire->bytes + 14;
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, wire->len - 14);
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    put32(ip + 12, (uint32_t)WIRE_NET << 8 | 1);
    put32(ip + 16, (uint32_t)WIRE_NET << 8 | 2);
    put16(ip + 10, ~wire_sum(ip, 20, 0));
    wire->csum_start = 34;
}

static void wire_ipv6(struct net_wire *wire, uint32_t protocol)
{
    uint8_t *ip = wire->bytes + 14;
    memset(ip, 0, 40);
    ip[0] = 0x60;
    put16(ip + 4, wire->len - 54);
    ip[6] = (uint8_t)protocol;
    ip[7] = 64;
    memcpy(ip + 8, wire_net6, sizeof(wire_net6));
    ip[23] = 1;
    memcpy(ip + 24, wire_net6, sizeof(wire_net6));
    ip[39] = 2;
    wire->csum_start = 54;
}

/* Puts the pseudo-header's sum where the sum goes: over the addresses, protocol and length. */
static void wire_partial(struct net_wire *wire, uint32_t addresses_len, uint32_t protocol,
                         uint32_t csum_offset)
{
    uint32_t sum = wire_sum(wire->bytes + wire->csum_start - addresses_len, addresses_len, 0);
    uint8_t rest[4];
    put16(rest, protocol);
    put16(rest + 2, wire->len - wire->csum_start);
    wire->csum_offset = (uint16_t)csum_offset;
    put16(wire->bytes + wire->csum_start + csum_offset, wire_sum(rest, 4, sum));
    wire->flags = RUNG_FRAME_CSUM;
}

void net_udp(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len)
{
    wire_start(t, wire, id, len, 0x0800);
    wire_ipv4(wire, 17);
    put16(wire->bytes + 34, 7);
    put16(wire->bytes + 36, 9);
    put16(wire->bytes + 38, len - 34);
    wire_partial(wire, 8, 17, 6);
}

void net_super(struct net_test *t, struct net_wire *wire, uint32_t id, uint32_t len, bool ipv6)
{
    wire_start(t, wire, id, len, ipv6 ? 0x86dd : 0x0800);
    if (ipv6)
        wire_ipv6(wire, 6);
    else
        wire_ipv4(wire, 6);
    uint8_t *tcp = wire->bytes + wire->csum_start;
    memset(tcp, 0, 20);
    put16(tcp, 7);
    put16(tcp + 2, 9);
    put32(tcp + 4, id);
    tcp[12] = 5 << 4;
    tcp[13] = 0x10; /* ACK */
    wire_partial(wire, ipv6 ? 32 : 8, 6, 16);
    wire->hdr_len = (uint16_t)(wire->csum_start + 20);
    wire->gso_size = (uint16_t)(t->net->info.mtu - (wire->hdr_len - 14));
    wire->gso_type = ipv6 ? RUNG_GSO_TCP6 : RUNG_GSO_TCP4;
}

bool net_is_ours(const struct net_wire *wire)
{
    switch (get16(wire->bytes + 12)) {
    case WIRE_TYPE:
        return wire->len >= 22 && get32(wire->bytes + 18) == wire->len;
    case 0x0800:
        return get32(wire->bytes + 26) >> 8 == WIRE_NET;
    case 0x86dd:
        return memcmp(wire->bytes + 22, wire_net6, sizeof(wire_net6)) == 0;
    default:
        return false;
    }
}

uint32_t net_id(const struct net_wire *wire)
{
    assert_int_equal(get16(wire->bytes + 12), WIRE_TYPE);
    return get32(wire->bytes + 14);
}

/* Fills in the sum that was left to the link. */
static void wire_complete(struct net_wire *wire)
{
    uint32_t sum = wire_sum(wire->bytes + wire->csum_start, wire->len - wire->csum_start, 0);
    put16(wire->bytes + wire->csum_start + wire->csum_offset, ~sum);
    wire->flags &= (uint16_t)~RUNG_FRAME_CSUM;
}

/* The same frame; a sum that was asked for may have been made on the way. */
void net_same(const struct net_wire *sent, const struct net_wire *got)
{
    struct net_wire *want = malloc(sizeof(*want));
    assert_non_null(want);
    memcpy(want, sent, sizeof(*want));
    assert_int_equal(got->len, sent->len);
    assert_int_equal(got->gso_size, sent->gso_size);
    assert_int_equal(got->gso_type, sent->gso_type);
    if (sent->gso_size) {
        assert_int_equal(got->hdr_len, sent->hdr_len);
        assert_int_equal(got->flags & RUNG_FRAME_ECN, sent->flags & RUNG_FRAME_ECN);
    }
    if (!(sent->flags & RUNG_FRAME_CSUM)) {
        assert_false(got->flags & RUNG_FRAME_CSUM);
    } else if (got->flags & RUNG_FRAME_CSUM) {
        assert_int_equal(got->csum_start, sent->csum_start);
        assert_int_equal(got->csum_offset, sent->csum_offset);
    } else {
        wire_complete(want);
    }
    if (memcmp(want->bytes, got->bytes, want->len) != 0)
        fail_msg("the bytes of a frame of %u have changed on the way", (unsigned)want->len);
    free(want);
}

void net_copy_lent(struct net_wire *wire, const struct rung_frame *f)
{
    wire->len = 0;
    wire->flags = f->flags;
    wire->gso_size = f->gso_size;
    wire->gso_type = f->gso_type;
    wire->hdr_len = f->hdr_len;
    wire->csum_start = f->csum_start;
    wire->csum_offset = f->csum_offset;
    assert_non_null(f->release);
    assert_true((f->gso_size == 0) == (f->gso_type == RUNG_GSO_NONE));
    if (f->gso_size)
        assert_in_range(f->hdr_len, 1, f->len); /* all headers in the first fragment */
    for (; f; f = f->next) {
        assert_true(f->len > 0 && f->len <= RUNG_FRAME_MAX - wire->len);
        memcpy(wire->bytes + wire->len, f->data, f->len);
        wire->len += f->len;
    }
}

static void out_release(struct rung_frame *frame)
{
    struct net_out *out = rung_container_of(frame, struct net_out, frag[0]);
    uint32_t at = 0;
    assert_true(out->flying);
    assert_int_equal(out->released, 0);
    out->released++;
    for (unsigned i = 0; i < out->frags; i++) {
        if (!(frame->flags & RUNG_FRAME_CSUM)) /* the link has no business with these bytes */
            assert_memory_equal(out->frag[i].data, out->copy + at, out->frag[i].len);
        at += out->frag[i].len;
        free(out->memory[i]);
    }
    free(out->copy);
    if (out->then)
        out->then(out);
}

static void out_release_part(struct rung_frame *frame)
{
    (void)frame;
    fail_msg("release is run on the first fragment only");
}

void net_out_cut(struct net_out *out, struct net_test *t, const struct net_wire *wire,
                 unsigned frags)
{
    uint32_t at = 0;
    assert_in_range(frags, 1, NET_FRAGS);
    memset(out, 0, offsetof(struct net_out, then));
    out->t = t;
    out->frags = frags;
    out->copy = malloc(wire->len);
    assert_non_null(out->copy);
    memcpy(out->copy, wire->bytes, wire->len);
    for (unsigned i = 0; i < frags; i++) {
        uint32_t left = wire->len - at, behind = frags - 1 - i;
        uint32_t least = i == 0 && wire->hdr_len ? wire->hdr_len : 1;
        uint32_t len = behind ? least + net_chance(t, left - behind - least + 1) : left;
        uint32_t front = i == 0 ? t->net->info.headroom : 0;
        out->memory[i] = malloc(front + len);
        assert_non_null(out->memory[i]);
        memcpy(out->memory[i] + front, wire->bytes + at, len);
        out->frag[i].data = out->memory[i] + front;
        out->frag[i].len = len;
        out->frag[i].release = i ? out_release_part : out_release;
        out->frag[i].next = behind ? &out->frag[i + 1] : NULL;
        at += len;
    }
    out->frag[0].flags = wire->flags;
    out->frag[0].gso_size = wire->gso_size;
    out->frag[0].gso_type = wire->gso_type;
    out->frag[0].hdr_len = wire->hdr_len;
    out->frag[0].csum_start = wire->csum_start;
    out->frag[0].csum_offset = wire->csum_offset;
    out->flying = true;
}

void net_out_free(struct net_out *out)
{
    assert_int_equal(out->released, 0);
    for (unsigned i = 0; i < out->frags; i++)
        free(out->memory[i]);
    free(out->copy);
}

void net_send_one(struct net_test *t, struct net_out *out, const struct net_wire *wire,
                  unsigned frags)
{
    net_out_cut(out, t, wire, frags);
    struct rung_frame *f = &out->frag[0];
    assert_int_equal(net_send(t, &f, 1), 1);
}
