/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_testing.h - what the unit tests of net-tap share. */
#ifndef RUNG_NET_TAP_TESTING_H
#define RUNG_NET_TAP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net_tap.h"
#include "test_platform.h"

static const struct rung_net_tap_keys tap_good = {.slot = "net", .offload = true,
                                                  .rx_memory = 1 << 20};

struct tap_test {
    struct rung_platform *p;
    struct rung_net_tap tap;
    struct rung_net_tap_keys keys;
    unsigned events; /* of all ready() so far */
};

static inline void tap_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct tap_test *t = arg;
    assert_ptr_equal(net, &t->tap.net);
    t->events |= events;
}

static inline void tap_begin(struct tap_test *t, const struct rung_net_tap_keys *keys)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->keys = *keys;
}

static inline enum rung_err tap_try_open(struct tap_test *t)
{
    struct rung_net_tap_needs needs = {0};
    enum rung_err err = rung_net_tap_open(&t->tap, t->p, &t->keys, &needs);
    t->tap.net.ready = err ? NULL : tap_on_ready;
    t->tap.net.arg = t;
    return err;
}

struct tap_closing {
    struct rung_op op;
    unsigned done_count;
};

static inline void tap_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct tap_closing, op)->done_count++;
}

static inline bool tap_is_closed(void *arg)
{
    return ((struct tap_closing *)arg)->done_count > 0;
}

static inline void tap_close_it(struct tap_test *t)
{
    struct tap_closing closing = {.op.done = tap_on_closed};
    rung_net_close(&t->tap.net, &closing.op);
    test_run_until(t->p, tap_is_closed, &closing);
}

static inline void tap_end(struct tap_test *t)
{
    test_platform_free(t->p);
}

#endif
