/* SPDX-License-Identifier: ISC */
/* test/xen-guest/guest.h - a test program as the program of a Xen domain: what it finds there of an
 * ordinary process.
 * Model    The words of the domain's command line are the environment ("RUNG_TEST_CASE=a*");
 *          malloc() is the image's heap, uncounted; exit() ends main(). The last line on the
 *          console says how it went, and the domain powers off.
 * Context  The main flow. */
#ifndef GUEST_H
#define GUEST_H

/* Ends the program's main() with a status. */
_Noreturn void guest_exit(int status);

/* Boot words as the environment: what stands behind name=, or NULL. */
const char *guest_environment(const char *name);

#endif
