/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_impl.h - what the files of blkfront share; nobody else includes it.
 *
 *     blkfront.c          the table: submit, the ends of requests, close
 *     blkfront_open.c     keys, the names of disks, memory
 *     blkfront_connect.c  what is agreed on with a back end, and what becomes of that
 *     blkfront_issue.c    from the queue to the ring
 *     blkfront_split.c    a caller's memory as pages to lend
 *     blkfront_answer.c   from the ring to the ends of requests
 *     blkfront_pool.c     pages of our own, and pages that are not let go of
 *     blkfront_ring.c     the shared pages
 *     blkfront_shared.c   reads of them */
#ifndef RUNG_BLKFRONT_IMPL_H
#define RUNG_BLKFRONT_IMPL_H

#include "blkfront.h"
#include "xen/bus/abi.h"
#include "xen/bus/xen.h"
#include "xen/hypercall.h"

#include <xen/io/blkif.h>

#define BLKFRONT_SECTOR 512u  /* the ring's unit */
#define BLKFRONT_PIECES 8u    /* pages for each request of the ring, on average */
#define BLKFRONT_KEEP 16u     /* free pages of our own kept for the next time, if not persistent */
#define BLKFRONT_RETRY_NS (10 * UINT64_C(1000000))

/* A place in a request's memory. */
struct blkfront_cursor {
    unsigned vec;
    size_t offset;
};

/* A request's state while it is ours, in req->module. */
struct blkfront_job {
    size_t offset;   /* with vec: where the next ring request begins, see blkfront_cursor */
    uint64_t issued; /* bytes before that */
    uint32_t vec;
    uint32_t held;   /* ring requests in flight, and pages not let go of */
    int16_t result;
    bool queued;
    bool flushing;   /* a FUA write whose bytes are written */
} __attribute__((may_alias));
_Static_assert(sizeof(struct blkfront_job) <= sizeof(((struct rung_block_req *)0)->module),
               "a request has room for it");

struct rung_blkfront_piece {
    struct rung_blkfront_piece *next;
    struct rung_block_req *req; /* of a stuck one */
    uint8_t *page;              /* of our own; NULL: the caller's */
    uint32_t ref;
    uint32_t len;
};

struct rung_blkfront_slot { /* its index and a serial number are the ring request's id */
    struct rung_block_req *req; /* NULL: free */
    struct rung_blkfront_slot *next_free;
    struct rung_blkfront_piece *pieces;   /* in order */
    struct rung_blkfront_piece *indirect; /* the page with the list of them, or NULL */
    struct blkfront_cursor from;
    uint64_t sector, sectors; /* of 512 */
    uint64_t writes_done;     /* when a flush set out */
    uint32_t serial;
    uint16_t count;           /* of pieces */
    uint8_t operation;        /* BLKIF_OP_*, INDIRECT by what it does */
};

static inline struct blkfront_job *blkfront_job(struct rung_block_req *req)
{
    return (struct blkfront_job *)(void *)req->module;
}

/* blkfront.c: puts req back into the queue, in front. */
void rung_blkfront_requeue(struct rung_blkfront *self, struct rung_block_req *req);
/* Ends req if nothing of it is queued or held any more. */
void rung_blkfront_settle(struct rung_blkfront *self, struct rung_block_req *req);
/* Ends all that is queued: DOWN. */
void rung_blkfront_down(struct rung_blkfront *self, enum rung_blkfront_state state);

/* blkfront_open.c */
void rung_blkfront_memory_free(struct rung_blkfront *self);

/* blkfront_connect.c */
extern const struct rung_xen_driver rung_blkfront_driver;
void rung_blkfront_keys_init(struct rung_blkfront *self);
void rung_blkfront_on_resumed(struct rung_xen_resumer *resumer);

/* blkfront_issue.c: moves what it can from the queue to the ring, and tells the other side. */
void rung_blkfront_issue(struct rung_blkfront *self);

/* blkfront_split.c: pages for the next ring request of req, at most max, into slot. False: there is
 * no room for even one now, and nothing has changed. */
bool rung_blkfront_split(struct rung_blkfront *self, struct rung_block_req *req,
                         struct rung_blkfront_slot *slot, unsigned max);
/* Copies len bytes between page and the request's memory at *at, which moves on; page NULL: moves
 * on only. */
void rung_blkfront_copy(const struct rung_block_req *req, struct blkfront_cursor *at,
                        uint8_t *page, size_t len, bool to_page);

/* blkfront_answer.c: the event's handler, and the end of a slot whose request goes on. */
void rung_blkfront_on_event(struct rung_xen_event *event);
void rung_blkfront_slot_free(struct rung_blkfront *self, struct rung_blkfront_slot *slot);

/* blkfront_pool.c: ends a grant; false: still mapped. After a resume there is nothing to end. */
bool rung_blkfront_grant_end(struct rung_blkfront *self, uint32_t ref);
/* A piece with a page of our own; NULL: not now. It holds old bytes; with a ref, it is still lent.
 * First it is filled or cleared, then lent: the other side may look at once. False: not now, and
 * the piece has been put back. */
struct rung_blkfront_piece *rung_blkfront_page_piece(struct rung_blkfront *self);
void rung_blkfront_page_clear(struct rung_blkfront_piece *piece, size_t from);
bool rung_blkfront_page_lend(struct rung_blkfront *self, struct rung_blkfront_piece *piece,
                             bool readonly);
/* A piece for a page of a caller's, lent; NULL: not now. */
struct rung_blkfront_piece *rung_blkfront_lent_piece(struct rung_blkfront *self, const void *page,
                                                     bool readonly);
/* Ends a piece of req. What is not let go of holds req, or goes to the orphans. */
void rung_blkfront_piece_end(struct rung_blkfront *self, struct rung_blkfront_piece *piece,
                             struct rung_block_req *req);
void rung_blkfront_unstick(struct rung_blkfront *self);
bool rung_blkfront_pool_fill(struct rung_blkfront *self);    /* the one page that must be there */
void rung_blkfront_pool_revoke(struct rung_blkfront *self);  /* the back end is gone */
void rung_blkfront_pool_empty(struct rung_blkfront *self);

/* blkfront_ring.c: rings of 2^order pages, or fewer if there is no memory. */
enum rung_err rung_blkfront_ring_make(struct rung_blkfront *self, unsigned order);
void rung_blkfront_ring_drop(struct rung_blkfront *self);
uint32_t rung_blkfront_ring_size(unsigned pages);
void rung_blkfront_ring_put(struct rung_blkfront_ring *ring, const void *request, size_t len);
bool rung_blkfront_ring_show(struct rung_blkfront_ring *ring); /* whether to notify */
/* 1: a response was copied out; 0: there is none; -1: the indexes cannot be. */
int rung_blkfront_ring_take(struct rung_blkfront_ring *ring, struct blkif_response *response);

/* blkfront_shared.c */
uint32_t rung_blkfront_read32(const uint32_t *field);
uint64_t rung_blkfront_read64(const uint64_t *field);

#endif
