/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_window.c - see tarkv_window.h. */
#include "tarkv_window.h"

#include "rung/heap.h"
#include "rung/log.h"
#include "tarkv_format.h"

enum {
    WINDOW_ROOM = 262144,  /* for a whole pax header wherever it begins, and few requests */
    WINDOW_HEADERS = 8192, /* where values are passed over */
};

struct window_wait {
    struct rung_block_req req;
    struct rung_platform *p;
    bool done;
    int result;
};

static void window_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct window_wait *wait = rung_container_of(req, struct window_wait, req);
    wait->done = true;
    wait->result = result;
    rung_loop_stop(wait->p, 1);
}

/* The request's memory must not go away before it is done, whoever stops the loop. */
static int window_read(struct rung_tarkv *self, uint64_t offset, uint8_t *bytes, size_t len)
{
    struct rung_vec vec = {bytes, len};
    struct window_wait wait = {
        .req = {.op = {.done = window_done}, .kind = RUNG_BLOCK_READ,
                .sector = offset / self->block->info.sector_size, .vec = &vec, .vec_count = 1},
        .p = self->p,
    };
    bool stopped = false;
    rung_block_submit(self->block, &wait.req);
    while (!wait.done)
        stopped |= rung_loop_run(self->p) != 1;
    if (wait.result < 0)
        return wait.result;
    return stopped ? RUNG_E_CANCELED : RUNG_OK;
}

enum rung_err rung_tarkv_window_open(struct rung_tarkv *self, struct rung_tarkv_window *window)
{
    const struct rung_block_info *info = &self->block->info;
    *window = (struct rung_tarkv_window){
        .self = self, .room = WINDOW_ROOM, .end = info->sectors * info->sector_size,
        .usual = self->versions ? WINDOW_ROOM : WINDOW_HEADERS,
    };
    window->bytes = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, window->room);
    if (!window->bytes)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "no memory to read the archive: give more");
    return window->bytes ? RUNG_OK : RUNG_E_NOMEM;
}

void rung_tarkv_window_close(struct rung_tarkv_window *window)
{
    rung_free(window->self->p, window->bytes);
}

static bool window_move(struct rung_tarkv_window *window, uint64_t at, size_t len)
{
    struct rung_tarkv *self = window->self;
    uint32_t sector = self->block->info.sector_size;
    if (window->err || at > window->end || len > window->end - at)
        return false;
    uint64_t from = at - at % sector, most = window->end - from;
    uint64_t want = (at - from + len + sector - 1) / sector * sector;
    want = want > window->usual ? want : window->usual;
    want = want < most ? want : most;
    assert(want <= window->room);
    window->from = from;
    window->to = from + want;
    window->err = window_read(self, from, window->bytes, (size_t)want);
    if (window->err == RUNG_E_CANCELED)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "stopped before the archive was read");
    else if (window->err)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "byte %llu of the disk cannot be read (%s): "
                 "mend it, or use another", (unsigned long long)from, rung_err_text(window->err));
    if (window->err)
        window->to = window->from;
    return !window->err;
}

const uint8_t *rung_tarkv_window_at(struct rung_tarkv_window *window, uint64_t at, size_t len)
{
    bool held = at >= window->from && at <= window->to && len <= window->to - at;
    if (!held && !window_move(window, at, len))
        return NULL;
    return window->bytes + (at - window->from);
}

size_t rung_tarkv_window_some(struct rung_tarkv_window *window, uint64_t at, const uint8_t **bytes)
{
    *bytes = rung_tarkv_window_at(window, at, 1);
    return *bytes ? (size_t)(window->to - at) : 0;
}
