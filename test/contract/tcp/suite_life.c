/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_life.c - options, calls from inside callbacks, and stopping the stack. */
#include "suite.h"

static void life_set(struct tcp_app *app, enum rung_tcp_option option, uint32_t value, int expect)
{
    app->t->in_call++;
    assert_int_equal(rung_tcp_set(app->conn, option, value), expect);
    app->t->in_call--;
}

static void options_have_defaults_and_ranges(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    uint32_t value = 77;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    bool seen = tcp_fixture.option != NULL
                && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_NODELAY, &value);
    if (seen)
        assert_int_equal(value, 1); /* the default */
    life_set(&app, RUNG_TCP_NODELAY, 0, RUNG_OK);
    if (seen && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_NODELAY, &value))
        assert_int_equal(value, 0);
    life_set(&app, RUNG_TCP_NODELAY, 1, RUNG_OK);
    life_set(&app, RUNG_TCP_NODELAY, 2, RUNG_E_RANGE);
    if (seen && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_NODELAY, &value))
        assert_int_equal(value, 1);
    if (seen && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_KEEPALIVE, &value))
        assert_int_equal(value, 0); /* the default */
    life_set(&app, RUNG_TCP_KEEPALIVE, 120, RUNG_OK);
    if (seen && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_KEEPALIVE, &value))
        assert_int_equal(value, 120);
    life_set(&app, RUNG_TCP_KEEPALIVE, UINT32_MAX, RUNG_E_RANGE);
    life_set(&app, RUNG_TCP_KEEPALIVE, 0, RUNG_OK);
    if (seen && tcp_fixture.option(t.rig, app.conn, RUNG_TCP_KEEPALIVE, &value))
        assert_int_equal(value, 0);
    life_set(&app, (enum rung_tcp_option)99, 0, RUNG_E_NOTSUP);
    far_close(&far);
    tcp_end(&t);
}

static void addresses_of_an_accepted_connection(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    struct rung_addr own, far_own, addr;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    own = tcp_host(&t, t.listener->local.port);
    tcp_fixture.peer_address(far.peer, &far_own);
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_LOCAL, &addr), RUNG_OK);
    assert_true(rung_addr_equal(&addr, &own));
    assert_int_equal(rung_tcp_address(app.conn, RUNG_TCP_PEER, &addr), RUNG_OK);
    assert_true(rung_addr_equal(&addr, &far_own));
    far_close(&far);
    tcp_end(&t);
}

static unsigned life_event; /* the one that ends it */

static void close_in_ready(struct tcp_app *app, unsigned events)
{
    if (events & life_event)
        app_close(app);
}

static void abort_in_ready(struct tcp_app *app, unsigned events)
{
    if (events & life_event)
        app_abort(app);
}

static bool app_is_gone(void *arg)
{
    return !((struct tcp_app *)arg)->conn;
}

/* Whatever ready() is told, it may end the connection there. */
static void a_connection_may_end_in_its_ready(void **state)
{
    static void (*const ends[])(struct tcp_app *, unsigned) = {close_in_ready, abort_in_ready};
    struct tcp_test t;
    struct tcp_app apps[6];
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct tcp_app *rx = &apps[i * 3], *tx = rx + 1, *down = rx + 2;
        life_event = RUNG_TCP_RX;
        app_open(&t, rx, &far, 0);
        rx->on_ready = ends[i];
        far_write_all(&t, &far, 10);
        tcp_wait(&t, app_is_gone, rx);
        far_close(&far);
        life_event = RUNG_TCP_TX;
        app_open(&t, tx, &far, 0);
        while (app_send_one(tx, 300000) == 1)
            ;
        tx->on_ready = ends[i];
        uint64_t sent = tx->sent;
        assert_int_equal(far_read_end(&t, &far), i == 0 ? RUNG_E_EOF : RUNG_E_RESET);
        assert_true(i == 1 || far.received == sent);
        assert_null(tx->conn);
        far_close(&far);
        life_event = RUNG_TCP_DOWN; /* and RX with it */
        app_open(&t, down, &far, 0);
        while (app_send_one(down, 300000) == 1)
            ;
        down->on_ready = ends[i];
        far_reset(&far);
        tcp_wait(&t, app_is_gone, down);
        assert_int_equal(down->down, 1);
    }
    tcp_wait_released(&t);
    tcp_settle(&t);
    tcp_end(&t);
}

static void close_in_release(struct tcp_out *out)
{
    struct tcp_app *app = out->arg;
    if (app->conn)
        app_close(app);
}

static void abort_in_release(struct tcp_out *out)
{
    struct tcp_app *app = out->arg;
    if (app->conn)
        app_abort(app);
}

/* Sends much, whose release ends the connection. */
static void life_send_to_end(struct tcp_app *app, void (*on_release)(struct tcp_out *out))
{
    assert_int_equal(app_send_one(app, tcp_much()), 1);
    app->last_out->on_release = on_release;
    app->last_out->arg = app;
}

/* release() may run in a callback or in a call, and may end the connection too. */
static void a_connection_may_end_in_a_release(void **state)
{
    static void (*const ends[])(struct tcp_out *) = {close_in_release, abort_in_release};
    struct tcp_test t;
    struct tcp_app apps[4];
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct tcp_app *app = &apps[2 * i], *dead = app + 1;
        app_open(&t, app, &far, 0);
        life_send_to_end(app, ends[i]);
        assert_int_equal(far_read_end(&t, &far), i == 0 ? RUNG_E_EOF : RUNG_E_RESET);
        assert_true(i == 1 || far.received == tcp_much());
        assert_null(app->conn);
        far_close(&far);
        app_open(&t, dead, &far, 0);
        life_send_to_end(dead, ends[i]);
        far_reset(&far);
        tcp_wait(&t, app_is_gone, dead);
    }
    tcp_settle(&t);
    tcp_end(&t);
}

/* Many small buffers, of which the first that comes back ends the connection, and the others are
 * released all the same. */
static void the_first_of_many_releases_ends_it(void **state)
{
    enum { N = 40 };
    static void (*const ends[])(struct tcp_out *) = {close_in_release, abort_in_release};
    struct tcp_test t;
    struct tcp_app apps[2];
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    for (unsigned i = 0; i < 2; i++) {
        app_open(&t, &apps[i], &far, 0);
        for (unsigned k = 0; k < N; k++) {
            assert_int_equal(app_send_one(&apps[i], 100), 1);
            apps[i].last_out->on_release = ends[i];
            apps[i].last_out->arg = &apps[i];
        }
        if (t.out_count == 0) /* all back in the call: then it ends here */
            ends[i](apps[i].last_out);
        int end = far_read_end(&t, &far);
        assert_true(i == 0 ? end == RUNG_E_EOF && far.received == N * 100 : end == RUNG_E_RESET);
        tcp_wait_released(&t);
        far_close(&far);
    }
    tcp_end(&t);
}

static struct tcp_app *life_other;

static void abort_the_other(struct tcp_app *app, unsigned events)
{
    (void)app;
    (void)events;
    if (life_other->conn)
        app_abort(life_other);
}

/* Two connections become ready in the same turn, and the first ends the second. */
static void a_ready_may_end_another_connection(void **state)
{
    struct tcp_test t;
    struct tcp_app apps[2];
    struct tcp_far fars[2];
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        tcp_begin(&t, NULL);
        app_open(&t, &apps[0], &fars[0], 0);
        app_open(&t, &apps[1], &fars[1], 0);
        tcp_settle(&t);
        apps[first].on_ready = abort_the_other;
        life_other = &apps[1 - first];
        assert_int_equal(far_write(&fars[0], 10), 10);
        assert_int_equal(far_write(&fars[1], 10), 10);
        app_wait_rx(&apps[first]);
        tcp_settle(&t);
        assert_null(life_other->conn);
        far_close(&fars[0]);
        far_close(&fars[1]);
        tcp_end(&t);
    }
}

static void stop_ends_everything(void **state)
{
    enum { N = 5 };
    struct tcp_test t;
    struct tcp_app apps[N];
    struct tcp_far fars[N], waiting;
    (void)state;
    tcp_begin(&t, NULL);
    for (unsigned i = 0; i < N; i++)
        app_open(&t, &apps[i], &fars[i], 0);
    far_connect(&t, &waiting, 0);
    far_write_all(&t, &waiting, 1);
    while (app_send_one(&apps[1], 300000) == 1)
        ;
    while (app_send_one(&apps[2], 300000) == 1)
        ;
    app_close(&apps[2]); /* lingers */
    assert_int_equal(app_shutdown(&apps[3]), RUNG_OK);
    tcp_stop(&t);
    assert_int_equal(t.out_count, 0);
    for (unsigned i = 0; i < N; i++) {
        int end = far_read_end(&t, &fars[i]);
        assert_true(end == RUNG_E_RESET || (i == 3 && end == RUNG_E_EOF));
        far_close(&fars[i]);
    }
    assert_int_equal(far_read_end(&t, &waiting), RUNG_E_RESET);
    far_close(&waiting);
    tcp_end(&t);
}

static void stop_with_nothing_open(void **state)
{
    struct tcp_test t;
    (void)state;
    tcp_begin(&t, NULL);
    tcp_stop(&t);
    tcp_end(&t);
}

static void stop_while_lent_buffers_are_waited_for(void **state)
{
    struct tcp_how how = {.rx_memory = 128u << 10};
    struct tcp_test t;
    struct tcp_app greedy, app;
    struct tcp_far greedy_far, far;
    (void)state;
    tcp_begin(&t, &how);
    app_open(&t, &greedy, &greedy_far, 0);
    app_open(&t, &app, &far, 0);
    greedy.hold = true;
    for (unsigned i = 0; i < 20; i++) {
        far_write(&greedy_far, 65536);
        tcp_pause(&t, 1);
        app_drain(&greedy);
    }
    far_write_all(&t, &far, 500);
    app_wait_rx(&app);
    assert_int_equal(app_drain(&app), 0);
    app_release_held(&greedy); /* wakes the other, later */
    tcp_stop(&t);
    far_close(&greedy_far);
    far_close(&far);
    tcp_end(&t);
}

const struct CMUnitTest tcp_life_cases[] = {
    cmocka_unit_test(options_have_defaults_and_ranges),
    cmocka_unit_test(addresses_of_an_accepted_connection),
    cmocka_unit_test(a_connection_may_end_in_its_ready),
    cmocka_unit_test(a_connection_may_end_in_a_release),
    cmocka_unit_test(the_first_of_many_releases_ends_it),
    cmocka_unit_test(a_ready_may_end_another_connection),
    cmocka_unit_test(stop_ends_everything),
    cmocka_unit_test(stop_with_nothing_open),
    cmocka_unit_test(stop_while_lent_buffers_are_waited_for),
    {0},
};
