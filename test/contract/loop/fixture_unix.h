/* SPDX-License-Identifier: ISC */
/* test/contract/loop/fixture_unix.h - what the files of the Unix fixture share. */
#ifndef LOOP_FIXTURE_UNIX_H
#define LOOP_FIXTURE_UNIX_H

#include <stddef.h>

/* Runs fn in a process of its own, which ends with the status that fn returns. Gives what waitpid()
 * says. For tests of what belongs to the process: signals, limits, standard descriptors. */
int unix_in_child(int (*fn)(void *arg), void *arg);

/* The same, and collects what fn writes to descriptor fd: all of it, room - 1 bytes and a NUL
 * kept. */
int unix_output_of(int (*fn)(void *arg), void *arg, int fd, char *text, size_t room);

/* Numbers of failed tests. */
int fixture_unix_io(void);
int fixture_unix_process(void);
int fixture_unix_signal(void);
int fixture_unix_sink(void);

#endif
