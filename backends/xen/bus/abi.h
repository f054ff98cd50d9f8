/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/abi.h - Xen's public headers at the version spoken here, and the barriers that
 * they (xen/io/ring.h) want from who includes them.
 * Model    Include this before any header of Xen's.
 * Context  Any.
 * Errors   None. */
#ifndef RUNG_XEN_BUS_ABI_H
#define RUNG_XEN_BUS_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00 /* Xen 4.14: grant_entry_v1, XEN_* of today */
#endif

#include <xen/xen.h>

/* Between memory of ours and memory shared with another domain, which may run on another processor
 * at the same time. On x86 the last two cost nothing but keep the compiler from moving things. */
#ifndef xen_mb
#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

/* Reads, and writes, a field of shared memory exactly once: what is checked is what is used. */
#define RUNG_XEN_READ(field) (*(const volatile __typeof__(field) *)&(field))
#define RUNG_XEN_WRITE(field, value) (*(volatile __typeof__(field) *)&(field) = (value))

#endif
