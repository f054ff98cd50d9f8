/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_io.c - one request against the file, blocking, on a worker thread.
 * The kernel may move less than asked, may be interrupted, and takes 1024 segments at most; none of
 * that reaches the caller. Its error codes end here. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "block_file_impl.h"

enum { IO_SEGMENTS = 256 }; /* of one system call: 4 KiB of stack, and beyond that nothing is won */

/* A READ or WRITE under way. */
struct io {
    int fd;
    bool write;
    bool fua;        /* ask the kernel for RWF_DSYNC */
    bool sync_after; /* it cannot do that: fdatasync() at the end */
    bool doubted;    /* there was no room for a write, or for its sync: which, the write tells */
    off_t at;
};

static int io_error(int err)
{
    switch (err) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* past RLIMIT_FSIZE or the file system's largest file: no room either */
        return RUNG_E_FULL;
    case EROFS:
    case EPERM:
        return RUNG_E_READONLY;
    case ENXIO:
    case ENODEV:
    case ENOMEDIUM:
    case ESTALE:
        return RUNG_E_DOWN;
    default:
        return RUNG_E_IO;
    }
}

/* Of FLUSH and DISCARD, which know fewer errors. */
int rung_block_file_sync_error(int err)
{
    return io_error(err) == RUNG_E_DOWN ? RUNG_E_DOWN : RUNG_E_IO;
}

static int io_sync(int fd)
{
    while (fdatasync(fd) < 0) {
        if (errno != EINTR)
            return rung_block_file_sync_error(errno);
    }
    return RUNG_OK;
}

static ssize_t io_call(struct io *io, const struct iovec *iov, int n)
{
    for (;;) {
        ssize_t got = io->write ? pwritev2(io->fd, iov, n, io->at, io->fua ? RWF_DSYNC : 0)
                                : preadv(io->fd, iov, n, io->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && io->fua && (errno == EOPNOTSUPP || errno == ENOSYS)) {
            io->fua = false;
            io->sync_after = true;
            continue;
        }
        if (got < 0 && io->fua && io_error(errno) == RUNG_E_FULL) {
            io->fua = false;
            io->doubted = true;
            continue;
        }
        return got;
    }
}

/* Moves all of iov, which is used up. Nothing moved means that the file ends here. */
static int io_all(struct io *io, struct iovec *iov, int n)
{
    while (n > 0) {
        ssize_t got = io_call(io, iov, n);
        if (got <= 0)
            return got ? io_error(errno) : RUNG_E_IO;
        io->at += got;
        size_t moved = (size_t)got;
        while (n > 0 && moved >= iov->iov_len) {
            moved -= iov->iov_len;
            iov++;
            n--;
        }
        if (n > 0) {
            iov->iov_base = (char *)iov->iov_base + moved;
            iov->iov_len -= moved;
        }
    }
    return RUNG_OK;
}

static int io_vectored(struct io *io, const struct rung_block_req *req)
{
    struct iovec iov[IO_SEGMENTS];
    unsigned i = 0;
    while (i < req->vec_count) {
        int n = 0;
        for (; i < req->vec_count && n < IO_SEGMENTS; i++) {
            if (req->vec[i].len)
                iov[n++] = (struct iovec){req->vec[i].base, req->vec[i].len};
        }
        int err = io_all(io, iov, n);
        if (err)
            return err;
    }
    return RUNG_OK;
}

/* Copies len bytes between buf and the segments from (*i, *offset) on. */
static void io_copy(const struct rung_block_req *req, unsigned *i, size_t *offset, uint8_t *buf,
                    size_t len)
{
    while (len > 0) {
        const struct rung_vec *v = &req->vec[*i];
        size_t part = v->len - *offset < len ? v->len - *offset : len;
        uint8_t *at = (uint8_t *)v->base + *offset;
        if (part && req->kind == RUNG_BLOCK_WRITE)
            memcpy(buf, at, part);
        else if (part)
            memcpy(at, buf, part);
        buf += part;
        len -= part;
        *offset += part;
        if (*offset == v->len) {
            *offset = 0;
            (*i)++;
        }
    }
}

/* Through memory that the device can take: the one copy that a disk with sectors of 4096 bytes
 * costs a caller who keeps to RUNG_BLOCK_ALIGN, with O_DIRECT only. */
static int io_bounced(struct io *io, const struct rung_block_req *req, uint64_t left,
                      uint8_t *bounce)
{
    unsigned i = 0;
    size_t offset = 0;
    while (left > 0) {
        size_t part = left < RUNG_BLOCK_FILE_BOUNCE ? (size_t)left : RUNG_BLOCK_FILE_BOUNCE;
        struct iovec iov = {bounce, part};
        if (io->write)
            io_copy(req, &i, &offset, bounce, part);
        int err = io_all(io, &iov, 1);
        if (err)
            return err;
        if (!io->write)
            io_copy(req, &i, &offset, bounce, part);
        left -= part;
    }
    return RUNG_OK;
}

bool rung_block_file_needs_bounce(const struct rung_block_file_medium *medium,
                                  const struct rung_block_req *req)
{
    if (!rung_block_file_bounces(medium))
        return false;
    for (unsigned i = 0; i < req->vec_count; i++) {
        if (((uintptr_t)req->vec[i].base | req->vec[i].len) % medium->dio_align)
            return true;
    }
    return false;
}

/* Whether the file still reaches to the byte: a write past its end would make it grow again, with
 * holes where sectors were lost. */
static bool io_reaches(const struct rung_block_file_medium *medium, uint64_t end)
{
    struct stat st;
    return medium->device || (fstat(medium->fd, &st) == 0 && (uint64_t)st.st_size >= end);
}

static int io_transfer(const struct rung_block_file_medium *medium,
                       const struct rung_block_req *req, uint8_t *bounce)
{
    bool write = req->kind == RUNG_BLOCK_WRITE;
    struct io io = {
        .fd = medium->fd, .write = write, .fua = write && (req->flags & RUNG_BLOCK_FUA),
        .at = (off_t)(req->sector * medium->sector_size),
    };
    if (write && req->module[RUNG_BLOCK_FILE_DOUBTED])
        io.fua = false, io.doubted = true;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < req->vec_count; i++)
        bytes += req->vec[i].len;
    if (write && !io_reaches(medium, (uint64_t)io.at + bytes))
        return RUNG_E_IO;
    int err = rung_block_file_needs_bounce(medium, req) ? io_bounced(&io, req, bytes, bounce)
                                           : io_vectored(&io, req);
    if (!err && io.doubted)
        return RUNG_E_IO; /* the write has room: so it was a sync that lost something */
    if (!err && io.sync_after)
        err = io_sync(io.fd);
    return err;
}

static int io_discard(const struct rung_block_file_medium *medium, uint64_t at, uint64_t len)
{
    if (medium->device) { /* a device forgets whole sectors of its own */
        uint64_t end = (at + len) / medium->dev_align * medium->dev_align;
        at = (at + medium->dev_align - 1) / medium->dev_align * medium->dev_align;
        len = end > at ? end - at : 0;
    }
    uint64_t range[2] = {at, len};
    int got = -1;
    do {
        if (!len)
            return RUNG_OK;
        if (!io_reaches(medium, at + len))
            return RUNG_E_IO;
        got = medium->device ? ioctl(medium->fd, BLKDISCARD, range)
                             : fallocate(medium->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                         (off_t)at, (off_t)len);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EOPNOTSUPP ? RUNG_E_NOTSUP : rung_block_file_sync_error(errno);
    return RUNG_OK;
}

int rung_block_file_io(const struct rung_block_file_medium *medium,
                       const struct rung_block_req *req, uint8_t *bounce)
{
    switch (req->kind) {
    case RUNG_BLOCK_READ:
    case RUNG_BLOCK_WRITE:
        return io_transfer(medium, req, bounce);
    case RUNG_BLOCK_FLUSH:
        return io_sync(medium->fd);
    case RUNG_BLOCK_DISCARD:
        return io_discard(medium, req->sector * medium->sector_size,
                          req->count * medium->sector_size);
    }
    return RUNG_E_INVAL; /* not reached: submit asserts the kind */
}
