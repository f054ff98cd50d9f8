/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/grant_table.c - the grant table as memory: its version, its frames, what becomes
 * of it in a suspend. A frame takes the place of a page of ours, which Xen gets back for it: an
 * image has no unused addresses at hand, and 4 KiB for 512 grants is a fair price. */
#include "xen/bus/grant_impl.h"

#include "rung/log.h"
#include <xen/memory.h>

static long grants_place(void *page, uint64_t index)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = index,
        .gpfn = rung_xen_frame_of(page),
    };
    return rung_xen_memory_op(XENMEM_add_to_physmap, &map);
}

/* A page for one frame, put into place. */
static void *grants_new_frame(struct rung_xen *x, uint64_t index)
{
    void *page = rung_xen_page_get(x->p);
    if (page && grants_place(page, index) < 0) {
        rung_xen_page_put(x->p, page);
        return NULL;
    }
    return page;
}

/* Puts the entries of one frame into the free list, but for Xen's own and those that are in use
 * (after a resume in place, by somebody who does not know of it). The lowest is given out first. */
static void grants_fill_free(struct rung_xen_grants *g, uint32_t frame)
{
    uint32_t per = rung_xen_grants_per_frame(g), first = frame * per;
    for (uint32_t ref = first + per; ref-- > first && ref >= GNTTAB_NR_RESERVED_ENTRIES;) {
        if (rung_xen_grant_used(g, ref))
            continue;
        if (g->version == 2)
            RUNG_XEN_WRITE(rung_xen_grant_v2(g, ref)->hdr.flags, 0);
        else
            RUNG_XEN_WRITE(rung_xen_grant_v1(g, ref)->flags, 0);
        rung_xen_grant_set_link(g, ref, g->free);
        g->free = ref;
        g->free_count++;
    }
}

bool rung_xen_grants_grow(struct rung_xen *x)
{
    struct rung_xen_grants *g = &x->grants;
    uint32_t frame = g->frames, per = rung_xen_grants_per_frame(g);
    if (frame >= g->max_frames)
        return false;
    uint32_t status = frame * per / GRANTS_PER_STATUS;
    if (g->version == 2 && !g->status[status]) {
        g->status[status] = grants_new_frame(x, XENMAPIDX_grant_table_status | status);
        if (!g->status[status])
            return false;
    }
    g->table[frame] = grants_new_frame(x, frame);
    if (!g->table[frame])
        return false;
    g->frames++;
    grants_fill_free(g, frame);
    return true;
}

static enum rung_err grants_refused(struct rung_xen *x, const char *what, long code)
{
    rung_log(x->p, RUNG_LOG_ERROR, "grants",
             "Xen refuses the grant table (%s, %ld); no device can work", what, code);
    rung_timer_stop(x->p, &x->grants.retry);
    x->grants.version = 0;
    x->grants.free = x->grants.free_count = 0;
    x->grants.max_frames = x->grants.frames;
    return RUNG_E_DOWN;
}

/* Version 1 is what a domain starts with, and an old Xen has no other. */
static enum rung_err grants_set_version(struct rung_xen *x, uint8_t version)
{
    struct gnttab_set_version set = {.version = version};
    struct gnttab_get_version get = {.dom = DOMID_SELF, .version = 1};
    long err = rung_xen_grant_table_op(GNTTABOP_set_version, &set, 1);
    if (rung_xen_grant_table_op(GNTTABOP_get_version, &get, 1) < 0)
        get.version = 1;
    x->grants.version = version;
    return get.version == version ? RUNG_OK : grants_refused(x, "version", err);
}

static void grants_on_retry(struct rung_timer *timer)
{
    struct rung_xen_grants *g = rung_container_of(timer, struct rung_xen_grants, retry);
    rung_xen_grants_retry(rung_container_of(g, struct rung_xen, grants));
}

enum rung_err rung_xen_grants_init(struct rung_xen *x, uint64_t last_frame)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    x->grants = (struct rung_xen_grants){.retry = {.fn = grants_on_retry}};
    enum rung_err err = grants_set_version(x, last_frame > UINT32_MAX ? 2 : 1);
    if (err)
        return err;
    long code = rung_xen_grant_table_op(GNTTABOP_query_size, &size, 1);
    if (code < 0 || size.status != GNTST_okay)
        return grants_refused(x, "size", code < 0 ? code : size.status);
    x->grants.max_frames = size.max_nr_frames < RUNG_XEN_GRANT_FRAMES ? size.max_nr_frames
                                                                      : RUNG_XEN_GRANT_FRAMES;
    if (rung_xen_grants_grow(x))
        return RUNG_OK;
    rung_log(x->p, RUNG_LOG_ERROR, "grants", "there is no memory for the grant table");
    rung_xen_grants_fini(x);
    return RUNG_E_NOMEM;
}

enum rung_err rung_xen_grants_resume(struct rung_xen *x)
{
    struct rung_xen_grants *g = &x->grants;
    enum rung_err err = grants_set_version(x, g->version ? g->version : 1);
    long code = 0;
    if (err)
        return err;
    for (uint32_t i = 0; i < RUNG_ARRAY_LEN(g->status) && g->status[i] && code >= 0; i++)
        code = grants_place(g->status[i], XENMAPIDX_grant_table_status | i);
    for (uint32_t i = 0; i < g->frames && code >= 0; i++)
        code = grants_place(g->table[i], i);
    if (code < 0)
        return grants_refused(x, "place", code);
    rung_xen_grants_drop_orphans(x);
    g->in_use = rung_xen_grants_count_kept(g);
    g->free = g->free_count = 0;
    for (uint32_t i = g->frames; i-- > 0;)
        grants_fill_free(g, i);
    return RUNG_OK;
}

void rung_xen_grants_fini(struct rung_xen *x)
{
    struct rung_xen_grants *g = &x->grants;
    if (g->frames > 0)
        rung_xen_grants_retry(x);
    rung_timer_stop(x->p, &g->retry);
    rung_xen_grants_forget_orphans(x);
    for (uint32_t i = 0; i < RUNG_XEN_GRANT_FRAMES; i++) {
        if (g->table[i])
            rung_xen_page_put(x->p, g->table[i]);
        if (g->status[i])
            rung_xen_page_put(x->p, g->status[i]);
    }
    *g = (struct rung_xen_grants){0};
}
