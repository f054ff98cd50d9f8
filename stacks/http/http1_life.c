/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_life.c - how connections come and go: accept, refuse, let go, free. */
#include "http1_int.h"

#define LIFE_ACCEPTS 64 /* at once, before others have their turn */
#define LIFE_REFUSED 64 /* connections being told 503 at once; further ones stay in the backlog */

static void life_ready(struct rung_tcp_conn *tcp, unsigned events)
{
    struct http1_conn *c = tcp->arg;
    if ((events & RUNG_TCP_DOWN) != 0) {
        rung_http1_let_go(c, false);
        return;
    }
    if ((events & RUNG_TCP_RX) != 0)
        c->rx_waits = false;
    if ((events & RUNG_TCP_TX) != 0)
        c->tx_waits = false;
    rung_http1_run(c);
}

static void life_task(struct rung_task *task)
{
    rung_http1_run(rung_container_of(task, struct http1_conn, task));
}

static void life_link(struct http1_conn **list, struct http1_conn *c)
{
    c->next = *list;
    c->prev = NULL;
    if (c->next != NULL)
        c->next->prev = c;
    *list = c;
}

static void life_unlink(struct http1_conn **list, struct http1_conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        *list = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
}

static void life_begin(struct http1_listener *l, struct rung_tcp_conn *tcp)
{
    struct rung_http1 *h = l->http1;
    struct http1_conn *c = rung_zalloc(h->p, 1, sizeof *c);
    if (c == NULL) {
        rung_log(h->p, RUNG_LOG_WARN, h->slot, "out of memory: a connection is reset");
        rung_tcp_abort(tcp);
        return;
    }
    c->http1 = h;
    c->listener = l;
    l->refs++;
    c->tcp = tcp;
    c->task.fn = life_task;
    c->rx_waits = true;
    tcp->ready = life_ready;
    tcp->arg = c;
    life_link(&h->conns, c);
    h->conn_count++;
    if (h->conn_count - h->refused_count > h->max_connections) {
        c->refused = true;
        h->refused_count++;
        rung_http1_refuse(c);
    } else {
        rung_http1_wait(c, HTTP1_WAIT_IDLE);
    }
}

void rung_http1_accept(struct http1_listener *l)
{
    struct rung_http1 *h = l->http1;
    for (unsigned i = 0; i < LIFE_ACCEPTS; i++) {
        struct rung_tcp_conn *tcp;
        if (h->refused_count >= LIFE_REFUSED) {
            h->accept_paused = true;
            return;
        }
        if (rung_tcp_accept(l->tcp, &tcp) != 1)
            return;
        life_begin(l, tcp);
    }
    rung_loop_defer(h->p, &h->accept_task);
}

void rung_http1_let_go(struct http1_conn *c, bool orderly)
{
    struct rung_http1 *h = c->http1;
    struct rung_tcp_conn *tcp = c->tcp;
    if (tcp == NULL)
        return;
    bool running = c->running;
    c->running = true; /* what TCP releases inside must not free c under us */
    c->tcp = NULL;
    rung_http1_wait(c, HTTP1_WAIT_NONE);
    life_unlink(&h->conns, c);
    life_link(&h->gone, c);
    h->conn_count--;
    h->refused_count -= c->refused;
    if (orderly)
        rung_tcp_close(tcp);
    else
        rung_tcp_abort(tcp);
    struct http1_work *w = c->work;
    for (unsigned i = 0; w != NULL && i < RUNG_ARRAY_LEN(w->piece); i++) {
        if (w->piece[i].asked)
            rung_op_cancel(&w->piece[i].get.op);
    }
    if (w != NULL && c->state != HTTP1_APP) { /* what the app has it still has to answer */
        c->work = NULL;
        rung_http1_work_put(w);
    }
    c->state = HTTP1_GONE;
    if (h->accept_paused) {
        h->accept_paused = false;
        rung_loop_defer(h->p, &h->accept_task);
    }
    c->running = running;
    rung_http1_settle(c);
}

void rung_http1_settle(struct http1_conn *c)
{
    struct rung_http1 *h = c->http1;
    if (c->running)
        return;
    if (c->tcp != NULL) {
        if (c->state != HTTP1_LINGER || c->held > 0 || c->wait.kind == HTTP1_WAIT_LINGER)
            return;
        rung_http1_wait(c, HTTP1_WAIT_LINGER); /* all is taken: now the client may close */
        rung_loop_defer(h->p, &c->task);
        return;
    }
    if (c->held > 0)
        return;
    while (c->rx != NULL) {
        struct rung_buf *buf = c->rx;
        c->rx = buf->next;
        rung_buf_release(buf);
    }
    rung_loop_undefer(h->p, &c->task);
    life_unlink(&h->gone, c);
    rung_http1_listener_put(c->listener);
    rung_free(h->p, c);
    rung_http1_close_check(h);
}
