/* SPDX-License-Identifier: ISC */
/* stacks/lwip/port/arch/cc.h - what lwIP wants to know of compiler and C library. */
#ifndef RUNG_LWIP_CC_H
#define RUNG_LWIP_CC_H

#include <assert.h>
#include <stdint.h>

#include "arch/rung_port.h"

#define LWIP_NO_UNISTD_H 1
#define LWIP_RAND() rung_lwip_port_random()
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(text) assert(!text)

#endif
