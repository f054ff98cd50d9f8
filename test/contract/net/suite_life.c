/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_life.c - open, close, groups, and two links side by side. */
#include "suite.h"

/* Frames on their way out and in when the link is closed: each is released once by the time that
 * done() runs, and nothing is reported any more. */
static void close_releases_what_is_queued(void **state)
{
    enum { N = 12 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out out[N] = {0};
    struct rung_frame *f[N];
    for (unsigned i = 0; i < N; i++) {
        net_plain(&t, sent, i, 60 + i);
        net_inbound(&t, sent);
        net_inject(&t, sent);
        if (i == N / 2)
            test_run_turns(t.p, 2); /* some have come in, and nobody has taken them */
        net_plain(&t, sent, 100 + i, 60 + i);
        net_out_cut(&out[i], &t, sent, 1 + i % (t.net->info.max_frags > 3 ? 4 : 1));
        f[i] = &out[i].frag[0];
    }
    int k = net_send(&t, f, N);
    assert_in_range(k, 1, N);
    net_close(&t);
    for (int i = 0; i < N; i++) {
        if (i < k)
            assert_int_equal(out[i].released, 1);
        else
            net_out_free(&out[i]);
    }
    free(sent);
    net_end(&t);
}

static void close_an_idle_link(void **state)
{
    struct net_test t;
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        net_begin(&t);
        test_run_turns(t.p, i % 3);
        net_end(&t);
    }
}

static bool group_comes_in(struct net_test *t, const uint8_t group[6], uint32_t id)
{
    struct net_wire *sent = calloc(1, sizeof(*sent));
    uint32_t got;
    net_plain(t, sent, id, 80);
    net_inbound(t, sent);
    memcpy(sent->bytes, group, 6);
    net_inject(t, sent);
    net_plain(t, sent, id + 1, 80); /* one that comes in for sure ends the waiting */
    net_inbound(t, sent);
    net_inject(t, sent);
    struct rung_frame *f = net_await_recv(t);
    got = net_id(t->wire);
    f->release(f);
    if (got == id) {
        f = net_await_recv(t);
        assert_int_equal(net_id(t->wire), id + 1);
        f->release(f);
    }
    free(sent);
    return got == id;
}

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t groups[3][6] = {
    {0x01, 0x00, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}, {0x01, 0x00, 0x5e, 1, 2, 3},
};

static void groups_are_let_in(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    assert_true(group_comes_in(&t, everyone, 10));
    assert_true(group_comes_in(&t, groups[2], 20)); /* all, until we say which */
    t.in_call = true;
    int err = rung_net_set_multicast(t.net, groups, 2);
    t.in_call = false;
    assert_true(err == RUNG_OK || err == RUNG_E_NOTSUP || err == RUNG_E_LIMIT);
    assert_true(group_comes_in(&t, everyone, 30));
    assert_true(group_comes_in(&t, groups[0], 40));
    assert_true(group_comes_in(&t, groups[1], 50));
    bool filters = err == RUNG_OK && !net_has(&t, RUNG_NET_PROMISC);
    bool third = group_comes_in(&t, groups[2], 60);
    assert_true(third || filters);
    if (err == RUNG_OK) { /* the new list replaces the old one */
        assert_int_equal(rung_net_set_multicast(t.net, groups + 1, 2), RUNG_OK);
        assert_true(group_comes_in(&t, groups[1], 70));
        assert_true(group_comes_in(&t, groups[2], 80));
        assert_int_equal(rung_net_set_multicast(t.net, NULL, 0), RUNG_OK);
        assert_true(group_comes_in(&t, everyone, 90));
    }
    net_end(&t);
}

static void too_many_groups_let_all_in(void **state)
{
    enum { MANY = 3000 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    uint8_t(*many)[6] = calloc(MANY, 6);
    for (unsigned i = 0; i < MANY; i++) {
        many[i][0] = 0x01;
        many[i][4] = (uint8_t)(i >> 8);
        many[i][5] = (uint8_t)i;
    }
    const uint8_t(*list)[6] = (const uint8_t(*)[6])many;
    int err = rung_net_set_multicast(t.net, list, MANY);
    assert_true(err == RUNG_OK || err == RUNG_E_NOTSUP || err == RUNG_E_LIMIT);
    assert_true(group_comes_in(&t, many[MANY - 1], 10));
    if (err != RUNG_OK)
        assert_true(group_comes_in(&t, groups[0], 20));
    free(many);
    net_end(&t);
}

/* Frames for other stations come in where the link says so, and nowhere else. */
static void other_stations_with_promisc_only(void **state)
{
    static const uint8_t other[6] = {0x02, 0x99, 0x98, 0x97, 0x96, 0x95};
    struct net_test t;
    (void)state;
    net_begin(&t);
    assert_int_equal(group_comes_in(&t, other, 10), net_has(&t, RUNG_NET_PROMISC));
    net_end(&t);
}

static void two_links_know_nothing_of_each_other(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_rig *rig = net_fixture.make(t.p, net_variant), *first_rig = t.rig;
    struct rung_net *first = t.net, *second = NULL;
    enum rung_err err = net_fixture.open(rig, &second);
    if (err == RUNG_E_LIMIT) {
        net_fixture.free(rig);
        net_skip(&t, "one link is all there is here");
    }
    assert_int_equal(err, RUNG_OK);
    assert_memory_not_equal(first->info.mac, second->info.mac, 6);
    struct net_wire sent;
    struct net_out out = {0};
    net_plain(&t, &sent, 1, 90);
    net_send_one(&t, &out, &sent, 1);
    net_await_taken(&t, t.wire);
    t.rig = rig;
    assert_false(net_take_ours(&t, t.wire));
    t.net = second;
    net_plain(&t, &sent, 2, 90);
    net_inbound(&t, &sent);
    net_inject(&t, &sent);
    struct rung_frame *f = net_await_recv(&t);
    assert_int_equal(net_id(t.wire), 2);
    f->release(f);
    net_close(&t);
    t.rig = first_rig;
    t.net = first;
    t.closed = false;
    assert_null(net_recv_ours(&t));
    net_plain(&t, &sent, 3, 90);
    net_inbound(&t, &sent);
    net_inject(&t, &sent);
    f = net_await_recv(&t);
    f->release(f);
    net_fixture.free(rig);
    net_end(&t);
}

/* Every allocation that open makes is refused once: it says so, and leaves nothing behind. */
static void open_without_memory(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    net_close(&t);
    size_t blocks = test_heap_blocks(t.p);
    long n = 1;
    for (;; n++) {
        size_t lines = test_log_count(t.p);
        net_fixture.free(t.rig);
        t.rig = net_fixture.make(t.p, net_variant);
        test_heap_fail_after(t.p, n);
        enum rung_err err = net_fixture.open(t.rig, &t.net);
        test_heap_fail_after(t.p, 0);
        if (!err)
            break;
        assert_int_equal(err, RUNG_E_NOMEM);
        assert_int_equal(test_log_count(t.p), lines + 1);
        assert_int_equal(test_heap_blocks(t.p), blocks);
        assert_true(n < 100);
    }
    assert_true(n > 1);
    net_end(&t);
}

const struct CMUnitTest net_life_cases[] = {
    cmocka_unit_test(close_an_idle_link),
    cmocka_unit_test(close_releases_what_is_queued),
    cmocka_unit_test(groups_are_let_in),
    cmocka_unit_test(too_many_groups_let_all_in),
    cmocka_unit_test(other_stations_with_promisc_only),
    cmocka_unit_test(two_links_know_nothing_of_each_other),
    cmocka_unit_test(open_without_memory),
    {.name = NULL},
};
