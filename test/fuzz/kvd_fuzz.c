/* SPDX-License-Identifier: ISC */
/* test/fuzz/kvd_fuzz.c - fuzzes what a client of kvd can do: the input is the client's bytes. The
 * first byte chooses how the stream is cut, the second what the client does besides; the rest is
 * sent over tcp_loop to kvd on a store in memory. Every run ends with a stop, and nothing may be
 * left: no memory, no lent buffer, no connection. What comes back must be replies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_memory.h"
#include "kvd.h"
#include "rung/clock.h"
#include "tcp_loop.h"
#include "virtual/virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort(); \
        } \
    } while (0)

struct fuzz {
    struct rung_platform *p;
    struct tcp_loop tcp;
    struct rung_kv_memory store;
    struct kvd *kvd;
    struct rung_tcp_connect connect;
    struct rung_tcp_conn *conn;
    uint8_t how;
    uint8_t first; /* byte that came back; 0: none */
    bool ended;
};

static void fuzz_read(struct fuzz *f)
{
    struct rung_buf *lent[4];
    int k;
    while (f->conn != NULL && (f->how & 1) == 0 && (k = rung_tcp_recv(f->conn, lent, 4)) > 0) {
        for (int i = 0; i < k; i++) {
            if (f->first == 0)
                f->first = lent[i]->data[0];
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
    struct fuzz *f = rung_container_of(op, struct fuzz, connect.op);
    FUZZ_CHECK(result == RUNG_OK);
    f->conn = f->connect.conn;
    f->conn->ready = fuzz_ready;
    f->conn->arg = f;
    fuzz_read(f);
}

static void fuzz_run(struct fuzz *f)
{
    unsigned turns = 0;
    while (rung_virtual_turn(f->p))
        FUZZ_CHECK(++turns < 1000000);
}

static void fuzz_sent(struct rung_buf *buf)
{
    free(buf);
}

static void fuzz_send(struct fuzz *f, const uint8_t *at, size_t len)
{
    struct rung_buf *buf = malloc(sizeof *buf + len);
    FUZZ_CHECK(buf != NULL);
    memcpy(buf + 1, at, len);
    *buf = (struct rung_buf){
        .data = (const uint8_t *)(buf + 1), .len = len, .release = fuzz_sent};
    if (rung_tcp_send(f->conn, &buf, 1) != 1)
        free(buf);
}

static void fuzz_open(struct fuzz *f, uint8_t cut)
{
    static const struct rung_kv_memory_keys keys = {.slot = "store", .max_bytes = 4096};
    static const struct rung_kv_memory_needs needs;
    struct kvd_config config = {
        .local = rung_addr_any(RUNG_AF_NONE, 6379), .max_connections = 2, .max_pipeline = 8,
        .max_value = 256, .max_query = 1024, .memory = 65536,
        .idle_timeout_ns = 5 * RUNG_NS_PER_S, .stall_timeout_ns = 5 * RUNG_NS_PER_S, .sweep = 100,
    };
    f->p = rung_virtual_new(cut);
    FUZZ_CHECK(f->p != NULL);
    tcp_loop_open(&f->tcp, f->p, cut);
    f->tcp.segment = cut % 8;
    f->tcp.eager = (cut & 8) != 0;
    FUZZ_CHECK(rung_kv_memory_open(&f->store, f->p, &keys, &needs) == RUNG_OK);
    FUZZ_CHECK(kvd_start(&f->kvd, f->p, &f->tcp.tcp, &f->store.kv, &config) == RUNG_OK);
    f->connect.op.done = fuzz_connected;
    f->connect.peer = rung_addr_any(RUNG_AF_IPV4, 6379);
    rung_tcp_connect(&f->tcp.tcp, &f->connect);
    fuzz_run(f);
}

struct fuzz_end {
    struct rung_op op;
    bool done;
};

static void fuzz_ended(struct rung_op *op, int result)
{
    FUZZ_CHECK(result == RUNG_OK);
    rung_container_of(op, struct fuzz_end, op)->done = true;
}

static void fuzz_close(struct fuzz *f)
{
    struct fuzz_end stop = {.op = {.done = fuzz_ended}}, close = stop;
    if ((f->how & 4) != 0) { /* else stop finds it as it is */
        rung_tcp_shutdown(f->conn);
        rung_virtual_advance_ns(f->p, 8 * RUNG_NS_PER_S);
    }
    kvd_stop(f->kvd, &stop.op);
    fuzz_run(f);
    rung_tcp_abort(f->conn);
    f->conn = NULL;
    rung_virtual_advance_ns(f->p, 60 * RUNG_NS_PER_S);
    FUZZ_CHECK(stop.done);
    rung_kv_close(&f->store.kv, &close.op);
    fuzz_run(f);
    FUZZ_CHECK(close.done && tcp_loop_idle(&f->tcp) && rung_virtual_idle(f->p));
    FUZZ_CHECK(rung_virtual_heap_blocks(f->p) == 0);
    FUZZ_CHECK(f->first == 0 || strchr("+-:$*%_", f->first) != NULL);
    rung_virtual_free(f->p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    if (size < 3 || size > 16384)
        return 0;
    fuzz_open(&f, data[0]);
    f.how = data[1];
    data += 2;
    size -= 2;
    if ((f.how & 16) != 0)
        rung_virtual_heap_fail_after(f.p, 1 + (f.how >> 5) + data[0] % 32);
    size_t half = (f.how & 8) != 0 ? size / 2 : size; /* in two parts, or all at once */
    if (half > 0)
        fuzz_send(&f, data, half);
    fuzz_run(&f);
    if (half < size)
        fuzz_send(&f, data + half, size - half);
    fuzz_run(&f);
    if ((f.how & 2) != 0)
        rung_virtual_advance_ns(f.p, 2 * RUNG_NS_PER_S); /* something expires */
    rung_virtual_heap_fail_after(f.p, 0);
    fuzz_close(&f);
    return 0;
}
