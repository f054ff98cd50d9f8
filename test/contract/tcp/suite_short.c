/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_short.c - short of something: descriptors, slots, memory. Accepting rests
 * and goes on, and nobody who waits in the backlog is lost. */
#include "suite.h"

enum {
    SHORT_PEERS = 12,
    SHORT_BATCH = 10,    /* connections, then a pause */
    SHORT_SETTLED = 30,  /* after so many memory no longer grows, give or take a batch */
    SHORT_TIDY_MS = 60,  /* in which what is kept of closed ones is brought within its bound */
};

/* A listener, and more who want to be let in than there will be room for. */
static void short_begin(struct tcp_test *t, const struct tcp_how *how, struct tcp_far *fars)
{
    tcp_begin(t, how);
    app_listen(t);
    for (unsigned i = 0; i < SHORT_PEERS; i++)
        far_connect(t, &fars[i], 0);
}

static void short_check(struct tcp_test *t, struct tcp_app *apps, struct tcp_far *fars, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        far_write_all(t, &fars[i], 10);
    for (unsigned i = 0; i < n; i++) {
        while (app_drain(&apps[i]) == 0 && apps[i].received < 10)
            app_wait_rx(&apps[i]);
        assert_int_equal(apps[i].received, 10);
    }
    for (unsigned i = 0; i < n; i++)
        far_close(&fars[i]);
}

static void descriptors_run_out_and_come_back(void **state)
{
    struct tcp_test t;
    struct tcp_app apps[SHORT_PEERS];
    struct tcp_far fars[SHORT_PEERS];
    unsigned count = 0;
    (void)state;
    short_begin(&t, NULL, fars);
    app_wait_accept(&t, &apps[count++]);
    if (!tcp_fixture.exhaust || !tcp_fixture.exhaust(t.rig, true)) {
        for (unsigned i = 0; i < SHORT_PEERS; i++)
            far_close(&fars[i]);
        tcp_skip(&t, "descriptors cannot be made to run out here");
    }
    size_t lines = test_log_count(t.p);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(app_accept(&t, &apps[count]), 0);
        tcp_settle(&t);
        tcp_pause(&t, 120); /* however often it tries again */
    }
    assert_int_equal(test_log_count(t.p), lines + 1); /* one warning */
    tcp_fixture.exhaust(t.rig, false);
    while (count < SHORT_PEERS) {
        if (app_accept(&t, &apps[count]) == 1)
            count++;
        else
            app_wait_accept_ready(&t);
    }
    short_check(&t, apps, fars, SHORT_PEERS);
    tcp_end(&t);
}

struct short_connect {
    struct rung_tcp_connect how;
    bool done;
    int result;
};

static void short_on_connected(struct rung_op *op, int result)
{
    struct short_connect *c = rung_container_of(
        rung_container_of(op, struct rung_tcp_connect, op), struct short_connect, how);
    c->done = true;
    c->result = result;
}

static bool short_is_connected(void *arg)
{
    return ((struct short_connect *)arg)->done;
}

static void listen_and_connect_tell_no_descriptor(void **state)
{
    struct tcp_test t;
    struct short_connect c = {.how.op.done = short_on_connected};
    (void)state;
    tcp_begin(&t, NULL);
    struct rung_tcp_listen how = {.local = tcp_host(&t, 0)};
    struct rung_tcp_listener *none = NULL;
    struct tcp_peer *listener = tcp_fixture.peer_listen(t.rig, t.family, 0, &c.how.peer);
    if (!tcp_fixture.exhaust || !tcp_fixture.exhaust(t.rig, true)) {
        tcp_fixture.peer_close(listener);
        tcp_skip(&t, "descriptors cannot be made to run out here");
    }
    rung_tcp_connect(t.tcp, &c.how);
    assert_false(c.done);
    int err = rung_tcp_listen(t.tcp, &how, &none);
    tcp_fixture.exhaust(t.rig, false);
    assert_int_equal(err, RUNG_E_LIMIT);
    assert_null(none);
    tcp_wait(&t, short_is_connected, &c);
    assert_int_equal(c.result, RUNG_E_LIMIT);
    tcp_fixture.peer_close(listener);
    tcp_end(&t);
}

/* The other end of a connection: they are not accepted in the order in which they came. */
static struct tcp_far *short_far_of(struct tcp_app *app, struct tcp_far *fars)
{
    struct rung_addr peer, own;
    assert_int_equal(rung_tcp_address(app->conn, RUNG_TCP_PEER, &peer), RUNG_OK);
    for (unsigned i = 0; i < SHORT_PEERS; i++) {
        if (!fars[i].peer)
            continue;
        tcp_fixture.peer_address(fars[i].peer, &own);
        if (rung_addr_equal(&own, &peer))
            return &fars[i];
    }
    fail_msg("a connection from nobody");
    return NULL;
}

/* At the limit, connections that end make room for those that wait: in the backlog, or outside,
 * where their hosts knock again, each time later. So all that are open end at once. */
static void slots_run_out_and_come_back(void **state)
{
    enum { SLOTS = 3 };
    struct tcp_how how = {.max_connections = SLOTS};
    struct tcp_test t;
    struct tcp_app apps[SHORT_PEERS];
    struct tcp_far fars[SHORT_PEERS];
    struct short_connect c = {.how.op.done = short_on_connected};
    unsigned count = 0;
    (void)state;
    short_begin(&t, &how, fars);
    while (count < SLOTS)
        app_wait_accept(&t, &apps[count++]);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(app_accept(&t, &apps[SLOTS]), 0);
        tcp_pause(&t, 120);
    }
    tcp_fixture.peer_address(fars[0].peer, &c.how.peer);
    rung_tcp_connect(t.tcp, &c.how);
    tcp_wait(&t, short_is_connected, &c);
    assert_int_equal(c.result, RUNG_E_LIMIT);
    for (unsigned i = 0; i < SHORT_PEERS; i += SLOTS) {
        for (unsigned k = i; k < i + SLOTS; k++)
            short_check(&t, &apps[k], short_far_of(&apps[k], fars), 1);
        for (unsigned k = i; k < i + SLOTS; k++)
            app_close(&apps[k]);
        while (count < SHORT_PEERS && count < i + 2 * SLOTS)
            app_wait_accept(&t, &apps[count++]);
    }
    tcp_end(&t);
}

/* Every allocation on the way fails once. */
static void accepting_survives_an_empty_heap(void **state)
{
    struct tcp_test t;
    struct tcp_app apps[SHORT_PEERS];
    struct tcp_far fars[SHORT_PEERS];
    unsigned count = 0;
    (void)state;
    short_begin(&t, NULL, fars);
    app_wait_accept_ready(&t);
    size_t lines = test_log_count(t.p);
    test_heap_fail_after(t.p, 1);
    if (app_accept(&t, &apps[0]) == 1) {
        count++; /* its memory was had before */
    } else {
        assert_int_equal(test_log_count(t.p), lines + 1);
        app_wait_accept_ready(&t); /* nobody closed anything: it tries again by itself */
    }
    for (unsigned turn = 1; count < SHORT_PEERS; turn++) {
        if (turn % 3 == 0)
            test_heap_fail_after(t.p, 1 + tcp_chance(&t, 3));
        if (app_accept(&t, &apps[count]) == 1)
            count++;
        else
            app_wait_accept_ready(&t);
    }
    test_heap_fail_after(t.p, 0);
    short_check(&t, apps, fars, SHORT_PEERS);
    tcp_end(&t);
}

struct short_heap {
    struct rung_platform *p;
    size_t blocks;
};

static bool short_heap_is_back(void *arg)
{
    const struct short_heap *heap = arg;
    return test_heap_blocks(heap->p) <= heap->blocks;
}

/* Many come and go: descriptors, memory and slots do not wear out. What is kept of closed
 * connections (TIME-WAIT) is bounded; a fixture makes the bound so low that it is soon reached. */
static void many_come_and_go(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    struct short_heap heap = {0};
    unsigned rounds = getenv("RUNG_TEST_SLOW") ? 2 * SHORT_SETTLED : 200;
    (void)state;
    tcp_begin(&t, NULL);
    heap.p = t.p;
    app_listen(&t);
    for (unsigned i = 0; i < rounds; i++) {
        far_connect(&t, &far, 0);
        t.app_count = 0;
        app_wait_accept(&t, &app);
        far_write_all(&t, &far, 100);
        while (app_drain(&app) == 0 && app.received < 100)
            app_wait_rx(&app);
        assert_int_equal(app_send_one(&app, 100), 1);
        if (i % 3 == 2)
            app_abort(&app);
        else
            app_close(&app);
        int end = far_read_end(&t, &far);
        assert_true(end == (i % 3 == 2 ? RUNG_E_RESET : RUNG_E_EOF));
        far_close(&far);
        test_run_turns(t.p, 3);
        if (i % SHORT_BATCH == 0)
            tcp_pause(&t, SHORT_TIDY_MS);
        if (i == SHORT_SETTLED)
            heap.blocks = test_heap_blocks(t.p) + SHORT_BATCH;
    }
    tcp_wait(&t, short_heap_is_back, &heap);
    tcp_end(&t);
}

const struct CMUnitTest tcp_short_cases[] = {
    cmocka_unit_test(descriptors_run_out_and_come_back),
    cmocka_unit_test(listen_and_connect_tell_no_descriptor),
    cmocka_unit_test(slots_run_out_and_come_back),
    cmocka_unit_test(accepting_survives_an_empty_heap),
    cmocka_unit_test(many_come_and_go),
    {0},
};
