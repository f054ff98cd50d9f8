/* SPDX-License-Identifier: ISC */
/* stacks/block-ram/block_ram.c - BLOCK in memory; see block_ram.h. */
#include "block_ram.h"

#include <string.h>

#include "rung/heap.h"
#include "rung/log.h"

enum {
    RAM_TURN = 64,        /* requests for one turn of the loop: others get their turn as well */
    RAM_BEST_BYTES = 65536,
};

static struct rung_block_ram *ram_of(struct rung_block *block)
{
    return rung_container_of(block, struct rung_block_ram, block);
}

/* xorshift32 (Marsaglia 2003): never 0 when it was not 0. */
static uint32_t ram_chance(struct rung_block_ram *ram)
{
    uint32_t x = ram->chance;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return ram->chance = x;
}

static void ram_discard(struct rung_block_ram *ram, uint8_t *at, size_t len)
{
    if (!ram->chance)
        memset(at, 0, len);
    else
        memset(at, (int)(ram_chance(ram) & 0xff), len);
}

static int ram_perform(struct rung_block_ram *ram, const struct rung_block_req *req)
{
    uint64_t sectors;
    int err = rung_block_check(&ram->block.info, req, &sectors);
    if (err || !sectors)
        return err;
    uint8_t *at = ram->bytes + req->sector * ram->block.info.sector_size;
    if (req->kind == RUNG_BLOCK_DISCARD) {
        ram_discard(ram, at, (size_t)(sectors * ram->block.info.sector_size));
        return RUNG_OK;
    }
    for (unsigned i = 0; i < req->vec_count; i++) {
        const struct rung_vec *v = &req->vec[i];
        if (!v->len)
            continue;
        if (req->kind == RUNG_BLOCK_READ)
            memcpy(v->base, at, v->len);
        else
            memcpy(at, v->base, v->len);
        at += v->len;
    }
    return RUNG_OK;
}

/* The oldest request, or with shuffling any one. */
static struct rung_block_req *ram_take(struct rung_block_ram *ram)
{
    unsigned skip = ram->chance ? ram_chance(ram) % ram->waiting_count : 0;
    struct rung_block_req **link = &ram->waiting;
    while (skip--)
        link = &(*link)->next;
    struct rung_block_req *req = *link;
    *link = req->next;
    if (!*link)
        ram->waiting_end = link;
    ram->waiting_count--;
    return req;
}

static void ram_work(struct rung_task *task)
{
    struct rung_block_ram *ram = rung_container_of(task, struct rung_block_ram, work);
    unsigned turn = ram->chance ? 1 + ram_chance(ram) % 4 : RAM_TURN;
    while (ram->waiting && turn--) {
        struct rung_block_req *req = ram_take(ram);
        rung_op_finish(ram->p, &req->op, ram_perform(ram, req));
    }
    if (ram->waiting)
        rung_loop_defer(ram->p, &ram->work);
}

static void ram_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct rung_block_ram *ram = ram_of(block);
    assert(req->op.done && req->kind <= RUNG_BLOCK_DISCARD);
    req->op.cancel = NULL;
    req->next = NULL;
    *ram->waiting_end = req;
    ram->waiting_end = &req->next;
    ram->waiting_count++;
    rung_loop_defer(ram->p, &ram->work);
}

static void ram_close(struct rung_block *block, struct rung_op *op)
{
    struct rung_block_ram *ram = ram_of(block);
    assert(!ram->waiting);
    rung_loop_undefer(ram->p, &ram->work);
    rung_free(ram->p, ram->bytes);
    ram->bytes = NULL;
    rung_op_finish(ram->p, op, RUNG_OK);
}

const struct rung_block_ops rung_block_ram_block_ops = RUNG_BLOCK_TABLE("block-ram", ram);

enum rung_err rung_block_ram_open(struct rung_block_ram *self, struct rung_platform *p,
                                  const struct rung_block_ram_keys *keys,
                                  const struct rung_block_ram_needs *needs)
{
    (void)needs;
    uint64_t size = rung_block_ram_key_size(keys);
    uint32_t sector_size = rung_block_ram_key_sector_size(keys) ? 4096 : 512;
    if (!size || size % sector_size) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "a disk of %llu bytes is no whole number of sectors: set %s.size to a multiple of "
                 "%u", (unsigned long long)size, keys->slot, sector_size);
        return RUNG_E_INVAL;
    }
    uint8_t *bytes = size > SIZE_MAX ? NULL : rung_zalloc(p, (size_t)size, 1);
    if (!bytes) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "no memory for a disk of %llu bytes: set %s.size to less, or give more memory",
                 (unsigned long long)size, keys->slot);
        return RUNG_E_NOMEM;
    }
    *self = (struct rung_block_ram){
        .p = p, .bytes = bytes, .chance = rung_block_ram_key_shuffle(keys),
        .work = {.fn = ram_work},
    };
    self->waiting_end = &self->waiting;
    rung_block_init(&self->block, &rung_block_ram_block_ops);
    self->block.info = (struct rung_block_info){
        .sectors = size / sector_size, .sector_size = sector_size,
        .caps = RUNG_BLOCK_CAN_DISCARD, .best_depth = RAM_TURN,
        .best_sectors = RAM_BEST_BYTES / sector_size,
    };
    return RUNG_OK;
}
