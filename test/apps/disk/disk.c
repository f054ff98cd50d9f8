/* SPDX-License-Identifier: ISC */
/* test/apps/disk/disk.c - a disk full of a pattern that somebody else can make or check: the n-th
 * word of eight bytes, least significant first, is seed * 2^40 + n. Or a sector written, flushed
 * and read each second, with a line "beat 7: ok", for those who take the disk away meanwhile. */
#include <stdio.h>
#include <string.h>

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "rung/loop.h"

#include "disk_app.h"

enum { DISK_FILL, DISK_CHECK, DISK_BEAT }; /* the key's words */
enum { DISK_PIECE = 65536, DISK_DEPTH = 8 };

struct disk_slot {
    struct disk *disk;
    struct rung_block_req req;
    struct rung_vec vec;
    uint64_t at; /* bytes */
};

struct disk {
    struct rung_platform *p;
    struct rung_block *block;
    uint64_t size, next, seed, bad;
    unsigned does, flying;
    bool ending;
    int error;
    uint32_t beats;
    struct rung_timer timer;
    struct disk_slot slots[DISK_DEPTH];
    uint8_t *memory;
};

static void disk_say(struct disk *disk, const char *what, unsigned long long number, int err)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "%s %llu: %s\n", what, number,
                     err ? rung_err_text(err) : "ok");
    rung_console_write(disk->p, line, (size_t)n);
}

static void disk_pattern(const struct disk *disk, uint8_t *bytes, uint64_t at, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = (disk->seed << 40) + (at + i) / 8;
        for (unsigned b = 0; b < 8; b++)
            bytes[i + b] = (uint8_t)(word >> 8 * b);
    }
}

static void disk_check(struct disk *disk, const struct disk_slot *slot)
{
    uint8_t wanted[512];
    const uint8_t *found = slot->vec.base;
    for (size_t i = 0; i < slot->vec.len && disk->bad == UINT64_MAX; i += sizeof(wanted)) {
        disk_pattern(disk, wanted, slot->at + i, sizeof(wanted));
        if (memcmp(wanted, found + i, sizeof(wanted)) != 0)
            disk->bad = (slot->at + i) / sizeof(wanted);
    }
}

static void disk_go(struct disk_slot *slot)
{
    struct disk *disk = slot->disk;
    uint64_t left = disk->size - disk->next;
    slot->at = disk->next;
    slot->vec.len = left < DISK_PIECE ? (size_t)left : DISK_PIECE;
    disk->next += slot->vec.len;
    if (disk->does == DISK_FILL)
        disk_pattern(disk, slot->vec.base, slot->at, slot->vec.len);
    slot->req.kind = disk->does == DISK_FILL ? RUNG_BLOCK_WRITE : RUNG_BLOCK_READ;
    slot->req.sector = slot->at / disk->block->info.sector_size;
    slot->req.vec = &slot->vec;
    slot->req.vec_count = 1;
    disk->flying++;
    rung_block_submit(disk->block, &slot->req);
}

/* After the last one comes a flush, in the first slot. */
static void disk_on_done(struct rung_op *op, int result)
{
    struct disk_slot *slot = rung_container_of(rung_container_of(op, struct rung_block_req, op),
                                               struct disk_slot, req);
    struct disk *disk = slot->disk;
    disk->flying--;
    if (result && !disk->error)
        disk->error = result;
    if (!result && slot->req.kind == RUNG_BLOCK_READ)
        disk_check(disk, slot);
    if (!disk->error && disk->next < disk->size) {
        disk_go(slot);
    } else if (disk->flying == 0 && slot->req.kind == RUNG_BLOCK_WRITE && !disk->error) {
        slot->req.kind = RUNG_BLOCK_FLUSH;
        slot->req.vec_count = 0;
        disk->flying++;
        rung_block_submit(disk->block, &slot->req);
    } else if (disk->flying == 0) {
        rung_loop_stop(disk->p, 0);
    }
}

static int disk_all(struct disk *disk)
{
    for (unsigned i = 0; i < DISK_DEPTH && disk->next < disk->size; i++)
        disk_go(&disk->slots[i]);
    int status = rung_loop_run(disk->p);
    if (disk->flying) { /* asked to end: what is under way comes to its end */
        disk->next = disk->size;
        return rung_loop_run(disk->p) ? 1 : status;
    }
    if (disk->bad != UINT64_MAX)
        disk_say(disk, "wrong bytes in 512-byte sector", disk->bad, RUNG_E_CORRUPT);
    else
        disk_say(disk, disk->does == DISK_FILL ? "filled, bytes" : "checked, bytes", disk->size,
                 disk->error);
    return disk->error || disk->bad != UINT64_MAX;
}

/* A write that is durable, of the sector's first words. */
static void disk_on_beat(struct rung_timer *timer)
{
    struct disk *disk = rung_container_of(timer, struct disk, timer);
    struct disk_slot *slot = &disk->slots[0];
    slot->at = 0;
    slot->vec.len = disk->block->info.sector_size;
    memset(slot->vec.base, (int)++disk->beats, slot->vec.len);
    slot->req.kind = RUNG_BLOCK_WRITE;
    slot->req.flags = RUNG_BLOCK_FUA;
    slot->req.sector = 0;
    slot->req.vec = &slot->vec;
    slot->req.vec_count = 1;
    rung_block_submit(disk->block, &slot->req);
    disk->flying = 1;
}

static void disk_on_beaten(struct rung_op *op, int result)
{
    struct disk_slot *slot = rung_container_of(rung_container_of(op, struct rung_block_req, op),
                                               struct disk_slot, req);
    struct disk *disk = slot->disk;
    disk->flying = 0;
    disk_say(disk, "beat", disk->beats, result);
    if (disk->ending)
        rung_loop_stop(disk->p, 0);
    else
        rung_timer_start(disk->p, &disk->timer, RUNG_NS_PER_S);
}

static int disk_beat(struct disk *disk)
{
    disk->slots[0].req.op.done = disk_on_beaten;
    disk->timer.fn = disk_on_beat;
    rung_timer_start(disk->p, &disk->timer, 0);
    int status = rung_loop_run(disk->p);
    rung_timer_stop(disk->p, &disk->timer);
    disk->ending = true;
    if (disk->flying)
        rung_loop_run(disk->p);
    return status;
}

int disk_main(struct rung_platform *p, const struct disk_slots *slots)
{
    struct disk disk = {.p = p, .block = slots->disk, .bad = UINT64_MAX,
                        .seed = disk_key_seed(&slots->keys), .does = disk_key_does(&slots->keys)};
    disk.size = disk.block->info.sectors * disk.block->info.sector_size;
    disk.memory = rung_alloc_aligned(p, 4096, DISK_DEPTH * DISK_PIECE);
    if (!disk.memory)
        return 1;
    for (unsigned i = 0; i < DISK_DEPTH; i++)
        disk.slots[i] = (struct disk_slot){.disk = &disk, .req.op.done = disk_on_done,
                                           .vec.base = disk.memory + i * DISK_PIECE};
    int status = disk.does == DISK_BEAT ? disk_beat(&disk) : disk_all(&disk);
    rung_free(p, disk.memory);
    return status;
}
