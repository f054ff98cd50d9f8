/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/grant_impl.h - entries of either version; for grant.c and grant_table.c. */
#ifndef RUNG_XEN_BUS_GRANT_IMPL_H
#define RUNG_XEN_BUS_GRANT_IMPL_H

#include "xen/bus/abi.h"
#include "xen/bus/xen.h"
#include "xen/hypercall.h"
#include <xen/grant_table.h>

#define GRANTS_PER_FRAME_V1 (RUNG_XEN_PAGE / (uint32_t)sizeof(struct grant_entry_v1))
#define GRANTS_PER_FRAME_V2 (RUNG_XEN_PAGE / (uint32_t)sizeof(union grant_entry_v2))
#define GRANTS_PER_STATUS (RUNG_XEN_PAGE / (uint32_t)sizeof(grant_status_t))

static inline uint32_t rung_xen_grants_per_frame(const struct rung_xen_grants *g)
{
    return g->version == 2 ? GRANTS_PER_FRAME_V2 : GRANTS_PER_FRAME_V1;
}

static inline struct grant_entry_v1 *rung_xen_grant_v1(const struct rung_xen_grants *g,
                                                       uint32_t ref)
{
    struct grant_entry_v1 *frame = g->table[ref / GRANTS_PER_FRAME_V1];
    return &frame[ref % GRANTS_PER_FRAME_V1];
}

static inline union grant_entry_v2 *rung_xen_grant_v2(const struct rung_xen_grants *g,
                                                      uint32_t ref)
{
    union grant_entry_v2 *frame = g->table[ref / GRANTS_PER_FRAME_V2];
    return &frame[ref % GRANTS_PER_FRAME_V2];
}

/* Whether another domain has it mapped, or is copying. */
static inline bool rung_xen_grant_used(const struct rung_xen_grants *g, uint32_t ref)
{
    uint16_t flags;
    if (g->version == 2) {
        const grant_status_t *frame = g->status[ref / GRANTS_PER_STATUS];
        flags = RUNG_XEN_READ(frame[ref % GRANTS_PER_STATUS]);
    } else {
        flags = RUNG_XEN_READ(rung_xen_grant_v1(g, ref)->flags);
    }
    return (flags & (GTF_reading | GTF_writing)) != 0;
}

/* The next of the free ones stands where a frame stands in one that is lent. */
static inline uint32_t rung_xen_grant_link(const struct rung_xen_grants *g, uint32_t ref)
{
    return g->version == 2 ? (uint32_t)rung_xen_grant_v2(g, ref)->full_page.frame
                           : rung_xen_grant_v1(g, ref)->frame;
}

static inline void rung_xen_grant_set_link(const struct rung_xen_grants *g, uint32_t ref,
                                           uint32_t next)
{
    if (g->version == 2)
        rung_xen_grant_v2(g, ref)->full_page.frame = next;
    else
        rung_xen_grant_v1(g, ref)->frame = next;
}

/* grant_table.c: one frame more; false: no memory, or Xen does not let us. */
bool rung_xen_grants_grow(struct rung_xen *x);

/* grant.c, for a resume and an end: gives back those that nobody has mapped any more, without
 * touching entries; counts the rest; forgets the rest. */
void rung_xen_grants_drop_orphans(struct rung_xen *x);
uint32_t rung_xen_grants_count_kept(const struct rung_xen_grants *g);
void rung_xen_grants_forget_orphans(struct rung_xen *x);

#endif
