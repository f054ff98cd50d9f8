/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/device.h - a split device: our half of the handshake over the store (xenbus).
 * Model    A front end at device/<kind>/<id> and its back end, each with a state that the other
 *          watches (xen/io/xenbus.h). This file walks the states; the driver says what to publish
 *          and what to read. A back end may be missing at first, close, vanish, come back, or walk
 *          its states in any order; after a suspend all starts anew. What an earlier owner of the
 *          device left behind (a state that is not Initialising) is closed first.
 *
 *              WAITING -> back end is in InitWait (or, for a disk, Initialised) -> READING ->
 *              driver->connect() publishes -> CONNECTING -> back end Connected ->
 *              driver->connected() -> RUNNING -> back end Closing/Closed/gone ->
 *              driver->disconnected() -> WAITING
 *
 *          A back end that closed is asked to open again (we say Initialising) if the toolstack
 *          still has it online. Before connect() runs once more, the pages that the back end kept
 *          mapped from the time before (orphans, grant.h) must have come back but for a few: one
 *          that never lets go cannot eat the memory.
 * Units    Paths of the store; states of xen/io/xenbus.h.
 * Owner    The device is a member of the driver's own state, from open to done(close).
 * Context  The loop. The driver's functions run from the loop, never inside a call.
 * Errors   Listed per call. A value that makes no sense costs the device, with one line. */
#ifndef RUNG_XEN_BUS_DEVICE_H
#define RUNG_XEN_BUS_DEVICE_H

#include "xen/bus/xen.h"

#define RUNG_XEN_PAIRS 48u         /* room for what connect() publishes */
#define RUNG_XEN_DEVICE_ORPHANS 8u /* pages kept mapped, up to which a back end is tried again */

enum rung_xen_device_state {
    RUNG_XEN_WAITING,    /* for a back end */
    RUNG_XEN_READING,    /* its keys, to publish ours */
    RUNG_XEN_CONNECTING, /* published; for the back end to connect */
    RUNG_XEN_RUNNING,
    RUNG_XEN_CLOSING,
    RUNG_XEN_CLOSED,
    RUNG_XEN_BROKEN,     /* given up: rung_xen_device_fail() */
};

struct rung_xen_key {    /* one key of the back end's or our own folder */
    const char *name;
    bool ours;           /* in our own folder (mac, mtu, trusted), else the back end's */
    char value[64];      /* NUL-terminated; "" if it is not there; longer ones are cut */
};

struct rung_xen_pair {   /* one key to publish; name may be "queue-0/ring-ref" */
    char name[32];
    char value[32];
};

struct rung_xen_device;
struct rung_xen_driver {
    const char *kind;         /* "vif", "vbd" */
    bool answers_late;        /* as a disk: we publish as Initialised, and read the keys again when
                                 the back end has connected */
    /* The keys have been read into keys[]. Makes rings and an event channel for back end
     * device->remote, and fills pairs (room: RUNG_XEN_PAIRS); returns how many, or an error, which
     * fails the device; then nothing is left behind, and disconnected() does not run. CHANGED: it
     * is another device than before; the next in its place may be the right one. */
    int (*connect)(struct rung_xen_device *device, struct rung_xen_pair *pairs, unsigned room);
    /* The back end is connected; with answers_late the keys have been read once more. An error
     * fails the device, but CHANGED: as for connect(). */
    enum rung_err (*connected)(struct rung_xen_device *device);
    /* The back end has gone, or is going, or the guest was resumed (then grants and ports are
     * nobody's any more): everything that connect() made is to be let go of. Requests in flight
     * are the driver's to fail or to keep for later. Runs once for each connect() that went
     * well. */
    void (*disconnected)(struct rung_xen_device *device, bool resumed);
    /* The state has settled anew (RUNNING, WAITING after it ran, BROKEN); may be NULL. */
    void (*changed)(struct rung_xen_device *device);
    /* While RUNNING, the back end has said Connected once more: some key may be different (a disk
     * has grown). The keys have been read again. May be NULL. */
    void (*refreshed)(struct rung_xen_device *device);
};

struct rung_xen_device { /* the driver's; set driver, who, keys and key_count */
    const struct rung_xen_driver *driver;
    const char *who;            /* for logs: the slot */
    const char *called;         /* for logs: the id as the user gave it; NULL: as it is */
    struct rung_xen_key *keys;
    unsigned key_count;
    /* the bus's; the driver reads id, remote, state, front, back */
    struct rung_xen *x;
    char id[16];
    uint16_t remote;            /* the back end's domain */
    enum rung_xen_device_state state;
    unsigned back_state;        /* enum xenbus_state, 0 if there is none */
    char front[48], back[96];   /* folders; back "" until it is known */
    struct rung_xen_device_impl *impl; /* device_*.c's own, of the heap */
};

/* Finds the device and starts the handshake. id: as in xenstore ("0", "51712"), or NULL for the
 * index-th of its kind in numeric order. Waits, running the loop, until it is RUNNING or timeout_ns
 * is over. NOTFOUND: there is no such device; TIMEDOUT: its back end did not connect; CANCELED: the
 * loop was stopped (and stays so for the next run); NOMEM; DOWN: there is no store, or the device
 * failed. All logged; then nothing is left behind. Not from a callback. */
enum rung_err rung_xen_device_open(struct rung_xen_device *device, struct rung_platform *p,
                                   const char *id, unsigned index, uint64_t timeout_ns);

/* For a driver that finds the other side out: logs why; the device is BROKEN at once and stays so.
 * Later, from the loop: disconnected(), changed(), and Closed is published. Safe inside any call,
 * and for a device that is not RUNNING. */
void rung_xen_device_fail(struct rung_xen_device *device, const char *why);

/* Publishes Closing, waits for the back end to follow, the same with Closed (one second at most in
 * all), runs disconnected() if there is something to disconnect, and lets go; op->done(0). So a
 * back end that is well has unmapped everything when disconnected() runs. The state is CLOSING at
 * once, and no other function of the driver runs meanwhile. */
void rung_xen_device_close(struct rung_xen_device *device, struct rung_op *op);

/* The value of a key: its text, or ""; as a number (decimal), absent if there is none or it is
 * none. */
const char *rung_xen_device_text(const struct rung_xen_device *device, const char *name);
uint64_t rung_xen_device_number(const struct rung_xen_device *device, const char *name,
                                uint64_t absent);

/* The number that a text begins with, in decimal; 0 if it begins with none. strtoul() would bring
 * 2 KiB of musl with it, for bases, signs and streams. */
uint64_t rung_xen_decimal(const char *text);

#endif
