/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_write.c - write: one key set or removed, on a worker thread. The order makes
 * it durable and whole: the bytes are on the medium before the name points to them, and the name is
 * before done() runs. One write at a time: what follows may lean on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "kv_dir_impl.h"

enum { WRITE_PIECES = 64, WRITE_TRIES = 8 };

/* All pieces, in order. 0 or an errno. */
static int write_pieces(int fd, const struct rung_kv_change *change)
{
    struct iovec iov[WRITE_PIECES];
    unsigned next = 0, n = 0;
    size_t skip = 0; /* bytes of the first piece that are written */
    for (;;) {
        for (n = 0; n < WRITE_PIECES && next + n < change->value_count; n++) {
            const struct rung_vec *v = &change->value[next + n];
            iov[n] = (struct iovec){.iov_base = v->base, .iov_len = v->len};
        }
        if (!n)
            return 0;
        if (skip) {
            iov[0].iov_base = (char *)iov[0].iov_base + skip;
            iov[0].iov_len -= skip;
        }
        ssize_t done = writev(fd, iov, (int)n);
        if (done < 0 && errno != EINTR)
            return errno;
        skip += done > 0 ? (size_t)done : 0;
        while (next < change->value_count && skip >= change->value[next].len)
            skip -= change->value[next++].len;
    }
}

/* Gives the file a time that no other of this store has: with it, versions differ however fast
 * writes follow one another. 0 or an errno. */
static int write_stamp(struct rung_kv_dir *dir, int fd)
{
    struct timespec now, times[2];
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (ns <= dir->last_ns && dir->last_ns - ns < 1000000000)
        ns = dir->last_ns + 1;
    dir->last_ns = ns;
    times[0] = times[1] = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return futimens(fd, times) ? errno : 0;
}

/* The value in a file of its own, durable. 0 and name set, or an enum rung_err. */
static int write_temp(struct rung_kv_dir *dir, const struct rung_kv_change *change, char name[32])
{
    int fd = rung_kv_dir_temp_new(dir, name);
    if (fd < 0)
        return fd;
    int err = write_pieces(fd, change);
    if (!err)
        err = write_stamp(dir, fd);
    if (!err && dir->sync && fsync(fd))
        err = errno;
    if (close(fd) && !err) /* network file systems tell here that there is no space */
        err = errno;
    if (err)
        rung_kv_dir_temp_remove(dir, name);
    return rung_kv_dir_err(err);
}

/* Puts the temporary file in its place. 0 or an errno. An empty folder holds no key and gives way;
 * what is neither file nor link was not put there by us or for us, and stays. */
static int write_place(const struct rung_kv_dir *dir, const char *temp, int parent,
                       const char *name)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode) && unlinkat(parent, name, AT_REMOVEDIR))
            return errno == ENOTEMPTY || errno == EEXIST ? EINVAL : errno;
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
            return EINVAL;
    }
    return renameat(dir->temp, temp, parent, name) ? errno : 0;
}

/* What stopped a walk to the key's folder, or the rename into it. */
static int write_err(const struct rung_kv_dir *dir, int err)
{
    struct stat st;
    switch (err) {
    case ENOTDIR: /* a leading part is a value, or a link */
    case ELOOP:
    case EISDIR:
    case ENOTEMPTY:
    case EEXIST: return RUNG_E_INVAL;
    case ENOENT: return fstat(dir->root, &st) || st.st_nlink == 0 ? RUNG_E_DOWN : RUNG_E_IO;
    case EXDEV: return RUNG_E_READONLY; /* another file system: nothing can be renamed into it */
    default: return rung_kv_dir_err(err);
    }
}

/* Puts the temporary file where path says. 0 or an errno; made as for rung_kv_dir_parent(). */
static int write_publish(const struct rung_kv_dir *dir, const char *temp, const char *path,
                         size_t *made)
{
    int parent, err = rung_kv_dir_parent(dir, path, made, &parent);
    if (err)
        return err;
    err = write_place(dir, temp, parent, rung_kv_dir_name(path));
    if (!err && dir->sync && fsync(parent))
        err = EIO;
    close(parent);
    return err;
}

static int write_set(struct rung_kv_dir *dir, const char *path, const struct rung_kv_change *change)
{
    char temp[32];
    size_t made = 0, first = 0;
    int err = ENOENT, result = write_temp(dir, change, temp);
    if (result)
        return result;
    for (int tries = 0; tries < WRITE_TRIES; tries++) {
        err = write_publish(dir, temp, path, &made);
        if (!first)
            first = made;
        if (err != ENOENT) /* else someone else removes folders while we make them */
            break;
    }
    if (!err)
        return RUNG_OK;
    rung_kv_dir_temp_remove(dir, temp);
    if (first)
        rung_kv_dir_prune(dir, path, first);
    return write_err(dir, err);
}

static int write_remove(const struct rung_kv_dir *dir, const char *path)
{
    struct stat st;
    int parent, result = rung_kv_dir_stat(dir, path, &st);
    if (result || !S_ISREG(st.st_mode))
        return result == RUNG_E_NOTFOUND ? RUNG_OK : result;
    int err = rung_kv_dir_parent(dir, path, NULL, &parent);
    if (err)
        return err == ENOENT ? RUNG_OK : write_err(dir, err);
    if (unlinkat(parent, rung_kv_dir_name(path), 0))
        result = errno == ENOENT ? RUNG_OK : write_err(dir, errno);
    else if (dir->sync && fsync(parent))
        result = RUNG_E_IO;
    close(parent);
    /* An emptied folder that comes back after a power cut holds no key: no need to sync this. */
    if (result == RUNG_OK)
        rung_kv_dir_prune(dir, path, 0);
    return result;
}

static void write_work(uv_work_t *work)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    const struct rung_kv_write *write = rung_container_of(job->op, struct rung_kv_write, op);
    const struct rung_kv_change *change = &write->change[0];
    job->result = change->value ? write_set(job->dir, job->path, change)
                                : write_remove(job->dir, job->path);
}

static void write_after(uv_work_t *work, int status)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    (void)status;
    rung_kv_dir_end(job, job->result);
}

int rung_kv_dir_write_start(struct rung_kv_dir_job *job)
{
    rung_kv_dir_work(job, write_work, write_after);
    return RUNG_OK;
}
