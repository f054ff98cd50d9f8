/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_tx_test.c - how netfront sends: what the back end gets to see, and when
 * pages, ids and grants are free again. The back end checks each packet as Linux would, and
 * more. */
#include "netfront_testing.h"

static void a_batch_is_one_notification(void **state)
{
    enum { N = 40 };
    struct nf_test t;
    struct nf_out out[N];
    struct rung_frame *f[N];
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    nf_settle(&t);
    assert_false(netback_take(t.back, &t.packet));
    uint64_t before = fake_notifications(t.fake);
    for (unsigned i = 0; i < N; i++) {
        nf_make(&out[i], 60 + i * 130, 100, (uint8_t)i);
        f[i] = &out[i].frame[0];
    }
    assert_int_equal(rung_net_send(t.net, f, N), N);
    assert_int_equal(fake_notifications(t.fake), before + 1);
    for (unsigned i = 0; i < N; i++)
        nf_expect(&t, &out[i], 60 + i * 130);
    nf_settle(&t);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(out[i].released, 1);
        nf_free(&out[i]);
    }
    nf_end(&t);
}

/* What was sent first is answered last: each frame is released with its own answer. */
static void answers_come_in_any_order(void **state)
{
    enum { N = 8 };
    struct nf_test t;
    struct nf_out out[N];
    uint16_t id[N];
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    t.back->hold = true;
    for (unsigned i = 0; i < N; i++) {
        nf_make(&out[i], 3000, 0, (uint8_t)i);
        assert_int_equal(nf_send(&t, &out[i]), 1);
        assert_true(netback_take(t.back, &t.packet));
        id[i] = t.back->held[i].id;
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(id[k], id[i]);
    }
    for (unsigned i = N; i-- > 0;) {
        assert_int_equal(out[i].released, 0);
        netback_tx_raw(t.back, id[i], NETIF_RSP_OKAY);
        nf_settle(&t);
        for (unsigned k = 0; k < N; k++)
            assert_int_equal(out[k].released, k >= i);
    }
    for (unsigned i = 0; i < N; i++)
        nf_free(&out[i]);
    t.back->held_count = 0;
    nf_end(&t);
}

/* The ring goes round many times with answers held back: netback.c ends the test if an id is used
 * that is still out. */
static void ids_are_never_used_twice(void **state)
{
    enum { N = 3000 };
    struct nf_test t;
    struct nf_out *out = calloc(N, sizeof(*out));
    uint32_t sent = 0, taken = 0;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    t.back->hold = true;
    for (unsigned round = 0; taken < N; round++) {
        while (sent < N) {
            nf_make(&out[sent], 60 + sent * 7 % 4000, sent * 37 % 4096, (uint8_t)sent);
            if (nf_send(&t, &out[sent]) != 1) {
                nf_free(&out[sent]);
                break;
            }
            sent++;
        }
        for (unsigned i = 0; i < 1 + round % 60 && taken < sent; i++, taken++)
            nf_expect(&t, &out[taken], 60 + taken * 7 % 4000);
        netback_answer(t.back, 1 + round * 7 % 50);
        nf_settle(&t);
    }
    netback_answer(t.back, NETBACK_RING);
    nf_settle(&t);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(out[i].released, 1);
        nf_free(&out[i]);
    }
    free(out);
    nf_end(&t);
}

/* Grants are those of rings, posted pages and the cells that headers go through: the same number
 * whatever was sent. */
static void no_grant_is_left_behind(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    uint32_t grants = 0;
    for (unsigned i = 0; i < 2000; i++) {
        nf_make(&out, 60 + i * 37 % 4000, i * 91 % 4096, (uint8_t)i);
        if (i % 3)
            nf_cut(&out, 54, 0);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_true(netback_take(t.back, &t.packet));
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        nf_free(&out);
        if (i == 10)
            grants = fake_grants_open(t.fake);
    }
    assert_int_equal(fake_grants_open(t.fake), grants);
    nf_end(&t);
}

static bool has_secret(const uint8_t *page)
{
    uint8_t secret[16];
    memset(secret, NF_SECRET, sizeof(secret));
    for (uint32_t at = 0; at + sizeof(secret) <= 4096; at++) {
        if (memcmp(page + at, secret, sizeof(secret)) == 0)
            return true;
    }
    return false;
}

/* The page around a header is not lent: it stands among other frames' headers, and zeros. */
static void headers_are_copied(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 600; i++) {
        nf_make(&out, 120 - i * 7 % 60, 200, 1);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_int_equal(out.released, 1); /* at once: it was copied */
        struct netif_tx_request req = t.back->tx->ring[t.back->tx_taken % NETBACK_RING].req;
        const uint8_t *page = fake_map(t.fake, 0, req.gref, false);
        assert_non_null(page);
        assert_memory_equal(page + req.offset, out.frame[0].data, req.size);
        assert_false(has_secret(page));
        for (uint32_t at = req.offset + req.size; at % NETFRONT_CELL != 0; at++)
            assert_int_equal(page[at], 0);
        fake_unmap(t.fake, req.gref);
        assert_true(netback_take(t.back, &t.packet));
        nf_settle(&t);
        nf_free(&out);
    }
    nf_end(&t);
}

/* A back end that is not trusted sees frames, and zeros; also in a page that held a longer one. */
static void the_untrusted_see_nothing_else(void **state)
{
    static const uint32_t lens[] = {5000, 300, 4096, 60, 20000, 64};
    struct netback_config config = {.untrusted = true};
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, &config);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(lens); i++) {
        nf_make(&out, lens[i], 77, (uint8_t)i);
        assert_int_equal(nf_send(&t, &out), 1);
        assert_int_equal(out.released, 1);
        uint32_t there = netback_tx_there(t.back), left = lens[i];
        for (uint32_t k = 0; k < there; k++) {
            struct netif_tx_request req = t.back->tx->ring[(t.back->tx_taken + k) % 256].req;
            const uint8_t *page = fake_map(t.fake, 0, req.gref, false);
            assert_non_null(page);
            assert_int_equal(req.offset, 0);
            for (uint32_t at = left < 4096 ? left : 4096; at < 4096; at++)
                assert_int_equal(page[at], 0);
            left -= left < 4096 ? left : 4096;
            fake_unmap(t.fake, req.gref);
        }
        nf_expect(&t, &out, lens[i]);
        nf_settle(&t);
        nf_free(&out);
    }
    nf_end(&t);
}

/* Says it is done, and still has the page: the device ends, and the frame is its owner's only when
 * the page is free. */
static void a_page_that_is_kept_is_not_released(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    t.back->keeps = true;
    nf_make(&out, 3000, 0, 1);
    assert_int_equal(nf_send(&t, &out), 1);
    assert_true(netback_take(t.back, &t.packet));
    uint32_t ref = t.back->kept[0];
    t.back->kept_count = 0; /* the fake's back end does not let go when it disconnects */
    nf_advance_ms(&t, 50);
    assert_true(nf_log_has(&t, "keeps a page mapped"));
    assert_int_equal(nf_send(&t, &out), RUNG_E_DOWN);
    nf_advance_ms(&t, 5000);
    assert_int_equal(out.released, 0);
    fake_unmap(t.fake, ref);
    nf_advance_ms(&t, 200);
    assert_int_equal(out.released, 1);
    assert_int_equal(t.net->stats.tx_dropped, 1);
    nf_free(&out);
    nf_end(&t);
}

/* Closing waits for such a page a while, and then says what may come of it. */
static void a_page_that_is_kept_for_ever_is_given_up(void **state)
{
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    t.back->keeps = true;
    nf_make(&out, 3000, 0, 1);
    assert_int_equal(nf_send(&t, &out), 1);
    assert_true(netback_take(t.back, &t.packet));
    uint32_t ref = t.back->kept[0];
    t.back->kept_count = 0;
    nf_close(&t);
    assert_int_equal(out.released, 1);
    assert_true(nf_log_has(&t, "still reads 1 page"));
    fake_unmap(t.fake, ref);
    assert_true(rung_xen_grant_end(fake_xen(t.fake), ref)); /* what the close could not */
    nf_free(&out);
    nf_end(&t);
}

static void a_frame_that_was_not_carried_is_counted(void **state)
{
    static const int16_t statuses[] = {NETIF_RSP_ERROR, NETIF_RSP_DROPPED};
    struct nf_test t;
    struct nf_out out;
    (void)state;
    nf_begin(&t, NULL);
    assert_int_equal(nf_open(&t), RUNG_OK);
    for (unsigned i = 0; i < 4; i++) {
        t.back->status = statuses[i % 2];
        nf_make(&out, 3000, 0, 1); /* one count for all its slots */
        assert_int_equal(nf_send(&t, &out), 1);
        assert_true(netback_take(t.back, &t.packet));
        nf_settle(&t);
        assert_int_equal(out.released, 1);
        assert_int_equal(t.net->stats.tx_dropped, i + 1);
        nf_free(&out);
    }
    nf_end(&t);
}

/* Without a free entry in the grant table frames are lost and counted, and nothing else happens. */
static void without_grants_frames_are_lost(void **state)
{
    struct fake_config guest = {.grant_frames = 1};
    struct nf_test t;
    struct nf_out out;
    uint32_t refs[600], count = 0;
    (void)state;
    nf_begin_small(&t, NULL, &guest);
    assert_int_equal(nf_open(&t), RUNG_OK);
    void *page = rung_xen_page_get(t.p);
    nf_make(&out, 9000, 0, 1);
    for (uint32_t ref; (ref = rung_xen_grant(fake_xen(t.fake), 0, page, true));)
        refs[count++] = ref;
    for (uint32_t left = 0; left < 4; left++) { /* three are needed */
        assert_int_equal(nf_send(&t, &out), 1);
        if (left < 3) {
            assert_int_equal(out.released, 1);
            assert_int_equal(t.net->stats.tx_dropped, left + 1);
            assert_false(netback_take(t.back, &t.packet));
            out.released = 0;
        }
        assert_true(rung_xen_grant_end(fake_xen(t.fake), refs[--count]));
    }
    nf_expect(&t, &out, 9000);
    nf_settle(&t);
    assert_int_equal(out.released, 1);
    while (count > 0)
        assert_true(rung_xen_grant_end(fake_xen(t.fake), refs[--count]));
    rung_xen_page_put(t.p, page);
    nf_free(&out);
    nf_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_one_notification),
        cmocka_unit_test(answers_come_in_any_order),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(no_grant_is_left_behind),
        cmocka_unit_test(headers_are_copied),
        cmocka_unit_test(the_untrusted_see_nothing_else),
        cmocka_unit_test(a_page_that_is_kept_is_not_released),
        cmocka_unit_test(a_page_that_is_kept_for_ever_is_given_up),
        cmocka_unit_test(a_frame_that_was_not_carried_is_counted),
        cmocka_unit_test(without_grants_frames_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
