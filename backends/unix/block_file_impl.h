/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_impl.h - what the files of block-file share; nobody else includes it. */
#ifndef RUNG_BLOCK_FILE_IMPL_H
#define RUNG_BLOCK_FILE_IMPL_H

#include "block_file.h"

#define RUNG_BLOCK_FILE_BOUNCE 65536u /* bytes of a slot's bounce buffer, for O_DIRECT */

/* The engine's seam. The queue in block_file.c hands the engine requests that have been checked and
 * overlap nothing in flight, at most depth at once; the engine hands each back through
 * rung_block_file_done(), from the loop and not inside start. Today's engine is libuv's worker
 * threads (block_file_pool.c); io_uring can take its place behind the same calls. */

/* 0 or NOMEM. self->p, medium and depth are set. */
enum rung_err rung_block_file_engine_open(struct rung_block_file *self);
void rung_block_file_engine_start(struct rung_block_file *self, struct rung_block_req *req);
/* Nothing is in flight: closes the descriptor, frees what the engine has, then op->done(). */
void rung_block_file_engine_close(struct rung_block_file *self, struct rung_op *op);
/* result: as block.h names it. self may be closed when it returns. */
void rung_block_file_done(struct rung_block_file *self, struct rung_block_req *req, int result);

/* Carries out one checked request and blocks until it is done; any thread. bounce: memory of
 * RUNG_BLOCK_FILE_BOUNCE bytes at a multiple of dio_align, for what O_DIRECT cannot take as it is;
 * NULL when every request can be taken. */
int rung_block_file_io(const struct rung_block_file_medium *medium,
                       const struct rung_block_req *req, uint8_t *bounce);

/* Opens and locks the file of the keys, makes it if asked to, and finds out what it can do. 0, and
 * *medium and *caps (enum rung_block_cap) are set; or an error, after one line in the log, and
 * nothing is left behind. */
enum rung_err rung_block_file_medium_open(struct rung_block_file_medium *medium, uint32_t *caps,
                                          struct rung_platform *p,
                                          const struct rung_block_file_keys *keys);

/* Whether some request may need the bounce buffer. */
static inline bool rung_block_file_bounces(const struct rung_block_file_medium *medium)
{
    return medium->dio_align > RUNG_BLOCK_ALIGN;
}

#endif
