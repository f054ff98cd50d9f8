/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_check.c - looks at every byte of a store that has a meaning: both superblocks,
 * and every group from the tail to the head, needed or not. */
#include <string.h>

#include "kvlog_commit.h"
#include "rung/heap.h"

struct check {
    struct rung_kvlog *self;
    struct rung_kvlog_check *report;
    struct rung_kvlog_window window;
    uint64_t needed; /* records that the index names */
};

static void check_found(struct check *c, uint64_t place, const char *what)
{
    c->report->damages++;
    if (c->report->found)
        c->report->found(c->report, place, what);
}

/* Once more while a group is on its way: what it moves would be looked for where it is not. */
static int check_supers(struct check *c)
{
    struct kvlog_super super[2];
    uint8_t *area = rung_alloc_aligned(c->self->p, RUNG_BLOCK_ALIGN, KVLOG_RING_AT);
    if (!area)
        return RUNG_E_NOMEM;
    int err;
    do
        err = rung_kvlog_now(c->self, RUNG_BLOCK_READ, 0, 0, area, KVLOG_RING_AT);
    while (!err && c->self->commit->busy);
    for (unsigned i = 0; !err && i < 2; i++) {
        if (!rung_kvlog_get_super(area + i * (size_t)KVLOG_SUPER_STEP, &super[i]))
            check_found(c, i * (uint64_t)KVLOG_SUPER_STEP, "a superblock is damaged");
    }
    if (!err && c->self->stale)
        check_found(c, 0, "the superblocks are older than what is written in the ring");
    if (!err && rung_kvlog_used_up(c->self))
        check_found(c, 0, "the superblocks hold numbers that no use of a store comes to");
    rung_free(c->self->p, area);
    return err;
}

/* Looks at a record whose header is good. */
static void check_record(struct check *c, uint64_t at, const struct kvlog_record *r)
{
    struct rung_kvlog *self = c->self;
    struct rung_kvlog_node *node =
        r->key_len ? rung_kvlog_find(self, (const char *)r->key, r->key_len) : NULL;
    bool needed = node && node->size != KVLOG_ABSENT && node->pos == at;
    c->report->records++;
    c->needed += needed;
    if (!rung_kvlog_window_value(&c->window, at + KVLOG_RECORD_BYTES + r->key_len, r)) {
        if (!c->window.err)
            check_found(c, rung_kvlog_place(self, at), r->type == KVLOG_PAGE
                        ? "a page of the index is damaged" : "a value is damaged");
    } else if (needed && node->lost) {
        check_found(c, rung_kvlog_place(self, at), "a value was lost to damage before");
    } else if (needed && node->size != r->size) { /* so said a page, or a move, that was made up */
        check_found(c, rung_kvlog_place(self, at), "a value is not as long as the index says");
    }
}

/* The records of a group. Behind a damaged header any good one may be the next. */
static void check_records(struct check *c, const struct kvlog_group *group)
{
    uint64_t at = group->pos + KVLOG_GROUP_BYTES, end = group->pos + group->len;
    uint32_t count = 0;
    bool bad = false, known = true; /* how many there are */
    while (at < end && !c->window.err) {
        struct kvlog_record r;
        if (rung_kvlog_window_record(&c->window, at, end, &r) && r.epoch == group->epoch) {
            uint64_t whole = kvlog_whole(&r);
            check_record(c, at, &r);
            at += whole;
            count++;
            bad = false;
        } else {
            if (!bad && !c->window.err)
                check_found(c, rung_kvlog_place(c->self, at), "a record's header is damaged");
            bad = true;
            known = false;
            at++;
        }
    }
    if (!c->window.err && known && count != group->count)
        check_found(c, rung_kvlog_place(c->self, group->pos), "a group does not hold as many "
                    "records as it says");
}

/* The group at pos; where the next one is. */
static uint64_t check_group(struct check *c, uint64_t pos)
{
    struct rung_kvlog *self = c->self;
    struct kvlog_group group = {.pos = pos};
    uint64_t head = self->log.head;
    bool good = rung_kvlog_window_group(&c->window, &group)
                && rung_kvlog_up(self, pos + group.len) <= head;
    if (c->window.err)
        return pos;
    if (!good) {
        check_found(c, rung_kvlog_place(self, pos), "a group's header is damaged");
        return rung_kvlog_next_group(&c->window, pos + self->log.unit, head, 0);
    }
    check_records(c, &group);
    c->report->groups++;
    return rung_kvlog_up(self, pos + group.len);
}

int rung_kvlog_check(struct rung_kvlog *self, struct rung_kvlog_check *report)
{
    struct check c = {.self = self, .report = report};
    report->groups = report->records = report->damages = 0;
    report->keys = self->index.keys;
    int err = rung_kvlog_window_open(self, &c.window);
    if (err)
        return err;
    self->checking = true;
    err = check_supers(&c);
    uint64_t from = self->log.tail, to = self->log.head;
    for (uint64_t pos = from; !err && pos < to; err = c.window.err) {
        pos = check_group(&c, pos);
        if (report->progress)
            report->progress(report, pos - from, to - from);
    }
    rung_kvlog_window_close(&c.window);
    self->checking = false;
    if (self->writable)
        rung_loop_defer(self->p, &self->work);
    if (!err && c.needed < self->index.keys && self->log.head == to && !report->damages)
        check_found(&c, rung_kvlog_place(self, self->log.tail), "the index names what is not "
            "there");
    return err;
}
