/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file.h - BLOCK on a file or a block device.
 * Model    Up to depth requests are carried out at once, by io_uring where the kernel has it and on
 *          libuv's worker threads otherwise; the rest wait in the order they came. Of two requests
 *          that overlap, one a write, the second waits for the first: the host's kernel may tear a
 *          sector otherwise. FLUSH is fdatasync(), FUA is RWF_DSYNC. After an fdatasync() that
 *          failed every later FLUSH fails: the kernel has forgotten which bytes it lost. The file
 *          is locked while open, against other programs that would write, or against writers when
 *          read-only. Who is refused the lock is told so after half a second: what a killed program
 *          had under way in io_uring holds it for a moment longer, and the lock does not say
 *          whether its owner lives. One that is locked and by then not at its path any more is
 *          refused as well. A file that is no whole number of sectors long keeps its last bytes to
 *          itself. A file that was made and never written to goes when it is closed.
 * Units    Bytes for size.
 * Owner    The state is the opener's; memory and descriptor are given back by close.
 * Context  The loop; open may block.
 * Errors   open: INVAL, NOTFOUND, ACCESS, READONLY, BUSY, FULL, NOTSUP, LIMIT, NOMEM, IO. Requests:
 *          as block.h says. A file that others made shorter answers IO. */
#ifndef RUNG_BLOCK_FILE_H
#define RUNG_BLOCK_FILE_H

#include "block_file_module.h"
#include "rung/block.h"

#define RUNG_BLOCK_FILE_DEPTH_MAX 1024u /* more threads libuv does not start */

/* The open file, and what it asks of those who use it. */
struct rung_block_file_medium {
    int fd;
    bool device;         /* a block device; else a regular file */
    uint64_t bytes;      /* its length when opened */
    uint32_t dio_align;  /* O_DIRECT: place, length and memory are multiples of this; 0: buffered */
    uint32_t dev_align;  /* a device's own sector: what discards are rounded in to */
    uint32_t sector_size;
};

struct rung_block_file_slot;  /* a request on a worker thread; see block_file_pool.c */
struct rung_block_file_uring; /* see block_file_uring.c */

struct rung_block_file {
    struct rung_block block;
    struct rung_platform *p;
    struct rung_block_file_medium medium;
    unsigned depth, running_count;
    struct rung_block_req *running; /* with the engine */
    struct rung_block_req *waiting; /* not yet, in the order they were submitted */
    struct rung_block_req **waiting_end;
    bool flush_failed;
    const char *unused; /* the path of a file that was made and not yet written to; or NULL */
    struct rung_block_file_uring *uring; /* NULL: threads alone */
    struct rung_block_file_slot *slots;  /* the threads': depth of them, and those that are free */
    struct rung_block_file_slot *free_slots;
    uint8_t *bounce;                     /* the threads': RUNG_BLOCK_FILE_BOUNCE for each slot */
    struct rung_op *closing;
};

enum rung_err rung_block_file_open(struct rung_block_file *self, struct rung_platform *p,
                                   const struct rung_block_file_keys *keys,
                                   const struct rung_block_file_needs *needs);

#endif
