/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake.c - the guest's life: making it, its end, saving and restoring it. */
#include "fake_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rung/heap.h"
#include "virtual/virtual.h"

#define SETTLE_TURNS 100000

struct fake *fake_current;

void fake_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "fake: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

void *fake_alloc(size_t size)
{
    void *block = calloc(1, size);
    if (!block)
        fake_die("the host is out of memory");
    return block;
}

char *fake_text(const char *text, size_t len)
{
    char *copy = fake_alloc(len + 1);
    memcpy(copy, text, len);
    return copy;
}

static void fake_configure(struct fake *fake, const struct fake_config *config)
{
    if (config)
        fake->config = *config;
    struct fake_config *c = &fake->config;
    c->domid = c->domid ? c->domid : 7;
    c->first_frame = c->first_frame ? c->first_frame : 0x1000;
    c->grant_frames = c->grant_frames ? c->grant_frames : 32;
    c->pages = c->pages ? c->pages : 4096;
    c->ports = c->ports ? c->ports : 128;
    assert(c->grant_frames <= FAKE_TABLE_MAX && c->ports < 4096);
}

static void fake_open_store(struct fake *fake)
{
    fake->store.port = (uint32_t)fake_channel_open(fake, 0, FAKE_STORE);
}

struct fake *fake_new(struct rung_platform *p, const struct fake_config *config)
{
    struct fake *fake = fake_alloc(sizeof(*fake));
    assert(!fake_current);
    fake_current = fake;
    fake_configure(fake, config);
    fake->x.p = p;
    fake->version = 1;
    fake->shared = fake_alloc(sizeof(*fake->shared));
    fake_channels_begin(fake);
    fake_xenstored_begin(fake);
    fake_open_store(fake);
    rung_xen_events_init(&fake->x, fake->shared);
    if (rung_xen_grants_init(&fake->x, fake->config.first_frame + fake->config.pages))
        fake_die("the bus has no grants");
    if (rung_xen_store_init(&fake->x, fake->store.ring, fake->store.port))
        fake_die("the bus has no store");
    return fake;
}

void fake_free(struct fake *fake)
{
    struct rung_platform *p = fake->x.p;
    while (fake->backends)
        fake_backend_stop(fake->backends);
    rung_xen_grants_retry(&fake->x); /* what the back ends have let go of */
    if (fake->x.resumers)
        fake_die("somebody still wants to hear of a resume");
    if (fake->x.grants.in_use > 0 || fake_grants_open(fake) > 0)
        fake_die("%u grants have not been ended", fake_grants_open(fake));
    rung_xen_store_fini(&fake->x);
    if (fake->x.events.count > 0 || fake_ports_open(fake) > 1)
        fake_die("%u ports have not been closed", fake_ports_open(fake) - 1);
    rung_xen_grants_fini(&fake->x);
    fake_xenstored_lose(fake);
    rung_loop_undefer(p, &fake->store.task);
    fake_channels_lose(fake);
    fake_grants_lose(fake);
    fake_pages_end(fake);
    fake_tree_free(fake->store.root);
    free(fake->store.ring);
    free(fake->channels);
    free(fake->shared);
    free(fake);
    fake_current = NULL;
}

struct rung_platform *fake_platform(struct fake *fake)
{
    return fake->x.p;
}

struct rung_xen *fake_xen(struct fake *fake)
{
    return &fake->x;
}

struct rung_xen *rung_xen_of(struct rung_platform *p)
{
    assert(fake_current && fake_current->x.p == p);
    return &fake_current->x;
}

uint16_t fake_domid(const struct fake *fake)
{
    return fake->config.domid;
}

void fake_settle(struct fake *fake)
{
    for (unsigned turns = 0; turns < SETTLE_TURNS && rung_virtual_turn(fake->x.p); turns++)
        ;
}

void fake_suspend(struct fake *fake)
{
    struct rung_xen *x = &fake->x;
    rung_xen_suspending(x);
    fake_backends_lose(fake);
    fake_channels_lose(fake);
    fake_grants_lose(fake);
    fake_xenstored_lose(fake);
    fake_open_store(fake);
    fake_backends_return(fake);
    rung_xen_events_resume(x, fake->shared);
    if (rung_xen_grants_resume(x))
        fake_die("the bus has no grants after the resume");
    if (rung_xen_store_resume(x, fake->store.ring, fake->store.port))
        fake_die("the bus has no store after the resume");
    rung_xen_resumed(x);
}
