/* SPDX-License-Identifier: ISC */
/* backends/xen/block/blkfront_connect.c - what is agreed on with a back end, and what becomes of
 * it. A back end says how it takes requests before we publish the ring, and what disk there is
 * after. When it goes, what was in flight is queued again, whole: doing a part twice changes
 * nothing. Whether the next back end has the same disk, only its size can tell. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "blkfront_impl.h"
#include "rung/log.h"

#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>

/* The last one is in our own folder. */
static const char *const connect_keys[] = {
    "sectors", "sector-size", "info", "mode", "feature-flush-cache", "feature-barrier",
    "feature-discard", "discard-granularity", "discard-alignment", "discard-enable",
    "feature-persistent", "feature-max-indirect-segments", "max-ring-page-order",
    "max-ring-pages", "trusted",
};
enum { CONNECT_KEYS = RUNG_ARRAY_LEN(connect_keys) };
_Static_assert(CONNECT_KEYS == RUNG_BLKFRONT_KEYS, "keys have room");

static struct rung_blkfront *connect_of(struct rung_xen_device *device)
{
    return rung_container_of(device, struct rung_blkfront, device);
}

void rung_blkfront_keys_init(struct rung_blkfront *self)
{
    for (unsigned i = 0; i < CONNECT_KEYS; i++)
        self->keys[i].name = connect_keys[i];
    self->keys[CONNECT_KEYS - 1].ours = true;
    self->device.keys = self->keys;
    self->device.key_count = CONNECT_KEYS;
}

static uint64_t connect_number(const struct rung_blkfront *self, const char *name, uint64_t absent)
{
    return rung_xen_device_number(&self->device, name, absent);
}

static bool connect_has(const struct rung_blkfront *self, const char *name)
{
    return connect_number(self, name, 0) != 0;
}

/* What the key asks for, as far as the back end takes it, in either of two spellings. */
static unsigned connect_order(const struct rung_blkfront *self)
{
    uint64_t most = connect_number(self, "max-ring-page-order", 0);
    uint64_t pages = connect_number(self, "max-ring-pages", 1);
    unsigned order = 0;
    while (order < self->ring_order && (order < most || pages >= UINT64_C(2) << order))
        order++;
    return order;
}

static void __attribute__((format(printf, 3, 4)))
connect_pair(struct rung_xen_pair *pair, const char *name, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    snprintf(pair->name, sizeof(pair->name), "%s", name);
    vsnprintf(pair->value, sizeof(pair->value), format, list);
    va_end(list);
}

/* Everything is said, also what would go without saying: who had the disk before (a boot loader, we
 * ourselves with other settings) may have left other words under these names. */
static unsigned connect_publish(const struct rung_blkfront *self, struct rung_xen_pair *pairs)
{
    const struct rung_blkfront_ring *ring = &self->ring;
    unsigned n = 0;
    if (ring->pages == 1) /* for back ends that know no other ring */
        connect_pair(&pairs[n++], "ring-ref", "%u", (unsigned)ring->ref[0]);
    connect_pair(&pairs[n++], "ring-page-order", "%d", __builtin_ctz(ring->pages));
    connect_pair(&pairs[n++], "num-ring-pages", "%u", ring->pages);
    for (unsigned i = 0; i < ring->pages; i++) {
        char name[16];
        snprintf(name, sizeof(name), "ring-ref%u", i);
        connect_pair(&pairs[n++], name, "%u", (unsigned)ring->ref[i]);
    }
    connect_pair(&pairs[n++], "multi-queue-num-queues", "1");
    connect_pair(&pairs[n++], "event-channel", "%u", (unsigned)self->event.port);
    connect_pair(&pairs[n++], "protocol", "%s", XEN_IO_PROTO_ABI_NATIVE);
    connect_pair(&pairs[n++], "feature-persistent", "%d", self->want_persistent);
    return n;
}

static int blkfront_connect(struct rung_xen_device *device, struct rung_xen_pair *pairs,
                            unsigned room)
{
    struct rung_blkfront *self = connect_of(device);
    assert(room >= RUNG_BLKFRONT_RING_PAGES + 7);
    (void)room;
    self->handle = (uint16_t)rung_xen_decimal(device->id);
    enum rung_err err = rung_blkfront_ring_make(self, connect_order(self));
    if (err)
        rung_log(self->p, RUNG_LOG_ERROR, device->who, "no page, or no grant, for a ring: give the "
                 "guest more memory, or fewer devices");
    else if ((err = rung_xen_event_open(self->x, &self->event, device->remote)))
        rung_log(self->p, RUNG_LOG_ERROR, device->who, "no event channel: %s", rung_err_text(err));
    else
        return (int)connect_publish(self, pairs);
    rung_blkfront_ring_drop(self);
    self->refused = err;
    return err;
}

/* The disk as the back end describes it; sectors of 512 in xenstore whatever the disk's own. */
static enum rung_err connect_info(struct rung_blkfront *self, struct rung_block_info *info)
{
    uint64_t sectors = connect_number(self, "sectors", UINT64_MAX);
    uint64_t size = connect_number(self, "sector-size", BLKFRONT_SECTOR);
    bool readonly = (connect_number(self, "info", 0) & VDISK_READONLY)
                    || rung_xen_device_text(&self->device, "mode")[0] == 'r';
    if (size != 512 && size != 4096) {
        rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
                 "the disk has sectors of %llu bytes: give the guest one with 512 or 4096",
                 (unsigned long long)size);
        return RUNG_E_NOTSUP;
    }
    if (sectors > UINT64_MAX / 1024 / BLKFRONT_SECTOR) {
        rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
                 "the back end gives no size for the disk, or one that cannot be ('%s')",
                 rung_xen_device_text(&self->device, "sectors"));
        return RUNG_E_CORRUPT;
    }
    info->sector_size = (uint32_t)size;
    info->sectors = sectors / (size / BLKFRONT_SECTOR);
    info->caps = 0;
    if (self->want_read_only || readonly)
        info->caps |= RUNG_BLOCK_IS_READONLY;
    if (self->can_flush || self->can_barrier)
        info->caps |= RUNG_BLOCK_IS_DURABLE;
    if (self->can_discard)
        info->caps |= RUNG_BLOCK_CAN_DISCARD;
    info->best_depth = self->ring.size;
    info->best_sectors = self->segments * (uint32_t)(RUNG_XEN_PAGE / size);
    return RUNG_OK;
}

static void connect_features(struct rung_blkfront *self)
{
    uint64_t most = connect_number(self, "feature-max-indirect-segments", 0);
    uint64_t granule = connect_number(self, "discard-granularity", BLKFRONT_SECTOR);
    uint64_t offset = connect_number(self, "discard-alignment", 0);
    self->can_flush = connect_has(self, "feature-flush-cache");
    self->can_barrier = connect_has(self, "feature-barrier");
    self->flush_op = self->can_flush ? BLKIF_OP_FLUSH_DISKCACHE : BLKIF_OP_WRITE_BARRIER;
    self->discard_granule = granule / BLKFRONT_SECTOR;
    self->discard_offset = offset / BLKFRONT_SECTOR;
    self->can_discard = connect_has(self, "feature-discard")
                        && connect_number(self, "discard-enable", 1) != 0
                        && granule % BLKFRONT_SECTOR == 0 && granule > 0 && granule <= UINT32_MAX
                        && offset % BLKFRONT_SECTOR == 0;
    self->persistent = self->want_persistent && connect_has(self, "feature-persistent");
    self->copies = self->persistent || connect_number(self, "trusted", 1) == 0;
    self->segments = BLKIF_MAX_SEGMENTS_PER_REQUEST;
    if (most > self->segments)
        self->segments = most < RUNG_BLKFRONT_SEGMENTS ? (uint16_t)most : RUNG_BLKFRONT_SEGMENTS;
    self->told_stuck = false;
}

/* Whether the disk that came back is the one that went away, as far as our callers can tell. */
static enum rung_err connect_compare(struct rung_blkfront *self, const struct rung_block_info *new)
{
    const struct rung_block_info *old = &self->block.info;
    const char *what = NULL;
    if (new->sectors != old->sectors || new->sector_size != old->sector_size)
        what = "with another size";
    else if ((new->caps & RUNG_BLOCK_IS_READONLY) && !(old->caps & RUNG_BLOCK_IS_READONLY))
        what = "read-only";
    else if (!(new->caps & RUNG_BLOCK_IS_DURABLE) && (old->caps & RUNG_BLOCK_IS_DURABLE))
        what = "without flush";
    if (!what)
        return RUNG_OK;
    rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
             "the disk came back %s (%llu sectors of %u bytes, not %llu of %u): attach the one "
             "that it was, or start the guest again", what, (unsigned long long)new->sectors,
             (unsigned)new->sector_size, (unsigned long long)old->sectors,
             (unsigned)old->sector_size);
    return RUNG_E_CHANGED;
}

static enum rung_err blkfront_connected(struct rung_xen_device *device)
{
    struct rung_blkfront *self = connect_of(device);
    struct rung_block_info info;
    connect_features(self);
    enum rung_err err = connect_info(self, &info);
    if (!err && self->known)
        err = connect_compare(self, &info);
    if (err) {
        self->refused = err;
        return err;
    }
    if (!self->known)
        self->block.info = info;
    else if (self->went)
        rung_log(self->p, RUNG_LOG_INFO, device->who, "the disk's back end is back");
    self->known = true;
    self->went = false;
    self->state = RUNG_BLKFRONT_UP;
    rung_timer_stop(self->p, &self->giveup);
    rung_loop_defer(self->p, &self->go);
    return RUNG_OK;
}

/* A back end that dies without closing takes with it what it had not made durable. */
static void connect_lost_writes(struct rung_blkfront *self)
{
    bool orderly = self->device.back_state == XenbusStateClosing
                   || self->device.back_state == XenbusStateClosed || self->resumed
                   || self->closing;
    if (orderly || self->flush_failed || self->writes_flushed == self->writes_done)
        return;
    self->flush_failed = true;
    rung_log(self->p, RUNG_LOG_ERROR, self->device.who,
             "the back end vanished with %llu writes that were not flushed: they may be lost, and "
             "every flush says so from now on",
             (unsigned long long)(self->writes_done - self->writes_flushed));
}

static void connect_away(struct rung_blkfront *self)
{
    connect_lost_writes(self);
    self->state = RUNG_BLKFRONT_AWAY;
    rung_timer_start(self->p, &self->giveup, self->wait_ns);
    if (self->resumed || self->closing)
        return;
    self->went = true;
    rung_log(self->p, RUNG_LOG_WARN, self->device.who,
             "the disk's back end has gone: requests wait for it, %llu ms at most",
             (unsigned long long)(self->wait_ns / 1000000));
}

static void connect_again(struct rung_blkfront *self, struct rung_blkfront_slot *slot)
{
    struct rung_block_req *req = slot->req;
    struct blkfront_job *job = blkfront_job(req);
    rung_blkfront_slot_free(self, slot);
    job->vec = 0;
    job->offset = 0;
    job->issued = 0;
    job->flushing = false;
    if (!job->queued)
        rung_blkfront_requeue(self, req);
}

/* Lets go of all that a back end knew of. Doing it twice does nothing more. */
static void connect_undo(struct rung_blkfront *self, bool resumed)
{
    bool dead = self->state == RUNG_BLKFRONT_DEAD;
    self->resumed = resumed;
    if (self->state == RUNG_BLKFRONT_UP)
        connect_away(self);
    self->persistent = false;
    if (resumed)
        rung_xen_event_forget(self->x, &self->event);
    else
        rung_xen_event_close(self->x, &self->event);
    for (unsigned i = 0; i < self->slot_count; i++) {
        if (self->slots[i].req)
            connect_again(self, &self->slots[i]);
    }
    rung_blkfront_ring_drop(self);
    rung_blkfront_pool_revoke(self);
    if (resumed)
        rung_blkfront_unstick(self);
    self->resumed = false;
    if (dead)
        rung_blkfront_down(self, RUNG_BLKFRONT_DEAD);
}

static void blkfront_disconnected(struct rung_xen_device *device, bool resumed)
{
    connect_undo(connect_of(device), resumed);
}

/* Whether or not the device was connected: pages that a back end had kept are free as well. */
void rung_blkfront_on_resumed(struct rung_xen_resumer *resumer)
{
    connect_undo(rung_container_of(resumer, struct rung_blkfront, resumer), true);
}

static void blkfront_changed(struct rung_xen_device *device)
{
    if (device->state == RUNG_XEN_BROKEN)
        rung_blkfront_down(connect_of(device), RUNG_BLKFRONT_DEAD);
}

static void blkfront_refreshed(struct rung_xen_device *device)
{
    struct rung_blkfront *self = connect_of(device);
    struct rung_block_info info = self->block.info;
    uint64_t sectors = connect_number(self, "sectors", 0) / (info.sector_size / BLKFRONT_SECTOR);
    if (sectors != info.sectors)
        rung_log(self->p, RUNG_LOG_WARN, device->who,
                 "the disk has %llu sectors now, not %llu: start the program anew to use them",
                 (unsigned long long)sectors, (unsigned long long)info.sectors);
}

const struct rung_xen_driver rung_blkfront_driver = {
    .kind = "vbd", .answers_late = true, .connect = blkfront_connect,
    .connected = blkfront_connected, .disconnected = blkfront_disconnected,
    .changed = blkfront_changed, .refreshed = blkfront_refreshed,
};
