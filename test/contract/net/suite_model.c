/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite_model.c - traffic of chance both ways, checked frame by frame. The
 * seed is printed by test_platform_new(); RUNG_TEST_SEED plays a run again. */
#include "suite.h"

enum { MODEL_FLIGHT = 128, MODEL_HELD = 40, MODEL_STEPS = 6000, MODEL_BATCH = 12 };

/* A frame is made again from its id when it is to be compared. */
struct model {
    struct net_test t;
    struct net_wire *want;
    struct net_out out[MODEL_FLIGHT]; /* a ring: frame id is in out[id % MODEL_FLIGHT] */
    uint32_t made, taken;             /* ids of our frames: cut and ready; handed over */
    uint32_t arrived;                 /* the next that the peer must get */
    bool tx_waits;                    /* send() came short: not before TX_READY */
    unsigned tx_seen;
    uint32_t injected, received;      /* the same for the peer's frames */
    struct rung_frame *held[MODEL_HELD];
    uint32_t held_id[MODEL_HELD];
    unsigned held_count;
};

static void model_make(struct model *m, struct net_wire *wire, uint32_t id)
{
    uint32_t spread = 14u + m->t.net->info.mtu - 60;
    bool small = id % 4 != 0; /* most frames are short, some are as long as can be */
    net_plain(&m->t, wire, id, 60 + (id * 2654435761u >> 8) % (small ? 200 : spread + 1));
}

static void model_send(struct model *m)
{
    struct net_test *t = &m->t;
    struct rung_frame *f[MODEL_BATCH];
    unsigned n = 1 + net_chance(t, MODEL_BATCH);
    unsigned most = t->net->info.max_frags < NET_FRAGS ? t->net->info.max_frags : NET_FRAGS;
    if (m->tx_waits && t->tx_events == m->tx_seen)
        return;
    for (; m->made < m->taken + n; m->made++) {
        struct net_out *out = &m->out[m->made % MODEL_FLIGHT];
        if (out->flying && !out->released)
            break;
        model_make(m, m->want, m->made);
        net_out_cut(out, t, m->want, 1 + net_chance(t, most));
    }
    if (n > m->made - m->taken)
        n = m->made - m->taken;
    for (unsigned i = 0; i < n; i++)
        f[i] = &m->out[(m->taken + i) % MODEL_FLIGHT].frag[0];
    m->tx_seen = t->tx_events;
    int k = net_send(t, f, n);
    assert_in_range(k, 0, n);
    m->taken += (uint32_t)k;
    m->tx_waits = k < (int)n;
}

static void model_peer(struct model *m)
{
    struct net_test *t = &m->t;
    for (unsigned n = net_chance(t, 8); n > 0; n--) {
        model_make(m, m->want, m->injected);
        net_inbound(t, m->want);
        if (!net_try_inject(t, m->want))
            break;
        m->injected++;
    }
    while (net_take_ours(t, t->wire)) {
        assert_true(net_id(t->wire) < m->taken);
        assert_int_equal(net_id(t->wire), m->arrived);
        model_make(m, m->want, m->arrived++);
        net_same(m->want, t->wire);
    }
}

static void model_let_go(struct model *m, unsigned at)
{
    net_copy_lent(m->t.wire, m->held[at]);
    model_make(m, m->want, m->held_id[at]);
    net_inbound(&m->t, m->want);
    net_same(m->want, m->t.wire);
    m->held[at]->release(m->held[at]);
    m->held_count--;
    m->held[at] = m->held[m->held_count];
    m->held_id[at] = m->held_id[m->held_count];
}

static void model_recv(struct model *m)
{
    struct net_test *t = &m->t;
    while (m->held_count < MODEL_HELD && net_chance(t, 8)) {
        struct rung_frame *f = net_recv_ours(t);
        if (!f)
            break;
        uint32_t id = net_id(t->wire);
        assert_true(id >= m->received && id < m->injected); /* dropped perhaps, never twice */
        m->held[m->held_count] = f;
        m->held_id[m->held_count++] = id;
        m->received = id + 1;
    }
    while (m->held_count > 0 && net_chance(t, 3))
        model_let_go(m, net_chance(t, m->held_count));
}

static bool model_is_over(void *arg)
{
    struct model *m = arg;
    model_peer(m);
    return m->arrived == m->taken;
}

static void traffic_of_chance(void **state)
{
    struct model *m = calloc(1, sizeof(*m));
    (void)state;
    assert_non_null(m);
    net_begin(&m->t);
    m->want = calloc(1, sizeof(*m->want));
    for (unsigned step = net_rounds(MODEL_STEPS); step > 0; step--) {
        switch (net_chance(&m->t, 4)) {
        case 0:
            model_send(m);
            break;
        case 1:
            model_peer(m);
            break;
        case 2:
            model_recv(m);
            break;
        default:
            test_run_turns(m->t.p, 1);
        }
    }
    test_run_until(m->t.p, model_is_over, m);
    test_run_turns(m->t.p, 5);
    while (m->held_count > 0)
        model_let_go(m, 0);
    assert_true(m->taken > 0 && m->received > 0);
    assert_int_equal(m->t.net->stats.tx_dropped, 0);
    if (m->t.net->stats.rx_dropped == 0)
        assert_in_range(m->t.net->stats.rx_frames, m->received, UINT32_MAX);
    for (uint32_t id = m->taken; id < m->made; id++)
        net_out_free(&m->out[id % MODEL_FLIGHT]);
    for (uint32_t id = m->taken > MODEL_FLIGHT ? m->taken - MODEL_FLIGHT : 0; id < m->taken; id++) {
        if (id + MODEL_FLIGHT >= m->made)
            assert_int_equal(m->out[id % MODEL_FLIGHT].released, 1);
    }
    net_end(&m->t);
    free(m->want);
    free(m);
}

const struct CMUnitTest net_model_cases[] = {
    cmocka_unit_test(traffic_of_chance),
    {.name = NULL},
};
