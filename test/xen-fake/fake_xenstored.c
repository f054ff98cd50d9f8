/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_xenstored.c - xenstored's half of the ring: bytes, messages, their order. */
#include <stdio.h>
#include <stdlib.h>

#include "fake_impl.h"

static void store_free_out(struct fake_store *store)
{
    while (store->out) {
        struct fake_message *message = store->out;
        store->out = message->next;
        free(message->bytes);
        free(message);
    }
    store->out_end = &store->out;
}

static struct fake_message *message_new(uint32_t type, uint32_t id, uint32_t tx,
                                        const void *payload, size_t len)
{
    struct fake_message *message = fake_alloc(sizeof(*message));
    struct xsd_sockmsg header = {.type = type, .req_id = id, .tx_id = tx, .len = (uint32_t)len};
    message->len = (uint32_t)(sizeof(header) + len);
    message->bytes = fake_alloc(message->len);
    memcpy(message->bytes, &header, sizeof(header));
    if (len > 0)
        memcpy(message->bytes + sizeof(header), payload, len);
    return message;
}

static void message_queue(struct fake_store *store, struct fake_message *message)
{
    message->next = NULL;
    *store->out_end = message;
    store->out_end = &message->next;
}

void fake_xenstored_reply(struct fake *fake, uint32_t type, uint32_t id, uint32_t tx,
                          const void *payload, size_t len)
{
    message_queue(&fake->store, message_new(type, id, tx, payload, len));
}

void fake_xenstored_event(struct fake *fake, const struct fake_guest_watch *watch,
                          const char *path)
{
    char home[64], payload[XENSTORE_PAYLOAD_MAX];
    snprintf(home, sizeof(home), "/local/domain/%u/", fake->config.domid);
    if (watch->relative && strncmp(path, home, strlen(home)) == 0)
        path += strlen(home);
    size_t path_len = strlen(path) + 1, token_len = strlen(watch->token) + 1;
    if (path_len + token_len > sizeof(payload))
        return;
    memcpy(payload, path, path_len);
    memcpy(payload + path_len, watch->token, token_len);
    fake_xenstored_reply(fake, XS_WATCH_EVENT, 0, 0, payload, path_len + token_len);
}

static struct fake_message **message_end(struct fake_message **at)
{
    while (*at)
        at = &(*at)->next;
    return at;
}

/* One message of the guest's and what it brings about, in the order wanted. */
static void store_handle(struct fake *fake)
{
    struct fake_store *store = &fake->store;
    struct fake_message *before = store->out;
    store->out = NULL;
    store->out_end = &store->out;
    fake_request(fake); /* queues its answer first, and then events */
    struct fake_message *fresh = store->out;
    if (store->faults.event_before && fresh && fresh->next) {
        *store->out_end = fresh;
        store->out = fresh->next;
        fresh->next = NULL;
    }
    if (store->faults.reverse && before && before->done == 0) {
        *message_end(&store->out) = before;
    } else {
        fresh = store->out;
        store->out = before;
        *message_end(&store->out) = fresh;
    }
    store->out_end = message_end(&store->out);
}

/* Takes what the guest has sent; how many bytes. */
static uint32_t store_receive(struct fake *fake, uint32_t limit)
{
    struct fake_store *store = &fake->store;
    struct xenstore_domain_interface *ring = store->ring;
    struct xsd_sockmsg header;
    uint32_t taken = 0;
    if (ring->req_prod - ring->req_cons > XENSTORE_RING_SIZE)
        fake_die("the guest has put an impossible index into the store's ring");
    while (ring->req_cons != ring->req_prod && taken < limit) {
        store->in[store->in_len++] = (uint8_t)ring->req[MASK_XENSTORE_IDX(ring->req_cons)];
        RUNG_XEN_WRITE(ring->req_cons, ring->req_cons + 1);
        taken++;
        if (store->in_len < sizeof(header))
            continue;
        memcpy(&header, store->in, sizeof(header));
        if (header.len > XENSTORE_PAYLOAD_MAX)
            fake_die("the guest sends xenstored a message that is too long");
        if (store->in_len < sizeof(header) + header.len)
            continue;
        store->in[store->in_len] = '\0';
        store_handle(fake);
        store->in_len = 0;
    }
    return taken;
}

static uint32_t ring_write(struct xenstore_domain_interface *ring, const uint8_t *bytes,
                           uint32_t len, uint32_t limit)
{
    uint32_t n = 0;
    while (n < len && n < limit && ring->rsp_prod - ring->rsp_cons < XENSTORE_RING_SIZE) {
        ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod)] = (char)bytes[n++];
        RUNG_XEN_WRITE(ring->rsp_prod, ring->rsp_prod + 1);
    }
    return n;
}

static uint32_t store_send(struct fake *fake, uint32_t limit)
{
    struct fake_store *store = &fake->store;
    uint32_t sent = 0;
    while (store->out && sent < limit) {
        struct fake_message *message = store->out;
        uint32_t n = ring_write(store->ring, message->bytes + message->done,
                                message->len - message->done, limit - sent);
        sent += n;
        message->done += n;
        if (message->done < message->len)
            break;
        store->out = message->next;
        if (!store->out)
            store->out_end = &store->out;
        free(message->bytes);
        free(message);
    }
    return sent;
}

static void store_test_watches(struct fake *fake)
{
    struct fake_watch *watch = fake->store.test_watches;
    while (watch) {
        if (!watch->pending) {
            watch = watch->next;
            continue;
        }
        watch->pending = false;
        watch->changed(watch);
        watch = fake->store.test_watches; /* any of them may have gone */
    }
}

static void store_run(struct rung_task *task)
{
    struct fake_store *store = rung_container_of(task, struct fake_store, task);
    struct fake *fake = rung_container_of(store, struct fake, store);
    uint32_t limit = store->faults.trickle ? store->faults.trickle : UINT32_MAX;
    store_test_watches(fake);
    if (store->faults.silent || !store->ring)
        return;
    uint32_t moved = store_receive(fake, limit);
    moved += store_send(fake, limit);
    if (moved == 0)
        return;
    fake_raise(fake, store->port);
    fake_xenstored_wake(fake);
}

void fake_xenstored_wake(struct fake *fake)
{
    rung_loop_defer(fake->x.p, &fake->store.task);
}

void fake_xenstored_begin(struct fake *fake)
{
    struct fake_store *store = &fake->store;
    store->root = fake_tree_new();
    store->out_end = &store->out;
    store->task.fn = store_run;
    if (!fake->config.no_store)
        store->ring = fake_alloc(sizeof(*store->ring));
}

void fake_xenstored_lose(struct fake *fake)
{
    struct fake_store *store = &fake->store;
    store_free_out(store);
    store->in_len = 0;
    fake_transactions_end(fake);
    while (store->watches) {
        struct fake_guest_watch *watch = store->watches;
        store->watches = watch->next;
        free(watch->path);
        free(watch->token);
        free(watch);
    }
    if (store->ring)
        memset(store->ring, 0, sizeof(*store->ring));
}

uint32_t fake_store_raw(struct fake *fake, const void *bytes, uint32_t len)
{
    uint32_t n = ring_write(fake->store.ring, bytes, len, UINT32_MAX);
    fake_raise(fake, fake->store.port);
    return n;
}

struct xenstore_domain_interface *fake_store_ring(struct fake *fake)
{
    return fake->store.ring;
}

void fake_store_notify(struct fake *fake)
{
    fake_raise(fake, fake->store.port);
}
