/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file.c - BLOCK on a file: the queue in front of the engine, and the table. */
#include "block_file.h"

#include <unistd.h>

#include "block_file_impl.h"
#include "rung/log.h"
#include "unix/unix.h"

enum { FILE_BEST_BYTES = 262144 };

enum { FILE_THREADS = 4, FILE_URING = 64 }; /* depth, unless it is given */
enum { ENGINE_AUTO, ENGINE_URING, ENGINE_THREADS }; /* the key's words */

_Static_assert(sizeof(uintptr_t) >= sizeof(uint64_t), "sector counts are kept in a uintptr_t");

static struct rung_block_file *file_of(struct rung_block *block)
{
    return rung_container_of(block, struct rung_block_file, block);
}

static bool file_changes(const struct rung_block_req *req)
{
    return req->kind == RUNG_BLOCK_WRITE || req->kind == RUNG_BLOCK_DISCARD;
}

/* Whether req has to wait for one that the engine has: the kernel copies a page at a time while
 * others write to it, and block.h promises whole sectors. A FLUSH has no sectors. */
static bool file_conflicts(const struct rung_block_file *file, const struct rung_block_req *req)
{
    for (const struct rung_block_req *r = file->running; r; r = r->next) {
        bool apart = req->sector + req->module[RUNG_BLOCK_FILE_SECTORS] <= r->sector
                     || r->sector + r->module[RUNG_BLOCK_FILE_SECTORS] <= req->sector;
        bool empty = !req->module[RUNG_BLOCK_FILE_SECTORS] || !r->module[RUNG_BLOCK_FILE_SECTORS];
        if (!apart && !empty && (file_changes(req) || file_changes(r)))
            return true;
    }
    return false;
}

/* Strictly in order: a request that has to wait holds those behind it. Overlap is rare, and no
 * request is overtaken for ever. */
static void file_start(struct rung_block_file *file)
{
    while (file->waiting && file->running_count < file->depth
           && !file_conflicts(file, file->waiting)) {
        struct rung_block_req *req = file->waiting;
        file->waiting = req->next;
        if (req->kind == RUNG_BLOCK_WRITE)
            file->unused = NULL;
        if (!file->waiting)
            file->waiting_end = &file->waiting;
        req->next = file->running;
        file->running = req;
        file->running_count++;
        rung_unix_working(file->p, 1);
        if (!rung_block_file_uring_start(file, req))
            rung_block_file_pool_start(file, req);
    }
}

static void file_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct rung_block_file *file = file_of(block);
    assert(req->op.done && req->kind <= RUNG_BLOCK_DISCARD && !file->closing);
    req->op.cancel = NULL;
    uint64_t sectors;
    int err = rung_block_check(&block->info, req, &sectors);
    if (err) {
        rung_op_finish(file->p, &req->op, err);
        return;
    }
    req->module[RUNG_BLOCK_FILE_SECTORS] = (uintptr_t)sectors;
    req->module[RUNG_BLOCK_FILE_DOUBTED] = false;
    req->next = NULL;
    *file->waiting_end = req;
    file->waiting_end = &req->next;
    file_start(file);
}

/* A sync that failed has dropped dirty pages and marked them clean, and the next one would say that
 * all is well (see fsync(2) and "fsyncgate"): so it is remembered. */
static int file_sync_result(struct rung_block_file *file, const struct rung_block_req *req,
                            int result)
{
    bool syncs = req->kind == RUNG_BLOCK_FLUSH
                 || (req->kind == RUNG_BLOCK_WRITE && (req->flags & RUNG_BLOCK_FUA));
    if (syncs && result == RUNG_E_IO)
        file->flush_failed = true;
    if (req->kind == RUNG_BLOCK_FLUSH && !result && file->flush_failed)
        return RUNG_E_IO;
    return result;
}

void rung_block_file_done(struct rung_block_file *self, struct rung_block_req *req, int result)
{
    struct rung_block_req **link = &self->running;
    while (*link != req)
        link = &(*link)->next;
    *link = req->next;
    self->running_count--;
    rung_unix_working(self->p, -1);
    result = file_sync_result(self, req, result);
    file_start(self);
    req->op.done(&req->op, result); /* may close: self is not to be touched after it */
}

static void file_close(struct rung_block *block, struct rung_op *op)
{
    struct rung_block_file *file = file_of(block);
    assert(op->done && !file->closing && !file->running && !file->waiting);
    op->cancel = NULL;
    if (file->unused)
        rung_block_file_medium_remove(&file->medium, file->unused);
    if (file->uring)
        rung_block_file_uring_close(file, op);
    else
        rung_block_file_pool_close(file, op);
}

const struct rung_block_ops rung_block_file_block_ops = RUNG_BLOCK_TABLE("block-file", file);

static struct rung_block_info file_info(const struct rung_block_file *file, uint32_t caps)
{
    const struct rung_block_file_medium *m = &file->medium;
    return (struct rung_block_info){
        .sectors = m->bytes / m->sector_size,
        .sector_size = m->sector_size,
        .caps = caps | RUNG_BLOCK_IS_DURABLE,
        .best_depth = file->depth,
        .best_sectors = FILE_BEST_BYTES / m->sector_size,
    };
}

/* The worker threads, and in front of them the fast path, if it is wanted and the kernel has it. */
static enum rung_err file_engine(struct rung_block_file *file,
                                 const struct rung_block_file_keys *keys)
{
    unsigned want = rung_block_file_key_engine(keys), given = file->depth;
    if (!given)
        file->depth = want == ENGINE_THREADS ? FILE_THREADS : FILE_URING;
    enum rung_err err = rung_block_file_pool_open(file);
    if (err) {
        rung_log(file->p, RUNG_LOG_ERROR, keys->slot,
                 "no memory for %u requests at once: give more, or set %s.depth to less",
                 file->depth, keys->slot);
        return err;
    }
    if (want == ENGINE_THREADS)
        return RUNG_OK;
    err = rung_block_file_uring_open(file);
    if (err && want == ENGINE_URING) {
        rung_log(file->p, RUNG_LOG_ERROR, keys->slot, "io_uring is not to be had here (%s): set "
                 "%s.engine=auto, or allow it", rung_err_text(err), keys->slot);
        rung_block_file_pool_free(file);
        return err;
    }
    if (err) {
        rung_log(file->p, RUNG_LOG_DEBUG, keys->slot, "no io_uring here (%s): worker threads",
                 rung_err_text(err));
        file->depth = given ? given : FILE_THREADS;
    }
    return RUNG_OK;
}

enum rung_err rung_block_file_open(struct rung_block_file *self, struct rung_platform *p,
                                   const struct rung_block_file_keys *keys,
                                   const struct rung_block_file_needs *needs)
{
    (void)needs;
    uint32_t caps = 0;
    bool made;
    *self = (struct rung_block_file){.p = p, .depth = rung_block_file_key_depth(keys)};
    if (self->depth > RUNG_BLOCK_FILE_DEPTH_MAX) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "a depth of %u is more than %u: set %s.depth",
                 self->depth, RUNG_BLOCK_FILE_DEPTH_MAX, keys->slot);
        return RUNG_E_RANGE;
    }
    enum rung_err err = rung_unix_workers(p, keys->slot);
    if (err)
        return err;
    err = rung_block_file_medium_open(&self->medium, &caps, &made, p, keys);
    if (err)
        return err;
    self->unused = made ? rung_block_file_key_path(keys) : NULL;
    err = file_engine(self, keys);
    if (err) {
        if (made)
            rung_block_file_medium_remove(&self->medium, self->unused);
        close(self->medium.fd);
        return err;
    }
    self->waiting_end = &self->waiting;
    rung_block_init(&self->block, &rung_block_file_block_ops);
    self->block.info = file_info(self, caps);
    return RUNG_OK;
}
