/* SPDX-License-Identifier: ISC */
/* stacks/crunch/crunch.h - KV in the image: a folder, as it was when the program was built.
 * Model    Read-only. Gets lend the image's own bytes. Links that stayed inside the folder count as
 *          what they led to; what was no regular file is not there, nor is a name that starts with
 *          ".rung-". Text and the like has a gzip variant, with a version of its own.
 * Units    Bytes.
 * Owner    The state is the opener's; there is nothing to give back.
 * Context  The loop.
 * Errors   open: none. Requests: as kv.h says. */
#ifndef RUNG_CRUNCH_H
#define RUNG_CRUNCH_H

#include "crunch_image.h"
#include "crunch_module.h"
#include "rung/kv.h"

struct rung_crunch {
    struct rung_kv kv;
    struct rung_platform *p;
    const struct rung_crunch_image *image;
};

enum rung_err rung_crunch_open(struct rung_crunch *self, struct rung_platform *p,
                               const struct rung_crunch_keys *keys,
                               const struct rung_crunch_needs *needs);

#endif
