/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/image.h - the program's own file, as a source for sendfile().
 * Model    What the linker made read-only (values that crunch put into the image, constants) lies
 *          in the program's file and in the kernel's page cache. The kernel can send it from there
 *          and copies nothing; a write() of 100 KiB costs a third more processor time, one of 1 MiB
 *          three times as much (docs/decisions/0004-large-bodies.md). The file of a running program
 *          cannot be written to, and its pages are the ones we see, so the bytes are the same.
 * Owner    The opener closes it.
 * Errors   None: without /proc or with an odd image nothing is ever found in it. */
#ifndef RUNG_UNIX_SOCKET_IMAGE_H
#define RUNG_UNIX_SOCKET_IMAGE_H

#include <sys/types.h>

#include "rung/base.h"

struct rung_image {
    int fd; /* -1: none */
    unsigned count;
    struct rung_image_range {
        uintptr_t start, end;
        off_t offset; /* of start in the file */
    } range[4];
};

void rung_image_open(struct rung_image *image);
void rung_image_close(struct rung_image *image);

/* Whether data[0..len) is in the file; then *offset says where. */
bool rung_image_find(const struct rung_image *image, const void *data, size_t len, off_t *offset);

#endif
