/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_mcast.c - which multicast groups the back end lets in. It keeps a list
 * that grows and shrinks by extra info of empty requests, and looks at it while
 * request-multicast-control is 1. Since all groups come in until somebody asks for some, that key
 * is 0 at first, and so this works only with back ends that follow it at any time
 * (feature-dynamic-multicast-control). It is set to 1 when all groups have been taken in, so that
 * no frame of a wanted group is lost meanwhile. */
#include <stdio.h>
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"

static bool mcast_has(const uint8_t (*list)[6], unsigned count, const uint8_t group[6])
{
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(list[i], group, 6) == 0)
            return true;
    }
    return false;
}

/* An empty request, and the extra info behind it. There is room. */
static void mcast_request(struct rung_netfront *nf, uint8_t type, const uint8_t group[6])
{
    struct netif_extra_info extra = {.type = type};
    struct netif_tx_request req = {.flags = NETTXF_extra_info}, behind = {.gref = 0};
    uint32_t owner = NETFRONT_NONE;
    memcpy(extra.u.mcast.addr, group, 6);
    memcpy(&behind, &extra, sizeof(extra));
    req.id = (uint16_t)rung_netfront_slot_get(nf, &owner);
    nf->tables->slots[owner].mcast = true;
    nf->tx.ring->ring[nf->tx.prod++ % NETFRONT_RING].req = req;
    nf->tx.ring->ring[nf->tx.prod++ % NETFRONT_RING].req = behind;
    nf->tx.extras++;
    nf->mcast.adding++;
}

/* Tells the back end of groups, as far as the ring goes: first of those that leave, for its list is
 * as short as ours. False: there is more to tell. */
static bool mcast_lists(struct rung_netfront *nf)
{
    struct rung_netfront_tables *tables = nf->tables;
    struct rung_netfront_mcast *mcast = &nf->mcast;
    const uint8_t (*told)[6] = (const uint8_t (*)[6])tables->told;
    const uint8_t (*wanted)[6] = (const uint8_t (*)[6])tables->groups;
    for (unsigned i = 0; i < mcast->told;) {
        if (mcast_has(wanted, mcast->count, told[i])) {
            i++;
            continue;
        }
        if (rung_netfront_room(nf) < 2)
            return false;
        mcast_request(nf, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, told[i]);
        memcpy(tables->told[i], tables->told[--mcast->told], 6);
    }
    for (unsigned i = 0; i < mcast->count; i++) {
        if (mcast_has(told, mcast->told, wanted[i]))
            continue;
        if (rung_netfront_room(nf) < 2)
            return false;
        mcast_request(nf, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, wanted[i]);
        memcpy(tables->told[mcast->told++], wanted[i], 6);
    }
    return true;
}

static void mcast_written(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct rung_netfront *nf = req->arg;
    nf->mcast.writing = false;
    if (nf->closing)
        rung_netfront_close_go(nf);
    else if (result >= 0)
        rung_netfront_mcast_sync(nf);
}

static void mcast_write(struct rung_netfront *nf, bool filter)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/request-multicast-control", nf->device.front);
    nf->mcast.filtering = filter;
    nf->mcast.writing = true;
    nf->mcast.req = (struct rung_xen_store_req){.op.done = mcast_written, .arg = nf};
    rung_xen_store_write(&nf->device.x->store, &nf->mcast.req, 0, path, filter ? "1" : "0");
}

void rung_netfront_mcast_sync(struct rung_netfront *nf)
{
    struct rung_netfront_mcast *mcast = &nf->mcast;
    if (!mcast->able || !nf->net.link_up || nf->closing)
        return;
    if (mcast->behind && mcast->filter) {
        mcast->behind = !mcast_lists(nf);
        rung_netfront_tx_push(nf);
        if (rung_netfront_arm(nf))
            rung_loop_defer(nf->p, &nf->again);
    }
    bool filter = mcast->filter && !mcast->behind && mcast->adding == 0;
    if (!mcast->writing && mcast->filtering != filter && (filter || !mcast->filter))
        mcast_write(nf, filter);
}

/* The answer to one request; if a group was refused all are let in. */
void rung_netfront_mcast_answer(struct rung_netfront *nf, bool ok)
{
    nf->mcast.adding--;
    if (!nf->net.link_up || nf->closing)
        return;
    if (!ok)
        nf->mcast.filter = false;
    if (nf->mcast.adding == 0)
        rung_loop_defer(nf->p, &nf->again);
}

/* The next back end knows nothing. */
void rung_netfront_mcast_end(struct rung_netfront *nf)
{
    nf->mcast.told = nf->mcast.adding = 0;
    nf->mcast.filtering = false;
    nf->mcast.behind = nf->mcast.filter;
}

int rung_netfront_set_multicast(struct rung_net *net, const uint8_t (*groups)[6], unsigned n)
{
    struct rung_netfront *nf = rung_container_of(net, struct rung_netfront, net);
    if (nf->gone)
        return RUNG_E_DOWN;
    if (!nf->mcast.able)
        return RUNG_E_NOTSUP;
    nf->mcast.filter = n <= NETFRONT_GROUPS;
    nf->mcast.behind = nf->mcast.filter;
    if (nf->mcast.filter) {
        nf->mcast.count = (uint8_t)n;
        if (n > 0)
            memcpy(nf->tables->groups, groups, n * 6);
    }
    rung_netfront_mcast_sync(nf);
    return nf->mcast.filter ? RUNG_OK : RUNG_E_LIMIT;
}
