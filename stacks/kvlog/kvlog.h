/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog.h - KV on a disk: durable, and whole after a power cut.
 * Model    A log in a ring of sectors, and the index of its keys in memory. Writes that wait
 *          together become one group, and share one flush; a group happens as a whole or not at
 *          all. Space is won back in the background, the oldest group first, and the index is
 *          written into the log from time to time, so that opening reads no more than that and
 *          what followed. docs/reference/kvlog-format.md describes the disk,
 *          docs/decisions/0007-kvlog.md why it is like that. Takes any key.
 * Units    Bytes. A key costs about 50 bytes of memory besides itself, the same at each opening:
 *          what was accepted under `memory` opens again under it. Opening takes up to twice that on
 *          the way, if the log tells of keys that are gone.
 * Owner    The state is the opener's; all else is on the heap until close is done. The disk is
 *          kvlog's alone while it is open.
 * Context  The loop. open runs it until the index is read: outside callbacks only.
 * Errors   open: NOTFOUND (no store there), NOTSUP (another version or sector size), CORRUPT,
 *          INVAL (too small, cut off), RANGE (a key), READONLY, NOMEM, IO, DOWN, CANCELED (the
 *          loop was stopped). Nothing is written then. Requests: as kv.h says; NOMEM also for a new
 *          key when the index has reached `memory`. FULL also when the disk itself has no room; the
 *          next write tries again. After a write that failed with IO all later ones answer READONLY
 *          until it is opened anew: nobody knows what of it the disk holds. */
#ifndef RUNG_KVLOG_H
#define RUNG_KVLOG_H

#include "kvlog_module.h"
#include "rung/block.h"
#include "rung/kv.h"

/* Every fourth key rises a level: good for 4^12 keys and more. */
#define RUNG_KVLOG_LEVELS 12u

struct rung_kvlog_node;    /* a key; see kvlog_index.h */
struct rung_kvlog_commit;  /* the group that is being written; see kvlog_commit.h */
struct rung_kvlog_reclaim; /* winning back space, and writing the index; see kvlog_reclaim.h */

struct rung_kvlog_index {
    struct rung_kvlog_node *first[RUNG_KVLOG_LEVELS];
    uint64_t keys;
    uint64_t memory, memory_max; /* bytes taken, with the keys; most allowed, 0: no bound */
    uint64_t live;               /* bytes of the records that are needed, once all is written */
    uint64_t paged;              /* bytes of their entries in a checkpoint, at most */
    uint64_t largest, recent;    /* record, at least; the same since the last checkpoint began */
    bool reading;                /* the log: it may take twice as much on the way */
};

/* Places in the log are counted from its beginning and never used twice; where one lies on the disk
 * is its remainder by ring. */
struct rung_kvlog_ring {
    uint32_t unit;       /* groups begin at multiples of this: the sector size it was made for */
    uint64_t ring;       /* bytes */
    uint64_t head;       /* where the next group goes */
    uint64_t tail;       /* nothing before it is needed */
    uint64_t tail_kept;  /* the same as a crash would find it: what may be written over */
    uint64_t checkpoint; /* where reading begins at the next opening */
    uint64_t step;       /* bytes of background work at a time */
    uint64_t together;   /* bytes of a group beyond which no more writes join it */
    uint64_t every;      /* bytes of log from one checkpoint to the next, at least */
    /* No group from tail to head is longer than the longer of: the longest of those in front of
     * group_mark, and of those since. Space is won a whole group at a time. */
    uint64_t group_before, group_since, group_mark;
    uint64_t salt;       /* of all sums, from the store's id */
    uint64_t written;    /* superblocks so far */
    uint32_t epoch;      /* openings so far */
    uint8_t id[16];
};

struct rung_kvlog {
    struct rung_kv kv;
    struct rung_platform *p;
    struct rung_block *block;
    const char *slot;
    struct rung_kvlog_index index;
    struct rung_kvlog_ring log;
    uint64_t max_bytes; /* of live; 0: what the disk holds */
    uint64_t versions;  /* the last number given out in this epoch */
    bool writable, salvage;
    unsigned worse_super; /* of the two: the one that was damaged or older when it was opened */
    bool torn;          /* opening found an unfinished group, and cut it */
    bool stale;         /* and superblocks that are older than the log's end */
    bool partial;       /* under salvage: keys may be missing, values be older */
    bool full_told, memory_told;
    uint64_t full_live, full_next_ns; /* in use when it was told; when it may be told again */
    int failed;         /* of the medium; 0: it works */
    bool no_room_told;
    bool resting;       /* the background waits until somebody writes: the disk had no room */
    bool checking;      /* it waits until the check is over */
    unsigned gets;      /* in flight or lent */
    void *writes, **writes_end; /* struct rung_kv_write, waiting, linked by module[0] */
    struct rung_kvlog_commit *commit;
    struct rung_kvlog_reclaim *reclaim;
    struct rung_task work;
    struct rung_op *closing;
};

enum rung_err rung_kvlog_open(struct rung_kvlog *self, struct rung_platform *p,
                              const struct rung_kvlog_keys *keys,
                              const struct rung_kvlog_needs *needs);

/* Moves all that is needed together, so that the ring holds nothing else, and writes the index.
 * op->done: 0, READONLY, or what the medium answered. One at a time. */
void rung_kvlog_compact(struct rung_kvlog *self, struct rung_op *op);

struct rung_kvlog_check {
    /* For each damage; the place is a byte of the disk. May be NULL. */
    void (*found)(struct rung_kvlog_check *check, uint64_t place, const char *what);
    /* After each group: how many bytes of all that are to be read. May be NULL. */
    void (*progress)(struct rung_kvlog_check *check, uint64_t done, uint64_t total);
    void *arg;
    uint64_t groups, records, keys; /* out: seen */
    uint64_t damages;               /* out */
};

/* Reads all of the store and looks at every sum. 0, however much damage there is; or what kept it
 * from reading on. The caller has nothing in flight; it runs the loop: outside callbacks only.
 * Writes that come meanwhile are not looked at; what they need space won back for waits. */
int rung_kvlog_check(struct rung_kvlog *self, struct rung_kvlog_check *check);

#endif
