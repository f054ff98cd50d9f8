/* SPDX-License-Identifier: ISC */
/* test/support/fuzz_client.c - see fuzz_client.h. */
#include "fuzz_client.h"

#include <string.h>

#include "rung/clock.h"

enum { FUZZ_TURNS = 1000000 };

void fuzz_client_open(struct fuzz_client *c, uint8_t cut)
{
    c->p = rung_virtual_new(cut);
    FUZZ_CHECK(c->p != NULL);
    tcp_loop_open(&c->tcp, c->p, cut);
    c->tcp.segment = cut % 8;
    c->tcp.eager = (cut & 8) != 0;
}

void fuzz_client_run(struct fuzz_client *c)
{
    unsigned turns = 0;
    do {
        while (rung_virtual_turn(c->p))
            FUZZ_CHECK(++turns < FUZZ_TURNS);
    } while (c->quiet != NULL && c->quiet(c));
}

static void fuzz_read(struct fuzz_client *c)
{
    struct rung_buf *lent[4];
    int k;
    while (c->conn != NULL && !c->deaf && (k = rung_tcp_recv(c->conn, lent, 4)) > 0) {
        for (int i = 0; i < k; i++) {
            for (size_t j = 0; j < lent[i]->len && c->start_len < sizeof c->start; j++)
                c->start[c->start_len++] = lent[i]->data[j];
            rung_buf_release(lent[i]);
        }
    }
}

static void fuzz_ready(struct rung_tcp_conn *conn, unsigned events)
{
    if ((events & RUNG_TCP_RX) != 0)
        fuzz_read(conn->arg);
}

static void fuzz_connected(struct rung_op *op, int result)
{
    struct fuzz_client *c = rung_container_of(op, struct fuzz_client, connect.op);
    FUZZ_CHECK(result == RUNG_OK);
    c->conn = c->connect.conn;
    c->conn->ready = fuzz_ready;
    c->conn->arg = c;
    fuzz_read(c);
}

void fuzz_client_connect(struct fuzz_client *c, uint16_t port)
{
    c->connect.op.done = fuzz_connected;
    c->connect.peer = rung_addr_any(RUNG_AF_IPV4, port);
    rung_tcp_connect(&c->tcp.tcp, &c->connect);
    fuzz_client_run(c);
}

static void fuzz_sent(struct rung_buf *buf)
{
    free(buf);
}

static void fuzz_send(struct fuzz_client *c, const uint8_t *at, size_t len)
{
    struct rung_buf *buf = malloc(sizeof *buf + len);
    FUZZ_CHECK(buf != NULL);
    memcpy(buf + 1, at, len);
    *buf = (struct rung_buf){
        .data = (const uint8_t *)(buf + 1), .len = len, .release = fuzz_sent};
    if (rung_tcp_send(c->conn, &buf, 1) != 1)
        free(buf);
}

void fuzz_client_say(struct fuzz_client *c, const uint8_t *bytes, size_t len, bool halves)
{
    size_t half = halves ? len / 2 : len;
    if (half > 0)
        fuzz_send(c, bytes, half);
    fuzz_client_run(c);
    if (half < len)
        fuzz_send(c, bytes + half, len - half);
    fuzz_client_run(c);
}

void fuzz_client_go(struct fuzz_client *c)
{
    rung_tcp_abort(c->conn);
    c->conn = NULL;
    rung_virtual_advance_ns(c->p, 60 * RUNG_NS_PER_S);
}

void fuzz_client_close(struct fuzz_client *c)
{
    FUZZ_CHECK(tcp_loop_idle(&c->tcp) && rung_virtual_idle(c->p));
    FUZZ_CHECK(rung_virtual_heap_blocks(c->p) == 0);
    rung_virtual_free(c->p);
}
