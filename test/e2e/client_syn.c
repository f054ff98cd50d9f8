/* SPDX-License-Identifier: ISC */
/* test/e2e/client_syn.c - a flood of SYNs whose senders do not exist. All chance comes from the
 * seed. */
#include <string.h>
#include <time.h>
#include <linux/if_ether.h>

#include "client.h"
#include "client_frame.h"

/* Maximum segment size, window scale, SACK, timestamps: what a real one asks for. */
static const uint8_t syn_options[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
                                      0, 1, 0, 0, 0, 0, 1, 3, 3, 7};

/* From the same network, whose answer needs ARP or ND, or from beyond the router. */
static void syn_make(struct client_frame *frame, const struct client_link *link, uint16_t port,
                     uint64_t *seed)
{
    uint32_t dice = client_random(seed) % 3;
    uint8_t from[16];
    if (dice == 0) {
        memcpy(from, link->ip6, 16);
        client_put32(from + 8, client_random(seed));
        client_put32(from + 12, client_random(seed));
        client_frame_ether(frame, link, ETH_P_IPV6);
        client_frame_ip6(frame, from, link->ip6, 6);
    } else {
        memcpy(from, link->ip4, 4);
        if (dice == 1)
            client_put32(from, 0x0b000000 + client_random(seed) % 0x01000000);
        else
            from[3] = (uint8_t)(3 + client_random(seed) % 250);
        client_frame_ether(frame, link, ETH_P_IP);
        client_frame_ip4(frame, from, link->ip4, 6);
    }
    size_t tcp = frame->len;
    client_frame_tcp(frame, (uint16_t)(1024 + client_random(seed) % 60000), port,
                     client_random(seed), 0x02);
    client_frame_bytes(frame, syn_options, sizeof(syn_options));
    frame->at[tcp + 12] = (uint8_t)((20 + sizeof(syn_options)) / 4 << 4);
    client_frame_finish(frame);
}

int client_syn(char **args)
{
    struct client_link link;
    struct client_frame frame;
    client_link_open(&link, args[0], args[1]);
    uint16_t port = (uint16_t)client_number(args[2], 65535);
    unsigned count = (unsigned)client_number(args[3], 10000000);
    uint64_t seed = client_number(args[4], 4294967295);
    const struct timespec moment = {.tv_nsec = 1000000};
    for (unsigned k = 0; k < count; k++) {
        syn_make(&frame, &link, port, &seed);
        client_link_send(&link, &frame);
        if (k % 4 == 3) /* a flood that lasts, of some 4,000 a second */
            nanosleep(&moment, NULL);
    }
    printf("sent %u\n", count);
    return 0;
}
