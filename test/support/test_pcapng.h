/* SPDX-License-Identifier: ISC */
/* test/support/test_pcapng.h - a strict reader of pcapng, for tests of what writes it.
 * Model    It knows what draft-ietf-opsawg-pcapng-02 asks of the blocks and options that Rung
 *          writes, and fails the cmocka test at anything else: one section, one interface, packets,
 *          at most one statistics block, which is the last. Written apart from the writer, from the
 *          draft.
 * Units    Bytes; nanoseconds.
 * Owner    The bytes stay the test's, and are good while what was read of them is used.
 * Context  Test code. */
#ifndef TEST_PCAPNG_H
#define TEST_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_pcapng {
    const uint8_t *bytes;
    size_t len, at;
    char application[160], name[160], description[160]; /* "": absent */
    uint8_t mac[6];
    uint32_t snaplen;
    unsigned packets;
    bool has_statistics;
    uint64_t start_ns, end_ns, seen, lost, recorded; /* of the statistics */
};

struct test_pcapng_packet {
    uint64_t time_ns;
    uint32_t kept, len;
    const uint8_t *bytes;
    uint32_t flags;
    uint64_t lost;
    char comment[160]; /* "": none */
};

/* Reads the section's and the interface's block. */
void test_pcapng_begin(struct test_pcapng *file, const uint8_t *bytes, size_t len);

/* Reads the next packet. false: there is none, and the file ends as it must. */
bool test_pcapng_next(struct test_pcapng *file, struct test_pcapng_packet *packet);

/* The number of packets to the end. */
unsigned test_pcapng_rest(struct test_pcapng *file);

#endif
