/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd.c - the server's start and its end. */
#include <stdio.h>

#include "kvd_int.h"

#include "rung/clock.h"
#include "rung/entropy.h"

enum { KVD_SLOTS = 1024, KVD_MAX_ARGS = 65536 };

static void kvd_stop_task(struct rung_task *task);

static void kvd_free(struct kvd *kvd)
{
    kvd_memory_end(&kvd->m);
    rung_free(kvd->p, kvd->table);
    rung_free(kvd->p, kvd->cursors);
    rung_free(kvd->p, kvd);
}

static void kvd_pools(struct kvd_memory *m)
{
    m->cmds.size = sizeof(struct kvd_cmd);
    m->keys.size = sizeof(struct kvd_key);
    m->reads.size = sizeof(struct kvd_read);
    m->pieces.size = sizeof(struct kvd_piece);
    m->chunks.size = sizeof(struct kvd_piece) + KVD_CHUNK;
}

/* The longest value is the store's, less what may stand behind it, or the key's. */
static void kvd_init_max_value(struct kvd *kvd)
{
    uint64_t store = kvd->kv->info.max_value, most = kvd->config.max_value;
    bool narrow = store > KVD_TAIL_MAX && store - KVD_TAIL_MAX < most; /* 0: read-only */
    if (narrow)
        most = store - KVD_TAIL_MAX;
    kvd->limits.max_value = (size_t)most;
    snprintf(kvd->too_long, sizeof kvd->too_long, "longer than %zu bytes, %s",
             kvd->limits.max_value,
             narrow ? "the longest value that this store takes" : "which max-value allows");
    kvd->limits.too_long = kvd->too_long;
}

static void kvd_init(struct kvd *kvd, const struct kvd_config *config)
{
    kvd->config = *config;
    kvd_init_max_value(kvd);
    kvd->limits.max_query = (size_t)config->max_query;
    kvd->limits.max_args = KVD_MAX_ARGS;
    kvd_memory_init(&kvd->m, kvd->p, config->memory / 2, config->memory / 2);
    kvd_pools(&kvd->m);
    kvd->m.work_max = config->memory / 8 /* beside the command that each connection is reading */
                      + (uint64_t)config->max_connections * sizeof(struct kvd_cmd);
    kvd->work_bound = kvd->m.work_max;
    kvd->starved_end = &kvd->starved;
    kvd->lined_end = &kvd->lined;
    kvd->spaces_end = &kvd->spaces;
    kvd->parked_end = &kvd->parked;
    kvd->table_mask = KVD_SLOTS - 1;
    rung_entropy_fill(kvd->p, kvd->seed, sizeof kvd->seed);
    kvd->accept_task.fn = kvd_accept_task;
    kvd->write_task.fn = kvd_batch_task;
    kvd->flush_task.fn = kvd_flush_task;
    kvd->stop_task.fn = kvd_stop_task;
    kvd->stats.started_ns = rung_clock_monotonic_ns(kvd->p);
    kvd_ops_init(kvd);
    kvd_wait_init(kvd);
}

int kvd_start(struct kvd **out, struct rung_platform *p, struct rung_tcp *tcp, struct rung_kv *kv,
              struct kvd_config *config)
{
    struct rung_tcp_listen how = {.local = config->local};
    struct kvd *kvd = rung_zalloc(p, 1, sizeof *kvd);
    if (kvd == NULL)
        return RUNG_E_NOMEM;
    kvd->p = p;
    kvd->tcp = tcp;
    kvd->kv = kv;
    kvd->table = rung_zalloc(p, KVD_SLOTS, sizeof(struct kvd_key *));
    kvd->cursors = rung_zalloc(p, KVD_CURSORS, sizeof(struct kvd_cursor));
    kvd_init(kvd, config);
    int err = RUNG_E_NOMEM;
    if (kvd->table != NULL && kvd->cursors != NULL)
        err = rung_tcp_listen(tcp, &how, &kvd->listener);
    if (err < 0) {
        kvd_free(kvd);
        return err;
    }
    kvd->listener->arg = kvd;
    kvd->listener->ready = kvd_accept;
    kvd->config.local = config->local = kvd->listener->local;
    kvd_sweep_init(kvd);
    rung_loop_busy_poll(p, kvd->config.busy_poll_us * RUNG_NS_PER_US);
    *out = kvd;
    return RUNG_OK;
}

void kvd_stop_check(struct kvd *kvd)
{
    if (kvd->stopping != NULL)
        rung_loop_defer(kvd->p, &kvd->stop_task);
}

/* Whether nothing of ours is with the store or TCP any more, and no command is at work. */
static bool kvd_idle(const struct kvd *kvd)
{
    return kvd->conns == NULL && kvd->gone_count == 0 && kvd->piece_count == 0
           && kvd->key_count == 0 && kvd->lists == 0 && !kvd->batch.running
           && !kvd->sweep.listing && kvd->sweep.looking == 0;
}

static void kvd_stop_task(struct rung_task *task)
{
    struct kvd *kvd = rung_container_of(task, struct kvd, stop_task);
    struct rung_op *op = kvd->stopping;
    struct rung_platform *p = kvd->p;
    while (kvd->conns != NULL)
        kvd_let_go(kvd->conns, false);
    if (!kvd_idle(kvd))
        return;
    kvd_sweep_stop(kvd);
    rung_timeouts_end(&kvd->timeouts);
    rung_loop_undefer(p, &kvd->accept_task);
    rung_loop_undefer(p, &kvd->write_task);
    rung_loop_undefer(p, &kvd->flush_task);
    kvd_batch_end(kvd);
    kvd_free(kvd);
    rung_op_finish(p, op, RUNG_OK);
}

void kvd_stop(struct kvd *kvd, struct rung_op *op)
{
    rung_tcp_unlisten(kvd->listener);
    kvd->listener = NULL;
    kvd->stopping = op;
    kvd_sweep_stop(kvd);
    rung_loop_defer(kvd->p, &kvd->stop_task);
}
