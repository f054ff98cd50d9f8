/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_uring.c - block-file's fast path: plain requests go to io_uring, which
 * needs no thread for them, a few by one system call.
 * Whatever is not plain (a discard, memory that O_DIRECT cannot take, more segments than the
 * kernel takes, a file that has become shorter) is left to the worker threads; and what comes back
 * short or with an error is done there once more, so that errors are told in one place only. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <liburing.h>
#include <uv.h>

#include "block_file_impl.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

enum { URING_SEGMENTS = 1024 }; /* UIO_MAXIOV: of one request */

/* Requests handed over by one system call. A device that is given 32 at once answers all 32 at
 * once, and has nothing to do meanwhile: 0.8 of the rate at depth 32 on a virtio disk, where 4
 * reach all of it. */
enum { URING_BATCH = 4 };

_Static_assert(sizeof(struct rung_vec) == sizeof(struct iovec)
               && offsetof(struct rung_vec, len) == offsetof(struct iovec, iov_len),
               "the kernel reads our segments as they are");

struct rung_block_file_uring {
    struct rung_block_file *file;
    struct io_uring ring;
    uv_poll_t ready;
    struct rung_task submit;
    struct rung_block_req *queued; /* of this turn, in the order they came, by module[URING_NEXT] */
    struct rung_block_req **queued_end;
};

static uint64_t uring_bytes(const struct rung_block_file *file, const struct rung_block_req *req)
{
    return (uint64_t)req->module[RUNG_BLOCK_FILE_SECTORS] * file->medium.sector_size;
}

static bool uring_is_plain(const struct rung_block_file *file, const struct rung_block_req *req)
{
    if (req->kind == RUNG_BLOCK_FLUSH)
        return true;
    return req->kind != RUNG_BLOCK_DISCARD && req->vec_count <= URING_SEGMENTS
           && uring_bytes(file, req) > 0 && uring_bytes(file, req) <= INT32_MAX
           && !rung_block_file_needs_bounce(&file->medium, req);
}

static void uring_prepare(struct rung_block_file *file, struct io_uring_sqe *sqe,
                          struct rung_block_req *req)
{
    int fd = file->medium.fd;
    uint64_t at = req->sector * file->medium.sector_size;
    const struct iovec *iov = (const struct iovec *)(const void *)req->vec;
    if (req->kind == RUNG_BLOCK_FLUSH) {
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    } else if (req->kind == RUNG_BLOCK_READ && req->vec_count == 1) {
        io_uring_prep_read(sqe, fd, iov->iov_base, (unsigned)iov->iov_len, at);
    } else if (req->kind == RUNG_BLOCK_READ) {
        io_uring_prep_readv(sqe, fd, iov, req->vec_count, at);
    } else {
        io_uring_prep_writev(sqe, fd, iov, req->vec_count, at);
        sqe->rw_flags = req->flags & RUNG_BLOCK_FUA ? RWF_DSYNC : 0;
    }
    io_uring_sqe_set_data(sqe, req);
}

static void uring_complete(struct rung_block_file *file, struct rung_block_req *req, int result)
{
    bool all = result >= 0 && (uint64_t)result == uring_bytes(file, req); /* 0 of a FLUSH */
    bool full = result == -ENOSPC || result == -EDQUOT;
    bool fua = req->kind == RUNG_BLOCK_WRITE && (req->flags & RUNG_BLOCK_FUA);
    req->module[RUNG_BLOCK_FILE_DOUBTED] = fua && full;
    /* A sync that lost something says so once, and a second one would be well. */
    if ((req->kind == RUNG_BLOCK_FLUSH && (result == -EIO || full)) || (fua && result == -EIO))
        rung_block_file_done(file, req, rung_block_file_sync_error(-result));
    else if (all)
        rung_block_file_done(file, req, RUNG_OK);
    else
        rung_block_file_pool_start(file, req);
}

static void uring_reap(struct rung_block_file_uring *uring)
{
    struct rung_block_file *file = uring->file;
    struct io_uring_cqe *cqe;
    while (file->uring && io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
        struct rung_block_req *req = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&uring->ring, cqe);
        uring_complete(file, req, result); /* may close the file */
    }
}

static void uring_on_ready(uv_poll_t *poll, int status, int events)
{
    struct rung_block_file_uring *uring = poll->data;
    (void)status;
    (void)events;
    rung_unix_had_io(uring->file->p);
    uring_reap(uring);
}

/* A write past the end of a file that others have made shorter would make it grow again; looked at
 * once for all that a turn has brought. */
static bool uring_file_is_whole(const struct rung_block_file *file)
{
    struct stat st;
    return file->medium.device
           || (fstat(file->medium.fd, &st) == 0 && (uint64_t)st.st_size >= file->medium.bytes);
}

static void uring_submit(struct rung_task *task)
{
    struct rung_block_file_uring *uring =
        rung_container_of(task, struct rung_block_file_uring, submit);
    struct rung_block_req *req = uring->queued;
    bool whole = uring_file_is_whole(uring->file);
    uring->queued = NULL;
    uring->queued_end = &uring->queued;
    while (req) {
        struct rung_block_req *next = (struct rung_block_req *)req->module[RUNG_BLOCK_FILE_NEXT];
        struct io_uring_sqe *sqe = whole ? io_uring_get_sqe(&uring->ring) : NULL;
        if (sqe)
            uring_prepare(uring->file, sqe, req);
        else
            rung_block_file_pool_start(uring->file, req);
        if (io_uring_sq_ready(&uring->ring) >= URING_BATCH)
            io_uring_submit(&uring->ring);
        req = next;
    }
    int got = io_uring_submit(&uring->ring);
    if (got < 0 || io_uring_sq_ready(&uring->ring)) /* the kernel is short of memory: once more */
        rung_loop_defer(uring->file->p, task);
    uring_reap(uring); /* what is done already need not wake the loop */
}

bool rung_block_file_uring_start(struct rung_block_file *self, struct rung_block_req *req)
{
    struct rung_block_file_uring *uring = self->uring;
    if (!uring || !uring_is_plain(self, req))
        return false;
    req->module[RUNG_BLOCK_FILE_NEXT] = 0;
    *uring->queued_end = req;
    uring->queued_end = (struct rung_block_req **)&req->module[RUNG_BLOCK_FILE_NEXT];
    rung_loop_defer(self->p, &uring->submit);
    return true;
}

enum rung_err rung_block_file_uring_open(struct rung_block_file *self)
{
    struct rung_block_file_uring *uring = rung_zalloc(self->p, 1, sizeof(*uring));
    if (!uring)
        return RUNG_E_NOMEM;
    int err = io_uring_queue_init(self->depth, &uring->ring, 0);
    if (err) { /* an old kernel, a container that forbids it, kernel.io_uring_disabled */
        rung_free(self->p, uring);
        return rung_err_from_errno(-err);
    }
    err = uv_poll_init(rung_unix_loop(self->p), &uring->ready, uring->ring.ring_fd);
    if (err) {
        io_uring_queue_exit(&uring->ring);
        rung_free(self->p, uring);
        return rung_err_from_uv(err);
    }
    uring->file = self;
    uring->ready.data = uring;
    uring->submit.fn = uring_submit;
    uring->queued_end = &uring->queued;
    uv_poll_start(&uring->ready, UV_READABLE, uring_on_ready);
    self->uring = uring;
    return RUNG_OK;
}

static void uring_on_closed(uv_handle_t *handle)
{
    struct rung_block_file_uring *uring = handle->data;
    struct rung_block_file *file = uring->file;
    io_uring_queue_exit(&uring->ring);
    rung_free(file->p, uring);
    rung_block_file_pool_close(file, file->closing);
}

void rung_block_file_uring_close(struct rung_block_file *self, struct rung_op *op)
{
    struct rung_block_file_uring *uring = self->uring;
    self->closing = op;
    self->uring = NULL;
    rung_loop_undefer(self->p, &uring->submit);
    uv_close((uv_handle_t *)&uring->ready, uring_on_closed);
}
