/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_io.h - the ring as if it had no ends, and reading it while the store is
 * opened or checked; only for the files of kvlog. */
#ifndef RUNG_KVLOG_IO_H
#define RUNG_KVLOG_IO_H

#include "kvlog.h"
#include "kvlog_format.h"

/* A read or write of whole units of the log, in one request or, across the ring's end, two. */
struct rung_kvlog_span {
    void (*done)(struct rung_kvlog_span *span); /* from the loop, once all of it is */
    int err;                                    /* the first one; what is worse before FULL */
    unsigned left;
    struct rung_kvlog_part {
        struct rung_block_req req;
        struct rung_vec vec;
        struct rung_kvlog_span *span;
    } part[2];
};

void rung_kvlog_span_start(struct rung_kvlog *self, struct rung_kvlog_span *span,
                           enum rung_block_kind kind, unsigned flags, uint64_t pos, void *bytes,
                           size_t len);

static inline uint64_t rung_kvlog_down(const struct rung_kvlog *self, uint64_t pos)
{
    return pos - pos % self->log.unit;
}

static inline uint64_t rung_kvlog_up(const struct rung_kvlog *self, uint64_t pos)
{
    return rung_kvlog_down(self, pos + self->log.unit - 1);
}

/* The byte of the disk at which a place of the log lies. */
static inline uint64_t rung_kvlog_place(const struct rung_kvlog *self, uint64_t pos)
{
    return KVLOG_RING_AT + pos % self->log.ring;
}

/* Whether epochs or places might run out in one use of the store. No store comes there: a billion
 * openings, or years of writing, are less. What is there anyway is read, and never written on. */
static inline bool rung_kvlog_used_up(const struct rung_kvlog *self)
{
    return self->log.epoch >= UINT32_C(1) << 31 || self->log.head >= UINT64_C(1) << 61;
}

/* One request from start to end: runs the loop, so outside callbacks only. offset: bytes, whole
 * sectors. CANCELED: it is done, but somebody stopped the loop meanwhile. */
int rung_kvlog_now(struct rung_kvlog *self, enum rung_block_kind kind, unsigned flags,
                   uint64_t offset, void *bytes, size_t len);

/* A window that moves over the log, for reading it from one end to the other. The same context. */
struct rung_kvlog_window {
    struct rung_kvlog *self;
    uint8_t *bytes;
    size_t room;
    uint64_t from, to; /* what it holds */
    int err;           /* what reading ran into; then nothing more is read */
};

enum rung_err rung_kvlog_window_open(struct rung_kvlog *self, struct rung_kvlog_window *window);
void rung_kvlog_window_close(struct rung_kvlog_window *window);

/* len bytes of the log at pos, or NULL. They move at the next call. */
const uint8_t *rung_kvlog_window_at(struct rung_kvlog_window *window, uint64_t pos, size_t len);

enum rung_kvlog_verdict {
    KVLOG_GOOD,
    KVLOG_NO_GROUP,    /* there is no group's header at pos */
    KVLOG_BAD_RECORD,  /* nor a record's at `bad`, inside the group */
    KVLOG_BAD_VALUE,   /* the headers are good, the value of the record at `bad` is not */
    KVLOG_BAD_PAGE,    /* the same for a page of the index */
    KVLOG_NOT_READ,    /* window->err */
};

struct rung_kvlog_survey { /* what was found of a group */
    struct kvlog_group group; /* in: pos */
    uint64_t bad;
};

/* Looks at every sum of the group at survey->group.pos. */
enum rung_kvlog_verdict rung_kvlog_survey(struct rung_kvlog_window *window,
                                          struct rung_kvlog_survey *survey);

/* The place of the first group's header in [from, to) of at least that epoch; or to. */
uint64_t rung_kvlog_next_group(struct rung_kvlog_window *window, uint64_t from, uint64_t to,
                               uint32_t epoch);

/* Whether the disk holds groups of a later lap where [from, to) lies: the newest. */
bool rung_kvlog_lapped(struct rung_kvlog_window *window, uint64_t from, uint64_t to,
                       struct kvlog_group *newest);

/* The group whose header is at group->pos, if there is one that can be. */
bool rung_kvlog_window_group(struct rung_kvlog_window *window, struct kvlog_group *group);

/* Whether the value at `at`, behind the record's header and key, is as it was written. */
bool rung_kvlog_window_value(struct rung_kvlog_window *window, uint64_t at,
                             const struct kvlog_record *r);

/* The record at pos inside a group that ends at `end`; its key is good until the window moves. */
bool rung_kvlog_window_record(struct rung_kvlog_window *window, uint64_t pos, uint64_t end,
                              struct kvlog_record *r);

/* kvlog_replay.c: reads the index, from where the superblock says, and finds the log's end. */
int rung_kvlog_replay(struct rung_kvlog *self, const struct kvlog_super *super);

#endif
