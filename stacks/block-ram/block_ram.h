/* SPDX-License-Identifier: ISC */
/* stacks/block-ram/block_ram.h - BLOCK in memory: a scratch disk, and a strict one for tests.
 * Model    All zero when opened, gone when closed. Requests are carried out on later turns of the
 *          loop, never inside submit, so that a caller who touches a request's memory too early is
 *          found out. With a shuffle seed they are carried out and finished in an order of chance,
 *          and discarded sectors read as noise: the same in every run with the same seed.
 * Units    Bytes for size, a multiple of the sector size.
 * Owner    The state is the opener's; the disk's memory is on the heap until close is done.
 * Context  The loop.
 * Errors   open: INVAL (size), NOMEM. Requests: as block.h says; a FLUSH has nothing to do. */
#ifndef RUNG_BLOCK_RAM_H
#define RUNG_BLOCK_RAM_H

#include "block_ram_module.h"
#include "rung/block.h"

struct rung_block_ram {
    struct rung_block block;
    struct rung_platform *p;
    uint8_t *bytes;
    struct rung_block_req *waiting;    /* in the order they were submitted */
    struct rung_block_req **waiting_end;
    unsigned waiting_count;
    uint32_t chance;                   /* state of the generator; 0: no shuffling */
    struct rung_task work;
};

enum rung_err rung_block_ram_open(struct rung_block_ram *self, struct rung_platform *p,
                                  const struct rung_block_ram_keys *keys,
                                  const struct rung_block_ram_needs *needs);

#endif
