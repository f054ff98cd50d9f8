/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/store.c - the store client: requests and their answers. */
#include "xen/bus/store_impl.h"

#include "rung/heap.h"
#include "rung/log.h"

/* What fits into the message that is kept for a full heap: paths and values of devices do. */
#define STORE_SPARE 256u

static struct rung_vec text_part(const char *text, size_t extra)
{
    union { const char *in; void *out; } no_write = {text}; /* a vec is for both directions */
    return (struct rung_vec){no_write.out, strlen(text) + extra};
}

static struct rung_xen_store_message *message_alloc(struct rung_xen_store *store, size_t payload)
{
    struct rung_xen_store_message *message =
        rung_alloc(store->x->p, sizeof(*message) + sizeof(struct xsd_sockmsg) + payload);
    if (message)
        message->spare = false;
    return message;
}

static void message_fill(struct rung_xen_store_message *message, uint32_t type, uint32_t tx,
                         struct rung_vec a, struct rung_vec b)
{
    struct xsd_sockmsg header = {.type = type, .tx_id = tx, .len = (uint32_t)(a.len + b.len)};
    message->next = NULL;
    message->len = (uint32_t)sizeof(header) + header.len;
    message->done = 0;
    memcpy(message->bytes, &header, sizeof(header));
    memcpy(message->bytes + sizeof(header), a.base, a.len);
    if (b.len > 0)
        memcpy(message->bytes + sizeof(header) + a.len, b.base, b.len);
}

struct rung_xen_store_message *rung_xen_store_message(struct rung_xen_store *store, uint32_t type,
                                                      uint32_t tx, struct rung_vec a,
                                                      struct rung_vec b)
{
    struct rung_xen_store_message *message = message_alloc(store, a.len + b.len);
    if (message)
        message_fill(message, type, tx, a, b);
    return message;
}

void rung_xen_store_message_free(struct rung_xen_store *store,
                                 struct rung_xen_store_message *message)
{
    if (message->spare)
        store->spare = message;
    else
        rung_free(store->x->p, message);
}

/* The one that is kept for a full heap, if it is there and long enough. */
static struct rung_xen_store_message *store_spare(struct rung_xen_store *store, size_t payload)
{
    struct rung_xen_store_message *message = store->spare;
    if (payload > STORE_SPARE)
        return NULL;
    store->spare = NULL;
    return message;
}

void rung_xen_store_post(struct rung_xen_store *store, struct rung_xen_store_req *req,
                         struct rung_xen_store_message *message)
{
    struct rung_xen_store_req **at = &store->waiting;
    struct xsd_sockmsg header;
    memcpy(&header, message->bytes, sizeof(header));
    req->id = header.req_id = store->next_id++;
    req->type = header.type;
    memcpy(message->bytes, &header, sizeof(header));
    if (store->out)
        store->out_last->next = message;
    else
        store->out = message;
    store->out_last = message;
    while (*at) /* they are few, and answered in this order */
        at = &(*at)->next;
    req->next = NULL;
    *at = req;
    rung_loop_defer(store->x->p, &store->go);
}

static void store_submit(struct rung_xen_store *store, struct rung_xen_store_req *req,
                         uint32_t type, uint32_t tx, struct rung_vec a, struct rung_vec b)
{
    struct rung_xen_store_message *message = NULL;
    enum rung_err err = RUNG_E_NOMEM;
    req->reply = "";
    req->op.cancel = NULL;
    if (!store->ring || store->lost)
        err = RUNG_E_DOWN;
    else if (a.len + b.len > XENSTORE_PAYLOAD_MAX)
        err = RUNG_E_TOOBIG;
    else if (!(message = message_alloc(store, a.len + b.len)))
        message = store_spare(store, a.len + b.len);
    if (!message) {
        rung_op_finish(store->x->p, &req->op, err);
        return;
    }
    message_fill(message, type, tx, a, b);
    rung_xen_store_post(store, req, message);
}

void rung_xen_store_read(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                         const char *path)
{
    store_submit(store, req, XS_READ, tx, text_part(path, 1), (struct rung_vec){0});
}

void rung_xen_store_list(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                         const char *path)
{
    store_submit(store, req, XS_DIRECTORY, tx, text_part(path, 1), (struct rung_vec){0});
}

void rung_xen_store_write(struct rung_xen_store *store, struct rung_xen_store_req *req,
                          uint32_t tx, const char *path, const char *value)
{
    store_submit(store, req, XS_WRITE, tx, text_part(path, 1), text_part(value, 0));
}

void rung_xen_store_remove(struct rung_xen_store *store, struct rung_xen_store_req *req,
                           uint32_t tx, const char *path)
{
    store_submit(store, req, XS_RM, tx, text_part(path, 1), (struct rung_vec){0});
}

void rung_xen_store_begin(struct rung_xen_store *store, struct rung_xen_store_req *req)
{
    store_submit(store, req, XS_TRANSACTION_START, 0, text_part("", 1), (struct rung_vec){0});
}

void rung_xen_store_end(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                        bool commit)
{
    store_submit(store, req, XS_TRANSACTION_END, tx, text_part(commit ? "T" : "F", 1),
                 (struct rung_vec){0});
}

void rung_xen_store_forget(struct rung_xen_store *store, struct rung_xen_store_req *req)
{
    struct rung_xen_store_req **at = &store->waiting;
    rung_loop_undefer(store->x->p, &req->op.task);
    while (*at && *at != req)
        at = &(*at)->next;
    if (*at)
        *at = req->next;
}

/* A number of a transaction: decimal, not 0, 32 bits. */
static bool store_is_number(const char *text)
{
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9' && value <= UINT32_MAX; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return *text == '\0' && value > 0 && value <= UINT32_MAX;
}

static int store_result(const struct rung_xen_store_req *req, uint32_t type, const char *payload,
                        uint32_t len)
{
    if (type == XS_ERROR)
        return rung_xen_err_named(payload);
    if (type != req->type)
        return RUNG_E_CORRUPT;
    if (type == XS_TRANSACTION_START && !store_is_number(payload))
        return RUNG_E_CORRUPT;
    if (type != XS_DIRECTORY)
        return (int)strlen(payload);
    return len > 0 && payload[len - 1] != '\0' ? RUNG_E_CORRUPT : (int)len;
}

void rung_xen_store_answer(struct rung_xen_store *store)
{
    struct xsd_sockmsg header;
    struct rung_xen_store_req **at = &store->waiting;
    char *payload = (char *)store->in + sizeof(header);
    memcpy(&header, store->in, sizeof(header));
    payload[header.len] = '\0';
    store->in_len = 0; /* nothing is read before the callbacks are through */
    if (header.type == XS_WATCH_EVENT) {
        rung_xen_store_watch_event(store, payload, header.len);
        return;
    }
    while (*at && (*at)->id != header.req_id)
        at = &(*at)->next;
    struct rung_xen_store_req *req = *at;
    if (!req) {
        store->strays++;
        return;
    }
    *at = req->next;
    int result = store_result(req, header.type, payload, header.len);
    req->reply = result < 0 ? "" : payload;
    req->op.done(&req->op, result);
}

static void store_free_out(struct rung_xen_store *store)
{
    while (store->out) {
        struct rung_xen_store_message *message = store->out;
        store->out = message->next;
        rung_xen_store_message_free(store, message);
    }
}

void rung_xen_store_lose(struct rung_xen_store *store, const char *why)
{
    if (why)
        rung_log(store->x->p, RUNG_LOG_ERROR, "store",
                 "the connection to xenstored is given up: %s; devices cannot change any more",
                 why);
    store->lost = true;
    store->lives++;
    store->in_len = 0;
    store_free_out(store);
    rung_loop_undefer(store->x->p, &store->go);
    rung_xen_event_forget(store->x, &store->event);
    while (store->waiting) {
        struct rung_xen_store_req *req = store->waiting;
        store->waiting = req->next;
        rung_op_finish(store->x->p, &req->op, RUNG_E_DOWN);
    }
    rung_xen_store_watches_lose(store);
}

/* What somebody else has left in the ring is passed over: it is no answer to us. */
static enum rung_err store_connect(struct rung_xen_store *store,
                                   struct xenstore_domain_interface *ring, uint32_t port)
{
    store->ring = ring;
    store->lost = ring == NULL;
    store->lives++;
    if (!ring)
        return RUNG_OK;
    store->req_prod = RUNG_XEN_READ(ring->req_prod);
    store->rsp_cons = RUNG_XEN_READ(ring->rsp_prod);
    RUNG_XEN_WRITE(ring->rsp_cons, store->rsp_cons);
    enum rung_err err = rung_xen_event_adopt(store->x, &store->event, port);
    store->lost = err != RUNG_OK;
    return err;
}

enum rung_err rung_xen_store_init(struct rung_xen *x, struct xenstore_domain_interface *ring,
                                  uint32_t port)
{
    memset(&x->store, 0, sizeof(x->store));
    x->store.x = x;
    x->store.event.fn = rung_xen_store_on_event;
    x->store.go.fn = rung_xen_store_on_go;
    x->store.retry.fn = rung_xen_store_on_retry;
    x->store.next_id = 1;
    x->store.next_token = 1;
    if (ring && (x->store.spare = message_alloc(&x->store, STORE_SPARE)))
        x->store.spare->spare = true;
    return store_connect(&x->store, ring, port);
}

enum rung_err rung_xen_store_resume(struct rung_xen *x, struct xenstore_domain_interface *ring,
                                    uint32_t port)
{
    rung_xen_store_lose(&x->store, NULL);
    enum rung_err err = store_connect(&x->store, ring, port);
    rung_xen_store_watches_set(&x->store);
    return err;
}

bool rung_xen_store_quiet(const struct rung_xen_store *store)
{
    if (!store->ring || store->lost)
        return true;
    return !store->out && !store->waiting && store->in_len == 0
           && RUNG_XEN_READ(store->ring->rsp_prod) == store->rsp_cons;
}

void rung_xen_store_fini(struct rung_xen *x)
{
    struct rung_xen_store *store = &x->store;
    store_free_out(store);
    rung_free(x->p, store->spare);
    store->spare = NULL;
    store->waiting = NULL;
    rung_loop_undefer(x->p, &store->go);
    rung_xen_store_watches_fini(store);
    rung_xen_event_forget(x, &store->event);
    store->ring = NULL;
    store->lost = true;
}
