/* SPDX-License-Identifier: ISC */
/* apps/echo/echo_tcp.c - the TCP half: what recv() lends goes to send() as it is, without a
 * copy. */
#include "rung/heap.h"
#include "rung/log.h"

#include "echo.h"

#define ECHO_ACCEPTS 64u /* at once, before others have their turn */

struct echo_conn {
    struct echo_tcp *echo;
    struct rung_tcp_conn *tcp;
    struct echo_conn *next, *prev;
    struct rung_buf *held[ECHO_BATCH]; /* received, and not yet taken by send() */
    unsigned first, count;
    struct rung_timer idle;
};

static void echo_free(struct echo_conn *c)
{
    struct echo_tcp *self = c->echo;
    rung_timer_stop(self->p, &c->idle);
    while (c->count > 0) {
        c->count--;
        rung_buf_release(c->held[c->first++]);
    }
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        self->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    self->count--;
    if (self->waiting) {
        self->waiting = false;
        rung_loop_defer(self->p, &self->more);
    }
    rung_free(self->p, c);
}

static void echo_abort(struct echo_conn *c)
{
    struct rung_tcp_conn *tcp = c->tcp;
    echo_free(c);
    rung_tcp_abort(tcp);
}

static void echo_idle(struct rung_timer *timer)
{
    echo_abort(rung_container_of(timer, struct echo_conn, idle));
}

static void echo_moved(struct echo_conn *c)
{
    if (c->echo->idle_ns > 0)
        rung_timer_start(c->echo->p, &c->idle, c->echo->idle_ns);
}

/* Sends what is held. 1: all is taken, 0: TX follows, < 0: dead. */
static int echo_send(struct echo_conn *c)
{
    if (c->count == 0)
        return 1;
    int k = rung_tcp_send(c->tcp, c->held + c->first, c->count);
    if (k < 0)
        return k;
    if (k > 0)
        echo_moved(c);
    c->first += (unsigned)k;
    c->count -= (unsigned)k;
    return c->count == 0;
}

/* Goes on until there is nothing to read or no room to send: then an event follows. */
static void echo_ready(struct rung_tcp_conn *tcp, unsigned events)
{
    struct echo_conn *c = tcp->arg;
    int sent;
    if ((events & RUNG_TCP_DOWN) != 0) {
        echo_abort(c);
        return;
    }
    if (c->count > 0 && (events & RUNG_TCP_TX) == 0)
        return; /* more has come while there is no room: it waits in TCP, and slows the client */
    while ((sent = echo_send(c)) == 1) {
        int k = rung_tcp_recv(tcp, c->held, ECHO_BATCH);
        if (k == 0)
            return;
        echo_moved(c);
        if (k == RUNG_E_EOF) { /* all it has sent is on its way back */
            echo_free(c);
            rung_tcp_close(tcp);
            return;
        }
        if (k < 0) {
            echo_abort(c);
            return;
        }
        c->first = 0;
        c->count = (unsigned)k;
    }
    if (sent < 0)
        echo_abort(c);
}

static void echo_begin(struct echo_tcp *self, struct rung_tcp_conn *tcp)
{
    struct echo_conn *c = rung_zalloc(self->p, 1, sizeof(*c));
    if (c == NULL) {
        if (!self->starved) /* once for all that come until there is some again */
            rung_log(self->p, RUNG_LOG_WARN, "echo", "out of memory: connections are reset");
        self->starved = true;
        rung_tcp_abort(tcp);
        return;
    }
    self->starved = false;
    c->echo = self;
    c->tcp = tcp;
    c->idle.fn = echo_idle;
    c->next = self->conns;
    if (c->next != NULL)
        c->next->prev = c;
    self->conns = c;
    self->count++;
    tcp->arg = c;
    tcp->ready = echo_ready;
    echo_moved(c);
}

static void echo_accept(struct rung_tcp_listener *listener)
{
    struct echo_tcp *self = listener->arg;
    struct rung_tcp_conn *tcp;
    for (unsigned i = 0; i < ECHO_ACCEPTS; i++) {
        self->waiting = self->max > 0 && self->count >= self->max;
        if (self->waiting || rung_tcp_accept(listener, &tcp) != 1)
            return;
        echo_begin(self, tcp);
    }
    rung_loop_defer(self->p, &self->more);
}

static void echo_more(struct rung_task *task)
{
    echo_accept(rung_container_of(task, struct echo_tcp, more)->listener);
}

int echo_tcp_open(struct echo_tcp *self, struct rung_platform *p, struct rung_tcp *tcp,
                  struct rung_addr *local)
{
    struct rung_tcp_listen how = {.local = *local};
    int err = rung_tcp_listen(tcp, &how, &self->listener);
    if (err < 0)
        return err;
    self->p = p;
    self->more.fn = echo_more;
    self->listener->arg = self;
    self->listener->ready = echo_accept;
    local->port = self->listener->local.port; /* family NONE stays: both families, for UDP too */
    return RUNG_OK;
}

void echo_tcp_close(struct echo_tcp *self)
{
    rung_tcp_unlisten(self->listener);
    self->waiting = false;
    while (self->conns != NULL)
        echo_abort(self->conns);
    rung_loop_undefer(self->p, &self->more);
}
