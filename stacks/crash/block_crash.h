/* SPDX-License-Identifier: ISC */
/* stacks/crash/block_crash.h - BLOCK around a BLOCK that remembers what was written, so that a test
 * can have the power cut at any moment of it, as often as it likes.
 * Model    Requests pass through. Each begin and each end of a write or flush is a moment, counted
 *          from 1. At a moment a write is kept for certain if it was done with FUA, or done before
 *          a flush began that is done. Every other one that has begun is kept, or not, or in part:
 *          some of its sectors, and one of them perhaps torn in the middle. Discards are told
 *          to the disk and otherwise ignored.
 * Units    Moments; sectors of the disk below.
 * Owner    What was written is copied to the heap until close is done. The disk below stays its
 *          opener's.
 * Context  The loop; the calls for replaying also outside of it.
 * Errors   As block.h says. A write that there is no memory for, or beyond `limit`, ends with
 *          IO. */
#ifndef RUNG_BLOCK_CRASH_H
#define RUNG_BLOCK_CRASH_H

#include "block_crash_module.h"
#include "rung/block.h"

struct rung_block_crash_event { /* a write or a flush */
    struct rung_block_crash_event *next;
    uint64_t begun, ended; /* moments; ended 0: not yet */
    uint64_t kept_by;      /* the moment at which it is certain; 0: it never was */
    uint64_t sector, count;
    bool flush;
    bool failed;           /* a write: what there is of it is never certain */
    uint8_t *data;
};

struct rung_block_crash {
    struct rung_block block;
    struct rung_platform *p;
    const char *slot;
    struct rung_block *disk;
    uint64_t moment;          /* the present one */
    uint64_t room;            /* bytes of limit that are left */
    unsigned in_flight;
    struct rung_block_crash_event *first, **end;
};

enum rung_err rung_block_crash_open(struct rung_block_crash *self, struct rung_platform *p,
                                    const struct rung_block_crash_keys *keys,
                                    const struct rung_block_crash_needs *needs);

/* Forgets what was written so far, and counts moments anew. Nothing is in flight. */
void rung_block_crash_forget(struct rung_block_crash *self);

struct rung_block_crash_replay {
    const struct rung_block_crash *crash;
    uint8_t *image;  /* what is kept for certain, the caller's */
    uint64_t moment;
    const struct rung_block_crash_event *first; /* all before are in the image */
};

/* Goes back to where recording began. image: what the disk held then, all of it. */
void rung_block_crash_rewind(const struct rung_block_crash *self,
                             struct rung_block_crash_replay *replay, uint8_t *image);

/* Goes on to the next moment; false: that was the last. Nothing is in flight. */
bool rung_block_crash_next(struct rung_block_crash_replay *replay);

/* How many writes the power cut may take at this moment, or not. */
unsigned rung_block_crash_loose(const struct rung_block_crash_replay *replay);

/* What the disk may hold if the power is cut now, into disk. *chance, not 0, chooses, and moves on;
 * NULL: all that was done is kept, and nothing else. */
void rung_block_crash_cut(const struct rung_block_crash_replay *replay, uint64_t *chance,
                          uint8_t *disk);

#endif
