/* SPDX-License-Identifier: ISC */
/* test/support/forger.c - see forger.h. */
#include "forger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

static const uint8_t forger_ours[4] = {10, 0, 0, 1}, forger_theirs[4] = {10, 0, 0, 2};

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

uint32_t forged_get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static uint32_t forged_sum(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t k = 0; k < len; k++)
        sum += k % 2 ? at[k] : (uint32_t)at[k] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void forger_on_accept(struct rung_tcp_listener *listener)
{
    struct forger *f = listener->arg;
    struct rung_tcp_conn *conn;
    while (rung_tcp_accept(listener, &conn) == 1) {
        conn->arg = f;
        f->conn = conn;
    }
}

struct sent_frame {
    struct rung_frame frame;
    uint8_t bytes[];
};

static void forger_release(struct rung_frame *frame)
{
    free(rung_container_of(frame, struct sent_frame, frame));
}

/* Link-local addresses, by EUI-64 as the stack makes its own (RFC 4291, appendix A). */
static void forger_address6(uint8_t at[16], const uint8_t mac[6])
{
    memset(at, 0, 16);
    at[0] = 0xfe;
    at[1] = 0x80;
    memcpy(at + 8, mac, 3);
    at[8] ^= 2;
    at[11] = 0xff;
    at[12] = 0xfe;
    memcpy(at + 13, mac + 3, 3);
}

/* The stack asks for our hardware address at its first answer; here it learns it before. */
void forger_introduce(struct forger *f)
{
    struct forged frame = {.len = FORGED_ETHER + 28};
    uint8_t *arp = frame.at + FORGED_ETHER;
    const uint8_t *mac = f->pair.peer.info.mac;
    memset(frame.at, 0xff, 6);
    memcpy(frame.at + 6, mac, 6);
    put16(frame.at + 12, 0x0806);
    put32(arp, 0x00010800);
    put32(arp + 4, 0x06040001);
    memcpy(arp + 8, mac, 6);
    memcpy(arp + 14, f->ip4, 4);
    memcpy(arp + 24, forger_theirs, 4);
    forger_send(f, &frame);
    uint8_t solicit[32] = {135};
    memcpy(solicit + 8, f->ip6[1], 16);
    solicit[24] = 1; /* our hardware address, in units of 8 bytes */
    solicit[25] = 1;
    memcpy(solicit + 26, mac, 6);
    forger_send_icmp6(f, solicit, sizeof(solicit));
}

static void forger_begin(struct forger *f, struct rung_platform *p, const char *own,
                         const char *dns, bool offload)
{
    struct rung_addr addr = {0};
    *f = (struct forger){.p = p};
    f->pair_keys = (struct rung_net_pair_keys){
        .slot = "net", .mtu = 1500, .depth = 512, .pool = 1024, .offload = offload,
        .max_frags = 18, .promisc = true,
    };
    struct rung_net_pair_needs nothing = {0};
    assert_int_equal(rung_net_pair_open(&f->pair, f->p, &f->pair_keys, &nothing), RUNG_OK);
    if (own)
        assert_int_equal(rung_addr_parse(&addr, own), RUNG_OK);
    f->keys = (struct rung_lwip_keys){
        .slot = "tcp", .backlog = 16, .max_connections = 64, .max_half_open = 16, .time_wait = 8,
        .memory = 1u << 20, .rx_memory = 1u << 20, .tx_buffer = 65536, .tx_memory = 1u << 20,
        .linger = 30 * RUNG_NS_PER_S, .ipv4 = {.addr = addr, .prefix = 24},
    };
    if (dns)
        assert_int_equal(rung_addr_parse(&f->keys.dns, dns), RUNG_OK);
    struct rung_lwip_needs needs = {.net = &f->pair.net};
    assert_int_equal(rung_lwip_open(&f->stack, f->p, &f->keys, &needs), RUNG_OK);
    struct rung_tcp_listen how = {.local = {.port = FORGED_PORT}};
    assert_int_equal(rung_tcp_listen(&f->stack.tcp, &how, &f->listener), 0);
    f->listener->arg = f;
    f->listener->ready = forger_on_accept;
    memcpy(f->ip4, forger_ours, 4);
    forger_address6(f->ip6[0], f->pair.peer.info.mac);
    forger_address6(f->ip6[1], f->pair.net.info.mac);
}

static void forger_start(struct forger *f, struct rung_platform *p, const char *dns, bool offload)
{
    forger_begin(f, p, "10.0.0.2", dns, offload);
    rung_virtual_advance_ns(f->p, 5 * RUNG_NS_PER_S); /* for IPv6 addresses to be tried out */
    forger_introduce(f);
    forger_drain(f);
}

void forger_open(struct forger *f)
{
    forger_start(f, test_platform_new(), NULL, true);
    f->own_platform = true;
}

void forger_open_plain(struct forger *f)
{
    forger_start(f, test_platform_new(), NULL, false);
    f->own_platform = true;
}

void forger_open_dhcp(struct forger *f)
{
    forger_begin(f, test_platform_new(), NULL, NULL, true);
    f->own_platform = true;
    test_run_turns(f->p, 4);
}

void forger_open_on(struct forger *f, struct rung_platform *p, const char *dns)
{
    forger_start(f, p, dns, true);
}

static void forger_on_stopped(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, 0);
}

void forger_close(struct forger *f)
{
    struct rung_op ops[4] = {{.done = forger_on_stopped}, {.done = forger_on_stopped},
                             {.done = forger_on_stopped}, {.done = forger_on_stopped}};
    rung_tcp_stop(&f->stack.tcp, &ops[0]);
    rung_udp_stop(&f->stack.udp, &ops[1]);
    if (!f->dns_stopped)
        rung_dns_stop(&f->stack.dns, &ops[2]);
    forger_drain(f);
    rung_net_close(&f->pair.net, &ops[3]);
    test_run_turns(f->p, 10);
    if (f->own_platform)
        test_platform_free(f->p);
}

static void forger_put(struct forger *f, const struct forged *frame)
{
    struct sent_frame *sent = calloc(1, sizeof(*sent) + frame->len);
    assert_non_null(sent);
    memcpy(sent->bytes, frame->at, frame->len);
    sent->frame = (struct rung_frame){
        .data = sent->bytes, .len = (uint32_t)frame->len, .release = forger_release};
    struct rung_frame *one = &sent->frame;
    assert_int_equal(rung_net_send(&f->pair.peer, &one, 1), 1);
}

void forger_send(struct forger *f, const struct forged *frame)
{
    forger_put(f, frame);
    test_run_turns(f->p, 6);
    struct rung_buf *b[8];
    int n;
    while (f->conn && (n = rung_tcp_recv(f->conn, b, RUNG_ARRAY_LEN(b))) > 0)
        for (int k = 0; k < n; k++) {
            f->received += b[k]->len;
            rung_buf_release(b[k]);
        }
    test_run_turns(f->p, 2);
}

static void forged_ether(struct forged *frame, struct forger *f, uint16_t type)
{
    memcpy(frame->at, f->pair.net.info.mac, 6);
    memcpy(frame->at + 6, f->pair.peer.info.mac, 6);
    put16(frame->at + 12, type);
}

static uint8_t *forged_heads6(struct forger *f, struct forged *frame, uint8_t next, size_t len)
{
    uint8_t *ip = frame->at + FORGED_ETHER;
    frame->len = FORGED_ETHER + FORGED_IP6 + len;
    assert_true(frame->len <= sizeof(frame->at));
    forged_ether(frame, f, 0x86dd);
    ip[0] = 0x60;
    put16(ip + 4, (uint32_t)len);
    ip[6] = next;
    ip[7] = 255;
    memcpy(ip + 8, f->ip6[0], 16);
    memcpy(ip + 24, f->ip6[1], 16);
    return ip + FORGED_IP6;
}

static uint8_t *forged_heads4(struct forger *f, struct forged *frame, uint8_t next, size_t len)
{
    uint8_t *ip = frame->at + FORGED_ETHER;
    frame->len = FORGED_ETHER + FORGED_IP4 + len;
    forged_ether(frame, f, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(FORGED_IP4 + len));
    ip[8] = 64;
    ip[9] = next;
    memcpy(ip + 12, f->ip4, 4);
    memcpy(ip + 16, forger_theirs, 4);
    put16(ip + 10, ~forged_sum(ip, FORGED_IP4, 0) & 0xffff);
    return ip + FORGED_IP4;
}

void forger_send_tcp(struct forger *f, const struct forged_tcp *s)
{
    struct forged frame = {0};
    size_t text = s->text ? strlen(s->text) : 0, addresses = f->six ? 32 : 8;
    size_t len = 20 + s->options_len + text;
    uint8_t *tcp = f->six ? forged_heads6(f, &frame, 6, len) : forged_heads4(f, &frame, 6, len);
    put16(tcp, s->port);
    put16(tcp + 2, FORGED_PORT);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = (uint8_t)((20 + s->options_len) / 4 << 4);
    tcp[13] = s->flags;
    put16(tcp + 14, 65535u - f->shut);
    if (s->options_len)
        memcpy(tcp + 20, s->options, s->options_len);
    if (text)
        memcpy(tcp + 20 + s->options_len, s->text, text);
    uint32_t sum = forged_sum(tcp - addresses, addresses, (uint32_t)(6 + len));
    put16(tcp + 16, ~forged_sum(tcp, len, sum) & 0xffff);
    forger_send(f, &frame);
}

void forger_send_icmp6(struct forger *f, const uint8_t *message, size_t len)
{
    struct forged frame = {0};
    uint8_t *icmp = forged_heads6(f, &frame, 58, len);
    memcpy(icmp, message, len);
    uint32_t sum = forged_sum(icmp - 32, 32, (uint32_t)(58 + len));
    put16(icmp + 2, ~forged_sum(icmp, len, sum) & 0xffff);
    forger_send(f, &frame);
}

static void forged_ip4(const struct forger *f, uint8_t *ip, size_t len, uint8_t host)
{
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(FORGED_IP4 + len));
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, f->ip4, 4);
    ip[15] = host ? host : ip[15];
    memcpy(ip + 16, forger_theirs, 4);
    put16(ip + 10, ~forged_sum(ip, FORGED_IP4, 0) & 0xffff);
}

void forger_put_udp(struct forger *f, const struct forged_udp *dgram)
{
    struct forged frame = {0};
    size_t head = dgram->ip6 ? FORGED_IP6 : FORGED_IP4, len = 8 + dgram->len;
    uint8_t *ip = frame.at + FORGED_ETHER, *udp = ip + head;
    forged_ether(&frame, f, dgram->ip6 ? 0x86dd : 0x0800);
    if (dgram->ip6) {
        ip[0] = 0x60;
        put16(ip + 4, (uint32_t)len);
        ip[6] = 17;
        ip[7] = 64;
        memcpy(ip + 8, f->ip6[0], 16);
        memcpy(ip + 24, f->ip6[1], 16);
    } else {
        forged_ip4(f, ip, len, dgram->host);
    }
    put16(udp, dgram->ours);
    put16(udp + 2, dgram->theirs);
    put16(udp + 4, (uint32_t)len);
    memcpy(udp + 8, dgram->data, dgram->len);
    size_t addresses = dgram->ip6 ? 32 : 8;
    uint32_t sum = forged_sum(udp - addresses, addresses, (uint32_t)(17 + len));
    put16(udp + 6, ~forged_sum(udp, len, sum) & 0xffff);
    frame.len = FORGED_ETHER + head + len;
    forger_put(f, &frame);
}

bool forger_next_udp(struct forger *f, struct forged_udp *dgram)
{
    struct forged frame;
    if (!forger_next(f, dgram->ip6 ? 0x86dd : 0x0800, 17, &frame))
        return false;
    const uint8_t *ip = frame.at + FORGED_ETHER, *udp = ip + (dgram->ip6 ? FORGED_IP6 : FORGED_IP4);
    dgram->host = dgram->ip6 ? 0 : ip[19];
    dgram->theirs = (uint16_t)get16(udp);
    dgram->ours = (uint16_t)get16(udp + 2);
    dgram->len = get16(udp + 4) - 8;
    assert_true(udp + 8 + dgram->len <= frame.at + frame.len);
    memcpy(dgram->data, udp + 8, dgram->len);
    return true;
}

bool forger_next(struct forger *f, uint16_t type, uint8_t protocol, struct forged *out)
{
    struct rung_frame *frame;
    while (rung_net_recv(&f->pair.peer, &frame, 1) == 1) {
        out->len = 0;
        out->flags = frame->flags;
        out->gso_size = frame->gso_size;
        for (struct rung_frame *part = frame; part; part = part->next) {
            size_t room = sizeof(out->at) - out->len;
            size_t len = part->len < room ? part->len : room;
            memcpy(out->at + out->len, part->data, len);
            out->len += len;
        }
        frame->release(frame);
        if (get16(out->at + 12) == type
            && (!protocol || out->at[type == 0x0800 ? 23 : 20] == protocol))
            return true;
    }
    return false;
}

bool forger_next_tcp(struct forger *f, struct forged_tcp *segment, size_t *payload)
{
    struct forged frame;
    if (!forger_next(f, f->six ? 0x86dd : 0x0800, 6, &frame))
        return false;
    const uint8_t *ip = frame.at + FORGED_ETHER, *tcp = ip + (f->six ? FORGED_IP6 : FORGED_IP4);
    size_t len = f->six ? get16(ip + 4) : get16(ip + 2) - FORGED_IP4;
    *segment = (struct forged_tcp){
        .port = (uint16_t)get16(tcp + 2), .seq = forged_get32(tcp + 4),
        .ack = forged_get32(tcp + 8), .flags = tcp[13],
        .window = (uint16_t)get16(tcp + 14)};
    *payload = len - (size_t)(tcp[12] >> 4) * 4;
    return true;
}

void forger_drain(struct forger *f)
{
    struct rung_frame *frame;
    test_run_turns(f->p, 8);
    while (rung_net_recv(&f->pair.peer, &frame, 1) == 1)
        frame->release(frame);
}

struct forged_tcp forger_connect(struct forger *f, uint16_t port, uint32_t seq,
                                 const uint8_t *options, size_t options_len)
{
    struct forged_tcp answer, next = {.port = port, .seq = seq, .flags = FORGED_SYN,
                                      .options = options, .options_len = options_len};
    size_t payload;
    f->conn = NULL;
    forger_drain(f);
    forger_send_tcp(f, &next);
    assert_true(forger_next_tcp(f, &answer, &payload));
    assert_int_equal(answer.flags & (FORGED_SYN | FORGED_ACK), FORGED_SYN | FORGED_ACK);
    assert_int_equal(answer.ack, seq + 1);
    next = (struct forged_tcp){
        .port = port, .seq = seq + 1, .ack = answer.seq + 1, .flags = FORGED_ACK};
    forger_send_tcp(f, &next);
    assert_non_null(f->conn);
    return next;
}
