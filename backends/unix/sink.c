/* SPDX-License-Identifier: ISC */
/* backends/unix/sink.c - sink.h on a file, a FIFO or a character device. Writes run on libuv's
 * worker threads, so that a slow disk does not hold up the loop. Descriptors are non-blocking: a
 * FIFO whose reader is slow must not keep a thread, of which there are few, and is tried again by
 * a timer. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/sink.h"
#include "unix/ground.h"
#include "unix/unix.h"

#define SINK_RETRY_NS (10 * RUNG_NS_PER_MS) /* a FIFO of 64 KiB then carries 6 MB/s at least */

struct rung_sink {
    struct rung_platform *p;
    uv_file fd;
    uv_fs_t req;
    struct rung_op *op; /* in flight, or NULL */
    uv_buf_t bufs[RUNG_SINK_VECS];
    unsigned first, count; /* bufs[first..count) are still to be written */
    bool canceled;
    struct rung_timer retry;
};

static void sink_finish(struct rung_sink *sink, int result)
{
    struct rung_op *op = sink->op;
    sink->op = NULL;
    rung_op_finish(sink->p, op, result);
}

/* Takes what has been written off the front. */
static void sink_advance(struct rung_sink *sink, size_t written)
{
    while (sink->first < sink->count && written >= sink->bufs[sink->first].len)
        written -= sink->bufs[sink->first++].len;
    if (written > 0) {
        sink->bufs[sink->first].base += written;
        sink->bufs[sink->first].len -= written;
    }
}

static void sink_go_on(struct rung_sink *sink);

static void sink_on_written(uv_fs_t *req)
{
    struct rung_sink *sink = rung_container_of(req, struct rung_sink, req);
    ssize_t result = req->result;
    uv_fs_req_cleanup(req);
    if (result > 0)
        sink_advance(sink, (size_t)result);
    if (sink->first == sink->count)
        sink_finish(sink, RUNG_OK);
    else if (result < 0 && result != UV_EAGAIN && result != UV_EINTR)
        sink_finish(sink, result == UV_EPIPE ? RUNG_E_DOWN : (int)rung_err_from_uv((int)result));
    else if (sink->canceled)
        sink_finish(sink, RUNG_E_CANCELED);
    else if (result == UV_EAGAIN)
        rung_timer_start(sink->p, &sink->retry, SINK_RETRY_NS);
    else
        sink_go_on(sink);
}

static void sink_go_on(struct rung_sink *sink)
{
    int err = uv_fs_write(rung_unix_loop(sink->p), &sink->req, sink->fd, sink->bufs + sink->first,
                          sink->count - sink->first, -1, sink_on_written);
    if (err)
        sink_finish(sink, rung_err_from_uv(err));
}

static void sink_on_retry(struct rung_timer *timer)
{
    sink_go_on(rung_container_of(timer, struct rung_sink, retry));
}

void rung_sink_cancel(struct rung_sink *sink)
{
    sink->canceled = true;
    if (!sink->retry.active)
        return; /* a worker thread has it, or nothing is in flight */
    rung_timer_stop(sink->p, &sink->retry);
    sink_finish(sink, RUNG_E_CANCELED);
}

void rung_sink_write(struct rung_sink *sink, struct rung_op *op, const struct rung_vec vec[],
                     unsigned n)
{
    assert(!sink->op && n <= RUNG_SINK_VECS && op->done);
    sink->op = op;
    sink->first = sink->count = 0;
    sink->canceled = false;
    for (unsigned i = 0; i < n; i++) {
        if (vec[i].len > 0)
            sink->bufs[sink->count++] = (uv_buf_t){.base = vec[i].base, .len = vec[i].len};
    }
    op->cancel = NULL;
    if (sink->count == 0)
        sink_finish(sink, RUNG_OK);
    else
        sink_go_on(sink);
}

/* What a directory, a socket or a disk is told: a sink is for files and streams. */
static int sink_check_kind(uv_file fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) ? 0 : UV_EINVAL;
}

enum rung_err rung_sink_open(struct rung_platform *p, const char *name, struct rung_sink **out)
{
    uv_fs_t req;
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (rung_unix_workers(p, name))
        return RUNG_E_AGAIN;
    struct rung_sink *sink = rung_zalloc(p, 1, sizeof(*sink));
    if (!sink)
        return RUNG_E_NOMEM;
    int fd = uv_fs_open(NULL, &req, name, flags, S_IRUSR | S_IWUSR, NULL);
    uv_fs_req_cleanup(&req);
    int err = fd < 0 ? fd : sink_check_kind(fd);
    if (err) {
        if (fd >= 0) {
            uv_fs_close(NULL, &req, fd, NULL);
            uv_fs_req_cleanup(&req);
        }
        rung_free(p, sink);
        return rung_err_from_uv(err);
    }
    sink->p = p;
    sink->fd = fd;
    sink->retry.fn = sink_on_retry;
    *out = sink;
    return RUNG_OK;
}

static void sink_on_closed(uv_fs_t *req)
{
    struct rung_sink *sink = rung_container_of(req, struct rung_sink, req);
    ssize_t result = req->result;
    uv_fs_req_cleanup(req);
    sink_finish(sink, rung_err_from_uv((int)result));
    rung_free(sink->p, sink);
}

/* On a worker thread as well: closing a file on a network may have to wait for all of it. */
void rung_sink_close(struct rung_sink *sink, struct rung_op *op)
{
    assert(!sink->op && op->done);
    sink->op = op;
    op->cancel = NULL;
    int err = uv_fs_close(rung_unix_loop(sink->p), &sink->req, sink->fd, sink_on_closed);
    assert(err == 0); /* only a request without a callback is refused */
    (void)err;
}
