/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_record.c - a frame as it stands in the file. */
#include <stdio.h>
#include <string.h>

#include "capture_impl.h"
#include "capture_pcapng.h"
#include "rung/log.h"

static uint32_t record_frame_len(const struct rung_frame *f)
{
    uint32_t len = 0;
    for (; f; f = f->next)
        len += f->len;
    return len;
}

static void record_copy(uint8_t *to, uint32_t kept, const struct rung_frame *f)
{
    for (; kept > 0; f = f->next) {
        uint32_t part = f->len < kept ? f->len : kept;
        memcpy(to, f->data, part);
        to += part;
        kept -= part;
    }
}

/* The sum of RFC 1071 of len bytes, inverted. Summed in words of 32 bits as they lie in memory: the
 * sum does not mind the order of bytes as long as it is put back in the same. */
static uint16_t record_sum(const uint8_t *at, size_t len)
{
    uint64_t sum = 0;
    for (; len >= 4; at += 4, len -= 4) {
        uint32_t word;
        memcpy(&word, at, 4);
        sum += word;
    }
    if (len > 0) {
        uint32_t word = 0;
        memcpy(&word, at, len);
        sum += word;
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Does in the copy what the link does on the wire. 0 is sent as 0xffff, which is the same sum: to
 * UDP a 0 says that there is none. */
static void record_finish_sum(uint8_t *bytes, uint32_t len, const struct rung_frame *f)
{
    uint32_t place = (uint32_t)f->csum_start + f->csum_offset;
    if (place + 2 > len || f->csum_start >= len)
        return;
    uint16_t sum = record_sum(bytes + f->csum_start, len - f->csum_start);
    if (!sum)
        sum = 0xffff;
    memcpy(bytes + place, &sum, sizeof(sum));
}

/* What Wireshark shows beside a super-frame; text[0] is 0 for a plain frame. */
static void record_comment(char *text, size_t room, const struct rung_frame *f, uint32_t len)
{
    text[0] = '\0';
    if (!f->gso_size || f->hdr_len >= len)
        return;
    uint32_t payload = len - f->hdr_len;
    snprintf(text, room, "super-frame: %u segments of up to %u bytes each",
             (unsigned)((payload + f->gso_size - 1) / f->gso_size), (unsigned)f->gso_size);
}

static void record_lost(struct rung_net_capture *capture)
{
    const char *slot = capture->keys->slot;
    if (!capture->lost++)
        rung_log(capture->p, RUNG_LOG_WARN, slot,
                 "the ring is full and frames pass unrecorded: set %s.ring to more, or %s.snaplen "
                 "to less", slot, slot);
    capture->lost_since++;
}

/* Recording ends for good, and what has been recorded is written. */
static void record_limit(struct rung_net_capture *capture)
{
    const char *slot = capture->keys->slot;
    capture->recording = false;
    rung_log(capture->p, RUNG_LOG_WARN, slot,
             "the recording is as long as %s.limit lets it: frames pass unrecorded from here on",
             slot);
}

void rung_capture_record(struct rung_net_capture *capture, struct rung_capture_mark *mark,
                         const struct rung_frame *f, uint64_t time_ns, uint32_t flags)
{
    char comment[80];
    uint32_t len = record_frame_len(f);
    *mark = (struct rung_capture_mark){.len = len, .tried = capture->recording};
    if (!capture->recording)
        return;
    record_comment(comment, sizeof(comment), f, len);
    struct rung_pcapng_packet packet = {
        .time_ns = time_ns, .len = len, .kept = len < capture->snaplen ? len : capture->snaplen,
        .flags = flags, .lost = capture->lost_since, .comment = comment[0] ? comment : NULL,
    };
    uint32_t block_len = rung_pcapng_packet_len(&packet);
    if (block_len > capture->file_limit - capture->file_len) {
        mark->tried = false;
        record_limit(capture);
        return;
    }
    mark->block = rung_capture_ring_add(&capture->ring, block_len);
    if (!mark->block)
        return;
    uint8_t *bytes = rung_pcapng_packet(mark->block, &packet);
    record_copy(bytes, packet.kept, f);
    if ((f->flags & RUNG_FRAME_CSUM) && packet.kept == len)
        record_finish_sum(bytes, len, f);
    mark->lost = capture->lost_since;
    capture->lost_since = 0;
    capture->file_len += block_len;
}

void rung_capture_gone(struct rung_net_capture *capture, const struct rung_capture_mark *mark)
{
    capture->seen++;
    if (mark->block)
        capture->recorded++;
    else if (mark->tried)
        record_lost(capture);
}

void rung_capture_stayed(struct rung_net_capture *capture, const struct rung_capture_mark *mark)
{
    if (!mark->block)
        return;
    uint32_t len = mark->block[4] | (uint32_t)mark->block[5] << 8 | (uint32_t)mark->block[6] << 16
                   | (uint32_t)mark->block[7] << 24;
    capture->file_len -= len;
    capture->lost_since += mark->lost;
    rung_capture_ring_void(&capture->ring, mark->block);
}
