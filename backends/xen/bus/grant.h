/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/grant.h - grants: pages that another domain may read or write for a while.
 * Model    An entry of the grant table for each page that is lent. Giving one out is three writes
 *          to memory and no hypercall; ending one is a compare-and-swap that fails as long as the
 *          other side has the page mapped. Version 1, or 2 where frames do not fit in 32 bits;
 *          chosen at boot. The table grows by pages as far as Xen lets it; a page of ours is given
 *          to Xen for each. Free entries are linked through their own frame fields, which nobody
 *          reads while they are free: no memory of ours per entry.
 * Units    References (grant_ref_t); whole pages.
 * Owner    A page is its user's; while it is lent it must not be freed or used for anything else.
 * Context  Any callback.
 * Errors   0 is no reference (the first ones are Xen's own): the table is full. */
#ifndef RUNG_XEN_BUS_GRANT_H
#define RUNG_XEN_BUS_GRANT_H

#include "rung/loop.h"

#define RUNG_XEN_NO_GRANT 0u
#define RUNG_XEN_GRANT_FRAMES 64u /* of the table at most: 32,768 entries of version 1 */

struct rung_xen_orphan; /* see rung_xen_grant_orphan() */

struct rung_xen_grants {
    void *table[RUNG_XEN_GRANT_FRAMES];  /* its frames, of the version chosen */
    void *status[RUNG_XEN_GRANT_FRAMES]; /* version 2: what is in use */
    uint32_t frames, max_frames;
    uint32_t free;         /* the first free entry, 0: none */
    uint32_t free_count;
    uint32_t in_use;       /* without Xen's own; a leak test looks at it */
    uint8_t version;       /* 1 or 2; 0: there is no table */
    struct rung_xen_orphan *orphans;
    uint32_t orphan_count;
    uint32_t *charge;      /* device.c: whom new orphans are counted for, besides */
    struct rung_timer retry;
};

struct rung_xen;

/* The kernel's: sets the table up, with one frame. last_frame: the highest that a page of ours can
 * have; it decides the version. NOMEM; DOWN: Xen refuses. Both logged. */
enum rung_err rung_xen_grants_init(struct rung_xen *x, uint64_t last_frame);

/* The kernel's: after a resume. Every reference given out is void and must be forgotten, not ended;
 * orphans have their pages given back. DOWN: Xen refuses, and nothing can be lent any more;
 * logged. */
enum rung_err rung_xen_grants_resume(struct rung_xen *x);

/* For tests, which end: stops the timer, forgets the orphans (their pages are lost if they are
 * still mapped), gives the table's pages back. */
void rung_xen_grants_fini(struct rung_xen *x);

/* Lends the page that address lies in to domain remote. 0: no entry is free. */
uint32_t rung_xen_grant(struct rung_xen *x, uint16_t remote, const void *address, bool readonly);

/* Ends a grant. False: the other side still has it mapped; the grant stays as it is. */
bool rung_xen_grant_end(struct rung_xen *x, uint32_t ref);

/* For a page that the other side will not let go of: keeps page (of rung_xen_page_get()) and
 * reference aside, tries again each second, and gives both back when it works. Never fails: a page
 * for which there is no memory to remember it is lost, and that is logged. */
void rung_xen_grant_orphan(struct rung_xen *x, uint32_t ref, void *page);

/* Ends the grant and gives the page (of rung_xen_page_get()) back, now or as an orphan. What nearly
 * every user wants when a device goes. ref 0: only gives the page back; page NULL: nothing. */
void rung_xen_grant_release(struct rung_xen *x, uint32_t ref, void *page);

/* device_*.c's: tries the orphans at once; ends counting for charge, which goes away. */
void rung_xen_grants_retry(struct rung_xen *x);
void rung_xen_grants_uncharge(struct rung_xen *x, const uint32_t *charge);

/* How many grants rung_xen_grant() can give out before the table is full, growing included. */
uint32_t rung_xen_grants_left(const struct rung_xen *x);

#endif
