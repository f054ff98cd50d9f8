/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_io.c - requests to the disk; see kvlog_io.h. */
#include "kvlog_io.h"

#include "rung/heap.h"

enum { IO_WINDOW = 1 << 19 };

static void io_part_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct rung_kvlog_span *span = rung_container_of(req, struct rung_kvlog_part, req)->span;
    if (result < 0 && (!span->err || span->err == RUNG_E_FULL))
        span->err = result;
    if (--span->left == 0)
        span->done(span);
}

void rung_kvlog_span_start(struct rung_kvlog *self, struct rung_kvlog_span *span,
                           enum rung_block_kind kind, unsigned flags, uint64_t pos, void *bytes,
                           size_t len)
{
    uint64_t at = pos % self->log.ring;
    size_t first = len < self->log.ring - at ? len : (size_t)(self->log.ring - at);
    span->err = 0;
    span->left = first < len ? 2 : 1;
    for (unsigned i = 0, n = span->left; i < n; i++) {
        struct rung_kvlog_part *part = &span->part[i];
        part->span = span;
        part->vec = (struct rung_vec){(uint8_t *)bytes + (i ? first : 0), i ? len - first : first};
        part->req = (struct rung_block_req){
            .op = {.done = io_part_done}, .kind = kind, .flags = flags,
            .sector = (KVLOG_RING_AT + (i ? 0 : at)) / self->block->info.sector_size,
            .vec = &part->vec, .vec_count = 1,
        };
    }
    for (unsigned i = 0, n = span->left; i < n; i++)
        rung_block_submit(self->block, &span->part[i].req);
}

struct io_wait {
    struct rung_block_req req;
    struct rung_platform *p;
    bool done;
    int result;
};

static void io_wait_done(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct io_wait *wait = rung_container_of(req, struct io_wait, req);
    wait->done = true;
    wait->result = result;
    rung_loop_stop(wait->p, 1);
}

/* The request's memory must not go away before it is done, whoever stops the loop. */
int rung_kvlog_now(struct rung_kvlog *self, enum rung_block_kind kind, unsigned flags,
                   uint64_t offset, void *bytes, size_t len)
{
    struct rung_vec vec = {bytes, len};
    struct io_wait wait = {
        .req = {.op = {.done = io_wait_done}, .kind = kind, .flags = flags,
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

enum rung_err rung_kvlog_window_open(struct rung_kvlog *self, struct rung_kvlog_window *window)
{
    size_t room = self->log.ring < IO_WINDOW ? (size_t)self->log.ring : (size_t)IO_WINDOW;
    *window = (struct rung_kvlog_window){.self = self, .room = room};
    window->bytes = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, room);
    return window->bytes ? RUNG_OK : RUNG_E_NOMEM;
}

void rung_kvlog_window_close(struct rung_kvlog_window *window)
{
    rung_free(window->self->p, window->bytes);
}

static void window_move(struct rung_kvlog_window *window, uint64_t pos)
{
    struct rung_kvlog *self = window->self;
    uint64_t from = rung_kvlog_down(self, pos), at = from % self->log.ring;
    size_t first = window->room < self->log.ring - at ? window->room
                                                      : (size_t)(self->log.ring - at);
    window->from = window->to = from;
    window->err = rung_kvlog_now(self, RUNG_BLOCK_READ, 0, KVLOG_RING_AT + at, window->bytes,
                                 first);
    if (!window->err && first < window->room)
        window->err = rung_kvlog_now(self, RUNG_BLOCK_READ, 0, KVLOG_RING_AT,
                                     window->bytes + first, window->room - first);
    if (!window->err)
        window->to = from + window->room;
}

const uint8_t *rung_kvlog_window_at(struct rung_kvlog_window *window, uint64_t pos, size_t len)
{
    assert(len + window->self->log.unit <= window->room);
    if ((pos < window->from || pos + len > window->to) && !window->err)
        window_move(window, pos);
    return pos >= window->from && pos + len <= window->to ? window->bytes + (pos - window->from)
                                                          : NULL;
}

bool rung_kvlog_window_group(struct rung_kvlog_window *window, struct kvlog_group *group)
{
    struct rung_kvlog *self = window->self;
    const uint8_t *head = rung_kvlog_window_at(window, group->pos, KVLOG_GROUP_BYTES);
    return head && rung_kvlog_get_group(head, self->log.salt, group)
           && rung_kvlog_up(self, group->pos + group->len) - group->tail <= self->log.ring;
}

bool rung_kvlog_window_record(struct rung_kvlog_window *window, uint64_t pos, uint64_t end,
                              struct kvlog_record *r)
{
    size_t most = KVLOG_RECORD_BYTES + RUNG_KV_KEY_MAX;
    size_t len = end - pos < most ? (size_t)(end - pos) : most;
    const uint8_t *at = rung_kvlog_window_at(window, pos, len);
    return at && rung_kvlog_get_record(at, len, window->self->log.salt, pos, r)
           && kvlog_whole(r) <= end - pos;
}

/* Chunk by chunk: it may be longer than the window. */
bool rung_kvlog_window_value(struct rung_kvlog_window *window, uint64_t at,
                             const struct kvlog_record *r)
{
    uint32_t size = kvlog_has_stream(r->type) ? r->size : 0;
    uint64_t salt = window->self->log.salt, version = r->version;
    for (uint32_t done = 0, index = 0; done < size; index++) {
        uint32_t n = size - done < KVLOG_CHUNK ? size - done : (uint32_t)KVLOG_CHUNK;
        const uint8_t *chunk = rung_kvlog_window_at(window, at, n + KVLOG_SUM_BYTES);
        if (!chunk || !rung_kvlog_chunk_good(salt, version, index, chunk, n))
            return false;
        at += n + KVLOG_SUM_BYTES;
        done += n;
    }
    return true;
}

enum rung_kvlog_verdict rung_kvlog_survey(struct rung_kvlog_window *window,
                                          struct rung_kvlog_survey *survey)
{
    struct kvlog_group *group = &survey->group;
    enum rung_kvlog_verdict verdict = KVLOG_GOOD;
    survey->bad = group->pos;
    if (!rung_kvlog_window_group(window, group))
        return window->err ? KVLOG_NOT_READ : KVLOG_NO_GROUP;
    uint64_t at = group->pos + KVLOG_GROUP_BYTES, end = group->pos + group->len;
    if (end > window->to && group->len <= window->room)
        window_move(window, group->pos); /* what is looked through more than once is read once */
    for (uint32_t n = 0; n < group->count; n++) {
        struct kvlog_record r = {0};
        bool good = rung_kvlog_window_record(window, at, end, &r) && r.epoch == group->epoch;
        enum rung_kvlog_verdict worse = r.type == KVLOG_PAGE ? KVLOG_BAD_PAGE : KVLOG_BAD_VALUE;
        if (good && !rung_kvlog_window_value(window, at + KVLOG_RECORD_BYTES + r.key_len, &r)
            && verdict < worse) {
            verdict = worse;
            survey->bad = at;
        }
        if (!good) {
            survey->bad = at;
            verdict = KVLOG_BAD_RECORD;
            at = end;
            break;
        }
        at += kvlog_whole(&r);
    }
    if (at != end) {
        survey->bad = at;
        verdict = KVLOG_BAD_RECORD;
    }
    return window->err ? KVLOG_NOT_READ : verdict;
}

uint64_t rung_kvlog_next_group(struct rung_kvlog_window *window, uint64_t from, uint64_t to,
                               uint32_t epoch)
{
    struct rung_kvlog *self = window->self;
    for (uint64_t pos = from; pos < to; pos += self->log.unit) {
        struct kvlog_group group = {.pos = pos};
        const uint8_t *at = rung_kvlog_window_at(window, pos, KVLOG_GROUP_BYTES);
        if (at && rung_kvlog_get_group(at, self->log.salt, &group) && group.epoch >= epoch)
            return pos;
    }
    return to;
}

bool rung_kvlog_lapped(struct rung_kvlog_window *window, uint64_t from, uint64_t to,
                       struct kvlog_group *newest)
{
    struct rung_kvlog *self = window->self;
    uint64_t ring = self->log.ring, most = UINT64_C(1) << 62;
    bool found = false;
    for (uint64_t pos = from; pos < to; pos += self->log.unit) {
        const uint8_t *at = rung_kvlog_window_at(window, pos, KVLOG_GROUP_BYTES);
        if (!at)
            return false;
        struct kvlog_group group = {.pos = rung_kvlog_group_place(at)};
        if (group.pos <= pos || group.pos >= most || (group.pos - pos) % ring != 0
            || (found && group.pos < newest->pos)
            || !rung_kvlog_get_group(at, self->log.salt, &group)
            || rung_kvlog_up(self, group.pos + group.len) - group.tail > ring)
            continue;
        *newest = group;
        found = true;
    }
    return found;
}
