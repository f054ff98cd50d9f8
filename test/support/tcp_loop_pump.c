/* SPDX-License-Identifier: ISC */
/* test/support/tcp_loop_pump.c - how bytes move between the two ends, and how ends come to
 * theirs. */
#include <stdlib.h>
#include <string.h>

#include "tcp_loop_int.h"

struct loop_segment {
    struct rung_buf buf;
    struct tcp_loop_conn *to;
    size_t len;
    uint8_t bytes[];
};

struct tcp_loop_conn *tcp_loop_conn_new(struct tcp_loop *loop)
{
    struct tcp_loop_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->loop = loop;
    c->base.tcp = &loop->tcp;
    c->rx_armed = true;
    c->refs = 1;
    c->next = loop->all;
    if (c->next != NULL)
        c->next->prev = c;
    loop->all = c;
    loop->conns++;
    return c;
}

void tcp_loop_put(struct tcp_loop_conn *c)
{
    struct tcp_loop *loop = c->loop;
    if (--c->refs > 0)
        return;
    assert(c->tx == NULL && c->rx == NULL && c->peer == NULL);
    rung_timer_stop(loop->p, &c->closing);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        loop->all = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    loop->conns--;
    free(c);
}

void tcp_loop_pend(struct tcp_loop_conn *c)
{
    struct tcp_loop *loop = c->loop;
    if (c->pending || c->waiting)
        return;
    c->pending = true;
    c->refs++;
    c->pending_next = NULL;
    if (loop->pending == NULL)
        loop->pending = c;
    else
        loop->pending_last->pending_next = c;
    loop->pending_last = c;
    rung_loop_defer(loop->p, &loop->pump);
}

static void loop_segment_release(struct rung_buf *buf)
{
    struct loop_segment *segment = rung_container_of(buf, struct loop_segment, buf);
    struct tcp_loop_conn *c = segment->to;
    c->rx_bytes -= segment->len;
    c->loop->segments--;
    if (c->peer != NULL)
        tcp_loop_pend(c->peer); /* the window is open again */
    free(segment);
    tcp_loop_put(c);
}

static void loop_drop_rx(struct tcp_loop_conn *c)
{
    while (c->rx != NULL) {
        struct rung_buf *buf = c->rx;
        c->rx = buf->next;
        rung_buf_release(buf);
    }
}

static void loop_drop_tx(struct tcp_loop_conn *c)
{
    while (c->tx != NULL) {
        struct rung_buf *buf = c->tx;
        c->tx = buf->next;
        c->loop->sent--;
        rung_buf_release(buf);
    }
    c->tx_bytes = c->tx_done = 0;
}

void tcp_loop_part(struct tcp_loop_conn *c)
{
    struct tcp_loop_conn *peer = c->peer;
    if (peer == NULL)
        return;
    c->peer = peer->peer = NULL;
    tcp_loop_put(peer);
    tcp_loop_put(c);
}

void tcp_loop_reset(struct tcp_loop_conn *c, int error)
{
    c->refs++;
    if (c->error == 0)
        c->error = error;
    loop_drop_rx(c);
    loop_drop_tx(c);
    tcp_loop_part(c);
    if (c->app)
        tcp_loop_pend(c);
    tcp_loop_put(c);
}

static uint64_t loop_random(struct tcp_loop *loop)
{
    loop->random ^= loop->random << 13; /* xorshift64 */
    loop->random ^= loop->random >> 7;
    loop->random ^= loop->random << 17;
    return loop->random;
}

static size_t loop_segment_len(struct tcp_loop_conn *c)
{
    struct tcp_loop *loop = c->loop;
    size_t held = c->peer->rx_bytes;
    size_t len = loop->segment > 0 ? loop->segment : 1 + (size_t)(loop_random(loop) % 1460);
    size_t left = c->tx->len - c->tx_done;
    size_t room = held < loop->window ? loop->window - held : 0;
    len = len < left ? len : left;
    return len < room ? len : room;
}

bool tcp_loop_move(struct tcp_loop_conn *c)
{
    struct tcp_loop_conn *to = c->peer;
    if (to == NULL || c->tx == NULL)
        return false;
    if (!to->app && !to->waiting) { /* nobody reads there any more: a reset comes back */
        tcp_loop_reset(c, RUNG_E_RESET);
        return false;
    }
    size_t len = loop_segment_len(c);
    struct loop_segment *segment = len > 0 ? malloc(sizeof *segment + len) : NULL;
    if (segment == NULL)
        return false;
    memcpy(segment->bytes, c->tx->data + c->tx_done, len); /* the wire */
    segment->buf = (struct rung_buf){
        .data = segment->bytes, .len = len, .release = loop_segment_release};
    segment->to = to;
    segment->len = len;
    to->refs++;
    to->rx_bytes += len;
    c->loop->segments++;
    if (to->rx == NULL)
        to->rx = &segment->buf;
    else
        to->rx_last->next = &segment->buf;
    to->rx_last = &segment->buf;
    c->tx_done += len;
    c->tx_bytes -= len;
    tcp_loop_pend(to);
    if (c->tx_done == c->tx->len) {
        struct rung_buf *buf = c->tx;
        c->tx = buf->next;
        c->tx_done = 0;
        c->loop->sent--;
        rung_buf_release(buf);
    }
    return true;
}

static void loop_tell(struct tcp_loop_conn *c)
{
    unsigned events = 0;
    if (c->rx_armed && (c->rx != NULL || c->fin_arrived || c->error != 0)) {
        events |= RUNG_TCP_RX;
        c->rx_armed = false;
    }
    bool room = c->tx == NULL || c->tx_bytes + c->tx_wanted <= c->loop->queue;
    if (c->tx_armed && c->error == 0 && room) {
        events |= RUNG_TCP_TX;
        c->tx_armed = false;
    }
    if (c->error != 0 && !c->told_down) {
        events |= RUNG_TCP_DOWN;
        c->told_down = true;
    }
    if (events != 0 && c->base.ready != NULL)
        c->base.ready(&c->base, events);
}

static void loop_process(struct tcp_loop_conn *c)
{
    if (tcp_loop_move(c))
        tcp_loop_pend(c);
    if (c->fin_wanted && !c->fin_sent && c->tx == NULL && c->peer != NULL) {
        c->fin_sent = c->peer->fin_arrived = true;
        tcp_loop_pend(c->peer);
    }
    if (c->app)
        loop_tell(c);
    else if (c->fin_sent && (c->fin_arrived || c->peer == NULL))
        tcp_loop_part(c);
}

void tcp_loop_pump(struct rung_task *task)
{
    struct tcp_loop *loop = rung_container_of(task, struct tcp_loop, pump);
    struct tcp_loop_conn *c = loop->pending, *next;
    loop->pending = NULL;
    for (; c != NULL; c = next) {
        next = c->pending_next;
        c->pending = false;
        loop_process(c);
        tcp_loop_put(c);
    }
    for (struct tcp_loop_listener *l = loop->listeners, *after; l != NULL; l = after) {
        after = l->next;
        if (l->armed && l->queue != NULL && !loop->full && l->base.ready != NULL) {
            l->armed = false;
            l->base.ready(&l->base);
        }
    }
}
