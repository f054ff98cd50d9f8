/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_app.c - the app's end of a connection. Every call and every event goes
 * through here, so that the rules that hold always are checked always: ready() never inside a call,
 * one event for a call that came short and none otherwise, DOWN once, buffers released once, what
 * was not taken left alone, bytes in order. */
#include "suite.h"

/* A period that no chunk size divides. */
uint8_t tcp_pattern(uint64_t at)
{
    return (uint8_t)((at % 65521) * 31 + (at >> 16));
}

static void app_on_ready(struct rung_tcp_conn *conn, unsigned events)
{
    struct tcp_app *app = conn->arg;
    assert_int_equal(app->t->in_call, 0);
    assert_ptr_equal(app->conn, conn); /* not after close */
    assert_true(events != 0);
    assert_int_equal(events & ~(unsigned)(RUNG_TCP_RX | RUNG_TCP_TX | RUNG_TCP_DOWN), 0);
    if (events & RUNG_TCP_RX) {
        assert_true(app->rx_due);
        app->rx_due = false;
        app->rx++;
    }
    if (events & RUNG_TCP_TX) {
        assert_true(app->tx_due);
        app->tx_due = false;
        app->tx++;
    }
    if (events & RUNG_TCP_DOWN) {
        assert_int_equal(app->down, 0);
        app->down++;
    }
    if (app->on_ready)
        app->on_ready(app, events);
}

void app_adopt(struct tcp_app *app, struct tcp_test *t, struct rung_tcp_conn *conn)
{
    memset(app, 0, sizeof(*app));
    app->t = t;
    app->conn = conn;
    app->rx_due = true; /* RX when the first bytes are there */
    conn->ready = app_on_ready;
    conn->arg = app;
    assert_ptr_equal(conn->tcp, t->tcp);
    assert_true(t->app_count < TCP_TEST_APPS);
    t->apps[t->app_count++] = app;
}

static void tcp_on_accept(struct rung_tcp_listener *listener)
{
    struct tcp_test *t = listener->arg;
    assert_int_equal(t->in_call, 0);
    assert_ptr_equal(listener, t->listener);
    assert_true(t->accept_due);
    t->accept_due = false;
    t->accept_ready++;
}

void app_listen(struct tcp_test *t)
{
    struct rung_tcp_listen how = {.local = tcp_host(t, 0)};
    t->in_call++;
    assert_int_equal(rung_tcp_listen(t->tcp, &how, &t->listener), RUNG_OK);
    t->in_call--;
    assert_ptr_equal(t->listener->tcp, t->tcp);
    assert_int_not_equal(t->listener->local.port, 0);
    t->listener->ready = tcp_on_accept;
    t->listener->arg = t;
    t->accept_due = true;
}

int app_accept(struct tcp_test *t, struct tcp_app *app)
{
    struct rung_tcp_conn *conn = NULL;
    t->in_call++;
    int k = rung_tcp_accept(t->listener, &conn);
    t->in_call--;
    assert_in_range(k, 0, 1);
    if (k == 0)
        t->accept_due = true;
    else
        app_adopt(app, t, conn);
    return k;
}

static bool tcp_accept_is_ready(void *arg)
{
    return !((struct tcp_test *)arg)->accept_due;
}

void app_wait_accept_ready(struct tcp_test *t)
{
    tcp_wait(t, tcp_accept_is_ready, t);
}

void app_wait_accept(struct tcp_test *t, struct tcp_app *app)
{
    while (app_accept(t, app) == 0)
        app_wait_accept_ready(t);
}

void app_open(struct tcp_test *t, struct tcp_app *app, struct tcp_far *far, unsigned flags)
{
    if (!t->listener)
        app_listen(t);
    far_connect(t, far, flags);
    app_wait_accept(t, app);
}

static void out_release(struct rung_buf *buf)
{
    struct tcp_out *out = rung_container_of(buf, struct tcp_out, buf);
    assert_int_equal(out->released, 0);
    assert_true(out->taken || out->t->in_call > 0);
    out->released = 1;
    out->t->out_count--;
    memset(out->data, 0xdd, out->len); /* whoever still reads it is found out */
    free(out->data);
    if (out->on_release)
        out->on_release(out);
}

static struct tcp_out *out_new(struct tcp_app *app, uint64_t at, size_t len)
{
    struct tcp_out *out = calloc(1, sizeof(*out));
    assert_non_null(out);
    out->data = malloc(len);
    assert_non_null(out->data);
    for (size_t i = 0; i < len; i++)
        out->data[i] = tcp_pattern(at + i);
    out->t = app->t;
    out->len = len;
    out->buf = (struct rung_buf){.data = out->data, .len = len, .release = out_release};
    return out;
}

/* What was not taken is still ours, untouched. */
static void out_keep(struct tcp_out *out)
{
    assert_int_equal(out->released, 0);
    assert_ptr_equal(out->buf.data, out->data);
    assert_int_equal(out->buf.len, out->len);
    out->t->out_count--;
    free(out->data);
    free(out);
}

int app_send(struct tcp_app *app, const size_t *lens, unsigned n)
{
    struct tcp_test *t = app->t;
    struct tcp_out **outs = calloc(n, sizeof(*outs));
    struct rung_buf **bufs = calloc(n, sizeof(*bufs));
    uint64_t at = app->sent;
    assert_true(outs && bufs);
    for (unsigned i = 0; i < n; i++) {
        outs[i] = out_new(app, at, lens[i]);
        bufs[i] = &outs[i]->buf;
        at += lens[i];
    }
    t->out_count += n;
    t->in_call++;
    int k = rung_tcp_send(app->conn, bufs, n);
    t->in_call--;
    assert_true(k == RUNG_E_DOWN || (k >= 0 && k <= (int)n));
    if (k >= 0 && k < (int)n)
        app->tx_due = true;
    for (int i = 0; i < (int)n; i++) {
        if (i >= k) {
            out_keep(outs[i]);
            continue;
        }
        outs[i]->taken = true;
        outs[i]->next = t->outs;
        t->outs = outs[i];
        app->last_out = outs[i];
        app->sent += lens[i];
    }
    free(outs);
    free(bufs);
    return k;
}

int app_send_one(struct tcp_app *app, size_t len)
{
    return app_send(app, &len, 1);
}

static void app_take(struct tcp_app *app, struct rung_buf *buf)
{
    assert_true(buf->len > 0);
    for (size_t i = 0; i < buf->len; i++)
        if (buf->data[i] != tcp_pattern(app->received + i))
            fail_msg("the app got a wrong byte at %llu",
                     (unsigned long long)app->received + (unsigned long long)i);
    app->received += buf->len;
    if (app->hold) {
        buf->next = app->held;
        app->held = buf;
        app->held_bytes += buf->len;
    } else {
        rung_buf_release(buf);
    }
}

int app_recv(struct tcp_app *app, unsigned n)
{
    struct rung_buf *bufs[8];
    assert_in_range(n, 1, RUNG_ARRAY_LEN(bufs));
    app->t->in_call++;
    int k = rung_tcp_recv(app->conn, bufs, n);
    app->t->in_call--;
    assert_true(k <= (int)n);
    if (k < 0) {
        assert_true(k == RUNG_E_EOF || k == RUNG_E_RESET || k == RUNG_E_TIMEDOUT);
        app->end = k;
    }
    if (k == 0)
        app->rx_due = true;
    for (int i = 0; i < k; i++)
        app_take(app, bufs[i]);
    return k;
}

int app_drain(struct tcp_app *app)
{
    int k;
    do
        k = app_recv(app, 1 + tcp_chance(app->t, 4));
    while (k > 0);
    return k;
}

void app_release_held(struct tcp_app *app)
{
    while (app->held) {
        struct rung_buf *buf = app->held;
        app->held = buf->next;
        rung_buf_release(buf);
    }
    app->held_bytes = 0;
}

int app_shutdown(struct tcp_app *app)
{
    app->t->in_call++;
    int err = rung_tcp_shutdown(app->conn);
    app->t->in_call--;
    if (err == RUNG_OK)
        app->tx_due = false;
    return err;
}

void app_close(struct tcp_app *app)
{
    struct rung_tcp_conn *conn = app->conn;
    app->conn = NULL;
    app->t->in_call++;
    rung_tcp_close(conn);
    app->t->in_call--;
}

void app_abort(struct tcp_app *app)
{
    struct rung_tcp_conn *conn = app->conn;
    app->conn = NULL;
    app->t->in_call++;
    rung_tcp_abort(conn);
    app->t->in_call--;
}

static bool app_has_rx(void *arg)
{
    return !((struct tcp_app *)arg)->rx_due;
}

void app_wait_rx(struct tcp_app *app)
{
    tcp_wait(app->t, app_has_rx, app);
}

static bool app_has_tx(void *arg)
{
    return !((struct tcp_app *)arg)->tx_due;
}

void app_wait_tx(struct tcp_app *app)
{
    tcp_wait(app->t, app_has_tx, app);
}

static bool app_is_down(void *arg)
{
    return ((struct tcp_app *)arg)->down > 0;
}

void app_wait_down(struct tcp_app *app)
{
    tcp_wait(app->t, app_is_down, app);
}
