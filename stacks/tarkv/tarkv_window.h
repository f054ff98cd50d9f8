/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_window.h - a window that moves over the disk while the archive is read; only
 * for the files of tarkv. It runs the loop: outside callbacks only. */
#ifndef RUNG_TARKV_WINDOW_H
#define RUNG_TARKV_WINDOW_H

#include "tarkv.h"

struct rung_tarkv_window {
    struct rung_tarkv *self;
    uint8_t *bytes;
    size_t room, usual; /* usual: what is read if nobody wants more at once */
    uint64_t from, to;  /* what it holds */
    uint64_t end;       /* of the disk */
    int err;            /* what reading ran into; it has been logged */
};

enum rung_err rung_tarkv_window_open(struct rung_tarkv *self, struct rung_tarkv_window *window);
void rung_tarkv_window_close(struct rung_tarkv_window *window);

/* len bytes at `at`, or NULL: the disk ends before (err is 0), or cannot be read. They move at the
 * next call. len is TARKV_EXTRA_MAX at most. */
const uint8_t *rung_tarkv_window_at(struct rung_tarkv_window *window, uint64_t at, size_t len);

/* How many bytes at `at` the window holds; reads if there are none. 0: as above. */
size_t rung_tarkv_window_some(struct rung_tarkv_window *window, uint64_t at, const uint8_t **bytes);

#endif
