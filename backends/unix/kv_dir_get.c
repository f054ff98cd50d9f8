/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_get.c - get: a file's bytes, read on a worker thread into memory of the
 * loop's. Small values need one trip: the memory is there before the size is known. For larger ones
 * the first trip finds the size, and the second reads. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kv_dir_impl.h"
#include "rung/heap.h"

enum {
    DIR_FIRST_ROOM = 16384,
    DIR_PIECE = 262144,
    DIR_TRIES = 5, /* for a file that changes while it is read */
};

struct rung_kv_dir_lent {
    struct rung_platform *p;
    size_t room, len;
    uint64_t size;
    size_t need; /* more room than there is */
    unsigned trips;
    char version[72];
    uint8_t data[];
};

static uint64_t get_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t get_tick(void)
{
    struct timespec tick;
    clock_gettime(CLOCK_REALTIME_COARSE, &tick);
    return get_ns(tick);
}

/* Whether the file could have changed since that tick without a trace in its times, which the
 * kernel takes from a clock that ticks every few milliseconds. Files of our own carry a finer time,
 * and are never changed in place. */
static bool get_is_fresh(const struct stat *st, uint64_t tick)
{
    uint64_t changed = get_ns(st->st_ctim), modified = get_ns(st->st_mtim);
    uint64_t apart = changed > modified ? changed - modified : modified - changed;
    if (apart > 0 && apart < 1000000000u)
        return false;
    /* A time that lies far ahead is a clock set back, not a change just now. */
    return changed >= tick && changed - tick < 1000000000u;
}

static void get_wait_tick(void)
{
    struct timespec tick;
    clock_getres(CLOCK_REALTIME_COARSE, &tick);
    nanosleep(&tick, NULL);
}

static bool get_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && get_ns(a->st_mtim) == get_ns(b->st_mtim)
           && get_ns(a->st_ctim) == get_ns(b->st_ctim);
}

static void get_version(struct rung_kv_dir_lent *lent, const struct stat *st)
{
    snprintf(lent->version, sizeof(lent->version), "%llx-%llx-%llx-%llx",
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
             (unsigned long long)get_ns(st->st_mtim), (unsigned long long)get_ns(st->st_ctim));
}

/* Reads [offset, offset + len). 0; CHANGED: the file is shorter by now. */
static int get_bytes(int fd, uint8_t *to, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t got = pread(fd, to, len < (1u << 30) ? len : (1u << 30), (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? (int)rung_kv_dir_err(errno) : RUNG_E_CHANGED;
        to += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return RUNG_OK;
}

/* One try. CHANGED: another may do better. */
static int get_try(const struct rung_kv_get *get, struct rung_kv_dir_lent *lent, int fd)
{
    struct stat before, after;
    uint64_t tick = get_tick(); /* before all else: what changes from here on has a later time */
    if (fstat(fd, &before))
        return rung_kv_dir_err(errno);
    if (!S_ISREG(before.st_mode))
        return RUNG_E_NOTFOUND;
    lent->size = (uint64_t)before.st_size;
    if (get->offset > lent->size)
        return RUNG_E_RANGE;
    uint64_t left = lent->size - get->offset;
    lent->len = get->len < left ? get->len : (size_t)left;
    lent->need = lent->len > lent->room ? lent->len : 0;
    if (lent->need)
        return RUNG_OK;
    int err = get_bytes(fd, lent->data, lent->len, get->offset);
    if (err)
        return err;
    if (fstat(fd, &after))
        return rung_kv_dir_err(errno);
    if (!get_same(&before, &after) || get_is_fresh(&after, tick))
        return RUNG_E_CHANGED;
    get_version(lent, &after);
    return RUNG_OK;
}

/* Looked at first: opening alone has effects on what is no file (the writer of a fifo is told that
 * its reader has gone). NONBLOCK and NOCTTY: it may have become one since. */
static int get_open(const struct rung_kv_dir_job *job)
{
    struct stat st;
    int err = rung_kv_dir_stat(job->dir, job->path, &st);
    if (err || !S_ISREG(st.st_mode))
        return err ? err : RUNG_E_NOTFOUND;
    return rung_kv_dir_open_at(job->dir, job->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

static void get_work(uv_work_t *work)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    const struct rung_kv_get *get = rung_container_of(job->op, struct rung_kv_get, op);
    for (int tries = DIR_TRIES; tries-- > 0;) {
        int fd = get_open(job);
        job->result = fd < 0 ? fd : get_try(get, job->lent, fd);
        if (fd >= 0)
            close(fd);
        if (job->result != RUNG_E_CHANGED)
            return;
        if (tries)
            get_wait_tick();
    }
}

static void get_release(struct rung_buf *buf)
{
    struct rung_kv_get *get = rung_container_of(buf, struct rung_kv_get, value);
    struct rung_kv_dir_lent *lent = get->module[0];
    rung_free(lent->p, lent);
}

static bool get_make_room(struct rung_kv_dir_job *job, size_t room)
{
    struct rung_kv_dir_lent *lent;
    unsigned trips = job->lent ? job->lent->trips + 1 : 0;
    rung_free(job->dir->p, job->lent);
    job->lent = NULL;
    if (room > PTRDIFF_MAX - sizeof(*lent))
        return false;
    lent = rung_alloc(job->dir->p, sizeof(*lent) + room);
    if (lent)
        *lent = (struct rung_kv_dir_lent){.p = job->dir->p, .room = room, .trips = trips};
    job->lent = lent;
    return lent != NULL;
}

static void get_lend(struct rung_kv_dir_job *job, struct rung_kv_get *get)
{
    struct rung_kv_dir_lent *lent = job->lent;
    get->value = (struct rung_buf){.data = lent->data, .len = lent->len, .release = get_release};
    get->size = lent->size;
    get->version = lent->version;
    get->module[0] = lent;
    job->lent = NULL;
}

static void get_after(uv_work_t *work, int status)
{
    struct rung_kv_dir_job *job = rung_container_of(work, struct rung_kv_dir_job, work);
    int result = job->result;
    (void)status;
    if (result == RUNG_OK && job->lent->need) {
        if (job->lent->trips >= DIR_TRIES) /* it grows faster than we can read it */
            result = RUNG_E_CHANGED;
        else if (get_make_room(job, job->lent->need)) {
            rung_kv_dir_work(job, get_work, get_after);
            return;
        } else
            result = RUNG_E_NOMEM;
    }
    if (result == RUNG_OK)
        get_lend(job, rung_container_of(job->op, struct rung_kv_get, op));
    rung_free(job->dir->p, job->lent);
    job->lent = NULL;
    rung_kv_dir_end(job, result);
}

/* Who asks for a piece of a certain length probably gets it whole; who asks for all may get
 * little. */
int rung_kv_dir_get_start(struct rung_kv_dir_job *job)
{
    const struct rung_kv_get *get = rung_container_of(job->op, struct rung_kv_get, op);
    if (!get_make_room(job, get->len <= DIR_PIECE ? get->len : DIR_FIRST_ROOM))
        return RUNG_E_NOMEM;
    rung_kv_dir_work(job, get_work, get_after);
    return RUNG_OK;
}
