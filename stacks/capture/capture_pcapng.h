/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_pcapng.h - the blocks of a pcapng file, as bytes.
 * Model    One section, one interface of link type Ethernet, packets, statistics at the end, as in
 *          draft-ietf-opsawg-pcapng. Everything is little-endian on every ground, so that the same
 *          frames make the same file. Options are those that Wireshark shows.
 * Units    Bytes; nanoseconds since 1970 for time.
 * Owner    Nothing is kept. Callers give room for a whole block, whose length they ask for before.
 * Context  Any.
 * Errors   None. */
#ifndef RUNG_CAPTURE_PCAPNG_H
#define RUNG_CAPTURE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

enum rung_pcapng_block {
    RUNG_PCAPNG_SECTION = 0x0a0d0d0a,
    RUNG_PCAPNG_INTERFACE = 1,
    RUNG_PCAPNG_STATISTICS = 5,
    RUNG_PCAPNG_PACKET = 6,
};

/* The two blocks that a file begins with, in one piece. */
struct rung_pcapng_head {
    const char *application;
    const char *name;        /* of the interface, and what it is */
    const char *description; /* may be NULL */
    uint8_t mac[6];
    uint32_t snaplen; /* 0: frames are kept whole */
};

#define RUNG_PCAPNG_TEXT_MAX 128u /* of a text; the rest of a longer one is cut */
#define RUNG_PCAPNG_HEAD_MAX 600u
uint32_t rung_pcapng_head(uint8_t *at, const struct rung_pcapng_head *head); /* its length */

/* A frame. flags: direction and kind of destination, as in epb_flags. */
enum rung_pcapng_flag {
    RUNG_PCAPNG_IN = 1,
    RUNG_PCAPNG_OUT = 2,
    RUNG_PCAPNG_UNICAST = 1 << 2,
    RUNG_PCAPNG_MULTICAST = 2 << 2,
    RUNG_PCAPNG_BROADCAST = 3 << 2,
    RUNG_PCAPNG_PROMISCUOUS = 4 << 2,
};

struct rung_pcapng_packet {
    uint64_t time_ns;
    uint32_t len, kept; /* of the frame; of it in the file */
    uint32_t flags;
    uint64_t lost;       /* frames not recorded since the packet before */
    const char *comment; /* may be NULL */
};

uint32_t rung_pcapng_packet_len(const struct rung_pcapng_packet *packet);
/* Writes the block but for the frame's bytes, and says where their place is. */
uint8_t *rung_pcapng_packet(uint8_t *at, const struct rung_pcapng_packet *packet);

struct rung_pcapng_statistics {
    uint64_t time_ns, start_ns;
    uint64_t seen, lost, recorded; /* frames that passed; not recorded for want of room; recorded */
};

#define RUNG_PCAPNG_STATISTICS_LEN 88u
void rung_pcapng_statistics(uint8_t *at, const struct rung_pcapng_statistics *statistics);

#endif
