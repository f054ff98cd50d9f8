/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_press.c - back pressure, both ways, with bounded memory and no loss. */
#include "suite.h"

#define PRESS_PIECE 500u
#define PRESS_BOUND (64u << 20) /* more than this nobody may take for a peer that does not read */

static void press_fill(struct tcp_app *app)
{
    while (app_send_one(app, 50000) == 1)
        assert_true(app->sent < PRESS_BOUND);
    assert_true(app->tx_due);
}

/* A peer that never reads: send() comes short, and no TX tells lies. */
static void a_peer_that_never_reads_is_waited_for(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, TCP_PEER_NARROW);
    press_fill(&app);
    tcp_settle(&t);
    while (!app.tx_due) { /* the kernel may have made room once or twice at first */
        press_fill(&app);
        tcp_settle(&t);
    }
    unsigned tx = app.tx;
    unsigned outs = t.out_count;
    size_t blocks = test_heap_blocks(t.p);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(app_send_one(&app, 50000), 0);
        if (i % 10 == 0)
            tcp_settle(&t);
    }
    assert_int_equal(app.tx, tx);
    assert_true(test_heap_blocks(t.p) <= blocks + 25); /* nothing is kept of a call in vain */
    assert_true(t.out_count <= outs); /* what is taken and not sent: a bounded rest */
    far_close(&far);
    tcp_end(&t);
}

struct pressing {
    struct tcp_app *app;
    struct tcp_far *far;
    unsigned rounds;
};

static bool press_read_some(void *arg)
{
    struct pressing *x = arg;
    far_read(x->far);
    if (!x->app->tx_due && x->rounds > 0) {
        x->rounds--;
        press_fill(x->app);
    }
    return x->rounds == 0 && x->far->received == x->app->sent;
}

static void room_is_told_each_time(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    press_fill(&app);
    struct pressing x = {&app, &far, 5};
    tcp_wait(&t, press_read_some, &x);
    assert_true(app.tx >= 5);
    far_close(&far);
    tcp_end(&t);
}

/* An app that does not receive: the peer is slowed down, and nothing is lost. */
static void an_app_that_never_receives_slows_the_peer(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    size_t blocks = test_heap_blocks(t.p);
    unsigned idle = 0;
    while (idle < 5) {
        idle = far_write(&far, 65536) == 0 ? idle + 1 : 0;
        assert_true(far.sent < PRESS_BOUND);
        tcp_pause(&t, 2);
    }
    tcp_settle(&t);
    assert_int_equal(app.rx, 1);
    /* What is kept of it is kept in pieces that are not small. */
    assert_true(test_heap_blocks(t.p) <= blocks + 4 + far.sent / PRESS_PIECE);
    while (app.received < far.sent) {
        app_drain(&app);
        tcp_pause(&t, 1);
    }
    far_write_all(&t, &far, 1000000 < app.received ? 100000 : 1000);
    while (app.received < far.sent) {
        app_drain(&app);
        tcp_pause(&t, 1);
    }
    far_close(&far);
    tcp_end(&t);
}

/* An app that keeps what it was lent narrows the window, until it gives it back. */
static void held_buffers_slow_the_peer(void **state)
{
    struct tcp_how how = {.rx_memory = 256u << 10};
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, &how);
    app_open(&t, &app, &far, 0);
    app.hold = true;
    unsigned idle = 0;
    while (idle < 10) {
        uint64_t before = app.received;
        far_write(&far, 200000);
        tcp_pause(&t, 1);
        if (!app.rx_due)
            app_drain(&app);
        idle = app.received == before ? idle + 1 : 0;
        assert_true(app.held_bytes <= tcp_fixture.lends(t.rig));
    }
    tcp_settle(&t);
    assert_true(app.rx_due); /* no RX while nothing can be lent */
    assert_true(far.sent > app.received);
    app_release_held(&app);
    app_wait_rx(&app);
    app.hold = false;
    while (app.received < far.sent) {
        app_drain(&app);
        tcp_pause(&t, 1);
    }
    assert_int_equal(app.received, far.sent);
    far_close(&far);
    tcp_end(&t);
}

static bool press_has_a_share(struct tcp_app *app)
{
    app_drain(app);
    return app->received > 0;
}

/* One greedy connection keeps all there is to lend, if they share it. The others go on as it gives
 * back, each in its turn, and one that was closed while it waited is forgotten. */
static void those_who_wait_get_their_turn(void **state)
{
    enum { N = 8 };
    struct tcp_how how = {.rx_memory = 128u << 10};
    struct tcp_test t;
    struct tcp_app greedy, apps[N];
    struct tcp_far greedy_far, fars[N];
    (void)state;
    tcp_begin(&t, &how);
    app_open(&t, &greedy, &greedy_far, 0);
    greedy.hold = true;
    for (unsigned i = 0; i < N; i++)
        app_open(&t, &apps[i], &fars[i], 0);
    for (unsigned i = 0; i < 20; i++) {
        far_write(&greedy_far, 65536);
        tcp_pause(&t, 1);
        app_drain(&greedy);
    }
    for (unsigned i = 0; i < N; i++)
        far_write_all(&t, &fars[i], 500);
    tcp_settle(&t);
    if (press_has_a_share(&apps[0])) {
        for (unsigned i = 0; i < N; i++)
            far_close(&fars[i]);
        far_close(&greedy_far);
        tcp_skip(&t, "each connection has a share of its own");
    }
    for (unsigned i = 0; i < N; i++) {
        apps[i].hold = true;
        assert_int_equal(app_drain(&apps[i]), 0);
        assert_int_equal(apps[i].received, 0);
    }
    app_close(&apps[3]);
    tcp_settle(&t);
    assert_true(apps[0].rx_due);
    app_release_held(&greedy);
    greedy.hold = false;
    for (unsigned i = 0; i < N; i++) {
        if (i == 3)
            continue;
        while (apps[i].received < 500) {
            app_wait_rx(&apps[i]);
            app_drain(&apps[i]);
            app_release_held(&apps[i]);
        }
    }
    for (unsigned i = 0; i < N; i++)
        far_close(&fars[i]);
    far_close(&greedy_far);
    tcp_end(&t);
}

static void press_open_clogged(struct tcp_test *t, struct tcp_app *app, struct tcp_far *far)
{
    tcp_begin(t, NULL);
    app_open(t, app, far, 0);
    if (tcp_fixture.clog && tcp_fixture.clog(t->rig, true))
        return;
    far_close(far);
    tcp_skip(t, "the link cannot be filled here");
}

/* What the link has no room for waits, in bounded memory, and goes when there is room. */
static void a_full_link_is_waited_for(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    press_open_clogged(&t, &app, &far);
    for (unsigned i = 0; i < 5; i++) {
        if (!app.tx_due)
            press_fill(&app);
        tcp_settle(&t);
    }
    tcp_fixture.clog(t.rig, false);
    far_read_until(&t, &far, app.sent);
    tcp_wait_released(&t);
    far_close(&far);
    tcp_end(&t);
}

/* The stack is stopped meanwhile, with a connection that lingers and one that does not. */
static void stop_with_a_full_link(void **state)
{
    struct tcp_test t;
    struct tcp_app app, closed;
    struct tcp_far far, closed_far;
    (void)state;
    press_open_clogged(&t, &app, &far);
    tcp_fixture.clog(t.rig, false);
    app_open(&t, &closed, &closed_far, 0);
    tcp_fixture.clog(t.rig, true);
    press_fill(&app);
    press_fill(&closed);
    app_close(&closed);
    tcp_settle(&t);
    tcp_stop(&t);
    assert_int_equal(t.out_count, 0);
    tcp_fixture.clog(t.rig, false);
    far_close(&far);
    far_close(&closed_far);
    tcp_end(&t);
}

/* The heap is empty for a moment: bytes wait, and RX comes when it is worth trying again. */
static void receiving_survives_an_empty_heap(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    far_write_all(&t, &far, 5000);
    tcp_settle(&t);
    for (unsigned i = 1; i <= 3 && app.received < 5000; i++) {
        test_heap_fail_after(t.p, i);
        app_recv(&app, 1);
        test_heap_fail_after(t.p, 0);
        if (app.rx_due)
            app_wait_rx(&app);
    }
    while (app.received < 5000) {
        if (app_drain(&app) == 0 && app.received < 5000)
            app_wait_rx(&app);
    }
    far_close(&far);
    tcp_end(&t);
}

const struct CMUnitTest tcp_press_cases[] = {
    cmocka_unit_test(a_peer_that_never_reads_is_waited_for),
    cmocka_unit_test(room_is_told_each_time),
    cmocka_unit_test(an_app_that_never_receives_slows_the_peer),
    cmocka_unit_test(held_buffers_slow_the_peer),
    cmocka_unit_test(those_who_wait_get_their_turn),
    cmocka_unit_test(a_full_link_is_waited_for),
    cmocka_unit_test(stop_with_a_full_link),
    cmocka_unit_test(receiving_survives_an_empty_heap),
    {0},
};
