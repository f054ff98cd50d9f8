/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_send.c - send(): ownership, batches, fragments, back pressure. */
#include "suite.h"

enum { SEND_MANY = 20000 }; /* frames that no link takes before it is full */

static void info_is_sound(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    const struct rung_net_info *info = &t.net->info;
    static const uint8_t zero[6];
    assert_false(info->mac[0] & 1); /* of one station */
    assert_memory_not_equal(info->mac, zero, sizeof(zero));
    assert_in_range(info->mtu, 576, 65535);
    assert_true(info->max_frags >= 1);
    assert_true(net_has(&t, RUNG_NET_TX_SG) || info->max_frags == 1);
    if (info->caps & (RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6))
        assert_true(net_has(&t, RUNG_NET_TX_CSUM));
    assert_true(t.net->link_up);
    if (t.net->ops) /* NULL in a program with direct calls */
        assert_string_equal(t.net->ops->name, net_fixture.module);
    struct rung_net_info before = *info;
    net_expect_quiet(&t);
    assert_memory_equal(&before, info, sizeof(before));
    net_end(&t);
}

static void a_frame_goes_out(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct rung_net_stats before = t.net->stats;
    struct net_wire sent;
    struct net_out out = {0};
    net_plain(&t, &sent, 1, 100);
    net_send_one(&t, &out, &sent, 1);
    net_await_taken(&t, t.wire);
    net_same(&sent, t.wire);
    test_run_turns(t.p, 3);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.net->stats.tx_frames, before.tx_frames + 1);
    assert_int_equal(t.net->stats.tx_bytes, before.tx_bytes + 100);
    assert_int_equal(t.net->stats.tx_dropped, before.tx_dropped);
    assert_int_equal(net_send(&t, NULL, 0), 0);
    net_expect_quiet(&t);
    net_end(&t);
    assert_int_equal(out.released, 1);
}

static void every_length_goes_out(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    uint32_t longest = 14u + t.net->info.mtu;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t len = i < 8 ? 60 + i : i < 16 ? longest - (15 - i)
                       : 60 + net_chance(&t, longest - 59);
        struct net_out out = {0};
        net_plain(&t, sent, i, len);
        net_send_one(&t, &out, sent, 1);
        net_await_taken(&t, t.wire);
        net_same(sent, t.wire);
        test_run_turns(t.p, 3);
        assert_int_equal(out.released, 1);
    }
    free(sent);
    net_end(&t);
}

/* Any cut into fragments, also of single bytes and inside the Ethernet header; only the first one's
 * release runs. */
static void fragments_are_one_frame(void **state)
{
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    unsigned most = t.net->info.max_frags < NET_FRAGS ? t.net->info.max_frags : NET_FRAGS;
    for (unsigned i = 0; i < net_rounds(200); i++) {
        struct net_out out = {0};
        net_plain(&t, sent, i, 60 + net_chance(&t, 14u + t.net->info.mtu - 59));
        net_send_one(&t, &out, sent, i % 5 ? 1 + net_chance(&t, most) : most);
        net_await_taken(&t, t.wire);
        net_same(sent, t.wire);
        test_run_turns(t.p, 3);
        assert_int_equal(out.released, 1);
    }
    free(sent);
    net_end(&t);
}

static void batches_keep_their_order(void **state)
{
    enum { BATCH = 16 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    for (uint32_t first = 0; first < net_rounds(40) * BATCH; first += BATCH) {
        struct net_out out[BATCH] = {0};
        struct rung_frame *f[BATCH];
        unsigned taken = 0;
        for (unsigned i = 0; i < BATCH; i++) {
            net_plain(&t, sent, first + i, 60 + (first * 7 + i * 31) % 400);
            net_out_cut(&out[i], &t, sent, 1);
            f[i] = &out[i].frag[0];
        }
        for (unsigned next = 0; next < BATCH;) {
            if (taken < BATCH) {
                int k = net_send(&t, f + taken, BATCH - taken);
                assert_in_range(k, 0, BATCH - taken);
                taken += (unsigned)k;
            }
            net_await_taken(&t, t.wire);
            assert_int_equal(net_id(t.wire), first + next);
            next++;
        }
        test_run_turns(t.p, 3);
        for (unsigned i = 0; i < BATCH; i++)
            assert_int_equal(out[i].released, 1);
    }
    free(sent);
    net_end(&t);
}

static bool room_again(void *arg)
{
    struct net_test *t = arg;
    return t->tx_events > 0;
}

/* A full link takes a prefix of the batch and leaves the rest alone; one TX_READY follows;
 * nothing of what was taken is lost, doubled or out of order. */
static void a_full_link_pushes_back(void **state)
{
    enum { BATCH = 50 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    if (net_fixture.stall)
        assert_true(net_fixture.stall(t.rig, true));
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out *out = calloc(SEND_MANY, sizeof(*out));
    struct rung_frame *f[BATCH];
    uint32_t taken = 0, made = 0;
    for (bool full = false; !full;) {
        for (; made < taken + BATCH; made++) {
            assert_true(made < SEND_MANY);
            net_plain(&t, sent, made, 60 + made % 200);
            net_out_cut(&out[made], &t, sent, 1);
        }
        for (uint32_t i = 0; i < BATCH; i++)
            f[i] = &out[taken + i].frag[0];
        int k = net_send(&t, f, BATCH);
        assert_in_range(k, 0, BATCH);
        taken += (uint32_t)k;
        full = k < BATCH;
    }
    assert_true(taken > 0);
    for (uint32_t i = taken; i < made; i++)
        net_out_free(&out[i]); /* still ours: to keep, to change, to free */
    assert_int_equal(t.tx_events, 0);
    if (net_fixture.stall)
        assert_true(net_fixture.stall(t.rig, false));
    for (uint32_t next = 0; next < taken; next++) {
        net_await_taken(&t, t.wire);
        assert_int_equal(net_id(t.wire), next);
    }
    net_wait(&t, room_again);
    net_expect_quiet(&t);
    assert_int_equal(t.tx_events, 1);
    for (uint32_t i = 0; i < taken; i++)
        assert_int_equal(out[i].released, 1);
    struct net_out last = {0};
    net_plain(&t, sent, taken, 60);
    net_send_one(&t, &last, sent, 1); /* there is room, as was said */
    net_await_taken(&t, t.wire);
    assert_int_equal(net_id(t.wire), taken);
    net_end(&t);
    assert_int_equal(last.released, 1);
    free(sent);
    free(out);
}

/* A release that sends the next frame, from inside whatever call released it. */
static void send_from_release(struct net_out *out)
{
    struct net_out *next = out->arg;
    struct rung_frame *f = next ? &next->frag[0] : NULL;
    if (next)
        assert_int_equal(net_send(out->t, &f, 1), 1);
}

static void release_may_send(void **state)
{
    enum { N = 30 };
    struct net_test t;
    (void)state;
    net_begin(&t);
    struct net_wire *sent = calloc(1, sizeof(*sent));
    struct net_out out[N] = {0};
    for (unsigned i = 0; i < N; i++) {
        net_plain(&t, sent, i, 60 + i);
        net_out_cut(&out[i], &t, sent, 1);
        out[i].then = send_from_release;
        out[i].arg = i + 1 < N ? &out[i + 1] : NULL;
    }
    struct rung_frame *f = &out[0].frag[0];
    assert_int_equal(net_send(&t, &f, 1), 1);
    for (unsigned i = 0; i < N; i++) {
        net_await_taken(&t, t.wire);
        assert_int_equal(net_id(t.wire), i);
    }
    test_run_turns(t.p, 3);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(out[i].released, 1);
    free(sent);
    net_end(&t);
}

const struct CMUnitTest net_send_cases[] = {
    cmocka_unit_test(info_is_sound),
    cmocka_unit_test(a_frame_goes_out),
    cmocka_unit_test(every_length_goes_out),
    cmocka_unit_test(fragments_are_one_frame),
    cmocka_unit_test(batches_keep_their_order),
    cmocka_unit_test(a_full_link_pushes_back),
    cmocka_unit_test(release_may_send),
    {.name = NULL},
};
