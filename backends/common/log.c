/* SPDX-License-Identifier: ISC */
/* backends/common/log.c - log.h up to the finished line; the ground writes it out. A line is
 * "<level>: <who>: <text>\n", at most RUNG_LOG_MAX bytes in all; with who "", "<level>: <text>\n".
 * No time: a journal, a container's log or a terminal has its own (the Unix ground adds one at
 * level debug, where the gaps between lines are what one looks for). */
#include <stdarg.h>
#include <stdio.h>

#include "common/platform.h"

static const char *log_word(enum rung_log_level level)
{
    switch (level) {
    case RUNG_LOG_ERROR: return "error";
    case RUNG_LOG_WARN: return "warn";
    case RUNG_LOG_INFO: return "info";
    case RUNG_LOG_DEBUG: break;
    }
    return "debug";
}

/* Where to cut so that no UTF-8 character is split: text[0..len) is a prefix of something
 * longer. */
static size_t log_cut(const char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return len;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return len - (start - 1) < want ? start - 1 : len;
}

void rung_log(struct rung_platform *p, enum rung_log_level level, const char *who, const char *fmt,
              ...)
{
    if (level > p->log_level)
        return;
    char line[RUNG_LOG_MAX + 1]; /* a place for the NUL that vsnprintf() wants */
    const size_t room = RUNG_LOG_MAX - 1; /* without the newline */
    int n = snprintf(line, room + 1, "%s: %s%s", log_word(level), who, *who ? ": " : "");
    size_t len = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
    va_list args;
    va_start(args, fmt);
    n = vsnprintf(line + len, room + 1 - len, fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n <= room - len)
        len += (size_t)n;
    else if (n > 0)
        len = log_cut(line, room);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len++] = '\n';
    p->log_line(p, level, line, len);
}

bool rung_log_enabled(struct rung_platform *p, enum rung_log_level level)
{
    return level <= p->log_level;
}

void rung_log_set_level(struct rung_platform *p, enum rung_log_level level)
{
    p->log_level = level;
}
