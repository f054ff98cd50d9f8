/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_liar_test.c - a back end that lies loses the device, with one line;
 * frames, pages and grants come back, and nothing else is harmed. What stands in a shared page may
 * change at any time: here it does, each time that netfront has read it. */
#include "netfront_testing.h"

/* In place of netfront_shared.c (ld --wrap): what has been read is nonsense from then on. */
static bool spoil_rings;
static unsigned spoilt;
uint32_t __wrap_rung_netfront_read32(const void *at);
uint64_t __wrap_rung_netfront_read64(const void *at);
uint32_t __real_rung_netfront_read32(const void *at);
uint64_t __real_rung_netfront_read64(const void *at);

static bool is_index(const void *at)
{
    return (uintptr_t)at % RUNG_XEN_PAGE < offsetof(struct netif_rx_sring, ring);
}

/* Indexes stay what they are: the back end itself goes by them. */
uint32_t __wrap_rung_netfront_read32(const void *at)
{
    uint32_t value = __real_rung_netfront_read32(at);
    if (spoil_rings && !is_index(at)) {
        *(uint32_t *)(uintptr_t)at = ~value;
        spoilt++;
    }
    return value;
}

uint64_t __wrap_rung_netfront_read64(const void *at)
{
    uint64_t value = __real_rung_netfront_read64(at);
    if (spoil_rings && !is_index(at)) {
        *(uint64_t *)(uintptr_t)at = ~value;
        spoilt++;
    }
    return value;
}

static void what_was_read_is_used(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    spoil_rings = true;
    for (unsigned i = 0; i < 600; i++) {
        nf_make(&out, 60 + i * 97 % 9000, 10, (uint8_t)i);
        assert_int_equal(nf_send(&t, &out), 1);
        nf_expect(&t, &out, 60 + i * 97 % 9000);
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
        assert_true(nf_inject(&t, 60 + i * 89 % 9000, (uint8_t)i));
        struct rung_frame *f = nf_recv(&t);
        assert_non_null(f);
        assert_int_equal(nf_len(f), t.packet.len);
        assert_memory_equal(f->data, t.packet.bytes, f->len);
        f->release(f);
    }
    spoil_rings = false;
    assert_true(spoilt >= 1200); /* each frame's answer, each frame's slot */
    nf_end(&t);
}

/* What a liar does; a frame of 3000 bytes is in flight, with slot 0 taken from it. */
struct lie {
    const char *line;
    void (*tell)(struct nf_test *t);
};

static void rx(struct nf_test *t, uint32_t shift, uint32_t offset, uint32_t flags, int status)
{
    uint32_t ref, slot = netback_rx_request(t->back, &ref);
    netback_rx_raw(t->back, netback_rsp((slot + shift) & 0xffff, offset, flags, status));
}

static void extra(struct nf_test *t, uint8_t type, uint8_t flags, uint16_t size, uint8_t gso)
{
    uint32_t ref;
    rx(t, 0, 0, NETRXF_extra_info, 200);
    netback_rx_request(t->back, &ref);
    netback_rx_raw(t->back, netback_gso(type, flags, size, gso));
}

static void rx_other_id(struct nf_test *t)
{
    rx(t, 1, 0, 0, 100);
}

static void rx_wild_id(struct nf_test *t)
{
    rx(t, 256, 0, 0, 100);
}

static void rx_beyond_a_page(struct nf_test *t)
{
    rx(t, 0, 4000, 0, 97);
}

static void rx_wild_offset(struct nf_test *t)
{
    rx(t, 0, 65535, 0, 1);
}

static void rx_wild_length(struct nf_test *t)
{
    rx(t, 0, 0, 0, 32767);
}

static void rx_wild_flags(struct nf_test *t)
{
    rx(t, 0, 0, NETRXF_gso_prefix, 100);
}

static void rx_late_flags(struct nf_test *t)
{
    rx(t, 0, 0, NETRXF_more_data, 100);
    rx(t, 0, 0, NETRXF_extra_info, 100);
}

static void rx_too_long(struct nf_test *t)
{
    for (unsigned i = 0; i < 17; i++)
        rx(t, 0, 0, i < 16 ? NETRXF_more_data : 0, 4096);
}

static void rx_too_many(struct nf_test *t)
{
    for (unsigned i = 0; i < 30; i++)
        rx(t, 0, 0, NETRXF_more_data, 20);
}

static void rx_unasked_extra(struct nf_test *t)
{
    extra(t, XEN_NETIF_EXTRA_TYPE_HASH, 0, 1, 1);
}

static void rx_no_extra(struct nf_test *t)
{
    extra(t, XEN_NETIF_EXTRA_TYPE_NONE, 0, 1, 1);
}

static void rx_more_extra(struct nf_test *t)
{
    extra(t, XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_FLAG_MORE, 1448, 1);
}

static void rx_gso_of_nothing(struct nf_test *t)
{
    extra(t, XEN_NETIF_EXTRA_TYPE_GSO, 0, 0, 1);
}

static void rx_gso_of_no_kind(struct nf_test *t)
{
    extra(t, XEN_NETIF_EXTRA_TYPE_GSO, 0, 1448, 3);
}

static void rx_claim(struct nf_test *t)
{
    t->back->rx_said += 300;
    netback_rx_push(t->back, true);
}

static void rx_claim_back(struct nf_test *t)
{
    t->back->rx_said -= 1;
    netback_rx_push(t->back, true);
}

static void rx_keeps(struct nf_test *t)
{
    assert_true(nf_inject(t, 100, 1));
    uint32_t next, slot = netback_rx_request(t->back, &next);
    assert_non_null(fake_map(t->fake, 0, next, true));
    t->back->kept[t->back->kept_count++] = next;
    netback_rx_raw(t->back, netback_rsp(slot, 0, 0, 100));
}

static void tx_unknown_id(struct nf_test *t)
{
    netback_tx_raw(t->back, 77, NETIF_RSP_OKAY);
}

static void tx_wild_id(struct nf_test *t)
{
    netback_tx_raw(t->back, 40000, NETIF_RSP_OKAY);
}

static void tx_twice(struct nf_test *t)
{
    struct nf_out other; /* it is copied */
    nf_make(&other, 100, 0, 1);
    assert_int_equal(nf_send(t, &other), 1);
    assert_true(netback_take(t->back, &t->packet));
    nf_free(&other);
    netback_tx_raw(t->back, t->back->held[0].id, NETIF_RSP_OKAY);
    netback_tx_raw(t->back, t->back->held[0].id, NETIF_RSP_OKAY);
}

static void tx_too_often(struct nf_test *t)
{
    netback_tx_raw(t->back, t->back->held[0].id, NETIF_RSP_OKAY);
    netback_tx_raw(t->back, t->back->held[0].id, NETIF_RSP_OKAY);
}

static void tx_no_extra(struct nf_test *t)
{
    netback_tx_raw(t->back, 0, NETIF_RSP_NULL);
}

static void tx_wild_status(struct nf_test *t)
{
    netback_tx_raw(t->back, 0, 5);
}

static void tx_wild_error(struct nf_test *t)
{
    netback_tx_raw(t->back, 0, -7);
}

static void tx_claim(struct nf_test *t)
{
    t->back->tx_said += 2;
    netback_tx_push(t->back, true);
}

static void tx_claim_back(struct nf_test *t)
{
    t->back->tx_said -= 1;
    netback_tx_push(t->back, true);
}

static const struct lie lies[] = {
    {"not the one whose turn", rx_other_id}, {"not the one whose turn", rx_wild_id},
    {"beyond the end of a page", rx_beyond_a_page}, {"beyond the end of a page", rx_wild_offset},
    {"beyond the end of a page", rx_wild_length}, {"flags", rx_wild_flags},
    {"flags", rx_late_flags}, {"more than 65535", rx_too_long},
    {"more slots than a frame", rx_too_many}, {"not asked for", rx_unasked_extra},
    {"not asked for", rx_no_extra}, {"not asked for", rx_more_extra},
    {"not asked for", rx_gso_of_nothing}, {"not asked for", rx_gso_of_no_kind},
    {"more than there were requests", rx_claim}, {"more than there were requests", rx_claim_back},
    {"keeps a page", rx_keeps},
    {"was not sent", tx_unknown_id}, {"was not sent", tx_wild_id}, {"was not sent", tx_twice},
    {"more frames than were sent", tx_too_often},
    {"extra info that there was not", tx_no_extra}, {"a status that there is not", tx_wild_status},
    {"a status that there is not", tx_wild_error}, {"more frames than were sent", tx_claim},
    {"more frames than were sent", tx_claim_back},
};

static void tell_a_lie(const struct lie *lie)
{
    struct nf_test t;
    struct nf_out out;
    struct rung_frame *f[32];
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    assert_int_equal(rung_net_recv(t.net, f, 32), 0);
    t.back->hold = true;
    nf_make(&out, 3000, 0, 1);
    assert_int_equal(nf_send(&t, &out), 1);
    assert_true(netback_take(t.back, &t.packet));
    lie->tell(&t);
    int k = 0;
    for (unsigned i = 0; i < 3 && k >= 0; i++) {
        nf_settle(&t);
        k = rung_net_recv(t.net, f, 32);
        for (int n = 0; n < k; n++)
            f[n]->release(f[n]);
    }
    assert_int_equal(k, RUNG_E_DOWN);
    nf_advance_ms(&t, 200);
    assert_int_equal(nf_send(&t, &out), RUNG_E_DOWN);
    assert_int_equal(rung_net_recv(t.net, f, 32), RUNG_E_DOWN);
    assert_int_equal(rung_net_set_multicast(t.net, NULL, 0), RUNG_E_DOWN);
    assert_int_equal(t.link_events, 1);
    assert_false(t.net->link_up);
    if (!nf_log_has(&t, lie->line) || nf_log_errors(&t) != 1)
        fail_msg("'%s' is not what the log says: %s", lie->line, rung_virtual_log(t.p));
    assert_int_equal(out.released, 1);
    nf_free(&out);
    nf_end(&t);
}

static void lies_cost_the_device(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(lies); i++)
        tell_a_lie(&lies[i]);
}

/* What was not asked for with offload off. */
static void offload_off_is_kept_to(void **state)
{
    struct nf_test t;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        nf_begin(&t, NULL);
        t.keys.offload = false;
        assert_int_equal(nf_open(&t), RUNG_OK);
        assert_int_equal(t.net->info.caps, RUNG_NET_TX_SG);
        assert_false(t.back->gso4 || t.back->gso6 || t.back->csum || t.back->csum6);
        if (i == 0)
            extra(&t, XEN_NETIF_EXTRA_TYPE_GSO, 0, 1448, 1);
        else
            rx(&t, 0, 0, NETRXF_csum_blank | NETRXF_data_validated, 100);
        assert_null(nf_recv(&t));
        nf_settle(&t);
        assert_false(t.net->link_up);
        nf_end(&t);
    }
}

/* Contents that contradict the extra info cost the frame: the back end passes on what others
 * send. */
static void a_wrong_super_frame_is_lost(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 40; i++) {
        struct nf_out made;
        nf_make(&made, 4000, 0, 1);
        nf_tcp(&made, 4000, 1448, i % 2);
        uint8_t *bytes = made.frame[0].data;
        uint32_t l4 = i % 2 ? 54 : 34;
        switch (i / 2 % 5) {
        case 0: bytes[i % 2 ? 20 : 23] = 17; break;
        case 1: bytes[l4 + 12] = 4 << 4; break; /* a TCP header of 16 bytes */
        case 2: bytes[14] ^= 0x10; break;       /* another version of IP */
        case 3: bytes[12] = 0x12; break;
        default: bytes[i % 2 ? 20 : 14] = i % 2 ? 0 : 0x44; break; /* 2040 bytes of hops; ihl 4 */
        }
        if (i % 2 && i / 2 % 5 == 4)
            bytes[55] = 255;
        nf_packet(&t, 4000, 1);
        memcpy(t.packet.bytes + 12, bytes + 12, 3000);
        t.packet.gso_size = 1448;
        t.packet.gso_type = i % 2 ? 2 : 1;
        t.packet.flags = NETRXF_csum_blank | NETRXF_data_validated;
        assert_true(netback_send(t.back, &t.packet));
        assert_null(nf_recv(&t));
        assert_int_equal(t.net->stats.rx_dropped, i + 1);
        nf_free(&made);
    }
    nf_end(&t);
}

/* Notifications for nothing, on every port. */
static void notifications_for_nothing(void **state)
{
    struct nf_test t;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 100; i++) {
        fake_notify(t.fake, &t.back->tx_port);
        fake_notify(t.fake, &t.back->rx_port);
        nf_settle(&t);
    }
    assert_int_equal(t.rx_events + t.tx_events + t.link_events, 0);
    nf_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_is_used),
        cmocka_unit_test(lies_cost_the_device),
        cmocka_unit_test(offload_off_is_kept_to),
        cmocka_unit_test(a_wrong_super_frame_is_lost),
        cmocka_unit_test(notifications_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
