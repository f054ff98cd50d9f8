/* SPDX-License-Identifier: ISC */
/* test/support/test_disk.c - see test_disk.h. */
#include "test_disk.h"

#include <string.h>

static int disk_move(const struct rung_block_req *req, uint8_t *at)
{
    for (unsigned i = 0; i < req->vec_count; i++) {
        const struct rung_vec *v = &req->vec[i];
        if (v->len == 0)
            continue; /* base may be NULL */
        if (req->kind == RUNG_BLOCK_READ)
            memcpy(v->base, at, v->len);
        else
            memcpy(at, v->base, v->len);
        at += v->len;
    }
    return RUNG_OK;
}

static int disk_write_err(struct test_disk *disk)
{
    if (disk->writes_left == 0)
        return disk->write_err ? disk->write_err : RUNG_E_IO;
    if (disk->writes_left > 0)
        disk->writes_left--;
    return disk->writes_left < 0 ? disk->write_err : RUNG_OK;
}

/* What a write that failed leaves: some sectors from the first on, by chance all of them. */
static void disk_move_some(const struct test_disk *disk, const struct rung_block_req *req,
                           uint8_t *at, uint64_t sectors)
{
    uint64_t left = disk->chance % (sectors + 1) * disk->block.info.sector_size;
    for (unsigned i = 0; i < req->vec_count && left > 0; i++) {
        const struct rung_vec *v = &req->vec[i];
        size_t n = v->len < left ? v->len : (size_t)left;
        if (n == 0)
            continue;
        memcpy(at, v->base, n);
        at += n;
        left -= n;
    }
}

static int disk_perform(struct test_disk *disk, const struct rung_block_req *req)
{
    uint64_t sectors, sector_size = disk->block.info.sector_size;
    int err = rung_block_check(&disk->block.info, req, &sectors);
    if (err)
        return err;
    uint64_t from = req->sector * sector_size, to = from + sectors * sector_size;
    switch (req->kind) {
    case RUNG_BLOCK_READ:
        disk->reads++;
        disk->read_bytes += to - from;
        err = disk->read_err;
        if (!err && from < disk->bad_to && to > disk->bad_from)
            err = RUNG_E_IO;
        break;
    case RUNG_BLOCK_WRITE:
        disk->writes++;
        err = from < disk->room_from ? RUNG_OK : disk_write_err(disk);
        break;
    case RUNG_BLOCK_FLUSH:
        disk->flushes++;
        return disk->flush_err;
    case RUNG_BLOCK_DISCARD:
        return RUNG_OK;
    }
    if (err && req->kind == RUNG_BLOCK_WRITE && disk->chance) {
        disk_move_some(disk, req, disk->bytes + from, sectors);
        return err;
    }
    return err ? err : disk_move(req, disk->bytes + from);
}

static struct rung_block_req *disk_take(struct test_disk *disk)
{
    uint32_t x = disk->chance;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    disk->chance = x;
    struct rung_block_req **link = &disk->waiting;
    for (unsigned skip = x ? x % disk->waiting_count : 0; skip > 0; skip--)
        link = &(*link)->next;
    struct rung_block_req *req = *link;
    *link = req->next;
    if (!*link)
        disk->waiting_end = link;
    disk->waiting_count--;
    return req;
}

static void disk_work(struct rung_task *task)
{
    struct test_disk *disk = rung_container_of(task, struct test_disk, work);
    for (unsigned n = disk->chance ? 1 + disk->chance % 3 : 64; n > 0 && disk->waiting; n--) {
        struct rung_block_req *req = disk_take(disk);
        rung_op_finish(disk->p, &req->op, disk_perform(disk, req));
    }
    if (disk->waiting)
        rung_loop_defer(disk->p, &disk->work);
}

static void disk_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct test_disk *disk = rung_container_of(block, struct test_disk, block);
    req->op.cancel = NULL;
    req->next = NULL;
    *disk->waiting_end = req;
    disk->waiting_end = &req->next;
    disk->waiting_count++;
    rung_loop_defer(disk->p, &disk->work);
}

static void disk_close(struct rung_block *block, struct rung_op *op)
{
    struct test_disk *disk = rung_container_of(block, struct test_disk, block);
    assert(!disk->waiting);
    rung_op_finish(disk->p, op, RUNG_OK);
}

static const struct rung_block_ops disk_ops = RUNG_BLOCK_TABLE("test-disk", disk);

void test_disk_init(struct test_disk *disk, struct rung_platform *p, uint8_t *bytes, uint64_t size,
                    uint32_t sector_size, uint32_t caps)
{
    *disk = (struct test_disk){
        .p = p, .bytes = bytes, .writes_left = -1, .work = {.fn = disk_work},
    };
    disk->waiting_end = &disk->waiting;
    rung_block_init(&disk->block, &disk_ops);
    disk->block.info = (struct rung_block_info){
        .sectors = size / sector_size, .sector_size = sector_size, .caps = caps,
        .best_depth = 8, .best_sectors = 128,
    };
}
