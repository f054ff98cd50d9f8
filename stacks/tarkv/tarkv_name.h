/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_name.h - from names in an archive to keys; only for the files of tarkv. */
#ifndef RUNG_TARKV_NAME_H
#define RUNG_TARKV_NAME_H

#include "rung/kv.h"

struct rung_tarkv_key { /* len 0: the archive's own top */
    size_t len;
    char bytes[RUNG_KV_KEY_MAX];
};

enum rung_tarkv_naming {
    TARKV_NAMED,
    TARKV_HIDDEN,   /* a part starts with ".rung-": no key */
    TARKV_OUTSIDE,  /* absolute, or ".." leads out of it */
    TARKV_TOO_LONG, /* the key, or one of its parts */
};

/* Goes from the folder `key` along name, which changes it. dots: whether ".." may be used. */
enum rung_tarkv_naming rung_tarkv_walk(struct rung_tarkv_key *key, const char *name, size_t len,
                                       bool dots);

#endif
