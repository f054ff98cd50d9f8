/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_replay.h - reading the index when the store is opened; only for the files of
 * kvlog. kvlog_replay.c goes through the groups, kvlog_apply.c through what is in them.
 * Model    In a sound store the index as it grows here never holds a key that the store did not
 *          hold when that part of the log was written: a page says what was true of its keys where
 *          it stands, and what was removed is removed again. So no bound that writes were held to
 *          is passed on the way, however the keys came and went; only one that is less than what
 *          was allowed then. */
#ifndef RUNG_KVLOG_REPLAY_H
#define RUNG_KVLOG_REPLAY_H

#include "kvlog_index.h"
#include "kvlog_io.h"

struct kvlog_replay {
    struct rung_kvlog *self;
    struct rung_kvlog_window window;
    const struct kvlog_super *super;
    uint64_t begin; /* the first group read */
    uint64_t at;    /* the next group */
    uint32_t epoch; /* of the last one */
    bool all;       /* from the tail on */
    bool looked;    /* for groups of a later lap, in all of the ring for salvage */
    bool again;     /* there are, and salvage begins anew at: */
    uint64_t again_from;
};

/* Says that the index does not fit: NOMEM. */
int rung_kvlog_replay_no_memory(const struct kvlog_replay *r);

/* The records of a group that was looked at, up to a place. */
int rung_kvlog_replay_apply(struct kvlog_replay *r, const struct kvlog_group *group,
                            uint64_t until);

/* Salvage, where something cannot be read: every record counts that is good at its place. Pages do
 * not, of which the sum is not looked at here: what they say has been read. */
int rung_kvlog_replay_scan(struct kvlog_replay *r, uint64_t at, uint64_t end);

#endif
