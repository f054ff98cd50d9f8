/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_device.c - the toolstack's half of a device, and back ends that walk their
 * states. */
#include "fake_impl.h"

#include <stdio.h>
#include <xen/io/xenbus.h>

static void device_states(struct fake *fake, const char *kind, const char *id)
{
    fake_store_write(fake, fake_back(fake, kind, id, "state"), "%d", XenbusStateInitialising);
    fake_store_write(fake, fake_front(fake, kind, id, "state"), "%d", XenbusStateInitialising);
}

void fake_device_add(struct fake *fake, const char *kind, const char *id)
{
    fake_device_remove(fake, kind, id);
    fake_store_write(fake, fake_back(fake, kind, id, "frontend"), "%s",
                     fake_front(fake, kind, id, ""));
    fake_store_write(fake, fake_back(fake, kind, id, "frontend-id"), "%u", fake->config.domid);
    fake_store_write(fake, fake_back(fake, kind, id, "online"), "1");
    if (strcmp(kind, "vif") == 0) {
        fake_store_write(fake, fake_front(fake, kind, id, "handle"), "%s", id);
    } else {
        fake_store_write(fake, fake_front(fake, kind, id, "virtual-device"), "%s", id);
        fake_store_write(fake, fake_front(fake, kind, id, "device-type"), "disk");
    }
    fake_store_write(fake, fake_front(fake, kind, id, "backend-id"), "0");
    device_states(fake, kind, id);
    fake_store_write(fake, fake_front(fake, kind, id, "backend"), "%s",
                     fake_back(fake, kind, id, ""));
}

void fake_device_remove(struct fake *fake, const char *kind, const char *id)
{
    fake_store_remove(fake, fake_front(fake, kind, id, ""));
    fake_store_remove(fake, fake_back(fake, kind, id, ""));
}

unsigned fake_front_state(struct fake *fake, const char *kind, const char *id)
{
    return (unsigned)fake_store_number(fake, fake_front(fake, kind, id, "state"), 0);
}

unsigned fake_back_state(struct fake *fake, const char *kind, const char *id)
{
    return (unsigned)fake_store_number(fake, fake_back(fake, kind, id, "state"), 0);
}

static void backend_disconnect(struct fake_backend *backend)
{
    if (!backend->connected)
        return;
    backend->connected = false;
    backend->disconnect(backend);
}

/* Without its folder a back end has nowhere to say so. */
static void backend_say(struct fake_backend *backend, unsigned state)
{
    const char *path = fake_back(backend->fake, backend->kind, backend->id, "state");
    backend->state = state;
    if (fake_store_read(backend->fake, path))
        fake_store_write(backend->fake, path, "%u", state);
}

void fake_backend_state(struct fake_backend *backend, unsigned state)
{
    if (state != XenbusStateConnected)
        backend_disconnect(backend);
    backend_say(backend, state);
}

static void backend_connect(struct fake_backend *backend)
{
    if (backend->connected)
        return;
    backend->connected = backend->connect(backend);
    if (!backend->manual)
        backend_say(backend,
                    backend->connected ? XenbusStateConnected : XenbusStateClosing);
}

/* As xen-netback's frontend_changed() and set_backend_state(). */
static void backend_on_front(struct fake_watch *watch)
{
    struct fake_backend *backend = rung_container_of(watch, struct fake_backend, watch);
    unsigned front = fake_front_state(backend->fake, backend->kind, backend->id);
    switch (front) {
    case XenbusStateInitialising:
        if (!backend->manual && backend->state != XenbusStateInitWait)
            fake_backend_state(backend, XenbusStateInitWait);
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        if (backend->state == XenbusStateInitWait || backend->state == XenbusStateInitialised)
            backend_connect(backend);
        break;
    case XenbusStateClosing:
        if (!backend->manual && backend->state != XenbusStateClosed)
            fake_backend_state(backend, XenbusStateClosing);
        break;
    default: /* closed, or gone */
        backend_disconnect(backend);
        if (!backend->manual && backend->state != XenbusStateClosed)
            backend_say(backend, XenbusStateClosed);
        break;
    }
}

void fake_backend_start(struct fake *fake, struct fake_backend *backend)
{
    assert(!backend->started && backend->connect && backend->disconnect);
    backend->fake = fake;
    backend->started = true;
    backend->connected = false;
    backend->state = fake_back_state(fake, backend->kind, backend->id);
    snprintf(backend->path, sizeof(backend->path), "%s",
             fake_front(fake, backend->kind, backend->id, "state"));
    backend->watch = (struct fake_watch){.path = backend->path, .changed = backend_on_front};
    backend->next = fake->backends;
    fake->backends = backend;
    if (!backend->manual)
        backend_say(backend, XenbusStateInitWait);
    fake_store_watch(fake, &backend->watch);
}

void fake_backend_stop(struct fake_backend *backend)
{
    struct fake_backend **at = &backend->fake->backends;
    if (!backend->started)
        return;
    while (*at != backend)
        at = &(*at)->next;
    *at = backend->next;
    backend->started = false;
    fake_store_unwatch(backend->fake, &backend->watch);
    backend_disconnect(backend);
}

void fake_backend_unplug(struct fake_backend *backend)
{
    fake_store_write(backend->fake,
                     fake_back(backend->fake, backend->kind, backend->id, "online"), "0");
    fake_backend_state(backend, XenbusStateClosing);
}

void fake_backends_lose(struct fake *fake)
{
    for (struct fake_backend *backend = fake->backends; backend; backend = backend->next)
        backend_disconnect(backend);
}

/* The states of every device, whether somebody serves it or not. */
void fake_backends_return(struct fake *fake)
{
    char path[64];
    snprintf(path, sizeof(path), "/local/domain/%u/device", fake->config.domid);
    struct fake_node *kinds = fake_tree_find(fake->store.root, path);
    for (struct fake_node *kind = kinds ? kinds->child : NULL; kind; kind = kind->next)
        for (struct fake_node *id = kind->child; id; id = id->next)
            device_states(fake, kind->name, id->name);
    for (struct fake_backend *backend = fake->backends; backend; backend = backend->next) {
        backend->state = XenbusStateInitialising;
        if (!backend->manual)
            backend_say(backend, XenbusStateInitWait);
    }
}
