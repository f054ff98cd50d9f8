/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_shared.c - the only reads of pages that the other side writes to,
 * each exactly once. In a file of their own so that a test can stand in between, and change what
 * has been read; in an image the linker makes them loads. */
#include "blkfront_impl.h"

uint32_t rung_blkfront_read32(const uint32_t *field)
{
    return RUNG_XEN_READ(*field);
}

uint64_t rung_blkfront_read64(const uint64_t *field)
{
    return RUNG_XEN_READ(*field);
}
