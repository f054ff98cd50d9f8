/* SPDX-License-Identifier: ISC */
/* backends/unix/unix.h - what the Unix ground offers to its own modules and to start-up code.
 * Model    One platform on one libuv loop. Modules of backends/unix and backends/unix-* start their
 *          handles on rung_unix_loop() and translate libuv's and the kernel's errors here, once.
 * Units    As libuv and the kernel count.
 * Owner    The platform owns the loop; a module closes every handle it started before its own close
 *          is done.
 * Context  The thread that made the platform. Callbacks of libuv are callbacks of the Rung loop.
 * Errors   Below, at each call. */
#ifndef RUNG_UNIX_H
#define RUNG_UNIX_H

#include "rung/base.h"

struct uv_loop_s;

/* Makes a platform with the words argv[1..argc), which the caller keeps. It sets up the process as
 * a server wants it: SIGPIPE ignored, as many descriptors as the hard limit gives, descriptors 0 to
 * 2 open; and SIGINT and SIGTERM end in rung_loop_stop(p, 0), the next of either in the default
 * action. NULL after one line on standard error: no entropy, no memory, no descriptors. */
struct rung_platform *rung_unix_new(int argc, const char *const argv[]);

/* Gives everything back but the process's set-up. Modules are closed by then. NULL does nothing. */
void rung_unix_free(struct rung_platform *p);

/* Hands every log line, with its newline, to take() instead of standard error: for a program that
 * has words of its own for what modules say. NULL: as before. */
void rung_unix_log_to(struct rung_platform *p, void (*take)(const char *line, size_t len));

/* Whether some of the program's output could not be written: standard output is full, closed,
 * gone. */
bool rung_unix_output_lost(struct rung_platform *p);

/* The loop to start handles and requests on; never NULL. Nobody else runs, stops or closes it. */
struct uv_loop_s *rung_unix_loop(struct rung_platform *p);

/* For a module's callbacks of I/O: there was some, and more may follow; see
 * rung_loop_busy_poll(). */
void rung_unix_had_io(struct rung_platform *p);

/* For modules that have the kernel or a thread at work for them: on so many more jobs, or fewer.
 * While there are any the loop blocks at once, for they may need the core that it polls on. */
void rung_unix_working(struct rung_platform *p, int more);

/* For a module that has work for libuv's worker threads: makes them, if there are none yet. Called
 * by its open, in the words of its slot; an error after one line: there is no room for them. */
enum rung_err rung_unix_workers(struct rung_platform *p, const char *slot);

/* Translate a negative libuv error (0 and above: RUNG_OK) and an errno (0: RUNG_OK). A code without
 * a counterpart gives RUNG_E_UNKNOWN, never RUNG_OK. */
enum rung_err rung_err_from_uv(int uv_error);
enum rung_err rung_err_from_errno(int errno_value);

#endif
