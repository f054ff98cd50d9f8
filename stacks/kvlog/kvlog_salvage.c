/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_salvage.c - winning back space where the log is damaged. A damaged header
 * hides what follows it, up to the end of its group or, if it is a group's own, up to the next
 * group. What the index says lies there is then moved, key by key; a value that cannot be read any
 * more is marked as lost: asking for it is an error until it is written or removed. */
#include <string.h>

#include "kvlog_reclaim.h"
#include "rung/log.h"

enum { SALVAGE_STEP = 4096 /* keys, or headers, looked at in one go */ };

static unsigned long long salvage_place(const struct rung_kvlog *self, uint64_t pos)
{
    return (unsigned long long)rung_kvlog_place(self, pos);
}

void rung_kvlog_salvage_begin(struct rung_kvlog *self)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    struct rung_kvlog_damage *d = &r->damage;
    d->active = true;
    d->from = r->at;
    d->to = r->group_end;
    d->look = r->at + self->log.unit;
    d->key_len = 0;
    if (!r->group_end)
        r->group_pos = r->at;
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is damaged at byte %llu: what is "
             "needed and can be read is moved away from there", salvage_place(self, r->at));
}

bool rung_kvlog_salvage_lose(struct rung_kvlog *self, struct rung_kvlog_node *node)
{
    struct rung_kvlog_item item = {.node = node};
    item.record = (struct kvlog_record){
        .type = KVLOG_LOST, .key_len = node->key_len, .size = node->size, .old = node->pos,
        .key = (const uint8_t *)rung_kvlog_key(node),
    };
    if (!rung_kvlog_commit_add(self, &item)) {
        rung_kvlog_reclaim_no_room(self);
        return false;
    }
    if (!node->lost)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "a value of %u bytes is lost: the disk is "
                 "damaged at byte %llu", node->size, salvage_place(self, node->pos));
    self->reclaim->moving = true;
    return true;
}

/* Looks for the next group; false: not now. */
static bool salvage_look(struct rung_kvlog *self, uint64_t limit)
{
    struct rung_kvlog_damage *d = &self->reclaim->damage;
    for (unsigned n = 0; n < SALVAGE_STEP && d->look < limit; n++) {
        struct kvlog_group group = {.pos = d->look};
        const uint8_t *at = rung_kvlog_reclaim_at(self, d->look, KVLOG_GROUP_BYTES);
        if (!at)
            return false;
        if (rung_kvlog_get_group(at, self->log.salt, &group)) {
            d->to = d->look;
            return true;
        }
        d->look += self->log.unit;
    }
    if (d->look >= limit)
        d->to = limit;
    return true;
}

/* Moves one key's record, or what is left of it; false: not now. */
static bool salvage_key(struct rung_kvlog *self, struct rung_kvlog_node *node)
{
    struct kvlog_record r;
    uint64_t whole = kvlog_record_bytes(node->key_len, node->lost ? 0 : node->size);
    if (node->pos + whole > self->log.head) /* so said a page that somebody has made up */
        return rung_kvlog_salvage_lose(self, node);
    const uint8_t *at = rung_kvlog_reclaim_at(self, node->pos, whole);
    if (!at)
        return false;
    if (rung_kvlog_get_record(at, (size_t)whole, self->log.salt, node->pos, &r)
        && r.key_len == node->key_len && memcmp(r.key, rung_kvlog_key(node), r.key_len) == 0
        && r.size == node->size && kvlog_whole(&r) == whole)
        return rung_kvlog_reclaim_move(self, node, &r, at);
    return rung_kvlog_salvage_lose(self, node);
}

bool rung_kvlog_salvage_step(struct rung_kvlog *self, uint64_t limit)
{
    struct rung_kvlog_reclaim *r = self->reclaim;
    struct rung_kvlog_damage *d = &r->damage;
    if (!d->to)
        return salvage_look(self, limit);
    struct rung_kvlog_node *node = d->key_len ? rung_kvlog_seek(self, d->key, d->key_len, true)
                                              : rung_kvlog_seek(self, "", 0, false);
    for (unsigned n = 0; node && n < SALVAGE_STEP; n++) {
        if (node->pos >= d->from && node->pos < d->to && !salvage_key(self, node))
            return false;
        d->key_len = node->key_len;
        memcpy(d->key, rung_kvlog_key(node), node->key_len);
        node = rung_kvlog_next(node);
    }
    if (node) {
        r->more = true;
        return false;
    }
    r->at = rung_kvlog_up(self, d->to);
    r->group_end = 0;
    d->active = false;
    return true;
}
