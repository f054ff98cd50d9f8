/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_replay.c - reading the index when the store is opened, and finding where the
 * log ends. From the place the superblock names on, the log holds pages of the index and the writes
 * made meanwhile and since; applied in order they give the index, because a page holds what was
 * true of its keys where it stands (docs/reference/kvlog-format.md).
 * Only one group is written at a time, and the next begins when it is durable. So a group that is
 * not whole, with none behind it, was never acknowledged, and is cut off; with one behind it, or in
 * a store that was closed, it is damage. No group is begun before both superblocks name its epoch:
 * where one of a later epoch follows, or of a later lap stands where they have the log begin, they
 * are not the ones that were written last.
 * Salvage, once it has met damage, reads everything that is needed, from the tail on: what a page
 * said that is lost, the records before it say as well. */
#include "kvlog_replay.h"

#include "rung/log.h"

static unsigned long long replay_place(const struct kvlog_replay *r, uint64_t pos)
{
    return (unsigned long long)rung_kvlog_place(r->self, pos);
}

/* Where a group ends at the latest that begins at r->at, or that something of stands there. */
static uint64_t replay_reach(const struct kvlog_replay *r)
{
    uint64_t most = KVLOG_GROUP_MAX + (UINT64_C(1) << 22);
    uint64_t lap = r->self->log.ring - r->self->log.unit;
    return r->at + (most < lap ? most : lap);
}

/* The group at r->at is not whole. Where the log goes on; 0: nowhere. */
static uint64_t replay_behind(struct kvlog_replay *r)
{
    struct rung_kvlog *self = r->self;
    uint64_t unit = self->log.unit, to = replay_reach(r);
    if (r->at < r->super->head && to > r->super->head)
        to = r->super->head; /* what the superblock knows to be written */
    uint64_t next = rung_kvlog_next_group(&r->window, r->at + unit, to, r->epoch);
    if (next < to)
        return next;
    return r->at < r->super->head ? r->super->head : 0;
}

/* Damage. A value that cannot be read is found out when it is asked for; what else is not
 * readable hides writes, and older values would pass for the newest. */
static int replay_damage(struct kvlog_replay *r, enum rung_kvlog_verdict verdict, uint64_t bad)
{
    struct rung_kvlog *self = r->self;
    if (verdict == KVLOG_BAD_VALUE) {
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "a value is damaged at byte %llu of the disk",
                 replay_place(r, bad));
        return RUNG_OK;
    }
    if (self->salvage && !r->all)
        return RUNG_E_CORRUPT; /* once more, from the tail on */
    if (self->salvage) {
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "what stands at byte %llu of the disk is "
                 "damaged, and left out: older values may stand for newer ones",
                 replay_place(r, bad));
        self->partial = true;
        return RUNG_OK;
    }
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is damaged at byte %llu: restore a "
             "copy, or salvage what is left (%s.salvage=on; rung-kv dump --salvage)",
             replay_place(r, bad),
             self->slot);
    return RUNG_E_CORRUPT;
}

/* The group at pos is one of which the superblocks should know, and do not: the disk has lost what
 * was written to them, or somebody has put back an older copy. It would be written over. Salvage
 * reads on through it. */
static int replay_stale(struct kvlog_replay *r, uint64_t pos)
{
    struct rung_kvlog *self = r->self;
    self->stale = true;
    if (self->salvage) {
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "the superblocks are older than what is "
                 "written at byte %llu of the disk: it is read as well, and nobody knows whether "
                 "more was", replay_place(r, pos));
        self->partial = true;
        return RUNG_OK;
    }
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is damaged: its superblocks are older "
             "than what is written at byte %llu; restore a copy, or salvage what is there "
             "(%s.salvage=on; rung-kv dump --salvage)", replay_place(r, pos), self->slot);
    return RUNG_E_CORRUPT;
}

/* The next group, which stands where the superblocks know of none, is of a later epoch than
 * theirs. */
static int replay_look_stale(struct kvlog_replay *r)
{
    struct rung_kvlog *self = r->self;
    struct kvlog_group group = {.pos = r->at};
    if (self->stale || r->at < r->super->head)
        return RUNG_OK;
    const uint8_t *bytes = rung_kvlog_window_at(&r->window, r->at, KVLOG_GROUP_BYTES);
    if (!bytes)
        return r->window.err;
    if (!rung_kvlog_get_group(bytes, self->log.salt, &group) || group.epoch <= r->super->epoch)
        return RUNG_OK;
    return replay_stale(r, r->at);
}

/* No group is where one should be, or the log is empty. If the superblocks are not the last that
 * were written, the log may have gone round since: then groups of a later lap stand here, as no log
 * holds them that these superblocks are right about. Salvage reads what the newest of them needs,
 * which may stand anywhere. */
static int replay_look_lapped(struct kvlog_replay *r)
{
    struct rung_kvlog *self = r->self;
    struct kvlog_group newest = {0};
    uint64_t to = self->salvage ? r->at + self->log.ring : replay_reach(r);
    if (r->looked || self->stale)
        return RUNG_OK;
    r->looked = true;
    if (!rung_kvlog_lapped(&r->window, r->at, to, &newest))
        return r->window.err;
    r->again = true;
    r->again_from = newest.tail;
    int err = replay_stale(r, newest.pos);
    return err ? err : RUNG_E_CORRUPT;
}

/* Where the log ends: whether a group was begun there of which the header is gone, but not the
 * first record. */
static bool replay_headless(struct kvlog_replay *r)
{
    uint64_t end = r->at + r->self->log.ring - r->self->log.unit;
    uint32_t epoch = r->at < r->super->head ? 0 : r->super->epoch;
    struct kvlog_record record;
    return rung_kvlog_window_record(&r->window, r->at + KVLOG_GROUP_BYTES, end, &record)
           && record.epoch >= epoch && record.epoch >= r->epoch;
}

/* Whether it is none: it is from before something was cut off here. */
static bool replay_cut_off(const struct kvlog_replay *r, const struct kvlog_group *group)
{
    if (group->epoch < r->epoch || r->self->stale)
        return group->epoch < r->epoch;
    return group->epoch > r->super->epoch
           || (r->at >= r->super->head && group->epoch != r->super->epoch);
}

/* One group, or the end: *ended. */
static int replay_step(struct kvlog_replay *r, bool *ended)
{
    struct rung_kvlog *self = r->self;
    struct rung_kvlog_survey survey = {.group = {.pos = r->at}};
    int stale = replay_look_stale(r);
    *ended = r->super->clean && r->at == r->super->head && !self->stale;
    if (*ended || stale)
        return stale;
    enum rung_kvlog_verdict verdict = rung_kvlog_survey(&r->window, &survey);
    if (verdict == KVLOG_NOT_READ)
        return r->window.err;
    if (verdict != KVLOG_NO_GROUP && replay_cut_off(r, &survey.group))
        verdict = KVLOG_NO_GROUP;
    uint64_t next = verdict == KVLOG_NO_GROUP
                        ? 0 : rung_kvlog_up(self, r->at + survey.group.len);
    if (verdict != KVLOG_GOOD) {
        uint64_t behind = replay_behind(r);
        *ended = !behind;
        self->torn = *ended && (verdict != KVLOG_NO_GROUP || replay_headless(r));
        if (!behind || r->window.err)
            return r->window.err;
        int err = verdict == KVLOG_NO_GROUP ? replay_look_lapped(r) : RUNG_OK;
        err = err ? err : replay_damage(r, verdict, survey.bad);
        if (err)
            return err;
        next = verdict == KVLOG_NO_GROUP ? behind : next;
    }
    uint64_t from = r->at, end = from + survey.group.len;
    r->at = next;
    if (verdict == KVLOG_NO_GROUP)
        return rung_kvlog_replay_scan(r, from, next);
    if (verdict == KVLOG_GOOD || verdict == KVLOG_BAD_VALUE)
        return rung_kvlog_replay_apply(r, &survey.group, end);
    int err = rung_kvlog_replay_apply(r, &survey.group, from + KVLOG_GROUP_BYTES);
    return err ? err : rung_kvlog_replay_scan(r, from + KVLOG_GROUP_BYTES, end);
}

static int replay_groups(struct kvlog_replay *r)
{
    bool ended = false;
    int err = RUNG_OK;
    while (!err && !ended) {
        err = replay_step(r, &ended);
        if (!err && r->at - r->self->log.tail > r->self->log.ring)
            err = replay_damage(r, KVLOG_NO_GROUP, r->at); /* it would write over itself */
    }
    return err;
}

static int replay_log(struct kvlog_replay *r)
{
    const struct kvlog_super *super = r->super;
    int err = replay_groups(r);
    if (!err && r->at == super->checkpoint && r->begin == r->at)
        err = replay_look_lapped(r);
    if (!err && super->clean && r->at != super->head && !r->self->stale)
        err = replay_damage(r, KVLOG_NO_GROUP, r->at);
    return err;
}

/* From the tail on, as if nothing had been read. */
static void replay_begin_all(struct kvlog_replay *r, uint64_t tail)
{
    struct rung_kvlog *self = r->self;
    rung_kvlog_index_free(self);
    self->index = (struct rung_kvlog_index){.memory_max = self->index.memory_max, .reading = true};
    self->log.group_before = r->super->group;
    self->torn = false;
    r->begin = r->at = self->log.tail = tail;
    r->epoch = 0;
    r->all = true;
    r->again = false;
}

int rung_kvlog_replay(struct rung_kvlog *self, const struct kvlog_super *super)
{
    struct kvlog_replay r = {
        .self = self, .super = super, .begin = super->checkpoint, .at = super->checkpoint,
        .all = super->checkpoint == super->tail,
    };
    int err = rung_kvlog_window_open(self, &r.window);
    if (err)
        return rung_kvlog_replay_no_memory(&r);
    self->index.reading = true;
    err = replay_log(&r);
    while (err == RUNG_E_CORRUPT && self->salvage && (r.again || !r.all)) {
        replay_begin_all(&r, r.again ? r.again_from : super->tail);
        err = replay_log(&r);
    }
    if (!err && self->index.memory_max && self->index.memory > self->index.memory_max)
        err = rung_kvlog_replay_no_memory(&r);
    self->index.reading = false;
    self->log.head = self->log.group_mark = r.at;
    rung_kvlog_window_close(&r.window);
    return err;
}
