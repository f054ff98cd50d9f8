/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix.c - the Unix platform in the loop's suite. What unix.h promises
 * beyond it is tested in the files beside this one. */
#include "suite.h"

#include <sys/wait.h>
#include <unistd.h>

#include "fixture_unix.h"
#include "rung/clock.h"

/* A child that hangs must not outlive the test; nothing else waits this long. */
#define CHILD_LIMIT_S 60

const bool fixture_one_platform = false;

void fixture_pass_ns(struct rung_platform *p, uint64_t ns)
{
    uint64_t start = rung_clock_monotonic_ns(p);
    while (rung_clock_monotonic_ns(p) - start < ns)
        continue;
}

/* While it is collected, standard output is a pipe; the original waits at descriptor saved. */
static struct {
    int saved, out;
} console;

void fixture_console_begin(struct rung_platform *p)
{
    int ends[2];
    (void)p;
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    console.saved = dup(STDOUT_FILENO);
    console.out = ends[0];
    assert_true(console.saved >= 0);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
}

/* Reads to the end; keeps room - 1 bytes. */
static size_t read_all(int fd, char *text, size_t room)
{
    size_t len = 0;
    char rest[4096];
    ssize_t n;
    while ((n = read(fd, rest, sizeof(rest))) > 0)
        for (ssize_t i = 0; i < n && len + 1 < room; i++)
            text[len++] = rest[i];
    text[len] = '\0';
    return len;
}

size_t fixture_console_end(struct rung_platform *p, char *text, size_t room)
{
    (void)p;
    assert_true(dup2(console.saved, STDOUT_FILENO) >= 0); /* closes the pipe's end for writing */
    close(console.saved);
    size_t len = read_all(console.out, text, room);
    close(console.out);
    return len;
}

int unix_in_child(int (*fn)(void *arg), void *arg)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_LIMIT_S);
        _exit(fn(arg));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

int unix_output_of(int (*fn)(void *arg), void *arg, int fd, char *text, size_t room)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], fd);
        close(ends[0]);
        close(ends[1]);
        alarm(CHILD_LIMIT_S);
        _exit(fn(arg));
    }
    assert_true(child > 0);
    close(ends[1]);
    usleep(20000); /* a slow reader: much output fills the pipe and has to wait */
    read_all(ends[0], text, room);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The I/O tests last: they start threads, which processes forked after them would be said to
 * leak. */
int fixture_tests(void)
{
    return fixture_unix_process() + fixture_unix_signal() + fixture_unix_io()
           + fixture_unix_sink();
}
