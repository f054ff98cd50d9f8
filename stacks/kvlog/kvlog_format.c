/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_format.c - to the disk and from it; see kvlog_format.h. What is read is
 * believed only after its sum, and checked all the same: whoever makes a disk can make sums. */
#include "kvlog_format.h"

#include <string.h>

#define GROUP_MAGIC UINT32_C(0x676b7672) /* "rvkg" */
#define LOST_BIT (UINT64_C(1) << 63)

enum { CLEAN = 1 };

static void put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static uint16_t get16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

void rung_kvlog_put32(uint8_t *to, uint32_t value)
{
    put16(to, (uint16_t)value);
    put16(to + 2, (uint16_t)(value >> 16));
}

uint32_t rung_kvlog_get32(const uint8_t *from)
{
    return get16(from) | (uint32_t)get16(from + 2) << 16;
}

void rung_kvlog_put64(uint8_t *to, uint64_t value)
{
    rung_kvlog_put32(to, (uint32_t)value);
    rung_kvlog_put32(to + 4, (uint32_t)(value >> 32));
}

static uint64_t get64(const uint8_t *from)
{
    return rung_kvlog_get32(from) | (uint64_t)rung_kvlog_get32(from + 4) << 32;
}

uint64_t rung_kvlog_chunk_sum(uint64_t salt, uint64_t version, uint64_t index, const void *bytes,
                              size_t len)
{
    return rung_kvlog_sum(kvlog_seed(salt, version, index + 1), bytes, len);
}

bool rung_kvlog_chunk_good(uint64_t salt, uint64_t version, uint64_t index, const uint8_t *chunk,
                           size_t n)
{
    return rung_kvlog_chunk_sum(salt, version, index, chunk, n) == get64(chunk + n);
}

bool rung_kvlog_stream_good(uint64_t salt, uint64_t version, const uint8_t *stream, uint32_t size)
{
    for (uint32_t at = 0, index = 0; at < size; index++) {
        uint32_t n = size - at < KVLOG_CHUNK ? size - at : (uint32_t)KVLOG_CHUNK;
        if (!rung_kvlog_chunk_good(salt, version, index, stream, n))
            return false;
        stream += n + KVLOG_SUM_BYTES;
        at += n;
    }
    return true;
}

void rung_kvlog_put_super(uint8_t *to, const struct kvlog_super *super)
{
    memset(to, 0, KVLOG_SUPER_BYTES);
    memcpy(to, KVLOG_MAGIC, 8);
    rung_kvlog_put32(to + 8, super->version);
    rung_kvlog_put32(to + 12, super->unit);
    rung_kvlog_put64(to + 16, super->written);
    memcpy(to + 24, super->id, sizeof(super->id));
    rung_kvlog_put64(to + 40, super->ring);
    rung_kvlog_put32(to + 48, super->epoch);
    rung_kvlog_put32(to + 52, super->clean ? CLEAN : 0);
    rung_kvlog_put64(to + 56, super->checkpoint);
    rung_kvlog_put64(to + 64, super->head);
    rung_kvlog_put64(to + 72, super->tail);
    rung_kvlog_put64(to + 80, super->group);
    rung_kvlog_put64(to + KVLOG_SUPER_BYTES - 8, rung_kvlog_sum(0, to, KVLOG_SUPER_BYTES - 8));
}

uint32_t rung_kvlog_super_version(const uint8_t *from)
{
    if (memcmp(from, KVLOG_MAGIC, 8) != 0
        || get64(from + KVLOG_SUPER_BYTES - 8) != rung_kvlog_sum(0, from, KVLOG_SUPER_BYTES - 8))
        return 0;
    return rung_kvlog_get32(from + 8);
}

bool rung_kvlog_get_super(const uint8_t *from, struct kvlog_super *super)
{
    if (rung_kvlog_super_version(from) != KVLOG_VERSION)
        return false;
    *super = (struct kvlog_super){
        .version = rung_kvlog_get32(from + 8), .unit = rung_kvlog_get32(from + 12),
        .written = get64(from + 16), .ring = get64(from + 40),
        .epoch = rung_kvlog_get32(from + 48), .clean = rung_kvlog_get32(from + 52) & CLEAN,
        .checkpoint = get64(from + 56), .head = get64(from + 64), .tail = get64(from + 72),
        .group = get64(from + 80),
    };
    memcpy(super->id, from + 24, sizeof(super->id));
    uint64_t unit = super->unit, ring = super->ring, most = UINT64_C(1) << 62;
    return (unit == 512 || unit == 4096) && ring >= 64 * unit && ring < most && ring % unit == 0
           && super->head < most && super->head % unit == 0
           && super->checkpoint <= super->head && super->checkpoint % unit == 0
           && super->tail <= super->checkpoint && super->tail % unit == 0
           && super->head - super->tail <= ring && super->group <= ring;
}

void rung_kvlog_put_group(uint8_t *to, uint64_t salt, const struct kvlog_group *group)
{
    rung_kvlog_put32(to + 8, GROUP_MAGIC);
    rung_kvlog_put32(to + 12, group->epoch);
    rung_kvlog_put64(to + 16, group->pos);
    rung_kvlog_put64(to + 24, group->len);
    rung_kvlog_put64(to + 32, group->tail);
    rung_kvlog_put32(to + 40, group->count);
    rung_kvlog_put32(to + 44, 0);
    rung_kvlog_put64(to, rung_kvlog_sum(kvlog_seed(salt, group->pos, 0), to + 8,
                                        KVLOG_GROUP_BYTES - 8));
}

uint64_t rung_kvlog_group_place(const uint8_t *from)
{
    return get64(from + 16);
}

bool rung_kvlog_get_group(const uint8_t *from, uint64_t salt, struct kvlog_group *group)
{
    uint64_t pos = group->pos;
    if (rung_kvlog_get32(from + 8) != GROUP_MAGIC || rung_kvlog_group_place(from) != pos
        || get64(from) != rung_kvlog_sum(kvlog_seed(salt, pos, 0), from + 8, KVLOG_GROUP_BYTES - 8))
        return false;
    *group = (struct kvlog_group){
        .pos = pos, .len = get64(from + 24), .tail = get64(from + 32),
        .epoch = rung_kvlog_get32(from + 12), .count = rung_kvlog_get32(from + 40),
    };
    return group->len >= KVLOG_GROUP_BYTES && group->len < UINT64_C(1) << 62 && group->tail <= pos;
}

void rung_kvlog_put_record(uint8_t *to, uint64_t salt, uint64_t pos, const struct kvlog_record *r)
{
    to[8] = r->type;
    to[9] = 0;
    put16(to + 10, r->key_len);
    rung_kvlog_put32(to + 12, r->size);
    rung_kvlog_put32(to + 16, r->epoch);
    rung_kvlog_put64(to + 20, r->version);
    rung_kvlog_put64(to + 28, r->old);
    if (r->key_len)
        memcpy(to + KVLOG_RECORD_BYTES, r->key, r->key_len);
    rung_kvlog_put64(to, rung_kvlog_sum(kvlog_seed(salt, pos, 0), to + 8,
                             KVLOG_RECORD_BYTES - 8u + r->key_len));
}

bool rung_kvlog_get_record(const uint8_t *from, size_t len, uint64_t salt, uint64_t pos,
                           struct kvlog_record *r)
{
    if (len < KVLOG_RECORD_BYTES)
        return false;
    *r = (struct kvlog_record){
        .type = from[8], .key_len = get16(from + 10), .size = rung_kvlog_get32(from + 12),
        .epoch = rung_kvlog_get32(from + 16), .version = get64(from + 20), .old = get64(from + 28),
        .key = from + KVLOG_RECORD_BYTES,
    };
    if (r->key_len > RUNG_KV_KEY_MAX || len - KVLOG_RECORD_BYTES < r->key_len
        || get64(from) != rung_kvlog_sum(kvlog_seed(salt, pos, 0), from + 8,
                                         KVLOG_RECORD_BYTES - 8u + r->key_len))
        return false;
    if (r->type == KVLOG_PAGE)
        return r->key_len == 0 && r->size >= KVLOG_PAGE_HEAD && r->size <= KVLOG_PAGE_BYTES;
    return r->type >= KVLOG_SET && r->type < KVLOG_PAGE && r->key_len > 0
           && r->size <= KVLOG_VALUE_MAX;
}

size_t rung_kvlog_put_entry(uint8_t *to, const struct kvlog_entry *entry)
{
    put16(to, entry->shared);
    put16(to + 2, entry->rest);
    rung_kvlog_put32(to + 4, entry->size);
    rung_kvlog_put64(to + 8, entry->pos | (entry->lost ? LOST_BIT : 0));
    memcpy(to + KVLOG_ENTRY_BYTES, entry->key, entry->rest);
    return KVLOG_ENTRY_BYTES + (size_t)entry->rest;
}

size_t rung_kvlog_get_entry(const uint8_t *from, size_t len, struct kvlog_entry *entry)
{
    if (len < KVLOG_ENTRY_BYTES)
        return 0;
    uint64_t pos = get64(from + 8);
    *entry = (struct kvlog_entry){
        .shared = get16(from), .rest = get16(from + 2), .size = rung_kvlog_get32(from + 4),
        .pos = pos & ~LOST_BIT, .lost = pos & LOST_BIT, .key = from + KVLOG_ENTRY_BYTES,
    };
    if (len - KVLOG_ENTRY_BYTES < entry->rest || entry->shared + entry->rest < 1
        || entry->shared + entry->rest > (int)RUNG_KV_KEY_MAX || entry->size > KVLOG_VALUE_MAX)
        return 0;
    return KVLOG_ENTRY_BYTES + (size_t)entry->rest;
}
