/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_ring.h - blocks that wait to be written, in a ring of memory.
 * Model    A queue of blocks, each in one piece, which begin with their type and their length, 32
 *          bits each in little-endian order, as those of pcapng do. One can be taken back as long
 *          as it has not been given out for writing, even when others were added behind it: it
 *          becomes a void, of type 0, which is passed over. Voids also fill the end of the memory
 *          when a block does not fit there.
 * Units    Bytes; lengths are multiples of 4 and at least 8.
 * Owner    The memory is the owner's of the ring.
 * Context  Any.
 * Errors   NULL: no room. */
#ifndef RUNG_CAPTURE_RING_H
#define RUNG_CAPTURE_RING_H

#include "rung/base.h"

struct rung_capture_ring {
    uint8_t *bytes;
    uint32_t size; /* a multiple of 4 */
    uint32_t head; /* where the next block goes */
    uint32_t tail; /* the oldest block */
    uint32_t used; /* bytes from tail to head; tells a full ring from an empty one */
    uint32_t out;  /* of them, given out by take() */
};

/* Room for a block of len bytes at the end of the queue: the caller fills in all of it. */
uint8_t *rung_capture_ring_add(struct rung_capture_ring *ring, uint32_t len);

/* Takes a block back that has not been given out. */
void rung_capture_ring_void(struct rung_capture_ring *ring, uint8_t *block);

/* Gives out the oldest blocks for writing: up to n segments without voids. How many segments; 0:
 * nothing waits. They stay as they are until done() drops them; only then can the next be taken. */
unsigned rung_capture_ring_take(struct rung_capture_ring *ring, struct rung_vec vec[], unsigned n);
void rung_capture_ring_done(struct rung_capture_ring *ring);

#endif
