/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/stdout.c - stdout, which alone has a buffer. Apart from console.c: stderr is
 * named by code that is never called (llhttp's), and would bring fflush() into each image. */
#include "stdio_impl.h"

#include "xen/libc/libc.h"

size_t __stdout_write(FILE *f, const unsigned char *buf, size_t len)
{
    return __stdio_write(f, buf, len);
}

void rung_xen_libc_flush(void)
{
    fflush(stdout);
}
