/* SPDX-License-Identifier: ISC */
/* stacks/crunch/crunch_image.h - a folder as crunch.sh puts it into the image.
 * Model    A table of files, sorted by key in byte order; every byte is constant memory.
 * Units    Bytes.
 * Owner    The image's; nobody frees it.
 * Context  Any.
 * Errors   None. */
#ifndef RUNG_CRUNCH_IMAGE_H
#define RUNG_CRUNCH_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct rung_crunch_variant {
    const uint8_t *data; /* NULL: there is none */
    size_t size;
    const char *version; /* the start of its SHA-256, in hex */
};

struct rung_crunch_entry {
    const char *key; /* the file's path in the folder */
    size_t key_len;
    const char *type; /* media type; NULL: not known */
    struct rung_crunch_variant plain;
    struct rung_crunch_variant gzip; /* only where it saves a tenth or more */
};

struct rung_crunch_image {
    const struct rung_crunch_entry *entries;
    size_t count;
};

#endif
