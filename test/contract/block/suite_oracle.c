/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_oracle.c - what a sector may hold, with many requests in flight.
 * Each sector has a set of stamps: of every write that may be the last one that took effect. A
 * write is out when another that was submitted after it was done is done itself. A read may see
 * any stamp that was in the set at some time while it was in flight. */
#include "suite.h"

enum { ORACLE_STAMPS = 48 };

struct oracle_stamp {
    uint64_t stamp;
    uint64_t begun, ended, out; /* event numbers; 0: not yet */
};

struct oracle_sector {
    struct oracle_stamp set[ORACLE_STAMPS];
    unsigned count;
    int readers;
};

struct oracle {
    uint64_t now; /* the number of the last event */
    uint64_t sectors;
    struct oracle_sector at[];
};

struct oracle *oracle_new(uint64_t sectors)
{
    struct oracle *o = calloc(1, sizeof(*o) + (size_t)sectors * sizeof(o->at[0]));
    assert_non_null(o);
    o->now = 2;
    o->sectors = sectors;
    for (uint64_t s = 0; s < sectors; s++) {
        o->at[s].set[0] = (struct oracle_stamp){.stamp = ORACLE_ANYTHING, .begun = 1, .ended = 2};
        o->at[s].count = 1;
    }
    return o;
}

void oracle_free(struct oracle *o)
{
    free(o);
}

bool oracle_has_room(const struct oracle *o, uint64_t sector)
{
    return o->at[sector].count < ORACLE_STAMPS;
}

uint64_t oracle_begin(struct oracle *o)
{
    return ++o->now;
}

void oracle_change(struct oracle *o, uint64_t sector, uint64_t number, uint64_t stamp)
{
    struct oracle_sector *s = &o->at[sector];
    assert_true(s->count < ORACLE_STAMPS);
    s->set[s->count++] = (struct oracle_stamp){.stamp = stamp, .begun = number};
}

static void oracle_purge(struct oracle_sector *s)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s->count && !s->readers; i++) {
        if (!s->set[i].out)
            s->set[kept++] = s->set[i];
    }
    if (!s->readers)
        s->count = kept;
}

void oracle_changed(struct oracle *o, uint64_t sector, uint64_t number)
{
    struct oracle_sector *s = &o->at[sector];
    uint64_t now = ++o->now;
    for (unsigned i = 0; i < s->count; i++) {
        struct oracle_stamp *e = &s->set[i];
        if (e->begun == number)
            e->ended = now;
        else if (e->ended && e->ended < number && !e->out)
            e->out = now;
    }
    oracle_purge(s);
}

void oracle_read(struct oracle *o, uint64_t sector, int by)
{
    o->at[sector].readers += by;
    oracle_purge(&o->at[sector]);
}

bool oracle_allows(const struct oracle *o, uint64_t sector, uint64_t number, uint64_t stamp)
{
    const struct oracle_sector *s = &o->at[sector];
    for (unsigned i = 0; i < s->count; i++) {
        const struct oracle_stamp *e = &s->set[i];
        if (e->stamp == stamp && (!e->out || e->out > number))
            return true;
    }
    return false;
}
