/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_wait.c - time-outs: one queue for each kind, one timer for all.
 * Starting a time-out appends to a queue; the timer moves only for a deadline before its own, which
 * a busy server sees about once in the shortest time-out. A request costs no timer operation. */
#include "http1_int.h"

static void wait_leave(struct http1_conn *c)
{
    if (c->wait == HTTP1_WAIT_NONE)
        return;
    struct http1_queue *q = &c->http1->wait[c->wait];
    if (c->wait_prev != NULL)
        c->wait_prev->wait_next = c->wait_next;
    else
        q->first = c->wait_next;
    if (c->wait_next != NULL)
        c->wait_next->wait_prev = c->wait_prev;
    else
        q->last = c->wait_prev;
    c->wait = HTTP1_WAIT_NONE;
}

static void wait_arm(struct rung_http1 *h, uint64_t until_ns, uint64_t now_ns)
{
    if (h->timer.active && until_ns >= h->timer_until_ns)
        return;
    h->timer_until_ns = until_ns;
    rung_timer_start(h->p, &h->timer, until_ns > now_ns ? until_ns - now_ns : 0);
}

void rung_http1_wait(struct http1_conn *c, enum http1_wait wait)
{
    struct rung_http1 *h = c->http1;
    wait_leave(c);
    if (wait == HTTP1_WAIT_NONE || h->wait[wait].timeout_ns == 0)
        return;
    struct http1_queue *q = &h->wait[wait];
    uint64_t now_ns = rung_loop_now_ns(h->p);
    c->wait = (uint8_t)wait;
    c->wait_until_ns = now_ns + q->timeout_ns;
    c->wait_next = NULL;
    c->wait_prev = q->last;
    if (q->last != NULL)
        q->last->wait_next = c;
    else
        q->first = c;
    q->last = c;
    wait_arm(h, c->wait_until_ns, now_ns);
}

/* c's time is up. A request that has moved on since to where no time-out applies stays. */
static void wait_over(struct http1_conn *c, enum http1_wait wait)
{
    wait_leave(c);
    switch (wait) {
    case HTTP1_WAIT_IDLE:
        if (c->state == HTTP1_IDLE)
            rung_http1_let_go(c, c->held == 0); /* held: the client has not taken the last answer */
        break;
    case HTTP1_WAIT_HEAD:
    case HTTP1_WAIT_BODY:
        if (c->state == HTTP1_READING) {
            rung_http1_fail(c, 408);
            rung_http1_run(c);
        }
        break;
    case HTTP1_WAIT_SEND:
        if (c->state == HTTP1_SENDING || c->state == HTTP1_LINGER)
            rung_http1_let_go(c, false);
        break;
    case HTTP1_WAIT_LINGER:
        rung_http1_let_go(c, true);
        break;
    default:
        break;
    }
}

static void wait_sweep(struct rung_timer *timer)
{
    struct rung_http1 *h = rung_container_of(timer, struct rung_http1, timer);
    uint64_t now_ns = rung_loop_now_ns(h->p);
    for (unsigned i = 0; i < HTTP1_WAITS; i++) {
        struct http1_queue *q = &h->wait[i];
        while (q->first != NULL && q->first->wait_until_ns <= now_ns)
            wait_over(q->first, (enum http1_wait)i);
    }
    for (unsigned i = 0; i < HTTP1_WAITS; i++) {
        if (h->wait[i].first != NULL)
            wait_arm(h, h->wait[i].first->wait_until_ns, now_ns);
    }
}

void rung_http1_wait_init(struct rung_http1 *h)
{
    h->timer.fn = wait_sweep;
}
