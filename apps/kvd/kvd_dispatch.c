/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_dispatch.c - a command that has been read: what is wrong with it, whether a
 * transaction takes it, and which of its words are keys. */
#include "kvd_int.h"

/* Appends it to what the connection's client waits for, in order. */
static void take_append(struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    cmd->next = NULL;
    if (c->first != NULL)
        c->last->next = cmd;
    else
        c->first = cmd;
    c->last = cmd;
    c->cmd_count++;
}

void kvd_cmd_answer(struct kvd_cmd *cmd)
{
    take_append(cmd);
    kvd_cmd_done(cmd);
}

/* One past the last word that can be a key. */
static unsigned take_key_end(const struct kvd_cmd *cmd)
{
    unsigned count = cmd->args.count, last = cmd->op->last;
    return last != KVD_TO_END && last < count ? last + 1 : count;
}

enum { TAKE_SHOWN = 64 }; /* bytes of a name that is none */

static bool take_unknown(struct kvd_cmd *cmd)
{
    struct kvd_bytes name = kvd_arg(cmd, 0);
    char shown[TAKE_SHOWN + 1];
    size_t len = name.len < TAKE_SHOWN ? name.len : TAKE_SHOWN;
    for (size_t i = 0; i < len; i++)
        shown[i] = name.at[i] == '\0' ? '?' : (char)name.at[i]; /* as kvd_fail_fmt() shows others */
    shown[len] = '\0';
    kvd_fail_fmt(cmd, "ERR unknown command '%s%s'; COMMAND lists those that there are", shown,
                 len < name.len ? "..." : "");
    return false;
}

/* Whether the words are such that the command can be run at all; else its reply says why not. */
static bool take_check(struct kvd *kvd, struct kvd_cmd *cmd)
{
    const struct kvd_op *op = cmd->op = kvd_op_find(kvd, kvd_arg(cmd, 0));
    int count = (int)cmd->args.count;
    if (op == NULL)
        return take_unknown(cmd);
    if (op->arity >= 0 ? count != op->arity : count < -op->arity) {
        kvd_fail_fmt(cmd, "ERR wrong number of arguments for '%s' command", op->name);
        return false;
    }
    if (op->step > 1 && (count - op->first) % op->step != 0) {
        kvd_fail_fmt(cmd, "ERR wrong number of arguments for '%s' command", op->name);
        return false;
    }
    unsigned keys = 0;
    for (unsigned i = op->first; op->first > 0 && i < take_key_end(cmd); i += op->step, keys++) {
        size_t len = kvd_arg(cmd, i).len;
        if (len < 1 || len > RUNG_KV_KEY_MAX) {
            kvd_fail_fmt(cmd, "ERR a key is of 1 to %u bytes here, not %zu", RUNG_KV_KEY_MAX, len);
            return false;
        }
    }
    if (keys > 0 && kvd->kv->info.max_batch == 0 && (op->flags & KVD_WRITES) != 0) {
        kvd_fail_result(cmd, RUNG_E_READONLY);
        return false;
    }
    if (keys > kvd->kv->info.max_batch && (op->flags & KVD_WRITES) != 0) {
        kvd_fail_fmt(cmd, "ERR the store takes at most %u keys at once",
                     (unsigned)kvd->kv->info.max_batch);
        return false;
    }
    cmd->slot_count = keys;
    return true;
}

/* What a SET with options needs to know of its key. */
static uint8_t take_need(const struct kvd_cmd *cmd)
{
    uint8_t need = cmd->op->need;
    if (cmd->op->run != kvd_cmd_set || cmd->args.count <= 3 || cmd->op->arity > 0)
        return need;
    for (unsigned i = 3; i < cmd->args.count; i++) {
        struct kvd_bytes word = kvd_arg(cmd, i);
        if (kvd_word_is(word, "get"))
            return KVD_NEED_BYTES;
        if (kvd_word_is(word, "nx") || kvd_word_is(word, "xx") || kvd_word_is(word, "keepttl"))
            need = KVD_NEED_FACTS;
    }
    return need;
}

/* Fills count slots for the keys of cmd, which owner waits at. */
static void take_fill(struct kvd_cmd *cmd, struct kvd_cmd *owner, struct kvd_slot *slots)
{
    uint8_t need = take_need(cmd);
    if (need == KVD_NEED_RANGE && owner != cmd)
        need = KVD_NEED_BYTES; /* a transaction may ask for several */
    for (unsigned i = 0; i < cmd->slot_count; i++) {
        slots[i] = (struct kvd_slot){.cmd = owner, .need = need};
        slots[i].name = kvd_arg(cmd, cmd->op->first + i * cmd->op->step);
    }
}

/* Keys cost more than their words: what a command of many will take besides is reserved before it
 * is queued. So are an inline line's words, that were read without. What needs no reservation is
 * weighed. */
static bool take_pay(struct kvd_cmd *cmd, uint32_t keys)
{
    struct kvd_args *args = &cmd->args;
    size_t all = args->own + keys * (sizeof(struct kvd_slot) + sizeof(struct kvd_key));
    size_t have = KVD_SMALL + args->granted, lacks = all > have ? all - have : 0;
    if (!kvd_query_take(&cmd->kvd->m, lacks)) {
        kvd_wait_short(cmd->conn);
        kvd_fail(cmd, "OOM too many long commands at once");
        return false;
    }
    args->granted += lacks;
    kvd_cmd_weigh(cmd, cmd->weight + (uint32_t)(all < KVD_SMALL ? all : KVD_SMALL));
    return true;
}

/* Room for the slots of a command, or of a transaction with count keys. */
static bool take_room(struct kvd_cmd *cmd, uint32_t count)
{
    cmd->slots = cmd->few;
    if (count > RUNG_ARRAY_LEN(cmd->few))
        cmd->slots = rung_zalloc(cmd->kvd->p, count, sizeof cmd->slots[0]);
    if (cmd->slots != NULL)
        return true;
    cmd->slots = cmd->few;
    cmd->slot_count = 0;
    kvd_fail_result(cmd, RUNG_E_NOMEM);
    return false;
}

/* A command of its own: into the queues of its keys. */
static void take_start(struct kvd_cmd *cmd)
{
    if (cmd->slot_count > 0) {
        if (!take_room(cmd, cmd->slot_count)) {
            kvd_cmd_done(cmd);
            return;
        }
        take_fill(cmd, cmd, cmd->slots);
    }
    kvd_cmd_start(cmd);
}

void kvd_cmd_start_own(struct kvd_cmd *cmd, const struct kvd_op *op)
{
    cmd->op = op;
    cmd->slot_count = cmd->args.count;
    take_start(cmd);
}

/* What a command costs for as long as it is queued. */
static uint64_t take_cost(const struct kvd_cmd *cmd)
{
    const struct kvd_args *args = &cmd->args;
    size_t words = args->arg != args->few ? args->room * sizeof args->arg[0] : 0;
    return args->bytes + words + sizeof *cmd + sizeof(struct kvd_hold);
}

/* A client may take its time until EXEC: nothing of TCP's is kept meanwhile, for others wait for
 * it, and what is kept is paid for. All transactions together have half of what long commands have,
 * so that those have the other half. */
static bool take_keep(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    uint64_t cost = take_cost(cmd), lacks = cost > cmd->args.granted ? cost - cmd->args.granted : 0;
    if (kvd->multi_bytes + cost > kvd->m.query_max / 2 || !kvd_query_take(&kvd->m, lacks)) {
        if (cost <= kvd->m.query_max / 2)
            kvd_wait_short(c);
        kvd_fail(cmd, "OOM too many transactions at once");
        return false;
    }
    cmd->args.granted += lacks;
    if (c->rx != NULL && !kvd_args_keep(&kvd->m, &cmd->args, c->rx)) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        return false;
    }
    return true;
}

/* Into the transaction; what is answered now is another command's reply. */
static void take_queue(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    struct kvd_cmd *reply = take_keep(kvd, cmd) ? kvd_cmd_new(kvd, c) : NULL;
    if (reply == NULL) {
        c->multi_broken = true;
        cmd->slot_count = 0;
        if (cmd->reply.kind == KVD_NIL)
            kvd_fail_result(cmd, RUNG_E_NOMEM);
        take_append(cmd);
        kvd_cmd_done(cmd);
        return;
    }
    kvd_cmd_weigh(cmd, 0); /* it is paid for */
    cmd->next = NULL;
    cmd->conn = NULL;
    if (c->multi_first != NULL)
        c->multi_last->next = cmd;
    else
        c->multi_first = cmd;
    c->multi_last = cmd;
    c->multi_count++;
    c->multi_bytes += take_cost(cmd);
    kvd->multi_bytes += take_cost(cmd);
    kvd_wait_hold(c);
    kvd_simple(reply, "QUEUED");
    take_append(reply);
    kvd_cmd_done(reply);
}

/* Whether a transaction can take the command; else its reply says why not. */
static bool take_multi_ok(const struct kvd *kvd, struct kvd_cmd *cmd)
{
    const struct kvd_conn *c = cmd->conn;
    if ((cmd->op->flags & KVD_NO_MULTI) != 0)
        kvd_fail_fmt(cmd, "ERR '%s' cannot be part of a transaction here", cmd->op->name);
    else if (c->multi_bytes + take_cost(cmd) > kvd->config.max_query)
        kvd_fail(cmd, "ERR the transaction is longer than max-query allows");
    else
        return true;
    return false;
}

void kvd_cmd_take(struct kvd_cmd *cmd)
{
    struct kvd *kvd = cmd->kvd;
    struct kvd_conn *c = cmd->conn;
    kvd->stats.commands++;
    bool good = take_check(kvd, cmd);
    bool queue = good && c->multi && (cmd->op->flags & KVD_NOW) == 0;
    if (queue)
        good = take_multi_ok(kvd, cmd);
    else if (good)
        good = take_pay(cmd, cmd->slot_count);
    if (!good) {
        c->multi_broken = c->multi_broken || c->multi;
        cmd->slot_count = 0;
        take_append(cmd);
        kvd_cmd_done(cmd);
    } else if (queue) {
        take_queue(kvd, cmd);
    } else {
        take_append(cmd);
        if ((cmd->op->flags & KVD_BARRIER) != 0) {
            c->barrier = cmd;
            kvd_flush(c); /* starts it when those before it are done */
        } else if (cmd->op->run == kvd_cmd_exec) {
            kvd_exec_start(cmd);
        } else if ((cmd->op->flags & KVD_NOW) != 0) {
            cmd->op->run(kvd, cmd); /* what follows it depends on it */
            kvd_cmd_done(cmd);
        } else {
            take_start(cmd);
        }
    }
}

bool kvd_exec_slots(struct kvd_cmd *cmd)
{
    uint32_t count = 0;
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        count += sub->slot_count;
    if (count > cmd->kvd->kv->info.max_batch && (cmd->op->flags & KVD_WRITES) != 0) {
        kvd_fail_fmt(cmd, "ERR the store takes at most %u keys at once",
                     (unsigned)cmd->kvd->kv->info.max_batch);
        return false;
    }
    if (!take_pay(cmd, count) || !take_room(cmd, count))
        return false;
    cmd->slot_count = count;
    count = 0;
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next) {
        sub->slots = cmd->slots + count;
        take_fill(sub, cmd, sub->slots);
        count += sub->slot_count;
    }
    return true;
}
