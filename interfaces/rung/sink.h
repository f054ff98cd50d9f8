/* SPDX-License-Identifier: ISC */
/* interfaces/rung/sink.h - SINK: bytes that leave the program for good, for people's own tools.
 * Model    A sink is opened by a name, empty, and written from front to end; nobody reads it here.
 *          On Unix the name is a path: a file, made anew, or a FIFO that somebody reads; on Xen
 *          the name of a channel (a further console ring). It carries what is too much for a
 *          log and no part of the program's own storage: captures, traces.
 * Units    Bytes. At most RUNG_SINK_VECS segments in a write.
 * Owner    The sink is the platform's from open to close. A write's op, its vec and the memory
 *          behind it are the caller's, and left alone until done() has run.
 * Context  Any callback. open may block for as long as the ground's own open does, the others do
 *          not; done() never runs inside submit. One write at a time.
 * Errors   Listed per call. Misuse asserts. */
#ifndef RUNG_SINK_H
#define RUNG_SINK_H

#include "rung/base.h"
#include "rung/loop.h"

#define RUNG_SINK_VECS 16u

struct rung_sink;

/* Opens the sink of that name and empties it. Only the program's own user may read what it makes.
 * Not logged: the caller knows which key was wrong. NOTFOUND, ACCESS, READONLY, BUSY, FULL, LIMIT,
 * NOMEM, IO; INVAL: the name is that of a folder or the like. DOWN: nobody reads it. NOTSUP: this
 * platform has no sinks. AGAIN: it has no threads to write with, and has logged that, for no key
 * is to blame. *sink is set if and only if the result is RUNG_OK. */
enum rung_err rung_sink_open(struct rung_platform *p, const char *name, struct rung_sink **sink);

/* Writes vec[0..n) behind what is there. done: 0, all is written; or FULL, TOOBIG, IO; DOWN: the
 * reader is gone; CANCELED. After an error a part may have been written. */
void rung_sink_write(struct rung_sink *sink, struct rung_op *op, const struct rung_vec vec[],
                     unsigned n);

/* Calls off the write in flight, if there is one, for a reader that is too slow. done() still runs,
 * with CANCELED or with the result that won the race; a write to a file runs its course. */
void rung_sink_cancel(struct rung_sink *sink);

/* With no write in flight. done: 0; or FULL, IO: some of what was written has been lost. */
void rung_sink_close(struct rung_sink *sink, struct rung_op *op);

#endif
