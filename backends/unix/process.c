/* SPDX-License-Identifier: ISC */
/* backends/unix/process.c - what a Unix process must be told before it serves. */
#include <errno.h>
#include <fcntl.h>
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
    /* A peer that hangs up, and a file at its size limit (ulimit -f), are errors of that write and
     * not the end of the program. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return errno;
    return process_fill_standard();
}
