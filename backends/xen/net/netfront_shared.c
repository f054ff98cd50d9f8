/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_shared.c - every read of a page that the back end can write to goes
 * through here, and takes the value at once: what has been checked is what is used. A test puts
 * itself in their place, and spoils what has been read. */
#include "netfront_impl.h"

uint32_t rung_netfront_read32(const void *at)
{
    return *(const volatile uint32_t *)at;
}

/* Aligned, and so one access on every machine that Xen runs us on. */
uint64_t rung_netfront_read64(const void *at)
{
    return *(const volatile uint64_t *)at;
}
