/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/system.c - what musl's files ask of a system: where errno is, how a program
 * ends. Compiled as they are, with their private headers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "xen/libc/libc.h"

#define REASON_MAX 256

static int system_errno;
const char __utc[] = "UTC";

int *__errno_location(void)
{
    return &system_errno;
}

/* What musl's own files call, which are promised that it is always the same. */
int *___errno_location(void)
{
    return &system_errno;
}

/* For %lc and %ls. In the C locale nothing beyond ASCII has bytes. */
int wctomb(char *s, wchar_t c)
{
    if (!s)
        return 0;
    if (c < 0 || c > 0x7f) {
        errno = EILSEQ;
        return -1;
    }
    *s = (char)c;
    return 1;
}

/* There is nobody to lock anything against. */
void __lock(volatile int *lock)
{
    (void)lock;
}

void __unlock(volatile int *lock)
{
    (void)lock;
}

int __lockfile(FILE *f)
{
    (void)f;
    return 0;
}

void __unlockfile(FILE *f)
{
    (void)f;
}

/* For %m. */
char *rung_xen_libc_strerror(int e)
{
    (void)e;
    return "error";
}

_Noreturn long double rung_xen_libc_no_float(long double value, int *exponent)
{
    (void)value;
    (void)exponent;
    rung_xen_crash("printf: this image was built without %f: set RUNG_XEN_PRINTF_FLOAT=ON");
}

_Noreturn void abort(void)
{
    rung_xen_crash("the program called abort()");
}

_Noreturn void __assert_fail(const char *expr, const char *file, int line, const char *func)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof(reason), "%s:%d: %s: assertion '%s' failed", file, line, func, expr);
    rung_xen_crash(reason);
}
