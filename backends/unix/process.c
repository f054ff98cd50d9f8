/* SPDX-License-Identifier: ISC */
/* backends/unix/process.c - what a Unix process must be told before it serves. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unix/ground.h"

/* A descriptor per connection, and the usual soft limit of 1024 is only there for programs that
 * call select(), which breaks beyond it. libuv polls with epoll, so all that the administrator
 * allows (the hard limit) is ours to use. Failing is harmless: the limit is as it was. */
static void process_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* glibc raises the size from which a block has a mapping of its own to that of the longest which
 * was ever freed, up to 32 MiB; from then on long blocks lie among short ones, and what they leave
 * is no more given back: kvd with 40 clients and values of 16 MiB held 600 to 1,000 MB for a load
 * of 170, and kept it. A size that has been set stays, and so must the other, which would be the
 * first's default. */
static void process_bound_heap(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

/* Started without standard output or error, the first socket or file opened would get their number,
 * and log lines would be written into it. */
static int process_fill_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return errno;
    return 0;
}

int rung_unix_process_init(void)
{
    process_raise_descriptors();
    process_bound_heap();
    /* A peer that hangs up, and a file at its size limit (ulimit -f), are errors of that write and
     * not the end of the program. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return errno;
    return process_fill_standard();
}
