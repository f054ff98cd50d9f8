/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_key.c - the keys that commands are at work on: their queues, and reading their
 * values from the store. */
#include "kvd_int.h"

enum { KEY_FEW = 4 /* keys of a command that may have short values while memory is used up */ };

void kvd_key_put(struct kvd *kvd, struct kvd_key *key)
{
    if (key->first != NULL || key->loading || key->dirty || key->running || key->starved)
        return;
    struct kvd_key **link = &kvd->table[key->hash & kvd->table_mask];
    while (*link != key)
        link = &(*link)->chain;
    *link = key->chain;
    kvd->key_count--;
    kvd_bytes_drop(&kvd->m, &key->name);
    kvd_bytes_drop(&kvd->m, &key->value);
    kvd_give(&kvd->m, &kvd->m.keys, key);
}

/* The slot is good no more: its command has to wait again. */
static void key_recount(struct kvd_slot *slot)
{
    if (slot == NULL || slot->counted)
        return;
    slot->counted = true;
    slot->cmd->waits++;
}

/* The caller wakes the key when all of the command's slots are in. */
void kvd_key_enqueue(struct kvd *kvd, struct kvd_slot *slot, bool in_front)
{
    struct kvd_key *key = slot->key;
    (void)kvd;
    slot->queued = slot->counted = true;
    slot->cmd->waits++;
    if (key->first == NULL) {
        slot->next = NULL;
        key->first = key->last = slot;
    } else if (in_front) {
        key_recount(key->first);
        slot->next = key->first;
        key->first = slot;
    } else {
        slot->next = NULL;
        key->last->next = slot;
        key->last = slot;
    }
}

/* The bytes that one command has asked for are no other's. */
static void key_drop_range(struct kvd *kvd, struct kvd_key *key)
{
    key->range_of = NULL;
    if (key->known != KVD_NEED_RANGE)
        return;
    kvd_bytes_drop(&kvd->m, &key->value);
    key->known = KVD_NEED_FACTS;
}

/* Its hold is over, or never was. */
static void key_read_free(struct kvd *kvd, struct kvd_read *read)
{
    if (read->beyond) {
        kvd->beyond = false;
        kvd_memory_back(kvd);
    }
    kvd_give(&kvd->m, &kvd->m.reads, read);
}

static void key_read_end(struct kvd_memory *m, struct kvd_hold *hold)
{
    struct kvd_read *read = rung_container_of(hold, struct kvd_read, hold);
    (void)m;
    rung_buf_release(&read->get.value);
    key_read_free(read->kvd, read);
}

/* The value that had no room is the reply's alone: who comes next reads it anew, or those who hold
 * it while they wait for others would keep these from having their turn. */
static void key_drop_beyond(struct kvd *kvd, struct kvd_key *key)
{
    struct kvd_hold *hold = key->value.hold;
    if (hold == NULL || hold->end != key_read_end)
        return;
    struct kvd_read *read = rung_container_of(hold, struct kvd_read, hold);
    if (!read->beyond)
        return;
    if (key->dirty || key->running) { /* the batch needs it: it is as good as paid for */
        read->beyond = kvd->beyond = false;
        kvd_memory_back(kvd);
        return;
    }
    kvd_bytes_drop(&kvd->m, &key->value);
    key->known = KVD_NEED_FACTS;
}

void kvd_key_leave(struct kvd *kvd, struct kvd_slot *slot)
{
    struct kvd_key *key = slot->key;
    struct kvd_slot *before = NULL, **link = &key->first;
    while (*link != slot) { /* but for want of memory it is the first */
        before = *link;
        link = &before->next;
    }
    *link = slot->next;
    if (slot->next == NULL)
        key->last = before;
    slot->queued = false;
    if (key->range_of == slot->cmd)
        key_drop_range(kvd, key);
    if (before == NULL)
        key_drop_beyond(kvd, key);
    if (before == NULL && key->error != 0) {
        key->error = 0;
        key->known = KVD_NEED_NOTHING;
    }
    kvd_key_wake(kvd, key);
}

void kvd_key_empty(struct kvd *kvd, struct kvd_key *key, uint8_t known)
{
    kvd_bytes_drop(&kvd->m, &key->value);
    key->known = known;
    key->exists = false;
    key->error = 0;
    key->size = key->expiry_ms = 0;
}

void kvd_key_forget(struct kvd *kvd, struct kvd_key *key)
{
    if (key->first != NULL && key->first->need != KVD_NEED_NOTHING)
        key_recount(key->first);
    kvd_key_empty(kvd, key, KVD_NEED_NOTHING);
    key->dirty = false;
}

/* All of a value has come. */
static void key_whole(struct kvd_key *key, struct kvd_read *read)
{
    struct kvd *kvd = read->kvd;
    const struct rung_buf *buf = &read->get.value;
    unsigned tail = kvd_tail_read(buf->data, buf->len, &key->expiry_ms);
    key->exists = true;
    key->known = KVD_NEED_BYTES;
    key->size = buf->len - tail;
    key->value = (struct kvd_bytes){buf->data, buf->len - tail, &read->hold};
    kvd_hold_charge(&kvd->m, &read->hold, sizeof *read + buf->len);
}

/* The bytes of a long value that its first command asks for have come. */
static void key_range(struct kvd_key *key, struct kvd_read *read)
{
    const struct rung_buf *buf = &read->get.value;
    key->known = KVD_NEED_RANGE;
    key->value = (struct kvd_bytes){buf->data, buf->len, &read->hold};
    kvd_hold_charge(&read->kvd->m, &read->hold, sizeof *read + buf->len);
}

static void key_ask(struct kvd_read *read, uint64_t offset, size_t len)
{
    struct rung_kv_get *get = &read->get;
    get->key = (const char *)read->key->name.at;
    get->key_len = read->key->name.len;
    get->offset = offset;
    get->len = len;
    get->accept = 0;
    rung_kv_get(read->kvd->kv, get);
}

/* The last bytes of a long value have come. */
static void key_facts(struct kvd_key *key, struct kvd_read *read)
{
    unsigned tail = kvd_tail_read(read->get.value.data, read->get.value.len, &key->expiry_ms);
    key->exists = true;
    key->known = KVD_NEED_FACTS;
    key->size = read->get.size - tail;
}

/* Puts the key at the end of a list of those that wait to be read. */
static void key_line_up(struct kvd_key *key, struct kvd_key ***end)
{
    key->starved = true;
    key->next_starved = NULL;
    **end = key;
    *end = &key->next_starved;
}

/* Tries again to read the one that *link, in a list of them, leads to. */
static void key_next_up(struct kvd *kvd, struct kvd_key **link, struct kvd_key ***end)
{
    struct kvd_key *key = *link;
    *link = key->next_starved;
    if (*link == NULL)
        *end = link;
    key->starved = false;
    kvd_key_wake(kvd, key);
    kvd_key_put(kvd, key);
}

/* While the memory is used up, one who asks for the facts alone does not keep the value. */
static void key_spare(struct kvd *kvd, struct kvd_key *key)
{
    const struct kvd_slot *slot = key->first;
    if (!key->exists || slot == NULL || slot->need > KVD_NEED_FACTS || !kvd_reply_full(&kvd->m))
        return;
    kvd_bytes_drop(&kvd->m, &key->value);
    key->known = KVD_NEED_FACTS;
}

static void key_read_done(struct rung_op *op, int result)
{
    struct rung_kv_get *get = rung_container_of(op, struct rung_kv_get, op);
    struct kvd_read *read = rung_container_of(get, struct kvd_read, get);
    struct kvd_key *key = read->key;
    struct kvd *kvd = read->kvd;
    kvd_hold_refund(&kvd->m, &read->hold); /* it pays for what has come */
    if (result >= 0 && read->range) {
        key_range(key, read);
        read = NULL;
    } else if (result >= 0 && get->offset == 0 && get->value.len == get->size) {
        key_whole(key, read);
        key_spare(kvd, key);
        read = NULL;
    } else if (result >= 0 && get->offset == 0) { /* it is long: first what its tail says */
        uint64_t size = get->size;
        rung_buf_release(&get->value);
        key_ask(read, size - KVD_TAIL_MAX, KVD_TAIL_MAX);
        return;
    } else if (result >= 0) {
        key_facts(key, read);
        rung_buf_release(&get->value);
    } else {
        kvd_key_empty(kvd, key, KVD_NEED_BYTES);
        key->error = result == RUNG_E_NOTFOUND ? 0 : result;
    }
    if (read != NULL)
        key_read_free(kvd, read);
    key->loading = false;
    kvd->loads--;
    kvd_key_wake(kvd, key);
    kvd_key_put(kvd, key);
    while (kvd->lined != NULL && kvd->loads < KVD_LOADS)
        key_next_up(kvd, &kvd->lined, &kvd->lined_end);
    kvd_memory_back(kvd);
    kvd_run_ready(kvd);
}

/* Asks for what is missing: what a short value is all of, then what is wanted of a long one. That
 * is paid for from now on, or any number of them would be on the way at once. */
static void key_ask_first(struct kvd_read *read, const struct kvd_slot *slot, bool more)
{
    struct kvd_key *key = read->key;
    uint64_t first, len;
    read->range = more && slot->need == KVD_NEED_RANGE;
    if (!read->range) {
        if (more)
            kvd_hold_charge(&read->kvd->m, &read->hold, key->size);
        key_ask(read, 0, more ? RUNG_KV_ALL : KVD_INLINE);
        return;
    }
    kvd_range(slot->cmd, key->size, &first, &len);
    key->range_of = slot->cmd;
    kvd_hold_charge(&read->kvd->m, &read->hold, len);
    key_ask(read, first, (size_t)len);
}

/* Whether there is no memory for it. A command of many keys is refused then, for it holds values
 * itself that others may wait for. */
static bool key_no_room(const struct kvd *kvd, const struct kvd_key *key, bool more)
{
    const struct kvd_slot *slot = key->first;
    if (!kvd_reply_full(&kvd->m))
        return false;
    return more || (slot->need > KVD_NEED_FACTS && slot->cmd->slot_count > KEY_FEW);
}

/* Whether it may be read without room, one at a time: the first that its client waits for, all
 * before it being taken. Others' replies may stand behind it and hold all memory; the oldest of all
 * commands is always such a one, so they come to an end. */
static bool key_may_go(const struct kvd *kvd, const struct kvd_key *key)
{
    const struct kvd_cmd *cmd = key->first != NULL ? key->first->cmd : NULL;
    if (kvd->beyond || cmd == NULL)
        return !kvd->beyond;
    return cmd->conn == NULL || (cmd->conn->first == cmd && cmd->conn->out == NULL);
}

/* Whether it has to wait: for others' memory, or for others to be read. */
static bool key_waits(struct kvd *kvd, struct kvd_key *key, bool no_room)
{
    if (no_room && key->first->cmd->slot_count == 1 && !key_may_go(kvd, key))
        key_line_up(key, &kvd->starved_end);
    else if (!no_room && kvd->loads >= KVD_LOADS)
        key_line_up(key, &kvd->lined_end);
    return key->starved;
}

/* Reads the value, or what is missing of it. */
static void key_load(struct kvd *kvd, struct kvd_key *key)
{
    bool more = key->known >= KVD_NEED_FACTS;
    key_drop_range(kvd, key); /* it was read for one that is not the first any more */
    bool no_room = key_no_room(kvd, key, more);
    if (key_waits(kvd, key, no_room))
        return;
    struct kvd_read *read = NULL;
    if (!no_room || key->first->cmd->slot_count == 1)
        read = kvd_take(&kvd->m, &kvd->m.reads);
    if (read == NULL) {
        key->error = RUNG_E_NOMEM;
        kvd_key_wake(kvd, key);
        return;
    }
    *read = (struct kvd_read){.kvd = kvd, .key = key, .beyond = no_room};
    kvd->beyond = kvd->beyond || no_room;
    read->hold = (struct kvd_hold){.refs = 1, .end = key_read_end};
    read->get.op.done = key_read_done;
    key->loading = true;
    kvd->loads++;
    key_ask_first(read, key->first, more);
}

void kvd_memory_back(struct kvd *kvd)
{
    if (kvd->parked != NULL || kvd->starved != NULL || kvd->spaces != NULL)
        rung_loop_defer(kvd->p, &kvd->flush_task);
}

void kvd_keys_feed(struct kvd *kvd)
{
    while (kvd->starved != NULL && !kvd_reply_full(&kvd->m))
        key_next_up(kvd, &kvd->starved, &kvd->starved_end);
    struct kvd_key **link = &kvd->starved;
    while (*link != NULL && !kvd->beyond && !key_may_go(kvd, *link))
        link = &(*link)->next_starved;
    if (*link != NULL && !kvd->beyond)
        key_next_up(kvd, link, &kvd->starved_end);
    kvd_run_ready(kvd);
}

/* Whether what is known is enough for the first in the queue. */
static bool key_enough(const struct kvd_key *key, const struct kvd_slot *slot)
{
    if (slot->need == KVD_NEED_RANGE && key->known == KVD_NEED_RANGE)
        return key->range_of == slot->cmd;
    return key->known >= slot->need;
}

/* Looks at who is first in the queue: it goes on, or what it needs is read. */
void kvd_key_wake(struct kvd *kvd, struct kvd_key *key)
{
    struct kvd_slot *slot = key->first;
    if (slot == NULL || !slot->counted || key->loading || key->starved)
        return;
    if (!key_enough(key, slot) && key->error == 0) {
        key_load(kvd, key);
        return;
    }
    slot->counted = false;
    if (--slot->cmd->waits == 0)
        kvd_cmd_ready(kvd, slot->cmd);
}
