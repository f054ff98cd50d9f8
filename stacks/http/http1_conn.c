/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_conn.c - the life of a connection. */
#include "http1_int.h"

#define CONN_LENT 4            /* buffers taken from TCP at once */
#define CONN_STEPS 64          /* before other connections have their turn */
#define CONN_DRAIN (256 << 10) /* bytes read and thrown away while lingering */

static void conn_pop(struct http1_conn *c)
{
    struct rung_buf *buf = c->rx;
    c->rx = buf->next;
    rung_buf_release(buf);
}

/* Takes what TCP has. > 0: so many buffers, 0: RX follows, < 0: the end, or an error. */
static int conn_receive(struct http1_conn *c)
{
    struct rung_buf *lent[CONN_LENT];
    if (c->rx_waits)
        return 0;
    int k = rung_tcp_recv(c->tcp, lent, CONN_LENT);
    if (k < 0)
        return k;
    c->rx_waits = k == 0;
    for (int i = 0; i < k; i++) {
        lent[i]->next = NULL;
        if (c->rx == NULL)
            c->rx = lent[i];
        else
            c->rx_last->next = lent[i];
        c->rx_last = lent[i];
    }
    return k;
}

/* The app's turn, or ours where it has none. */
static void conn_deliver(struct http1_conn *c)
{
    struct http1_work *w = c->work;
    struct rung_http_server *server = c->listener->server;
    if (w->target.path[0] == '*') {
        rung_http1_answer_status(w, 204, "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n");
        return;
    }
    w->request.http = &c->http1->http;
    w->request.server = server;
    w->request.path = w->target.path;
    w->request.path_len = w->target.path_len;
    w->request.query = w->target.query;
    w->request.query_len = w->target.query_len;
    w->request.body = w->in.body;
    w->request.body_len = w->in.body_len;
    c->state = HTTP1_APP;
    server->on_request(server, &w->request);
}

/* Empty lines before a request are left out (RFC 9112, 2.2), and do not begin it. */
static void conn_skip_empty_lines(struct rung_buf *buf)
{
    while (buf->len >= 2 && buf->data[0] == '\r' && buf->data[1] == '\n') {
        buf->data += 2;
        buf->len -= 2;
    }
}

static void conn_incomplete(struct http1_conn *c)
{
    struct http1_work *w = c->work;
    enum http1_wait wait = w->in.head_done ? HTTP1_WAIT_BODY : HTTP1_WAIT_HEAD;
    if (c->wait.kind != wait)
        rung_http1_wait(c, wait);
    if (w->in.wants_100 && c->rx == NULL) {
        w->in.wants_100 = false;
        if (w->in.body_len == 0)
            rung_http1_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

/* The client has closed its side, or the connection is dead. */
static bool conn_end(struct http1_conn *c, int why)
{
    if (why != RUNG_E_EOF) {
        rung_http1_let_go(c, false);
        return true;
    }
    c->eof = true;
    if (c->state == HTTP1_READING)
        rung_http1_fail(c, 400); /* it may still listen: half a request is told so */
    else if (c->held > 0)
        rung_http1_linger(c); /* it still takes the last response */
    else
        rung_http1_let_go(c, true);
    return true;
}

/* One buffer's worth of reading. False: nothing to do until TCP or the loop calls. */
static bool conn_read(struct http1_conn *c)
{
    if (c->http1->closing != NULL)
        return false;
    if (c->listener->server == NULL) { /* unlistened */
        if (c->state != HTTP1_IDLE)
            rung_http1_fail(c, 503);
        else if (c->held > 0)
            rung_http1_linger(c); /* the client still takes the last response */
        else
            rung_http1_let_go(c, true);
        return true;
    }
    if (c->rx == NULL) {
        int k = conn_receive(c);
        if (k == 0)
            return false;
        if (k < 0)
            return conn_end(c, k);
    }
    if (c->state == HTTP1_IDLE) {
        conn_skip_empty_lines(c->rx);
        if (c->rx->len == 0) {
            conn_pop(c);
            return true;
        }
        c->work = rung_http1_work_new(c);
        if (c->work == NULL) {
            rung_http1_refuse(c);
            return true;
        }
        c->state = HTTP1_READING;
    }
    int status = rung_http1_parse(c->work, c->rx);
    if (status == HTTP1_COMPLETE) {
        conn_deliver(c);
    } else if (status != 0) {
        rung_http1_fail(c, (unsigned)status);
    } else {
        conn_pop(c);
        conn_incomplete(c);
    }
    return true;
}

static bool conn_drain(struct http1_conn *c)
{
    if (c->http1->closing != NULL && c->held == 0) {
        rung_http1_let_go(c, true);
        return true;
    }
    while (!c->eof) {
        while (c->rx != NULL) {
            c->drained += (uint32_t)c->rx->len;
            conn_pop(c);
        }
        if (c->drained > CONN_DRAIN) {
            rung_http1_let_go(c, c->held == 0);
            return true;
        }
        int k = conn_receive(c);
        if (k == 0)
            return false;
        if (k < 0 && k != RUNG_E_EOF) {
            rung_http1_let_go(c, false);
            return true;
        }
        c->eof = k < 0;
    }
    if (c->held > 0)
        return false; /* the client still takes the response */
    rung_http1_let_go(c, true);
    return true;
}

static bool conn_step(struct http1_conn *c)
{
    switch (c->state) {
    case HTTP1_IDLE:
    case HTTP1_READING:
        return conn_read(c);
    case HTTP1_SENDING:
        return rung_http1_flush(c);
    case HTTP1_LINGER:
        return conn_drain(c);
    default:
        return false;
    }
}

void rung_http1_run(struct http1_conn *c)
{
    if (c->running)
        return;
    c->running = true;
    unsigned steps = 0;
    while (conn_step(c)) {
        if (++steps == CONN_STEPS) {
            rung_loop_defer(c->http1->p, &c->task);
            break;
        }
    }
    c->running = false;
    rung_http1_settle(c);
}

void rung_http1_kick(struct http1_conn *c)
{
    if (c->running)
        return;
    c->running = true;
    bool more = c->state == HTTP1_SENDING && rung_http1_flush(c);
    c->running = false;
    if (more && c->tcp != NULL)
        rung_loop_defer(c->http1->p, &c->task); /* the next request is for the loop to hand out */
    rung_http1_settle(c);
}

void rung_http1_request_over(struct http1_conn *c)
{
    struct http1_work *w = c->work;
    bool keep = w->keep && c->listener->server != NULL && !c->eof;
    c->work = NULL;
    rung_http1_work_put(w);
    if (!keep) {
        rung_http1_linger(c);
        return;
    }
    c->state = HTTP1_IDLE;
    rung_http1_wait(c, HTTP1_WAIT_IDLE);
}

void rung_http1_linger(struct http1_conn *c)
{
    c->state = HTTP1_LINGER;
    rung_http1_wait(c, c->held > 0 ? HTTP1_WAIT_SEND : HTTP1_WAIT_LINGER);
    rung_tcp_shutdown(c->tcp);
}
