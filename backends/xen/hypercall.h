/* SPDX-License-Identifier: ISC */
/* backends/xen/hypercall.h - the calls into the hypervisor, and nothing else.
 * Model    The one seam between this ground and Xen. In an image they are what they say
 *          (hypercall.c); test/xen-fake/ answers the same calls in a Unix process, so that
 *          everything above them runs there unchanged under sanitizers and fuzzers.
 * Units    Commands and structures are those of Xen's public headers (libxen-dev), little-endian,
 *          64-bit. Frames are guest frames of 4 KiB (gfn).
 * Owner    Arguments are read, and written, during the call only.
 * Context  Any.
 * Errors   As Xen gives them: 0 or more, or a negative XEN_E*, to be turned into an enum rung_err
 *          where it is first seen (rung_xen_err). */
#ifndef RUNG_XEN_HYPERCALL_H
#define RUNG_XEN_HYPERCALL_H

#include "rung/base.h"

long rung_xen_memory_op(unsigned cmd, void *arg);
long rung_xen_event_channel_op(int cmd, void *arg);
long rung_xen_grant_table_op(unsigned cmd, void *arg, unsigned count);
long rung_xen_sched_op(int cmd, void *arg);
long rung_xen_hvm_op(int cmd, void *arg);
long rung_xen_version(int cmd, void *arg);
long rung_xen_physdev_op(int cmd, void *arg);

/* The guest frame behind an address of ours; every address of the heap has one. */
uint64_t rung_xen_frame_of(const void *address);

/* Whole pages, each by itself, zeroed: for rings, and for frames on their way. NULL: out of memory.
 * Not counted by the heap. */
#define RUNG_XEN_PAGE 4096u
void *rung_xen_page_get(struct rung_platform *p);
void rung_xen_page_put(struct rung_platform *p, void *page);

/* count pages in a row; given back with the same count. */
void *rung_xen_pages_get(struct rung_platform *p, size_t count);
void rung_xen_pages_put(struct rung_platform *p, void *pages, size_t count);
size_t rung_xen_pages_left(struct rung_platform *p); /* in a row or not */

#endif
