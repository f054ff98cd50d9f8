/* SPDX-License-Identifier: ISC */
/* backends/unix/console.c - log lines to standard error, the program's output to standard output.
 * Unbuffered: a line is there when the call returns, even if the program crashes after it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rung/clock.h"
#include "unix/ground.h"

#define CONSOLE_STAMP 32 /* "2026-11-23T22:01:02.345Z " and its NUL */

/* Writes all of it, and tells whether that went well. A terminal or pipe that others made
 * non-blocking is waited for; one that is gone (EPIPE, EIO) or full (ENOSPC) loses the rest. */
static bool console_write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            if (poll(&room, 1, -1) < 0 && errno != EINTR)
                return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Someone who debugs looks for the gaps between lines; see backends/common/log.c. */
static size_t console_stamp(struct rung_platform *p, char text[CONSOLE_STAMP])
{
    uint64_t wall = rung_clock_wall_ns(p);
    time_t seconds = (time_t)(wall / RUNG_NS_PER_S);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc))
        return 0;
    size_t len = strftime(text, CONSOLE_STAMP, "%Y-%m-%dT%H:%M:%S", &utc);
    unsigned ms = (unsigned)(wall % RUNG_NS_PER_S / RUNG_NS_PER_MS);
    int n = snprintf(text + len, CONSOLE_STAMP - len, ".%03uZ ", ms);
    return n < 0 ? 0 : len + (size_t)n;
}

void rung_unix_log_line(struct rung_platform *p, enum rung_log_level level, const char *text,
                        size_t len)
{
    char line[CONSOLE_STAMP + RUNG_LOG_MAX]; /* one write(), so that no other process cuts in */
    size_t stamp = 0;
    (void)level;
    if (unix_of(p)->log_take) {
        unix_of(p)->log_take(text, len);
        return;
    }
    if (rung_log_enabled(p, RUNG_LOG_DEBUG))
        stamp = console_stamp(p, line);
    memcpy(line + stamp, text, len);
    (void)console_write_all(STDERR_FILENO, line, stamp + len);
}

void rung_unix_log_to(struct rung_platform *p, void (*take)(const char *line, size_t len))
{
    unix_of(p)->log_take = take;
}

void rung_console_write(struct rung_platform *p, const char *text, size_t len)
{
    if (!console_write_all(STDOUT_FILENO, text, len))
        unix_of(p)->output_lost = true;
}
