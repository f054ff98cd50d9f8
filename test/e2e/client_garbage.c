/* SPDX-License-Identifier: ISC */
/* test/e2e/client_garbage.c - frames as no honest host sends them: every type, cut, with bytes
 * changed, in overlapping fragments, with wrong sums and wrong lengths. All chance comes from the
 * seed. */
#include <string.h>
#include <linux/if_ether.h>

#include "client.h"
#include "client_frame.h"

struct garbage {
    struct client_link link;
    uint16_t port;
    uint64_t seed;
    uint16_t type; /* of spoil_type()'s next frame */
    uint8_t near4[4], near6[16];
};

static uint32_t dice(struct garbage *g, uint32_t sides)
{
    return client_random(&g->seed) % sides;
}

/* One of this network, but not the neighbour that the test talks from. */
static void garbage_sender(struct garbage *g)
{
    memcpy(g->near4, g->link.ip4, 4);
    g->near4[3] = (uint8_t)(3 + dice(g, 250));
    memcpy(g->near6, g->link.ip6, 16);
    client_put32(g->near6 + 12, 0x10000 + dice(g, 1000));
}

static void honest_arp(struct garbage *g, struct client_frame *f)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0};
    uint8_t operation = (uint8_t)(1 + dice(g, 2));
    client_frame_ether(f, &g->link, ETH_P_ARP);
    client_frame_bytes(f, head, sizeof(head));
    client_frame_bytes(f, &operation, 1);
    client_frame_bytes(f, g->link.own, 6);
    client_frame_bytes(f, g->near4, 4);
    client_frame_bytes(f, g->link.peer, 6);
    client_frame_bytes(f, g->link.ip4, 4);
}

/* The header of either version, for a protocol that both carry. */
static void honest_ip(struct garbage *g, struct client_frame *f, uint8_t protocol)
{
    if (dice(g, 2)) {
        client_frame_ether(f, &g->link, ETH_P_IP);
        client_frame_ip4(f, g->near4, g->link.ip4, protocol);
    } else {
        client_frame_ether(f, &g->link, ETH_P_IPV6);
        client_frame_ip6(f, g->near6, g->link.ip6, protocol);
    }
}

static void honest_tcp(struct garbage *g, struct client_frame *f)
{
    honest_ip(g, f, 6);
    size_t tcp = f->len;
    uint16_t port = dice(g, 4) ? g->port : (uint16_t)dice(g, 65536);
    client_frame_tcp(f, (uint16_t)dice(g, 65536), port, client_random(&g->seed),
                     (uint8_t)(dice(g, 3) ? 2 : dice(g, 256)));
    uint32_t words = dice(g, 11);
    client_frame_random(f, 4 * words, &g->seed); /* options, for better or worse */
    f->at[tcp + 12] = (uint8_t)((5 + words) << 4);
    client_frame_random(f, dice(g, 4) ? 0 : dice(g, 900), &g->seed);
}

static void honest_udp(struct garbage *g, struct client_frame *f)
{
    static const uint16_t ports[] = {67, 68, 53, 546, 547};
    honest_ip(g, f, 17);
    client_frame_udp(f, dice(g, 2) ? ports[dice(g, 5)] : (uint16_t)dice(g, 65536),
                     dice(g, 2) ? ports[dice(g, 5)] : g->port);
    client_frame_random(f, dice(g, 1000), &g->seed);
}

static void honest_icmp(struct garbage *g, struct client_frame *f)
{
    static const uint8_t types[] = {0, 3, 5, 8, 11, 12, 13, 17};
    client_frame_ether(f, &g->link, ETH_P_IP);
    client_frame_ip4(f, g->near4, g->link.ip4, 1);
    client_frame_icmp(f, dice(g, 4) ? types[dice(g, 8)] : (uint8_t)dice(g, 256),
                      (uint8_t)dice(g, 16));
    client_frame_random(f, dice(g, 200), &g->seed);
}

/* Group membership, neighbours, routers and redirects among them. */
static void honest_icmp6(struct garbage *g, struct client_frame *f)
{
    static const uint8_t types[] = {1,   2,   3,   4,   128, 129, 130, 131,
                                    132, 133, 134, 135, 136, 137, 143};
    client_frame_ether(f, &g->link, ETH_P_IPV6);
    if (dice(g, 2)) { /* routers and redirecting ones speak from link-local addresses */
        memset(g->near6, 0, 8);
        client_put16(g->near6, 0xfe80);
    }
    client_frame_ip6(f, g->near6, g->link.ip6, 58);
    client_frame_icmp(f, types[dice(g, sizeof(types))], (uint8_t)(dice(g, 4) ? 0 : dice(g, 256)));
    client_frame_random(f, 4, &g->seed);
    if (dice(g, 2))
        client_frame_bytes(f, g->link.ip6, 16);
    for (uint32_t n = dice(g, 6); n > 0; n--) { /* options: type, length in eights */
        uint8_t head[] = {(uint8_t)dice(g, 8), (uint8_t)dice(g, 5)};
        client_frame_bytes(f, head, 2);
        client_frame_random(f, head[1] ? 8u * head[1] - 2 : 6, &g->seed);
    }
}

static void honest(struct garbage *g, struct client_frame *f)
{
    static void (*const kinds[])(struct garbage *, struct client_frame *) = {
        honest_arp, honest_tcp, honest_tcp, honest_udp, honest_icmp, honest_icmp6, honest_icmp6,
    };
    garbage_sender(g);
    kinds[dice(g, sizeof(kinds) / sizeof(kinds[0]))](g, f);
    client_frame_finish(f);
}

/* Ways to spoil a frame. */

static void spoil_cut(struct garbage *g, struct client_frame *f)
{
    honest(g, f);
    f->len = 14 + dice(g, (uint32_t)f->len - 13);
}

static void spoil_bytes(struct garbage *g, struct client_frame *f)
{
    honest(g, f);
    for (uint32_t n = 1 + dice(g, 6); n > 0; n--) /* mostly in the headers */
        f->at[14 + dice(g, dice(g, 4) && f->len > 74 ? 60 : (uint32_t)f->len - 14)] =
            (uint8_t)dice(g, 256);
}

static void spoil_sums(struct garbage *g, struct client_frame *f)
{
    honest(g, f);
    f->at[f->len - 1] ^= (uint8_t)(1 + dice(g, 255));
}

/* A few datagrams' numbers only, so that pieces meet, overlap and never end. */
static void spoil_fragments4(struct garbage *g, struct client_frame *f)
{
    garbage_sender(g);
    g->near4[3] = (uint8_t)(3 + dice(g, 4));
    client_frame_ether(f, &g->link, ETH_P_IP);
    client_frame_ip4(f, g->near4, g->link.ip4, dice(g, 2) ? 1 : 17);
    client_put16(f->at + 18, dice(g, 6));
    client_put16(f->at + 20, (dice(g, 3) ? 0x2000u : 0) |
                                (dice(g, 8) ? dice(g, 12) * 4 : dice(g, 8192)));
    client_frame_random(f, dice(g, 3) ? 8 * dice(g, 12) : dice(g, 200), &g->seed);
    uint8_t first[8];
    memcpy(first, f->at + 34, sizeof(first));
    client_frame_finish(f);
    if (f->len >= 42)
        memcpy(f->at + 34, first, sizeof(first)); /* what a sum would overwrite */
}

static void spoil_fragments6(struct garbage *g, struct client_frame *f)
{
    uint8_t head[8] = {(uint8_t)(dice(g, 4) ? 58 : dice(g, 256)), 0};
    garbage_sender(g);
    client_put32(g->near6 + 12, 0x10000 + dice(g, 4));
    client_put16(head + 2, (dice(g, 8) ? dice(g, 12) * 32 : dice(g, 65536)) | (dice(g, 3) ? 1 : 0));
    client_put32(head + 4, dice(g, 6));
    client_frame_ether(f, &g->link, ETH_P_IPV6);
    client_frame_ip6(f, g->near6, g->link.ip6, 44);
    client_frame_bytes(f, head, sizeof(head));
    client_frame_random(f, dice(g, 3) ? 8 * dice(g, 12) : dice(g, 200), &g->seed);
    client_frame_finish(f);
}

/* Chains of extension headers, with honest and other lengths. */
static void spoil_extensions(struct garbage *g, struct client_frame *f)
{
    static const uint8_t kinds[] = {0, 43, 44, 50, 51, 59, 60, 135};
    garbage_sender(g);
    client_frame_ether(f, &g->link, ETH_P_IPV6);
    client_frame_ip6(f, g->near6, g->link.ip6, kinds[dice(g, 8)]);
    for (uint32_t n = dice(g, 8); n > 0; n--) {
        uint8_t head[] = {n > 1 ? kinds[dice(g, 8)] : 58,
                          (uint8_t)(dice(g, 3) ? 0 : dice(g, 256))};
        client_frame_bytes(f, head, 2);
        client_frame_random(f, 6, &g->seed);
    }
    client_frame_random(f, dice(g, 100), &g->seed);
    client_frame_finish(f);
}

static void spoil_options4(struct garbage *g, struct client_frame *f)
{
    garbage_sender(g);
    client_frame_ether(f, &g->link, ETH_P_IP);
    client_frame_ip4(f, g->near4, g->link.ip4, dice(g, 2) ? 6 : 1);
    client_frame_random(f, dice(g, 100), &g->seed);
    f->at[14] = (uint8_t)(dice(g, 8) ? 0x40 | dice(g, 16) : dice(g, 256));
    client_frame_finish(f);
    client_put16(f->at + 16, dice(g, 2) ? dice(g, 65536) : (uint32_t)f->len - 14);
}

/* Each type once, in the course of time; to us, to all, or to a group. */
static void spoil_type(struct garbage *g, struct client_frame *f)
{
    client_frame_ether(f, &g->link, g->type++);
    f->at[0] |= (uint8_t)(dice(g, 3) ? 0 : 1);
    if (f->at[0] & 1 && dice(g, 2))
        memset(f->at, 0xff, 6);
    client_frame_random(f, dice(g, 5) ? dice(g, 60) : dice(g, 1500), &g->seed);
}

int client_garbage(char **args)
{
    static void (*const ways[])(struct garbage *, struct client_frame *) = {
        spoil_cut, spoil_bytes, spoil_sums, spoil_fragments4, spoil_fragments6, spoil_extensions,
        spoil_options4,
    };
    struct garbage g = {.seed = client_number(args[4], 4294967295)};
    struct client_frame frame;
    unsigned count = (unsigned)client_number(args[3], 10000000);
    client_link_open(&g.link, args[0], args[1]);
    g.port = (uint16_t)client_number(args[2], 65535);
    for (unsigned type = 0; type < 65536; type++) {
        spoil_type(&g, &frame);
        client_link_send(&g.link, &frame);
    }
    for (unsigned k = 0; k < count; k++) {
        ways[dice(&g, sizeof(ways) / sizeof(ways[0]))](&g, &frame);
        client_link_send(&g.link, &frame);
    }
    printf("sent %u\n", count + 65536);
    return 0;
}
