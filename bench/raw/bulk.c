/* SPDX-License-Identifier: ISC */
/* bench/raw/bulk.c - bulk transfer with libuv on kernel TCP: the client of the benchmark for every
 * server, and the server that kernel TCP is measured with.
 *   bench-bulk serve ADDRESS PORT                     sends on PORT, takes on PORT + 1
 *   bench-bulk receive|send ADDRESS PORT CONNECTIONS MS
 * The client lets the connections come up to speed, prints "begin", goes on for MS milliseconds,
 * and prints {"bytes": N, "seconds": S} of these. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BULK_PIECE (256u * 1024u)
#define BULK_AWAY 2u      /* pieces of a connection that wait for the kernel: one is never enough */
#define BULK_WARM_MS 300u /* slow start and the growth of the kernel's buffers */

static struct {
    char out[BULK_PIECE];
    char in[BULK_PIECE]; /* one is enough: every read is dropped before the next */
    uint64_t bytes;
    uint64_t ms;
    uint64_t begun_ns, begun_bytes;
    bool client;
} bulk;

struct bulk_flow {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t writes[BULK_AWAY];
    bool sends;
};

static void flow_freed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The client must not go on with fewer connections than it was told. */
static void flow_fail(struct bulk_flow *flow, const char *what, int error)
{
    if (bulk.client) {
        fprintf(stderr, "bench-bulk: %s: %s\n", what, uv_strerror(error));
        exit(1);
    }
    if (!uv_is_closing((uv_handle_t *)&flow->tcp))
        uv_close((uv_handle_t *)&flow->tcp, flow_freed);
}

static void flow_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)handle;
    (void)hint;
    *buf = uv_buf_init(bulk.in, sizeof(bulk.in));
}

static void flow_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct bulk_flow *flow = stream->data;
    (void)buf;
    if (n < 0)
        flow_fail(flow, "receiving", (int)n);
    else if (!flow->sends)
        bulk.bytes += (uint64_t)n;
}

static void flow_write(struct bulk_flow *flow, uv_write_t *write);

static void flow_written(uv_write_t *write, int status)
{
    struct bulk_flow *flow = write->data;
    if (status < 0) {
        flow_fail(flow, "sending", status);
        return;
    }
    bulk.bytes += BULK_PIECE;
    flow_write(flow, write);
}

static void flow_write(struct bulk_flow *flow, uv_write_t *write)
{
    uv_buf_t buf = uv_buf_init(bulk.out, BULK_PIECE);
    write->data = flow;
    int error = uv_write(write, (uv_stream_t *)&flow->tcp, &buf, 1, flow_written);
    if (error < 0)
        flow_fail(flow, "sending", error);
}

/* Senders read as well, to see the end of the other side. */
static void flow_start(struct bulk_flow *flow)
{
    int error = uv_read_start((uv_stream_t *)&flow->tcp, flow_alloc, flow_read);
    if (error < 0) {
        flow_fail(flow, "receiving", error);
        return;
    }
    for (unsigned i = 0; flow->sends && i < BULK_AWAY; i++)
        flow_write(flow, &flow->writes[i]);
}

static struct bulk_flow *flow_new(uv_loop_t *loop, bool sends)
{
    struct bulk_flow *flow = calloc(1, sizeof(*flow));
    if (!flow) {
        fputs("bench-bulk: no memory\n", stderr);
        exit(1);
    }
    (void)uv_tcp_init(loop, &flow->tcp);
    flow->tcp.data = flow;
    flow->sends = sends;
    return flow;
}

static void serve_accept(uv_stream_t *server, int status)
{
    if (status < 0)
        return;
    struct bulk_flow *flow = flow_new(server->loop, server->data != NULL);
    int error = uv_accept(server, (uv_stream_t *)&flow->tcp);
    if (error < 0)
        flow_fail(flow, "accepting", error);
    else
        flow_start(flow);
}

static int serve(uv_loop_t *loop, const char *host, int port)
{
    static uv_tcp_t servers[2];
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address;
        (void)uv_tcp_init(loop, &servers[i]);
        servers[i].data = i == 0 ? &servers[i] : NULL; /* whether it sends */
        int error = uv_ip4_addr(host, port + i, &address);
        if (!error)
            error = uv_tcp_bind(&servers[i], (struct sockaddr *)&address, 0);
        if (!error)
            error = uv_listen((uv_stream_t *)&servers[i], 1024, serve_accept);
        if (error) {
            fprintf(stderr, "bench-bulk: %s:%d: %s\n", host, port + i, uv_strerror(error));
            return 1;
        }
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}

static void client_tick(uv_timer_t *timer)
{
    uint64_t now = uv_hrtime();
    if (bulk.begun_ns == 0) {
        bulk.begun_ns = now;
        bulk.begun_bytes = bulk.bytes;
        puts("begin");
        fflush(stdout);
        (void)uv_timer_start(timer, client_tick, bulk.ms, 0);
        return;
    }
    unsigned long long bytes = bulk.bytes - bulk.begun_bytes;
    printf("{\"bytes\": %llu, \"seconds\": %.6f}\n", bytes, (double)(now - bulk.begun_ns) / 1e9);
    fflush(stdout);
    uv_stop(timer->loop);
}

static void client_connected(uv_connect_t *connect, int status)
{
    struct bulk_flow *flow = connect->data;
    if (status < 0)
        flow_fail(flow, "connecting", status);
    else
        flow_start(flow);
}

static int client(uv_loop_t *loop, bool sends, char **words)
{
    static uv_timer_t timer;
    struct sockaddr_in address;
    int error = uv_ip4_addr(words[0], (int)strtol(words[1], NULL, 10), &address);
    unsigned long count = strtoul(words[2], NULL, 10);
    bulk.client = true;
    bulk.ms = strtoull(words[3], NULL, 10);
    for (unsigned long i = 0; i < count && !error; i++) {
        struct bulk_flow *flow = flow_new(loop, sends);
        flow->connect.data = flow;
        error = uv_tcp_connect(&flow->connect, &flow->tcp, (struct sockaddr *)&address,
                               client_connected);
    }
    if (error) {
        fprintf(stderr, "bench-bulk: %s:%s: %s\n", words[0], words[1], uv_strerror(error));
        return 1;
    }
    (void)uv_timer_init(loop, &timer);
    (void)uv_timer_start(&timer, client_tick, BULK_WARM_MS, 0);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    signal(SIGPIPE, SIG_IGN); /* a peer that has gone is told by uv_write() */
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return serve(loop, argv[2], (int)strtol(argv[3], NULL, 10));
    if (argc == 6 && (strcmp(argv[1], "send") == 0 || strcmp(argv[1], "receive") == 0))
        return client(loop, strcmp(argv[1], "send") == 0, argv + 2);
    fputs("usage: bench-bulk serve ADDRESS PORT\n"
          "       bench-bulk receive|send ADDRESS PORT CONNECTIONS MS\n", stderr);
    return 64;
}
