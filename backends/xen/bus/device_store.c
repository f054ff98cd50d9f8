/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/device_store.c - a device's errands to the store; see device_impl.h. */
#include <stdio.h>
#include <string.h>

#include "rung/heap.h"
#include "xen/bus/device_impl.h"

#define ERRAND_PATH 160u

static void errand_undo(struct rung_xen_device_impl *impl);

static void errand_answered(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct device_ask *ask = rung_container_of(req, struct device_ask, req);
    struct rung_xen_device_impl *impl = ask->impl;
    req->arg = NULL;
    if (ask->into)
        snprintf(ask->into, ask->size, "%s", result >= 0 ? req->reply : "");
    if (result < 0 && !(ask->may_miss && result == RUNG_E_NOTFOUND) && !impl->error)
        impl->error = (enum rung_err)result;
    if (--impl->asked > 0)
        return;
    void (*part)(struct rung_xen_device_impl *impl) = impl->part;
    impl->part = NULL;
    if (impl->error && impl->tx && impl->error != RUNG_E_DOWN)
        part = errand_undo;
    else if (impl->error)
        part = NULL;
    if (part) {
        part(impl);
        return;
    }
    void (*then)(struct rung_xen_device_impl *impl, enum rung_err err) = impl->then;
    impl->then = NULL;
    then(impl, impl->error);
}

static void errand_begin(struct rung_xen_device_impl *impl,
                         void (*then)(struct rung_xen_device_impl *impl, enum rung_err err))
{
    assert(!impl->then && then);
    impl->then = then;
    impl->part = NULL;
    impl->error = RUNG_OK;
    impl->tx = 0;
}

/* The next request of this part. An answer goes to into; without it, it has to be a good one. */
static struct rung_xen_store_req *errand_ask(struct rung_xen_device_impl *impl, char *into,
                                             size_t size)
{
    assert(impl->asked < impl->ask_count);
    struct device_ask *ask = &impl->asks[impl->asked++];
    *ask = (struct device_ask){.impl = impl, .into = into, .size = size, .may_miss = into != NULL};
    ask->req.op.done = errand_answered;
    ask->req.arg = ask; /* it is in flight */
    return &ask->req;
}

/* A transaction in which something went wrong is nobody's to keep open. */
static void errand_undo(struct rung_xen_device_impl *impl)
{
    uint32_t tx = impl->tx;
    impl->tx = 0;
    rung_xen_store_end(&impl->device->x->store, errand_ask(impl, NULL, 0), tx, false);
}

static void errand_read(struct rung_xen_device_impl *impl, const char *folder, const char *name,
                        char *into, size_t size)
{
    char path[ERRAND_PATH];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    rung_xen_store_read(&impl->device->x->store, errand_ask(impl, into, size), 0, path);
}

static void errand_write(struct rung_xen_device_impl *impl, const struct rung_xen_pair *pair)
{
    char path[ERRAND_PATH];
    snprintf(path, sizeof(path), "%s/%s", impl->device->front, pair->name);
    rung_xen_store_write(&impl->device->x->store, errand_ask(impl, NULL, 0), impl->tx, path,
                         pair->value);
}

bool rung_xen_device_busy(const struct rung_xen_device_impl *impl)
{
    return impl->then != NULL;
}

void rung_xen_device_stop(struct rung_xen_device_impl *impl)
{
    for (unsigned i = 0; i < impl->ask_count; i++)
        if (impl->asks[i].req.arg) {
            rung_xen_store_forget(&impl->device->x->store, &impl->asks[i].req);
            impl->asks[i].req.arg = NULL;
        }
    impl->then = NULL;
    impl->asked = 0;
}

static void look_into_back(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device_sight *sight = &impl->sight;
    if (!sight->back[0]) {
        errand_read(impl, impl->device->front, "state", sight->said, sizeof(sight->said));
        return;
    }
    errand_read(impl, sight->back, "state", sight->state, sizeof(sight->state));
    errand_read(impl, sight->back, "online", sight->online, sizeof(sight->online));
    errand_read(impl, impl->device->front, "state", sight->said, sizeof(sight->said));
}

void rung_xen_device_look(struct rung_xen_device_impl *impl,
                          void (*then)(struct rung_xen_device_impl *impl, enum rung_err err))
{
    struct rung_xen_device_sight *sight = &impl->sight;
    const char *front = impl->device->front;
    errand_begin(impl, then);
    memset(sight, 0, sizeof(*sight));
    impl->part = look_into_back;
    errand_read(impl, front, "backend", sight->back, sizeof(sight->back));
    errand_read(impl, front, "backend-id", sight->remote, sizeof(sight->remote));
}

void rung_xen_device_read(struct rung_xen_device_impl *impl,
                          void (*then)(struct rung_xen_device_impl *impl, enum rung_err err))
{
    struct rung_xen_device *device = impl->device;
    errand_begin(impl, then);
    for (unsigned i = 0; i < device->key_count; i++) {
        struct rung_xen_key *key = &device->keys[i];
        errand_read(impl, key->ours ? device->front : device->back, key->name, key->value,
                    sizeof(key->value));
    }
}

static void publish_begin(struct rung_xen_device_impl *impl);

/* What a transaction that lost a race did has not happened. */
static void publish_ended(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct device_ask *ask = rung_container_of(req, struct device_ask, req);
    ask->impl->tx = 0;
    if (result != RUNG_E_CHANGED) {
        errand_answered(op, result);
        return;
    }
    req->arg = NULL;
    ask->impl->asked = 0;
    publish_begin(ask->impl);
}

static void publish_end(struct rung_xen_device_impl *impl)
{
    struct rung_xen_store_req *req = errand_ask(impl, NULL, 0);
    req->op.done = publish_ended;
    rung_xen_store_end(&impl->device->x->store, req, impl->tx, true);
}

static void publish_pairs(struct rung_xen_device_impl *impl)
{
    impl->tx = (uint32_t)rung_xen_decimal(impl->number);
    impl->part = publish_end;
    for (unsigned i = 0; i < impl->pair_count; i++)
        errand_write(impl, &impl->pairs[i]);
}

static void publish_begin(struct rung_xen_device_impl *impl)
{
    impl->part = publish_pairs;
    rung_xen_store_begin(&impl->device->x->store,
                         errand_ask(impl, impl->number, sizeof(impl->number)));
}

/* The state goes with the rest: whoever sees it sees all. */
static void publish_state(struct rung_xen_device_impl *impl, unsigned state)
{
    struct rung_xen_pair *pair = &impl->pairs[impl->pair_count++];
    snprintf(pair->name, sizeof(pair->name), "state");
    snprintf(pair->value, sizeof(pair->value), "%u", state);
    impl->said = state;
}

void rung_xen_device_publish(struct rung_xen_device_impl *impl, unsigned state,
                             void (*then)(struct rung_xen_device_impl *impl, enum rung_err err))
{
    errand_begin(impl, then);
    publish_state(impl, state);
    publish_begin(impl);
}

void rung_xen_device_say(struct rung_xen_device_impl *impl, unsigned state,
                         void (*then)(struct rung_xen_device_impl *impl, enum rung_err err))
{
    errand_begin(impl, then);
    impl->pair_count = 0;
    publish_state(impl, state);
    errand_write(impl, &impl->pairs[0]);
}

enum rung_err rung_xen_device_impl_new(struct rung_xen_device *device, struct rung_platform *p)
{
    unsigned most = device->key_count > RUNG_XEN_PAIRS + 1 ? device->key_count
                                                           : RUNG_XEN_PAIRS + 1;
    struct rung_xen_device_impl *impl = rung_zalloc(p, 1, sizeof(*impl));
    struct device_ask *asks = rung_zalloc(p, most, sizeof(*asks));
    if (!impl || !asks) {
        rung_free(p, impl);
        rung_free(p, asks);
        return RUNG_E_NOMEM;
    }
    impl->device = device;
    impl->asks = asks;
    impl->ask_count = most;
    device->impl = impl;
    return RUNG_OK;
}

void rung_xen_device_impl_free(struct rung_xen_device_impl *impl)
{
    struct rung_platform *p = impl->device->x->p;
    impl->device->impl = NULL;
    rung_free(p, impl->asks);
    rung_free(p, impl);
}
