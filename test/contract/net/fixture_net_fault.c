/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_net_fault.c - net-fault around net-pair in the NET suite: without
 * faults, with its lines at work but nothing lost, without the link's offloads, and with a
 * delay. */
#include "net_fault.h"
#include "virtual/virtual.h"
#include "wrapped_pair.h"

#define FAULT_DELAY_NS UINT64_C(5000000)

struct net_rig {
    struct wrapped_pair w;
    struct rung_net_fault fault;
    struct rung_net_fault_keys keys; /* as long as it is open */
    bool delayed;
};

static struct net_rig *fault_make(struct rung_platform *p, const char *variant)
{
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->w.p = p;
    rig->w.keys = (struct rung_net_pair_keys){
        .slot = "net", .mtu = 1500, .depth = 64, .pool = 256, .offload = true, .max_frags = 18,
        .headroom = 12, .promisc = true,
    };
    rig->keys = (struct rung_net_fault_keys){
        .slot = "net.fault", .seed = test_seed(), .loss = "0%", .duplicate = "0%",
        .reorder = "0%", .corrupt = "0%", .delay = "0ms", .jitter = "0ms", .queue = 64,
        .offload = true,
    };
    if (strcmp(variant, "mtu") == 0) {
        rig->keys.mtu = 1400;
    } else if (strcmp(variant, "plain") == 0) {
        rig->keys.offload = false;
        rig->w.keys.promisc = false;
        rig->w.keys.depth = 1;
    } else if (strcmp(variant, "delay") == 0) {
        rig->keys.delay = "5ms";
        rig->keys.queue = 300;
        rig->delayed = true;
    }
    return rig;
}

static void fault_free(struct net_rig *rig)
{
    free(rig);
}

static void fault_close(struct rung_net *net, struct rung_op *op)
{
    struct net_rig *rig = rung_container_of(net, struct net_rig, fault.net);
    wrapped_close(&rig->w, net, op);
}

static enum rung_err fault_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_net_fault_needs needs = {.net = &rig->w.pair.net};
    enum rung_err err = wrapped_pair_begin(&rig->w);
    if (err)
        return err;
    err = rung_net_fault_open(&rig->fault, rig->w.p, &rig->keys, &needs);
    if (err) {
        wrapped_pair_end(&rig->w);
        return err;
    }
    wrapped_adopt(&rig->w, &rig->fault.net, fault_close);
    *net = &rig->fault.net;
    return RUNG_OK;
}

/* The suite's turns do not move time. A peer takes its time to send, so that what it sent before
 * arrives. */
static bool fault_inject(struct net_rig *rig, const struct net_wire *wire)
{
    if (rig->delayed)
        rung_virtual_skip_ns(rig->w.p, FAULT_DELAY_NS);
    return wrapped_inject(&rig->w, wire);
}

static bool fault_take(struct net_rig *rig, struct net_wire *wire)
{
    return wrapped_take(&rig->w, wire);
}

static bool fault_set_link(struct net_rig *rig, bool up)
{
    rung_net_pair_set_link(&rig->w.pair, up);
    return true;
}

static bool fault_unplug(struct net_rig *rig)
{
    rung_net_pair_unplug(&rig->w.pair);
    return true;
}

static const char *const fault_variants[] = {"none", "mtu", "plain", "delay", NULL};

const struct net_fixture net_fixture = {
    .module = "net-fault", .variants = fault_variants,
    .make = fault_make, .free = fault_free, .open = fault_open, .inject = fault_inject,
    .take = fault_take, .set_link = fault_set_link, .unplug = fault_unplug,
};
