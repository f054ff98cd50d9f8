/* SPDX-License-Identifier: ISC */
/* interfaces/rung/block.h - BLOCK: a disk of numbered sectors.
 * Model    Many requests in flight, done in any order. A read that overlaps a write in flight may
 *          see any mixture of old and new sectors; a single sector is never torn by the module, but
 *          may be by a power cut. A write whose done() has run may be lost by a power cut until a
 *          FLUSH submitted after that is done, or at once if it carried RUNG_BLOCK_FUA.
 * Units    Sectors of info.sector_size bytes (512 or 4096) for place and size; bytes in vec.
 * Owner    The request, its vec and the memory behind it are the caller's, and left alone from
 *          submit() to op.done(). A module queues whatever it cannot start: there is no "full", and
 *          callers bound what they have in flight.
 * Context  The loop. done() runs exactly once, never inside submit().
 * Errors   In done(): 0 or a negative enum rung_err as listed at the kinds, after which the content
 *          of a read's memory, or of a write's sectors, is undefined. Misuse asserts. */
#ifndef RUNG_BLOCK_H
#define RUNG_BLOCK_H

#include "rung/base.h"
#include "rung/loop.h"

/* Memory for vec starts at a multiple of this on every ground, and no module asks for more. */
#define RUNG_BLOCK_ALIGN 512u

enum rung_block_kind {
    /* Whole sectors into or out of vec, in order; any number, any count of segments, each a
     * multiple of RUNG_BLOCK_ALIGN long and so aligned. Together a multiple of the sector size,
     * else INVAL.
     * RANGE: past the end, nothing was done. IO: the medium failed. DOWN: the disk is gone. */
    RUNG_BLOCK_READ,
    RUNG_BLOCK_WRITE, /* READONLY as well; FULL: a thin disk has no room left */
    /* Makes every write durable whose done() ran before this submit. IO: none of them may be taken
     * for durable any more, and later flushes say the same until it is opened anew. DOWN. vec
     * is not looked at. */
    RUNG_BLOCK_FLUSH,
    /* The count sectors are not needed: what they read as from here on is undefined until written.
     * NOTSUP without RUNG_BLOCK_CAN_DISCARD; RANGE, READONLY, IO, DOWN. vec is not looked at. */
    RUNG_BLOCK_DISCARD,
};

enum rung_block_flag { RUNG_BLOCK_FUA = 1u << 0 /* a WRITE is durable when it is done */ };

enum rung_block_cap {
    RUNG_BLOCK_IS_READONLY = 1u << 0,
    RUNG_BLOCK_CAN_DISCARD = 1u << 1,
    RUNG_BLOCK_IS_DURABLE = 1u << 2, /* FLUSH and FUA reach a medium; not set for memory */
};

struct rung_block_req { /* the caller's; set up all but the last two */
    struct rung_op op;
    enum rung_block_kind kind;
    unsigned flags;             /* enum rung_block_flag, for WRITE */
    uint64_t sector;            /* the first */
    uint64_t count;             /* sectors, for DISCARD; READ and WRITE count the bytes of vec */
    const struct rung_vec *vec; /* READ fills it */
    unsigned vec_count;
    struct rung_block_req *next; /* the module's while in flight */
    uintptr_t module[4];         /* the module's while in flight */
};

struct rung_block_info {
    uint64_t sectors;
    uint32_t sector_size;  /* 512 or 4096 */
    uint32_t caps;         /* enum rung_block_cap */
    uint32_t best_depth;   /* requests in flight beyond which nothing gets faster; a hint */
    uint32_t best_sectors; /* length of one request beyond which nothing gets faster; a hint */
};

struct rung_block;
struct rung_block_ops {
    const char *name; /* the module's; for logs */
    void (*submit)(struct rung_block *block, struct rung_block_req *req);
    /* The caller has nothing in flight. Does not flush. op->done: 0, or IO if letting go failed. */
    void (*close)(struct rung_block *block, struct rung_op *op);
};

struct rung_block { /* a member of each module's own state */
    const struct rung_block_ops *ops;
    struct rung_block_info info; /* fixed while it is open */
};

/* See RUNG_NET_TABLE: <prefix>_submit and <prefix>_close. */
#define RUNG_BLOCK_TABLE(module_name, prefix) \
    { .name = (module_name), .submit = prefix##_submit, .close = prefix##_close }

#ifdef RUNG_BLOCK_ONLY /* set by the resolver when a program binds one BLOCK module: direct calls */
extern const struct rung_block_ops RUNG_BLOCK_ONLY;
#define RUNG_BLOCK_OPS(block) ((void)(block), &RUNG_BLOCK_ONLY)
#define RUNG_BLOCK_KEEP(table) \
    (assert((table) == &RUNG_BLOCK_ONLY), (const struct rung_block_ops *)0)
#else
#define RUNG_BLOCK_OPS(block) ((block)->ops)
#define RUNG_BLOCK_KEEP(table) (table)
#endif

static inline void rung_block_init(struct rung_block *block, const struct rung_block_ops *table)
{
    (void)table;
    *block = (struct rung_block){.ops = RUNG_BLOCK_KEEP(table)};
}

static inline void rung_block_submit(struct rung_block *block, struct rung_block_req *req)
{
    RUNG_BLOCK_OPS(block)->submit(block, req);
}

static inline void rung_block_close(struct rung_block *block, struct rung_op *op)
{
    RUNG_BLOCK_OPS(block)->close(block, op);
}

/* For modules: the checks that every ground owes its callers. 0, and *sectors is how many the
 * request covers (0 for FLUSH), or the error to finish it with. */
static inline int rung_block_check(const struct rung_block_info *info,
                                   const struct rung_block_req *req, uint64_t *sectors)
{
    uint64_t bytes = 0;
    *sectors = 0;
    if (req->kind == RUNG_BLOCK_FLUSH)
        return RUNG_OK;
    if (req->kind != RUNG_BLOCK_READ && (info->caps & RUNG_BLOCK_IS_READONLY))
        return RUNG_E_READONLY;
    if (req->kind == RUNG_BLOCK_DISCARD) {
        if (!(info->caps & RUNG_BLOCK_CAN_DISCARD))
            return RUNG_E_NOTSUP;
        *sectors = req->count;
    } else {
        for (unsigned i = 0; i < req->vec_count; i++) {
            const struct rung_vec *v = &req->vec[i];
            if (v->len % RUNG_BLOCK_ALIGN || (uintptr_t)v->base % RUNG_BLOCK_ALIGN)
                return RUNG_E_INVAL;
            bytes += v->len;
        }
        if (bytes % info->sector_size)
            return RUNG_E_INVAL;
        *sectors = bytes / info->sector_size;
    }
    if (req->sector > info->sectors || *sectors > info->sectors - req->sector)
        return RUNG_E_RANGE;
    return RUNG_OK;
}

#endif
