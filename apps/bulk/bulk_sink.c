/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk_sink.c - takes all that a peer sends, and drops it. */
#include "bulk.h"

#define SINK_BATCH 32u

static void sink_end(struct bulk_conn *conn, void (*let_go)(struct rung_tcp_conn *))
{
    struct rung_tcp_conn *tcp = bulk_conn_leave(conn);
    conn->well = let_go == rung_tcp_close;
    bulk_conn_free(conn, "sent");
    let_go(tcp);
}

static void sink_abort(struct bulk_conn *conn)
{
    sink_end(conn, rung_tcp_abort);
}

/* A peer may send faster than this reads: then it would go on for ever. */
static void sink_take(struct bulk_conn *conn)
{
    struct rung_buf *got[SINK_BATCH];
    for (unsigned turn = 0; turn < BULK_TURNS; turn++) {
        int k = rung_tcp_recv(conn->tcp, got, SINK_BATCH);
        if (k == 0)
            return;
        if (k < 0) {
            sink_end(conn, k == RUNG_E_EOF ? rung_tcp_close : rung_tcp_abort);
            return;
        }
        for (int i = 0; i < k; i++) {
            conn->bytes += got[i]->len;
            rung_buf_release(got[i]);
        }
    }
    rung_loop_defer(conn->p, &conn->more);
}

static void sink_more(struct rung_task *task)
{
    sink_take(rung_container_of(task, struct bulk_conn, more));
}

/* A dead connection answers with its error once what came before it is read. */
static void sink_ready(struct rung_tcp_conn *tcp, unsigned events)
{
    if ((events & (RUNG_TCP_RX | RUNG_TCP_DOWN)) != 0)
        sink_take(tcp->arg);
}

static void sink_begin(struct bulk_conn *conn)
{
    conn->more.fn = sink_more;
    conn->tcp->ready = sink_ready;
}

const struct bulk_kind bulk_sink = {
    .name = "taking", .size = sizeof(struct bulk_conn), .begin = sink_begin, .abort = sink_abort,
};
