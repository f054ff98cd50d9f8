/* SPDX-License-Identifier: ISC */
/* interfaces/rung/buf.h - BUF: a piece of memory that changes hands.
 * Model    A run of bytes with its own way home. Receiving lends the module's memory to the app,
 *          sending lends the app's memory to the module; nobody copies to hand it over.
 * Units    Bytes; len > 0 unless a header says that it may be 0.
 * Owner    One owner at a time. The owner of the moment runs release exactly once when it is done
 *          with the bytes, may use the next field for a list of its own, and may move data and len
 *          forward to drop bytes it has used. Nobody writes to the bytes.
 * Context  The loop. release may run inside a call that takes the buffer.
 * Errors   None. */
#ifndef RUNG_BUF_H
#define RUNG_BUF_H

#include "rung/base.h"

struct rung_buf {
    struct rung_buf *next;
    const uint8_t *data;
    size_t len;
    void (*release)(struct rung_buf *buf);
};

static inline void rung_buf_release(struct rung_buf *buf)
{
    buf->release(buf);
}

#endif
