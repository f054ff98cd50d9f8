/* SPDX-License-Identifier: ISC */
/* test/e2e/client_frame.c - see client_frame.h. */
#include "client_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "client.h"

enum { ETHER = 14, IP4 = 20, IP6 = 40 };
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

void client_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void client_put32(uint8_t *at, uint32_t value)
{
    client_put16(at, value >> 16);
    client_put16(at + 2, value & 0xffff);
}

static void link_address(int family, const char *name, void *out)
{
    const char *text = getenv(name);
    if (!text || inet_pton(family, text, out) != 1)
        client_die("%s=%s is no address", name, text ? text : "");
}

void client_link_open(struct client_link *link, const char *device, const char *mac)
{
    struct ifreq ifr = {.ifr_flags = 0};
    unsigned m[6];
    if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
        client_die("'%s' is no hardware address", mac);
    for (unsigned k = 0; k < 6; k++)
        link->peer[k] = (uint8_t)m[k];
    link->fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (link->fd < 0)
        client_die("a packet socket: %s", strerror(errno));
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
    if (ioctl(link->fd, SIOCGIFHWADDR, &ifr) < 0)
        client_die("%s: %s", device, strerror(errno));
    memcpy(link->own, ifr.ifr_hwaddr.sa_data, sizeof(link->own));
    link->index = (int)if_nametoindex(device);
    link_address(AF_INET, "E2E_HOST", link->ip4);
    link_address(AF_INET6, "E2E_HOST6", link->ip6);
}

void client_link_send(const struct client_link *link, const struct client_frame *frame)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = link->index, .sll_halen = 6};
    const struct timespec moment = {.tv_nsec = 1000000};
    while (sendto(link->fd, frame->at, frame->len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
        if (errno != ENOBUFS && errno != EAGAIN)
            client_die("a frame of %zu bytes: %s", frame->len, strerror(errno));
        nanosleep(&moment, NULL);
    }
}

/* Room for len zeros behind what is there. */
static uint8_t *frame_grow(struct client_frame *frame, size_t len)
{
    if (len > sizeof(frame->at) - frame->len)
        client_die("a frame of more than %u bytes", CLIENT_FRAME_MAX);
    uint8_t *at = frame->at + frame->len;
    memset(at, 0, len);
    frame->len += len;
    return at;
}

void client_frame_ether(struct client_frame *frame, const struct client_link *link, uint16_t type)
{
    frame->len = 0;
    uint8_t *at = frame_grow(frame, ETHER);
    memcpy(at, link->peer, 6);
    memcpy(at + 6, link->own, 6);
    client_put16(at + 12, type);
}

void client_frame_ip4(struct client_frame *frame, const uint8_t from[4], const uint8_t to[4],
                      uint8_t protocol)
{
    uint8_t *at = frame_grow(frame, IP4);
    at[0] = 0x45;
    at[8] = 64;
    at[9] = protocol;
    memcpy(at + 12, from, 4);
    memcpy(at + 16, to, 4);
}

void client_frame_ip6(struct client_frame *frame, const uint8_t from[16], const uint8_t to[16],
                      uint8_t next)
{
    uint8_t *at = frame_grow(frame, IP6);
    at[0] = 0x60;
    at[6] = next;
    at[7] = 255;
    memcpy(at + 8, from, 16);
    memcpy(at + 24, to, 16);
}

void client_frame_tcp(struct client_frame *frame, uint16_t from, uint16_t to, uint32_t seq,
                      uint8_t flags)
{
    uint8_t *at = frame_grow(frame, 20);
    client_put16(at, from);
    client_put16(at + 2, to);
    client_put32(at + 4, seq);
    at[12] = 5 << 4;
    at[13] = flags;
    client_put16(at + 14, 65535);
}

void client_frame_udp(struct client_frame *frame, uint16_t from, uint16_t to)
{
    uint8_t *at = frame_grow(frame, 8);
    client_put16(at, from);
    client_put16(at + 2, to);
}

void client_frame_icmp(struct client_frame *frame, uint8_t type, uint8_t code)
{
    uint8_t *at = frame_grow(frame, 4);
    at[0] = type;
    at[1] = code;
}

void client_frame_bytes(struct client_frame *frame, const void *bytes, size_t len)
{
    memcpy(frame_grow(frame, len), bytes, len);
}

void client_frame_random(struct client_frame *frame, size_t len, uint64_t *seed)
{
    uint8_t *at = frame_grow(frame, len);
    for (size_t k = 0; k < len; k++)
        at[k] = (uint8_t)client_random(seed);
}

static uint32_t frame_sum(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t k = 0; k < len; k++)
        sum += k % 2 ? at[k] : (uint32_t)at[k] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The sum of what is behind the IP header; start: the pseudo-header's. */
static void frame_finish_above(uint8_t *at, size_t len, uint8_t protocol, uint32_t start)
{
    size_t where = protocol == PROTO_TCP ? 16 : protocol == PROTO_UDP ? 6 : 2;
    if (protocol == PROTO_UDP && len >= 8)
        client_put16(at + 4, (uint32_t)len);
    if ((protocol != PROTO_TCP && protocol != PROTO_UDP && protocol != PROTO_ICMP
         && protocol != PROTO_ICMP6) || len < where + 2)
        return;
    if (protocol == PROTO_ICMP)
        start = 0;
    client_put16(at + where, 0);
    client_put16(at + where, ~frame_sum(at, len, start) & 0xffff);
}

void client_frame_finish(struct client_frame *frame)
{
    uint8_t *ip = frame->at + ETHER;
    uint32_t type = (uint32_t)frame->at[12] << 8 | frame->at[13];
    size_t len = frame->len - ETHER;
    if (type == ETH_P_IP && len >= IP4) {
        client_put16(ip + 2, (uint32_t)len);
        client_put16(ip + 10, 0);
        client_put16(ip + 10, ~frame_sum(ip, IP4, 0) & 0xffff);
        uint32_t start = frame_sum(ip + 12, 8, (uint32_t)(ip[9] + len - IP4));
        frame_finish_above(ip + IP4, len - IP4, ip[9], start);
    } else if (type == ETH_P_IPV6 && len >= IP6) {
        client_put16(ip + 4, (uint32_t)(len - IP6));
        uint32_t start = frame_sum(ip + 8, 32, (uint32_t)(ip[6] + len - IP6));
        frame_finish_above(ip + IP6, len - IP6, ip[6], start);
    }
}
