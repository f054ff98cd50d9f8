/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_format.h - what lies on the disk, as docs/reference/kvlog-format.md has it;
 * only for the files of kvlog. All numbers are little-endian. */
#ifndef RUNG_KVLOG_FORMAT_H
#define RUNG_KVLOG_FORMAT_H

#include "rung/kv.h"

#define KVLOG_MAGIC "rung-kv\n"
#define KVLOG_VERSION 1u
#define KVLOG_ABSENT UINT32_MAX /* as the size of a value: no such key */

enum {
    KVLOG_SUPER_BYTES = 512,
    KVLOG_SUPER_STEP = 4096, /* from the first superblock to the second */
    KVLOG_RING_AT = 8192,
    KVLOG_GROUP_BYTES = 48,
    KVLOG_RECORD_BYTES = 36,
    KVLOG_SUM_BYTES = 8,
    KVLOG_CHUNK = 8192,     /* of a value, under one sum */
    KVLOG_ENTRY_BYTES = 16, /* of a key in a page, without the key */
    KVLOG_PAGE_BYTES = KVLOG_CHUNK, /* of keys and places: one chunk */
    KVLOG_PAGE_HEAD = 8,
    KVLOG_VALUE_MAX = 32 << 20,
    KVLOG_GROUP_MAX = 64 << 20, /* bytes of one write; how far damage hides what follows */
};

enum kvlog_type {
    KVLOG_SET = 1,
    KVLOG_REMOVE = 2,
    KVLOG_MOVE = 3, /* a SET in a new place: counts if the key is still at `old` */
    KVLOG_LOST = 4, /* the same for a value that could not be read any more */
    KVLOG_PAGE = 5, /* of a checkpoint: keys and places in order */
};

struct kvlog_super {
    uint32_t version, unit, epoch;
    bool clean; /* closed: the log ends at head, and not behind it */
    uint64_t written, ring, checkpoint, head, tail;
    uint64_t group; /* bytes: none from tail to head is longer */
    uint8_t id[16];
};

struct kvlog_group {
    uint64_t pos, len, tail; /* len: with this header, without the padding behind */
    uint32_t epoch, count;   /* count: records */
};

struct kvlog_record {
    uint8_t type;
    uint16_t key_len;
    uint32_t size, epoch;
    uint64_t version, old;
    const uint8_t *key; /* behind the header */
};

struct kvlog_entry { /* of a page */
    uint16_t shared, rest; /* bytes of the key: as in the entry before, and given here */
    uint32_t size;
    uint64_t pos;
    bool lost;
    const uint8_t *key; /* the rest */
};

/* 64 bits over len bytes: XXH3. */
uint64_t rung_kvlog_sum(uint64_t seed, const void *bytes, size_t len);
/* 64 bits of a key, for the index, that nobody can foresee who does not know the salt. */
uint64_t rung_kvlog_chance(uint64_t salt, const void *key, size_t len);

static inline uint64_t kvlog_seed(uint64_t salt, uint64_t a, uint64_t b)
{
    return (salt ^ a * UINT64_C(0x9e3779b97f4a7c15)) + b * UINT64_C(0xc2b2ae3d27d4eb4f);
}

/* How long the value lies on the disk: each chunk with its sum behind it. */
static inline uint64_t kvlog_stream(uint32_t size)
{
    return size + (uint64_t)KVLOG_SUM_BYTES * ((size + KVLOG_CHUNK - 1u) / KVLOG_CHUNK);
}

static inline uint64_t kvlog_record_bytes(size_t key_len, uint32_t size)
{
    return KVLOG_RECORD_BYTES + key_len + kvlog_stream(size);
}

static inline bool kvlog_has_stream(uint8_t type)
{
    return type == KVLOG_SET || type == KVLOG_MOVE || type == KVLOG_PAGE;
}

/* All of the record on the disk. */
static inline uint64_t kvlog_whole(const struct kvlog_record *r)
{
    return kvlog_record_bytes(r->key_len, kvlog_has_stream(r->type) ? r->size : 0);
}

uint64_t rung_kvlog_chunk_sum(uint64_t salt, uint64_t version, uint64_t index, const void *bytes,
                              size_t len);

/* Whether a chunk is as it was written: n bytes, and the sum behind them. */
bool rung_kvlog_chunk_good(uint64_t salt, uint64_t version, uint64_t index, const uint8_t *chunk,
                           size_t n);

/* Whether every chunk of the value is as it was written. */
bool rung_kvlog_stream_good(uint64_t salt, uint64_t version, const uint8_t *stream, uint32_t size);

/* Fill KVLOG_SUPER_BYTES, KVLOG_GROUP_BYTES; KVLOG_RECORD_BYTES and the key. */
void rung_kvlog_put_super(uint8_t *to, const struct kvlog_super *super);
void rung_kvlog_put_group(uint8_t *to, uint64_t salt, const struct kvlog_group *group);
void rung_kvlog_put_record(uint8_t *to, uint64_t salt, uint64_t pos, const struct kvlog_record *r);

/* Of a superblock whose sum is right; 0: it is none. */
uint32_t rung_kvlog_super_version(const uint8_t *from);
/* Whether it is one, of this version, undamaged. */
bool rung_kvlog_get_super(const uint8_t *from, struct kvlog_super *super);
/* Whether it is the header of a group at group->pos. */
bool rung_kvlog_get_group(const uint8_t *from, uint64_t salt, struct kvlog_group *group);
/* The place that it says, unproved. */
uint64_t rung_kvlog_group_place(const uint8_t *from);

/* Reads a record's header from at most len bytes, with the key behind it. False: they do not
 * hold one that was written to pos. */
bool rung_kvlog_get_record(const uint8_t *from, size_t len, uint64_t salt, uint64_t pos,
                           struct kvlog_record *r);

/* Entries of pages. get: how many bytes it took of at most len, 0: none. */
size_t rung_kvlog_put_entry(uint8_t *to, const struct kvlog_entry *entry);
size_t rung_kvlog_get_entry(const uint8_t *from, size_t len, struct kvlog_entry *entry);

void rung_kvlog_put64(uint8_t *to, uint64_t value);
void rung_kvlog_put32(uint8_t *to, uint32_t value);
uint32_t rung_kvlog_get32(const uint8_t *from);

#endif
