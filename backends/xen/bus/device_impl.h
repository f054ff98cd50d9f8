/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/device_impl.h - what the files of device.h share; nobody else includes it.
 * Model    A device has one errand to the store at a time: looking where the back end stands,
 *          reading keys, publishing, or saying a state. Within a part of an errand requests go side
 *          by side; when the last has been answered the next part begins, or then() runs, with the
 *          first error among them. Watches only set look, and the next free moment looks again. */
#ifndef RUNG_XEN_BUS_DEVICE_IMPL_H
#define RUNG_XEN_BUS_DEVICE_IMPL_H

#include "xen/bus/device.h"

struct device_ask { /* one request of an errand */
    struct rung_xen_store_req req;
    struct rung_xen_device_impl *impl;
    char *into; /* where the answer goes, of size bytes; NULL: it does not matter */
    size_t size;
    bool may_miss; /* NOTFOUND is an empty answer */
};

struct rung_xen_device_impl {
    struct rung_xen_device *device;
    struct rung_xen_resumer resumer;
    struct rung_xen_watch back_watch, front_watch;
    char back_state_path[112], front_back_path[64]; /* what they watch */
    struct rung_task walk;   /* goes on, from the loop */
    struct rung_timer pause; /* before trying once more */
    struct rung_timer patience; /* of opening and of closing */
    /* the errand */
    struct device_ask *asks; /* room for the keys, and for what is published with its state */
    unsigned ask_count, asked;
    enum rung_err error;
    void (*then)(struct rung_xen_device_impl *impl, enum rung_err err); /* NULL: no errand */
    void (*part)(struct rung_xen_device_impl *impl); /* what the errand goes on with; NULL: ends */
    uint32_t tx;
    char number[16];         /* of the transaction, as it comes */
    struct rung_xen_device_sight {
        char back[96], remote[16], state[16], online[16], said[16];
    } sight;                 /* what a look sees */
    struct rung_xen_pair pairs[RUNG_XEN_PAIRS + 1]; /* the last one is our state */
    unsigned pair_count;
    /* the walk */
    unsigned said;           /* our own state, as the store has it; 0: not known */
    bool look;               /* something has changed */
    bool nudged;             /* the back end has said its state, be it the same one */
    bool linked;             /* connect() went well, and disconnected() has not run */
    bool failing;            /* BROKEN, and the driver has not been told */
    uint8_t shunned;         /* the driver knows another device; see walk_shuns() */
    bool late;               /* patience is over: opening has failed, closing goes on alone */
    bool online;             /* the toolstack has the device on */
    bool opening;            /* rung_xen_device_open() runs the loop */
    uint32_t orphans;        /* pages that this back end has kept */
    struct rung_op *closing;
};

/* device_store.c */
enum rung_err rung_xen_device_impl_new(struct rung_xen_device *device, struct rung_platform *p);
void rung_xen_device_impl_free(struct rung_xen_device_impl *impl);
bool rung_xen_device_busy(const struct rung_xen_device_impl *impl);

/* Forgets the errand; then() does not run. */
void rung_xen_device_stop(struct rung_xen_device_impl *impl);

/* Errands. look: sight; read: the driver's keys; publish: pairs[] and our state, in a transaction
 * that is done again as long as it loses races; say: our state alone. */
void rung_xen_device_look(struct rung_xen_device_impl *impl,
                          void (*then)(struct rung_xen_device_impl *impl, enum rung_err err));
void rung_xen_device_read(struct rung_xen_device_impl *impl,
                          void (*then)(struct rung_xen_device_impl *impl, enum rung_err err));
void rung_xen_device_publish(struct rung_xen_device_impl *impl, unsigned state,
                             void (*then)(struct rung_xen_device_impl *impl, enum rung_err err));
void rung_xen_device_say(struct rung_xen_device_impl *impl, unsigned state,
                         void (*then)(struct rung_xen_device_impl *impl, enum rung_err err));

/* device_walk.c: takes the next step; lets the driver let go, if it holds anything; looks anew,
 * from the loop. */
void rung_xen_device_walk(struct rung_task *task);
void rung_xen_device_disconnect(struct rung_xen_device_impl *impl, bool resumed);
void rung_xen_device_again(struct rung_xen_device_impl *impl);

/* device.c: the back end's folder is another one; tells the driver and whoever opens the device
 * that the state has settled; ends watches and timers, and frees impl. */
void rung_xen_device_set_back(struct rung_xen_device_impl *impl, const char *back);
void rung_xen_device_settled(struct rung_xen_device_impl *impl);
void rung_xen_device_end(struct rung_xen_device_impl *impl);

#endif
