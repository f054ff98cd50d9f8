/* SPDX-License-Identifier: ISC */
/* bench/apps/blockload/blockload.c - load for a disk, as `fio` makes it: requests of one size, at
 * places of chance or one after another, so many in flight, for so long. Prints one line of JSON.
 * It knows nothing but BLOCK, and so measures whatever is bound there, on any rung. */
#include "blockload_app.h"

#include <stdio.h>
#include <string.h>

#include "rung/clock.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

enum { WORK_RANDREAD, WORK_RANDWRITE, WORK_READ, WORK_WRITE }; /* the key's words */

struct blockload {
    struct rung_platform *p;
    struct rung_block *disk;
    unsigned work, depth, in_flight;
    uint64_t block, places, next, end_ns;
    uint64_t random;
    uint64_t done;
    int error;
    struct blockload_slot *slots;
    uint8_t *memory;
};

struct blockload_slot {
    struct rung_block_req req;
    struct rung_vec vec;
    struct blockload *load;
};

/* xorshift64* (Vigna 2016): places of chance need no more. */
static uint64_t blockload_random(struct blockload *load)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return load->random * UINT64_C(2685821657736338717);
}

static void blockload_submit(struct blockload_slot *slot)
{
    struct blockload *load = slot->load;
    bool random = load->work == WORK_RANDREAD || load->work == WORK_RANDWRITE;
    uint64_t place = random ? blockload_random(load) % load->places : load->next++ % load->places;
    slot->req.sector = place * (load->block / load->disk->info.sector_size);
    load->in_flight++;
    rung_block_submit(load->disk, &slot->req);
}

static void blockload_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct blockload_slot *slot = rung_container_of(req, struct blockload_slot, req);
    struct blockload *load = slot->load;
    load->in_flight--;
    load->done++;
    if (result)
        load->error = result;
    if (!load->error && rung_loop_now_ns(load->p) < load->end_ns)
        blockload_submit(slot);
    else if (load->in_flight == 0)
        rung_loop_stop(load->p, 0);
}

static int blockload_run(struct blockload *load)
{
    char line[160];
    bool writes = load->work == WORK_RANDWRITE || load->work == WORK_WRITE;
    uint64_t start = rung_clock_monotonic_ns(load->p);
    load->end_ns += start;
    for (unsigned k = 0; k < load->depth; k++) {
        struct blockload_slot *slot = &load->slots[k];
        slot->load = load;
        slot->vec = (struct rung_vec){load->memory + k * load->block, (size_t)load->block};
        slot->req = (struct rung_block_req){
            .op.done = blockload_done, .kind = writes ? RUNG_BLOCK_WRITE : RUNG_BLOCK_READ,
            .vec = &slot->vec, .vec_count = 1};
        blockload_submit(slot);
    }
    do { /* a signal stops the loop before all is back */
        rung_loop_run(load->p);
        load->end_ns = load->in_flight > 0 ? 0 : load->end_ns;
    } while (load->in_flight > 0);
    uint64_t passed = rung_clock_monotonic_ns(load->p) - start;
    if (load->error) {
        rung_log(load->p, RUNG_LOG_ERROR, "blockload", "%s", rung_err_text(load->error));
        return 1;
    }
    int n = snprintf(line, sizeof(line), "{\"requests\": %llu, \"ns\": %llu}\n",
                     (unsigned long long)load->done, (unsigned long long)passed);
    rung_console_write(load->p, line, (size_t)n);
    return 0;
}

int blockload_main(struct rung_platform *p, const struct blockload_slots *slots)
{
    const struct blockload_keys *keys = &slots->keys;
    struct blockload load = {
        .p = p, .disk = slots->disk, .work = blockload_key_work(keys),
        .depth = blockload_key_depth(keys), .block = blockload_key_block(keys),
        .end_ns = blockload_key_time(keys),
    };
    uint32_t sector = load.disk->info.sector_size;
    if (!load.depth || !load.block || load.block % sector
        || load.block / sector > load.disk->info.sectors) {
        rung_log(p, RUNG_LOG_ERROR, "blockload", "depth is 1 at least, block a multiple of %u "
                 "and no more than the disk", sector);
        return 64;
    }
    load.places = load.disk->info.sectors / (load.block / sector);
    rung_entropy_fill(p, &load.random, sizeof(load.random));
    load.random |= 1;
    load.slots = rung_zalloc(p, load.depth, sizeof(*load.slots));
    load.memory = rung_alloc_aligned(p, 4096, load.depth * (size_t)load.block);
    int status = 1;
    if (load.slots && load.memory) {
        memset(load.memory, 0x5a, load.depth * (size_t)load.block);
        status = blockload_run(&load);
    } else {
        rung_log(p, RUNG_LOG_ERROR, "blockload", "no memory for %u requests", load.depth);
    }
    rung_free(p, load.memory);
    rung_free(p, load.slots);
    return status;
}
