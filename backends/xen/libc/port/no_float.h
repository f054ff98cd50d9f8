/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/port/no_float.h - in front of musl's vfprintf.c where numbers with a fraction
 * are not to be printed: the first thing done to one ends the program, so that what would come
 * after it is not compiled. */
_Noreturn long double rung_xen_libc_no_float(long double value, int *exponent);

#define frexpl rung_xen_libc_no_float
