/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_testing.h - net-fault around a link that the test plays, for its tests. */
#ifndef RUNG_FAULT_TESTING_H
#define RUNG_FAULT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net_fault.h"
#include "rung/clock.h"
#include "test_net.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { FAULT_ALL_CAPS = RUNG_NET_TX_CSUM | RUNG_NET_RX_CSUM | RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6
                        | RUNG_NET_RX_GSO | RUNG_NET_TX_SG | RUNG_NET_PROMISC };

struct fault_test {
    struct rung_platform *p;
    struct test_net link;
    struct rung_net_fault fault;
    struct rung_net_fault_keys keys;
    unsigned events, calls;
    struct rung_op op;
    bool closed;
};

static inline void fault_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct fault_test *t = arg;
    assert_ptr_equal(net, &t->fault.net);
    t->events |= events;
    t->calls++;
}

static inline void fault_begin(struct fault_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    test_net_open(&t->link, t->p, FAULT_ALL_CAPS);
    t->keys = (struct rung_net_fault_keys){
        .slot = "net.fault", .seed = 7, .loss = "0%", .duplicate = "0%", .reorder = "0%",
        .corrupt = "0%", .delay = "0ms", .jitter = "0ms", .queue = 1000, .offload = true,
    };
}

static inline enum rung_err fault_try_open(struct fault_test *t)
{
    struct rung_net_fault_needs needs = {.net = &t->link.net};
    enum rung_err err = rung_net_fault_open(&t->fault, t->p, &t->keys, &needs);
    if (err)
        return err;
    t->fault.net.ready = fault_on_ready;
    t->fault.net.arg = t;
    return RUNG_OK;
}

static inline void fault_open(struct fault_test *t)
{
    assert_int_equal(fault_try_open(t), RUNG_OK);
}

static inline void fault_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct fault_test, op)->closed = true;
}

static inline bool fault_is_closed(void *arg)
{
    return ((struct fault_test *)arg)->closed;
}

static inline void fault_close(struct fault_test *t)
{
    t->op.done = fault_on_closed;
    t->closed = false;
    rung_net_close(&t->fault.net, &t->op);
    assert_false(t->closed);
    test_run_until(t->p, fault_is_closed, t);
}

static inline void fault_end(struct fault_test *t)
{
    t->op.done = fault_on_closed;
    t->closed = false;
    rung_net_close(&t->link.net, &t->op);
    test_run_until(t->p, fault_is_closed, t);
    test_platform_free(t->p);
}

static inline void fault_send(struct fault_test *t, struct test_net_out *out)
{
    struct rung_frame *f = &out->frame;
    assert_int_equal(rung_net_send(&t->fault.net, &f, 1), 1);
}

/* The next received frame, or NULL. */
static inline struct rung_frame *fault_recv(struct fault_test *t)
{
    struct rung_frame *f = NULL;
    int k = rung_net_recv(&t->fault.net, &f, 1);
    assert_in_range(k, 0, 1);
    return k ? f : NULL;
}

#endif
