/* SPDX-License-Identifier: ISC */
/* test/e2e/client_frame.h - Ethernet frames of the client's own making, sent past the kernel's
 * TCP/IP. A frame is put together from the outside in; client_frame_finish() fills in lengths and
 * sums. */
#ifndef CLIENT_FRAME_H
#define CLIENT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define CLIENT_FRAME_MAX 1514u

struct client_link {
    int fd;
    int index;
    uint8_t own[6], peer[6];
    uint8_t ip4[4], ip6[16]; /* of the program under test: E2E_HOST, E2E_HOST6 */
};

struct client_frame {
    size_t len;
    uint8_t at[CLIENT_FRAME_MAX];
};

/* To the station with the hardware address mac, on a device; dies if it cannot. */
void client_link_open(struct client_link *link, const char *device, const char *mac);
/* Waits for room if the device's queue is full. */
void client_link_send(const struct client_link *link, const struct client_frame *frame);

void client_frame_ether(struct client_frame *frame, const struct client_link *link, uint16_t type);
void client_frame_ip4(struct client_frame *frame, const uint8_t from[4], const uint8_t to[4],
                      uint8_t protocol);
void client_frame_ip6(struct client_frame *frame, const uint8_t from[16], const uint8_t to[16],
                      uint8_t next);
void client_frame_tcp(struct client_frame *frame, uint16_t from, uint16_t to, uint32_t seq,
                      uint8_t flags);
void client_frame_udp(struct client_frame *frame, uint16_t from, uint16_t to);
void client_frame_icmp(struct client_frame *frame, uint8_t type, uint8_t code);
void client_frame_bytes(struct client_frame *frame, const void *bytes, size_t len);
void client_frame_random(struct client_frame *frame, size_t len, uint64_t *seed);
void client_frame_finish(struct client_frame *frame);

void client_put16(uint8_t *at, uint32_t value);
void client_put32(uint8_t *at, uint32_t value);

#endif
