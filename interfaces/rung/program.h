/* SPDX-License-Identifier: ISC */
/* interfaces/rung/program.h - PROGRAM: where a platform hands over to the program bound to it.
 * Model    The start-up code of the ground (main() on Unix, the boot code on Xen) makes the
 *          platform, calls rung_program() once, lets go of the platform, and ends with the status.
 *          The resolver generates rung_program() for each app: it reads the keys, opens the modules
 *          in order, runs the app, and closes in reverse.
 * Units    The status is an exit status: 0 well, 1 failed, 64 misused (an unknown key, a bad
 *          value).
 * Owner    The platform stays the caller's.
 * Context  Outside the loop; the program calls rung_loop_run() itself.
 * Errors   Logged, one line each, before the status is returned. */
#ifndef RUNG_PROGRAM_H
#define RUNG_PROGRAM_H

#include "rung/base.h"

/* Runs the program from opening its modules to closing them. Returns its exit status. */
int rung_program(struct rung_platform *p);

#endif
