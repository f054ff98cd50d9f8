/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_rx_test.c - how netfront receives: pages that are lent, posted and lent
 * again, a bound on them, and frames as other back ends may cut them. */
#include "netfront_testing.h"

static void expect(struct nf_test *t, const struct rung_frame *f)
{
    uint32_t at = 0;
    assert_int_equal(nf_len(f), t->packet.len);
    for (; f; f = f->next) {
        assert_memory_equal(f->data, t->packet.bytes + at, f->len);
        at += f->len;
    }
}

/* A page that a reader has is not the back end's: neither to read nor to write. */
static void a_lent_page_is_ours_alone(void **state)
{
    struct nf_test t;
    uint32_t ref;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    ref = t.back->rx->ring[t.back->rx_taken % NETBACK_RING].req.gref;
    assert_true(nf_inject(&t, 200, 1));
    assert_non_null(fake_map(t.fake, 0, ref, true));
    fake_unmap(t.fake, ref);
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    assert_null(fake_map(t.fake, 0, ref, true));
    assert_null(fake_map(t.fake, 0, ref, false));
    expect(&t, f);
    f->release(f);
    nf_end(&t);
}

struct early {
    struct rung_task task;
    struct nf_test *t;
    bool sent;
};

static void sends_early(struct rung_task *task)
{
    struct early *early = rung_container_of(task, struct early, task);
    early->sent = early->t->back->up && nf_inject(early->t, 100, 7);
    if (!early->sent)
        rung_loop_defer(early->t->p, task);
}

static bool is_told(void *arg)
{
    return ((struct nf_test *)arg)->rx_events > 0;
}

/* A bridge floods: frames may be there before we have seen that the back end is connected, and so
 * before there is anybody to tell. Told of they are all the same. */
static void a_frame_may_come_during_open(void **state)
{
    struct nf_test t;
    struct early early = {.task.fn = sends_early, .t = &t};
    (void)state;
    nf_begin(&t, NULL);
    rung_loop_defer(t.p, &early.task);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_true(early.sent);
    test_run_until(t.p, is_told, &t);
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    f->release(f);
    assert_true(nf_inject(&t, 100, 8));
    f = nf_recv(&t);
    assert_non_null(f);
    expect(&t, f);
    f->release(f);
    nf_end(&t);
}

/* The same when it has been away. */
static void a_frame_may_come_before_the_link(void **state)
{
    struct nf_test t;
    struct early early = {.task.fn = sends_early, .t = &t};
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_null(nf_recv(&t));
    netback_restart(t.back, true);
    rung_loop_defer(t.p, &early.task);
    test_run_until(t.p, is_told, &t);
    assert_true(early.sent && t.net->link_up);
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    f->release(f);
    nf_end(&t);
}

/* Slots of any size, from any place in their pages. */
static void frames_come_in_parts(void **state)
{
    static const struct { uint32_t part; uint16_t offset; uint32_t len; } ways[] = {
        {0, 0, 60}, {0, 256, 1514}, {100, 0, 1514}, {14, 2, 100}, {0, 4000, 1514}, {0, 0, 65535},
        {4096, 2, 65535}, {3500, 300, 65535}, {4096, 0, 8192},
    };
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < RUNG_ARRAY_LEN(ways); i++) {
            t.back->part = ways[i].part;
            t.back->offset = ways[i].offset;
            assert_true(nf_inject(&t, ways[i].len, (uint8_t)i));
            struct rung_frame *f = nf_recv(&t);
            assert_non_null(f);
            expect(&t, f);
            f->next = NULL; /* the borrower's to change */
            f->release(f);
            nf_settle(&t);
        }
    }
    assert_int_equal(t.net->stats.rx_dropped, 0);
    nf_end(&t);
}

/* A packet that is shown in two steps is waited for, and told of when it is whole. */
static void half_a_packet_is_waited_for(void **state)
{
    struct nf_test t;
    uint32_t ref;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_null(nf_recv(&t));
    nf_packet(&t, 5000, 3);
    uint32_t slot = netback_rx_request(t.back, &ref);
    assert_true(fake_copy_to(t.fake, 0, ref, 0, t.packet.bytes, 4096));
    netback_rx_raw(t.back, netback_rsp(slot, 0, NETRXF_more_data, 4096));
    nf_settle(&t);
    assert_null(nf_recv(&t));
    t.rx_events = 0;
    slot = netback_rx_request(t.back, &ref);
    assert_true(fake_copy_to(t.fake, 0, ref, 0, t.packet.bytes + 4096, 904));
    netback_rx_raw(t.back, netback_rsp(slot, 0, 0, 904));
    nf_settle(&t);
    assert_int_equal(t.rx_events, 1);
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    expect(&t, f);
    f->release(f);
    nf_end(&t);
}

/* Slots that failed in the back end (netback's grant copy) cost their packet only. */
static void a_packet_that_failed_is_counted(void **state)
{
    static const int statuses[] = {NETIF_RSP_ERROR, NETIF_RSP_DROPPED, -9, 0};
    struct nf_test t;
    uint32_t ref;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 400; i++) {
        uint32_t slot = netback_rx_request(t.back, &ref);
        netback_rx_raw(t.back, netback_rsp(slot, 0, NETRXF_more_data, i % 2 ? 100 : statuses[0]));
        slot = netback_rx_request(t.back, &ref);
        netback_rx_raw(t.back, netback_rsp(slot, 0, 0, statuses[i % 4]));
        assert_null(nf_recv(&t));
        assert_int_equal(t.net->stats.rx_dropped, i + 1);
        assert_true(nf_inject(&t, 100, (uint8_t)i));
        struct rung_frame *f = nf_recv(&t);
        assert_non_null(f);
        expect(&t, f);
        f->release(f);
        nf_settle(&t);
    }
    nf_end(&t);
}

/* Who holds all the long frames that there are still gets short ones; who holds all still leaves
 * the ring full, so that the back end does not take the guest for dead. */
static void hoarders_are_bounded(void **state)
{
    struct nf_test t;
    struct rung_frame *held[1000];
    unsigned count = 0;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    while (t.net->stats.rx_dropped == 0) {
        assert_true(nf_inject(&t, 60000, (uint8_t)count));
        struct rung_frame *f = nf_recv(&t);
        if (f)
            held[count++] = f;
        nf_settle(&t);
    }
    unsigned large = count;
    assert_in_range(large, 8, 20);
    while (t.net->stats.rx_dropped == 1) {
        assert_true(nf_inject(&t, 64, (uint8_t)count));
        struct rung_frame *f = nf_recv(&t);
        if (f)
            held[count++] = f;
        nf_settle(&t);
    }
    assert_in_range(count - large, 30, 200);
    assert_true(netback_rx_there(t.back) >= 30);
    assert_true(fake_pages_out(t.fake) <= 256 + 20); /* 1 MiB, rings and cells */
    for (unsigned i = 0; i < count; i++) {
        nf_packet(&t, i < large ? 60000 : 64, (uint8_t)i);
        expect(&t, held[i]);
        held[i]->release(held[i]);
    }
    assert_true(nf_inject(&t, 60000, 9));
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    expect(&t, f);
    f->release(f);
    nf_end(&t);
}

/* No more pages are to be had: frames are lost then, and come in again later. */
static void without_pages_frames_are_lost(void **state)
{
    struct fake_config guest = {.pages = 100};
    struct nf_test t;
    struct rung_frame *held[100];
    unsigned count = 0;
    (void)state;
    nf_begin_small(&t, NULL, &guest);
    assert_int_equal(nf_open(&t), RUNG_OK);
    while (t.net->stats.rx_dropped == 0) {
        assert_true(nf_inject(&t, 64, (uint8_t)count));
        struct rung_frame *f = nf_recv(&t);
        if (f)
            held[count++] = f;
        nf_settle(&t);
    }
    assert_in_range(count, 10, 99);
    for (unsigned i = 0; i < count; i++)
        held[i]->release(held[i]);
    assert_true(nf_inject(&t, 64, 1));
    struct rung_frame *f = nf_recv(&t);
    assert_non_null(f);
    f->release(f);
    nf_end(&t);
}

/* A quiet guest has few pages; one that is sent much to has more, and a ring that is full. */
static void the_ring_grows_with_its_load(void **state)
{
    struct nf_test t;
    struct rung_frame *f[64];
    (void)state;
    nf_begin(&t, NULL);
    t.keys.rx_memory = 4 << 20;
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(netback_rx_there(t.back), NETFRONT_POST_MIN);
    for (unsigned round = 0; round < 30; round++) {
        while (nf_inject(&t, 1500, (uint8_t)round))
            continue;
        for (int k; (k = rung_net_recv(t.net, f, 64)) > 0;) {
            for (int i = 0; i < k; i++)
                f[i]->release(f[i]);
        }
        nf_settle(&t);
    }
    assert_int_equal(netback_rx_there(t.back), NETBACK_RING);
    assert_int_equal(t.net->stats.rx_dropped, 0);
    nf_end(&t);
}

/* The back end that has run out of requests asks to be notified of more, and is, once. */
static void a_dry_back_end_is_notified(void **state)
{
    struct nf_test t;
    struct rung_frame *f[64];
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    nf_settle(&t);
    while (nf_inject(&t, 1500, 1))
        continue;
    uint64_t before = t.back->notified;
    int k = rung_net_recv(t.net, f, 64);
    assert_int_equal(k, 64);
    for (int i = 0; i < k; i++)
        f[i]->release(f[i]);
    assert_int_equal(rung_net_recv(t.net, f, 64), 0);
    nf_settle(&t);
    assert_int_equal(t.back->notified, before + 1);
    assert_true(nf_inject(&t, 1500, 1));
    nf_end(&t);
}

/* Frames that are lost take their turns too: a call looks at so many, and says that there are
 * more. */
static void losing_frames_is_bounded(void **state)
{
    struct nf_test t;
    struct rung_frame *f[4];
    uint32_t ref;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_null(nf_recv(&t));
    for (unsigned i = 0; i < 20; i++) {
        uint32_t slot = netback_rx_request(t.back, &ref);
        netback_rx_raw(t.back, netback_rsp(slot, 0, 0, -1));
    }
    assert_int_equal(rung_net_recv(t.net, f, 4), 0);
    assert_int_equal(t.net->stats.rx_dropped, 4);
    for (unsigned i = 1; i < 5; i++) {
        t.rx_events = 0;
        nf_settle(&t);
        assert_int_equal(t.rx_events, 1);
        assert_int_equal(rung_net_recv(t.net, f, 4), 0);
        assert_int_equal(t.net->stats.rx_dropped, 4 * i + 4);
    }
    nf_end(&t);
}

/* A blank sum that nobody could make is no frame; one of TCP or UDP says where it goes. */
static void blank_sums_are_placed(void **state)
{
    struct nf_test t;
    struct nf_out made;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned way = 0; way < 8; way++) {
        bool ipv6 = way % 2;
        uint32_t l4 = ipv6 ? 54 : 34;
        nf_make(&made, 200, 0, 1);
        nf_tcp(&made, 200, 0, ipv6);
        uint8_t *bytes = made.frame[0].data;
        if (way / 2 == 1)
            bytes[ipv6 ? 20 : 23] = 17;
        if (way / 2 == 2)
            bytes[ipv6 ? 20 : 23] = 50; /* ESP */
        if (way / 2 == 3) { /* behind a VLAN tag */
            memmove(bytes + 16, bytes + 12, 150);
            bytes[12] = 0x81;
            bytes[13] = 0;
            l4 += 4;
        }
        nf_packet(&t, 200, 1);
        memcpy(t.packet.bytes + 12, bytes + 12, 188);
        t.packet.flags = NETRXF_csum_blank | NETRXF_data_validated;
        assert_true(netback_send(t.back, &t.packet));
        struct rung_frame *f = nf_recv(&t);
        assert_int_equal(f != NULL, way / 2 != 2);
        if (f) {
            assert_int_equal(f->flags, RUNG_FRAME_CSUM);
            assert_int_equal(f->csum_start, l4);
            assert_int_equal(f->csum_offset, way / 2 == 1 ? 6 : 16);
            f->release(f);
        }
        nf_free(&made);
    }
    assert_int_equal(t.net->stats.rx_dropped, 2);
    nf_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lent_page_is_ours_alone),
        cmocka_unit_test(a_frame_may_come_during_open),
        cmocka_unit_test(a_frame_may_come_before_the_link),
        cmocka_unit_test(frames_come_in_parts),
        cmocka_unit_test(half_a_packet_is_waited_for),
        cmocka_unit_test(a_packet_that_failed_is_counted),
        cmocka_unit_test(hoarders_are_bounded),
        cmocka_unit_test(without_pages_frames_are_lost),
        cmocka_unit_test(the_ring_grows_with_its_load),
        cmocka_unit_test(a_dry_back_end_is_notified),
        cmocka_unit_test(losing_frames_is_bounded),
        cmocka_unit_test(blank_sums_are_placed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
