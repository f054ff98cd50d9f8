/* SPDX-License-Identifier: ISC */
/* test/support/tcp_loop.c - the operations of TCP on connections inside one process. */
#include <stdlib.h>

#include "tcp_loop_int.h"

static struct tcp_loop *loop_of(struct rung_tcp *tcp)
{
    return rung_container_of(tcp, struct tcp_loop, tcp);
}

static struct tcp_loop_listener *loop_find(struct tcp_loop *loop, uint16_t port)
{
    struct tcp_loop_listener *l = loop->listeners;
    while (l != NULL && l->base.local.port != port)
        l = l->next;
    return l;
}

static int loop_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                       struct rung_tcp_listener **listener)
{
    struct tcp_loop *loop = loop_of(tcp);
    if (how->local.port != 0 && loop_find(loop, how->local.port) != NULL)
        return RUNG_E_ADDRINUSE;
    struct tcp_loop_listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return RUNG_E_NOMEM;
    l->loop = loop;
    l->base.tcp = tcp;
    l->base.local = how->local;
    if (l->base.local.port == 0)
        l->base.local.port = loop->next_port++;
    l->backlog = how->backlog != 0 ? how->backlog : 4096;
    l->armed = true;
    l->next = loop->listeners;
    loop->listeners = l;
    *listener = &l->base;
    return RUNG_OK;
}

static struct tcp_loop_conn *loop_dequeue(struct tcp_loop_listener *l)
{
    struct tcp_loop_conn *c = l->queue;
    l->queue = c->pending_next;
    l->waiting--;
    c->waiting = false;
    return c;
}

static void loop_abort(struct rung_tcp_conn *base)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base), *peer = c->peer;
    c->app = false;
    if (peer != NULL)
        tcp_loop_reset(peer, RUNG_E_RESET);
    tcp_loop_reset(c, RUNG_E_RESET);
    tcp_loop_put(c);
}

static void loop_unlisten(struct rung_tcp_listener *base)
{
    struct tcp_loop_listener *l = rung_container_of(base, struct tcp_loop_listener, base);
    struct tcp_loop_listener **link = &l->loop->listeners;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    while (l->queue != NULL)
        loop_abort(&loop_dequeue(l)->base);
    free(l);
}

static int loop_accept(struct rung_tcp_listener *base, struct rung_tcp_conn **conn)
{
    struct tcp_loop_listener *l = rung_container_of(base, struct tcp_loop_listener, base);
    if (l->queue == NULL || l->loop->full) {
        l->armed = true;
        return 0;
    }
    struct tcp_loop_conn *c = loop_dequeue(l);
    c->app = true;
    tcp_loop_pend(c);
    *conn = &c->base;
    return 1;
}

/* Both ends, or NULL. Each end has a share in the other. */
static struct tcp_loop_conn *loop_pair(struct tcp_loop *loop, struct tcp_loop_listener *l)
{
    struct tcp_loop_conn *a = tcp_loop_conn_new(loop);
    struct tcp_loop_conn *b = a != NULL ? tcp_loop_conn_new(loop) : NULL;
    if (b == NULL) {
        if (a != NULL)
            tcp_loop_put(a);
        return NULL;
    }
    a->peer = b;
    b->peer = a;
    a->refs++;
    b->refs++;
    a->app = true;
    a->local = rung_addr_any(RUNG_AF_IPV4, loop->next_port++);
    b->local = rung_addr_any(RUNG_AF_IPV4, l->base.local.port);
    a->local.ip[0] = b->local.ip[0] = 127;
    a->local.ip[3] = b->local.ip[3] = 1;
    b->waiting = true;
    b->pending_next = NULL;
    if (l->queue == NULL)
        l->queue = b;
    else
        l->queue_last->pending_next = b;
    l->queue_last = b;
    l->waiting++;
    return a;
}

static void loop_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how)
{
    struct tcp_loop *loop = loop_of(tcp);
    struct tcp_loop_listener *l = loop_find(loop, how->peer.port);
    if (l == NULL || l->waiting >= l->backlog) {
        rung_op_finish(loop->p, &how->op, RUNG_E_REFUSED);
        return;
    }
    struct tcp_loop_conn *c = loop_pair(loop, l);
    if (c != NULL)
        how->conn = &c->base;
    rung_op_finish(loop->p, &how->op, c != NULL ? RUNG_OK : RUNG_E_NOMEM);
    rung_loop_defer(loop->p, &loop->pump);
}

static int loop_send(struct rung_tcp_conn *base, struct rung_buf *const b[], unsigned n)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base);
    if (c->error != 0 || c->fin_wanted)
        return RUNG_E_DOWN;
    unsigned k = 0;
    for (; k < n && (c->tx == NULL || c->tx_bytes + b[k]->len <= c->loop->queue); k++) {
        assert(b[k]->len > 0 && b[k]->release != NULL);
        b[k]->next = NULL;
        if (c->tx == NULL)
            c->tx = b[k];
        else
            c->tx_last->next = b[k];
        c->tx_last = b[k];
        c->tx_bytes += b[k]->len;
        c->loop->sent++;
        while (c->loop->eager && tcp_loop_move(c))
            ;
        if (c->error != 0) {
            k++;
            break;
        }
    }
    if (k < n) {
        c->tx_armed = true;
        c->tx_wanted = b[k]->len;
    }
    tcp_loop_pend(c);
    return (int)k;
}

static int loop_recv(struct rung_tcp_conn *base, struct rung_buf *b[], unsigned n)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base);
    unsigned k = 0;
    assert(n > 0);
    for (; k < n && c->rx != NULL; k++) {
        b[k] = c->rx;
        c->rx = c->rx->next;
        b[k]->next = NULL;
    }
    if (k > 0)
        return (int)k;
    if (c->error != 0)
        return c->error;
    if (c->fin_arrived)
        return RUNG_E_EOF;
    c->rx_armed = true;
    return 0;
}

static int loop_shutdown(struct rung_tcp_conn *base)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base);
    if (c->error != 0)
        return RUNG_E_DOWN;
    c->fin_wanted = true;
    tcp_loop_pend(c);
    return RUNG_OK;
}

static void loop_close_late(struct rung_timer *timer)
{
    struct tcp_loop_conn *c = rung_container_of(timer, struct tcp_loop_conn, closing);
    c->refs++;
    if (c->peer != NULL && !c->fin_sent) /* else the peer has all of it, read or not */
        tcp_loop_reset(c->peer, RUNG_E_RESET);
    tcp_loop_reset(c, RUNG_E_TIMEDOUT);
    tcp_loop_put(c);
}

static void loop_close(struct rung_tcp_conn *base)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base);
    if (c->rx != NULL || c->error != 0) {
        loop_abort(base);
        return;
    }
    c->app = false;
    c->fin_wanted = true;
    c->closing.fn = loop_close_late;
    rung_timer_start(c->loop->p, &c->closing, c->loop->close_ns);
    tcp_loop_pend(c);
    tcp_loop_put(c);
}

static int loop_set(struct rung_tcp_conn *base, enum rung_tcp_option option, uint32_t value)
{
    (void)base;
    return option == RUNG_TCP_NODELAY && value > 1 ? RUNG_E_RANGE : RUNG_OK;
}

static int loop_address(struct rung_tcp_conn *base, enum rung_tcp_end end, struct rung_addr *addr)
{
    struct tcp_loop_conn *c = tcp_loop_conn_of(base);
    if (c->peer == NULL)
        return RUNG_E_DOWN;
    *addr = end == RUNG_TCP_LOCAL ? c->local : c->peer->local;
    return RUNG_OK;
}

static void loop_stop(struct rung_tcp *tcp, struct rung_op *op)
{
    struct tcp_loop *loop = loop_of(tcp);
    while (loop->listeners != NULL)
        loop_unlisten(&loop->listeners->base);
    for (struct tcp_loop_conn *c = loop->all, *next; c != NULL; c = next) {
        c->refs++;
        if (c->app)
            loop_abort(&c->base);
        else
            tcp_loop_reset(c, RUNG_E_RESET);
        next = c->next; /* c's peer may have gone with it */
        tcp_loop_put(c);
    }
    rung_op_finish(loop->p, op, RUNG_OK);
}

void tcp_loop_open(struct tcp_loop *self, struct rung_platform *p, uint64_t seed)
{
    *self = (struct tcp_loop){
        .segment = 1460,
        .window = 65536,
        .queue = 65536,
        .close_ns = UINT64_C(30000000000),
        .p = p,
        .random = seed | 1,
        .next_port = 49152,
        .pump = {.fn = tcp_loop_pump},
    };
    rung_tcp_init(&self->tcp, &tcp_loop_ops);
}

void tcp_loop_wake(struct tcp_loop *self)
{
    rung_loop_defer(self->p, &self->pump);
}

bool tcp_loop_idle(const struct tcp_loop *self)
{
    return self->conns == 0 && self->segments == 0 && self->sent == 0;
}

const struct rung_tcp_ops tcp_loop_ops = RUNG_TCP_TABLE("tcp-loop", loop);
