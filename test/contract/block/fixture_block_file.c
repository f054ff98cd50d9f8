/* SPDX-License-Identifier: ISC */
/* test/contract/block/fixture_block_file.c - block-file in the BLOCK suite, on a file of the
 * working folder (which lies on a disk more often than /tmp does, so that O_DIRECT is tried). */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "block_file.h"
#include "suite.h"

enum { ENGINE_URING = 1, ENGINE_THREADS = 2 }; /* the key's words */

struct block_rig {
    struct rung_block_file disk;
    struct rung_block_file_keys keys; /* as long as it is open */
    struct rung_platform *p;
    const char *variant;
    char path[64];
    uint32_t sector_size;
};

/* A device that was pulled answers ENODEV. Files cannot be pulled: these stand in front of the C
 * library's own, for the whole program, and the worker threads call them. */
static atomic_bool file_gone;

static bool file_fails(void)
{
    errno = ENODEV;
    return atomic_load(&file_gone);
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t at)
{
    return file_fails() ? -1 : syscall(SYS_preadv, fd, iov, n, at, 0L);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
    return file_fails() ? -1 : syscall(SYS_pwritev2, fd, iov, n, at, 0L, flags);
}

int fdatasync(int fd)
{
    return file_fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static struct block_rig *file_make(struct rung_platform *p, const char *variant)
{
    struct block_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->variant = variant;
    snprintf(rig->path, sizeof(rig->path), "contract-block-XXXXXX");
    int fd = mkstemp(rig->path);
    assert_true(fd >= 0);
    close(fd);
    return rig;
}

static void file_free(struct block_rig *rig)
{
    unlink(rig->path);
    atomic_store(&file_gone, false);
    free(rig);
}

static enum rung_err file_open(struct block_rig *rig, const struct block_how *how,
                               struct rung_block **block)
{
    struct rung_block_file_needs needs = {0};
    rig->keys = (struct rung_block_file_keys){
        .slot = "block", .path = rig->path, .size = how->sectors * how->sector_size,
        .sector_size = how->sector_size == 4096, .read_only = how->read_only,
        .direct = strstr(rig->variant, "direct") != NULL,
        .engine = strncmp(rig->variant, "uring", 5) == 0 ? ENGINE_URING : ENGINE_THREADS,
        .depth = strcmp(rig->variant, "one-by-one") == 0 ? 1 : 8,
    };
    rig->sector_size = how->sector_size;
    *block = &rig->disk.block;
    return rung_block_file_open(&rig->disk, rig->p, &rig->keys, &needs);
}

static bool file_shrink(struct block_rig *rig, uint64_t sectors)
{
    return truncate(rig->path, (off_t)(sectors * rig->sector_size)) == 0;
}

/* A limit on this process's files stands for a full file system: it needs neither a mount nor
 * rights, and cuts writes short in the same way. */
static bool file_fill(struct block_rig *rig, uint64_t sector)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = sector == UINT64_MAX ? limit.rlim_max : sector * rig->sector_size;
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/* io_uring goes by other ways: for it the descriptor becomes one that it can do nothing with. */
static bool file_unplug(struct block_rig *rig)
{
    int ends[2];
    atomic_store(&file_gone, true);
    if (rig->keys.engine == ENGINE_THREADS)
        return true;
    rig->disk.medium.device = true; /* whose length nobody asks for */
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], rig->disk.medium.fd) >= 0);
    close(ends[0]);
    close(ends[1]);
    return true;
}

static const char *file_variants[] = {"buffered", "direct", "one-by-one", "uring", "uring-direct",
                                      NULL};

/* valgrind does not see what io_uring writes, and takes what is read for uninitialised. */
__attribute__((constructor)) static void file_choose_variants(void)
{
    if (getenv("RUNG_TEST_SLOW")) /* set where tests run under it */
        file_variants[3] = NULL;
}

const struct block_fixture block_fixture = {
    .module = "block-file", .variants = file_variants, .keeps = true,
    .make = file_make, .free = file_free, .open = file_open,
    .shrink = file_shrink, .fill = file_fill, .unplug = file_unplug,
};
