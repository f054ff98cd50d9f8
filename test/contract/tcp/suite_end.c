/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_end.c - how a connection ends: half-close, close, abort, reset. */
#include "suite.h"

static void end_open(struct tcp_test *t, const struct tcp_how *how, struct tcp_app *app,
                     struct tcp_far *far, unsigned flags)
{
    tcp_begin(t, how);
    app_open(t, app, far, flags);
}

static void the_peer_shuts_its_side(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    far_write_all(&t, &far, 3000);
    tcp_fixture.peer_shutdown(far.peer);
    while (app_drain(&app) == 0)
        app_wait_rx(&app);
    assert_int_equal(app.received, 3000); /* all it sent, then the end */
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(app_recv(&app, 2), RUNG_E_EOF);
        tcp_settle(&t);
    }
    assert_int_equal(app.down, 0);
    assert_int_equal(app_send_one(&app, 5000), 1); /* sending still works */
    far_read_until(&t, &far, 5000);
    while (app_send_one(&app, 100000) == 1) /* and so does waiting for room */
        ;
    far_read_until(&t, &far, app.sent);
    app_wait_tx(&app);
    assert_int_equal(app.tx, 1);
    app_close(&app);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_EOF);
    far_close(&far);
    tcp_end(&t);
}

static void the_app_shuts_its_side(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    assert_int_equal(app_send_one(&app, 2000), 1);
    assert_int_equal(app_shutdown(&app), RUNG_OK);
    assert_int_equal(app_shutdown(&app), RUNG_OK); /* a second one does nothing */
    assert_int_equal(app_send_one(&app, 10), RUNG_E_DOWN);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_EOF);
    assert_int_equal(far.received, 2000);
    far_write_all(&t, &far, 100000); /* receiving goes on */
    while (app.received < 100000) {
        if (app_drain(&app) == 0 && app.received < 100000)
            app_wait_rx(&app);
    }
    tcp_fixture.peer_shutdown(far.peer);
    while (app_drain(&app) == 0)
        app_wait_rx(&app);
    assert_int_equal(app.end, RUNG_E_EOF);
    tcp_settle(&t);
    assert_int_equal(app.down, 0); /* in order is not down */
    app_close(&app);
    far_close(&far);
    tcp_end(&t);
}

/* FIN goes behind what send() has taken, even if most of it waits. */
static void shutdown_waits_for_what_was_taken(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    size_t len = tcp_much();
    (void)state;
    end_open(&t, NULL, &app, &far, TCP_PEER_NARROW);
    assert_int_equal(app_send_one(&app, len), 1);
    assert_int_equal(app_send_one(&app, 10), 0);
    assert_int_equal(app_shutdown(&app), RUNG_OK);
    tcp_settle(&t);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_EOF);
    assert_int_equal(far.received, len);
    tcp_wait_released(&t);
    assert_int_equal(app.tx, 0); /* there is no room to tell of */
    far_close(&far);
    tcp_end(&t);
}

static void close_delivers_what_was_taken(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    while (app_send_one(&app, 300000) == 1)
        ;
    uint64_t sent = app.sent;
    app_close(&app); /* app_on_ready() fails if it runs again */
    assert_int_equal(far_read_end(&t, &far), RUNG_E_EOF);
    assert_int_equal(far.received, sent);
    tcp_wait_released(&t);
    far_close(&far);
    tcp_end(&t);
}

static void close_after_shutdown_delivers_as_well(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    assert_int_equal(app_send_one(&app, tcp_much()), 1);
    assert_int_equal(app_shutdown(&app), RUNG_OK);
    app_close(&app);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_EOF);
    assert_int_equal(far.received, tcp_much());
    far_close(&far);
    tcp_end(&t);
}

/* "bytes nobody took make it a reset" */
static void close_with_unread_bytes_resets(void **state)
{
    struct tcp_test t;
    struct tcp_app app, busy;
    struct tcp_far far, busy_far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    far_write_all(&t, &far, 100);
    app_wait_rx(&app);
    app_close(&app);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_RESET);
    far_close(&far);
    app_open(&t, &busy, &busy_far, TCP_PEER_NARROW); /* and with output waiting */
    while (app_send_one(&busy, 300000) == 1)
        ;
    far_write_all(&t, &busy_far, 100);
    app_wait_rx(&busy);
    app_close(&busy);
    tcp_settle(&t);
    assert_int_equal(t.out_count, 0); /* at once: it does not wait for the peer */
    assert_int_equal(far_read_end(&t, &busy_far), RUNG_E_RESET);
    far_close(&busy_far);
    tcp_end(&t);
}

/* "The stack waits a bounded time for the peer." */
static void close_does_not_wait_for_ever(void **state)
{
    struct tcp_how how = {.linger_ns = 200 * RUNG_NS_PER_MS};
    struct tcp_test t;
    struct tcp_app apps[3];
    struct tcp_far fars[3];
    (void)state;
    tcp_begin(&t, &how);
    for (unsigned i = 0; i < 3; i++) {
        app_open(&t, &apps[i], &fars[i], TCP_PEER_NARROW);
        while (app_send_one(&apps[i], tcp_much()) == 1)
            ;
    }
    for (unsigned i = 0; i < 3; i++)
        app_close(&apps[i]);
    assert_int_equal(t.out_count, 3);
    tcp_wait_released(&t);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(far_read_end(&t, &fars[i]), RUNG_E_RESET);
        assert_true(fars[i].received < apps[i].sent);
        far_close(&fars[i]);
    }
    tcp_end(&t);
}

static void abort_resets_and_releases(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    while (app_send_one(&app, 300000) == 1)
        ;
    app_abort(&app);
    tcp_settle(&t);
    assert_int_equal(t.out_count, 0);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_RESET);
    far_close(&far);
    app_open(&t, &app, &far, 0); /* and one with nothing to lose */
    app_abort(&app);
    assert_int_equal(far_read_end(&t, &far), RUNG_E_RESET);
    far_close(&far);
    tcp_end(&t);
}

static void a_reset_is_told_and_repeats(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    struct rung_addr peer;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    while (app_send_one(&app, 300000) == 1)
        ;
    far_reset(&far);
    app_wait_down(&app);
    assert_int_equal(t.out_count, 0); /* nobody will have them */
    unsigned tx = app.tx;             /* from what went before the reset */
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(app_drain(&app), RUNG_E_RESET);
        assert_int_equal(app_send_one(&app, 10), RUNG_E_DOWN);
        assert_int_equal(app_shutdown(&app), RUNG_E_DOWN);
        tcp_settle(&t);
    }
    tcp_settle(&t);
    assert_int_equal(app.down, 1);
    assert_int_equal(app.tx, tx);
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_PEER, &peer), RUNG_E_DOWN);
    app_close(&app);
    tcp_end(&t);
}

/* Also when the app is not listening for anything, or finds out by itself. */
static void a_reset_is_told_to_those_who_do_not_ask(void **state)
{
    struct tcp_test t;
    struct tcp_app idle, sender;
    struct tcp_far far, sender_far;
    (void)state;
    end_open(&t, NULL, &idle, &far, 0);
    for (unsigned i = 0; i < 3; i++) { /* RX is told, and the app does not come */
        far_write_all(&t, &far, 10);
        tcp_settle(&t);
    }
    far_reset(&far);
    app_wait_down(&idle);
    app_close(&idle);
    app_open(&t, &sender, &sender_far, 0);
    far_reset(&sender_far);
    int k;
    do /* no turn of the loop in between: it finds out by itself, or it is full first */
        k = app_send_one(&sender, 100);
    while (k > 0);
    assert_true(k == 0 || k == RUNG_E_DOWN);
    app_wait_down(&sender);
    assert_int_equal(app_send_one(&sender, 100), RUNG_E_DOWN);
    assert_int_equal(app_drain(&sender), RUNG_E_RESET);
    app_abort(&sender);
    tcp_end(&t);
}

/* The end stays the end, whatever follows it. */
static void eof_repeats_after_a_reset(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    end_open(&t, NULL, &app, &far, 0);
    tcp_fixture.peer_shutdown(far.peer);
    app_wait_rx(&app);
    assert_int_equal(app_drain(&app), RUNG_E_EOF);
    far_reset(&far);
    app_wait_down(&app);
    assert_int_equal(app_drain(&app), RUNG_E_EOF);
    assert_int_equal(app_send_one(&app, 1), RUNG_E_DOWN);
    app_close(&app);
    tcp_end(&t);
}

const struct CMUnitTest tcp_end_cases[] = {
    cmocka_unit_test(the_peer_shuts_its_side),
    cmocka_unit_test(the_app_shuts_its_side),
    cmocka_unit_test(shutdown_waits_for_what_was_taken),
    cmocka_unit_test(close_delivers_what_was_taken),
    cmocka_unit_test(close_after_shutdown_delivers_as_well),
    cmocka_unit_test(close_with_unread_bytes_resets),
    cmocka_unit_test(close_does_not_wait_for_ever),
    cmocka_unit_test(abort_resets_and_releases),
    cmocka_unit_test(a_reset_is_told_and_repeats),
    cmocka_unit_test(a_reset_is_told_to_those_who_do_not_ask),
    cmocka_unit_test(eof_repeats_after_a_reset),
    {0},
};
