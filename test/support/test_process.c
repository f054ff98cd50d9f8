/* SPDX-License-Identifier: ISC */
/* test/support/test_process.c - the soft limit of descriptors, and the effective user. */
#include "test_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEST_NOBODY 65534u

void test_process_descriptors(bool none)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int fd = none ? dup(0) : -1; /* the lowest number that is free */
    limit.rlim_cur = none ? (rlim_t)fd : limit.rlim_max;
    if (none)
        close(fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

bool test_process_unprivileged(bool on)
{
    unsigned start = 1024;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (file && fscanf(file, "%u", &start) != 1)
        start = 1024;
    if (file)
        fclose(file);
    if (start < 1024)
        return false;
    if (getuid() == 0)
        assert_int_equal(seteuid(on ? TEST_NOBODY : 0), 0);
    return true;
}
