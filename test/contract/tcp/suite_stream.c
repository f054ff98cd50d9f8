/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_stream.c - bytes: whole, in order, by reference, both ways. */
#include "suite.h"

struct traffic {
    struct tcp_app *app;
    struct tcp_far *far;
    uint64_t out, in; /* bytes the app sends, and receives */
    uint32_t piece;   /* at most, in one buffer or write */
    unsigned batch;   /* at most, in one send */
};

/* The app sends while there is room, and else waits for TX. */
static void traffic_send(struct traffic *x)
{
    struct tcp_test *t = x->app->t;
    while (x->app->sent < x->out && !x->app->tx_due) {
        size_t lens[100];
        unsigned n = 1 + tcp_chance(t, x->batch), count = 0;
        uint64_t left = x->out - x->app->sent;
        for (; count < n && left > 0; count++) {
            lens[count] = 1 + tcp_chance(t, x->piece);
            if (lens[count] > left)
                lens[count] = (size_t)left;
            left -= lens[count];
        }
        assert_true(app_send(x->app, lens, count) >= 0);
    }
}

static bool traffic_step(void *arg)
{
    struct traffic *x = arg;
    struct tcp_test *t = x->app->t;
    traffic_send(x);
    if (!x->app->rx_due)
        assert_int_equal(app_drain(x->app), 0);
    if (x->far->sent < x->in) {
        uint64_t left = x->in - x->far->sent;
        size_t len = 1 + tcp_chance(t, x->piece);
        far_write(x->far, len < left ? len : (size_t)left);
    }
    if (tcp_chance(t, 3) > 0) /* now and then the peer is slow */
        far_read(x->far);
    return x->app->sent == x->out && x->far->received == x->out && x->app->received == x->in;
}

static void traffic_run(struct tcp_test *t, struct traffic x)
{
    struct tcp_app app;
    struct tcp_far far;
    app_open(t, &app, &far, 0);
    x.app = &app;
    x.far = &far;
    tcp_wait(t, traffic_step, &x);
    assert_int_equal(far.end, 0);
    far_close(&far);
    app_close(&app);
    t->app_count--; /* forget it: it ends here */
}

static uint64_t traffic_bytes(uint64_t n)
{
    return getenv("RUNG_TEST_SLOW") ? n / 8 : n;
}

static void bytes_go_out_whole_and_in_order(void **state)
{
    struct tcp_test t;
    (void)state;
    tcp_begin(&t, NULL);
    traffic_run(&t, (struct traffic){.out = traffic_bytes(8u << 20), .piece = 60000, .batch = 4});
    traffic_run(&t, (struct traffic){.out = traffic_bytes(300000), .piece = 30, .batch = 100});
    tcp_end(&t);
}

static void bytes_come_in_whole_and_in_order(void **state)
{
    struct tcp_test t;
    (void)state;
    tcp_begin(&t, NULL);
    traffic_run(&t, (struct traffic){.in = traffic_bytes(8u << 20), .piece = 200000, .batch = 1});
    traffic_run(&t, (struct traffic){.in = 20000, .piece = 40, .batch = 1});
    tcp_end(&t);
}

static void both_ways_at_once(void **state)
{
    struct tcp_test t;
    uint64_t n = traffic_bytes(4u << 20);
    (void)state;
    tcp_begin(&t, NULL);
    traffic_run(&t, (struct traffic){.out = n, .in = n, .piece = 150000, .batch = 40});
    tcp_end(&t);
}

/* "An idle connection takes at least one buffer of any length" */
static void one_huge_buffer_is_taken(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    size_t len = (size_t)traffic_bytes(24u << 20);
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    assert_int_equal(app_send_one(&app, len), 1);
    far_read_until(&t, &far, len);
    tcp_wait_released(&t);
    tcp_settle(&t);
    assert_int_equal(app.tx, 0); /* the call did not come short */
    far_close(&far);
    tcp_end(&t);
}

static void many_small_buffers_in_one_call(void **state)
{
    enum { N = 1000 };
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    size_t lens[N];
    uint64_t total = 0;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    for (unsigned i = 0; i < N; i++) {
        lens[i] = 1 + tcp_chance(&t, 9);
        total += lens[i];
    }
    for (unsigned done = 0; done < N;) {
        int k = app_send(&app, lens + done, N - done);
        assert_true(k >= 0);
        done += (unsigned)k;
        far_read(&far);
        tcp_pause(&t, 1);
    }
    far_read_until(&t, &far, total);
    far_close(&far);
    tcp_end(&t);
}

/* The bytes of a taken buffer are not copied: it comes back, once, when the peer has them at the
 * latest. Nothing comes back while the bytes may still be needed (out_release spoils them). */
static void taken_buffers_come_back_once(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    while (app_send_one(&app, 100000) == 1)
        ;
    far_read_until(&t, &far, app.sent);
    tcp_wait_released(&t);
    app_wait_tx(&app);
    tcp_settle(&t);
    assert_int_equal(app.tx, 1);
    far_close(&far);
    tcp_end(&t);
}

/* "they outlive the connection" */
static void lent_buffers_outlive_connection_and_stack(void **state)
{
    struct tcp_test t;
    struct tcp_app app, other;
    struct tcp_far far, other_far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    app_open(&t, &other, &other_far, 0);
    app.hold = other.hold = true;
    far_write_all(&t, &far, 3000);
    far_write_all(&t, &other_far, 300);
    while (app.received < 3000 || other.received < 300) {
        tcp_pause(&t, 1);
        app_drain(&app);
        app_drain(&other);
    }
    app_close(&app);
    tcp_settle(&t);
    tcp_stop(&t);
    uint64_t at = 3000;
    for (struct rung_buf *buf = app.held; buf; buf = buf->next) { /* newest first */
        at -= buf->len;
        for (size_t i = 0; i < buf->len; i++)
            assert_int_equal(buf->data[i], tcp_pattern(at + i));
    }
    assert_int_equal(at, 0);
    far_close(&far);
    far_close(&other_far);
    tcp_end(&t);
}

/* "may move data and len forward": the app, in what it was lent, as well. */
static void lent_buffers_may_be_advanced(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    struct rung_buf *buf = NULL;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    assert_int_equal(app_drain(&app), 0);
    far_write_all(&t, &far, 100);
    app_wait_rx(&app);
    assert_int_equal(rung_tcp_recv(app.conn, &buf, 1), 1);
    buf->data += 40;
    buf->len -= 40;
    assert_int_equal(buf->data[0], tcp_pattern(40));
    rung_buf_release(buf);
    app.received = 100;
    far_write_all(&t, &far, 100);
    tcp_settle(&t);
    app_drain(&app);
    far_close(&far);
    tcp_end(&t);
}

/* recv(): 0, then RX once; and no RX that no call has asked for. */
static void one_event_for_a_call_that_came_short(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    tcp_settle(&t);
    assert_int_equal(app.rx, 0);
    for (unsigned i = 0; i < 5; i++) { /* the app does not come: app_on_ready() sees to it */
        far_write_all(&t, &far, 10);
        tcp_settle(&t);
    }
    app_wait_rx(&app);
    assert_int_equal(app.rx, 1);
    while (app.received < 50) { /* Nagle may hold some back for a while */
        app_drain(&app);
        tcp_pause(&t, 1);
    }
    assert_int_equal(app_drain(&app), 0);
    assert_int_equal(app_drain(&app), 0); /* asking twice is no harm */
    unsigned rx = app.rx;
    far_write_all(&t, &far, 10);
    app_wait_rx(&app);
    tcp_settle(&t);
    assert_int_equal(app.rx, rx + 1);
    app_drain(&app);
    assert_int_equal(app.received, 60);
    far_close(&far);
    tcp_end(&t);
}

/* An app may also do without ready(), and look again and again. */
static void ready_may_be_null(void **state)
{
    struct tcp_test t;
    struct tcp_app app;
    struct tcp_far far;
    (void)state;
    tcp_begin(&t, NULL);
    app_open(&t, &app, &far, 0);
    app.conn->ready = NULL;
    for (unsigned i = 1; i <= 5; i++) {
        far_write_all(&t, &far, 1000);
        for (unsigned turn = 0; app.received < i * 1000 && turn < 1000; turn++) {
            tcp_pause(&t, 1);
            app_drain(&app);
        }
        assert_int_equal(app.received, i * 1000);
    }
    while (app_send_one(&app, 100000) == 1)
        ;
    far_read_until(&t, &far, app.sent);
    tcp_wait_released(&t);
    assert_int_equal(app_send_one(&app, 10), 1);
    far_close(&far);
    tcp_end(&t);
}

const struct CMUnitTest tcp_stream_cases[] = {
    cmocka_unit_test(bytes_go_out_whole_and_in_order),
    cmocka_unit_test(bytes_come_in_whole_and_in_order),
    cmocka_unit_test(both_ways_at_once),
    cmocka_unit_test(one_huge_buffer_is_taken),
    cmocka_unit_test(many_small_buffers_in_one_call),
    cmocka_unit_test(taken_buffers_come_back_once),
    cmocka_unit_test(lent_buffers_outlive_connection_and_stack),
    cmocka_unit_test(lent_buffers_may_be_advanced),
    cmocka_unit_test(one_event_for_a_call_that_came_short),
    cmocka_unit_test(ready_may_be_null),
    {0},
};
