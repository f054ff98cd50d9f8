/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_net_pair.c - net-pair in the NET suite. The peer is the pair's other
 * end. */
#include "net_pair.h"
#include "suite.h"

struct net_rig {
    struct rung_net_pair pair;
    struct rung_net_pair_keys keys; /* as long as it is open */
    struct rung_platform *p;
};

/* A frame on its way from the peer, with its bytes behind it. */
struct pair_frame {
    struct rung_frame frame;
    uint8_t bytes[];
};

static struct net_rig *pair_make(struct rung_platform *p, const char *variant)
{
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->keys = (struct rung_net_pair_keys){
        .slot = "net", .mtu = 1500, .depth = 64, .pool = 256, .offload = true, .max_frags = 18,
        .headroom = 12, .promisc = true,
    };
    if (strcmp(variant, "plain") == 0) {
        rig->keys.offload = false;
        rig->keys.promisc = false;
        rig->keys.max_frags = 1;
        rig->keys.headroom = 0;
    } else if (strcmp(variant, "small") == 0) {
        rig->keys.depth = 1;
        rig->keys.pool = 40;
        rig->keys.max_frags = 2;
    } else if (strcmp(variant, "jumbo") == 0) {
        rig->keys.mtu = 65535;
        rig->keys.promisc = false;
        rig->keys.pool = 600;
    }
    return rig;
}

static void pair_free(struct net_rig *rig)
{
    free(rig);
}

static enum rung_err pair_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_net_pair_needs needs = {0};
    *net = &rig->pair.net;
    return rung_net_pair_open(&rig->pair, rig->p, &rig->keys, &needs);
}

static void pair_release(struct rung_frame *frame)
{
    free(rung_container_of(frame, struct pair_frame, frame));
}

static bool pair_inject(struct net_rig *rig, const struct net_wire *wire)
{
    size_t headroom = rig->keys.headroom;
    struct pair_frame *f = malloc(sizeof(*f) + headroom + wire->len);
    assert_non_null(f);
    f->frame = (struct rung_frame){
        .data = f->bytes + headroom, .len = wire->len, .flags = wire->flags,
        .gso_size = wire->gso_size, .gso_type = wire->gso_type, .hdr_len = wire->hdr_len,
        .csum_start = wire->csum_start, .csum_offset = wire->csum_offset, .release = pair_release,
    };
    memcpy(f->frame.data, wire->bytes, wire->len);
    struct rung_frame *batch[] = {&f->frame};
    if (rung_net_send(&rig->pair.peer, batch, 1) == 1)
        return true;
    free(f);
    return false;
}

static bool pair_take(struct net_rig *rig, struct net_wire *wire)
{
    struct rung_frame *f;
    if (rung_net_recv(&rig->pair.peer, &f, 1) != 1)
        return false;
    net_copy_lent(wire, f);
    f->release(f);
    return true;
}

static bool pair_set_link(struct net_rig *rig, bool up)
{
    rung_net_pair_set_link(&rig->pair, up);
    return true;
}

static bool pair_unplug(struct net_rig *rig)
{
    rung_net_pair_unplug(&rig->pair);
    return true;
}

static const char *const pair_variants[] = {"offload", "plain", "small", "jumbo", NULL};

const struct net_fixture net_fixture = {
    .module = "net-pair", .variants = pair_variants,
    .make = pair_make, .free = pair_free, .open = pair_open,
    .inject = pair_inject, .take = pair_take, .set_link = pair_set_link, .unplug = pair_unplug,
};
