/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_mcast_test.c - which multicast groups the back end lets in. */
#include "netfront_testing.h"

/* It has been down, and is up. */
static bool link_is_back(void *arg)
{
    struct nf_test *t = arg;
    return t->link_events > 0 && t->net->link_up;
}

static const uint8_t groups[][6] = {
    {0x01, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}, {0x33, 0x33, 0xff, 0, 0, 2},
};

static bool group_comes_in(struct nf_test *t, const uint8_t group[6])
{
    nf_packet(t, 100, 1);
    memcpy(t->packet.bytes, group, 6);
    assert_true(netback_send(t->back, &t->packet));
    struct rung_frame *f = nf_recv(t);
    if (f)
        f->release(f);
    return f != NULL;
}

/* Takes what is there, and lets the answers arrive. */
static void serve(struct nf_test *t)
{
    for (unsigned i = 0; i < 20; i++) {
        assert_false(netback_take(t->back, &t->packet));
        nf_settle(t);
    }
}

static unsigned control(struct nf_test *t)
{
    const char *key = fake_front(t->fake, "vif", "0", "request-multicast-control");
    return (unsigned)fake_store_number(t->fake, key, 9);
}

static void groups_are_told(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(control(&t), 0);
    assert_true(group_comes_in(&t, groups[2]));
    assert_int_equal(rung_net_set_multicast(t.net, groups, 2), RUNG_OK);
    nf_settle(&t);
    assert_int_equal(control(&t), 0); /* not before it knows them */
    serve(&t);
    assert_int_equal(control(&t), 1);
    assert_int_equal(t.back->group_count, 2);
    assert_true(group_comes_in(&t, groups[0]) && group_comes_in(&t, groups[1]));
    assert_false(group_comes_in(&t, groups[2]));
    assert_int_equal(rung_net_set_multicast(t.net, groups + 1, 2), RUNG_OK);
    serve(&t);
    assert_false(group_comes_in(&t, groups[0]));
    assert_true(group_comes_in(&t, groups[1]) && group_comes_in(&t, groups[2]));
    netback_down(t.back);
    test_run_until(t.p, link_is_back, &t); /* the next one is told as well */
    serve(&t);
    assert_int_equal(control(&t), 1);
    assert_true(group_comes_in(&t, groups[1]) && group_comes_in(&t, groups[2]));
    assert_false(group_comes_in(&t, groups[0]));
    uint8_t many[100][6] = {{0}};
    assert_int_equal(rung_net_set_multicast(t.net, (const uint8_t (*)[6])many, 100),
                     RUNG_E_LIMIT);
    serve(&t);
    assert_int_equal(control(&t), 0);
    assert_true(group_comes_in(&t, groups[0]));
    nf_end(&t);
}

/* A back end that refuses a group lets all in from then on, rather than lose some. */
static void a_group_that_is_refused(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(rung_net_set_multicast(t.net, groups, 2), RUNG_OK);
    serve(&t);
    assert_int_equal(control(&t), 1);
    t.back->status = NETIF_RSP_ERROR;
    assert_int_equal(rung_net_set_multicast(t.net, groups, 3), RUNG_OK);
    serve(&t);
    assert_int_equal(control(&t), 0);
    assert_int_equal(t.net->stats.tx_dropped, 0);
    nf_end(&t);
}

static void filters_that_cannot_be_changed_are_not_used(void **state)
{
    struct netback_config config = {.no_dynamic = true};
    struct nf_test t;
    (void)state;
    nf_begin(&t, &config);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(rung_net_set_multicast(t.net, groups, 2), RUNG_E_NOTSUP);
    assert_true(group_comes_in(&t, groups[2]));
    nf_end(&t);
}

/* A full ring keeps groups waiting, not lost. */
static void groups_wait_for_room(void **state)
{
    struct nf_test t;
    struct nf_out *out = calloc(400, sizeof(*out));
    unsigned sent = 0;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (int k = 1; k == 1; sent += (unsigned)k) {
        nf_make(&out[sent], 3000, 0, 1);
        k = nf_send(&t, &out[sent]);
    }
    nf_free(&out[sent]);
    assert_int_equal(rung_net_set_multicast(t.net, groups, 3), RUNG_OK);
    for (unsigned i = 0; i < sent; i++) {
        nf_expect(&t, &out[i], 3000);
        nf_settle(&t);
    }
    serve(&t);
    for (unsigned i = 0; i < sent; i++) {
        assert_int_equal(out[i].released, 1);
        nf_free(&out[i]);
    }
    assert_int_equal(t.back->group_count, 3);
    assert_int_equal(control(&t), 1);
    free(out);
    nf_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_told),
        cmocka_unit_test(a_group_that_is_refused),
        cmocka_unit_test(filters_that_cannot_be_changed_are_not_used),
        cmocka_unit_test(groups_wait_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
