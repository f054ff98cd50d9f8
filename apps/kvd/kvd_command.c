/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_command.c - the table of commands, and a command's way from its words to its keys'
 * queues, its run and its end. */
#include "kvd_int.h"

static const struct kvd_op ops[] = {
    {"append", kvd_cmd_append, 3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"client", kvd_cmd_client, -2, 0, 0, 0, 0, KVD_NO_MULTI},
    {"command", kvd_cmd_command, -1, 0, 0, 0, 0, KVD_NO_MULTI},
    {"config", kvd_cmd_config, -2, 0, 0, 0, 0, KVD_NO_MULTI},
    {"dbsize", kvd_cmd_dbsize, 1, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI},
    {"decr", kvd_cmd_decr, 2, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"decrby", kvd_cmd_decrby, 3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"del", kvd_cmd_del, -2, 1, KVD_TO_END, 1, KVD_NEED_FACTS, KVD_WRITES},
    {"discard", kvd_cmd_discard, 1, 0, 0, 0, 0, KVD_NOW},
    {"echo", kvd_cmd_echo, 2, 0, 0, 0, 0, 0},
    {"exec", kvd_cmd_exec, 1, 0, 0, 0, 0, KVD_NOW | KVD_WRITES},
    {"exists", kvd_cmd_exists, -2, 1, KVD_TO_END, 1, KVD_NEED_FACTS, 0},
    {"expire", kvd_cmd_expire, -3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"expireat", kvd_cmd_expire, -3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"expiretime", kvd_cmd_ttl, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"flushall", kvd_cmd_flushdb, -1, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI | KVD_WRITES},
    {"flushdb", kvd_cmd_flushdb, -1, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI | KVD_WRITES},
    {"get", kvd_cmd_get, 2, 1, 1, 1, KVD_NEED_BYTES, 0},
    {"getdel", kvd_cmd_get, 2, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"getrange", kvd_cmd_getrange, 4, 1, 1, 1, KVD_NEED_RANGE, 0},
    {"getset", kvd_cmd_set, 3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"hello", kvd_cmd_hello, -1, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI},
    {"incr", kvd_cmd_incr, 2, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"incrby", kvd_cmd_incrby, 3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES | KVD_GROWS},
    {"info", kvd_cmd_info, -1, 0, 0, 0, 0, 0},
    {"keys", kvd_cmd_keys, 2, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI},
    {"mget", kvd_cmd_mget, -2, 1, KVD_TO_END, 1, KVD_NEED_BYTES, 0},
    {"mset", kvd_cmd_mset, -3, 1, KVD_TO_END, 2, KVD_NEED_NOTHING, KVD_WRITES | KVD_GROWS},
    {"multi", kvd_cmd_multi, 1, 0, 0, 0, 0, KVD_NOW},
    {"persist", kvd_cmd_persist, 2, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"pexpire", kvd_cmd_expire, -3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"pexpireat", kvd_cmd_expire, -3, 1, 1, 1, KVD_NEED_BYTES, KVD_WRITES},
    {"pexpiretime", kvd_cmd_ttl, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"ping", kvd_cmd_ping, -1, 0, 0, 0, 0, 0},
    {"psetex", kvd_cmd_set, 4, 1, 1, 1, KVD_NEED_NOTHING, KVD_WRITES | KVD_GROWS},
    {"pttl", kvd_cmd_ttl, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"quit", kvd_cmd_quit, -1, 0, 0, 0, 0, KVD_NOW},
    {"scan", kvd_cmd_scan, -2, 0, 0, 0, 0, KVD_BARRIER | KVD_NO_MULTI},
    {"select", kvd_cmd_select, 2, 0, 0, 0, 0, 0},
    {"set", kvd_cmd_set, -3, 1, 1, 1, KVD_NEED_NOTHING, KVD_WRITES | KVD_GROWS},
    {"setex", kvd_cmd_set, 4, 1, 1, 1, KVD_NEED_NOTHING, KVD_WRITES | KVD_GROWS},
    {"setnx", kvd_cmd_setnx, 3, 1, 1, 1, KVD_NEED_FACTS, KVD_WRITES | KVD_GROWS},
    {"strlen", kvd_cmd_strlen, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"substr", kvd_cmd_getrange, 4, 1, 1, 1, KVD_NEED_RANGE, 0},
    {"ttl", kvd_cmd_ttl, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"type", kvd_cmd_type, 2, 1, 1, 1, KVD_NEED_FACTS, 0},
    {"unlink", kvd_cmd_del, -2, 1, KVD_TO_END, 1, KVD_NEED_FACTS, KVD_WRITES},
    {"unwatch", kvd_cmd_unwatch, 1, 0, 0, 0, 0, KVD_NOW},
    {"watch", kvd_cmd_watch, -2, 0, 0, 0, 0, KVD_NOW},
};

const struct kvd_op *kvd_op_at(unsigned index)
{
    return index < RUNG_ARRAY_LEN(ops) ? &ops[index] : NULL;
}

static unsigned op_hash(const char *name, size_t len)
{
    unsigned h = (unsigned)len;
    for (size_t i = 0; i < len; i++)
        h = h * 31 + (uint8_t)name[i];
    return (h ^ h >> 8) & 255;
}

void kvd_ops_init(struct kvd *kvd)
{
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(ops); i++) {
        unsigned at = op_hash(ops[i].name, strlen(ops[i].name));
        while (kvd->ops[at] != NULL)
            at = (at + 1) & 255;
        kvd->ops[at] = &ops[i];
    }
}

const struct kvd_op *kvd_op_find(const struct kvd *kvd, struct kvd_bytes name)
{
    char lower[KVD_OP_NAME] = {0};
    if (name.len == 0 || name.len >= KVD_OP_NAME || name.at[name.len - 1] == '\0')
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        char c = (char)name.at[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    for (unsigned at = op_hash(lower, name.len); kvd->ops[at] != NULL; at = (at + 1) & 255) {
        if (memcmp(kvd->ops[at]->name, lower, sizeof lower) == 0)
            return kvd->ops[at];
    }
    return NULL;
}

struct kvd_cmd *kvd_cmd_new(struct kvd *kvd, struct kvd_conn *conn)
{
    struct kvd_cmd *cmd = kvd_take(&kvd->m, &kvd->m.cmds);
    if (cmd == NULL)
        return NULL;
    struct kvd_bytes none = {0};
    cmd->next = cmd->link = cmd->subs = NULL;
    cmd->kvd = kvd;
    cmd->conn = conn;
    cmd->op = NULL;
    cmd->state = KVD_WAITING;
    cmd->wrote = cmd->saw_next = cmd->saw_running = false;
    cmd->begun = cmd->careful = cmd->starved = false;
    cmd->waits = cmd->slot_count = cmd->reply_count = cmd->sub_count = 0;
    cmd->slots = cmd->few;
    cmd->replies = NULL;
    cmd->reply.kind = KVD_NIL;
    cmd->reply.bytes = none;
    cmd->kept = 0;
    cmd->weight = sizeof *cmd;
    kvd->m.work_used += sizeof *cmd;
    cmd->then = NULL;
    kvd_args_init(&cmd->args);
    return cmd;
}

static void cmd_drop_slots(struct kvd_cmd *cmd)
{
    if (cmd->slots != cmd->few && cmd->slots != NULL && cmd->slot_count > 0)
        rung_free(cmd->kvd->p, cmd->slots);
    cmd->slots = cmd->few;
    cmd->slot_count = 0;
}

void kvd_cmd_free(struct kvd_cmd *cmd)
{
    struct kvd *kvd = cmd->kvd;
    for (struct kvd_cmd *sub = cmd->subs, *next; sub != NULL; sub = next) {
        next = sub->next;
        sub->slot_count = 0; /* they are the transaction's */
        kvd_cmd_free(sub);
    }
    cmd->subs = NULL;
    cmd_drop_slots(cmd);
    kvd_reply_drop(cmd);
    kvd_reply_give(&kvd->m, cmd->kept);
    kvd->m.work_used -= cmd->weight;
    if (cmd->args.count > 0 || cmd->args.granted > 0)
        kvd_args_drop(&kvd->m, &cmd->args);
    kvd_give(&kvd->m, &kvd->m.cmds, cmd);
    kvd_memory_back(kvd);
}

bool kvd_cmd_enter(struct kvd_cmd *cmd, bool in_front)
{
    struct kvd *kvd = cmd->kvd;
    cmd->waits = 1;
    for (uint32_t i = 0; i < cmd->slot_count; i++)
        cmd->slots[i].queued = cmd->slots[i].counted = false;
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_slot *slot = &cmd->slots[i];
        struct kvd_key *key = slot->key = kvd_key_get(kvd, slot->name);
        if (key == NULL) {
            while (i-- > 0) {
                if (cmd->slots[i].queued)
                    kvd_key_leave(kvd, &cmd->slots[i]);
                kvd_key_put(kvd, cmd->slots[i].key);
            }
            cmd->waits = 0;
            return false;
        }
        struct kvd_slot *mine = in_front ? key->first : key->last;
        if (key->first == NULL || mine->cmd != cmd)
            kvd_key_enqueue(kvd, slot, in_front);
        else if (slot->need > mine->need)
            mine->need = slot->need;
    }
    return true;
}

void kvd_cmd_entered(struct kvd_cmd *cmd)
{
    if (cmd->starved) {
        kvd_cmd_ready(cmd->kvd, cmd);
        return;
    }
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        if (cmd->slots[i].queued && cmd->slots[i].key->first == &cmd->slots[i])
            kvd_key_wake(cmd->kvd, cmd->slots[i].key);
    }
    if (--cmd->waits == 0)
        kvd_cmd_ready(cmd->kvd, cmd);
}

void kvd_cmd_start(struct kvd_cmd *cmd)
{
    cmd->number = ++cmd->kvd->arrivals;
    cmd->starved = !kvd_cmd_enter(cmd, false);
    kvd_cmd_entered(cmd);
}

void kvd_cmd_ready(struct kvd *kvd, struct kvd_cmd *cmd)
{
    kvd_push(&kvd->ready, cmd);
}

/* Why reading the keys that it needs has failed; 0: it has not. */
static int cmd_error(const struct kvd_cmd *cmd)
{
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        if (cmd->slots[i].need != KVD_NEED_NOTHING && cmd->slots[i].key->error != 0)
            return cmd->slots[i].key->error;
    }
    return 0;
}

static void cmd_run(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int error = cmd->starved ? RUNG_E_NOMEM : cmd_error(cmd);
    uint64_t changes = kvd->changes;
    if (cmd->starved)
        cmd_drop_slots(cmd);
    if (error != 0) {
        kvd_fail_result(cmd, error);
    } else {
        kvd->writing = (cmd->op->flags & KVD_WRITES) != 0;
        cmd->op->run(kvd, cmd);
    }
    cmd->wrote = kvd->changes != changes;
    kvd_cmd_over(cmd);
}

void kvd_run_ready(struct kvd *kvd)
{
    if (kvd->running_ready)
        return;
    kvd->running_ready = true;
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&kvd->ready)) != NULL;) {
        if (cmd->slot_count > 0 && (cmd->op->flags & KVD_WRITES) != 0
            && !kvd_batch_room(kvd, cmd))
            kvd_push(&kvd->stalled, cmd);
        else
            cmd_run(kvd, cmd);
    }
    kvd->running_ready = false;
}

void kvd_cmd_over(struct kvd_cmd *cmd)
{
    struct kvd *kvd = cmd->kvd;
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_key *key = cmd->slots[i].key;
        cmd->saw_next = cmd->saw_next || key->dirty;
        cmd->saw_running = cmd->saw_running || key->running;
    }
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_slot *slot = &cmd->slots[i];
        if (!slot->queued)
            continue;
        struct kvd_key *key = slot->key;
        kvd_key_leave(kvd, slot);
        kvd_key_put(kvd, key);
    }
    cmd->state = KVD_AFTER;
    if (cmd->saw_next)
        kvd_push(&kvd->next_after, cmd);
    else if (cmd->saw_running)
        kvd_push(&kvd->batch.after, cmd);
    else
        kvd_cmd_done(cmd);
}

/* What it was made of: its reply has references of its own to what it shows. */
static void cmd_drop_words(struct kvd_cmd *cmd)
{
    cmd_drop_slots(cmd);
    kvd_args_drop(&cmd->kvd->m, &cmd->args);
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next) {
        sub->slot_count = 0; /* they are the transaction's */
        cmd_drop_words(sub);
    }
}

void kvd_cmd_done(struct kvd_cmd *cmd)
{
    struct kvd *kvd = cmd->kvd;
    cmd->state = KVD_DONE;
    kvd->careful -= cmd->careful;
    cmd->careful = false;
    if (cmd->then != NULL) {
        cmd->then(cmd);
    } else if (cmd->conn == NULL) {
        kvd_cmd_free(cmd);
    } else {
        cmd_drop_words(cmd);
        kvd_flush(cmd->conn);
    }
}
