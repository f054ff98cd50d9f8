/* SPDX-License-Identifier: ISC */
/* interfaces/rung/base.h - the few C idioms every header here uses. */
#ifndef RUNG_BASE_H
#define RUNG_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rung/err.h"

/* What a program runs on: made by the start-up code of one platform, handed to every module and
 * app, never looked into. It carries the platform services: loop, clock, entropy, log, heap and
 * args. */
struct rung_platform;

/* From a pointer to a member to the structure around it, checked for the member's type. */
#define rung_container_of(ptr, type, member) \
    ((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define RUNG_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* One segment of scattered memory. */
struct rung_vec {
    void *base;
    size_t len; /* bytes; may be 0 */
};

#endif
