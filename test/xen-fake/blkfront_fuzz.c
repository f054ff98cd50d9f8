/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_fuzz.c - blkfront against a back end and a toolstack that do anything, in
 * any order. The input is a list of steps, one every millisecond of virtual time, from before the
 * disk is opened: requests of the program's, honest and mutated answers, raw responses, indexes,
 * scribbling over the ring, states, keys, pages that are kept, unplugging, suspending, closing.
 * Whatever happens, every request ends once, with a result that BLOCK knows and its memory nobody
 * else's, and nothing is left over: fake_free() ends the program if a grant, page or port is. */
#include <stdlib.h>

#include "blkback.h"
#include "blkfront.h"
#include "fuzz_check.h"
#include "rung/log.h"
#include "virtual/virtual.h"

#include <xen/io/xenbus.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 24, MEMORY = 96 * 1024, MS = 1000000, PATIENCE_S = 40 };

struct fuzz_io {
    struct rung_block_req req;
    struct rung_vec vec[3];
    struct fuzz *z;
    uint8_t *memory; /* of its own block: the sanitizer sees who touches it when it is done */
    size_t len;
    bool flying;
};

struct fuzz {
    const uint8_t *data;
    size_t size;
    struct rung_platform *p;
    struct fake *fake;
    struct blkback *back;
    struct rung_blkfront disk;
    struct rung_blkfront_keys keys;
    struct fuzz_io io[REQUESTS];
    struct rung_timer step;
    unsigned flying;
    bool open, closing;
    bool want_suspend, want_reopen; /* for the main flow: not from a callback */
    uint8_t lie[4];                 /* how the next answer is changed */
};

static uint8_t take(struct fuzz *z)
{
    if (!z->size)
        return 0;
    z->size--;
    return *z->data++;
}

static uint64_t take_number(struct fuzz *z)
{
    static const uint64_t odd[] = {0, 1, 2, 7, 8, 11, 31, 32, 63, 64, 127, 128, 255, 511, 512, 513,
                                   4095, 4096, 65535, 1u << 31, UINT32_MAX, UINT64_MAX};
    uint8_t pick = take(z);
    if (pick < RUNG_ARRAY_LEN(odd))
        return odd[pick];
    return (uint64_t)pick << (take(z) % 64) | take(z);
}

static void on_done(struct rung_op *op, int result)
{
    struct fuzz_io *io =
        rung_container_of(rung_container_of(op, struct rung_block_req, op), struct fuzz_io, req);
    FUZZ_CHECK(io->flying);
    FUZZ_CHECK(result == RUNG_OK || result == RUNG_E_IO || result == RUNG_E_DOWN
               || result == RUNG_E_RANGE || result == RUNG_E_READONLY || result == RUNG_E_NOTSUP
               || result == RUNG_E_INVAL);
    if (io->memory)
        FUZZ_CHECK(!blkback_holds(io->z->back, io->memory, io->len));
    io->flying = false;
    io->z->flying--;
    free(io->memory);
    io->memory = NULL;
}

/* A length in three segments, at any multiple of 512 in a page. */
static void fuzz_memory(struct fuzz *z, struct fuzz_io *io, uint8_t shape)
{
    void *memory = NULL;
    size_t offset = (shape & 7) * 512u, first = (shape >> 3 & 3) * 512u * 3;
    io->len = take_number(z) % (MEMORY / 512) * 512;
    if (posix_memalign(&memory, 4096, offset + io->len + 4096) != 0)
        abort();
    memset(memory, 0x5a, offset + io->len + 4096);
    io->memory = memory;
    if (first > io->len)
        first = io->len;
    io->vec[0] = (struct rung_vec){io->memory + offset, first};
    io->vec[1] = (struct rung_vec){io->memory, 0};
    io->vec[2] = (struct rung_vec){io->memory + offset + first, io->len - first};
    io->len += offset;
}

static void fuzz_submit(struct fuzz *z)
{
    uint8_t what = take(z), shape = take(z);
    struct fuzz_io *io = z->io;
    while (io < z->io + REQUESTS && io->flying)
        io++;
    if (io == z->io + REQUESTS || !z->open || z->closing)
        return;
    memset(io, 0, sizeof(*io));
    io->z = z;
    io->flying = true;
    z->flying++;
    io->req = (struct rung_block_req){
        .op.done = on_done, .kind = what % 4, .flags = what & 16 ? RUNG_BLOCK_FUA : 0u,
        .sector = take_number(z), .count = shape, .vec = io->vec, .vec_count = 3,
    };
    if (!(what & 32))
        io->req.sector %= 256;
    if (io->req.kind < RUNG_BLOCK_FLUSH)
        fuzz_memory(z, io, shape);
    rung_block_submit(&z->disk.block, &io->req);
}

static struct fuzz *fuzz_current; /* blkback's hook has no argument of ours but this */

static void fuzz_spoil(struct blkback *back, struct blkif_response *response)
{
    struct fuzz *z = back->arg;
    switch (z->lie[0] % 8) {
    case 1: response->id ^= UINT64_C(1) << (z->lie[1] % 64); break;
    case 2: response->id = z->lie[1]; break;
    case 3: response->operation = z->lie[1]; break;
    case 4: response->status = (int16_t)(z->lie[1] << 8 | z->lie[2]); break;
    case 5: response->status = (int16_t)-(z->lie[1] % 4); break;
    case 6: blkback_say(back, response); break;
    default: break;
    }
    memset(z->lie, 0, sizeof(z->lie));
}

static void fuzz_answer(struct fuzz *z)
{
    struct blkback_request *request = z->back->first;
    for (unsigned skip = take(z) % 8; skip > 0 && request && request->next; skip--)
        request = request->next;
    for (size_t i = 0; i < sizeof(z->lie); i++)
        z->lie[i] = take(z);
    if (request)
        blkback_finish(z->back, request);
}

static void fuzz_say(struct fuzz *z)
{
    struct blkif_response response = {.id = take_number(z)};
    response.id |= (uint64_t)take(z) << 32;
    response.operation = take(z);
    response.status = (int16_t)take_number(z);
    blkback_say(z->back, &response);
}

static void fuzz_scribble(struct fuzz *z)
{
    uint64_t at = take_number(z);
    uint8_t byte = take(z);
    if (z->back->pages)
        z->back->page[at / RUNG_XEN_PAGE % z->back->pages][at % RUNG_XEN_PAGE] = byte;
}

static void fuzz_key(struct fuzz *z)
{
    static const char *const keys[] = {
        "sectors", "sector-size", "info", "mode", "feature-flush-cache", "feature-barrier",
        "feature-discard", "discard-granularity", "discard-alignment", "feature-persistent",
        "feature-max-indirect-segments", "max-ring-page-order", "max-ring-pages", "online",
        "frontend", "discard-enable",
    };
    uint8_t pick = take(z);
    const char *key = keys[pick % RUNG_ARRAY_LEN(keys)];
    const char *path = fake_back(z->fake, "vbd", "51712", key);
    switch (pick >> 6) {
    case 0: fake_store_write(z->fake, path, "%llu", (unsigned long long)take_number(z)); break;
    case 1: fake_store_write(z->fake, path, "%c%c", take(z), take(z)); break;
    case 2: fake_store_remove(z->fake, path); break;
    default:
        z->back->say_key = key; /* and when it connects */
        z->back->say_value = take(z) % 2 ? "8" : "99999999999999999999";
        break;
    }
}

static void fuzz_state(struct fuzz *z)
{
    uint8_t state = take(z);
    bool back = state < 128;
    const char *path = back ? fake_back(z->fake, "vbd", "51712", "state")
                            : fake_front(z->fake, "vbd", "51712", "state");
    if (state % 16 < 10)
        fake_store_write(z->fake, path, "%u", state % 16u);
    else if (state % 16 < 12 && z->back->device.started)
        fake_backend_state(&z->back->device, state % 16 == 10 ? XenbusStateClosing
                                                             : XenbusStateConnected);
    else if (state % 16 < 14)
        fake_store_remove(z->fake, path);
    else
        fake_store_write(z->fake, path, "%c", take(z));
}

static void fuzz_plug(struct fuzz *z)
{
    uint8_t how = take(z);
    switch (how % 5) {
    case 0:
        fake_device_remove(z->fake, "vbd", "51712");
        break;
    case 1:
        fake_backend_stop(&z->back->device);
        break;
    case 2:
        if (z->back->device.started)
            fake_backend_unplug(&z->back->device);
        break;
    case 3:
        fake_backend_stop(&z->back->device);
        blkback_restart(z->back, true);
        break;
    default:
        if (!z->back->device.started)
            blkback_restart(z->back, how & 64);
        break;
    }
}

static void fuzz_knob(struct fuzz *z)
{
    uint8_t how = take(z);
    switch (how % 6) {
    case 0: z->back->hold = !z->back->hold; break;
    case 1: z->back->keeps = !z->back->keeps; break;
    case 2: blkback_let_go(z->back); break;
    case 3: z->back->status[how >> 4 & 7] = (int16_t)-(take(z) % 4); break;
    case 4: z->back->limit = how & 64 ? take_number(z) : UINT64_MAX; break;
    default: blkback_claim(z->back, (uint32_t)take_number(z)); break;
    }
}

static void fuzz_step(struct rung_timer *timer)
{
    struct fuzz *z = rung_container_of(timer, struct fuzz, step);
    if (!z->size)
        return;
    uint8_t op = take(z);
    switch (op % 16) {
    case 0: case 1: case 2: case 3: fuzz_submit(z); break;
    case 4: case 5: fuzz_answer(z); break;
    case 6: fuzz_say(z); break;
    case 7: fuzz_scribble(z); break;
    case 8: fuzz_key(z); break;
    case 9: fuzz_state(z); break;
    case 10: fuzz_plug(z); break;
    case 11: fuzz_knob(z); break;
    case 12: z->want_suspend = true; break;
    case 13: z->want_reopen = true; break;
    case 14: fake_notify(z->fake, &z->back->port); break;
    default:
        rung_timer_start(z->p, &z->step, (op >> 4) * 700 * (uint64_t)MS);
        return;
    }
    /* Several steps at one time when the high bits say so. */
    rung_timer_start(z->p, &z->step, op & 0x80 ? 0 : MS);
}

static void fuzz_open(struct fuzz *z)
{
    struct rung_blkfront_needs needs = {0};
    z->open = !rung_blkfront_open(&z->disk, z->p, &z->keys, &needs);
}

static void on_closed(struct rung_op *op, int result)
{
    (void)op;
    FUZZ_CHECK(result == RUNG_OK);
    fuzz_current->open = false;
    fuzz_current->closing = false;
}

/* Back to honesty, or at least silence: then every request has to end. */
static void fuzz_finish(struct fuzz *z)
{
    static struct rung_op op;
    rung_timer_stop(z->p, &z->step);
    for (unsigned s = 0; s < PATIENCE_S && z->flying; s++) {
        z->back->keeps = false;
        if (s == 2)
            fake_backend_stop(&z->back->device);
        if (s == 3)
            fake_device_remove(z->fake, "vbd", "51712");
        blkback_let_go(z->back);
        rung_virtual_advance_ns(z->p, 1000 * (uint64_t)MS);
    }
    FUZZ_CHECK(!z->flying);
    if (!z->open)
        return;
    z->closing = true;
    op = (struct rung_op){.done = on_closed};
    rung_block_close(&z->disk.block, &op);
    for (unsigned s = 0; s < PATIENCE_S && z->closing; s++)
        rung_virtual_advance_ns(z->p, 1000 * (uint64_t)MS);
    FUZZ_CHECK(!z->closing);
}

static void fuzz_begin(struct fuzz *z)
{
    uint8_t a = take(z), b = take(z);
    struct blkback_config config = {
        .sectors = 256, .sector_size = a & 1 ? 4096 : 512, .read_only = (a & 6) == 6,
        .flush = a & 8, .barrier = a & 16, .discard = a & 32, .persistent = a & 64,
        .untrusted = a & 128, .ring_pages = b & 1, .max_segments = (b >> 1 & 3) * 32,
        .max_order = b >> 3 & 3, .granularity = b & 32 ? 4096 : 0,
    };
    struct fake_config guest = {.pages = 400, .grant_frames = b & 64 ? 1 : 4};
    z->p = rung_virtual_new(1);
    rung_log_set_level(z->p, RUNG_LOG_INFO);
    z->fake = fake_new(z->p, &guest);
    z->back = blkback_new(z->fake, "51712", &config);
    z->back->careless = true;
    z->back->arg = z;
    z->back->spoil = fuzz_spoil;
    z->keys = (struct rung_blkfront_keys){
        .slot = "block", .wait = 3000 * (uint64_t)MS, .ring_pages = b >> 6, .persistent = a & 64,
        .read_only = (a & 6) == 4,
    };
    z->step.fn = fuzz_step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *z = calloc(1, sizeof(*z));
    FUZZ_CHECK(z);
    *z = (struct fuzz){.data = data, .size = size};
    fuzz_current = z;
    fuzz_begin(z);
    if (take(z) & 1) /* hostile from the first moment, or from the second */
        rung_timer_start(z->p, &z->step, 0);
    fuzz_open(z);
    rung_timer_start(z->p, &z->step, 0);
    while (z->size) {
        rung_virtual_advance_ns(z->p, MS);
        if (z->want_suspend) {
            fake_suspend(z->fake);
            z->back->kept_count = 0; /* no mapping outlives it */
        }
        z->want_suspend = false;
        if (z->want_reopen) {
            fuzz_finish(z);
            if (!z->back->device.started)
                blkback_restart(z->back, true);
            fuzz_open(z);
        }
        z->want_reopen = false;
        if (!z->step.active)
            rung_timer_start(z->p, &z->step, 0);
    }
    fuzz_finish(z);
    fake_settle(z->fake);
    blkback_free(z->back);
    fake_free(z->fake);
    FUZZ_CHECK(rung_virtual_heap_blocks(z->p) == 0);
    rung_virtual_free(z->p);
    free(z);
    return 0;
}
