/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_io_test.c - what block-file makes of a kernel that interrupts, comes
 * short, fails or lacks a feature. The system calls below stand in front of the C library's own,
 * for the whole program. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "block_file_test.h"

static struct {
    atomic_int interrupts;  /* so many calls end in EINTR */
    atomic_int longest;     /* no call moves more bytes; 0: no limit */
    atomic_int fail;        /* errno of every transfer; 0: none */
    atomic_int fail_sync;   /* errno of the next fdatasync() */
    atomic_int fail_dsync;  /* errno of every write with RWF_DSYNC */
    atomic_int fail_punch;  /* errno of every fallocate() */
    atomic_int align;       /* what O_DIRECT asks for here; 0: anything goes */
    atomic_int dsyncs, syncs;
} host;

static bool host_fails(int err)
{
    if (atomic_load(&host.interrupts) > 0) {
        atomic_fetch_sub(&host.interrupts, 1);
        err = EINTR;
    }
    errno = err;
    return err != 0;
}

static bool host_crooked(const struct iovec *iov, int n, off_t at)
{
    uintptr_t all = (uintptr_t)at;
    for (int i = 0; i < n; i++)
        all |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    int align = atomic_load(&host.align);
    return align && all % (uintptr_t)align;
}

/* Cuts the segments to what one call may move; the array is the caller's scratch. */
static int host_cut(struct iovec *cut, const struct iovec *iov, int n)
{
    size_t left = (size_t)atomic_load(&host.longest);
    int k = 0;
    if (!left)
        left = SIZE_MAX;
    for (; k < n && left > 0; k++) {
        cut[k] = iov[k];
        if (cut[k].iov_len > left)
            cut[k].iov_len = left;
        left -= cut[k].iov_len;
    }
    return k;
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t at)
{
    struct iovec cut[1024];
    if (host_fails(host_crooked(iov, n, at) ? EINVAL : atomic_load(&host.fail)))
        return -1;
    return syscall(SYS_preadv, fd, cut, host_cut(cut, iov, n), at, 0L);
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    struct iovec iov = {buf, len};
    return preadv(fd, &iov, 1, at);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
    struct iovec cut[1024];
    int err = atomic_load(&host.fail);
    if (flags & RWF_DSYNC) {
        atomic_fetch_add(&host.dsyncs, 1);
        err = err ? err : atomic_load(&host.fail_dsync);
    }
    if (host_fails(host_crooked(iov, n, at) ? EINVAL : err))
        return -1;
    return syscall(SYS_pwritev2, fd, cut, host_cut(cut, iov, n), at, 0L, flags);
}

int fdatasync(int fd)
{
    atomic_fetch_add(&host.syncs, 1);
    if (host_fails(atomic_exchange(&host.fail_sync, 0)))
        return -1;
    return (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    if (host_fails(atomic_load(&host.fail_punch)))
        return -1;
    return (int)syscall(SYS_fallocate, fd, mode, at, len);
}

static void host_begin(struct file_test *t)
{
    memset(&host, 0, sizeof(host));
    begin(t);
}

static void interrupted_and_short_transfers_go_on(void **state)
{
    static const int longest[] = {1, 511, 512, 4096, 65535};
    struct file_test t;
    (void)state;
    host_begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(longest); i++) {
        struct rung_vec out[] = {
            {memory, 1024}, {memory, 0}, {memory + 1024, 512}, {memory + 1536, 2560},
        };
        struct rung_vec in[] = {{back, 2560}, {back + 2560, 1536}};
        for (size_t b = 0; b < 4096; b++)
            memory[b] = (uint8_t)(b * 31 + (b >> 8) + i);
        host.longest = longest[i];
        host.interrupts = 3;
        assert_int_equal(run(&t, RUNG_BLOCK_WRITE, i % 2, out, 4), RUNG_OK);
        host.interrupts = 3;
        assert_int_equal(run(&t, RUNG_BLOCK_READ, 0, in, 2), RUNG_OK);
        assert_memory_equal(memory, back, 4096);
        host.interrupts = 3;
        assert_int_equal(run(&t, RUNG_BLOCK_FLUSH, 0, NULL, 0), RUNG_OK);
        if (t.disk.block.info.caps & RUNG_BLOCK_CAN_DISCARD) {
            host.interrupts = 3;
            assert_int_equal(run(&t, RUNG_BLOCK_DISCARD, 0, NULL, 0), RUNG_OK);
        }
        assert_int_equal(host.interrupts, 0);
    }
    host.longest = 0;
    close_disk(&t);
    end(&t);
}

static void fua_and_flush_reach_the_kernel(void **state)
{
    struct file_test t;
    (void)state;
    host_begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    host.dsyncs = host.syncs = 0;
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, 0), RUNG_OK);
    assert_int_equal(host.dsyncs + host.syncs, 0);
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_OK);
    assert_int_equal(host.dsyncs, 1);
    assert_int_equal(host.syncs, 0);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_OK);
    assert_int_equal(host.syncs, 1);
    host.fail_dsync = EOPNOTSUPP; /* an old kernel, or a file system that cannot */
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_OK);
    assert_int_equal(host.syncs, 2);
    host.fail_sync = EIO;
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_E_IO);
    host.fail_dsync = 0;
    close_disk(&t);
    end(&t);
}

/* The kernel drops the pages it could not write and says "well" to the next fdatasync(). */
static void a_failed_flush_is_remembered(void **state)
{
    struct file_test t;
    (void)state;
    host_begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_OK);
    host.fail_sync = EIO;
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_E_IO);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_E_IO);
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, 0), RUNG_OK);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_E_IO);
    close_disk(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_OK);
    close_disk(&t);
    end(&t);
}

/* No room for a write is no harm, and it may be asked for again; no room for what a sync has to
 * write out is a failed sync. */
static void a_full_disk_is_not_a_lost_sync(void **state)
{
    struct file_test t;
    (void)state;
    host_begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    host.fail = ENOSPC;
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_E_FULL);
    host.fail = 0;
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_OK);
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_OK);
    host.fail_dsync = ENOSPC;
    assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA), RUNG_E_IO);
    host.fail_dsync = 0;
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_E_IO);
    close_disk(&t);
    end(&t);
}

static void errors_of_the_host_have_names(void **state)
{
    static const struct {
        int host, result;
    } errors[] = {
        {EIO, RUNG_E_IO}, {ENOSPC, RUNG_E_FULL}, {EDQUOT, RUNG_E_FULL}, {EFBIG, RUNG_E_FULL},
        {EROFS, RUNG_E_READONLY}, {ENXIO, RUNG_E_DOWN}, {ENODEV, RUNG_E_DOWN},
        {EILSEQ, RUNG_E_IO}, {EINVAL, RUNG_E_IO}, {EAGAIN, RUNG_E_IO},
    };
    struct file_test t;
    (void)state;
    host_begin(&t);
    assert_int_equal(open_disk(&t), RUNG_OK);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(errors); i++) {
        host.fail = errors[i].host;
        assert_int_equal(run_one(&t, RUNG_BLOCK_WRITE, 0), errors[i].result);
        host.fail = 0;
    }
    host.fail_sync = ENOSPC; /* FLUSH knows IO and DOWN */
    assert_int_equal(run_one(&t, RUNG_BLOCK_FLUSH, 0), RUNG_E_IO);
    close_disk(&t);
    end(&t);
}

static void discard_is_offered_where_it_works(void **state)
{
    struct file_test t;
    (void)state;
    host_begin(&t);
    host.fail_punch = EOPNOTSUPP;
    assert_int_equal(open_disk(&t), RUNG_OK);
    assert_false(t.disk.block.info.caps & RUNG_BLOCK_CAN_DISCARD);
    assert_int_equal(run_one(&t, RUNG_BLOCK_DISCARD, 0), RUNG_E_NOTSUP);
    close_disk(&t);
    host.fail_punch = 0;
    assert_int_equal(open_disk(&t), RUNG_OK);
    if (t.disk.block.info.caps & RUNG_BLOCK_CAN_DISCARD) {
        struct stat full, punched;
        struct rung_vec all = {memory, DISK - 4096};
        assert_int_equal(run(&t, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA, &all, 1), RUNG_OK);
        assert_int_equal(stat(t.path, &full), 0);
        assert_int_equal(run_one(&t, RUNG_BLOCK_DISCARD, 0), RUNG_OK);
        assert_int_equal(stat(t.path, &punched), 0);
        assert_true(punched.st_blocks < full.st_blocks); /* the room is given back */
        assert_int_equal(punched.st_size, DISK);
        host.fail_punch = EIO;
        assert_int_equal(run_one(&t, RUNG_BLOCK_DISCARD, 0), RUNG_E_IO);
    }
    close_disk(&t);
    end(&t);
}

/* A disk with sectors of 4096 bytes, which O_DIRECT does not hide: memory and segments of 512 work
 * all the same, through the bounce buffer. */
static void direct_requests_of_any_shape(void **state)
{
    static const size_t lens[] = {512, 1536, 0, 2048, 4096, 65536, 512, 131072, 3584, 4096};
    struct rung_vec out[RUNG_ARRAY_LEN(lens)], in = {back, 0};
    struct file_test t;
    (void)state;
    host_begin(&t);
    make_file(t.path, DISK);
    int fd = open(t.path, O_RDWR | O_DIRECT);
    close(fd);
    host.align = 4096;
    t.keys.direct = true;
    if (fd < 0) {
        expect_refused(&t, RUNG_E_NOTSUP, "has no direct I/O: set block.direct=off");
        end(&t);
        print_message("skipped: the working folder's file system has no direct I/O\n");
        skip();
    }
    expect_refused(&t, RUNG_E_NOTSUP, "set block.sector-size=4096 or block.direct=off");
    t.keys.sector_size = 1;
    assert_int_equal(open_disk(&t), RUNG_OK);
    for (size_t i = 0; i < sizeof(memory); i++)
        memory[i] = (uint8_t)(i * 13 + (i >> 9));
    for (size_t i = 0; i < RUNG_ARRAY_LEN(lens); i++) {
        out[i] = (struct rung_vec){memory + 512 + in.len, lens[i]};
        in.len += lens[i];
    }
    assert_int_equal(in.len % 4096, 0);
    assert_int_equal(run(&t, RUNG_BLOCK_WRITE, 0, out, RUNG_ARRAY_LEN(lens)), RUNG_OK);
    assert_int_equal(run(&t, RUNG_BLOCK_READ, 0, &in, 1), RUNG_OK); /* needs no bounce */
    assert_memory_equal(back, memory + 512, in.len);
    struct rung_vec crooked = {back + 1024, in.len};
    assert_int_equal(run(&t, RUNG_BLOCK_READ, 0, &crooked, 1), RUNG_OK);
    assert_memory_equal(back + 1024, memory + 512, in.len);
    close_disk(&t);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_and_short_transfers_go_on),
        cmocka_unit_test(fua_and_flush_reach_the_kernel),
        cmocka_unit_test(a_failed_flush_is_remembered),
        cmocka_unit_test(a_full_disk_is_not_a_lost_sync),
        cmocka_unit_test(errors_of_the_host_have_names),
        cmocka_unit_test(discard_is_offered_where_it_works),
        cmocka_unit_test(direct_requests_of_any_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
