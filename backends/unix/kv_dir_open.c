/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_open.c - opening the folder, with a line for each way that it can fail. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv_dir_impl.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

/* How many of a kind may be on worker threads at once. libuv has four threads unless told
 * otherwise, and other modules want some. One write: the order in which writes are done is then the
 * order in which they happened. */
static const unsigned dir_jobs[RUNG_KV_DIR_KINDS] = {
    [RUNG_KV_DIR_GET] = 4, [RUNG_KV_DIR_WRITE] = 1, [RUNG_KV_DIR_LIST] = 2,
};

/* mkdir -p. 0 or an errno. */
static int dir_make(struct rung_platform *p, const char *path)
{
    size_t len = strlen(path);
    char *copy = rung_alloc(p, len + 1);
    int err = 0;
    if (!copy)
        return ENOMEM;
    memcpy(copy, path, len + 1);
    for (size_t at = 1; at <= len && !err; at++) {
        if (at < len && copy[at] != '/')
            continue;
        char slash = copy[at];
        copy[at] = 0;
        err = mkdir(copy, 0777) && errno != EEXIST ? errno : 0;
        copy[at] = slash;
    }
    rung_free(p, copy);
    return err;
}

static enum rung_err dir_refuse(struct rung_platform *p, const struct rung_kv_dir_keys *keys,
                                int err)
{
    const char *path = rung_kv_dir_key_path(keys), *slot = keys->slot;
    if (err == ENOENT && !*path) {
        rung_log(p, RUNG_LOG_ERROR, slot, "no folder is given: give one with --%s.path=...", slot);
        return RUNG_E_INVAL;
    }
    if (err == ENOENT)
        rung_log(p, RUNG_LOG_ERROR, slot,
                 "folder '%s' does not exist; make it, or give another with --%s.path=...", path,
                 slot);
    else if (err == ENOTDIR)
        rung_log(p, RUNG_LOG_ERROR, slot, "'%s' is no folder; give one with --%s.path=...", path,
                 slot);
    else if (err == EACCES || err == EPERM)
        rung_log(p, RUNG_LOG_ERROR, slot,
                 "folder '%s': permission denied; let this user read it, or give another with "
                 "--%s.path=...", path, slot);
    else
        rung_log(p, RUNG_LOG_ERROR, slot,
                 "folder '%s' cannot be opened: %s; mend that, or give another with --%s.path=...",
                 path, strerror(err), slot);
    return err == ENOTDIR ? RUNG_E_INVAL : rung_kv_dir_err(err);
}

static enum rung_err dir_open_root(struct rung_kv_dir *self, struct rung_platform *p,
                                   const struct rung_kv_dir_keys *keys)
{
    const char *path = rung_kv_dir_key_path(keys);
    int err;
    self->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->root < 0 && errno == ENOENT && *path && rung_kv_dir_key_create(keys)) {
        err = dir_make(p, path);
        if (err) {
            rung_log(p, RUNG_LOG_ERROR, keys->slot,
                     "folder '%s' cannot be made: %s; make it, or give another with --%s.path=...",
                     path, strerror(err), keys->slot);
            return rung_kv_dir_err(err);
        }
        self->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return self->root < 0 ? dir_refuse(p, keys, errno) : RUNG_OK;
}

static enum rung_err dir_open_jobs(struct rung_kv_dir *self)
{
    unsigned count = 0;
    for (unsigned kind = 0; kind < RUNG_KV_DIR_KINDS; kind++)
        count += dir_jobs[kind];
    self->jobs = rung_zalloc(self->p, count, sizeof(*self->jobs));
    if (!self->jobs)
        return RUNG_E_NOMEM;
    for (unsigned kind = 0; kind < RUNG_KV_DIR_KINDS; kind++) {
        struct rung_kv_dir_queue *queue = &self->queues[kind];
        queue->end = &queue->first;
        for (unsigned i = 0; i < dir_jobs[kind]; i++) {
            struct rung_kv_dir_job *job = &self->jobs[--count];
            *job = (struct rung_kv_dir_job){
                .dir = self, .kind = (enum rung_kv_dir_kind)kind, .next = queue->idle,
            };
            queue->idle = job;
        }
    }
    return RUNG_OK;
}

enum rung_err rung_kv_dir_open(struct rung_kv_dir *self, struct rung_platform *p,
                               const struct rung_kv_dir_keys *keys,
                               const struct rung_kv_dir_needs *needs)
{
    bool read_only = rung_kv_dir_key_read_only(keys);
    (void)needs;
    *self = (struct rung_kv_dir){
        .p = p, .root = -1, .temp = -1, .sync = rung_kv_dir_key_sync(keys),
    };
    enum rung_err err = rung_unix_workers(p, keys->slot);
    if (err)
        return err;
    err = dir_open_root(self, p, keys);
    if (err)
        return err;
    err = dir_open_jobs(self);
    if (err) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "no memory for the store: give more memory");
        close(self->root);
        return err;
    }
    self->beneath = rung_kv_dir_has_openat2(self->root);
    if (!read_only)
        rung_kv_dir_temp_init(self);
    rung_kv_init(&self->kv, &rung_kv_dir_kv_ops);
    self->kv.info = (struct rung_kv_info){
        .caps = read_only ? RUNG_KV_IS_READONLY : self->sync ? RUNG_KV_IS_DURABLE : 0,
        .max_batch = read_only ? 0 : 1,
        .max_value = INT64_MAX,
    };
    return RUNG_OK;
}
