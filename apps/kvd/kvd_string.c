/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_string.c - the commands on values, but for numbers and expiry. */
#include "kvd_int.h"

void kvd_cmd_get(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    if (!kvd_exists(kvd, key)) {
        kvd_nil(cmd);
        return;
    }
    kvd_bulk(cmd, key->value);
    if ((cmd->op->flags & KVD_WRITES) != 0) /* GETDEL */
        kvd_remove(kvd, key);
}

void kvd_cmd_mget(struct kvd *kvd, struct kvd_cmd *cmd)
{
    if (!kvd_array(cmd, cmd->slot_count))
        return;
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_key *key = kvd_key_of(cmd, i);
        if (!kvd_exists(kvd, key))
            continue;
        cmd->replies[i].kind = KVD_BULK;
        cmd->replies[i].bytes = kvd_reply_ref(cmd, key->value);
    }
}

void kvd_cmd_mset(struct kvd *kvd, struct kvd_cmd *cmd)
{
    for (uint32_t i = 0; i < cmd->slot_count; i++)
        kvd_set(kvd, kvd_key_of(cmd, i), kvd_arg(cmd, 2 + 2 * i), 0);
    kvd_ok(cmd);
}

void kvd_cmd_setnx(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    bool set = !kvd_exists(kvd, key);
    if (set)
        kvd_set(kvd, key, kvd_arg(cmd, 2), 0);
    kvd_integer(cmd, set);
}

void kvd_cmd_del(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_key *key = kvd_key_of(cmd, i);
        if (!kvd_exists(kvd, key))
            continue;
        kvd_remove(kvd, key);
        count++;
    }
    kvd_integer(cmd, count);
}

void kvd_cmd_exists(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < cmd->slot_count; i++)
        count += kvd_exists(kvd, kvd_key_of(cmd, i));
    kvd_integer(cmd, count);
}

void kvd_cmd_type(struct kvd *kvd, struct kvd_cmd *cmd)
{
    kvd_simple(cmd, kvd_exists(kvd, kvd_key_of(cmd, 0)) ? "string" : "none");
}

void kvd_cmd_strlen(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    kvd_integer(cmd, kvd_exists(kvd, key) ? (int64_t)key->size : 0);
}

/* An end of a range, from either end of the value, as an offset from its start, not before it. */
static int64_t range_end(int64_t end, int64_t len)
{
    if (end < 0)
        end = end < -len ? 0 : end + len;
    return end;
}

bool kvd_range(const struct kvd_cmd *cmd, uint64_t size, uint64_t *first, uint64_t *len)
{
    int64_t from, to, all = (int64_t)size;
    *first = *len = 0;
    if (!kvd_parse_integer(kvd_arg(cmd, 2), &from) || !kvd_parse_integer(kvd_arg(cmd, 3), &to))
        return false;
    bool empty = from < 0 && to < 0 && from > to; /* wherever they are cut */
    from = range_end(from, all);
    to = range_end(to, all);
    to = to < all ? to : all - 1;
    if (empty || from > to)
        return true;
    *first = (uint64_t)from;
    *len = (uint64_t)(to - from + 1);
    return true;
}

/* Of a long value only those bytes have been read. */
void kvd_cmd_getrange(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    struct kvd_bytes part = {0};
    uint64_t first, len;
    if (!kvd_range(cmd, key->size, &first, &len)) {
        kvd_fail(cmd, "ERR value is not an integer or out of range");
        return;
    }
    if (kvd_exists(kvd, key) && len > 0) {
        part = key->value;
        if (key->known == KVD_NEED_BYTES) {
            part.at += first;
            part.len = (size_t)len;
        }
    }
    kvd_bulk(cmd, part);
}

/* Memory that has the value and room for len bytes more behind it. What has grown once will again:
 * it gets twice the room, so that many short ones cost no more than a few copies. Whoever holds the
 * value as it was is not disturbed by what comes behind it. NULL: there is no memory. */
static struct kvd_hold *append_room(struct kvd *kvd, const struct kvd_key *key, size_t had,
                                    size_t len)
{
    struct kvd_hold *old = had > 0 ? key->value.hold : NULL;
    size_t most = kvd->limits.max_value, room = had + len;
    bool grows = old != NULL && old->room > 0;
    if (grows && old->filled == had && old->room - had >= len) {
        old->refs++;
        return old;
    }
    if (grows)
        room = room < most / 2 ? 2 * room : most;
    struct kvd_hold *hold = kvd_hold_own(&kvd->m, room);
    if (hold == NULL)
        return NULL;
    if (had > 0)
        memcpy(kvd_hold_bytes(hold), key->value.at, had);
    hold->room = (uint32_t)room; /* a value's length: it fits */
    kvd_hold_charge(&kvd->m, hold, room);
    return hold;
}

void kvd_cmd_append(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    struct kvd_bytes more = kvd_arg(cmd, 2);
    size_t had = kvd_exists(kvd, key) ? key->value.len : 0;
    size_t most = kvd->limits.max_value; /* what is there may be longer: it was set under another */
    if (had > most || more.len > most - had) {
        kvd_fail_fmt(cmd, "ERR the value would be %s", kvd->too_long);
        return;
    }
    struct kvd_hold *hold = append_room(kvd, key, had, more.len);
    if (hold == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        return;
    }
    if (more.len > 0)
        memcpy(kvd_hold_bytes(hold) + had, more.at, more.len);
    hold->filled = (uint32_t)(had + more.len);
    kvd_set_new(kvd, key, hold, had + more.len, key->expiry_ms);
    kvd_integer(cmd, (int64_t)(had + more.len));
}
