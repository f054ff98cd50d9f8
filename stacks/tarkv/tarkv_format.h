/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_format.h - a header block and a pax header, as POSIX.1-2008 (pax, "ustar
 * Interchange Format" and "pax Header Block") and GNU tar's manual ("Basic Tar Format") have them;
 * only for the files of tarkv. Nothing here reads a disk, and nothing is believed. */
#ifndef RUNG_TARKV_FORMAT_H
#define RUNG_TARKV_FORMAT_H

#include "rung/base.h"

enum {
    TARKV_BLOCK = 512,
    TARKV_PATH_MAX = 4096,    /* of a name as it stands in the archive */
    TARKV_EXTRA_MAX = 131072, /* of a pax header, or a GNU long name */
};

struct rung_tarkv_text { /* len 0: not given */
    size_t len;
    char bytes[TARKV_PATH_MAX];
};

struct rung_tarkv_header {
    char type;     /* typeflag, with '0' for V7's NUL */
    uint64_t size; /* as the header has it */
    struct rung_tarkv_text path, link;
};

struct rung_tarkv_extra { /* what pax headers and GNU's long names say of the entry behind them */
    struct rung_tarkv_text path, link;
    bool has_size, sparse;
    uint64_t size;
};

/* Whether the block is a header, by its checksum. */
bool rung_tarkv_is_header(const uint8_t *block);
bool rung_tarkv_is_zero(const uint8_t *block);

/* Reads a block that is a header. NULL, or what is wrong with it. */
const char *rung_tarkv_get_header(const uint8_t *block, struct rung_tarkv_header *header);

/* Adds what the records of a pax header say. NULL, or what is wrong with it. */
const char *rung_tarkv_get_pax(const uint8_t *bytes, size_t len, struct rung_tarkv_extra *extra);

/* A GNU long name; the same. */
const char *rung_tarkv_get_long(const uint8_t *bytes, size_t len, struct rung_tarkv_text *text);

#endif
