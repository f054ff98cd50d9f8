/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/event.h - event channels: how the other side says "look".
 * Model    The two-level ABI (xen/event_channel.h). Every port stays masked: nothing interrupts the
 *          guest, the loop looks at the pending bits once a turn and otherwise waits in
 *          SCHEDOP_poll, which wakes for masked ports too. A handler must be ready to run without
 *          a reason, for a hostile peer may notify as often as it likes; one run per turn each.
 * Units    Ports.
 * Owner    The event is its user's memory, from open to close.
 * Context  The loop. fn runs from the loop, never inside a call.
 * Errors   LIMIT: no more ports. */
#ifndef RUNG_XEN_BUS_EVENT_H
#define RUNG_XEN_BUS_EVENT_H

#include "rung/loop.h"

#define RUNG_XEN_EVENT_MAX 64u /* open at once; SCHEDOP_poll takes 128 */

struct rung_xen_event { /* zeroed: closed */
    /* May open and close events, this one too. */
    void (*fn)(struct rung_xen_event *event);
    uint32_t port; /* 0: closed */
};

struct rung_xen_events {
    struct shared_info *shared; /* xen/xen.h; the page that Xen sets bits in */
    struct rung_xen_event *open[RUNG_XEN_EVENT_MAX];
    unsigned count;             /* of open[] that is in use; there may be NULLs among them */
};

struct rung_xen;

/* The kernel's: before any other call. Masks every port. shared: mapped, and stays so. */
void rung_xen_events_init(struct rung_xen *x, struct shared_info *shared);

/* The kernel's: after a resume, with the page mapped anew. All ports are gone: their events are as
 * closed, and it is for their users (resumers, the store) to open new ones. */
void rung_xen_events_resume(struct rung_xen *x, struct shared_info *shared);

/* Opens a port that domain remote may bind to. LIMIT; DOWN: Xen refuses for another reason. */
enum rung_err rung_xen_event_open(struct rung_xen *x, struct rung_xen_event *event,
                                  uint16_t remote);

/* Takes over a port that Xen or the toolstack has made (console, store). LIMIT; INVAL: no port has
 * this number. */
enum rung_err rung_xen_event_adopt(struct rung_xen *x, struct rung_xen_event *event,
                                   uint32_t port);

/* Says "look" to the other side. One hypercall. For a closed event nothing. */
void rung_xen_event_notify(const struct rung_xen_event *event);

/* Ends it: fn does not run any more. Closing a closed one does nothing. */
void rung_xen_event_close(struct rung_xen *x, struct rung_xen_event *event);

/* Forgets the port without a hypercall: after a resume it is nobody's. Of a closed one: nothing. */
void rung_xen_event_forget(struct rung_xen *x, struct rung_xen_event *event);

/* For the loop: whether some port is pending; runs fn for those that are, each at most once (false:
 * there was none); waits until one is, or until deadline_ns of Xen's system time, UINT64_MAX: for
 * ever. A deadline that has passed does not wait. */
bool rung_xen_events_pending(const struct rung_xen_events *events);
bool rung_xen_events_run(struct rung_xen_events *events);
void rung_xen_events_wait(struct rung_xen_events *events, uint64_t deadline_ns);

#endif
