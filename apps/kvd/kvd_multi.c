/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_multi.c - transactions. What is queued since MULTI becomes one command with the keys
 * of all: it runs when it is first in every queue, and its changes are in one batch. */
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
    c->multi_first = NULL;
    kvd_multi_drop(c);
    if (kvd_exec_slots(cmd))
        kvd_cmd_start(cmd);
    else
        kvd_cmd_done(cmd);
}

void kvd_cmd_exec(struct kvd *kvd, struct kvd_cmd *cmd)
{
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        sub->op->run(kvd, sub);
    cmd->reply.kind = KVD_NESTED;
}
