/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_connect.c - connect, cancel, addresses. */
#include "suite.h"

struct connecting {
    struct rung_tcp_connect how;
    struct tcp_test *t;
    unsigned done_count;
    int result;
};

static void on_connected(struct rung_op *op, int result)
{
    struct connecting *c = rung_container_of(
        rung_container_of(op, struct rung_tcp_connect, op), struct connecting, how);
    assert_int_equal(c->t->in_call, 0);
    c->done_count++;
    c->result = result;
}

static bool connect_is_done(void *arg)
{
    return ((struct connecting *)arg)->done_count > 0;
}

static void connect_start(struct tcp_test *t, struct connecting *c, const struct rung_addr *peer)
{
    c->t = t;
    c->how.peer = *peer;
    c->how.op.done = on_connected;
    t->in_call++;
    rung_tcp_connect(t->tcp, &c->how);
    t->in_call--;
    assert_int_equal(c->done_count, 0);
}

static int connect_wait(struct connecting *c)
{
    tcp_wait(c->t, connect_is_done, c);
    test_run_turns(c->t->p, 3);
    assert_int_equal(c->done_count, 1);
    assert_null(c->how.op.cancel);
    return c->result;
}

struct accepting {
    struct tcp_peer *listener;
    struct tcp_peer *peer;
};

static bool peer_has_accepted(void *arg)
{
    struct accepting *a = arg;
    if (!a->peer)
        a->peer = tcp_fixture.peer_accept(a->listener);
    return a->peer != NULL;
}

/* Connects the stack to the peer; how->local as the caller left it. */
static void connect_pair(struct tcp_test *t, struct connecting *c, struct tcp_app *app,
                         struct tcp_far *far)
{
    struct rung_addr at;
    struct accepting a = {0};
    a.listener = tcp_fixture.peer_listen(t->rig, t->family, 0, &at);
    assert_non_null(a.listener);
    connect_start(t, c, &at);
    assert_int_equal(connect_wait(c), RUNG_OK);
    assert_non_null(c->how.conn);
    app_adopt(app, t, c->how.conn);
    tcp_wait(t, peer_has_accepted, &a);
    *far = (struct tcp_far){.peer = a.peer};
    tcp_fixture.peer_close(a.listener);
}

static void connect_carries_both_ways(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct tcp_app app;
    struct tcp_far far;
    struct rung_addr local, peer, far_own;
    (void)state;
    tcp_begin(&t, NULL);
    connect_pair(&t, &c, &app, &far);
    assert_int_equal(app_send_one(&app, 5000), 1);
    far_read_until(&t, &far, 5000);
    far_write_all(&t, &far, 3000);
    while (app.received < 3000) {
        if (app_drain(&app) == 0 && app.received < 3000)
            app_wait_rx(&app);
    }
    tcp_fixture.peer_address(far.peer, &far_own);
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_PEER, &peer), RUNG_OK);
    assert_true(rung_addr_equal(&peer, &far_own));
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_LOCAL, &local), RUNG_OK);
    assert_int_equal(local.family, t.family);
    assert_int_not_equal(local.port, 0);
    far_close(&far);
    tcp_end(&t);
}

static void connect_is_refused(void **state)
{
    struct tcp_test t;
    struct rung_addr at;
    size_t blocks = 0;
    (void)state;
    tcp_begin(&t, NULL);
    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &at);
    tcp_fixture.peer_close(listener);
    for (unsigned i = 0; i < 20; i++) {
        struct connecting c = {0};
        connect_start(&t, &c, &at);
        assert_int_equal(connect_wait(&c), RUNG_E_REFUSED);
        tcp_settle(&t);
        if (i == 1) /* what a module keeps for the next time, it has by now */
            blocks = test_heap_blocks(t.p);
    }
    assert_true(test_heap_blocks(t.p) <= blocks + 5); /* others may keep something, too */
    tcp_end(&t);
}

static void connect_is_canceled_at_once(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &at);
    connect_start(&t, &c, &at);
    t.in_call++;
    assert_int_equal(rung_op_cancel(&c.how.op), RUNG_OK);
    t.in_call--;
    assert_int_equal(c.done_count, 0); /* done() still runs, later */
    assert_int_equal(connect_wait(&c), RUNG_E_CANCELED);
    tcp_fixture.peer_close(listener);
    tcp_end(&t);
}

static void connect_waits_and_is_canceled(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    if (!tcp_fixture.silent || !tcp_fixture.silent(t.rig, t.family, &at))
        tcp_skip(&t, "no address that never answers");
    connect_start(&t, &c, &at);
    tcp_settle(&t);
    assert_int_equal(c.done_count, 0);
    t.in_call++;
    assert_int_equal(rung_op_cancel(&c.how.op), RUNG_OK);
    t.in_call--;
    assert_int_equal(connect_wait(&c), RUNG_E_CANCELED);
    tcp_end(&t);
}

static void connect_finds_no_route(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    if (!tcp_fixture.unreachable || !tcp_fixture.unreachable(t.rig, t.family, &at))
        tcp_skip(&t, "no address without a route");
    connect_start(&t, &c, &at);
    assert_int_equal(connect_wait(&c), RUNG_E_UNREACH);
    tcp_end(&t);
}

/* Addresses that are no single host's, as DNS may give them, and its own. */
static void connect_needs_one_host(void **state)
{
    static const char *const texts[2][6] = {
        {"0.0.0.0:80", "255.255.255.255:80", "224.0.0.1:80", "239.255.255.255:80", "127.0.0.1:80"},
        {"[::]:80", "[ff02::1]:80", "[ff02::1%1]:80", "[ff0e::1]:80", "[::1]:80"}};
    struct tcp_test t;
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    const char *const *text = texts[t.family == RUNG_AF_IPV6];
    for (unsigned i = 0; i < (tcp_fixture.alone ? 6u : 4u); i++) {
        struct connecting c = {0};
        at = tcp_host(&t, 80);
        if (text[i])
            assert_int_equal(rung_addr_parse(&at, text[i]), RUNG_OK);
        connect_start(&t, &c, &at);
        if (connect_wait(&c) != RUNG_E_INVAL)
            fail_msg("%s: %s", text[i] ? text[i] : "itself", rung_err_name(c.result));
    }
    tcp_end(&t);
}

/* The local end: given, taken by another, not of this host, of the other family. */
static void connect_comes_from_where_it_is_told(void **state)
{
    struct tcp_test t;
    struct connecting c = {0}, taken = {0}, foreign = {0}, mixed = {0}, none = {0};
    struct tcp_app app;
    struct tcp_far far;
    struct rung_addr at, own;
    (void)state;
    tcp_begin(&t, NULL);
    app_listen(&t);
    c.how.local = tcp_host(&t, 0);
    connect_pair(&t, &c, &app, &far);
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_LOCAL, &own), RUNG_OK);
    assert_int_not_equal(own.port, 0);
    own.port = 0;
    assert_true(rung_addr_equal(&own, &c.how.local));

    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &at);
    taken.how.local = t.listener->local;
    connect_start(&t, &taken, &at);
    assert_int_equal(connect_wait(&taken), RUNG_E_ADDRINUSE);
    rung_addr_parse(&foreign.how.local, t.family == RUNG_AF_IPV4 ? "192.0.2.77" : "2001:db8::77");
    connect_start(&t, &foreign, &at);
    assert_int_equal(connect_wait(&foreign), RUNG_E_ADDRNOTAVAIL);
    mixed.how.local = rung_addr_any(t.family == RUNG_AF_IPV4 ? RUNG_AF_IPV6 : RUNG_AF_IPV4, 0);
    connect_start(&t, &mixed, &at);
    assert_int_equal(connect_wait(&mixed), RUNG_E_NOTSUP);
    at = rung_addr_any(RUNG_AF_NONE, 80);
    connect_start(&t, &none, &at);
    assert_int_equal(connect_wait(&none), RUNG_E_NOTSUP);
    tcp_fixture.peer_close(listener);
    far_close(&far);
    tcp_end(&t);
}

static void connect_tells_no_memory(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &at);
    size_t blocks = test_heap_blocks(t.p);
    test_heap_fail_after(t.p, 1);
    connect_start(&t, &c, &at);
    test_heap_fail_after(t.p, 0);
    assert_int_equal(connect_wait(&c), RUNG_E_NOMEM);
    assert_int_equal(test_heap_blocks(t.p), blocks);
    tcp_fixture.peer_close(listener);
    tcp_end(&t);
}

static void connect_ends_with_the_stack(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct rung_addr at;
    (void)state;
    tcp_begin(&t, NULL);
    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &at);
    connect_start(&t, &c, &at);
    tcp_stop(&t); /* the request is done first */
    assert_int_equal(c.done_count, 1);
    assert_int_equal(c.result, RUNG_E_CANCELED);
    tcp_fixture.peer_close(listener);
    tcp_end(&t);
}

/* The peer is gone before the app looks: what happened is told by the connection. */
static void connect_to_one_that_resets(void **state)
{
    struct tcp_test t;
    struct connecting c = {0};
    struct tcp_app app;
    struct tcp_far far;
    struct rung_addr peer;
    (void)state;
    tcp_begin(&t, NULL);
    connect_pair(&t, &c, &app, &far);
    far_reset(&far);
    app_wait_down(&app);
    assert_int_equal(app_drain(&app), RUNG_E_RESET);
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_PEER, &peer), RUNG_E_DOWN);
    app_close(&app);
    tcp_end(&t);
}

const struct CMUnitTest tcp_connect_cases[] = {
    cmocka_unit_test(connect_carries_both_ways),
    cmocka_unit_test(connect_is_refused),
    cmocka_unit_test(connect_is_canceled_at_once),
    cmocka_unit_test(connect_waits_and_is_canceled),
    cmocka_unit_test(connect_finds_no_route),
    cmocka_unit_test(connect_needs_one_host),
    cmocka_unit_test(connect_comes_from_where_it_is_told),
    cmocka_unit_test(connect_tells_no_memory),
    cmocka_unit_test(connect_ends_with_the_stack),
    cmocka_unit_test(connect_to_one_that_resets),
    {0},
};
