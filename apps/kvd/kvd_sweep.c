/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_sweep.c - keys that have expired and that nobody asks for. A walk over the store
 * looks at so many keys a second; one that has expired is removed as if a client had asked for it.
 * Behind the last key it waits until the first expiry that it has seen, or that was set meanwhile;
 * if there is none, for ever: a store without expiries costs one walk after the start. */
#include "kvd_int.h"
#include "rung/clock.h"

static uint64_t sweep_step_ns(const struct kvd *kvd)
{
    return KVD_SWEEP_KEYS * RUNG_NS_PER_S / kvd->config.sweep;
}

static void sweep_start(struct kvd *kvd, uint64_t delay_ns)
{
    if (kvd->config.sweep > 0 && kvd->stopping == NULL)
        rung_timer_start(kvd->p, &kvd->sweep.timer, delay_ns);
}

/* Waits for the first expiry, but at least a second. */
static void sweep_sleep(struct kvd *kvd)
{
    struct kvd_sweep *s = &kvd->sweep;
    uint64_t now_ms = kvd_wall_ms(kvd), least = now_ms + 1000;
    if (s->walking || s->soonest_ms == 0)
        return;
    uint64_t until_ms = s->soonest_ms > least ? s->soonest_ms : least;
    uint64_t left_ms = until_ms - now_ms;
    uint64_t most_ms = UINT64_C(3600000); /* the wall clock may be set meanwhile */
    sweep_start(kvd, (left_ms < most_ms ? left_ms : most_ms) * RUNG_NS_PER_MS);
}

void kvd_sweep_expiry(struct kvd *kvd, uint64_t expiry_ms)
{
    struct kvd_sweep *s = &kvd->sweep;
    if (s->soonest_ms > 0 && s->soonest_ms <= expiry_ms)
        return;
    s->soonest_ms = expiry_ms;
    sweep_sleep(kvd);
}

static void look_run(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    if (kvd_exists(kvd, key) && key->expiry_ms > 0)
        kvd_sweep_expiry(kvd, key->expiry_ms);
}

static const struct kvd_op look_op = {
    "sweep", look_run, 1, 0, KVD_TO_END, 1, KVD_NEED_FACTS, KVD_WRITES};

/* One step is over when its last key was looked at. */
static void sweep_next(struct kvd *kvd)
{
    struct kvd_sweep *s = &kvd->sweep;
    if (s->listing || s->looking > 0)
        return;
    if (s->more) {
        sweep_start(kvd, sweep_step_ns(kvd));
        return;
    }
    s->walking = false;
    s->after_len = 0;
    sweep_sleep(kvd);
    kvd_stop_check(kvd);
}

static void look_then(struct kvd_cmd *cmd)
{
    struct kvd *kvd = cmd->kvd;
    kvd_cmd_free(cmd);
    kvd->sweep.looking--;
    sweep_next(kvd);
    kvd_stop_check(kvd);
}

static bool sweep_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct kvd_sweep *s = rung_container_of(list, struct kvd_sweep, list);
    struct kvd *kvd = rung_container_of(s, struct kvd, sweep);
    struct kvd_hold *hold = kvd_hold_own(&kvd->m, len);
    memcpy(s->after, key, len);
    s->after_len = len;
    if (size < KVD_TAIL_MAX || hold == NULL) { /* no expiry has room in it; or later */
        if (hold != NULL)
            kvd_hold_drop(&kvd->m, hold);
        return true;
    }
    memcpy(kvd_hold_bytes(hold), key, len);
    s->found[s->found_count++] = (struct kvd_bytes){kvd_hold_bytes(hold), len, hold};
    return true;
}

/* Looks at one of those that were listed, as a command of its own. */
static void sweep_look(struct kvd *kvd, struct kvd_bytes *name)
{
    struct kvd_cmd *cmd = kvd_cmd_new(kvd, NULL);
    if (cmd == NULL || !kvd_args_add(&kvd->m, &cmd->args, *name)) {
        if (cmd != NULL)
            kvd_cmd_free(cmd);
        kvd_bytes_drop(&kvd->m, name);
        return;
    }
    cmd->then = look_then;
    kvd->sweep.looking++;
    kvd_cmd_start_own(cmd, &look_op);
}

static void sweep_listed(struct rung_op *op, int result)
{
    struct rung_kv_list *list = rung_container_of(op, struct rung_kv_list, op);
    struct kvd_sweep *s = rung_container_of(list, struct kvd_sweep, list);
    struct kvd *kvd = rung_container_of(s, struct kvd, sweep);
    s->more = result > 0 && list->more && kvd->stopping == NULL;
    for (unsigned i = 0; i < s->found_count; i++) {
        if (kvd->stopping == NULL)
            sweep_look(kvd, &s->found[i]);
        else
            kvd_bytes_drop(&kvd->m, &s->found[i]);
    }
    s->found_count = 0;
    s->listing = false;
    kvd_run_ready(kvd);
    sweep_next(kvd);
    kvd_stop_check(kvd);
}

/* A walk sees what is in the store: what is on its way there is seen to here. */
static void sweep_begin(struct kvd *kvd)
{
    struct kvd_sweep *s = &kvd->sweep;
    s->walking = true;
    s->soonest_ms = 0;
    s->after_len = 0;
    for (unsigned i = 0; i < kvd->batch.count; i++) {
        if (kvd->batch.items[i].key->expiry_ms > 0)
            kvd_sweep_expiry(kvd, kvd->batch.items[i].key->expiry_ms);
    }
    for (const struct kvd_key *key = kvd->dirty; key != NULL; key = key->next_dirty) {
        if (key->expiry_ms > 0)
            kvd_sweep_expiry(kvd, key->expiry_ms);
    }
}

static void sweep_tick(struct rung_timer *timer)
{
    struct kvd_sweep *s = rung_container_of(timer, struct kvd_sweep, timer);
    struct kvd *kvd = rung_container_of(s, struct kvd, sweep);
    if (!s->walking)
        sweep_begin(kvd);
    s->listing = true;
    s->list = (struct rung_kv_list){.prefix = "", .limit = KVD_SWEEP_KEYS, .each = sweep_each};
    s->list.op.done = sweep_listed;
    if (s->after_len > 0) {
        s->list.after = s->after;
        s->list.after_len = s->after_len;
    }
    rung_kv_list(kvd->kv, &s->list);
}

void kvd_sweep_init(struct kvd *kvd)
{
    kvd->sweep.timer.fn = sweep_tick;
    kvd->sweep.walking = true; /* soon: no expiry that is set before puts the first walk off */
    if (kvd->kv->info.max_batch > 0) /* what is read-only keeps what has expired */
        sweep_start(kvd, RUNG_NS_PER_S);
}

void kvd_sweep_stop(struct kvd *kvd)
{
    rung_timer_stop(kvd->p, &kvd->sweep.timer);
}
