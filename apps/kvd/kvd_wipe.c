/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_wipe.c - FLUSHDB: removes all keys, some at a time, as commands of our own. One walk
 * is at work at a time; those that ask meanwhile have the next one, all together. */
#include "kvd_int.h"

enum { WIPE_KEYS = 256 };

struct wipe {
    struct rung_kv_list list;
    struct kvd *kvd;
    struct kvd_list_of_cmds cmds; /* whom it is for: the first gets the reply, and then all do */
    struct kvd_cmd *some; /* gathers keys to be removed */
    size_t last_len;
    char last[RUNG_KV_KEY_MAX]; /* seen */
};

static void wipe_begin(struct kvd *kvd);

static void wipe_end(struct wipe *s)
{
    struct kvd *kvd = s->kvd;
    struct kvd_list_of_cmds cmds = s->cmds;
    const struct kvd_reply reply = cmds.first->reply;
    for (struct kvd_cmd *cmd = cmds.first->link; cmd != NULL; cmd = cmd->link) {
        cmd->reply = reply;
        cmd->reply.bytes = kvd_bytes_ref(reply.bytes);
    }
    rung_free(kvd->p, s);
    kvd->wiping = false;
    kvd->lists--;
    for (struct kvd_cmd *cmd; (cmd = kvd_pop(&cmds)) != NULL;)
        kvd_cmd_done(cmd);
    wipe_begin(kvd);
    kvd_stop_check(kvd);
}

static void wipe_run(struct kvd *kvd, struct kvd_cmd *cmd)
{
    for (uint32_t i = 0; i < cmd->slot_count; i++)
        kvd_remove(kvd, kvd_key_of(cmd, i));
    kvd_ok(cmd);
}

static const struct kvd_op wipe_op = {
    "flushdb", wipe_run, 1, 0, KVD_TO_END, 1, KVD_NEED_NOTHING, KVD_WRITES};

static void wipe_some(struct wipe *s);

/* Some keys are gone, for good. */
static void wipe_then(struct kvd_cmd *wipe)
{
    struct wipe *s = wipe->arg;
    if (wipe->reply.kind == KVD_SIMPLE) {
        kvd_cmd_free(wipe);
        wipe_some(s);
        return;
    }
    s->cmds.first->reply = wipe->reply; /* why not */
    wipe->reply.kind = KVD_NIL;
    wipe->reply.bytes = (struct kvd_bytes){0};
    kvd_cmd_free(wipe);
    wipe_end(s);
}

static bool wipe_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct wipe *s = rung_container_of(list, struct wipe, list);
    struct kvd_memory *m = &s->kvd->m;
    struct kvd_hold *hold = kvd_hold_own(m, len);
    (void)size;
    if (hold == NULL)
        return false;
    memcpy(kvd_hold_bytes(hold), key, len);
    if (!kvd_args_add(m, &s->some->args, (struct kvd_bytes){kvd_hold_bytes(hold), len, hold})) {
        kvd_hold_drop(m, hold);
        return false;
    }
    memcpy(s->last, key, len);
    s->last_len = len;
    return true;
}

static void wipe_listed(struct rung_op *op, int result)
{
    struct rung_kv_list *list = rung_container_of(op, struct rung_kv_list, op);
    struct wipe *s = rung_container_of(list, struct wipe, list);
    struct kvd *kvd = s->kvd;
    struct kvd_cmd *wipe = s->some;
    s->some = NULL;
    if (result <= 0 || wipe->args.count == 0) {
        kvd_cmd_free(wipe);
        if (result == 0)
            kvd_ok(s->cmds.first);
        else
            kvd_fail_result(s->cmds.first, result < 0 ? result : RUNG_E_NOMEM);
        wipe_end(s);
        return;
    }
    s->list.after = s->last;
    s->list.after_len = s->last_len;
    wipe->then = wipe_then;
    wipe->arg = s;
    kvd_cmd_start_own(wipe, &wipe_op); /* s may be gone */
    kvd_run_ready(kvd);
}

/* The next keys, in order, from behind the last that were removed: so it comes to an end however
 * many others write meanwhile. */
static void wipe_some(struct wipe *s)
{
    struct kvd *kvd = s->kvd;
    uint32_t max = kvd->kv->info.max_batch;
    s->some = kvd_cmd_new(kvd, NULL);
    if (s->some == NULL) {
        kvd_fail_result(s->cmds.first, RUNG_E_NOMEM);
        wipe_end(s);
        return;
    }
    s->list.limit = max > 0 && max < WIPE_KEYS ? max : WIPE_KEYS;
    rung_kv_list(kvd->kv, &s->list);
}

/* A walk for all that wait for one; at the server's end there is nobody left to hear of it. */
static void wipe_begin(struct kvd *kvd)
{
    struct kvd_list_of_cmds cmds = kvd->wipes;
    if (cmds.first == NULL)
        return;
    kvd->wipes = (struct kvd_list_of_cmds){0};
    struct wipe *s = kvd->stopping == NULL ? rung_zalloc(kvd->p, 1, sizeof *s) : NULL;
    if (s == NULL) {
        for (struct kvd_cmd *cmd; (cmd = kvd_pop(&cmds)) != NULL;) {
            kvd_fail_result(cmd, RUNG_E_NOMEM);
            kvd_cmd_done(cmd);
        }
        return;
    }
    s->kvd = kvd;
    s->cmds = cmds;
    s->list.each = wipe_each;
    s->list.op.done = wipe_listed;
    s->list.prefix = "";
    kvd->wiping = true;
    kvd->lists++;
    wipe_some(s);
}

void kvd_cmd_flushdb(struct kvd *kvd, struct kvd_cmd *cmd)
{
    if (cmd->args.count > 2
        || (cmd->args.count == 2 && !kvd_word_is(kvd_arg(cmd, 1), "async")
            && !kvd_word_is(kvd_arg(cmd, 1), "sync"))) {
        kvd_fail(cmd, "ERR syntax error");
        kvd_cmd_done(cmd);
        return;
    }
    kvd_push(&kvd->wipes, cmd);
    if (!kvd->wiping)
        wipe_begin(kvd);
}
