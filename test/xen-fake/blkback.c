/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkback.c - the life of the disks' back end: what it says in xenstore, the ring,
 * and when it answers. */
#include "blkback.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool blkback_wrong(const struct blkback *back, const char *format, ...)
{
    va_list list;
    if (back->careless)
        return true;
    fprintf(stderr, "blkback: %s: ", back->id);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    abort();
}

static struct blkback *back_of(struct fake_backend *device)
{
    return rung_container_of(device, struct blkback, device);
}

static const char *back_path(const struct blkback *back, const char *key)
{
    return fake_back(back->fake, "vbd", back->id, key);
}

static uint64_t back_front(const struct blkback *back, const char *key, uint64_t absent)
{
    return fake_store_number(back->fake, fake_front(back->fake, "vbd", back->id, key), absent);
}

/* What is said before the front end publishes. */
static void back_say_transport(struct blkback *back)
{
    const struct blkback_config *c = &back->config;
    fake_store_write(back->fake, back_path(back, "mode"), "%s", c->read_only ? "r" : "w");
    if (c->max_segments)
        fake_store_write(back->fake, back_path(back, "feature-max-indirect-segments"), "%u",
                         c->max_segments);
    if (c->max_order && c->ring_pages)
        fake_store_write(back->fake, back_path(back, "max-ring-pages"), "%u", 1u << c->max_order);
    else if (c->max_order)
        fake_store_write(back->fake, back_path(back, "max-ring-page-order"), "%u", c->max_order);
    if (c->untrusted)
        fake_store_write(back->fake, fake_front(back->fake, "vbd", back->id, "trusted"), "0");
}

/* And what after that. */
static void back_say_disk(struct blkback *back)
{
    const struct blkback_config *c = &back->config;
    struct fake *fake = back->fake;
    fake_store_write(fake, back_path(back, "sectors"), "%llu", (unsigned long long)c->sectors);
    fake_store_write(fake, back_path(back, "info"), "%d", c->read_only_info ? VDISK_READONLY : 0);
    fake_store_write(fake, back_path(back, "feature-flush-cache"), "%d", c->flush);
    fake_store_write(fake, back_path(back, "feature-barrier"), "%d", c->barrier);
    fake_store_write(fake, back_path(back, "feature-persistent"), "%d", c->persistent);
    if (c->sector_size)
        fake_store_write(fake, back_path(back, "sector-size"), "%u", c->sector_size);
    if (c->discard)
        fake_store_write(fake, back_path(back, "feature-discard"), "1");
    if (c->granularity)
        fake_store_write(fake, back_path(back, "discard-granularity"), "%u", c->granularity);
    if (c->alignment)
        fake_store_write(fake, back_path(back, "discard-alignment"), "%u", c->alignment);
    if (back->say_key)
        fake_store_write(fake, back_path(back, back->say_key), "%s", back->say_value);
}

static void back_unmap_ring(struct blkback *back)
{
    while (back->pages)
        fake_unmap(back->fake, back->ref[--back->pages]);
    back->ring = NULL;
}

static bool back_map_ring(struct blkback *back)
{
    /* Linux goes by whether the key is there at all; older ones do not know it. */
    bool ordered = back->config.max_order > 0
                   && fake_store_read(back->fake, fake_front(back->fake, "vbd", back->id,
                                                             "ring-page-order"));
    uint64_t pages = back_front(back, "num-ring-pages", 1);
    uint64_t order = back_front(back, "ring-page-order", 0);
    if (back_front(back, "multi-queue-num-queues", 1) != 1
        && blkback_wrong(back, "several queues"))
        return false;
    if (order > 4 || pages != UINT64_C(1) << order || order > back->config.max_order)
        if (blkback_wrong(back, "a ring of %llu pages, order %llu", (unsigned long long)pages,
                          (unsigned long long)order))
            return false;
    for (back->pages = 0; back->pages < pages; back->pages++) {
        char key[16];
        snprintf(key, sizeof(key), ordered ? "ring-ref%u" : "ring-ref", back->pages);
        uint32_t ref = (uint32_t)back_front(back, key, 0);
        back->ref[back->pages] = ref;
        back->page[back->pages] = fake_map(back->fake, 0, ref, true);
        if (!back->page[back->pages] && blkback_wrong(back, "%s cannot be mapped", key))
            return false;
    }
    uint32_t fit = (back->pages * RUNG_XEN_PAGE - (uint32_t)offsetof(struct blkif_sring, ring))
                   / (uint32_t)sizeof(union blkif_sring_entry);
    for (back->size = 1; back->size * 2 <= fit;)
        back->size *= 2;
    back->ring = (struct blkif_sring *)(void *)back->page[0];
    back->taken = back->answered = 0;
    return true;
}

static bool back_connect(struct fake_backend *device)
{
    struct blkback *back = back_of(device);
    const char *protocol =
        fake_store_read(back->fake, fake_front(back->fake, "vbd", back->id, "protocol"));
    uint64_t port = back_front(back, "event-channel", 0);
    if (!port)
        return false; /* nothing is published: a state from before */
    if (!protocol || strcmp(protocol, "x86_64-abi") != 0)
        if (blkback_wrong(back, "protocol '%s'", protocol ? protocol : ""))
            return false;
    if (!back_map_ring(back) || (!fake_bind(back->fake, &back->port, 0, (uint32_t)port)
                                 && blkback_wrong(back, "port %u cannot be bound",
                                                  (unsigned)port))) {
        back_unmap_ring(back);
        return false;
    }
    back->persistent = back->config.persistent && back_front(back, "feature-persistent", 0);
    back->connects++;
    back_say_disk(back);
    return true;
}

/* What is in flight is not carried out: the front end has to ask again. */
static void back_disconnect(struct fake_backend *device)
{
    struct blkback *back = back_of(device);
    rung_loop_undefer(fake_platform(back->fake), &back->work);
    fake_unbind(back->fake, &back->port);
    while (back->first)
        blkback_drop(back, back->first);
    if (!back->keeps)
        blkback_let_go(back);
    back_unmap_ring(back);
}

static uint64_t back_chance(struct blkback *back, uint64_t below)
{
    back->shuffle ^= back->shuffle << 13;
    back->shuffle ^= back->shuffle >> 7;
    back->shuffle ^= back->shuffle << 17;
    return back->shuffle % below;
}

static void back_work(struct rung_task *task)
{
    struct blkback *back = rung_container_of(task, struct blkback, work);
    uint64_t turn = back->shuffle ? 1 + back_chance(back, 4) : UINT64_MAX;
    while (back->first && turn-- > 0) {
        struct blkback_request *request = back->first;
        for (uint64_t skip = back->shuffle ? back_chance(back, back->flying) : 0; skip > 0; skip--)
            request = request->next;
        blkback_finish(back, request);
    }
    if (back->first)
        rung_loop_defer(fake_platform(back->fake), &back->work);
}

static void back_on_notify(struct fake_port *port)
{
    struct blkback *back = rung_container_of(port, struct blkback, port);
    blkback_take(back);
    if (back->first && !back->hold)
        rung_loop_defer(fake_platform(back->fake), &back->work);
}

void blkback_answer(struct blkback *back)
{
    while (back->first)
        blkback_finish(back, back->first);
}

void blkback_let_go(struct blkback *back)
{
    while (back->kept_count)
        fake_unmap(back->fake, back->kept[--back->kept_count]);
}

static bool back_overlaps(const uint8_t *page, const uint8_t *memory, size_t len)
{
    return page < memory + len && memory < page + RUNG_XEN_PAGE;
}

bool blkback_holds(const struct blkback *back, const uint8_t *memory, size_t len)
{
    for (unsigned i = 0; i < back->kept_count; i++) {
        if (back_overlaps(back->kept_page[i], memory, len))
            return true;
    }
    for (const struct blkback_request *r = back->first; r; r = r->next) {
        for (unsigned i = 0; i < r->count; i++) {
            if (back_overlaps(r->page[i], memory, len))
                return true;
        }
    }
    return false;
}

void blkback_resize(struct blkback *back, uint64_t sectors)
{
    size_t old = (size_t)back->config.sectors * 512, len = (size_t)sectors * 512;
    back->bytes = realloc(back->bytes, len + 1);
    back->durable = realloc(back->durable, len + 1);
    if (!back->bytes || !back->durable)
        abort();
    if (len > old) {
        memset(back->bytes + old, 0, len - old);
        memset(back->durable + old, 0, len - old);
    }
    back->config.sectors = sectors;
}

void blkback_power_cut(struct blkback *back)
{
    memcpy(back->bytes, back->durable, (size_t)back->config.sectors * 512);
}

void blkback_restart(struct blkback *back, bool plug)
{
    if (plug)
        fake_device_add(back->fake, "vbd", back->id);
    back_say_transport(back);
    back->device = (struct fake_backend){
        .kind = "vbd", .id = back->id, .connect = back_connect, .disconnect = back_disconnect,
        .manual = back->device.manual,
    };
    fake_backend_start(back->fake, &back->device);
}

struct blkback *blkback_new(struct fake *fake, const char *id, const struct blkback_config *config)
{
    struct blkback *back = calloc(1, sizeof(*back));
    if (!back)
        abort();
    back->fake = fake;
    back->id = id;
    back->limit = UINT64_MAX;
    back->last = &back->first;
    back->work.fn = back_work;
    back->port.fn = back_on_notify;
    back->config = *config;
    back->config.sectors = 0;
    blkback_resize(back, config->sectors);
    blkback_restart(back, true);
    return back;
}

void blkback_free(struct blkback *back)
{
    if (back->device.started)
        fake_backend_stop(&back->device);
    back->keeps = false;
    blkback_let_go(back);
    fake_device_remove(back->fake, "vbd", back->id);
    free(back->bytes);
    free(back->durable);
    free(back);
}
