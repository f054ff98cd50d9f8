/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/store_watch.c - watches. What xenstored has been told lives in a record of its
 * own, with the message that ends the watch made beforehand: so a user may take its watch back at
 * any moment, ending one never lacks memory, and none stays behind. */
#include "xen/bus/store_impl.h"

#include <stdio.h>

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"

struct rung_xen_store_watch {
    struct rung_xen_store_watch *next;
    struct rung_xen_store *store;
    struct rung_xen_watch *user;            /* NULL: unwatched */
    struct rung_xen_store_message *unwatch; /* NULL: sent */
    struct rung_xen_store_req req;
    bool in_flight;                         /* req */
    char token[20];
};

static void record_free(struct rung_xen_store_watch *record)
{
    struct rung_xen_store *store = record->store;
    struct rung_xen_store_watch **at = &store->set;
    while (*at != record)
        at = &(*at)->next;
    *at = record->next;
    if (record->user)
        record->user->impl = NULL;
    rung_free(store->x->p, record->unwatch);
    rung_free(store->x->p, record);
}

static void watch_set(struct rung_xen_store *store, struct rung_xen_watch *watch);

static void record_on_unwatched(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    (void)result; /* there is nothing more to be done about it */
    record_free(rung_container_of(req, struct rung_xen_store_watch, req));
}

static void record_unwatch(struct rung_xen_store_watch *record)
{
    struct rung_xen_store_message *message = record->unwatch;
    record->unwatch = NULL;
    record->in_flight = true;
    record->req.op.done = record_on_unwatched;
    rung_xen_store_post(record->store, &record->req, message);
}

static void record_on_watched(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct rung_xen_store_watch *record =
        rung_container_of(req, struct rung_xen_store_watch, req);
    struct rung_xen_store *store = record->store;
    struct rung_xen_watch *user = record->user;
    record->in_flight = false;
    if (result >= 0 && !store->lost) {
        if (!user)
            record_unwatch(record);
        return;
    }
    record_free(record);
    if (!user || store->lost)
        return;
    if (result == RUNG_E_DOWN) { /* of the connection before the resume */
        watch_set(store, user);
        return;
    }
    rung_log(store->x->p, RUNG_LOG_WARN, "store", "cannot watch %s (%s); trying again", user->path,
             rung_err_text(result));
    rung_timer_start(store->x->p, &store->retry, RUNG_NS_PER_S);
}

/* Puts a watch of a user's into place, or has it tried again. */
static void watch_set(struct rung_xen_store *store, struct rung_xen_watch *watch)
{
    struct rung_platform *p = store->x->p;
    struct rung_xen_store_watch *record = rung_zalloc(p, 1, sizeof(*record));
    struct rung_xen_store_message *message = NULL;
    union { const char *in; void *out; } no_write = {watch->path};
    if (record) {
        snprintf(record->token, sizeof(record->token), "%llx",
                 (unsigned long long)store->next_token++);
        struct rung_vec path = {no_write.out, strlen(watch->path) + 1};
        struct rung_vec token = {record->token, strlen(record->token) + 1};
        message = rung_xen_store_message(store, XS_WATCH, 0, path, token);
        record->unwatch = rung_xen_store_message(store, XS_UNWATCH, 0, path, token);
    }
    if (!message || !record->unwatch) {
        rung_free(p, message);
        rung_free(p, record ? record->unwatch : NULL);
        rung_free(p, record);
        rung_timer_start(p, &store->retry, RUNG_NS_PER_S);
        return;
    }
    record->store = store;
    record->user = watch;
    record->req.op.done = record_on_watched;
    record->in_flight = true;
    record->next = store->set;
    store->set = record;
    watch->impl = record;
    rung_xen_store_post(store, &record->req, message);
}

void rung_xen_store_watches_set(struct rung_xen_store *store)
{
    if (!store->ring || store->lost)
        return;
    for (struct rung_xen_watch *watch = store->watches; watch; watch = watch->next)
        if (!watch->impl)
            watch_set(store, watch);
}

void rung_xen_store_on_retry(struct rung_timer *timer)
{
    rung_xen_store_watches_set(rung_container_of(timer, struct rung_xen_store, retry));
}

/* Records in flight go when their requests have ended, which is soon. */
void rung_xen_store_watches_lose(struct rung_xen_store *store)
{
    struct rung_xen_store_watch *next;
    rung_timer_stop(store->x->p, &store->retry);
    for (struct rung_xen_store_watch *record = store->set; record; record = next) {
        next = record->next;
        if (!record->in_flight)
            record_free(record);
    }
}

void rung_xen_store_watches_fini(struct rung_xen_store *store)
{
    rung_timer_stop(store->x->p, &store->retry);
    while (store->set) {
        rung_loop_undefer(store->x->p, &store->set->req.op.task);
        record_free(store->set);
    }
    store->watches = NULL;
}

void rung_xen_store_watch(struct rung_xen_store *store, struct rung_xen_watch *watch)
{
    struct rung_xen_watch **at = &store->watches;
    assert(watch->path && watch->changed && !watch->active);
    assert(strlen(watch->path) < XENSTORE_ABS_PATH_MAX);
    while (*at)
        at = &(*at)->next;
    watch->next = NULL;
    watch->impl = NULL;
    watch->active = true;
    *at = watch;
    if (store->ring && !store->lost)
        watch_set(store, watch);
}

void rung_xen_store_unwatch(struct rung_xen_store *store, struct rung_xen_watch *watch)
{
    struct rung_xen_watch **at = &store->watches;
    if (!watch->active)
        return;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    watch->active = false;
    struct rung_xen_store_watch *record = watch->impl;
    watch->impl = NULL;
    if (!record)
        return;
    record->user = NULL;
    if (!record->in_flight)
        record_unwatch(record);
}

void rung_xen_store_watch_event(struct rung_xen_store *store, const char *payload, uint32_t len)
{
    const char *end = memchr(payload, '\0', len);
    const char *token = end ? end + 1 : NULL;
    struct rung_xen_store_watch *record = store->set;
    if (!token || !memchr(token, '\0', len - (size_t)(token - payload))) {
        store->strays++;
        return;
    }
    while (record && strcmp(record->token, token) != 0)
        record = record->next;
    if (!record)
        store->strays++;
    else if (record->user)
        record->user->changed(record->user, payload);
}
