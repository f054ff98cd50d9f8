/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/grant.c - entries of the grant table: giving out, ending, and the pages that
 * somebody keeps. The table itself is set up in grant_table.c. */
#include "xen/bus/grant_impl.h"

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "xen/hypercall.h"

struct rung_xen_orphan {
    struct rung_xen_orphan *next;
    uint32_t ref;
    void *page;
    uint32_t *charge; /* who is to know how many there are, or NULL */
};

static void grant_free(struct rung_xen_grants *g, uint32_t ref)
{
    rung_xen_grant_set_link(g, ref, g->free);
    g->free = ref;
    g->free_count++;
}

uint32_t rung_xen_grant(struct rung_xen *x, uint16_t remote, const void *address, bool readonly)
{
    struct rung_xen_grants *g = &x->grants;
    uint64_t frame = rung_xen_frame_of(address);
    uint16_t flags = readonly ? GTF_permit_access | GTF_readonly : GTF_permit_access;
    if (!g->free && !rung_xen_grants_grow(x))
        return RUNG_XEN_NO_GRANT;
    uint32_t ref = g->free;
    g->free = rung_xen_grant_link(g, ref);
    g->free_count--;
    g->in_use++;
    if (g->version == 2) {
        union grant_entry_v2 *entry = rung_xen_grant_v2(g, ref);
        entry->full_page.frame = frame;
        entry->hdr.domid = remote;
        xen_wmb(); /* the flags make the rest valid */
        RUNG_XEN_WRITE(entry->hdr.flags, flags);
    } else {
        struct grant_entry_v1 *entry = rung_xen_grant_v1(g, ref);
        assert(frame <= UINT32_MAX); /* rung_xen_grants_init() was told otherwise */
        entry->frame = (uint32_t)frame;
        entry->domid = remote;
        xen_wmb();
        RUNG_XEN_WRITE(entry->flags, flags);
    }
    return ref;
}

/* Xen sets the bits of use in the same word with a compare-and-swap of its own. */
static bool grant_end_v1(struct rung_xen_grants *g, uint32_t ref)
{
    uint16_t *flags = &rung_xen_grant_v1(g, ref)->flags;
    uint16_t old = RUNG_XEN_READ(*flags);
    do {
        if (old & (GTF_reading | GTF_writing))
            return false;
    } while (!__atomic_compare_exchange_n(flags, &old, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return true;
}

/* Whoever maps it looks at the flags after setting its status, we at the status after clearing the
 * flags: one of us sees the other. */
static bool grant_end_v2(struct rung_xen_grants *g, uint32_t ref)
{
    union grant_entry_v2 *entry = rung_xen_grant_v2(g, ref);
    uint16_t old = RUNG_XEN_READ(entry->hdr.flags);
    RUNG_XEN_WRITE(entry->hdr.flags, 0);
    xen_mb();
    if (!rung_xen_grant_used(g, ref))
        return true;
    RUNG_XEN_WRITE(entry->hdr.flags, old);
    return false;
}

bool rung_xen_grant_end(struct rung_xen *x, uint32_t ref)
{
    struct rung_xen_grants *g = &x->grants;
    assert(ref >= GNTTAB_NR_RESERVED_ENTRIES && ref < g->frames * rung_xen_grants_per_frame(g));
    if (!(g->version == 2 ? grant_end_v2(g, ref) : grant_end_v1(g, ref)))
        return false;
    xen_mb(); /* what the other side wrote to the page is there before we look at it */
    grant_free(g, ref);
    g->in_use--;
    return true;
}

void rung_xen_grant_release(struct rung_xen *x, uint32_t ref, void *page)
{
    if (ref != RUNG_XEN_NO_GRANT && !rung_xen_grant_end(x, ref))
        rung_xen_grant_orphan(x, ref, page);
    else if (page)
        rung_xen_page_put(x->p, page);
}

void rung_xen_grant_orphan(struct rung_xen *x, uint32_t ref, void *page)
{
    struct rung_xen_grants *g = &x->grants;
    struct rung_xen_orphan *orphan = rung_alloc(x->p, sizeof(*orphan));
    g->orphan_count++;
    if (g->charge)
        ++*g->charge;
    if (!orphan) {
        rung_log(x->p, RUNG_LOG_WARN, "grants",
                 "a page that another domain keeps mapped is lost, for want of memory");
        return;
    }
    *orphan = (struct rung_xen_orphan){g->orphans, ref, page, g->charge};
    g->orphans = orphan;
    if (!g->retry.active)
        rung_timer_start(x->p, &g->retry, RUNG_NS_PER_S);
}

/* Gives one back that has been taken out of the list. */
static void orphan_end(struct rung_xen *x, struct rung_xen_orphan *orphan)
{
    x->grants.orphan_count--;
    if (orphan->charge)
        --*orphan->charge;
    if (orphan->page)
        rung_xen_page_put(x->p, orphan->page);
    rung_free(x->p, orphan);
}

void rung_xen_grants_retry(struct rung_xen *x)
{
    struct rung_xen_orphan **at = &x->grants.orphans;
    if (x->grants.version == 0) /* lost in a resume */
        return;
    while (*at) {
        struct rung_xen_orphan *orphan = *at;
        if (!rung_xen_grant_end(x, orphan->ref)) {
            at = &orphan->next;
            continue;
        }
        *at = orphan->next;
        orphan_end(x, orphan);
    }
    if (!x->grants.orphans)
        rung_timer_stop(x->p, &x->grants.retry);
    else if (!x->grants.retry.active)
        rung_timer_start(x->p, &x->grants.retry, RUNG_NS_PER_S);
}

void rung_xen_grants_drop_orphans(struct rung_xen *x)
{
    struct rung_xen_orphan **at = &x->grants.orphans;
    while (*at) {
        struct rung_xen_orphan *orphan = *at;
        if (rung_xen_grant_used(&x->grants, orphan->ref)) {
            at = &orphan->next;
            continue;
        }
        *at = orphan->next;
        orphan_end(x, orphan);
    }
}

uint32_t rung_xen_grants_count_kept(const struct rung_xen_grants *g)
{
    uint32_t count = 0;
    for (const struct rung_xen_orphan *orphan = g->orphans; orphan; orphan = orphan->next)
        count++;
    return count;
}

void rung_xen_grants_forget_orphans(struct rung_xen *x)
{
    while (x->grants.orphans) {
        struct rung_xen_orphan *orphan = x->grants.orphans;
        x->grants.orphans = orphan->next;
        rung_free(x->p, orphan);
    }
}

void rung_xen_grants_uncharge(struct rung_xen *x, const uint32_t *charge)
{
    for (struct rung_xen_orphan *orphan = x->grants.orphans; orphan; orphan = orphan->next)
        if (orphan->charge == charge)
            orphan->charge = NULL;
    if (x->grants.charge == charge)
        x->grants.charge = NULL;
}

uint32_t rung_xen_grants_left(const struct rung_xen *x)
{
    const struct rung_xen_grants *g = &x->grants;
    return g->free_count + (g->max_frames - g->frames) * rung_xen_grants_per_frame(g);
}
