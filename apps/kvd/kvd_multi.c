/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_multi.c - transactions. What is queued since MULTI becomes one command with the keys
 * of all: it runs when it is first in every queue, and its changes are in one batch. Before that it
 * is weighed: APPEND and GET, over and over, would hold a value for each time. */
#include "kvd_int.h"

void kvd_multi_drop(struct kvd_conn *c)
{
    for (struct kvd_cmd *cmd = c->multi_first, *next; cmd != NULL; cmd = next) {
        next = cmd->next;
        cmd->slot_count = 0; /* nobody has given it slots */
        kvd_cmd_free(cmd);
    }
    c->multi_first = NULL;
    c->multi_count = 0;
    c->kvd->multi_bytes -= c->multi_bytes;
    c->multi_bytes = 0;
    kvd_wait_hold(c);
    c->multi = c->multi_broken = false;
}

void kvd_cmd_multi(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    (void)kvd;
    if (c->multi) {
        kvd_fail(cmd, "ERR MULTI calls can not be nested");
        return;
    }
    c->multi = true;
    kvd_ok(cmd);
}

void kvd_cmd_discard(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    (void)kvd;
    if (!c->multi) {
        kvd_fail(cmd, "ERR DISCARD without MULTI");
        return;
    }
    kvd_multi_drop(c);
    kvd_ok(cmd);
}

void kvd_cmd_watch(struct kvd *kvd, struct kvd_cmd *cmd)
{
    (void)kvd;
    kvd_fail(cmd, cmd->conn->multi ? "ERR WATCH inside MULTI is not allowed"
                                   : "ERR WATCH is not supported; SET NX and GETSET are");
}

void kvd_cmd_unwatch(struct kvd *kvd, struct kvd_cmd *cmd)
{
    (void)kvd;
    kvd_ok(cmd);
}

/* EXEC of what only reads, as GET does: any number of keys, of a store that takes no writes too. */
static const struct kvd_op exec_reads = {"exec", kvd_cmd_exec, 1, 0, 0, 0, 0, KVD_NOW};

static bool exec_writes(const struct kvd_cmd *cmd)
{
    for (const struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next) {
        if ((sub->op->flags & KVD_WRITES) != 0)
            return true;
    }
    return false;
}

void kvd_exec_start(struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    if (!c->multi || c->multi_broken) {
        kvd_fail(cmd, c->multi ? "EXECABORT Transaction discarded because of previous errors."
                               : "ERR EXEC without MULTI");
        kvd_multi_drop(c);
        kvd_cmd_done(cmd);
        return;
    }
    cmd->subs = c->multi_first;
    cmd->sub_count = c->multi_count;
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        kvd_cmd_weigh(sub, sizeof *sub); /* what has paid for it ends with its words */
    c->multi_first = NULL;
    kvd_multi_drop(c);
    if (!exec_writes(cmd))
        cmd->op = &exec_reads;
    if (kvd_exec_slots(cmd))
        kvd_cmd_start(cmd);
    else
        kvd_cmd_done(cmd);
}

static void plan_set(struct kvd_key *key, uint64_t size)
{
    key->plan = (struct kvd_plan){.size = size, .exists = true, .made = true};
}

/* A command shows the value: gives how many bytes its reply holds that nothing has paid for. */
static uint64_t plan_show(struct kvd_key *key)
{
    uint64_t size = key->plan.exists && key->plan.made ? key->plan.size : 0;
    key->plan.made = false; /* others that show it hold the same bytes */
    return size;
}

/* SET and the like. */
static uint64_t plan_of_set(const struct kvd_cmd *sub)
{
    struct kvd_key *key = kvd_key_of(sub, 0);
    bool nx = sub->op->run == kvd_cmd_setnx, xx = false, get = sub->op->name[0] == 'g';
    bool timed = sub->op->arity == 4; /* SETEX, PSETEX */
    for (unsigned i = 3; i < sub->args.count && !timed; i++) {
        nx = nx || kvd_word_is(kvd_arg(sub, i), "nx");
        xx = xx || kvd_word_is(kvd_arg(sub, i), "xx");
        get = get || kvd_word_is(kvd_arg(sub, i), "get");
    }
    uint64_t shown = get ? plan_show(key) : 0;
    if (key->plan.exists ? !nx : !xx)
        plan_set(key, kvd_arg(sub, timed ? 3 : 2).len);
    return shown;
}

/* Goes on by one command; gives what its reply will hold. Numbers are short, and what it brings
 * along is paid for. */
static uint64_t plan_step(const struct kvd *kvd, const struct kvd_cmd *sub)
{
    void (*run)(struct kvd *, struct kvd_cmd *) = sub->op->run;
    uint64_t shown = 0;
    if (run == kvd_cmd_set || run == kvd_cmd_setnx)
        return plan_of_set(sub);
    if (run == kvd_cmd_info)
        return KVD_INFO_MOST;
    for (uint32_t i = 0; i < sub->slot_count; i++) {
        struct kvd_key *key = kvd_key_of(sub, i);
        uint64_t had = key->plan.exists ? key->plan.size : 0;
        if (run == kvd_cmd_get || run == kvd_cmd_mget || run == kvd_cmd_getrange)
            shown += plan_show(key);
        if (run == kvd_cmd_mset)
            plan_set(key, kvd_arg(sub, 2 + 2 * i).len);
        else if (run == kvd_cmd_append && had + kvd_arg(sub, 2).len <= kvd->limits.max_value)
            plan_set(key, had + kvd_arg(sub, 2).len);
        else if (run == kvd_cmd_del || (run == kvd_cmd_get && sub->op->flags & KVD_WRITES))
            key->plan = (struct kvd_plan){0};
    }
    return shown;
}

/* Whether there is memory for all values that the transaction makes and shows, each of which is
 * kept until the reply is taken. An expiry that passes meanwhile makes it less. */
static bool exec_room(struct kvd *kvd, struct kvd_cmd *cmd)
{
    const struct kvd_memory *m = &kvd->m;
    uint64_t shown = 0;
    for (uint32_t i = 0; i < cmd->slot_count; i++) {
        struct kvd_key *key = kvd_key_of(cmd, i);
        bool expired = key->expiry_ms > 0 && key->expiry_ms <= kvd_wall_ms(kvd);
        key->plan = (struct kvd_plan){.size = key->size, .exists = key->exists && !expired};
    }
    for (const struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        shown += plan_step(kvd, sub);
    return shown <= KVD_SMALL
           || (m->reply_used <= m->reply_max && shown <= m->reply_max - m->reply_used);
}

void kvd_cmd_exec(struct kvd *kvd, struct kvd_cmd *cmd)
{
    if (!exec_room(kvd, cmd)) {
        kvd_fail(cmd, "OOM the transaction makes and shows values that there is no memory for: "
                 "nothing was changed");
        return;
    }
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        sub->op->run(kvd, sub);
    cmd->reply.kind = KVD_NESTED;
}
