/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_net_capture.c - net-capture around net-pair in the NET suite: recording
 * or not, with room or without, what passes is the same. */
#include "net_capture.h"
#include "wrapped_pair.h"

struct net_rig {
    struct wrapped_pair w;
    struct rung_net_capture capture;
    struct rung_net_capture_keys keys; /* as long as it is open */
    char file[32];
};

static struct net_rig *capture_make(struct rung_platform *p, const char *variant)
{
    static unsigned number;
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->w.p = p;
    rig->w.keys = (struct rung_net_pair_keys){
        .slot = "net", .mtu = 1500, .depth = 64, .pool = 256, .offload = true, .max_frags = 18,
        .headroom = 12, .promisc = true,
    };
    snprintf(rig->file, sizeof(rig->file), "frames-%u.pcapng", number++);
    rig->keys = (struct rung_net_capture_keys){
        .slot = "net.capture", .file = rig->file, .ring = 1 << 20, .delay = 1000000,
    };
    if (strcmp(variant, "crowded") == 0) { /* the ring runs full, and the snap length cuts */
        rig->keys.ring = 128 << 10;
        rig->keys.snaplen = 4000;
        rig->keys.delay = 1000000000;
        rig->w.keys.depth = 1;
        rig->w.keys.offload = false;
    } else if (strcmp(variant, "idle") == 0) {
        rig->keys.file = NULL;
    }
    return rig;
}

static void capture_free(struct net_rig *rig)
{
    free(rig);
}

static void capture_close(struct rung_net *net, struct rung_op *op)
{
    struct net_rig *rig = rung_container_of(net, struct net_rig, capture.net);
    wrapped_close(&rig->w, net, op);
}

static enum rung_err capture_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_net_capture_needs needs = {.net = &rig->w.pair.net};
    enum rung_err err = wrapped_pair_begin(&rig->w);
    if (err)
        return err;
    err = rung_net_capture_open(&rig->capture, rig->w.p, &rig->keys, &needs);
    if (err) {
        wrapped_pair_end(&rig->w);
        return err;
    }
    wrapped_adopt(&rig->w, &rig->capture.net, capture_close);
    *net = &rig->capture.net;
    return RUNG_OK;
}

static bool capture_inject(struct net_rig *rig, const struct net_wire *wire)
{
    return wrapped_inject(&rig->w, wire);
}

static bool capture_take(struct net_rig *rig, struct net_wire *wire)
{
    return wrapped_take(&rig->w, wire);
}

static bool capture_set_link(struct net_rig *rig, bool up)
{
    rung_net_pair_set_link(&rig->w.pair, up);
    return true;
}

static bool capture_unplug(struct net_rig *rig)
{
    rung_net_pair_unplug(&rig->w.pair);
    return true;
}

static const char *const capture_variants[] = {"recording", "crowded", "idle", NULL};

const struct net_fixture net_fixture = {
    .module = "net-capture", .variants = capture_variants,
    .make = capture_make, .free = capture_free, .open = capture_open, .inject = capture_inject,
    .take = capture_take, .set_link = capture_set_link, .unplug = capture_unplug,
};
