/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/store_ring.c - the store's ring: bytes in and out. A message may be longer than
 * the ring, and comes in as many parts as the other side likes. Of the shared page each index of
 * the other side is read once and checked; our own are kept here, and only written there. */
#include "xen/bus/store_impl.h"

/* Bytes taken in before the loop gets a turn for other things. */
#define STORE_IN_TURN 16384u

/* Copies into a ring, or out of one, at an index. */
static void ring_put(char *ring, uint32_t index, const uint8_t *bytes, uint32_t len)
{
    uint32_t at = MASK_XENSTORE_IDX(index), first = XENSTORE_RING_SIZE - at;
    if (first > len)
        first = len;
    memcpy(ring + at, bytes, first);
    memcpy(ring, bytes + first, len - first);
}

static void ring_get(const char *ring, uint32_t index, uint8_t *bytes, uint32_t len)
{
    uint32_t at = MASK_XENSTORE_IDX(index), first = XENSTORE_RING_SIZE - at;
    if (first > len)
        first = len;
    memcpy(bytes, ring + at, first);
    memcpy(bytes + first, ring, len - first);
}

/* Puts messages into the ring as far as there is room. Whether any byte went. */
static bool store_send(struct rung_xen_store *store)
{
    uint32_t room = XENSTORE_RING_SIZE - (store->req_prod - RUNG_XEN_READ(store->ring->req_cons));
    bool any = false;
    if (room > XENSTORE_RING_SIZE) {
        rung_xen_store_lose(store, "its ring has an impossible index");
        return false;
    }
    xen_mb(); /* what has been read there is overwritten from here on */
    while (store->out && room > 0) {
        struct rung_xen_store_message *message = store->out;
        uint32_t n = message->len - message->done;
        if (n > room)
            n = room;
        ring_put(store->ring->req, store->req_prod, message->bytes + message->done, n);
        store->req_prod += n;
        message->done += n;
        room -= n;
        any = true;
        if (message->done < message->len)
            break;
        store->out = message->next;
        rung_xen_store_message_free(store, message);
    }
    xen_wmb();
    RUNG_XEN_WRITE(store->ring->req_prod, store->req_prod);
    return any;
}

/* How many bytes the message that comes in still lacks, as far as is known; 0: it is too long. */
static uint32_t store_lacks(const struct rung_xen_store *store)
{
    struct xsd_sockmsg header;
    if (store->in_len < sizeof(header))
        return (uint32_t)sizeof(header) - store->in_len;
    memcpy(&header, store->in, sizeof(header));
    if (header.len > XENSTORE_PAYLOAD_MAX)
        return 0;
    return (uint32_t)sizeof(header) + header.len - store->in_len;
}

/* Takes bytes until a message is whole (true) or there are no more. */
static bool store_take(struct rung_xen_store *store, uint32_t *avail)
{
    while (*avail > 0 || store->in_len >= sizeof(struct xsd_sockmsg)) {
        uint32_t lacks = store_lacks(store);
        if (lacks == 0)
            return true;
        uint32_t n = lacks < *avail ? lacks : *avail;
        if (n == 0)
            return false;
        ring_get(store->ring->rsp, store->rsp_cons, store->in + store->in_len, n);
        store->rsp_cons += n;
        store->in_len += n;
        *avail -= n;
    }
    return false;
}

static bool store_too_long(const struct rung_xen_store *store)
{
    struct xsd_sockmsg header;
    memcpy(&header, store->in, sizeof(header));
    return header.len > XENSTORE_PAYLOAD_MAX;
}

/* Takes what has come in and answers it. Whether the other side may be waiting for the room that
 * this made: it had none when it last looked. */
static bool store_receive(struct rung_xen_store *store)
{
    uint32_t taken = 0;
    unsigned life = store->lives;
    bool was_full = false;
    while (taken < STORE_IN_TURN) {
        uint32_t start = store->rsp_cons, avail = RUNG_XEN_READ(store->ring->rsp_prod) - start;
        if (avail > XENSTORE_RING_SIZE) {
            rung_xen_store_lose(store, "its ring has an impossible index");
            return false;
        }
        if (avail == 0)
            return was_full;
        xen_rmb(); /* the index says that the bytes are there */
        bool whole = store_take(store, &avail);
        taken += store->rsp_cons - start;
        xen_mb(); /* they are ours before they may be overwritten */
        RUNG_XEN_WRITE(store->ring->rsp_cons, store->rsp_cons);
        xen_mb();
        was_full |= RUNG_XEN_READ(store->ring->rsp_prod) - start >= XENSTORE_RING_SIZE;
        if (whole && store_too_long(store)) {
            rung_xen_store_lose(store, "it sends a message that is too long");
            return false;
        }
        if (whole)
            rung_xen_store_answer(store);
        if (store->lives != life) /* a callback suspended the guest */
            return false;
    }
    rung_loop_defer(store->x->p, &store->go);
    return was_full;
}

static void store_run(struct rung_xen_store *store)
{
    if (!store->ring || store->lost)
        return;
    unsigned life = store->lives;
    bool notify = store_receive(store);
    if (store->lives != life)
        return;
    notify |= store_send(store);
    if (notify)
        rung_xen_event_notify(&store->event);
}

void rung_xen_store_on_go(struct rung_task *task)
{
    store_run(rung_container_of(task, struct rung_xen_store, go));
}

void rung_xen_store_on_event(struct rung_xen_event *event)
{
    store_run(rung_container_of(event, struct rung_xen_store, event));
}
