/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/store.h - the store client: xenstored's tree of keys over a shared ring.
 * Model    Requests wait in a list, go through the ring (xen/io/xs_wire.h) as there is room, any
 *          number in flight, and are matched with answers by their number. Watches tell that
 *          something at or below a path has changed, and once when they are set. The other side is
 *          not trusted: lengths, numbers and types are checked, an answer to nothing is dropped and
 *          counted, and a ring whose indexes are impossible ends the connection with one line. One
 *          short message is kept for when the heap is full: a program that cannot allocate any
 *          more can still be told to end, one request at a time.
 * Units    Paths and values are NUL-terminated here, at most RUNG_XEN_STORE_MAX bytes; a value with
 *          a NUL inside is cut there.
 * Owner    A request is its caller's memory, and left alone until done() has run; path and value
 *          are copied. The reply is the store's, good until done() returns. A watch is its user's
 *          from watch to unwatch; its path must stay.
 * Context  The loop; done() and changed() never run inside a call.
 * Errors   In done(): NOTFOUND, ACCESS, CHANGED (the transaction lost a race: begin anew), INVAL,
 *          NOMEM, LIMIT, TOOBIG (path and value are too long for a message), DOWN (the connection
 *          is gone, or was lost in a suspend), CORRUPT (the answer makes no sense), and what else
 *          xenstored says. */
#ifndef RUNG_XEN_BUS_STORE_H
#define RUNG_XEN_BUS_STORE_H

#include "rung/loop.h"
#include "xen/bus/event.h"

#define RUNG_XEN_STORE_MAX 4096u /* XENSTORE_PAYLOAD_MAX */

struct rung_xen;

struct rung_xen_store_req { /* the caller's; set op.done and arg */
    struct rung_op op;      /* done(result): the length of reply, or negative */
    void *arg;
    const char *reply;      /* what was read, NUL-terminated; a list: names, each with its NUL */
    /* the store's while in flight */
    struct rung_xen_store_req *next;
    uint32_t id, type;
};

struct rung_xen_store_message; /* the store's own, of the heap */
struct rung_xen_store_watch;

struct rung_xen_watch { /* the user's; set path and changed */
    const char *path;
    /* path_changed: what in or below path, or path itself. May unwatch; may be a false alarm. */
    void (*changed)(struct rung_xen_watch *watch, const char *path_changed);
    /* the store's from watch to unwatch */
    struct rung_xen_watch *next;
    struct rung_xen_store_watch *impl; /* NULL: there was no memory for it yet */
    bool active;
};

struct rung_xen_store {
    struct xenstore_domain_interface *ring; /* NULL: no store */
    struct rung_xen_event event;
    struct rung_xen *x;
    uint32_t req_prod, rsp_cons; /* ours of the ring's indexes: what the page says of them is not
                                    believed */
    uint32_t next_id;
    uint64_t next_token;
    unsigned lives;         /* how often the connection was made or lost */
    struct rung_xen_store_message *out, *out_last; /* not yet wholly in the ring */
    struct rung_xen_store_message *spare;      /* for a full heap; NULL: in the queue */
    struct rung_xen_store_req *waiting;        /* for their answers */
    struct rung_xen_watch *watches;            /* the users' */
    struct rung_xen_store_watch *set;          /* what xenstored has, or is being told */
    struct rung_timer retry;                   /* of watches that could not be set */
    struct rung_task go;
    uint32_t in_len;        /* of the message that is coming in, header included */
    uint8_t in[16 + RUNG_XEN_STORE_MAX + 1];
    uint64_t strays;        /* answers to nothing */
    bool lost;
};

/* The kernel's: ring is the page that Xen names, mapped, or NULL: there is no store, and every
 * request ends with DOWN. port: its event channel. LIMIT, INVAL: see rung_xen_event_adopt(). */
enum rung_err rung_xen_store_init(struct rung_xen *x, struct xenstore_domain_interface *ring,
                                  uint32_t port);

/* Whether nothing is on its way, in the ring or waiting for an answer: when a suspend is best
 * begun, for requests in flight end with DOWN in it. */
bool rung_xen_store_quiet(const struct rung_xen_store *store);

/* The kernel's: after a resume, and after rung_xen_events_resume(). What was in flight ends with
 * DOWN on a later turn; watches are set anew. */
enum rung_err rung_xen_store_resume(struct rung_xen *x, struct xenstore_domain_interface *ring,
                                    uint32_t port);

/* For tests, which end: forgets what is in flight without calling anybody, and frees it. */
void rung_xen_store_fini(struct rung_xen *x);

/* tx: the number of a transaction, or 0. */
void rung_xen_store_read(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                         const char *path);
void rung_xen_store_list(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                         const char *path);
void rung_xen_store_write(struct rung_xen_store *store, struct rung_xen_store_req *req,
                          uint32_t tx, const char *path, const char *value);
void rung_xen_store_remove(struct rung_xen_store *store, struct rung_xen_store_req *req,
                           uint32_t tx, const char *path);

/* begin: reply is the number, in decimal. end: CHANGED if it has to be done once more. */
void rung_xen_store_begin(struct rung_xen_store *store, struct rung_xen_store_req *req);
void rung_xen_store_end(struct rung_xen_store *store, struct rung_xen_store_req *req, uint32_t tx,
                        bool commit);

/* Takes a request back that is in flight: done() does not run, and the request is the caller's
 * again at once; whether it has been carried out is not known. Of one that is not in flight:
 * nothing. */
void rung_xen_store_forget(struct rung_xen_store *store, struct rung_xen_store_req *req);

/* Never fails for the caller: a watch that cannot be set yet is set when it can. Watches survive a
 * suspend, and fire once after it. */
void rung_xen_store_watch(struct rung_xen_store *store, struct rung_xen_watch *watch);
void rung_xen_store_unwatch(struct rung_xen_store *store, struct rung_xen_watch *watch);

#endif
