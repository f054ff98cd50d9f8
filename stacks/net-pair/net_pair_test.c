/* SPDX-License-Identifier: ISC */
/* stacks/net-pair/net_pair_test.c - what net-pair promises beyond net.h. */
#include "net_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"

static const struct rung_net_pair_keys good = {
    .slot = "net", .mtu = 1500, .depth = 4, .pool = 17, .offload = true, .max_frags = 2,
    .headroom = 4, .promisc = true,
};

struct pair_test {
    struct rung_platform *p;
    struct rung_net_pair pair;
    struct rung_net_pair_keys keys;
    unsigned near_events, far_events; /* all that were reported */
    unsigned near_count;
};

struct pair_out {
    struct rung_frame frame;
    uint8_t bytes[2048];
    unsigned released;
};

static void on_near(struct rung_net *net, unsigned events, void *arg)
{
    struct pair_test *t = arg;
    assert_ptr_equal(net, &t->pair.net);
    t->near_events |= events;
    t->near_count++;
}

static void on_far(struct rung_net *net, unsigned events, void *arg)
{
    struct pair_test *t = arg;
    assert_ptr_equal(net, &t->pair.peer);
    t->far_events |= events;
}

static void begin(struct pair_test *t, const struct rung_net_pair_keys *keys)
{
    struct rung_net_pair_needs needs = {0};
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->keys = *keys;
    assert_int_equal(rung_net_pair_open(&t->pair, t->p, &t->keys, &needs), RUNG_OK);
    t->pair.net.ready = on_near;
    t->pair.peer.ready = on_far;
    t->pair.net.arg = t->pair.peer.arg = t;
}

struct closing {
    struct rung_op op;
    unsigned done;
};

static void on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct closing, op)->done++;
}

static void end(struct pair_test *t)
{
    struct closing closing = {.op.done = on_closed};
    rung_net_close(&t->pair.net, &closing.op);
    test_run_turns(t->p, 3);
    assert_int_equal(closing.done, 1);
    test_platform_free(t->p);
}

static void out_release(struct rung_frame *frame)
{
    rung_container_of(frame, struct pair_out, frame)->released++;
}

static int send(struct rung_net *net, struct pair_out *out, uint32_t len)
{
    struct rung_frame *f = &out->frame;
    memset(out, 0, sizeof(*out));
    out->frame.data = out->bytes + net->info.headroom;
    out->frame.len = len;
    out->frame.release = out_release;
    memset(out->frame.data, 0xff, 6);
    return rung_net_send(net, &f, 1);
}

static void bad_keys_say_what_to_do(void **state)
{
    static const struct {
        struct rung_net_pair_keys keys;
        const char *says;
    } bad[] = {
        {{.slot = "net", .mtu = 575, .depth = 1, .max_frags = 1, .pool = 17},
         "a mtu of 575 is too small: set net.mtu to 576 or more"},
        {{.slot = "net", .mtu = 1500, .depth = 0, .max_frags = 1, .pool = 17},
         "a depth of 0 is too small: set net.depth to 1 or more"},
        {{.slot = "net", .mtu = 1500, .depth = 1, .max_frags = 0, .pool = 17},
         "a max-frags of 0 is too small: set net.max-frags to 1 or more"},
        {{.slot = "a.net", .mtu = 1500, .depth = 1, .max_frags = 1, .pool = 16, .offload = true},
         "a pool of 16 is too small: set a.net.pool to 17 or more"},
        {{.slot = "net", .mtu = 1500, .depth = 1, .max_frags = 1, .pool = 0},
         "a pool of 0 is too small: set net.pool to 1 or more"},
    };
    struct rung_net_pair pair;
    struct rung_net_pair_needs needs = {0};
    struct rung_platform *p = test_platform_new();
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        assert_int_equal(rung_net_pair_open(&pair, p, &bad[i].keys, &needs), RUNG_E_INVAL);
        assert_non_null(strstr(test_log_last(p), bad[i].says));
        assert_int_equal(test_log_count(p), i + 1);
    }
    test_platform_free(p);
}

static void both_ends_are_alike_and_apart(void **state)
{
    struct pair_test t;
    (void)state;
    begin(&t, &good);
    assert_int_equal(t.pair.net.info.mac[0], 0x02);
    assert_int_equal(t.pair.peer.info.mac[0], 0x02);
    assert_memory_not_equal(t.pair.net.info.mac, t.pair.peer.info.mac, 6);
    assert_int_equal(t.pair.net.info.caps, t.pair.peer.info.caps);
    assert_int_equal(t.pair.net.info.mtu, t.pair.peer.info.mtu);
    end(&t);
}

/* One event for a drained end, however many frames come; none for one that is not drained. */
static void events_come_only_where_promised(void **state)
{
    struct pair_test t;
    struct pair_out out[3];
    struct rung_frame *f[4];
    (void)state;
    begin(&t, &good);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send(&t.pair.peer, &out[i], 60), 1);
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_events, RUNG_NET_RX_READY);
    assert_int_equal(t.near_count, 1);
    assert_int_equal(send(&t.pair.peer, &out[0], 60), 1);
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_count, 1); /* not drained since */
    assert_int_equal(rung_net_recv(&t.pair.net, f, 4), 4);
    for (unsigned i = 0; i < 4; i++)
        f[i]->release(f[i]);
    assert_int_equal(send(&t.pair.peer, &out[0], 60), 1);
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_count, 1); /* the last recv() got all it asked for */
    assert_int_equal(rung_net_recv(&t.pair.net, f, 2), 1);
    f[0]->release(f[0]);
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_count, 1);
    assert_int_equal(send(&t.pair.peer, &out[0], 60), 1);
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_count, 2);
    assert_int_equal(t.far_events, 0);
    end(&t);
}

/* The pages of a frame come back whole, whatever the borrower did to its fragments. */
static void every_page_comes_back(void **state)
{
    struct pair_test t;
    struct pair_out out;
    struct rung_frame *f;
    struct rung_net_pair_keys keys = good;
    (void)state;
    keys.mtu = 1900;
    begin(&t, &keys);
    for (uint32_t len = 14; len <= 1914; len++) {
        assert_int_equal(send(&t.pair.net, &out, len), 1);
        test_run_turns(t.p, 3);
        assert_int_equal(out.released, 1);
        assert_int_equal(rung_net_recv(&t.pair.peer, &f, 1), 1);
        assert_int_equal((uintptr_t)f->data % 4, 2); /* the IP header is aligned */
        f->next = NULL;
        f->len = 0;
        f->release(f);
        assert_int_equal(t.pair.far_end.free_count, keys.pool);
    }
    end(&t);
}

static void an_unplugged_cable_loses_what_is_on_it(void **state)
{
    struct pair_test t;
    struct pair_out out[5];
    struct rung_frame *f;
    (void)state;
    begin(&t, &good);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(send(&t.pair.net, &out[i], 60), 1);
    assert_int_equal(send(&t.pair.net, &out[4], 60), 0); /* depth */
    rung_net_pair_set_link(&t.pair, false);
    rung_net_pair_set_link(&t.pair, false);
    assert_false(t.pair.net.link_up || t.pair.peer.link_up);
    assert_int_equal(t.near_count, 0);
    test_run_turns(t.p, 5);
    assert_int_equal(t.near_events, RUNG_NET_LINK | RUNG_NET_TX_READY);
    assert_int_equal(t.far_events, RUNG_NET_LINK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(out[i].released, 1);
    assert_int_equal(t.pair.net.stats.tx_dropped, 4);
    assert_int_equal(t.pair.net.stats.tx_frames, 0);
    assert_int_equal(rung_net_recv(&t.pair.peer, &f, 1), 0);
    rung_net_pair_set_link(&t.pair, true);
    assert_true(t.pair.net.link_up && t.pair.peer.link_up);
    assert_int_equal(send(&t.pair.net, &out[4], 60), 1);
    test_run_turns(t.p, 3);
    assert_int_equal(rung_net_recv(&t.pair.peer, &f, 1), 1);
    f->release(f);
    end(&t);
}

static void a_pulled_card_wakes_both(void **state)
{
    struct pair_test t;
    struct pair_out out;
    (void)state;
    begin(&t, &good);
    rung_net_pair_unplug(&t.pair);
    rung_net_pair_unplug(&t.pair);
    rung_net_pair_set_link(&t.pair, true); /* there is nothing to plug a cable into */
    test_run_turns(t.p, 3);
    assert_int_equal(t.near_events, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
    assert_int_equal(t.near_count, 1);
    assert_int_equal(t.far_events, RUNG_NET_LINK);
    assert_int_equal(send(&t.pair.net, &out, 60), RUNG_E_DOWN);
    assert_int_equal(out.released, 0);
    assert_int_equal(send(&t.pair.peer, &out, 60), 1); /* taken and dropped: the link is down */
    assert_int_equal(out.released, 1);
    end(&t);
}

static void the_peer_may_close_first(void **state)
{
    struct pair_test t;
    struct pair_out out, in;
    struct closing closing = {.op.done = on_closed};
    (void)state;
    begin(&t, &good);
    assert_int_equal(send(&t.pair.net, &out, 60), 1);
    assert_int_equal(send(&t.pair.peer, &in, 60), 1);
    rung_net_close(&t.pair.peer, &closing.op);
    assert_int_equal(closing.done, 0);
    assert_int_equal(in.released, 1);
    test_run_turns(t.p, 3);
    assert_int_equal(closing.done, 1);
    assert_int_equal(out.released, 1);
    assert_false(t.pair.net.link_up);
    assert_int_equal(t.near_events, RUNG_NET_LINK);
    assert_int_equal(t.far_events, 0);
    end(&t);
}

static void close_from_release(struct rung_frame *frame)
{
    struct pair_out *out = rung_container_of(frame, struct pair_out, frame);
    struct closing *closing;
    struct rung_net *net;
    out->released++;
    memcpy(&closing, out->bytes + 1000, sizeof(closing));
    memcpy(&net, out->bytes + 1100, sizeof(net));
    rung_net_close(net, &closing->op);
}

/* A release() deep in the data path may end it all. */
static void release_may_close(void **state)
{
    struct pair_test t;
    struct pair_out out[3];
    struct closing closing = {.op.done = on_closed}, *to_close = &closing;
    struct rung_net *net = &t.pair.net;
    (void)state;
    begin(&t, &good);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send(net, &out[i], 60), 1);
    memcpy(out[0].bytes + 1000, &to_close, sizeof(to_close));
    memcpy(out[0].bytes + 1100, &net, sizeof(net));
    out[0].frame.release = close_from_release;
    test_run_turns(t.p, 5);
    assert_int_equal(closing.done, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(out[i].released, 1);
    assert_int_equal(t.near_count, 0);
    test_platform_free(t.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_keys_say_what_to_do),
        cmocka_unit_test(both_ends_are_alike_and_apart),
        cmocka_unit_test(events_come_only_where_promised),
        cmocka_unit_test(every_page_comes_back),
        cmocka_unit_test(an_unplugged_cable_loses_what_is_on_it),
        cmocka_unit_test(a_pulled_card_wakes_both),
        cmocka_unit_test(the_peer_may_close_first),
        cmocka_unit_test(release_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
