/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/xen.h - what every driver here shares: event channels, grants, the store.
 * Model    One struct rung_xen for the guest, a member of the platform's own state (and of the fake
 *          hypervisor's), found with rung_xen_of(). The kernel sets p and then calls, in this
 *          order, rung_xen_events_init(), rung_xen_grants_init(), rung_xen_store_init().
 *          A suspend is:
 *              rung_xen_suspending(x);
 *              SCHEDOP_shutdown with SHUTDOWN_suspend; 1: it was called off, and all is as before
 *              rung_xen_events_resume(), rung_xen_grants_resume(), rung_xen_store_resume()
 *              rung_xen_resumed(x);
 * Units    See the headers of the members.
 * Owner    The platform's.
 * Context  The loop.
 * Errors   See the members. */
#ifndef RUNG_XEN_BUS_XEN_H
#define RUNG_XEN_BUS_XEN_H

#include "xen/bus/event.h"
#include "xen/bus/grant.h"
#include "xen/bus/store.h"

struct rung_xen { /* zeroed but for p, before the inits */
    struct rung_platform *p;
    struct rung_xen_events events;
    struct rung_xen_grants grants;
    struct rung_xen_store store;
    struct rung_xen_resumer *resumers; /* whom to tell after a suspend; see below */
};

struct rung_xen *rung_xen_of(struct rung_platform *p);

/* Somebody who has to build things anew after the guest was saved and restored, or migrated: all
 * event channels and grants are gone then, and the other side knows nothing of us. Called in the
 * order of registration, after events, grants and the store work again. */
struct rung_xen_resumer {
    /* May be NULL. Just before; resumed() may not follow, if the suspend is called off. */
    void (*suspending)(struct rung_xen_resumer *resumer);
    void (*resumed)(struct rung_xen_resumer *resumer); /* may remove itself, no other */
    struct rung_xen_resumer *next;
};

void rung_xen_resumer_add(struct rung_xen *x, struct rung_xen_resumer *resumer);
void rung_xen_resumer_remove(struct rung_xen *x, struct rung_xen_resumer *resumer);

/* The kernel's: calls all of them. */
void rung_xen_suspending(struct rung_xen *x);
void rung_xen_resumed(struct rung_xen *x);

/* XEN_E* (negative, as hypercalls give them) in our words; 0 and more are RUNG_OK. */
enum rung_err rung_xen_err(long xen_errno);

/* The same for the names in which xenstored says them: "ENOENT". */
enum rung_err rung_xen_err_named(const char *name);

#endif
