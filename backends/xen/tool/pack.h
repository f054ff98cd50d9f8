/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/pack.h - packs names into the form of ../boot/names.h, on the build machine. */
#ifndef RUNG_IMAGE_PACK_H
#define RUNG_IMAGE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "xen/boot/names.h"

/* names: in the order of their places. Returns the table, which the caller frees, or
 * NULL without memory. */
uint8_t *pack_names(const struct rung_xen_name *names, size_t count, size_t *size);

#endif
