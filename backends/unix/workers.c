/* SPDX-License-Identifier: ISC */
/* backends/unix/workers.c - libuv's worker threads, made before they are needed: libuv makes them
 * when the first job comes, and ends the process with abort() if it cannot. */
#include <stdlib.h>

#include "unix/ground.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

enum {
    WORKERS_USUAL = 4,   /* as libuv has it, unless UV_THREADPOOL_SIZE says otherwise */
    WORKERS_MOST = 1024,
    WORKERS_STACK = 8 << 20, /* since libuv 1.45; before that as uv_thread_create() has it */
};

static unsigned workers_count(void)
{
    const char *text = getenv("UV_THREADPOOL_SIZE");
    unsigned count = text ? (unsigned)atoi(text) : WORKERS_USUAL; /* so that -1 is many */
    return count == 0 ? 1 : count > WORKERS_MOST ? WORKERS_MOST : count;
}

static void workers_wait(void *arg)
{
    uv_sem_wait(arg);
}

/* Whether as many threads can be had at once; none is left. */
static int workers_try(uv_thread_t *threads, unsigned count)
{
    const uv_thread_options_t options = {
        .flags = UV_VERSION_HEX < 0x012d00 ? UV_THREAD_NO_FLAGS : UV_THREAD_HAS_STACK_SIZE,
        .stack_size = WORKERS_STACK};
    unsigned made = 0;
    uv_sem_t go;
    int err = uv_sem_init(&go, 0);
    if (err)
        return err;
    while (made < count && !err) {
        err = uv_thread_create_ex(&threads[made], &options, workers_wait, &go);
        made += !err;
    }
    for (unsigned i = 0; i < made; i++)
        uv_sem_post(&go);
    for (unsigned i = 0; i < made; i++)
        uv_thread_join(&threads[i]);
    uv_sem_destroy(&go);
    return err;
}

static void workers_nothing(uv_work_t *work)
{
    (void)work;
}

/* The first job, on a loop of its own, which is gone again when this returns. */
static int workers_make(void)
{
    uv_loop_t loop;
    uv_work_t first;
    int err = uv_loop_init(&loop);
    if (err)
        return err;
    err = uv_queue_work(&loop, &first, workers_nothing, NULL);
    if (!err)
        uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return err;
}

enum rung_err rung_unix_workers(struct rung_platform *p, const char *slot)
{
    if (unix_of(p)->workers)
        return RUNG_OK;
    unsigned count = workers_count();
    uv_thread_t *threads = rung_zalloc(p, count, sizeof(*threads));
    int err = threads ? workers_try(threads, count) : UV_ENOMEM;
    rung_free(p, threads);
    if (!err)
        err = workers_make();
    unix_of(p)->workers = !err;
    if (!err)
        return RUNG_OK;
    rung_log(p, RUNG_LOG_ERROR, slot, "%u worker threads cannot be had (%s): allow more processes "
             "(ulimit -u), open files (-n) or memory (-v)", count, uv_strerror(err));
    return rung_err_from_uv(err);
}
