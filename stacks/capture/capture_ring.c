/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_ring.c - see capture_ring.h. */
#include "capture_ring.h"

enum { RING_LEAST = 8 }; /* of a block; an end of the memory that is shorter is passed over */

static uint32_t ring_get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void ring_put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void ring_put_void(uint8_t *at, uint32_t len)
{
    ring_put32(at, 0);
    ring_put32(at + 4, len);
}

/* The bytes from a place to the block behind it: that of the block, or of a short end. */
static uint32_t ring_step(const struct rung_capture_ring *ring, uint32_t at)
{
    uint32_t end = ring->size - at;
    return end < RING_LEAST ? end : ring_get32(ring->bytes + at + 4);
}

static bool ring_is_void(const struct rung_capture_ring *ring, uint32_t at)
{
    return ring->size - at < RING_LEAST || ring_get32(ring->bytes + at) == 0;
}

uint8_t *rung_capture_ring_add(struct rung_capture_ring *ring, uint32_t len)
{
    uint32_t end = ring->size - ring->head;
    uint32_t filler = end < len ? end : 0;
    assert(len >= RING_LEAST && len % 4 == 0);
    if (len > ring->size || ring->size - ring->used < filler + (uint64_t)len)
        return NULL;
    if (filler) {
        if (filler >= RING_LEAST)
            ring_put_void(ring->bytes + ring->head, filler);
        ring->head = 0;
        ring->used += filler;
    }
    uint8_t *block = ring->bytes + ring->head;
    ring_put_void(block, len); /* until the caller has filled it in */
    ring->head = (ring->head + len) % ring->size;
    ring->used += len;
    return block;
}

void rung_capture_ring_void(struct rung_capture_ring *ring, uint8_t *block)
{
    uint32_t len = ring_get32(block + 4);
    uint32_t at = (uint32_t)(block - ring->bytes);
    if ((at + len) % ring->size == ring->head) { /* the newest: its room is free again */
        ring->head = at;
        ring->used -= len;
    } else {
        ring_put_void(block, len);
    }
}

unsigned rung_capture_ring_take(struct rung_capture_ring *ring, struct rung_vec vec[], unsigned n)
{
    unsigned count = 0;
    uint32_t at = ring->tail;
    bool join = false; /* the block goes on where the last segment ends */
    assert(!ring->out);
    while (ring->out < ring->used) {
        uint32_t len = ring_step(ring, at);
        bool is_void = ring_is_void(ring, at);
        if (!is_void && !join) {
            if (count == n)
                break;
            vec[count++] = (struct rung_vec){.base = ring->bytes + at};
        }
        if (!is_void)
            vec[count - 1].len += len;
        ring->out += len;
        at = (at + len) % ring->size;
        join = !is_void && at != 0;
    }
    if (!count)
        rung_capture_ring_done(ring); /* voids alone: there is nothing to wait for */
    return count;
}

void rung_capture_ring_done(struct rung_capture_ring *ring)
{
    ring->tail = (ring->tail + ring->out) % ring->size;
    ring->used -= ring->out;
    ring->out = 0;
}
