/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/frames.h - how large the stack frames of functions are, out of the .debug_frame
 * that the compiler has made, for backtraces without a frame pointer. On the build machine. */
#ifndef RUNG_IMAGE_FRAMES_H
#define RUNG_IMAGE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "xen/boot/names.h"

struct frames_code {
    const uint8_t *frames; /* .debug_frame; NULL: the program has none, and no frame is known */
    size_t frames_len;
    const uint8_t *code;
    size_t code_len;
    uint64_t address; /* of code[0]; places count from there */
};

/* names: in the order of their places. Returns them with their frames, and between them entries
 * without a name where a function makes a call with another frame, as it does with arguments on the
 * stack; *count changes. The caller frees them; NULL: no memory. */
struct rung_xen_name *frames_find(const struct frames_code *code, const struct rung_xen_name *names,
                                  size_t *count);

#endif
