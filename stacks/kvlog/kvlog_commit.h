/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_commit.h - the group that is being made and written; only for the files of
 * kvlog.
 * Model    One group at a time. It begins with what the background has to write (items), then come
 *          writes, in the order they were asked for. Its bytes go through a few buffers, so that
 *          no group is too big for memory, and all memory that is needed is there from the start.
 *          When the last byte is durable the index changes and the writes are done. */
#ifndef RUNG_KVLOG_COMMIT_H
#define RUNG_KVLOG_COMMIT_H

#include "kvlog_index.h"
#include "kvlog_io.h"

enum {
    KVLOG_BUFFERS = 4,
    KVLOG_BUFFER_BYTES = 131072,
    KVLOG_ITEMS = 512,
};

struct rung_kvlog_item { /* a record of the background's: MOVE, LOST or PAGE */
    struct kvlog_record record;
    const uint8_t *bytes;         /* the value: with its sums, but for a PAGE */
    struct rung_kvlog_node *node; /* what moves */
    uint64_t pos;                 /* where it went */
};

struct rung_kvlog_planned { /* a change of a write */
    struct rung_kvlog_node *node; /* NULL: there was nothing to remove */
    uint64_t pos;
    uint32_t before, size;
};

struct rung_kvlog_buffer {
    struct rung_kvlog_span span;
    struct rung_kvlog_commit *commit;
    uint8_t *bytes;
    bool busy;
};

struct rung_kvlog_cursor { /* where the making of a group stands */
    enum kvlog_phase { KVLOG_AT_RECORD, KVLOG_AT_CHUNK, KVLOG_AT_SUM, KVLOG_AT_END } phase;
    const uint8_t *from; /* the piece that is being copied */
    size_t left;
    uint64_t pos;        /* of the byte behind that piece */
    unsigned item, change;
    struct rung_kv_write *write;
    uint32_t epoch;
    struct kvlog_record record;
    const uint8_t *raw;  /* the value of a moved record */
    struct rung_vec page;
    const struct rung_vec *vec; /* the value of another: the piece and how much of it is used */
    size_t vec_used;
    uint32_t done, index; /* bytes and chunks of the value */
    uint8_t head[KVLOG_RECORD_BYTES + RUNG_KV_KEY_MAX];
    uint8_t sum[KVLOG_SUM_BYTES];
    uint8_t chunk[KVLOG_CHUNK];
};

struct rung_kvlog_commit {
    struct rung_kvlog *self;
    bool busy;
    bool no_room; /* it waits for a new epoch to begin, and is refused then */
    struct kvlog_group group;
    struct rung_kvlog_item items[KVLOG_ITEMS];
    unsigned item_count;
    void *writes, **writes_end;    /* struct rung_kv_write, linked by module[0] */
    const struct rung_kv_write *blocked; /* waits for space; not to be looked into */
    uint64_t blocked_mark;         /* where the head was then */
    bool alone;                    /* the next group is for a write that is too long to share one */
    struct rung_kvlog_cursor cursor;
    struct rung_kvlog_buffer buffers[KVLOG_BUFFERS], *filling;
    size_t buffer_bytes, filled;
    uint64_t filling_pos;
    unsigned busy_buffers, used_buffers;
    bool ended;
    int err;
    struct rung_block_req flush;
};

enum rung_err rung_kvlog_commit_open(struct rung_kvlog *self);
void rung_kvlog_commit_free(struct rung_kvlog *self);

/* What the disk could still take, if the next group were written now. */
uint64_t rung_kvlog_free(const struct rung_kvlog *self);
/* What must stay free, so that space can be won back and the index be written, if the next group
 * has so many bytes. */
uint64_t rung_kvlog_reserve(const struct rung_kvlog *self, uint64_t next);
/* Bytes of a group beyond which no write joins others, or what the background writes. */
uint64_t rung_kvlog_shared(const struct rung_kvlog *self);
/* Takes note of a group in the log. */
void rung_kvlog_count_group(struct rung_kvlog *self, uint64_t len);
/* How much of the ring is taken when there is nothing to win back: by records in groups of the
 * background's, and two checkpoints. */
uint64_t rung_kvlog_needed(const struct rung_kvlog *self);
/* The bytes of the index in the log, at most. */
uint64_t rung_kvlog_pages(const struct rung_kvlog *self);

/* Adds a record of the background's to the group that is being made; false: no room for it. */
bool rung_kvlog_commit_add(struct rung_kvlog *self, const struct rung_kvlog_item *item);

/* kvlog_emit.c: the next piece of the group: cursor->from and left. False: that was all. */
void rung_kvlog_emit_begin(struct rung_kvlog_commit *commit);
bool rung_kvlog_emit_next(struct rung_kvlog_commit *commit);

/* kvlog_write.c: takes waiting writes into the group that is being made. */
void rung_kvlog_take_writes(struct rung_kvlog *self);
/* Takes back what the writes of the group have planned, the last first. */
void rung_kvlog_unplan_writes(struct rung_kvlog *self);
/* Carries out what a write has planned; or with err it was taken back. It is done then. */
void rung_kvlog_end_write(struct rung_kvlog *self, struct rung_kv_write *write, int err);
/* Ends every write that waits. */
void rung_kvlog_refuse_writes(struct rung_kvlog *self, int err);

/* kvlog_commit.c: makes a group of what there is, unless one is on its way. Any context. */
void rung_kvlog_work(struct rung_task *task);

/* A new epoch has begun behind a group that the disk had no room for; or the medium has failed. */
void rung_kvlog_commit_refused(struct rung_kvlog *self);
/* What a write answers once the medium has failed. */
int rung_kvlog_refusal(const struct rung_kvlog *self);
/* The medium has failed: nothing is written any more. */
void rung_kvlog_fail(struct rung_kvlog *self, int err, const char *doing);

#endif
