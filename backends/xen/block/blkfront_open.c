/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_open.c - keys, the names of disks, memory. */
#include <stdio.h>

#include "blkfront_impl.h"
#include "rung/heap.h"
#include "rung/log.h"

/* Which disk a key means: a number of xenstore, or the index-th of all. */
struct open_which {
    char id[16]; /* "": by index */
    unsigned index;
};

static bool open_number(const char *text, uint32_t *number)
{
    uint64_t n = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || n > UINT32_MAX / 10)
            return false;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    *number = (uint32_t)n;
    return *text != '\0' && n <= UINT32_MAX;
}

/* Names as the toolstack numbers them (docs/man/xen-vbd-interface.7): xvda 202:0, sda 8:0, hda 3:0,
 * with a partition's number behind; from xvdq or partition 16 on in the extended scheme. */
static bool open_name(const char *name, uint32_t *number)
{
    uint32_t disk = 0, part = 0;
    char kind = name[0];
    const char *c = name + (kind == 'x' ? 1 : 0);
    if (c[0] == '\0' || c[1] != 'd' || (kind == 'x' && c[0] != 'v')
        || (kind != 'x' && kind != 's' && kind != 'h'))
        return false;
    for (c += 2; *c >= 'a' && *c <= 'z' && disk < 1000; c++)
        disk = disk * 26 + (uint32_t)(*c - 'a') + 1;
    if (!disk-- || (*c && !open_number(c, &part)))
        return false;
    if (kind == 'x' && disk < 16 && part < 16)
        *number = 202u << 8 | disk << 4 | part;
    else if (kind == 'x' && disk < 1u << 20 && part < 256)
        *number = 1u << 28 | disk << 8 | part;
    else if (kind == 's' && disk < 16 && part < 16)
        *number = 8u << 8 | disk << 4 | part;
    else if (kind == 'h' && disk < 4 && part < 64)
        *number = (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | part;
    else
        return false;
    return true;
}

/* Numbers below any that the toolstack gives (hda is 768) are places in a row. */
static enum rung_err open_which(struct open_which *which, const char *name)
{
    uint32_t number = 0;
    *which = (struct open_which){.index = 0};
    if (name && !open_number(name, &number) && !open_name(name, &number))
        return RUNG_E_RANGE;
    if (number < 256)
        which->index = number;
    else
        snprintf(which->id, sizeof(which->id), "%u", (unsigned)number);
    return RUNG_OK;
}

void rung_blkfront_memory_free(struct rung_blkfront *self)
{
    rung_xen_resumer_remove(self->x, &self->resumer);
    rung_timer_stop(self->p, &self->retry);
    rung_timer_stop(self->p, &self->giveup);
    rung_loop_undefer(self->p, &self->go);
    rung_blkfront_pool_empty(self);
    rung_free(self->p, self->slots);
    rung_free(self->p, self->pieces);
}

/* As many slots as the ring can have, were it as long as the key says. */
static bool open_memory(struct rung_blkfront *self)
{
    self->slot_count = rung_blkfront_ring_size(1u << self->ring_order);
    self->piece_count = self->slot_count * BLKFRONT_PIECES;
    self->slots = rung_zalloc(self->p, self->slot_count, sizeof(*self->slots));
    self->pieces = rung_zalloc(self->p, self->piece_count, sizeof(*self->pieces));
    if (!self->slots || !self->pieces || !rung_blkfront_pool_fill(self))
        return false;
    for (unsigned i = self->slot_count; i-- > 0;) {
        self->slots[i].next_free = self->free_slots;
        self->free_slots = &self->slots[i];
    }
    for (unsigned i = self->piece_count; i-- > 0;) {
        self->pieces[i].next = self->free_pieces;
        self->free_pieces = &self->pieces[i];
    }
    return true;
}

static void open_on_go(struct rung_task *task)
{
    rung_blkfront_issue(rung_container_of(task, struct rung_blkfront, go));
}

static void open_on_retry(struct rung_timer *timer)
{
    struct rung_blkfront *self = rung_container_of(timer, struct rung_blkfront, retry);
    rung_blkfront_unstick(self);
    rung_blkfront_issue(self);
    if (self->stuck)
        rung_timer_start(self->p, &self->retry, BLKFRONT_RETRY_NS);
}

static void open_on_giveup(struct rung_timer *timer)
{
    struct rung_blkfront *self = rung_container_of(timer, struct rung_blkfront, giveup);
    rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
             "the disk's back end has not come back for %llu ms: requests fail until it does",
             (unsigned long long)(self->wait_ns / 1000000));
    rung_blkfront_down(self, RUNG_BLKFRONT_GONE);
}

static void open_init(struct rung_blkfront *self, struct rung_platform *p,
                      const struct rung_blkfront_keys *keys)
{
    *self = (struct rung_blkfront){
        .p = p, .x = rung_xen_of(p), .device.who = keys->slot,
        .device.driver = &rung_blkfront_driver, .event.fn = rung_blkfront_on_event,
        .go.fn = open_on_go, .retry.fn = open_on_retry, .giveup.fn = open_on_giveup,
        .resumer.resumed = rung_blkfront_on_resumed,
        .wait_ns = rung_blkfront_key_wait(keys),
        .ring_order = (uint8_t)rung_blkfront_key_ring_pages(keys),
        .want_read_only = rung_blkfront_key_read_only(keys),
        .want_persistent = rung_blkfront_key_persistent(keys),
    };
    self->waiting_end = &self->waiting;
    rung_block_init(&self->block, &rung_blkfront_block_ops);
    rung_blkfront_keys_init(self);
}

static void open_say(const struct rung_blkfront *self)
{
    const struct rung_block_info *info = &self->block.info;
    rung_log(self->p, RUNG_LOG_INFO, self->device.who,
             "disk %s: %llu MiB in sectors of %u bytes%s%s%s; %u requests of %u KiB in flight%s",
             self->device.id, (unsigned long long)(info->sectors * info->sector_size >> 20),
             (unsigned)info->sector_size,
             info->caps & RUNG_BLOCK_IS_READONLY ? ", read-only" : "",
             info->caps & RUNG_BLOCK_IS_DURABLE ? "" : ", without flush",
             info->caps & RUNG_BLOCK_CAN_DISCARD ? ", discard" : "", (unsigned)self->ring.size,
             self->segments * RUNG_XEN_PAGE / 1024, self->persistent ? ", copied"
             : self->copies ? ", copied for want of trust" : "");
}

enum rung_err rung_blkfront_open(struct rung_blkfront *self, struct rung_platform *p,
                                 const struct rung_blkfront_keys *keys,
                                 const struct rung_blkfront_needs *needs)
{
    const char *name = rung_blkfront_key_device(keys);
    struct open_which which;
    (void)needs;
    if (open_which(&which, name)) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "'%s' is no disk: set %s.device to its name in the guest's configuration (xvda), "
                 "or leave it out", name, keys->slot);
        return RUNG_E_RANGE;
    }
    open_init(self, p, keys);
    self->device.called = name;
    rung_xen_resumer_add(self->x, &self->resumer);
    enum rung_err err = RUNG_E_NOMEM;
    if (open_memory(self))
        err = rung_xen_device_open(&self->device, p, which.id[0] ? which.id : NULL, which.index,
                                   self->wait_ns);
    else
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "no memory for %u requests: give more, or set %s.ring-pages to less",
                 self->slot_count, keys->slot);
    if (err) {
        rung_blkfront_memory_free(self);
        return self->refused ? self->refused : err;
    }
    open_say(self);
    return RUNG_OK;
}
