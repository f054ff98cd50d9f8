/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_reclaim.h - work in the background: winning back space, and writing the index
 * into the log (a checkpoint); only for the files of kvlog.
 * Model    The oldest groups are read, some of them at a time; records that are still needed are
 *          written again at the head, and the tail follows. It stops at the last checkpoint, behind
 *          which everything is needed at the next opening, and asks for a new one. Both ride along
 *          in groups of the callers' writes, or make groups of their own.
 *          Where a header is damaged nobody knows what follows it: then the index is gone through
 *          for what lies there. */
#ifndef RUNG_KVLOG_RECLAIM_H
#define RUNG_KVLOG_RECLAIM_H

#include "kvlog_commit.h"

enum { KVLOG_PAGES = 8 /* in one group */ };

enum rung_kvlog_super {
    KVLOG_SUPER_CHECKPOINT, /* one is finished: opening begins there */
    KVLOG_SUPER_EPOCH,      /* a new one, after a group that the disk had no room for */
    KVLOG_SUPER_CLEAN,      /* the last thing that is written */
};

struct rung_kvlog_checkpoint {
    bool active, ended;    /* pages are being written; the last one is in the present group */
    bool due;              /* somebody waits for one */
    uint64_t start;        /* where the first page went */
    uint64_t last_end;     /* of the last one that was finished */
    uint64_t largest;      /* record seen on the way */
    uint8_t *pages;        /* KVLOG_PAGES of them */
    uint32_t page_bytes;
    uint16_t key_len;      /* the last key that was written; 0: none */
    char key[RUNG_KV_KEY_MAX];
    uint8_t *super;        /* a superblock on its way to both places */
    unsigned super_writes; /* left of it; 0: none is on its way */
    enum rung_kvlog_super super_why;
    struct rung_block_req super_req;
    struct rung_vec super_vec;
};

struct rung_kvlog_damage { /* a stretch of the log whose headers cannot be read */
    bool active;
    uint64_t from, to;     /* to 0: not known yet; the next header is looked for, from `look` on */
    uint64_t look;
    uint16_t key_len;      /* the last key of the index that was looked at; 0: none */
    char key[RUNG_KV_KEY_MAX];
};

struct rung_kvlog_reclaim {
    struct rung_kvlog *self;
    uint64_t at;           /* everything before is moved, or not needed */
    uint64_t group_pos;    /* the group that `at` is in, and its end; */
    uint64_t group_end;    /* 0: `at` is between groups */
    bool moving;           /* the present group holds moves: the tail follows when it is done */
    bool more;             /* there is more to do without waiting for anything */
    uint8_t *bytes;        /* a window onto the log */
    size_t room, usual;
    uint64_t from, to;
    bool reading;
    struct rung_kvlog_span span;
    int stuck;             /* why it cannot go on, until a write asks for space; 0: it can */
    uint64_t compact_to;   /* the head when compacting was asked for */
    struct rung_op *compacting;
    struct rung_kvlog_damage damage;
    struct rung_kvlog_checkpoint checkpoint;
};

enum rung_err rung_kvlog_reclaim_open(struct rung_kvlog *self);
void rung_kvlog_reclaim_free(struct rung_kvlog *self);

/* Adds to the group that is being made what the background has to write. Whether there must be a
 * group, even an empty one: to tell the disk about the tail. */
bool rung_kvlog_reclaim_offer(struct rung_kvlog *self);
/* The group has been written. */
void rung_kvlog_reclaim_committed(struct rung_kvlog *self);
/* Nothing of it counts. */
void rung_kvlog_reclaim_again(struct rung_kvlog *self);
/* There is no group to make: goes on with what else waits for that (closing). */
void rung_kvlog_reclaim_idle(struct rung_kvlog *self);

/* len bytes at pos if the window holds them; else NULL, and they are being read. */
const uint8_t *rung_kvlog_reclaim_at(struct rung_kvlog *self, uint64_t pos, uint64_t len);
/* Moves a record that is needed, whose bytes are all at `bytes`; false: not in this group. */
bool rung_kvlog_reclaim_move(struct rung_kvlog *self, struct rung_kvlog_node *node,
                             const struct kvlog_record *r, const uint8_t *bytes);
void rung_kvlog_reclaim_no_room(struct rung_kvlog *self);
/* A write waits for space, and there is no group to make: if nothing is on its way that could help,
 * it is told so. */
void rung_kvlog_reclaim_starve(struct rung_kvlog *self);

/* kvlog_salvage.c. begin: the header at reclaim->at is damaged. step: whether it may be called
 * again at once. */
void rung_kvlog_salvage_begin(struct rung_kvlog *self);
bool rung_kvlog_salvage_step(struct rung_kvlog *self, uint64_t limit);
/* Marks the key's value as lost; false: not in this group. */
bool rung_kvlog_salvage_lose(struct rung_kvlog *self, struct rung_kvlog_node *node);

/* kvlog_checkpoint.c */
bool rung_kvlog_checkpoint_due(const struct rung_kvlog *self);
/* What a write leaves free, beside what must stay so, for the next one to begin in time: more and
 * more, so that no write waits for all of it. */
uint64_t rung_kvlog_checkpoint_room(const struct rung_kvlog *self);
void rung_kvlog_checkpoint_begin(struct rung_kvlog *self);
void rung_kvlog_checkpoint_offer(struct rung_kvlog *self);
void rung_kvlog_checkpoint_committed(struct rung_kvlog *self);
/* Writes both superblocks, one after the other. */
void rung_kvlog_super_start(struct rung_kvlog *self, enum rung_kvlog_super why);
struct kvlog_super rung_kvlog_super_of(const struct rung_kvlog *self, bool clean);
/* kvlog.c: everything is written; lets go. */
void rung_kvlog_closed(struct rung_kvlog *self, int err);

#endif
