/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir.c - KV on a folder: the requests' way to the worker threads and back. */
#include "kv_dir_impl.h"

#include <string.h>
#include <unistd.h>

#include "rung/heap.h"
#include "unix/unix.h"

void rung_kv_dir_work(struct rung_kv_dir_job *job, uv_work_cb work, uv_after_work_cb after)
{
    int err = uv_queue_work(rung_unix_loop(job->dir->p), &job->work, work, after);
    assert(err == 0); /* it only fails without a function to run */
    (void)err;
}

static int dir_start(struct rung_kv_dir_job *job, struct rung_op *op)
{
    const char *key = NULL;
    size_t len = 0;
    job->op = op;
    if (job->kind == RUNG_KV_DIR_LIST)
        return rung_kv_dir_list_start(job);
    if (job->kind == RUNG_KV_DIR_GET) {
        const struct rung_kv_get *get = rung_container_of(op, struct rung_kv_get, op);
        key = get->key;
        len = get->key_len;
    } else {
        const struct rung_kv_write *write = rung_container_of(op, struct rung_kv_write, op);
        key = write->change[0].key;
        len = write->change[0].key_len;
    }
    memcpy(job->path, key, len);
    job->path[len] = 0;
    return job->kind == RUNG_KV_DIR_GET ? rung_kv_dir_get_start(job) : rung_kv_dir_write_start(job);
}

/* Gives the job to requests that wait until one has started; else it is idle. */
static void dir_next(struct rung_kv_dir_job *job)
{
    struct rung_kv_dir_queue *queue = &job->dir->queues[job->kind];
    while (queue->first) {
        struct rung_op *op = rung_container_of(queue->first, struct rung_op, task);
        queue->first = op->task.next;
        if (!queue->first)
            queue->end = &queue->first;
        int err = dir_start(job, op);
        if (!err)
            return;
        rung_op_finish(job->dir->p, op, err);
    }
    job->op = NULL;
    job->next = queue->idle;
    queue->idle = job;
}

/* There is no "full": what no job is free for waits here, and costs nothing but its own memory. */
static void dir_submit(struct rung_kv_dir *dir, enum rung_kv_dir_kind kind, struct rung_op *op)
{
    struct rung_kv_dir_queue *queue = &dir->queues[kind];
    struct rung_kv_dir_job *job = queue->idle;
    op->cancel = NULL;
    op->task.next = NULL;
    *queue->end = &op->task;
    queue->end = &op->task.next;
    if (job) {
        queue->idle = job->next;
        dir_next(job);
    }
}

void rung_kv_dir_end(struct rung_kv_dir_job *job, int result)
{
    rung_op_finish(job->dir->p, job->op, result);
    dir_next(job);
}

static void dir_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct rung_kv_dir *dir = rung_kv_dir_of(kv);
    assert(get->op.done);
    get->type = NULL;
    get->encoding = RUNG_KV_PLAIN;
    if (rung_kv_key_portable(get->key, get->key_len))
        dir_submit(dir, RUNG_KV_DIR_GET, &get->op);
    else
        rung_op_finish(dir->p, &get->op, RUNG_E_INVAL);
}

static int dir_write_check(const struct rung_kv *kv, const struct rung_kv_write *write)
{
    const struct rung_kv_change *change = write->change;
    uint64_t len = 0;
    if (kv->info.caps & RUNG_KV_IS_READONLY)
        return RUNG_E_READONLY;
    if (write->change_count < 1 || write->change_count > kv->info.max_batch)
        return RUNG_E_LIMIT;
    if (!rung_kv_key_portable(change->key, change->key_len))
        return RUNG_E_INVAL;
    for (unsigned i = 0; change->value && i < change->value_count; i++) {
        if (change->value[i].len > kv->info.max_value - len)
            return RUNG_E_TOOBIG;
        len += change->value[i].len;
    }
    return RUNG_OK;
}

static void dir_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    struct rung_kv_dir *dir = rung_kv_dir_of(kv);
    assert(write->op.done);
    int err = dir_write_check(kv, write);
    if (err)
        rung_op_finish(dir->p, &write->op, err);
    else
        dir_submit(dir, RUNG_KV_DIR_WRITE, &write->op);
}

static void dir_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    assert(list->op.done && list->each);
    list->more = false;
    dir_submit(rung_kv_dir_of(kv), RUNG_KV_DIR_LIST, &list->op);
}

static void dir_close_work(uv_work_t *work)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    rung_kv_dir_temp_end(job->dir);
    close(job->dir->root);
}

static void dir_close_after(uv_work_t *work, int status)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    struct rung_kv_dir *dir = job->dir;
    struct rung_op *op = job->op;
    (void)status;
    rung_free(dir->p, dir->jobs);
    dir->jobs = NULL;
    rung_op_finish(dir->p, op, RUNG_OK);
}

static void dir_close(struct rung_kv *kv, struct rung_op *op)
{
    struct rung_kv_dir *dir = rung_kv_dir_of(kv);
    struct rung_kv_dir_job *job = dir->queues[RUNG_KV_DIR_WRITE].idle;
    assert(op->done && job); /* nothing is in flight */
    op->cancel = NULL;
    job->op = op;
    rung_kv_dir_work(job, dir_close_work, dir_close_after);
}

const struct rung_kv_ops rung_kv_dir_kv_ops = RUNG_KV_TABLE("kv-dir", dir);
