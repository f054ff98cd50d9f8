/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_offload.c - checksums and super-frames, on the links that offer them. */
#include "suite.h"

static void need(struct net_test *t, uint32_t caps)
{
    if (!net_has(t, caps))
        net_skip(t, "this link does not offer it");
}

static unsigned most_frags(const struct net_test *t)
{
    return t->net->info.max_frags < NET_FRAGS ? t->net->info.max_frags : NET_FRAGS;
}

static void send_and_compare(struct net_test *t, const struct net_wire *sent, unsigned frags)
{
    struct net_out out = {0};
    net_send_one(t, &out, sent, frags);
    net_await_taken(t, t->wire);
    net_same(sent, t->wire);
    test_run_turns(t->p, 3);
    assert_int_equal(out.released, 1);
}

static void the_link_sums_for_us(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    need(&t, RUNG_NET_TX_CSUM);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    for (unsigned i = 0; i < 60; i++) {
        net_udp(&t, sent, i, 60 + net_chance(&t, 14u + t.net->info.mtu - 59));
        send_and_compare(&t, sent, 1 + net_chance(&t, most_frags(&t)));
    }
    free(sent);
    net_end(&t);
}

static void super_frames_go_out_as(struct net_test *t, bool ipv6)
{
    struct net_wire *sent = calloc(1, sizeof(*sent));
    unsigned frags = most_frags(t);
    for (unsigned i = 0; i < net_rounds(40); i++) {
        uint32_t longest = RUNG_FRAME_MAX;
        uint32_t len = i < 4 ? longest - i : 3000 + net_chance(t, longest - 3000);
        net_super(t, sent, i, len, ipv6);
        if (i % 2)
            sent->flags |= RUNG_FRAME_ECN;
        send_and_compare(t, sent, i % 3 ? 1 + net_chance(t, frags) : frags);
    }
    free(sent);
}

static void super_frames_go_out_on_ipv4(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    need(&t, RUNG_NET_TX_TSO4);
    super_frames_go_out_as(&t, false);
    net_end(&t);
}

static void super_frames_go_out_on_ipv6(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    need(&t, RUNG_NET_TX_TSO6);
    super_frames_go_out_as(&t, true);
    net_end(&t);
}

/* What comes in with its sum still to be made says so, was found good, or has the sum in it. */
static void unsummed_frames_come_in(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    need(&t, RUNG_NET_RX_CSUM);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    for (unsigned i = 0; i < 40; i++) {
        net_udp(&t, sent, i, 60 + net_chance(&t, 14u + t.net->info.mtu - 59));
        net_inbound(&t, sent);
        net_inject(&t, sent);
        struct rung_frame *f = net_await_recv(&t);
        net_same(sent, t.wire);
        f->release(f);
    }
    free(sent);
    net_end(&t);
}

static void super_frames_come_in(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    need(&t, RUNG_NET_RX_GSO | RUNG_NET_RX_CSUM);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    for (unsigned i = 0; i < net_rounds(40); i++) {
        uint32_t longest = net_fixture.super_max ? net_fixture.super_max : RUNG_FRAME_MAX;
        uint32_t len = i < 4 ? longest - i : 3000 + net_chance(&t, longest - 3000);
        net_super(&t, sent, i, len, i % 2);
        net_inbound(&t, sent);
        net_inject(&t, sent);
        struct rung_frame *f = net_await_recv(&t);
        net_same(sent, t.wire);
        f->release(f);
    }
    free(sent);
    net_end(&t);
}

/* Flags that were not offered do not come up. */
static void plain_frames_stay_plain(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire sent;
    net_plain(&t, &sent, 3, 300);
    net_inbound(&t, &sent);
    net_inject(&t, &sent);
    struct rung_frame *f = net_await_recv(&t);
    assert_int_equal(f->flags & RUNG_FRAME_CSUM, 0);
    assert_int_equal(f->gso_size, 0);
    if (!net_has(&t, RUNG_NET_RX_CSUM))
        assert_int_equal(f->flags & RUNG_FRAME_VERIFIED, 0);
    f->release(f);
    net_end(&t);
}

const struct CMUnitTest net_offload_cases[] = {
    cmocka_unit_test(the_link_sums_for_us),
    cmocka_unit_test(super_frames_go_out_on_ipv4),
    cmocka_unit_test(super_frames_go_out_on_ipv6),
    cmocka_unit_test(unsummed_frames_come_in),
    cmocka_unit_test(super_frames_come_in),
    cmocka_unit_test(plain_frames_stay_plain),
    {.name = NULL},
};
