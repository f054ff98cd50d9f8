/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/libc.h - what the C library of an image expects of the platform, and offers it
 * beyond the standard.
 * Model    The library is musl's, without files, threads, locales or malloc(): memory comes from
 *          rung/heap.h. What is printed on stdout or stderr goes to the console.
 * Units    Bytes.
 * Owner    -
 * Context  The loop's thread.
 * Errors   A failed assert() and abort() end in rung_xen_crash(). */
#ifndef RUNG_XEN_LIBC_H
#define RUNG_XEN_LIBC_H

#include <stddef.h>

/* The platform's: prints the reason, one line without newline, and the way here, then crashes the
 * domain. */
_Noreturn void rung_xen_crash(const char *reason);

/* The platform's: puts text[0..len) on the console as it is. */
void rung_xen_console_put(const char *text, size_t len);

/* Puts out what stands in stdout's buffer, for the platform to call before it ends. NULL in an
 * image that does not use it. */
void rung_xen_libc_flush(void) __attribute__((__weak__));

#endif
