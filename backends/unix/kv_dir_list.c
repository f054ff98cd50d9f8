/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_list.c - list: a worker thread finds a batch of keys, the loop reports
 * them. */
#include "kv_dir_impl.h"
#include "rung/heap.h"

static struct rung_kv_list *list_of(struct rung_kv_dir_job *job)
{
    return rung_container_of(job->op, struct rung_kv_list, op);
}

/* How many keys the next step should find, 0 for many: those wanted, and one to know if there are
 * more. op.result counts the keys on the way. */
static uint32_t list_most(const struct rung_kv_list *list)
{
    if (!list->limit || list->limit - (uint32_t)list->op.result == UINT32_MAX)
        return 0;
    return list->limit - (uint32_t)list->op.result + 1;
}

static void list_work(uv_work_t *work)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    job->result = rung_kv_dir_walk_step(job->walk, list_most(list_of(job)));
}

/* After each() has said no: only whether there is one more. */
static void list_work_last(uv_work_t *work)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    job->result = rung_kv_dir_walk_step(job->walk, 1);
}

static void list_end(struct rung_kv_dir_job *job, int result)
{
    rung_free(job->dir->p, job->walk);
    job->walk = NULL;
    rung_kv_dir_end(job, result);
}

static void list_after_last(uv_work_t *work, int status)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    struct rung_kv_list *list = list_of(job);
    (void)status;
    list->more = rung_kv_dir_walk_found(job->walk, NULL) != NULL;
    list_end(job, job->result < 0 && !list->more ? job->result : list->op.result);
}

static void list_after(uv_work_t *work, int status)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    struct rung_kv_list *list = list_of(job);
    const struct rung_kv_dir_found *found = NULL;
    bool go = true;
    (void)status;
    while ((found = rung_kv_dir_walk_found(job->walk, found))) {
        if (!go || (list->limit && (uint32_t)list->op.result == list->limit)) {
            list->more = true;
            list_end(job, list->op.result);
            return;
        }
        list->op.result++;
        go = list->each(list, found->key, found->key_len, found->size);
    }
    if (job->result == 1)
        rung_kv_dir_work(job, go ? list_work : list_work_last, go ? list_after : list_after_last);
    else
        list_end(job, job->result < 0 ? job->result : list->op.result);
}

int rung_kv_dir_list_start(struct rung_kv_dir_job *job)
{
    struct rung_kv_list *list = list_of(job);
    job->walk = rung_alloc(job->dir->p, rung_kv_dir_walk_size());
    if (!job->walk)
        return RUNG_E_NOMEM;
    list->op.result = 0;
    rung_kv_dir_walk_start(job->walk, job->dir, list);
    rung_kv_dir_work(job, list_work, list_after);
    return RUNG_OK;
}
