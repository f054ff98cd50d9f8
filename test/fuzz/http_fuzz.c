/* SPDX-License-Identifier: ISC */
/* test/fuzz/http_fuzz.c - fuzzes what a client of http1 can do: the input is the client's bytes.
 * The first byte chooses how the stream is cut, the second how the app answers; the rest is sent
 * over tcp_loop on the virtual platform. Every run ends with a close, and nothing may be left: no
 * memory, no lent buffer, no connection. What comes back must be responses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rung/clock.h"
#include "virtual/virtual.h"

#include "http1.h"
#include "kv_fake.h"
#include "tcp_loop.h"

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
    struct rung_http1 http1;
    struct rung_http_server server;
    struct kv_fake kv;
    struct rung_tcp_connect connect;
    struct rung_tcp_conn *conn;
    struct rung_http_request *held;
    uint8_t how;
    uint8_t start[9]; /* the first bytes that came back */
    size_t back;
    bool closed;
};

static const char fuzz_value[] = "a value of some length, for ranges of it";

static void fuzz_respond(struct rung_http_request *request)
{
    struct rung_http_response r = {.status = 200, .type = "text/plain", .headers = "X-A: b\r\n"};
    if (rung_http_header(request, "x-a") != NULL)
        r.status = 404;
    rung_http_respond(request, &r);
}

static void fuzz_request(struct rung_http_server *server, struct rung_http_request *request)
{
    struct fuzz *f = server->arg;
    FUZZ_CHECK(request->path[0] == '/' && strlen(request->path) == request->path_len);
    FUZZ_CHECK(strstr(request->path, "//") == NULL && strstr(request->path, "/../") == NULL);
    FUZZ_CHECK(strstr(request->path, "/./") == NULL);
    FUZZ_CHECK(request->query == NULL || strlen(request->query) == request->query_len);
    FUZZ_CHECK(request->body_len <= 2048);
    for (size_t i = 0; i < request->body_len; i++)
        f->how = (uint8_t)(f->how + (request->body[i] & 0)); /* all of it can be read */
    if ((f->how & 1) != 0)
        rung_http_respond_kv(request, &f->kv.kv);
    else if ((f->how & 2) != 0)
        f->held = request; /* answered later */
    else
        fuzz_respond(request);
}

static void fuzz_read(struct fuzz *f)
{
    struct rung_buf *lent[4];
    int k;
    while (f->conn != NULL && (k = rung_tcp_recv(f->conn, lent, 4)) > 0) {
        for (int i = 0; i < k; i++) {
            for (size_t j = 0; j < lent[i]->len && f->back < sizeof f->start; j++)
                f->start[f->back++] = lent[i]->data[j];
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

static void fuzz_closed(struct rung_op *op, int result)
{
    (void)result;
    op->cancel = NULL;
}

static void fuzz_run(struct fuzz *f)
{
    unsigned turns = 0;
    while (rung_virtual_turn(f->p))
        FUZZ_CHECK(++turns < 1000000);
    while (f->held != NULL) {
        struct rung_http_request *request = f->held;
        f->held = NULL;
        fuzz_respond(request);
        while (rung_virtual_turn(f->p))
            FUZZ_CHECK(++turns < 1000000);
    }
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

static void fuzz_open(struct fuzz *f, uint8_t cut, uint8_t how)
{
    static const struct rung_http1_keys keys = {
        .slot = "http", .max_header = 1024, .max_body = 2048, .max_connections = 4,
        .idle_timeout = RUNG_NS_PER_S, .header_timeout = RUNG_NS_PER_S,
        .body_timeout = RUNG_NS_PER_S, .send_timeout = RUNG_NS_PER_S,
        .access_log = RUNG_LOG_DEBUG,
    };
    struct rung_http1_needs needs = {.tcp = &f->tcp.tcp};
    f->p = rung_virtual_new(cut);
    FUZZ_CHECK(f->p != NULL);
    tcp_loop_open(&f->tcp, f->p, cut);
    f->tcp.segment = cut % 8;
    f->tcp.eager = (cut & 8) != 0;
    f->how = how;
    kv_fake_open(&f->kv, f->p);
    f->kv.value[0] = (struct kv_fake_value){
        .key = "a", .bytes = fuzz_value, .len = sizeof fuzz_value - 1, .gzip = "gzip",
        .gzip_len = 4, .version = "v"};
    f->kv.value[1] = (struct kv_fake_value){
        .key = "index.html", .bytes = fuzz_value, .len = sizeof fuzz_value - 1};
    FUZZ_CHECK(rung_http1_open(&f->http1, f->p, &keys, &needs) == RUNG_OK);
    f->server = (struct rung_http_server){
        .local = rung_addr_any(RUNG_AF_NONE, 80), .on_request = fuzz_request, .arg = f};
    FUZZ_CHECK(rung_http_listen(&f->http1.http, &f->server) == RUNG_OK);
    f->connect.op.done = fuzz_connected;
    f->connect.peer = rung_addr_any(RUNG_AF_IPV4, 80);
    rung_tcp_connect(&f->tcp.tcp, &f->connect);
    fuzz_run(f);
}

static void fuzz_close(struct fuzz *f)
{
    struct rung_op op = {.done = fuzz_closed};
    rung_tcp_shutdown(f->conn);
    fuzz_run(f);
    if ((f->how & 4) != 0) { /* else close() finds it as it is */
        rung_virtual_advance_ns(f->p, 5 * RUNG_NS_PER_S);
        fuzz_run(f);
    }
    rung_http_close(&f->http1.http, &op);
    f->held = NULL;
    while (rung_virtual_turn(f->p))
        ;
    rung_tcp_abort(f->conn);
    f->conn = NULL;
    rung_virtual_advance_ns(f->p, 60 * RUNG_NS_PER_S);
    FUZZ_CHECK(f->kv.lent == 0 && tcp_loop_idle(&f->tcp) && rung_virtual_idle(f->p));
    FUZZ_CHECK(rung_virtual_heap_blocks(f->p) == 0);
    FUZZ_CHECK(memcmp(f->start, "HTTP/1.1 ", f->back) == 0);
    rung_virtual_free(f->p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    if (size < 3 || size > 16384)
        return 0;
    fuzz_open(&f, data[0], data[1]);
    data += 2;
    size -= 2;
    size_t half = (f.how & 8) != 0 ? size / 2 : size; /* in two parts, or all at once */
    if (half > 0)
        fuzz_send(&f, data, half);
    fuzz_run(&f);
    if (half < size)
        fuzz_send(&f, data + half, size - half);
    fuzz_run(&f);
    fuzz_close(&f);
    return 0;
}
