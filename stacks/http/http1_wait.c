/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_wait.c - what becomes of a connection whose time is over. */
#include "http1_int.h"

void rung_http1_wait(struct http1_conn *c, enum http1_wait wait)
{
    rung_timeout_start(&c->http1->timeouts, &c->wait, wait);
}

/* c's time is up. A request that has moved on since to where no time-out applies stays. */
static void wait_over(struct rung_timeouts *set, struct rung_timeout *waiter, unsigned kind)
{
    struct http1_conn *c = rung_container_of(waiter, struct http1_conn, wait);
    (void)set;
    switch (kind) {
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

void rung_http1_wait_init(struct rung_http1 *h)
{
    h->timeouts.over = wait_over;
    rung_timeouts_init(&h->timeouts, h->p, h->wait, HTTP1_WAITS);
}
