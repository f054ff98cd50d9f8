/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk_source.c - sends the stream, from the one buffer that all connections share. A few
 * pieces of it are with TCP at any time; one that comes home is sent again. */
#include "rung/heap.h"

#include "bulk.h"

#define SOURCE_PIECES 4u
#define SOURCE_BATCH 16u

struct source_piece {
    struct rung_buf buf;
    struct bulk_source *source;
    size_t len;
};

struct bulk_source {
    struct bulk_conn conn;
    struct bulk_stream *stream;
    uint64_t left;         /* bytes not yet taken by TCP */
    struct rung_buf *home; /* pieces that are not with TCP */
    unsigned away;         /* the others, and one while TCP is told to let go */
    bool full;             /* TX follows */
    bool busy;             /* inside send(): it goes on by itself */
    bool dead;             /* what comes home now does not count */
    struct source_piece pieces[SOURCE_PIECES];
};

/* The source is gone when TCP has nothing of it any more. */
static void source_landed(struct bulk_source *s)
{
    if (--s->away > 0 || s->conn.tcp != NULL)
        return;
    bulk_stream_drop(s->conn.p, s->stream);
    bulk_conn_free(&s->conn, "handed to TCP");
}

static void source_end(struct bulk_source *s, void (*let_go)(struct rung_tcp_conn *))
{
    s->away++;
    s->conn.well = let_go == rung_tcp_close;
    let_go(bulk_conn_leave(&s->conn));
    source_landed(s);
}

static void source_abort(struct bulk_conn *conn)
{
    struct bulk_source *s = rung_container_of(conn, struct bulk_source, conn);
    s->dead = true;
    source_end(s, rung_tcp_abort);
}

static void source_release(struct rung_buf *buf)
{
    struct source_piece *piece = rung_container_of(buf, struct source_piece, buf);
    struct bulk_source *s = piece->source;
    buf->next = s->home;
    s->home = buf;
    if (!s->dead)
        s->conn.bytes += piece->len;
    if (s->conn.tcp != NULL && !s->full && !s->busy)
        rung_loop_defer(s->conn.p, &s->conn.more);
    source_landed(s);
}

/* Fills b with what may be sent now; returns how many. */
static unsigned source_offer(struct bulk_source *s, struct rung_buf *b[SOURCE_PIECES])
{
    unsigned n = 0;
    while (s->home != NULL && s->left > 0) {
        struct source_piece *piece = rung_container_of(s->home, struct source_piece, buf);
        s->home = piece->buf.next;
        piece->len = s->left < s->stream->len ? (size_t)s->left : s->stream->len;
        piece->buf.data = s->stream->bytes;
        piece->buf.len = piece->len;
        if (s->stream->total != UINT64_MAX)
            s->left -= piece->len;
        s->away++;
        b[n++] = &piece->buf;
    }
    return n;
}

/* What send() did not take is at home again. */
static void source_back(struct bulk_source *s, struct rung_buf *buf)
{
    if (s->stream->total != UINT64_MAX)
        s->left += buf->len;
    buf->next = s->home;
    s->home = buf;
    s->away--;
}

/* What the peer says is dropped. That it will say no more does not end the stream. */
static int source_listen(struct rung_tcp_conn *tcp)
{
    struct rung_buf *got[SOURCE_BATCH];
    int k;
    while ((k = rung_tcp_recv(tcp, got, SOURCE_BATCH)) > 0) {
        for (int i = 0; i < k; i++)
            rung_buf_release(got[i]);
    }
    return k == RUNG_E_EOF ? 0 : k;
}

/* Nothing is left, and FIN follows. TCP is let go of when it has given all back, for until then it
 * tells of a reset. That may be before the peer has it all: how long TCP keeps a buffer is its
 * business. */
static void source_last(struct bulk_source *s)
{
    if (source_listen(s->conn.tcp) < 0)
        source_abort(&s->conn);
    else if (s->away > 0)
        (void)rung_tcp_shutdown(s->conn.tcp); /* a dead one has DOWN follow */
    else
        source_end(s, rung_tcp_close);
}

/* Sends until there is no room, or all is away. A peer may take faster than this sends: then it
 * would go on for ever. */
static void source_send(struct bulk_source *s)
{
    struct rung_buf *b[SOURCE_PIECES];
    for (unsigned turn = 0; turn < BULK_TURNS; turn++) {
        unsigned n = source_offer(s, b);
        if (n == 0)
            break;
        s->busy = true;
        int k = rung_tcp_send(s->conn.tcp, b, n);
        s->busy = false;
        s->full = k < (int)n;
        while (n > 0 && (int)n > k)
            source_back(s, b[--n]);
        if (k < 0) {
            source_abort(&s->conn);
            return;
        }
        if (s->full)
            return;
    }
    if (s->left == 0)
        source_last(s);
    else if (s->home != NULL)
        rung_loop_defer(s->conn.p, &s->conn.more);
}

static void source_more(struct rung_task *task)
{
    struct bulk_conn *conn = rung_container_of(task, struct bulk_conn, more);
    source_send(rung_container_of(conn, struct bulk_source, conn));
}

static void source_ready(struct rung_tcp_conn *tcp, unsigned events)
{
    struct bulk_source *s = rung_container_of((struct bulk_conn *)tcp->arg, struct bulk_source,
                                              conn);
    if ((events & RUNG_TCP_DOWN) != 0
        || ((events & RUNG_TCP_RX) != 0 && source_listen(tcp) < 0))
        source_abort(&s->conn);
    else if ((events & RUNG_TCP_TX) != 0)
        source_send(s);
}

static void source_begin(struct bulk_conn *conn)
{
    struct bulk_source *s = rung_container_of(conn, struct bulk_source, conn);
    s->stream = conn->port->stream;
    s->stream->users++;
    s->left = s->stream->total;
    for (unsigned i = 0; i < SOURCE_PIECES; i++) {
        s->pieces[i].source = s;
        s->pieces[i].buf.release = source_release;
        s->pieces[i].buf.next = s->home;
        s->home = &s->pieces[i].buf;
    }
    conn->more.fn = source_more;
    conn->tcp->ready = source_ready;
    rung_loop_defer(conn->p, &conn->more);
}

const struct bulk_kind bulk_source = {
    .name = "sending", .size = sizeof(struct bulk_source), .begin = source_begin,
    .abort = source_abort,
};
