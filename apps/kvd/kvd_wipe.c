/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_wipe.c - FLUSHDB: removes all keys, some at a time, as commands of our own. */
#include "kvd_int.h"

enum { WIPE_KEYS = 256 };

struct wipe {
    struct rung_kv_list list;
    struct kvd *kvd;
    struct kvd_cmd *cmd;
    struct kvd_cmd *some; /* gathers keys to be removed */
    size_t last_len;
    char last[RUNG_KV_KEY_MAX]; /* seen */
};

static void wipe_end(struct wipe *s)
{
    struct kvd *kvd = s->kvd;
    struct kvd_cmd *cmd = s->cmd;
    rung_free(kvd->p, s);
    kvd->lists--;
    kvd_cmd_done(cmd);
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
    s->cmd->reply = wipe->reply; /* why not */
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
            kvd_ok(s->cmd);
        else
            kvd_fail_result(s->cmd, result < 0 ? result : RUNG_E_NOMEM);
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
        kvd_fail_result(s->cmd, RUNG_E_NOMEM);
        wipe_end(s);
        return;
    }
    s->list.limit = max > 0 && max < WIPE_KEYS ? max : WIPE_KEYS;
    rung_kv_list(kvd->kv, &s->list);
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
    struct wipe *s = rung_zalloc(kvd->p, 1, sizeof *s);
    if (s == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        kvd_cmd_done(cmd);
        return;
    }
    s->kvd = kvd;
    s->cmd = cmd;
    s->list.each = wipe_each;
    s->list.op.done = wipe_listed;
    s->list.prefix = "";
    kvd->lists++;
    wipe_some(s);
}
