/* SPDX-License-Identifier: ISC */
/* backends/xen/libc/port/pthread_arch.h - what musl knows of its one thread, in the place of its
 * own header for x86-64. There is no thread-local storage in an image: the thread's state, of which
 * musl's files here use the locale alone, is a variable. */
#include <stdint.h>

extern struct __pthread rung_xen_libc_thread;

static inline uintptr_t __get_tp(void)
{
    return (uintptr_t)&rung_xen_libc_thread;
}

#define MC_PC gregs[REG_RIP]
