/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_send.c - a response on its way: slices by reference, one send() for head and
 * body. A short body is copied behind its head: one buffer costs TCP less than two (a vector for
 * the kernel, a frame of one piece more for a device) than 2 KiB cost to copy. Others go out in
 * slices of 64 KiB, each with a release of ours, because that is how a server sees that a slow
 * client does take something, and may let it be slow for as long as it likes. */
#include "http1_int.h"

static void send_released(struct rung_buf *buf)
{
    struct http1_slice *slice = rung_container_of(buf, struct http1_slice, buf);
    struct http1_work *w = slice->work;
    struct http1_conn *c = w->conn;
    if (slice != &w->head) {
        buf->next = w->slices;
        w->slices = buf;
    }
    if (slice->piece != HTTP1_NO_PIECE) {
        w->piece[slice->piece].out--;
        rung_http1_piece_done(&w->piece[slice->piece]);
    }
    if (!c->running && c->tcp != NULL) {
        if (c->wait.kind == HTTP1_WAIT_SEND || c->wait.kind == HTTP1_WAIT_IDLE)
            rung_http1_wait(c, (enum http1_wait)c->wait.kind); /* the client has taken something */
        if (c->work == w && c->state == HTTP1_SENDING)
            rung_loop_defer(c->http1->p, &c->task); /* there is a slice free, or a piece */
    }
    rung_http1_work_put(w);
}

void rung_http1_slices_init(struct http1_work *w)
{
    w->head = (struct http1_slice){.work = w, .piece = HTTP1_NO_PIECE};
    w->head.buf.release = send_released;
    w->slices = NULL;
    for (unsigned i = 0; i < HTTP1_SLICES; i++) {
        w->slice[i] = (struct http1_slice){.work = w, .piece = HTTP1_NO_PIECE};
        w->slice[i].buf.release = send_released;
        w->slice[i].buf.next = w->slices;
        w->slices = &w->slice[i].buf;
    }
}

void rung_http1_source_add(struct http1_work *w, struct rung_buf *buf)
{
    struct rung_buf **end = &w->source;
    while (*end != NULL)
        end = &(*end)->next;
    *end = buf;
}

static uint8_t send_piece_of(const struct http1_work *w, const struct rung_buf *buf)
{
    for (uint8_t i = 0; i < HTTP1_NO_PIECE; i++) {
        if (buf == &w->piece[i].get.value)
            return i;
    }
    return HTTP1_NO_PIECE;
}

/* A short body that is all there goes with the head. */
static void send_join(struct http1_work *w)
{
    bool more = w->kv.kv != NULL && w->kv.left > 0;
    if (w->ready != &w->head.buf || w->ready_last != w->ready || w->big != NULL || more)
        return;
    size_t len = 0;
    for (struct rung_buf *from = w->source; from != NULL; from = from->next)
        len += from->len;
    if (len > HTTP1_JOINED)
        return;
    for (struct rung_buf *from = w->source, *next; from != NULL; from = next) {
        next = from->next; /* whoever gets it back may use it */
        memcpy(w->out + w->head.buf.len, from->data, from->len);
        w->head.buf.len += from->len;
        from->data += from->len;
        from->len = 0;
        uint8_t piece = send_piece_of(w, from);
        if (piece != HTTP1_NO_PIECE)
            rung_http1_piece_done(&w->piece[piece]);
    }
    w->source = NULL;
}

/* Cuts the source into slices for as long as there are any. */
static void send_slice(struct http1_work *w)
{
    while (w->source != NULL) {
        struct rung_buf *from = w->source;
        if (from->len == 0) {
            w->source = from->next;
            continue;
        }
        if (w->slices == NULL)
            return;
        struct http1_slice *slice = rung_container_of(w->slices, struct http1_slice, buf);
        w->slices = slice->buf.next;
        slice->buf.data = from->data;
        slice->buf.len = from->len < HTTP1_SLICE ? from->len : HTTP1_SLICE;
        slice->buf.next = NULL;
        slice->piece = send_piece_of(w, from);
        if (slice->piece != HTTP1_NO_PIECE)
            w->piece[slice->piece].out++;
        from->data += slice->buf.len;
        from->len -= slice->buf.len;
        if (w->ready == NULL)
            w->ready = &slice->buf;
        else
            w->ready_last->next = &slice->buf;
        w->ready_last = &slice->buf;
    }
}

/* Hands TCP what is ready. How many it took, or < 0: the connection is dead. */
static int send_ready(struct http1_conn *c, struct http1_work *w)
{
    struct rung_buf *batch[HTTP1_SLICES + 1];
    unsigned n = 0;
    for (struct rung_buf *buf = w->ready; buf != NULL; buf = buf->next)
        batch[n++] = buf;
    w->refs += n; /* before: some may come back at once */
    int k = rung_tcp_send(c->tcp, batch, n);
    unsigned taken = k > 0 ? (unsigned)k : 0;
    w->refs -= n - taken; /* the connection's own is left */
    w->ready = taken < n ? batch[taken] : NULL;
    c->tx_waits = k >= 0 && taken < n;
    return k;
}

/* The response stands still until TCP has room or a slice comes back, or else the time is up. */
static bool send_stall(struct http1_conn *c, bool moved)
{
    if (c->wait.kind != HTTP1_WAIT_SEND || moved)
        rung_http1_wait(c, HTTP1_WAIT_SEND);
    return false;
}

bool rung_http1_flush(struct http1_conn *c)
{
    struct http1_work *w = c->work;
    bool moved = false;
    send_join(w);
    for (;;) {
        send_slice(w);
        if (w->kv.kv != NULL)
            rung_http1_fetch(w);
        if (w->ready == NULL)
            break;
        if (c->tx_waits)
            return send_stall(c, moved);
        int k = send_ready(c, w);
        if (k < 0) {
            rung_http1_let_go(c, false);
            return true;
        }
        moved = moved || k > 0;
    }
    if (w->source != NULL)
        return send_stall(c, moved);
    if (w->kv.kv != NULL && (w->piece[0].asked || w->piece[1].asked)) {
        rung_http1_wait(c, HTTP1_WAIT_NONE); /* it is the store we wait for */
        return false;
    }
    if (w->kv.kv != NULL && w->kv.left > 0)
        return send_stall(c, moved); /* until a piece comes back */
    rung_http1_request_over(c);
    return true;
}
