/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/store_impl.h - what the files of the store client share. */
#ifndef RUNG_XEN_BUS_STORE_IMPL_H
#define RUNG_XEN_BUS_STORE_IMPL_H

#include "xen/bus/abi.h"
#include "xen/bus/xen.h"
#include <xen/io/xs_wire.h>

/* One message on its way out. It is the store's own, so that a request can be taken back while its
 * message is half in the ring. */
struct rung_xen_store_message {
    struct rung_xen_store_message *next;
    uint32_t len, done;
    bool spare;      /* goes back to store->spare */
    uint8_t bytes[]; /* header first */
};

/* store.c: a message with a payload of two parts, without its number; NULL: no memory. */
struct rung_xen_store_message *rung_xen_store_message(struct rung_xen_store *store, uint32_t type,
                                                      uint32_t tx, struct rung_vec a,
                                                      struct rung_vec b);

/* store.c: it has been sent, or shall not be. */
void rung_xen_store_message_free(struct rung_xen_store *store,
                                 struct rung_xen_store_message *message);

/* store.c: numbers it, puts it into the queue, and req among those that wait for their answers. */
void rung_xen_store_post(struct rung_xen_store *store, struct rung_xen_store_req *req,
                         struct rung_xen_store_message *message);

/* store_ring.c: sends and receives as much as there is. */
void rung_xen_store_on_go(struct rung_task *task);
void rung_xen_store_on_event(struct rung_xen_event *event);

/* store.c: a whole message is in store->in. */
void rung_xen_store_answer(struct rung_xen_store *store);

/* store.c: the connection ends: all that is in flight with DOWN, later; why NULL: it is not worth a
 * line. */
void rung_xen_store_lose(struct rung_xen_store *store, const char *why);

/* store_watch.c: an event; all watches once more after a resume; none is set any more; the end. */
void rung_xen_store_watch_event(struct rung_xen_store *store, const char *payload, uint32_t len);
void rung_xen_store_watches_set(struct rung_xen_store *store);
void rung_xen_store_watches_lose(struct rung_xen_store *store);
void rung_xen_store_watches_fini(struct rung_xen_store *store);
void rung_xen_store_on_retry(struct rung_timer *timer);

#endif
