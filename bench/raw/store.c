/* SPDX-License-Identifier: ISC */
/* bench/raw/store.c - what kvlog writes and reads for what it is asked: bench-store RING-MIB VALUE
 * TOGETHER PERCENT fills a store on a disk in memory up to so many percent of its ring with values
 * of so many bytes, writes keys of chance anew, so many at once, until four times the ring has been
 * written, and opens it again. Time is virtual and chance is seeded: the figures are exact, and
 * the same on every machine. One line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvlog.h"
#include "kvlog_format.h"
#include "virtual/virtual.h"

enum { STORE_TOGETHER_MAX = 256, STORE_SECTOR = 512, STORE_KEY = 12 };

struct store_disk { /* counts */
    struct rung_block block;
    struct rung_platform *p;
    uint8_t *bytes;
    uint64_t read, written, syncs;
};

struct store_write {
    struct rung_kv_write req;
    struct rung_kv_change change;
    struct rung_vec vec;
    char key[STORE_KEY + 1];
};

struct store_bench {
    struct rung_platform *p;
    struct store_disk disk;
    struct rung_kvlog log;
    struct rung_kvlog_keys keys;
    struct rung_kvlog_needs needs;
    uint64_t random, in_flight;
    struct store_write writes[STORE_TOGETHER_MAX];
    uint8_t *value;
    size_t value_len;
};

static struct store_bench b; /* big */

static void disk_submit(struct rung_block *block, struct rung_block_req *req)
{
    struct store_disk *disk = rung_container_of(block, struct store_disk, block);
    uint64_t sectors;
    int err = rung_block_check(&block->info, req, &sectors);
    uint8_t *at = disk->bytes + req->sector * STORE_SECTOR;
    for (unsigned i = 0; !err && sectors && i < req->vec_count; i++) {
        struct rung_vec v = req->vec[i];
        if (req->kind == RUNG_BLOCK_READ)
            memcpy(v.base, at, v.len);
        else
            memcpy(at, v.base, v.len);
        *(req->kind == RUNG_BLOCK_READ ? &disk->read : &disk->written) += v.len;
        at += v.len;
    }
    disk->syncs += req->kind == RUNG_BLOCK_FLUSH
                   || (req->kind == RUNG_BLOCK_WRITE && (req->flags & RUNG_BLOCK_FUA));
    rung_op_finish(disk->p, &req->op, err);
}

static void disk_close(struct rung_block *block, struct rung_op *op)
{
    rung_op_finish(rung_container_of(block, struct store_disk, block)->p, op, RUNG_OK);
}

static const struct rung_block_ops disk_ops = RUNG_BLOCK_TABLE("counting", disk);

static void store_die(const char *what)
{
    fprintf(stderr, "bench-store: %s; the log: %s\n", what, rung_virtual_log(b.p));
    exit(1);
}

static void store_done(struct rung_op *op, int result)
{
    (void)op;
    if (result == RUNG_E_FULL) { /* with its index and what is kept free it is not to be had */
        puts("{\"full\": true}");
        exit(0);
    }
    if (result)
        store_die(rung_err_text(result));
    b.in_flight--;
}

static void store_wait(void)
{
    while (b.in_flight > 0)
        rung_virtual_step(b.p);
}

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t store_random(void)
{
    uint64_t z = b.random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void store_set(unsigned slot, uint64_t number)
{
    struct store_write *w = &b.writes[slot];
    snprintf(w->key, sizeof(w->key), "key-%08u", (unsigned)number);
    w->vec = (struct rung_vec){b.value, b.value_len};
    w->change = (struct rung_kv_change){.key = w->key, .key_len = STORE_KEY, .value = &w->vec,
                                        .value_count = 1};
    w->req = (struct rung_kv_write){.op = {.done = store_done}, .change = &w->change,
                                    .change_count = 1};
    b.in_flight++;
    rung_kv_write(&b.log.kv, &w->req);
}

static void store_open(bool create)
{
    b.keys = (struct rung_kvlog_keys){.slot = "bench", .create = create};
    b.needs.block = &b.disk.block;
    if (rung_kvlog_open(&b.log, b.p, &b.keys, &b.needs))
        store_die("it does not open");
}

static void store_close(void)
{
    struct rung_op op = {.done = store_done};
    b.in_flight++;
    rung_kv_close(&b.log.kv, &op);
    store_wait();
}

static void store_setup(uint64_t ring_bytes)
{
    uint64_t bytes = ring_bytes + KVLOG_RING_AT;
    b.p = rung_virtual_new(1);
    b.random = 1;
    b.value = malloc(b.value_len + 1);
    b.disk.bytes = calloc(1, bytes);
    if (!b.p || !b.value || !b.disk.bytes)
        exit(1);
    memset(b.value, 'v', b.value_len);
    b.disk.p = b.p;
    rung_block_init(&b.disk.block, &disk_ops);
    b.disk.block.info = (struct rung_block_info){
        .sectors = bytes / STORE_SECTOR, .sector_size = STORE_SECTOR, .best_depth = 8,
        .best_sectors = 256,
    };
    store_open(true);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 64;
    uint64_t ring = strtoull(argv[1], NULL, 10) << 20, percent = strtoull(argv[4], NULL, 10);
    unsigned together = (unsigned)atoi(argv[3]);
    b.value_len = strtoull(argv[2], NULL, 10);
    if (!ring || together < 1 || together > STORE_TOGETHER_MAX || percent > 100)
        return 64;
    store_setup(ring);
    uint64_t count = ring * percent / 100 / kvlog_record_bytes(STORE_KEY, (uint32_t)b.value_len);
    for (uint64_t n = 0; n < count; n += together, store_wait())
        for (unsigned k = 0; k < together && n + k < count; k++)
            store_set(k, n + k);
    uint64_t asked = 0, writes = 0, written = b.disk.written, syncs = b.disk.syncs;
    while (asked < 4 * ring) {
        for (unsigned k = 0; k < together; k++, writes++)
            store_set(k, store_random() % count);
        store_wait();
        asked += together * (STORE_KEY + b.value_len);
    }
    written = b.disk.written - written;
    syncs = b.disk.syncs - syncs;
    double memory = (double)b.log.index.memory / (double)count - STORE_KEY;
    store_close();
    b.disk.read = 0;
    store_open(false);
    printf("{\"keys\": %llu, \"asked\": %llu, \"written\": %llu, \"amplification\": %.3f, "
           "\"writes_per_sync\": %.2f, \"memory_per_key\": %.1f, \"read_at_open\": %llu, "
           "\"ring\": %llu}\n", (unsigned long long)count, (unsigned long long)asked,
           (unsigned long long)written, (double)written / (double)asked,
           (double)writes / (double)syncs, memory, (unsigned long long)b.disk.read,
           (unsigned long long)ring);
    store_close();
    free(b.disk.bytes);
    free(b.value);
    rung_virtual_free(b.p);
    return 0;
}
