/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_copy.h - frames of net-fault's own, and what is done to frames.
 * Model    A copy is one fragment with headroom in front, from the heap, and gives itself back
 *          when it is released. It does not know who made it, and may outlive that.
 * Units    Bytes.
 * Owner    As of any frame. A frame that is read stays as it is; one that is changed must be a copy
 *          or a lent one.
 * Context  Any.
 * Errors   NULL, false: no memory, or as said below. */
#ifndef RUNG_FAULT_COPY_H
#define RUNG_FAULT_COPY_H

#include "rung/net.h"

uint32_t rung_fault_len(const struct rung_frame *f); /* of all fragments together */

/* A frame of len bytes that are still to be set, with nothing else said of it. */
struct rung_frame *rung_fault_new(struct rung_platform *p, uint32_t len, uint32_t headroom);

/* The same bytes and the same facts. */
struct rung_frame *rung_fault_copy(struct rung_platform *p, const struct rung_frame *f,
                                   uint32_t headroom);

/* The len bytes from a place on, out of as many fragments as it takes. They are there. */
void rung_fault_read(const struct rung_frame *f, uint32_t at, void *to, uint32_t len);

/* The sum of RFC 1071 of the bytes from a place to the end, added to sum; folded, not inverted, in
 * network order's value. */
uint32_t rung_fault_sum(const struct rung_frame *f, uint32_t at, uint32_t sum);

/* Writes the sum that was left to a link into the frame, and takes the flag away. false: what it
 * says lies outside of the frame, and nothing is changed. */
bool rung_fault_finish_sum(struct rung_frame *f);

/* Changes one bit of it. place: any number. */
void rung_fault_flip(struct rung_frame *f, uint64_t place);

#endif
