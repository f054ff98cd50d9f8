/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_flow_test.c - calls from within calls, and floods. */
#include "fault_testing.h"

struct nested {
    struct test_net_out out;
    struct fault_test *t;
    struct nested *then;
};

static void release_sends(struct rung_frame *frame)
{
    struct nested *n = rung_container_of(frame, struct nested, out.frame);
    if (n->then)
        fault_send(n->t, &n->then->out);
}

/* A release() inside send() sends: behind what is there. */
static void release_may_send(void **state)
{
    static const char *const losses[] = {"0%", "0.0001%"};
    static const unsigned order[2][4] = {{0, 3, 1, 2}, {0, 1, 2, 3}};
    struct fault_test t;
    struct nested n[4];
    struct rung_frame *f[3];
    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        fault_begin(&t);
        t.keys.loss = losses[how];
        fault_open(&t);
        for (unsigned i = 0; i < 4; i++) {
            test_net_out(&n[i].out, 60 + i);
            n[i].out.frame.release = release_sends;
            n[i].t = &t;
            n[i].then = i == 0 ? &n[3] : NULL;
        }
        for (unsigned i = 0; i < 3; i++)
            f[i] = &n[i].out.frame;
        assert_int_equal(rung_net_send(&t.fault.net, f, 3), 3);
        for (unsigned i = 0; i < 4; i++) {
            struct test_net_frame *sent = test_net_take(&t.link);
            assert_int_equal(sent->len, 60 + order[how][i]);
            test_net_free(sent);
        }
        fault_close(&t);
        fault_end(&t);
    }
}

static void close_from_release(struct rung_frame *frame)
{
    struct nested *n = rung_container_of(frame, struct nested, out.frame);
    n->t->op.done = fault_on_closed;
    rung_net_close(&n->t->fault.net, &n->t->op);
}

static void release_may_close(void **state)
{
    static const char *const losses[] = {"0%", "0.0001%", "100%"};
    struct fault_test t;
    struct nested n;
    struct test_net_out out[5];
    struct rung_frame *f[6];
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        fault_begin(&t);
        t.keys.loss = losses[how];
        fault_open(&t);
        test_net_out(&n.out, 60);
        n.out.frame.release = close_from_release;
        n.t = &t;
        f[0] = &n.out.frame;
        for (unsigned i = 0; i < 5; i++) {
            test_net_out(&out[i], 60);
            f[i + 1] = &out[i].frame;
        }
        test_net_set_room(&t.link, 3);
        int k = rung_net_send(&t.fault.net, f, 6);
        assert_in_range(k, 1, 6);
        test_run_until(t.p, fault_is_closed, &t);
        for (int i = 0; i < 5; i++)
            assert_int_equal(out[i].released, i + 1 < k);
        assert_int_equal(t.calls, 0);
        fault_end(&t);
    }
}

static void events_wait_for_a_listener(void **state)
{
    struct fault_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    fault_begin(&t);
    fault_open(&t);
    t.fault.net.ready = NULL;
    test_net_put(&t.link, bytes, 60, NULL);
    rung_virtual_advance_ns(t.p, RUNG_NS_PER_S);
    t.fault.net.ready = fault_on_ready;
    rung_virtual_advance_ns(t.p, 10 * RUNG_NS_PER_MS);
    assert_int_equal(t.events, RUNG_NET_RX_READY);
    fault_close(&t);
    fault_end(&t);
}

/* All lost, and more of it without end: the loop gets its turns. */
static void a_flood_does_not_hold_the_loop(void **state)
{
    struct fault_test t;
    uint8_t bytes[60] = {0};
    (void)state;
    fault_begin(&t);
    t.keys.loss = "100%";
    fault_open(&t);
    for (unsigned i = 0; i < 3000; i++)
        test_net_put(&t.link, bytes, 60, NULL);
    test_run_turns(t.p, 2);
    assert_in_range(t.fault.net.stats.rx_dropped, 1, 600);
    test_run_turns(t.p, 20);
    assert_int_equal(t.fault.net.stats.rx_dropped, 3000);
    assert_int_equal(t.events, 0);
    fault_close(&t);
    fault_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_may_send),
        cmocka_unit_test(release_may_close),
        cmocka_unit_test(events_wait_for_a_listener),
        cmocka_unit_test(a_flood_does_not_hold_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
