/* SPDX-License-Identifier: ISC */
/* bench/raw/raw.c - the least that libuv can do for a web client: the floor for the benchmark.
 * It looks for the empty line that ends a request and answers each with the same bytes. It reads no
 * method, path or header, has no time-outs, no limits, no log, and pipelining only as far as whole
 * requests go. Usage: bench-raw PORT BODY_BYTES [ADDRESS] */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct {
    char *bytes;
    size_t len;
    char read_buf[65536]; /* one is enough: every read is used up before the next */
} raw;

struct raw_conn {
    uv_tcp_t tcp;
    uv_write_t write; /* one at a time; reading stops while it is on its way */
    unsigned matched; /* bytes of CR LF CR LF seen so far */
    unsigned owed;    /* answers not yet begun */
};

static void raw_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void raw_close(struct raw_conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp))
        uv_close((uv_handle_t *)&conn->tcp, raw_closed);
}

static void raw_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void raw_answer(struct raw_conn *conn);

static void raw_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)handle;
    (void)hint;
    *buf = uv_buf_init(raw.read_buf, sizeof(raw.read_buf));
}

static void raw_written(uv_write_t *write, int status)
{
    struct raw_conn *conn = write->data;
    if (status < 0) {
        raw_close(conn);
        return;
    }
    raw_answer(conn);
    if (conn->owed == 0 && !uv_is_closing((uv_handle_t *)&conn->tcp))
        (void)uv_read_start((uv_stream_t *)&conn->tcp, raw_alloc, raw_read);
}

/* uv_try_write() is the cheapest way when the socket has room; uv_write() does the rest. */
static void raw_answer(struct raw_conn *conn)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    while (conn->owed > 0) {
        conn->owed--;
        uv_buf_t buf = uv_buf_init(raw.bytes, (unsigned)raw.len);
        int n = uv_try_write(stream, &buf, 1);
        if (n < 0 && n != UV_EAGAIN) {
            raw_close(conn);
            return;
        }
        size_t done = n > 0 ? (size_t)n : 0;
        if (done < raw.len) {
            buf = uv_buf_init(raw.bytes + done, (unsigned)(raw.len - done));
            (void)uv_read_stop(stream);
            conn->write.data = conn;
            if (uv_write(&conn->write, stream, &buf, 1, raw_written) < 0)
                raw_close(conn);
            return;
        }
    }
}

static void raw_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    static const char end[] = "\r\n\r\n";
    struct raw_conn *conn = stream->data;
    if (n < 0) {
        raw_close(conn);
        return;
    }
    for (ssize_t k = 0; k < n; k++) {
        if (buf->base[k] != end[conn->matched])
            conn->matched = buf->base[k] == '\r';
        else if (++conn->matched == 4) {
            conn->matched = 0;
            conn->owed++;
        }
    }
    raw_answer(conn);
}

static void raw_accept(uv_stream_t *server, int status)
{
    struct raw_conn *conn = calloc(1, sizeof(*conn));
    if (status < 0 || !conn) {
        free(conn);
        return;
    }
    (void)uv_tcp_init(server->loop, &conn->tcp);
    conn->tcp.data = conn;
    if (uv_accept(server, (uv_stream_t *)&conn->tcp) < 0
        || uv_read_start((uv_stream_t *)&conn->tcp, raw_alloc, raw_read) < 0) {
        raw_close(conn);
        return;
    }
    (void)uv_tcp_nodelay(&conn->tcp, 1);
}

static bool raw_make(size_t body)
{
    size_t max = body + 256;
    raw.bytes = malloc(max);
    if (!raw.bytes)
        return false;
    int head = snprintf(raw.bytes, max,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                        "Content-Length: %zu\r\n\r\n", body);
    memset(raw.bytes + head, 'x', body);
    raw.len = (size_t)head + body;
    return true;
}

int main(int argc, char **argv)
{
    static uv_tcp_t server;
    struct sockaddr_in address;
    if (argc < 3 || argc > 4 || !raw_make(strtoul(argv[2], NULL, 10))) {
        fputs("usage: bench-raw PORT BODY_BYTES [ADDRESS]\n", stderr);
        return 64;
    }
    uv_loop_t *loop = uv_default_loop();
    signal(SIGPIPE, SIG_IGN); /* a client that has gone is told by uv_write() */
    (void)uv_tcp_init(loop, &server);
    int error = uv_ip4_addr(argc == 4 ? argv[3] : "127.0.0.1", (int)strtol(argv[1], NULL, 10),
                            &address);
    if (!error)
        error = uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
    if (!error)
        error = uv_listen((uv_stream_t *)&server, 4096, raw_accept);
    if (error) {
        fprintf(stderr, "bench-raw: port %s: %s\n", argv[1], uv_strerror(error));
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
