/* SPDX-License-Identifier: ISC */
/* interfaces/rung/log.h - LOG and CONSOLE: words for people.
 * Model    The console carries a program's own output (standard output; the Xen console). The log
 *          carries one line per event, with its level, to standard error or the Xen console.
 *          Lines above the level chosen at boot (--log=...) are dropped before they are formatted.
 * Units    A log line is at most RUNG_LOG_MAX bytes with its newline; the rest is cut. Bytes
 *          below 0x20 and 0x7f from formatted arguments are shown as '?', so that nobody forges a
 *          line.
 * Owner    Nothing is kept after the call.
 * Context  Any callback. A slow terminal may delay the caller; a vanished one is ignored.
 * Errors   None: a line that cannot be written is lost. */
#ifndef RUNG_LOG_H
#define RUNG_LOG_H

#include "rung/base.h"

#define RUNG_LOG_MAX 512

enum rung_log_level {
    RUNG_LOG_ERROR, /* the program, or what was asked of it, failed; the line says how to mend it */
    RUNG_LOG_WARN,  /* something is lost or refused, and the program goes on */
    RUNG_LOG_INFO,  /* start, stop, addresses; the default */
    RUNG_LOG_DEBUG, /* one line for each request or connection */
};

/* Writes one line; a newline is added. who: the slot or module that speaks, such as "tcp". */
void rung_log(struct rung_platform *p, enum rung_log_level level, const char *who, const char *fmt,
              ...) __attribute__((format(printf, 4, 5)));

/* Whether a line of this level would be written: for callers that work to make one. */
bool rung_log_enabled(struct rung_platform *p, enum rung_log_level level);

/* Sets the highest level written. Start-up code calls it with the `log` key. */
void rung_log_set_level(struct rung_platform *p, enum rung_log_level level);

/* Writes len bytes of the program's own output as they are. */
void rung_console_write(struct rung_platform *p, const char *text, size_t len);

#endif
