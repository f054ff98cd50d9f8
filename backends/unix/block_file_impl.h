/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_impl.h - what the files of block-file share; nobody else includes it. */
#ifndef RUNG_BLOCK_FILE_IMPL_H
#define RUNG_BLOCK_FILE_IMPL_H

#include "block_file.h"

#define RUNG_BLOCK_FILE_BOUNCE 65536u /* bytes of a slot's bounce buffer, for O_DIRECT */

/* What is kept in req->module while a request is ours: its length; the list it is in; whether
 * io_uring had no room for it, or for its sync. */
enum { RUNG_BLOCK_FILE_SECTORS = 0, RUNG_BLOCK_FILE_NEXT = 1, RUNG_BLOCK_FILE_DOUBTED = 2 };

/* The queue in block_file.c hands out requests that have been checked and overlap nothing in
 * flight, at most depth at once. Each comes back through rung_block_file_done(), from the loop and
 * not inside start. */

/* block_file_pool.c: libuv's worker threads, which take every request. 0 or NOMEM; self->p, medium
 * and depth are set. */
enum rung_err rung_block_file_pool_open(struct rung_block_file *self);
void rung_block_file_pool_free(struct rung_block_file *self); /* its memory, at once */
void rung_block_file_pool_start(struct rung_block_file *self, struct rung_block_req *req);
/* Nothing is in flight: closes the descriptor, frees all, then op->done(). */
void rung_block_file_pool_close(struct rung_block_file *self, struct rung_op *op);

/* block_file_uring.c: io_uring, for most. open sets self->uring, or says why not; start says
 * whether it has taken the request; close ends with rung_block_file_pool_close(). */
enum rung_err rung_block_file_uring_open(struct rung_block_file *self);
bool rung_block_file_uring_start(struct rung_block_file *self, struct rung_block_req *req);
void rung_block_file_uring_close(struct rung_block_file *self, struct rung_op *op);

/* result: as block.h names it. self may be closed when it returns. */
void rung_block_file_done(struct rung_block_file *self, struct rung_block_req *req, int result);

/* Carries out one checked request and blocks until it is done; any thread. bounce: memory of
 * RUNG_BLOCK_FILE_BOUNCE bytes at a multiple of dio_align, for what O_DIRECT cannot take as it is;
 * NULL when every request can be taken. */
int rung_block_file_io(const struct rung_block_file_medium *medium,
                       const struct rung_block_req *req, uint8_t *bounce);

/* Whether O_DIRECT cannot take the request's memory as it is. */
bool rung_block_file_needs_bounce(const struct rung_block_file_medium *medium,
                                  const struct rung_block_req *req);

/* What a failed sync means to the caller. */
int rung_block_file_sync_error(int err);

/* Opens and locks the file of the keys, makes it if asked to (*made), and finds out what it can do.
 * 0, and *medium and *caps (enum rung_block_cap) are set; or an error, after one line in the log,
 * and nothing is left behind. */
enum rung_err rung_block_file_medium_open(struct rung_block_file_medium *medium, uint32_t *caps,
                                          bool *made, struct rung_platform *p,
                                          const struct rung_block_file_keys *keys);
/* Takes the name of an open file away, if it still is that file's. */
void rung_block_file_medium_remove(const struct rung_block_file_medium *medium, const char *path);

/* Whether some request may need the bounce buffer. */
static inline bool rung_block_file_bounces(const struct rung_block_file_medium *medium)
{
    return medium->dio_align > RUNG_BLOCK_ALIGN;
}

#endif
