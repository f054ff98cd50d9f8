/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_medium.c - opens the file under a disk, and says what is wrong with
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "block_file_impl.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

struct opening {
    struct rung_platform *p;
    const char *slot;
    const char *path;
    uint64_t size;
    bool read_only, direct;
    bool made; /* by us, and empty until its size is set */
    struct rung_block_file_medium *medium;
};

__attribute__((format(printf, 3, 4))) static enum rung_err
medium_fail(const struct opening *o, enum rung_err err, const char *fmt, ...)
{
    char why[RUNG_LOG_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    rung_log(o->p, RUNG_LOG_ERROR, o->slot, "%s: %s", o->path, why);
    return err;
}

static unsigned long long ull(uint64_t n)
{
    return n;
}

/* There is none yet; and what a store in a new one wants besides, whose slot this one's is part
 * of. */
static enum rung_err medium_missing(struct opening *o)
{
    const char *dot = strrchr(o->slot, '.');
    int above = dot ? (int)(dot + 1 - o->slot) : 0;
    struct stat link;
    if (lstat(o->path, &link) == 0 && S_ISLNK(link.st_mode))
        return medium_fail(o, RUNG_E_NOTFOUND, "is a link that leads nowhere: correct %s.path",
                           o->slot);
    if (o->read_only)
        return medium_fail(o, RUNG_E_NOTFOUND, "no such file: correct %s.path", o->slot);
    if (!o->size)
        return medium_fail(o, RUNG_E_NOTFOUND,
                           "no such file: correct %s.path, or have it made with %s.size=SIZE "
                           "(a new store in it wants %.*screate=on too)", o->slot, o->slot, above,
                           o->slot);
    o->made = true;
    return RUNG_OK;
}

/* Looks before it opens: a FIFO would block, a folder gives a code that helps nobody. */
static enum rung_err medium_look(struct opening *o)
{
    struct stat st;
    if (stat(o->path, &st) < 0) {
        if (errno != ENOENT)
            return medium_fail(o, rung_err_from_errno(errno), "%s: correct %s.path",
                               strerror(errno), o->slot);
        return medium_missing(o);
    }
    o->medium->device = S_ISBLK(st.st_mode);
    if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
        return medium_fail(o, RUNG_E_INVAL, "is %s: set %s.path to a file or a block device",
                           S_ISDIR(st.st_mode) ? "a folder" : "no file", o->slot);
    return RUNG_OK;
}

static enum rung_err medium_open_error(const struct opening *o, int err)
{
    switch (err) {
    case EROFS:
        return medium_fail(o, RUNG_E_READONLY, o->made ? "its file system is read-only: correct "
                                                         "%s.path, or mount it for writing"
                                                       : "its file system is read-only: set "
                                                         "%s.read-only=on, or mount it for "
                                                         "writing", o->slot);
    case EACCES:
    case EPERM:
        if (o->made)
            return medium_fail(o, RUNG_E_ACCESS, "no permission to make it: change its folder's "
                               "owner or mode, or correct %s.path", o->slot);
        return medium_fail(o, RUNG_E_ACCESS,
                           o->read_only ? "no permission to read: change its owner or mode%s%s"
                                        : "no permission to write: change its owner or mode, or "
                                          "set %s.read-only=on%s",
                           o->read_only ? "" : o->slot, "");
    case EBUSY:
        return medium_fail(o, RUNG_E_BUSY, "the host uses this device: unmount it, or set "
                           "%s.read-only=on", o->slot);
    case ENOENT:
        return medium_fail(o, RUNG_E_NOTFOUND, "its folder does not exist: make it, or correct "
                           "%s.path", o->slot);
    case EINVAL:
        if (o->direct)
            return medium_fail(o, RUNG_E_NOTSUP, "its file system has no direct I/O: set "
                               "%s.direct=off", o->slot);
        break;
    default:
        break;
    }
    return medium_fail(o, rung_err_from_errno(err), "%s: correct %s.path", strerror(err), o->slot);
}

static enum rung_err medium_open_fd(struct opening *o)
{
    int flags = O_CLOEXEC | O_NOCTTY | (o->read_only ? O_RDONLY : O_RDWR);
    if (o->direct)
        flags |= O_DIRECT;
    if (o->medium->device && !o->read_only)
        flags |= O_EXCL; /* not while the host has it mounted */
    int fd = -1;
    if (o->made) {
        fd = open(o->path, flags | O_CREAT | O_EXCL, 0600);
        int err = errno;
        if (fd < 0 && err == EINVAL)
            unlink(o->path); /* O_DIRECT is refused after the file is made */
        if (fd < 0 && err != EEXIST)
            return medium_open_error(o, err);
        o->made = fd >= 0; /* else another program was faster */
    }
    if (fd < 0)
        fd = open(o->path, flags);
    if (fd < 0)
        return medium_open_error(o, errno);
    o->medium->fd = fd;
    return RUNG_OK;
}

enum { LOCK_TRIES = 50, LOCK_PAUSE_NS = 10000000 };

/* A killed program's last requests to io_uring outlive it for a moment, and its lock with them: who
 * is started anew at once waits for that, up to half a second. */
static int medium_try_lock(int fd, struct flock *lock)
{
    for (int tries = 1; fcntl(fd, F_OFD_SETLK, lock) != 0; tries++) {
        if (tries == LOCK_TRIES || (errno != EAGAIN && errno != EACCES))
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return 0;
}

/* Whether the path still leads to the open file. */
static bool medium_is_at(const struct rung_block_file_medium *medium, const char *path)
{
    struct stat mine, there;
    return fstat(medium->fd, &mine) == 0 && stat(path, &there) == 0
           && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* An open-file-description lock: unlike the older POSIX kind it is not lost when some library
 * closes another descriptor of the file. QEMU takes the same kind, so that its disks are safe
 * too. */
static enum rung_err medium_lock(const struct opening *o)
{
    struct flock lock = {
        .l_type = o->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0,
    };
    if (medium_try_lock(o->medium->fd, &lock) == 0) {
        if (medium_is_at(o->medium, o->path))
            return RUNG_OK;
        return medium_fail(o, RUNG_E_BUSY, "another program has removed or replaced it meanwhile: "
                           "start anew, or correct %s.path", o->slot);
    }
    if (errno == EAGAIN || errno == EACCES)
        return medium_fail(o, RUNG_E_BUSY, "another program has this disk open: stop it, or set "
                           "%s.path to another file", o->slot);
    return medium_fail(o, RUNG_E_NOTSUP, "cannot be locked against other programs (%s): move it to "
                       "a file system with locks", strerror(errno));
}

/* Makes the name of a new file as durable as its content will be. */
static int medium_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (!slash)
        strcpy(folder, ".");
    else
        snprintf(folder, sizeof(folder), "%.*s", len ? (int)len : 1, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int got = fsync(fd);
    int err = errno;
    close(fd);
    errno = err;
    return got;
}

/* Gives a new file its length, all holes. A file that is there and empty is one that an earlier
 * start did not finish. */
static enum rung_err medium_make(const struct opening *o)
{
    int fd = o->medium->fd;
    if (ftruncate(fd, (off_t)o->size) < 0 || fsync(fd) < 0 || medium_sync_folder(o->path) < 0)
        return medium_fail(o, errno == EFBIG || errno == ENOSPC ? RUNG_E_FULL : RUNG_E_IO,
                           "cannot make it %llu bytes big (%s): set %s.size to less",
                           ull(o->size), strerror(errno), o->slot);
    rung_log(o->p, RUNG_LOG_INFO, o->slot, "%s: made, %llu bytes", o->path, ull(o->size));
    return RUNG_OK;
}

static enum rung_err medium_measure(struct opening *o)
{
    struct rung_block_file_medium *m = o->medium;
    struct stat st = {.st_size = 0};
    int device_sector = 512;
    int got = fstat(m->fd, &st);
    if (m->device && got == 0)
        got = ioctl(m->fd, BLKGETSIZE64, &m->bytes) | ioctl(m->fd, BLKSSZGET, &device_sector);
    if (got != 0)
        return medium_fail(o, RUNG_E_IO, "cannot tell its size (%s): correct %s.path",
                           strerror(errno), o->slot);
    m->dev_align = (uint32_t)device_sector;
    o->made = o->made && st.st_size == 0; /* else another program had the lock before */
    if (!m->device && !st.st_size && o->size && !o->read_only) {
        enum rung_err err = medium_make(o);
        if (err)
            return err;
        st.st_size = (off_t)o->size;
    }
    if (!m->device)
        m->bytes = (uint64_t)st.st_size;
    if (m->bytes < m->sector_size)
        return medium_fail(o, RUNG_E_INVAL, "holds %llu bytes, no whole sector of %u: make it "
                           "bigger, or correct %s.path", ull(m->bytes), m->sector_size, o->slot);
    if (m->bytes % m->sector_size)
        rung_log(o->p, RUNG_LOG_INFO, o->slot, "%s: its last %llu bytes are no whole sector of %u "
                 "and stay unused", o->path, ull(m->bytes % m->sector_size), m->sector_size);
    else if (o->size && m->bytes != o->size)
        rung_log(o->p, RUNG_LOG_INFO, o->slot, "%s: keeps its %llu bytes; %s.size is for new files",
                 o->path, ull(m->bytes), o->slot);
    return RUNG_OK;
}

/* Finds out by trying what O_DIRECT wants here: every kernel tells, and statx() only from 6.1 on.
 * The memory tried is a multiple of the candidate and of nothing bigger. */
static enum rung_err medium_probe_direct(const struct opening *o)
{
    struct rung_block_file_medium *m = o->medium;
    uint8_t *buf = rung_alloc_aligned(o->p, 8192, 8192);
    if (!buf)
        return medium_fail(o, RUNG_E_NOMEM, "no memory to open it: give more");
    m->dio_align = 0;
    for (uint32_t align = RUNG_BLOCK_ALIGN; align <= 4096 && !m->dio_align; align *= 2) {
        if (pread(m->fd, buf + align, align, 0) >= 0)
            m->dio_align = align;
        else if (errno != EINVAL)
            break;
    }
    int err = errno;
    rung_free(o->p, buf);
    if (!m->dio_align)
        return medium_fail(o, RUNG_E_IO, "direct I/O fails (%s): set %s.direct=off", strerror(err),
                           o->slot);
    if (m->dio_align > m->sector_size)
        return medium_fail(o, RUNG_E_NOTSUP, "direct I/O needs sectors of %u bytes here: set "
                           "%s.sector-size=4096 or %s.direct=off", m->dio_align, o->slot, o->slot);
    return RUNG_OK;
}

/* Asks for a discard that cannot touch anything: of a file's bytes past its end, or of a range that
 * a device which knows discards has to refuse. */
static bool medium_can_discard(const struct rung_block_file_medium *m)
{
    uint64_t crooked[2] = {1, 1};
    if (m->device)
        return ioctl(m->fd, BLKDISCARD, crooked) < 0 && errno == EINVAL;
    off_t end = (off_t)((m->bytes + 4095) / 4096 * 4096);
    return fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end, 4096) == 0;
}

static enum rung_err medium_set_up(struct opening *o, uint32_t *caps)
{
    enum rung_err err = medium_lock(o);
    if (err) {
        o->made = false; /* it is the other's now */
        return err;
    }
    err = medium_measure(o);
    if (!err && o->direct)
        err = medium_probe_direct(o);
    if (err)
        return err;
    *caps = 0;
    if (o->read_only)
        *caps |= RUNG_BLOCK_IS_READONLY;
    else if (medium_can_discard(o->medium))
        *caps |= RUNG_BLOCK_CAN_DISCARD;
    return RUNG_OK;
}

void rung_block_file_medium_remove(const struct rung_block_file_medium *medium, const char *path)
{
    if (medium_is_at(medium, path))
        unlink(path);
}

enum rung_err rung_block_file_medium_open(struct rung_block_file_medium *medium, uint32_t *caps,
                                          bool *made, struct rung_platform *p,
                                          const struct rung_block_file_keys *keys)
{
    struct opening o = {
        .p = p, .slot = keys->slot, .medium = medium,
        .path = rung_block_file_key_path(keys),
        .size = rung_block_file_key_size(keys),
        .read_only = rung_block_file_key_read_only(keys),
        .direct = rung_block_file_key_direct(keys),
    };
    *medium = (struct rung_block_file_medium){
        .fd = -1, .sector_size = rung_block_file_key_sector_size(keys) ? 4096 : 512,
    };
    if (o.size % medium->sector_size || o.size > INT64_MAX)
        return medium_fail(&o, RUNG_E_INVAL, "%llu bytes are no possible size: set %s.size to a "
                           "multiple of %u", ull(o.size), o.slot, medium->sector_size);
    enum rung_err err = medium_look(&o);
    if (!err)
        err = medium_open_fd(&o);
    if (err)
        return err;
    err = medium_set_up(&o, caps);
    if (err) {
        if (o.made)
            rung_block_file_medium_remove(medium, o.path);
        close(medium->fd);
    }
    *made = o.made;
    return err;
}
