/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_recv.c - recv(): lent frames, ready events, a link that runs dry. */
#include "suite.h"

static bool rx_event(void *arg)
{
    struct net_test *t = arg;
    return t->rx_events > 0;
}

static void a_frame_comes_in(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct rung_net_stats before = t.net->stats;
    struct net_wire sent;
    net_plain(&t, &sent, 1, 200);
    net_inbound(&t, &sent);
    assert_null(net_recv_ours(&t)); /* came short: an event is owed */
    net_inject(&t, &sent);
    net_wait(&t, rx_event);
    struct rung_frame *f = net_recv_ours(&t);
    assert_non_null(f);
    net_same(&sent, t.wire);
    for (struct rung_frame *part = f; part; part = part->next)
        memset(part->data, 0xee, part->len); /* its bytes are ours to change */
    f->release(f);
    assert_null(net_recv_ours(&t));
    assert_true(t.net->stats.rx_frames >= before.rx_frames + 1);
    assert_true(t.net->stats.rx_bytes >= before.rx_bytes + 200);
    assert_int_equal(t.net->stats.rx_dropped, before.rx_dropped);
    net_end(&t);
}

static void recv_of_nothing_leaves_the_array_alone(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct rung_frame *f[4] = {NULL, NULL, NULL, NULL};
    assert_int_equal(net_recv(&t, f, 0), 0);
    if (net_recv(&t, f, 4) == 0) {
        for (unsigned i = 0; i < 4; i++)
            assert_null(f[i]);
    }
    net_end(&t);
}

/* Each recv() that came short is followed by one event for the next frame, and none before it. */
static void an_event_follows_each_drain(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire sent;
    for (unsigned i = 0; i < 20; i++) {
        while (net_recv_ours(&t))
            fail_msg("a frame out of nowhere");
        t.rx_events = 0;
        test_run_turns(t.p, 5);
        unsigned own = t.rx_events; /* a host's own frames, on a real wire */
        net_plain(&t, &sent, i, 60 + i);
        net_inbound(&t, &sent);
        net_inject(&t, &sent);
        net_wait(&t, rx_event);
        assert_true(t.rx_events <= own + 1);
        struct rung_frame *f = net_await_recv(&t);
        net_same(&sent, t.wire);
        f->release(f);
    }
    net_end(&t);
}

static void frames_come_in_order(void **state)
{
    enum { N = 24, ROUNDS = 10 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    for (uint32_t first = 0; first < ROUNDS * N; first += N) {
        struct rung_frame *held[N];
        for (uint32_t i = 0; i < N; i++) {
            net_plain(&t, sent, first + i, 60 + (first + i) * 5);
            net_inbound(&t, sent);
            net_inject(&t, sent);
            test_run_turns(t.p, first / N % 3);
        }
        for (uint32_t i = 0; i < N; i++) { /* held together, each with bytes of its own */
            held[i] = net_await_recv(&t);
            assert_int_equal(net_id(t.wire), first + i);
        }
        for (uint32_t i = 0; i < N; i++) {
            uint32_t pick = net_chance(&t, N - i);
            net_copy_lent(t.wire, held[pick]);
            net_plain(&t, sent, net_id(t.wire), t.wire->len);
            net_inbound(&t, sent);
            net_same(sent, t.wire);
            held[pick]->release(held[pick]); /* in any order */
            held[pick] = held[N - i - 1];
        }
    }
    free(sent);
    net_end(&t);
}

static void lengths_come_in(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    uint32_t longest = 14u + t.net->info.mtu;
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t len = i < 8 ? 60 + i : i < 16 ? longest - (15 - i)
                       : 60 + net_chance(&t, longest - 59);
        net_plain(&t, sent, i, len);
        net_inbound(&t, sent);
        net_inject(&t, sent);
        struct rung_frame *f = net_await_recv(&t);
        net_same(sent, t.wire);
        f->data += 14; /* the borrower may cut and change what it likes, and give the first back */
        f->len -= 14;
        f->next = NULL;
        f->release(f);
    }
    free(sent);
    net_end(&t);
}

static bool has_dropped(void *arg)
{
    struct net_test *t = arg;
    if (t->net->stats.rx_dropped > 0)
        return true;
    net_plain(t, t->wire, 7, 14u + t->net->info.mtu);
    net_inbound(t, t->wire);
    net_try_inject(t, t->wire);
    return false;
}

/* Who takes and keeps frames makes the link run dry: it drops and counts, bounded in memory, keeps
 * what is lent as it is, and goes on when it gets frames back. */
static void a_dry_link_drops_and_counts(void **state)
{
    enum { MOST = 65536 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct rung_frame **held = calloc(MOST, sizeof(struct rung_frame *));
    size_t count = 0;
    for (unsigned round = 0; t.net->stats.rx_dropped == 0 && count + 32 <= MOST; round++) {
        assert_true(round < MOST);
        for (unsigned i = 0; i < 8; i++)
            has_dropped(&t);
        test_run_turns(t.p, 2);
        int k = net_recv(&t, held + count, 32);
        count += k > 0 ? (size_t)k : 0;
    }
    net_wait(&t, has_dropped);
    assert_true(count > 0 && count < MOST);
    struct net_wire *want = calloc(1, sizeof(*want));
    net_plain(&t, want, 7, 14u + t.net->info.mtu);
    net_inbound(&t, want);
    for (size_t i = 0; i < count; i++) {
        net_copy_lent(t.wire, held[i]);
        if (net_is_ours(t.wire))
            net_same(want, t.wire);
        held[i]->release(held[i]);
    }
    for (struct rung_frame *f; (f = net_recv_ours(&t));)
        f->release(f);
    net_plain(&t, want, 8, 60);
    net_inbound(&t, want);
    net_inject(&t, want);
    uint32_t id;
    do { /* those that were under way come first */
        struct rung_frame *f = net_await_recv(&t);
        id = net_id(t.wire);
        f->release(f);
    } while (id == 7);
    assert_int_equal(id, 8);
    free(want);
    free(held);
    net_end(&t);
}

/* As many frames as the link says may be held, and the longest that the peer can send: one more
 * comes in. */
static void what_may_be_held_leaves_room(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    unsigned hold = t.net->info.rx_hold;
    if (hold == 0 || hold > 512) {
        net_skip(&t, "this link lends as many as one likes");
        return;
    }
    struct rung_frame **held = calloc(hold, sizeof(struct rung_frame *));
    struct net_wire *sent = calloc(1, sizeof(*sent));
    uint32_t longest = net_fixture.super_max ? net_fixture.super_max : RUNG_FRAME_MAX;
    for (unsigned i = 0; i < hold; i++) {
        if (net_has(&t, RUNG_NET_RX_GSO))
            net_super(&t, sent, i, longest, false);
        else
            net_plain(&t, sent, i, 14u + t.net->info.mtu);
        net_inbound(&t, sent);
        net_inject(&t, sent);
        held[i] = net_await_recv(&t);
    }
    net_plain(&t, sent, hold, 60);
    net_inbound(&t, sent);
    net_inject(&t, sent);
    struct rung_frame *f = net_await_recv(&t);
    net_same(sent, t.wire);
    f->release(f);
    assert_int_equal(t.net->stats.rx_dropped, 0);
    for (unsigned i = 0; i < hold; i++)
        held[i]->release(held[i]);
    free(sent);
    free(held);
    net_end(&t);
}

/* Nobody listens: frames wait, recv() gets them, and a listener that comes later is told again. */
static void ready_may_be_null(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    void (*ready)(struct rung_net *, unsigned, void *) = t.net->ready;
    struct net_wire sent;
    net_plain(&t, &sent, 1, 64);
    net_inbound(&t, &sent);
    t.net->ready = NULL;
    net_inject(&t, &sent);
    struct rung_frame *f = net_await_recv(&t);
    net_same(&sent, t.wire);
    f->release(f);
    assert_null(net_recv_ours(&t));
    test_run_turns(t.p, 3);
    t.net->ready = ready;
    net_inject(&t, &sent);
    net_wait(&t, rx_event);
    net_end(&t); /* with a frame that nobody took */
}

const struct CMUnitTest net_recv_cases[] = {
    cmocka_unit_test(a_frame_comes_in),
    cmocka_unit_test(recv_of_nothing_leaves_the_array_alone),
    cmocka_unit_test(an_event_follows_each_drain),
    cmocka_unit_test(frames_come_in_order),
    cmocka_unit_test(lengths_come_in),
    cmocka_unit_test(a_dry_link_drops_and_counts),
    cmocka_unit_test(what_may_be_held_leaves_room),
    cmocka_unit_test(ready_may_be_null),
    {.name = NULL},
};
