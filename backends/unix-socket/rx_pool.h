/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/rx_pool.h - the memory that received bytes are lent in.
 * Model    Blocks of two sizes. TCP reads into small ones until one was filled, UDP into a small
 *          one with a big one behind it: a few hundred bytes then hold 2 KiB for as long as the app
 *          needs it, not 64, a bulk transfer still moves 64 KiB for each system call, and nothing
 *          is copied. (Carving small pieces from a big block would let one held request pin 64
 *          KiB.) Blocks are made when they are first needed and a few are kept for the next read;
 *          an idle connection has none.
 * Units    Bytes, block headers included, for the limit.
 * Owner    A block is the caller's from get to put; the app's buf or dgram in it comes back through
 *          its release. Lent blocks outlive the connection and the stack, not the platform.
 * Context  The loop.
 * Errors   get gives NULL: the pool is dry, by its limit or by the heap. Nothing is lost by that;
 *          who waits is woken when it makes sense to try again. */
#ifndef RUNG_RX_POOL_H
#define RUNG_RX_POOL_H

#include "rung/buf.h"
#include "rung/loop.h"
#include "rung/udp.h"

/* A small block is 2 KiB with its header and holds any datagram or request that came in one
 * Ethernet frame. */
#define RUNG_RX_SMALL_BYTES 1920u
#define RUNG_RX_BIG_BYTES 65536u
#define RUNG_RX_LIMIT_MIN UINT64_C(131072) /* below this a stack could be dry with nothing lent */

enum rung_rx_size { RUNG_RX_SMALL, RUNG_RX_BIG };

struct rung_rx_pool;
struct rung_rx_block {
    union { /* as what it is lent */
        struct rung_buf buf;
        struct rung_dgram dgram;
    };
    struct rung_rx_pool *pool;
    enum rung_rx_size size;
    uint8_t bytes[];
};

/* Who waits for a block: a member of a connection or socket. Zeroed: waits for nothing. */
struct rung_rx_waiter {
    struct rung_rx_waiter *next;
    struct rung_rx_waiter **link; /* NULL: not waiting */
};

/* least: without a block of this size, and a small one, there is no reading. wake runs from the
 * loop, once for each wait. limit >= RUNG_RX_LIMIT_MIN. NULL: no memory. */
struct rung_rx_pool *rung_rx_pool_new(struct rung_platform *p, uint64_t limit,
                                      enum rung_rx_size least,
                                      void (*wake)(struct rung_rx_waiter *waiter));

/* The stack is gone and nobody waits. Memory that the app still holds goes when it is released. */
void rung_rx_pool_free(struct rung_rx_pool *pool);

struct rung_rx_block *rung_rx_get(struct rung_rx_pool *pool, enum rung_rx_size size);
void rung_rx_put(struct rung_rx_block *block);

/* After a get() that gave NULL. */
void rung_rx_wait(struct rung_rx_pool *pool, struct rung_rx_waiter *waiter);
void rung_rx_unwait(struct rung_rx_pool *pool, struct rung_rx_waiter *waiter);

#endif
