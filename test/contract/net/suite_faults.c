/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_faults.c - the link goes down and up, the device goes away. */
#include "suite.h"

static bool link_event(void *arg)
{
    struct net_test *t = arg;
    return t->link_events > 0;
}

static void set_link(struct net_test *t, bool up)
{
    t->link_events = 0;
    t->in_call = true;
    bool set = net_fixture.set_link && net_fixture.set_link(t->rig, up);
    t->in_call = false;
    if (!set)
        net_skip(t, "this link has no cable to pull");
    net_wait(t, link_event);
    assert_int_equal(t->net->link_up, up);
}

/* With the link down frames are taken and dropped, as a NIC does, however many; they are
 * counted. */
static void a_link_that_is_down_takes_and_drops(void **state)
{
    enum { N = 500 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    set_link(&t, false);
    uint64_t dropped = t.net->stats.tx_dropped;
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out *out = calloc(N, sizeof(*out));
    struct rung_frame *f[N];
    for (unsigned i = 0; i < N; i++) {
        net_plain(&t, sent, i, 60 + i);
        net_out_cut(&out[i], &t, sent, 1);
        f[i] = &out[i].frag[0];
    }
    assert_int_equal(net_send(&t, f, N), N);
    net_expect_quiet(&t);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(out[i].released, 1);
    assert_int_equal(t.net->stats.tx_dropped, dropped + N);
    set_link(&t, true);
    struct net_out last = {0};
    net_plain(&t, sent, N, 60);
    net_send_one(&t, &last, sent, 1);
    net_await_taken(&t, t.wire);
    assert_int_equal(net_id(t.wire), N);
    net_plain(&t, sent, N + 1, 60);
    net_inbound(&t, sent);
    net_inject(&t, sent);
    struct rung_frame *in = net_await_recv(&t);
    in->release(in);
    free(out);
    free(sent);
    net_end(&t);
    assert_int_equal(last.released, 1);
}

static void the_link_goes_down_under_frames(void **state)
{
    enum { N = 30 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out out[N] = {0};
    struct rung_frame *f[N];
    for (unsigned i = 0; i < N; i++) {
        net_plain(&t, sent, i, 60 + i);
        net_out_cut(&out[i], &t, sent, 1);
        f[i] = &out[i].frag[0];
    }
    int k = net_send(&t, f, N);
    assert_in_range(k, 1, N);
    set_link(&t, false);
    test_run_turns(t.p, 5);
    uint64_t arrived = 0;
    while (net_take_ours(&t, t.wire))
        arrived++;
    assert_int_equal(t.net->stats.tx_dropped + arrived, k); /* carried, or lost and counted */
    for (int i = 0; i < N; i++) {
        if (i < k)
            assert_int_equal(out[i].released, 1);
        else
            net_out_free(&out[i]);
    }
    free(sent);
    net_end(&t);
}

static bool is_down(void *arg)
{
    struct net_test *t = arg;
    struct rung_frame *f = NULL;
    int k = net_recv(t, &f, 1);
    if (k == 1)
        f->release(f);
    return k == RUNG_E_DOWN;
}

static void a_device_that_is_gone_is_down(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out queued = {0}, refused = {0};
    net_plain(&t, sent, 1, 60);
    net_send_one(&t, &queued, sent, 1);
    t.in_call = true;
    bool gone = net_fixture.unplug && net_fixture.unplug(t.rig);
    t.in_call = false;
    if (!gone) {
        free(sent);
        net_skip(&t, "this device cannot be taken away");
    }
    net_wait(&t, is_down);
    struct rung_frame *nothing[2] = {NULL, NULL};
    assert_int_equal(net_recv(&t, nothing, 2), RUNG_E_DOWN);
    assert_true(!nothing[0] && !nothing[1]);
    net_out_cut(&refused, &t, sent, 1);
    struct rung_frame *f = &refused.frag[0];
    assert_int_equal(net_send(&t, &f, 1), RUNG_E_DOWN);
    test_run_turns(t.p, 5);
    net_out_free(&refused); /* still ours */
    free(sent);
    net_end(&t);
    assert_int_equal(queued.released, 1);
}

const struct CMUnitTest net_fault_cases[] = {
    cmocka_unit_test(a_link_that_is_down_takes_and_drops),
    cmocka_unit_test(the_link_goes_down_under_frames),
    cmocka_unit_test(a_device_that_is_gone_is_down),
    {.name = NULL},
};
