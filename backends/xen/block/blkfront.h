/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront.h - BLOCK on a disk that Xen gives the guest (vbd).
 * Model    Requests wait in a queue and go, cut to what the back end takes, into a ring that both
 *          sides share (xen/io/blkif.h); many are in flight. The bytes are copied through pages
 *          of ours that stay lent, if the back end keeps them mapped (blkfront_split.c says why);
 *          else a caller's pages are lent for each request, as far as they are wholly its own. What
 *          shares a page with other memory is copied in any case: the other side never sees or
 *          spoils a byte that is not its business. A back end that goes away is
 *          waited for: requests in flight go to it again when it is back (a write done twice is
 *          done once), or end in DOWN when the wait is over. One that comes back with another disk
 *          is DOWN until the module is opened anew, and so is one that lies.
 * Units    Sectors of 512 bytes on the ring, whatever the disk's own (as all back ends have it).
 * Owner    The state is the opener's; memory, grants and port are given back by close. A page of a
 *          request that the back end has answered and still has mapped keeps the request from
 *          being done until it lets go: the memory would not be the caller's again.
 * Context  The loop; open runs it until the disk is there.
 * Errors   open: INVAL, NOTFOUND, TIMEDOUT, NOMEM, NOTSUP, CORRUPT, CANCELED, DOWN. Requests: as
 *          block.h says; the protocol knows no FULL. */
#ifndef RUNG_BLKFRONT_H
#define RUNG_BLKFRONT_H

#include "blkfront_module.h"
#include "rung/block.h"
#include "xen/bus/device.h"
#include "xen/bus/event.h"

#define RUNG_BLKFRONT_RING_PAGES 16u /* at most; 512 requests */
#define RUNG_BLKFRONT_SEGMENTS 64u   /* pages in one ring request at most */
#define RUNG_BLKFRONT_KEYS 15u       /* what it reads of xenstore */
#define RUNG_BLKFRONT_POOL 256u      /* pages of our own in use at once, 1 MiB */

enum rung_blkfront_state {
    RUNG_BLKFRONT_AWAY, /* no back end: requests wait for it */
    RUNG_BLKFRONT_UP,
    RUNG_BLKFRONT_GONE, /* waited in vain: requests are DOWN until it is back */
    RUNG_BLKFRONT_DEAD, /* for good */
};

struct rung_blkfront_slot;  /* a request on the ring; see blkfront_impl.h */
struct rung_blkfront_piece; /* a page of one */

struct rung_blkfront_ring { /* pages by themselves: the other side may keep one for longer */
    uint8_t *page[RUNG_BLKFRONT_RING_PAGES];
    uint32_t ref[RUNG_BLKFRONT_RING_PAGES];
    unsigned pages; /* 0: there is none */
    uint32_t size;  /* requests that it holds, a power of two */
    uint32_t next;  /* index of the next request that we put in */
    uint32_t shown; /* up to which the other side has been told */
    uint32_t seen;  /* index of the next response */
};

struct rung_blkfront_page {
    uint8_t *page;
    uint32_t ref; /* of a page that stays lent (persistent), or RUNG_XEN_NO_GRANT */
};

struct rung_blkfront_pool { /* pages of our own, the last one given back on top */
    struct rung_blkfront_page *free; /* room for RUNG_BLKFRONT_POOL */
    unsigned count;                  /* of those */
    unsigned total;                  /* and of those in use */
};

struct rung_blkfront {
    struct rung_block block;
    struct rung_platform *p;
    struct rung_xen *x;
    struct rung_xen_device device;
    struct rung_xen_key keys[RUNG_BLKFRONT_KEYS];
    struct rung_xen_event event;
    struct rung_blkfront_ring ring;
    struct rung_blkfront_pool pool;
    struct rung_blkfront_slot *slots; /* slot_count of them, and those that are free */
    struct rung_blkfront_slot *free_slots;
    struct rung_blkfront_piece *pieces; /* piece_count of them, and those that are free */
    struct rung_blkfront_piece *free_pieces;
    struct rung_blkfront_piece *stuck; /* the caller's pages that the other side still maps */
    unsigned slot_count, piece_count;
    unsigned flying, flying_writes; /* slots in use */
    unsigned peak;                  /* the most that were in flight at once; tests look at it */
    uint32_t serial;                /* of the next ring request, for its id */
    struct rung_block_req *waiting; /* not yet wholly on the ring, in order */
    struct rung_block_req **waiting_end;
    struct rung_task go;
    struct rung_timer retry;  /* no page, no grant, or a page not let go of: try again */
    struct rung_timer giveup; /* the end of the wait for a back end */
    struct rung_xen_resumer resumer;
    struct rung_op *closing;
    struct rung_op close_op;
    uint64_t wait_ns;
    uint64_t writes_done, writes_flushed; /* done() said well, and how many of them are durable */
    uint64_t discard_granule, discard_offset; /* sectors of 512 */
    enum rung_blkfront_state state;
    uint16_t handle;        /* the disk's number, which every ring request carries */
    uint16_t segments;      /* a ring request's at most, as agreed */
    uint8_t flush_op;       /* BLKIF_OP_FLUSH_DISKCACHE or _WRITE_BARRIER */
    uint8_t ring_order;     /* the key's */
    bool want_read_only, want_persistent;
    bool known;             /* info has been filled in: a later back end must be the same */
    bool can_flush, can_barrier, can_discard; /* now */
    bool persistent;        /* pages of our own stay lent */
    bool copies;            /* nothing but pages of our own is lent */
    bool went;              /* it was said that the back end has gone */
    bool flush_failed;      /* for good */
    bool told_stuck;        /* one line is enough */
    bool resumed;           /* just now: what was granted before is to be forgotten, not ended */
    enum rung_err refused;  /* why a back end was refused; for open */
};

enum rung_err rung_blkfront_open(struct rung_blkfront *self, struct rung_platform *p,
                                 const struct rung_blkfront_keys *keys,
                                 const struct rung_blkfront_needs *needs);

#endif
