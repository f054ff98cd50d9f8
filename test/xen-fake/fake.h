/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake.h - a hypervisor, a xenstored and the back ends' half of a device, in a Unix
 * process.
 * Model    Implements backends/xen/hypercall.h and rung_xen_of() for one guest, on a virtual
 *          platform (virtual/virtual.h), so that bus, netfront and blkfront run as they are under
 *          sanitizers and fuzzers. Everything that the other side would do on its own (xenstored's
 *          answers, a back end's handler after a notification, the guest's event handlers) runs
 *          from tasks of that platform's loop: test_run_turns(), rung_virtual_advance_ns() and
 *          rung_loop_run() drive it all, in one thread, always in the same order.
 *
 *              struct rung_platform *p = test_platform_new();
 *              struct fake *fake = fake_new(p, NULL);
 *              fake_device_add(fake, "vif", "0");
 *              fake_backend_start(fake, &backend);          // yours: connect, disconnect
 *              rung_netfront_open(&front, p, &keys, &needs);    // runs the loop by itself
 *              ...
 *              close the front end; fake_free(fake); test_platform_free(p);
 *
 *          What a guest must never do ends the program with a line "fake: ..." and abort(): a page
 *          given back while it is lent or mapped, a grant changed while mapped, a page given back
 *          twice, a notification on a port that is not open, a grant or port or page or heap block
 *          of the bus left over in fake_free(). What a peer does wrong is an error from these
 *          calls, for a test to see.
 * Units    As in Xen: references, ports, domain numbers, frames of 4 KiB. Store paths are absolute
 *          ("/local/domain/7/device/vif/0/state"), see fake_front() and fake_back().
 * Owner    Structures handed in (ports, watches, back ends) are the test's, from the call that
 *          starts them to the one that ends them, or to fake_free().
 * Context  Anywhere unless a call says otherwise. One fake at a time in a process.
 * Errors   Running out of the host's memory ends the program. */
#ifndef FAKE_H
#define FAKE_H

#include "xen/bus/xen.h"

struct fake;

struct fake_config {           /* zero: the default in brackets */
    uint16_t domid;            /* the guest's own [7] */
    uint64_t first_frame;      /* pages get frame numbers from here on [0x1000]; above 0xffffffff
                                  the bus chooses grant table version 2 */
    uint32_t grant_frames;     /* how far the grant table can grow [32]; a frame has 512 entries */
    uint32_t pages;            /* what rung_xen_page_get() can have out at once [4096] */
    uint32_t ports;            /* event channels at once [128] */
    bool no_store;             /* the guest finds no xenstored */
};

/* Makes the hypervisor and the bus of a guest (struct rung_xen is ready to use: events, grants,
 * store) on p, a virtual platform of the caller's. config may be NULL. */
struct fake *fake_new(struct rung_platform *p, const struct fake_config *config);

/* Ends the bus, checks that the guest has let go of everything (see above), and frees. The fake's
 * own back ends are stopped, watches and ports of tests forgotten. Not from a callback. */
void fake_free(struct fake *fake);

struct rung_platform *fake_platform(struct fake *fake);
struct rung_xen *fake_xen(struct fake *fake); /* what rung_xen_of() gives */
uint16_t fake_domid(const struct fake *fake);

/* Runs turns at the present time until nothing is left to do but timers (or 100000 turns). Not
 * from a callback. */
void fake_settle(struct fake *fake);

/* ---- Pages and frames: fake_page.c ---- */

/* How many pages of rung_xen_page(s)_get() are out. */
uint32_t fake_pages_out(const struct fake *fake);

/* Makes the n-th page asked for from now on fail, once (1: the next); 0: none. */
void fake_pages_fail_after(struct fake *fake, uint32_t n);

/* ---- Grants as another domain uses them: fake_grant.c ---- */

/* Maps the page behind ref, which the guest has lent to domain domid. NULL: there is no such
 * grant, it is another domain's, or read-only and write was asked for. The pointer is the guest's
 * own page, whole: what the sanitizer poisons around a smaller block of the heap stays poisoned.
 * The same grant can be mapped many times; it stays in use until as many unmaps. */
void *fake_map(struct fake *fake, uint16_t domid, uint32_t ref, bool write);
void fake_unmap(struct fake *fake, uint32_t ref);

/* GNTTABOP_copy, as netback does it: len bytes from or to the page behind ref, at offset. False: as
 * for fake_map(), or offset + len lies beyond the page; nothing is copied then. */
bool fake_copy_from(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset, void *to,
                    uint32_t len);
bool fake_copy_to(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset,
                  const void *from, uint32_t len);
/* fake_copy_from() for a back end that reads what is not its business: other bytes of the page,
 * which the sanitizer may have poisoned, are there for whoever it is lent to. */
bool fake_peek(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset, void *to,
               uint32_t len);

/* Grants that are open / mapped at the moment, Xen's own not counted. */
uint32_t fake_grants_open(const struct fake *fake);
uint32_t fake_grants_mapped(const struct fake *fake);

/* ---- Event channels as another domain uses them: fake_event.c ---- */

struct fake_port {
    /* The guest has notified; from the loop. Many notifications before it runs are one. */
    void (*fn)(struct fake_port *port);
    void *arg;            /* the test's */
    uint32_t guest;       /* the fake's from here on: the guest's port, 0: not bound */
    bool pending;
    struct fake_port *next;
};

/* Binds to the guest's port, which it has opened for domain domid. False: there is no such port,
 * it is another domain's, or bound already. */
bool fake_bind(struct fake *fake, struct fake_port *port, uint16_t domid, uint32_t guest_port);
void fake_unbind(struct fake *fake, struct fake_port *port); /* of an unbound one: nothing */

/* Notifies the guest; its handler runs on a later turn. */
void fake_notify(struct fake *fake, struct fake_port *port);

/* Sets a pending bit of the guest's, bound or not, as Xen would for a spurious event. */
void fake_raise(struct fake *fake, uint32_t guest_port);

/* How many ports the guest has open, the store's among them. */
uint32_t fake_ports_open(const struct fake *fake);

/* Hypercalls so far: notifications, and all of them. For counting what a batch costs. */
uint64_t fake_notifications(const struct fake *fake);
uint64_t fake_hypercalls(const struct fake *fake);

/* ---- The store, as dom0 uses it: fake_store.c ---- */

/* The absolute path of a key of the guest's device folder, and of its back end's ("" : the folder
 * itself). In a ring of 16 texts: good until the 16th call after it. */
const char *fake_front(struct fake *fake, const char *kind, const char *id, const char *key);
const char *fake_back(struct fake *fake, const char *kind, const char *id, const char *key);

/* Writes a key, and the folders above it; fires watches, the guest's and the test's. */
void fake_store_write(struct fake *fake, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The value, NUL-terminated (good until it is written or removed), or NULL if there is none. */
const char *fake_store_read(struct fake *fake, const char *path);

/* The value as a number; absent if there is none, or it is none. */
uint64_t fake_store_number(struct fake *fake, const char *path, uint64_t absent);

/* Removes a key with everything below. */
void fake_store_remove(struct fake *fake, const char *path);

struct fake_watch {
    const char *path;     /* stays the test's, and in place */
    /* Something at or below path has been changed, by anybody; from the loop. Many changes before
     * it runs are one. */
    void (*changed)(struct fake_watch *watch);
    void *arg;            /* the test's */
    bool pending;         /* the fake's from here on */
    struct fake_watch *next;
};

/* Runs once soon after it is set, as Xen's do. */
void fake_store_watch(struct fake *fake, struct fake_watch *watch);
void fake_store_unwatch(struct fake *fake, struct fake_watch *watch);

/* How many watches and transactions the guest has open, and requests it has made. */
uint32_t fake_guest_watches(const struct fake *fake);
uint32_t fake_guest_transactions(const struct fake *fake);
uint64_t fake_guest_requests(const struct fake *fake);

/* What xenstored does wrong or late, until changed: */
struct fake_store_faults {
    uint32_t conflicts;   /* so many ends of transactions from now on give EAGAIN */
    uint32_t errors;      /* so many requests from now on give error */
    uint32_t error_type;  /* only requests of this type (XS_READ...), if not 0 */
    const char *error;    /* "ENOENT", or nonsense */
    uint32_t trickle;     /* bytes handled each way per turn [all]: messages come in parts */
    bool silent;          /* reads nothing, answers nothing */
    bool reverse;         /* answers what it has read in one turn in the opposite order */
    bool event_before;    /* fires watches before it answers the request that made them fire */
};
struct fake_store_faults *fake_store_faults(struct fake *fake);

/* Puts raw bytes into the ring to the guest, as much as fits (returns how much), and notifies. */
uint32_t fake_store_raw(struct fake *fake, const void *bytes, uint32_t len);

/* The ring itself, to spoil its indexes; and the notification that makes the guest look. */
struct xenstore_domain_interface *fake_store_ring(struct fake *fake);
void fake_store_notify(struct fake *fake);

/* ---- Devices as the toolstack makes and removes them: fake_device.c ---- */

/* Both folders as `xl` makes them: front end: backend, backend-id, state 1, handle (vif),
 * virtual-device and device-type (vbd); back end: frontend, frontend-id, online 1, state 1. What
 * else the device has (mac, sectors, features) the test writes after it. Back ends live in domain
 * 0. A device that exists is made anew. */
void fake_device_add(struct fake *fake, const char *kind, const char *id);

/* Hot-unplug at its end: both folders go at once. For an orderly one: fake_backend_unplug(). */
void fake_device_remove(struct fake *fake, const char *kind, const char *id);

/* The states as the store has them (enum xenbus_state; 0: there is none). */
unsigned fake_front_state(struct fake *fake, const char *kind, const char *id);
unsigned fake_back_state(struct fake *fake, const char *kind, const char *id);

/* A back end that walks its states as Linux's do: InitWait for a new front end; when the front
 * end publishes, connect() and Connected; disconnect(), Closing and Closed when it closes; InitWait
 * again when it returns. */
struct fake_backend {
    const char *kind, *id;
    /* The front end has published (it is Initialised, as a disk, or Connected): map its rings
     * (fake_map), bind to its port (fake_bind). False: what it published is no good, and nothing
     * is held; the state becomes Closing. */
    bool (*connect)(struct fake_backend *backend);
    /* Unmap, unbind; after each connect() that gave true, once. */
    void (*disconnect)(struct fake_backend *backend);
    void *arg;            /* the test's */
    bool manual;          /* writes no state: the test does it; see fake_backend_state() */
    /* the fake's from here on */
    struct fake *fake;
    struct fake_watch watch;
    char path[96];        /* of the front end's state */
    bool started, connected;
    unsigned state;
    struct fake_backend *next;
};

/* Starts it on a device that fake_device_add() has made: watches the front end, and says InitWait
 * as soon as the loop runs. */
void fake_backend_start(struct fake *fake, struct fake_backend *backend);

/* Ends it without a word, as a driver domain that dies: the store is left as it is; disconnect()
 * runs if it was connected. */
void fake_backend_stop(struct fake_backend *backend);

/* Writes the back end's state; disconnects first for anything but Connected. */
void fake_backend_state(struct fake_backend *backend, unsigned state);

/* What `xl network-detach` begins with: online 0, state Closing. When the front end has closed, the
 * back end closes as well; then fake_device_remove(). */
void fake_backend_unplug(struct fake_backend *backend);

/* ---- Suspend and resume: fake.c ---- */

/* The guest is saved and restored: suspending() of its resumers; back ends that were started are
 * disconnected; every port, grant, mapping, watch and transaction ends, the ring of the store is
 * empty, all devices' states are those of fake_device_add(); then the guest's resume, and back ends
 * that were started are there again. Not from a callback. */
void fake_suspend(struct fake *fake);

#endif
