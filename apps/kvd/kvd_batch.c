/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_batch.c - changes on their way to the store, one batch at a time. While one is
 * being written the next one gathers, so the store's cost of a write - on a disk, a flush - is
 * shared by all who wait. A batch that the store refuses as a whole says nothing about its parts:
 * its commands run once more, from what the store still holds, and are written one at a time, so
 * that each gets the answer that is its own. */
#include "kvd_int.h"

enum {
    BATCH_KEYS = 4096,     /* if the store takes so many */
    BATCH_BYTES = 1 << 20, /* beyond that the next one is full, unless it is one command */
};

void kvd_dirty(struct kvd *kvd, struct kvd_key *key, uint64_t bytes)
{
    kvd->dirty_bytes += bytes;
    kvd->changes++;
    if (!kvd->batch.running)
        rung_loop_defer(kvd->p, &kvd->write_task);
    if (key->dirty)
        return;
    key->dirty = true;
    key->next_dirty = NULL;
    if (kvd->dirty == NULL)
        kvd->dirty = key;
    else
        kvd->dirty_last->next_dirty = key;
    kvd->dirty_last = key;
    kvd->dirty_count++;
}

/* Whether the next batch takes so many more changes, with so many bytes. */
static bool batch_room(const struct kvd *kvd, uint32_t count, size_t bytes)
{
    uint32_t max = kvd->kv->info.max_batch < BATCH_KEYS ? kvd->kv->info.max_batch : BATCH_KEYS;
    if (kvd->dirty_count == 0)
        return kvd->careful == 0 || kvd->next_after.first == NULL;
    return kvd->careful == 0 && kvd->dirty_count + count <= max
           && kvd->dirty_bytes + bytes <= BATCH_BYTES;
}

bool kvd_batch_room(const struct kvd *kvd, const struct kvd_cmd *cmd)
{
    return batch_room(kvd, cmd->slot_count, cmd->args.bytes);
}

bool kvd_batch_takes(const struct kvd *kvd, const struct kvd_key *key)
{
    return kvd->writing || batch_room(kvd, 1, key->name.len);
}

/* Room for count changes. */
static bool batch_reserve(struct kvd *kvd, unsigned count)
{
    struct kvd_batch *b = &kvd->batch;
    unsigned room = b->room > 0 ? b->room : 64;
    if (count <= b->room)
        return true;
    while (room < count)
        room *= 2;
    struct kvd_item *items = rung_zalloc(kvd->p, room, sizeof *items);
    struct rung_kv_change *changes = rung_zalloc(kvd->p, room, sizeof *changes);
    struct rung_vec *vecs = rung_zalloc(kvd->p, room, 2 * sizeof *vecs);
    if (items == NULL || changes == NULL || vecs == NULL) {
        rung_free(kvd->p, items);
        rung_free(kvd->p, changes);
        rung_free(kvd->p, vecs);
        return false;
    }
    kvd_batch_end(kvd);
    b->items = items;
    b->changes = changes;
    b->vecs = vecs;
    b->room = room;
    return true;
}

void kvd_batch_end(struct kvd *kvd)
{
    rung_free(kvd->p, kvd->batch.items);
    rung_free(kvd->p, kvd->batch.changes);
    rung_free(kvd->p, kvd->batch.vecs);
    kvd->batch.items = NULL;
    kvd->batch.changes = NULL;
    kvd->batch.vecs = NULL;
    kvd->batch.room = 0;
}

static void batch_add(struct kvd *kvd, struct kvd_key *key)
{
    struct kvd_batch *b = &kvd->batch;
    struct kvd_item *item = &b->items[b->count];
    struct rung_vec *vec = &b->vecs[2 * b->count];
    *item = (struct kvd_item){.key = key};
    b->changes[b->count] =
        (struct rung_kv_change){.key = (const char *)key->name.at, .key_len = key->name.len};
    if (key->exists) {
        struct kvd_bytes value = key->value;
        item->value = kvd_bytes_ref(value);
        item->tail = kvd_tail_make(value.len > 0 ? value.at[value.len - 1] : 0, value.len,
                                   key->expiry_ms);
        /* a vec serves both ways and is not const; write() only reads it */
        memcpy(&vec[0].base, &value.at, sizeof vec[0].base);
        vec[0].len = value.len;
        vec[1] = (struct rung_vec){item->tail.bytes, item->tail.len};
        b->changes[b->count].value = vec;
        b->changes[b->count].value_count = item->tail.len > 0 ? 2 : 1;
    }
    b->count++;
}

/* What a command did is void: it runs again, before those who wait for the same keys. */
static void batch_again(struct kvd *kvd, struct kvd_cmd *cmd)
{
    kvd_reply_drop(cmd);
    cmd->state = KVD_WAITING;
    cmd->saw_next = cmd->saw_running = false;
    kvd->careful += !cmd->careful;
    cmd->careful = true;
    cmd->starved = !kvd_cmd_enter(cmd, true);
}

/* Two lists, each from the last that came to the first, as one. */
static struct kvd_cmd *batch_merge(struct kvd_cmd *one, struct kvd_cmd *other)
{
    struct kvd_cmd *merged = NULL, **end = &merged;
    while (one != NULL && other != NULL) {
        struct kvd_cmd **later = one->number > other->number ? &one : &other;
        *end = *later;
        end = &(*later)->link;
        *later = *end;
    }
    *end = one != NULL ? one : other;
    return merged;
}

/* Sorts a list from the last that came to the first. */
static struct kvd_cmd *batch_reversed(struct kvd_cmd *first)
{
    struct kvd_cmd *runs[32] = {0}, *all = NULL; /* at i: none, or about 2^i of them */
    for (struct kvd_cmd *cmd = first, *link; cmd != NULL; cmd = link) {
        unsigned i = 0;
        link = cmd->link;
        cmd->link = NULL;
        for (; runs[i] != NULL && i < RUNG_ARRAY_LEN(runs) - 1; i++) {
            cmd = batch_merge(runs[i], cmd);
            runs[i] = NULL;
        }
        runs[i] = batch_merge(runs[i], cmd);
    }
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(runs); i++)
        all = batch_merge(runs[i], all);
    return all;
}

/* Afterwards each of them is first in its queues, behind those that came before it: in whatever
 * order they have run, and whichever batch they waited for. */
static void batch_again_all(struct kvd *kvd, struct kvd_cmd *first)
{
    struct kvd_cmd *reversed = batch_reversed(first), *order = NULL;
    struct kvd_list_of_cmds stalled = kvd->stalled;
    kvd->stalled = (struct kvd_list_of_cmds){0};
    for (struct kvd_cmd *cmd = reversed, *link; cmd != NULL; cmd = link) {
        link = cmd->link;
        batch_again(kvd, cmd);
        cmd->link = order;
        order = cmd;
    }
    for (struct kvd_cmd *cmd = order, *link; cmd != NULL; cmd = link) {
        link = cmd->link;
        kvd_cmd_entered(cmd);
    }
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&stalled)) != NULL;) {
        if (cmd->waits == 0) /* else it waits behind one of them, and is woken */
            kvd_push(&kvd->stalled, cmd);
    }
}

/* Not so a SETNX that only looked, or a GET that found its key expired. */
static bool batch_writer(const struct kvd_cmd *cmd)
{
    return cmd->wrote && (cmd->op->flags & KVD_WRITES) != 0;
}

/* Whether nothing can have happened of a write that was answered so. */
static bool batch_unchanged(int result)
{
    return result != RUNG_E_IO && result != RUNG_E_CORRUPT && result != RUNG_E_UNKNOWN;
}

/* Whether no reader has put removals of what has expired into its batch. */
static bool batch_all_of(const struct kvd *kvd, const struct kvd_cmd *cmd)
{
    return kvd->batch.count <= cmd->slot_count;
}

/* Answers those of the refused batch that have their answer, and gives the list of the others.
 * One that wrote all of it knows why; if none wrote, all that was refused is to forget what has
 * expired, and what was answered holds. Others run again, readers too: they have seen what is
 * not. */
static struct kvd_list_of_cmds batch_judge(struct kvd *kvd, int result)
{
    struct kvd_list_of_cmds after = kvd->batch.after, again = {0};
    bool unchanged = batch_unchanged(result);
    unsigned writers = 0;
    kvd->batch.after = again;
    for (struct kvd_cmd *cmd = after.first; cmd != NULL; cmd = cmd->link)
        writers += batch_writer(cmd);
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&after)) != NULL;) {
        if (writers == 0) {
            kvd_cmd_done(cmd);
        } else if (batch_writer(cmd) && (!unchanged || (writers == 1 && batch_all_of(kvd, cmd)))) {
            kvd_reply_drop(cmd);
            kvd_fail_result(cmd, result);
            kvd_cmd_done(cmd);
        } else {
            kvd_push(&again, cmd);
        }
    }
    return again;
}

/* The store has refused the batch, or failed. */
static void batch_refused(struct kvd *kvd, int result)
{
    struct kvd_key *dirty = kvd->dirty;
    for (struct kvd_key *key = dirty; key != NULL; key = key->next_dirty) {
        kvd_key_forget(kvd, key);
        key->dirty = true; /* it is on this list until its end */
    }
    struct kvd_list_of_cmds again = batch_judge(kvd, result), later = kvd->next_after;
    kvd->dirty = NULL;
    kvd->dirty_count = 0;
    kvd->dirty_bytes = 0;
    kvd->next_after = (struct kvd_list_of_cmds){0};
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&later)) != NULL;)
        kvd_push(&again, cmd);
    batch_again_all(kvd, again.first);
    for (struct kvd_key *key = dirty, *next; key != NULL; key = next) {
        next = key->next_dirty;
        key->dirty = false;
        kvd_key_wake(kvd, key);
        kvd_key_put(kvd, key);
    }
}

static void batch_done(struct rung_op *op, int result)
{
    struct rung_kv_write *write = rung_container_of(op, struct rung_kv_write, op);
    struct kvd_batch *b = rung_container_of(write, struct kvd_batch, write);
    struct kvd *kvd = rung_container_of(b, struct kvd, batch);
    b->running = false;
    kvd->stats.batches++;
    kvd->stats.changes += b->count;
    for (unsigned i = 0; i < b->count; i++) {
        struct kvd_key *key = b->items[i].key;
        kvd_bytes_drop(&kvd->m, &b->items[i].value);
        if (result < 0 && !key->dirty)
            kvd_key_forget(kvd, key);
    }
    if (!batch_unchanged(result))
        kvd->failed = result;
    else if (result >= 0)
        kvd->failed = 0;
    if (result < 0)
        batch_refused(kvd, result);
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&b->after)) != NULL;)
        kvd_cmd_done(cmd);
    for (unsigned i = 0; i < b->count; i++) {
        b->items[i].key->running = false;
        if (result < 0)
            kvd_key_wake(kvd, b->items[i].key);
        kvd_key_put(kvd, b->items[i].key);
    }
    b->count = 0;
    kvd_run_ready(kvd);
    kvd_flush_task(&kvd->flush_task); /* at once: the next turn of the loop may be a wait away */
    kvd_batch_task(&kvd->write_task);
}

/* There was no memory for the batch itself. */
static void batch_no_memory(struct kvd *kvd)
{
    for (struct kvd_key *key = kvd->dirty, *next; key != NULL; key = next) {
        next = key->next_dirty;
        kvd_key_forget(kvd, key);
        kvd_key_wake(kvd, key);
        kvd_key_put(kvd, key);
    }
    kvd->dirty = NULL;
    kvd->dirty_count = 0;
    kvd->dirty_bytes = 0;
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&kvd->next_after)) != NULL;) {
        kvd_reply_drop(cmd);
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        kvd_cmd_done(cmd);
    }
}

void kvd_batch_task(struct rung_task *task)
{
    struct kvd *kvd = rung_container_of(task, struct kvd, write_task);
    struct kvd_batch *b = &kvd->batch;
    if (b->running)
        return;
    if (kvd->dirty != NULL && !batch_reserve(kvd, kvd->dirty_count)) {
        batch_no_memory(kvd);
    } else if (kvd->dirty != NULL) {
        for (struct kvd_key *key = kvd->dirty; key != NULL; key = key->next_dirty) {
            key->dirty = false;
            key->running = true;
            batch_add(kvd, key);
        }
        kvd->dirty = NULL;
        kvd->dirty_count = 0;
        kvd->dirty_bytes = 0;
        b->after = kvd->next_after;
        kvd->next_after = (struct kvd_list_of_cmds){0};
        b->running = true;
        b->write = (struct rung_kv_write){
            .op = {.done = batch_done}, .change = b->changes, .change_count = b->count};
        rung_kv_write(kvd->kv, &b->write);
    }
    struct kvd_list_of_cmds stalled = kvd->stalled; /* there is room again */
    kvd->stalled = (struct kvd_list_of_cmds){0};
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&stalled)) != NULL;)
        kvd_cmd_ready(kvd, cmd);
    kvd_memory_back(kvd);
    kvd_run_ready(kvd);
}
