/* SPDX-License-Identifier: ISC */
/* stacks/crash/block_crash_replay.c - what a disk may hold after a power cut; see block_crash.h.
 * Which of the loose writes came first does not matter where they do not overlap: a subset of them
 * is what any order leaves when it is interrupted. Where they overlap, the later one wins if it
 * began when the other was done, and chance decides if not. */
#include <string.h>

#include "block_crash.h"

/* xorshift64 (Marsaglia 2003). */
static uint32_t crash_chance(uint64_t *chance, uint32_t below)
{
    uint64_t x = *chance;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *chance = x;
    return (uint32_t)(x >> 32) % below;
}

static bool crash_is_kept(const struct rung_block_crash_event *e, uint64_t moment)
{
    return e->kept_by && e->kept_by <= moment;
}

static bool crash_is_loose(const struct rung_block_crash_event *e, uint64_t moment)
{
    return !e->flush && e->begun <= moment && !crash_is_kept(e, moment);
}

static bool crash_overlap(const struct rung_block_crash_event *a,
                          const struct rung_block_crash_event *b)
{
    return a->sector < b->sector + b->count && b->sector < a->sector + a->count;
}

static void crash_apply(const struct rung_block_crash_replay *replay,
                        const struct rung_block_crash_event *e, uint64_t from, uint64_t count,
                        uint8_t *disk)
{
    uint64_t size = replay->crash->block.info.sector_size;
    memcpy(disk + (e->sector + from) * size, e->data + from * size, (size_t)(count * size));
}

void rung_block_crash_rewind(const struct rung_block_crash *self,
                             struct rung_block_crash_replay *replay, uint8_t *image)
{
    assert(!self->in_flight);
    *replay = (struct rung_block_crash_replay){
        .crash = self, .image = image, .first = self->first,
    };
}

bool rung_block_crash_next(struct rung_block_crash_replay *replay)
{
    if (replay->moment == replay->crash->moment)
        return false;
    replay->moment++;
    /* In the order they began: one that was done before another began comes first. */
    while (replay->first
           && (replay->first->flush ? replay->first->begun <= replay->moment
                                    : crash_is_kept(replay->first, replay->moment))) {
        if (!replay->first->flush)
            crash_apply(replay, replay->first, 0, replay->first->count, replay->image);
        replay->first = replay->first->next;
    }
    return true;
}

unsigned rung_block_crash_loose(const struct rung_block_crash_replay *replay)
{
    unsigned n = 0;
    for (const struct rung_block_crash_event *e = replay->first;
         e && e->begun <= replay->moment; e = e->next)
        n += crash_is_loose(e, replay->moment);
    return n;
}

/* A sector of which only the first bytes, or only the last, got there. */
static void crash_tear(const struct rung_block_crash_replay *replay,
                       const struct rung_block_crash_event *e, uint64_t sector, uint64_t *chance,
                       uint8_t *disk)
{
    uint32_t size = replay->crash->block.info.sector_size;
    uint32_t cut = 1 + crash_chance(chance, size - 1);
    uint8_t *to = disk + (e->sector + sector) * size;
    const uint8_t *from = e->data + sector * size;
    if (crash_chance(chance, 2))
        memcpy(to, from, cut);
    else
        memcpy(to + cut, from + cut, size - cut);
}

/* All of it, some first part, or any of its sectors. */
static void crash_part(const struct rung_block_crash_replay *replay,
                       const struct rung_block_crash_event *e, uint64_t *chance, uint8_t *disk)
{
    uint32_t how = crash_chance(chance, 8), count = (uint32_t)e->count;
    if (how < 2 || !count)
        return;
    if (how < 4) {
        crash_apply(replay, e, 0, count, disk);
        return;
    }
    uint32_t first = crash_chance(chance, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (how < 6 ? i < first : crash_chance(chance, 2) != 0)
            crash_apply(replay, e, i, 1, disk);
    }
    if (how == 5 && first < count)
        crash_tear(replay, e, first, chance, disk);
    else if (how == 7)
        crash_tear(replay, e, crash_chance(chance, count), chance, disk);
}

/* Whether e was done before the other, on some of the same sectors, began. */
static bool crash_is_older(const struct rung_block_crash_event *e,
                           const struct rung_block_crash_event *other)
{
    return crash_overlap(e, other) && e->ended && e->ended < other->begun;
}

void rung_block_crash_cut(const struct rung_block_crash_replay *replay, uint64_t *chance,
                          uint8_t *disk)
{
    const struct rung_block_crash *crash = replay->crash;
    const struct rung_block_crash_event *late = NULL;
    memcpy(disk, replay->image, (size_t)(crash->block.info.sectors
                                         * crash->block.info.sector_size));
    for (const struct rung_block_crash_event *e = replay->first;
         e && e->begun <= replay->moment; e = e->next) {
        if (e->flush)
            continue;
        bool done = e->ended && e->ended <= replay->moment && !e->failed;
        if (crash_is_kept(e, replay->moment) || (!chance && done))
            crash_apply(replay, e, 0, e->count, disk);
        else if (chance && !late && e->next && !done && crash_chance(chance, 4) == 0)
            late = e; /* after all others */
        else if (chance)
            crash_part(replay, e, chance, disk);
    }
    for (const struct rung_block_crash_event *e = late ? late->next : NULL;
         e && e->begun <= replay->moment; e = e->next) {
        if (!e->flush && crash_is_older(late, e))
            return; /* it cannot come behind that one */
    }
    if (late)
        crash_part(replay, late, chance, disk);
}
