/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_pcapng.c - see capture_pcapng.h. Numbers in comments are sections of
 * draft-ietf-opsawg-pcapng-02. */
#include "capture_pcapng.h"

#include <string.h>

enum {
    OPT_END = 0,
    OPT_COMMENT = 1,
    SHB_USERAPPL = 4,
    IF_NAME = 2,
    IF_DESCRIPTION = 3,
    IF_MACADDR = 6,
    IF_TSRESOL = 9,
    EPB_FLAGS = 2,
    EPB_DROPCOUNT = 4,
    ISB_STARTTIME = 2,
    ISB_ENDTIME = 3,
    ISB_IFRECV = 4,
    ISB_OSDROP = 7,
    ISB_USRDELIV = 8,
    LINKTYPE_ETHERNET = 1,
};

static uint32_t pcapng_padded(size_t len)
{
    return (uint32_t)(len + 3) & ~3u;
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    put16(at, value & 0xffff);
    return put16(at + 2, value >> 16);
}

static uint8_t *put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)value);
    return put32(at + 4, (uint32_t)(value >> 32));
}

/* Times stand with their upper half first, whatever the order of bytes (4.3). */
static uint8_t *put_time(uint8_t *at, uint64_t ns)
{
    at = put32(at, (uint32_t)(ns >> 32));
    return put32(at, (uint32_t)ns);
}

static uint8_t *put_option(uint8_t *at, unsigned code, const void *value, size_t len)
{
    at = put16(at, code);
    at = put16(at, (unsigned)len);
    memset(at + len, 0, pcapng_padded(len) - len);
    memcpy(at, value, len);
    return at + pcapng_padded(len);
}

static size_t pcapng_text_len(const char *text)
{
    size_t len = 0;
    while (len < RUNG_PCAPNG_TEXT_MAX && text[len])
        len++;
    return len;
}

static uint8_t *put_text(uint8_t *at, unsigned code, const char *text)
{
    return text ? put_option(at, code, text, pcapng_text_len(text)) : at;
}

static uint8_t *put_option64(uint8_t *at, unsigned code, uint64_t value)
{
    uint8_t bytes[8];
    put64(bytes, value);
    return put_option(at, code, bytes, sizeof(bytes));
}

static uint8_t *put_option_time(uint8_t *at, unsigned code, uint64_t ns)
{
    uint8_t bytes[8];
    put_time(bytes, ns);
    return put_option(at, code, bytes, sizeof(bytes));
}

/* Ends the options and the block that starts at block: its length stands at both ends (3.1). */
static uint32_t pcapng_end(uint8_t *block, uint8_t *at)
{
    at = put32(at, OPT_END);
    uint32_t len = (uint32_t)(at - block) + 4;
    put32(at, len);
    put32(block + 4, len);
    return len;
}

uint32_t rung_pcapng_head(uint8_t *section, const struct rung_pcapng_head *head)
{
    uint8_t nanoseconds = 9; /* times count 10^-9 s (4.2, if_tsresol) */
    uint8_t *at = put32(section, RUNG_PCAPNG_SECTION);
    at = put32(at + 4, 0x1a2b3c4d); /* says the order of bytes */
    at = put16(at, 1);              /* version 1.0 */
    at = put16(at, 0);
    at = put64(at, UINT64_MAX); /* the section's length is not known (4.1) */
    at = put_text(at, SHB_USERAPPL, head->application);
    uint32_t section_len = pcapng_end(section, at);

    uint8_t *interface = section + section_len;
    at = put32(interface, RUNG_PCAPNG_INTERFACE);
    at = put16(at + 4, LINKTYPE_ETHERNET);
    at = put16(at, 0);
    at = put32(at, head->snaplen);
    at = put_text(at, IF_NAME, head->name);
    at = put_text(at, IF_DESCRIPTION, head->description);
    at = put_option(at, IF_MACADDR, head->mac, sizeof(head->mac));
    at = put_option(at, IF_TSRESOL, &nanoseconds, sizeof(nanoseconds));
    return section_len + pcapng_end(interface, at);
}

uint32_t rung_pcapng_packet_len(const struct rung_pcapng_packet *packet)
{
    uint32_t len = 28 + pcapng_padded(packet->kept) + 8 + 4 + 4; /* flags, end, length */
    if (packet->lost)
        len += 12;
    if (packet->comment)
        len += 4 + pcapng_padded(pcapng_text_len(packet->comment));
    return len;
}

uint8_t *rung_pcapng_packet(uint8_t *block, const struct rung_pcapng_packet *packet)
{
    uint8_t flags[4];
    uint8_t *at = put32(block, RUNG_PCAPNG_PACKET);
    at = put32(at + 4, 0); /* the first interface */
    at = put_time(at, packet->time_ns);
    at = put32(at, packet->kept);
    at = put32(at, packet->len);
    uint8_t *bytes = at;
    at += pcapng_padded(packet->kept);
    memset(bytes + packet->kept, 0, (size_t)(at - (bytes + packet->kept)));
    put32(flags, packet->flags);
    at = put_option(at, EPB_FLAGS, flags, sizeof(flags));
    if (packet->lost)
        at = put_option64(at, EPB_DROPCOUNT, packet->lost);
    at = put_text(at, OPT_COMMENT, packet->comment);
    pcapng_end(block, at);
    return bytes;
}

void rung_pcapng_statistics(uint8_t *block, const struct rung_pcapng_statistics *statistics)
{
    uint8_t *at = put32(block, RUNG_PCAPNG_STATISTICS);
    at = put32(at + 4, 0); /* of the first interface */
    at = put_time(at, statistics->time_ns);
    at = put_option_time(at, ISB_STARTTIME, statistics->start_ns);
    at = put_option_time(at, ISB_ENDTIME, statistics->time_ns);
    at = put_option64(at, ISB_IFRECV, statistics->seen);
    at = put_option64(at, ISB_OSDROP, statistics->lost);
    at = put_option64(at, ISB_USRDELIV, statistics->recorded);
    pcapng_end(block, at);
}
