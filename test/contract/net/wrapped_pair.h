/* SPDX-License-Identifier: ISC */
/* test/contract/net/wrapped_pair.h - for the fixtures of wrappers: net-pair as the link behind. The
 * wrapper and the pair are one link to the suite: as in a program, the pair is closed after the
 * wrapper, and then the frames that it had been handed have come back. */
#ifndef WRAPPED_PAIR_H
#define WRAPPED_PAIR_H

#include "net_pair.h"
#include "suite.h"

struct wrapped_pair {
    struct rung_net_pair pair;
    struct rung_net_pair_keys keys; /* as long as it is open */
    struct rung_platform *p;
    struct rung_net_ops ops; /* the wrapper's, but for close */
    void (*close_wrapper)(struct rung_net *net, struct rung_op *op);
    struct rung_op wrapper_closed;
    struct rung_op *closing; /* the suite's */
};

static void wrapped_nothing(struct rung_op *op, int result)
{
    (void)op;
    (void)result;
}

/* The pair alone, when the wrapper's open has failed. */
static void wrapped_pair_end(struct wrapped_pair *w)
{
    struct rung_op op = {.done = wrapped_nothing};
    rung_net_close(&w->pair.net, &op);
    test_run_turns(w->p, 3);
}

static enum rung_err wrapped_pair_begin(struct wrapped_pair *w)
{
    struct rung_net_pair_needs needs = {0};
    return rung_net_pair_open(&w->pair, w->p, &w->keys, &needs);
}

static void wrapped_on_closed(struct rung_op *op, int result)
{
    struct wrapped_pair *w = rung_container_of(op, struct wrapped_pair, wrapper_closed);
    assert_int_equal(result, RUNG_OK);
    rung_net_close(&w->pair.net, w->closing);
}

static void wrapped_close(struct wrapped_pair *w, struct rung_net *net, struct rung_op *op)
{
    w->closing = op;
    w->wrapper_closed.done = wrapped_on_closed;
    w->close_wrapper(net, &w->wrapper_closed);
}

/* Makes closing net close the pair as well: close is to call wrapped_close(). */
static void wrapped_adopt(struct wrapped_pair *w, struct rung_net *net,
                          void (*close)(struct rung_net *net, struct rung_op *op))
{
    w->ops = *net->ops;
    w->close_wrapper = net->ops->close;
    w->ops.close = close;
    net->ops = &w->ops;
}

/* A frame on its way from the peer, with its bytes behind it. */
struct wrapped_frame {
    struct rung_frame frame;
    uint8_t bytes[];
};

static void wrapped_release(struct rung_frame *frame)
{
    free(rung_container_of(frame, struct wrapped_frame, frame));
}

static bool wrapped_inject(struct wrapped_pair *w, const struct net_wire *wire)
{
    size_t headroom = w->keys.headroom;
    struct wrapped_frame *f = malloc(sizeof(*f) + headroom + wire->len);
    assert_non_null(f);
    f->frame = (struct rung_frame){
        .data = f->bytes + headroom, .len = wire->len, .flags = wire->flags,
        .gso_size = wire->gso_size, .gso_type = wire->gso_type, .hdr_len = wire->hdr_len,
        .csum_start = wire->csum_start, .csum_offset = wire->csum_offset,
        .release = wrapped_release,
    };
    memcpy(f->frame.data, wire->bytes, wire->len);
    struct rung_frame *batch[] = {&f->frame};
    if (rung_net_send(&w->pair.peer, batch, 1) == 1)
        return true;
    free(f);
    return false;
}

static bool wrapped_take(struct wrapped_pair *w, struct net_wire *wire)
{
    struct rung_frame *f;
    if (rung_net_recv(&w->pair.peer, &f, 1) != 1)
        return false;
    net_copy_lent(wire, f);
    f->release(f);
    return true;
}

#endif
