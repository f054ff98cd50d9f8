/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_listen.c - listen, unlisten, accept. */
#include "suite.h"

static int listen_at(struct tcp_test *t, const struct rung_addr *local,
                     struct rung_tcp_listener **listener)
{
    struct rung_tcp_listen how = {.local = *local};
    size_t lines = test_log_count(t->p);
    t->in_call++;
    int err = rung_tcp_listen(t->tcp, &how, listener);
    t->in_call--;
    assert_int_equal(test_log_count(t->p), lines); /* the app says it, not the module */
    return err;
}

static void listen_gives_port_and_address(void **state)
{
    struct tcp_test t;
    struct rung_tcp_listener *one, *two;
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_addr local = tcp_host(&t, 0);
    assert_int_equal(listen_at(&t, &local, &one), RUNG_OK);
    assert_int_equal(listen_at(&t, &local, &two), RUNG_OK);
    assert_int_not_equal(one->local.port, 0);
    assert_int_not_equal(one->local.port, two->local.port);
    local.port = one->local.port;
    assert_true(rung_addr_equal(&one->local, &local));
    rung_tcp_unlisten(one);
    rung_tcp_unlisten(two);
    tcp_end(&t);
}

static void listen_names_its_errors(void **state)
{
    struct tcp_test t;
    struct rung_tcp_listener *listener, *other = NULL;
    struct rung_addr foreign;
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_addr local = tcp_host(&t, 0);
    assert_int_equal(listen_at(&t, &local, &listener), RUNG_OK);
    local.port = listener->local.port;
    assert_int_equal(listen_at(&t, &local, &other), RUNG_E_ADDRINUSE);
    assert_int_equal(rung_addr_parse(&foreign, t.family == RUNG_AF_IPV4 ? "192.0.2.77"
                                                                        : "2001:db8::77"),
                     RUNG_OK);
    assert_int_equal(listen_at(&t, &foreign, &other), RUNG_E_ADDRNOTAVAIL);
    assert_null(other);
    rung_tcp_unlisten(listener);
    /* The port is free again at once. */
    assert_int_equal(listen_at(&t, &local, &listener), RUNG_OK);
    tcp_end(&t);
}

static void listen_needs_the_right(void **state)
{
    struct tcp_test t;
    struct rung_tcp_listener *listener = NULL;
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_addr local = tcp_host(&t, 81);
    if (!tcp_fixture.unprivileged || !tcp_fixture.unprivileged(t.rig, true))
        tcp_skip(&t, "anyone may listen anywhere here");
    int err = listen_at(&t, &local, &listener);
    tcp_fixture.unprivileged(t.rig, false);
    assert_int_equal(err, RUNG_E_ACCESS);
    tcp_end(&t);
}

static void listen_tells_no_memory(void **state)
{
    struct tcp_test t;
    struct rung_tcp_listener *listener = NULL;
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_addr local = tcp_host(&t, 0);
    size_t blocks = test_heap_blocks(t.p);
    test_heap_fail_after(t.p, 1);
    assert_int_equal(listen_at(&t, &local, &listener), RUNG_E_NOMEM);
    test_heap_fail_after(t.p, 0);
    assert_int_equal(test_heap_blocks(t.p), blocks);
    assert_int_equal(listen_at(&t, &local, &listener), RUNG_OK);
    tcp_end(&t);
}

/* Any address: the peer reaches it by both families, and is shown as what it is. */
static void listen_any_takes_both_families(void **state)
{
    static const enum rung_family families[] = {RUNG_AF_IPV4, RUNG_AF_IPV6};
    struct tcp_test t;
    struct tcp_app apps[2];
    struct tcp_far fars[2] = {{0}, {0}};
    struct rung_addr any = rung_addr_any(RUNG_AF_NONE, 0);
    (void)state;
    tcp_begin(&t, NULL);
    assert_int_equal(listen_at(&t, &any, &t.listener), RUNG_OK);
    t.accept_due = true; /* nobody set ready() yet: it must come all the same, later */
    for (unsigned i = 0; i < 2; i++) {
        struct rung_addr to, peer, own;
        if (!tcp_fixture.host(t.rig, families[i], &to))
            continue;
        to.port = t.listener->local.port;
        fars[i].peer = tcp_fixture.peer_connect(t.rig, &to, 0);
        assert_non_null(fars[i].peer);
        struct rung_tcp_conn *conn = NULL;
        for (unsigned turn = 0; turn < 2000 && rung_tcp_accept(t.listener, &conn) == 0; turn++)
            tcp_pause(&t, 1);
        assert_non_null(conn);
        app_adopt(&apps[i], &t, conn);
        far_write_all(&t, &fars[i], 100);
        app_wait_rx(&apps[i]);
        app_drain(&apps[i]);
        assert_int_equal(apps[i].received, 100);
        tcp_fixture.peer_address(fars[i].peer, &own);
        assert_int_equal(rung_tcp_address(conn, RUNG_TCP_PEER, &peer), RUNG_OK);
        assert_true(rung_addr_equal(&peer, &own));
        assert_int_equal(rung_tcp_address(conn, RUNG_TCP_LOCAL, &own), RUNG_OK);
        assert_true(rung_addr_equal(&to, &own));
        far_close(&fars[i]);
    }
    tcp_end(&t);
}

static void listen_on_one_family_takes_only_it(void **state)
{
    struct tcp_test t;
    struct tcp_far far = {0};
    struct rung_addr to;
    (void)state;
    tcp_begin(&t, NULL);
    enum rung_family other = t.family == RUNG_AF_IPV4 ? RUNG_AF_IPV6 : RUNG_AF_IPV4;
    struct rung_addr any = rung_addr_any(t.family, 0);
    if (!tcp_fixture.host(t.rig, other, &to))
        tcp_skip(&t, "only one family here");
    assert_int_equal(listen_at(&t, &any, &t.listener), RUNG_OK);
    to.port = t.listener->local.port;
    far.peer = tcp_fixture.peer_connect(t.rig, &to, 0);
    assert_non_null(far.peer);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_REFUSED);
    far_close(&far);
    tcp_end(&t);
}

static unsigned late_ready;

static void on_late_ready(struct rung_tcp_listener *listener)
{
    (void)listener;
    late_ready++;
}

static bool late_is_ready(void *arg)
{
    (void)arg;
    return late_ready > 0;
}

/* "ready follows the first connection, once the app has set it" */
static void ready_may_be_set_late(void **state)
{
    struct tcp_test t;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_addr local = tcp_host(&t, 0);
    assert_int_equal(listen_at(&t, &local, &t.listener), RUNG_OK);
    far_connect(&t, &far, 0);
    tcp_settle(&t);
    late_ready = 0;
    t.listener->ready = on_late_ready;
    tcp_wait(&t, late_is_ready, NULL);
    tcp_settle(&t);
    assert_int_equal(late_ready, 1);
    far_close(&far);
    tcp_end(&t);
}

static void accept_has_nothing_at_first(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    (void)state;
    tcp_begin(&t, NULL);
    app_listen(&t);
    assert_int_equal(app_accept(&t, &app), 0);
    tcp_settle(&t);
    assert_int_equal(t.accept_ready, 0);
    tcp_end(&t);
}

/* An app that does not accept hears of it once, and loses nothing. */
static void accept_late_gets_all(void **state)
{
    enum { N = 20 };
    struct tcp_test t;
    struct tcp_app apps[N];
    struct tcp_far fars[N];
    (void)state;
    tcp_begin(&t, NULL);
    app_listen(&t);
    for (unsigned i = 0; i < N; i++) {
        far_connect(&t, &fars[i], 0);
        tcp_pause(&t, 2);
    }
    app_wait_accept_ready(&t);
    tcp_settle(&t);
    assert_int_equal(t.accept_ready, 1);
    for (unsigned i = 0; i < N; i++)
        app_wait_accept(&t, &apps[i]);
    for (unsigned i = 0; i < N; i++)
        far_write_all(&t, &fars[i], 10);
    for (unsigned i = 0; i < N; i++) {
        app_wait_rx(&apps[i]);
        app_drain(&apps[i]);
        assert_int_equal(apps[i].received, 10);
        far_close(&fars[i]);
    }
    tcp_end(&t);
}

static void unlisten_resets_the_waiting(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far accepted, waiting, late;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &accepted, 0);
    far_connect(&t, &waiting, 0);
    far_write_all(&t, &waiting, 1);
    tcp_settle(&t);
    struct rung_addr to = tcp_host(&t, t.listener->local.port);
    t.in_call++;
    rung_tcp_unlisten(t.listener);
    t.in_call--;
    t.listener = NULL;
    assert_int_equal(far_read_end(&t, &waiting), RUNG_E_RESET);
    memset(&late, 0, sizeof(late));
    late.peer = tcp_fixture.peer_connect(t.rig, &to, 0);
    assert_int_equal(far_read_end(&t, &late), RUNG_E_REFUSED);
    /* Those accepted before do not mind. */
    assert_int_equal(app_send_one(&app, 1000), 1);
    far_read_until(&t, &accepted, 1000);
    far_close(&late);
    far_close(&waiting);
    far_close(&accepted);
    tcp_end(&t);
}

const struct CMUnitTest tcp_listen_cases[] = {
    cmocka_unit_test(listen_gives_port_and_address),
    cmocka_unit_test(listen_names_its_errors),
    cmocka_unit_test(listen_needs_the_right),
    cmocka_unit_test(listen_tells_no_memory),
    cmocka_unit_test(listen_any_takes_both_families),
    cmocka_unit_test(listen_on_one_family_takes_only_it),
    cmocka_unit_test(ready_may_be_set_late),
    cmocka_unit_test(accept_has_nothing_at_first),
    cmocka_unit_test(accept_late_gets_all),
    cmocka_unit_test(unlisten_resets_the_waiting),
    {0},
};
