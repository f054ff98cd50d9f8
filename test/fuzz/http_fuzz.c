/* SPDX-License-Identifier: ISC */
/* test/fuzz/http_fuzz.c - fuzzes what a client of http1 can do: the input is the client's bytes.
 * The first byte chooses how the stream is cut, the second how the app answers; the rest is sent
 * over tcp_loop on the virtual platform. Every run ends with a close, and nothing may be left: no
 * memory, no lent buffer, no connection. What comes back must be responses. */
#include <string.h>

#include "fuzz_client.h"
#include "http1.h"
#include "kv_fake.h"
#include "rung/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct fuzz_client client;
    struct rung_http1 http1;
    struct rung_http_server server;
    struct kv_fake kv;
    struct rung_http_request *held;
    uint8_t how;
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

static void fuzz_closed(struct rung_op *op, int result)
{
    (void)result;
    op->cancel = NULL;
}

/* What the app has put off it answers when nothing else happens. */
static bool fuzz_answer(struct fuzz_client *client)
{
    struct fuzz *f = rung_container_of(client, struct fuzz, client);
    struct rung_http_request *request = f->held;
    f->held = NULL;
    if (request != NULL)
        fuzz_respond(request);
    return request != NULL;
}

static void fuzz_open(struct fuzz *f, uint8_t cut, uint8_t how)
{
    static const struct rung_http1_keys keys = {
        .slot = "http", .max_header = 1024, .max_body = 2048, .memory = 4096,
        .max_connections = 4,
        .idle_timeout = RUNG_NS_PER_S, .header_timeout = RUNG_NS_PER_S,
        .body_timeout = RUNG_NS_PER_S, .send_timeout = RUNG_NS_PER_S,
        .access_log = RUNG_LOG_DEBUG,
    };
    struct rung_http1_needs needs = {.tcp = &f->client.tcp.tcp};
    fuzz_client_open(&f->client, cut);
    f->client.quiet = fuzz_answer;
    f->how = how;
    kv_fake_open(&f->kv, f->client.p);
    f->kv.value[0] = (struct kv_fake_value){
        .key = "a", .bytes = fuzz_value, .len = sizeof fuzz_value - 1, .gzip = "gzip",
        .gzip_len = 4, .version = "v"};
    f->kv.value[1] = (struct kv_fake_value){
        .key = "index.html", .bytes = fuzz_value, .len = sizeof fuzz_value - 1};
    FUZZ_CHECK(rung_http1_open(&f->http1, f->client.p, &keys, &needs) == RUNG_OK);
    f->server = (struct rung_http_server){
        .local = rung_addr_any(RUNG_AF_NONE, 80), .on_request = fuzz_request, .arg = f};
    FUZZ_CHECK(rung_http_listen(&f->http1.http, &f->server) == RUNG_OK);
    fuzz_client_connect(&f->client, 80);
}

static void fuzz_close(struct fuzz *f)
{
    struct rung_op op = {.done = fuzz_closed};
    rung_tcp_shutdown(f->client.conn);
    fuzz_client_run(&f->client);
    if ((f->how & 4) != 0) { /* else close() finds it as it is */
        rung_virtual_advance_ns(f->client.p, 5 * RUNG_NS_PER_S);
        fuzz_client_run(&f->client);
    }
    rung_http_close(&f->http1.http, &op);
    f->held = NULL;
    fuzz_client_run(&f->client);
    fuzz_client_go(&f->client);
    FUZZ_CHECK(f->kv.lent == 0);
    FUZZ_CHECK(memcmp(f->client.start, "HTTP/1.1 ", f->client.start_len) == 0);
    fuzz_client_close(&f->client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    if (size < 3 || size > 16384)
        return 0;
    fuzz_open(&f, data[0], data[1]);
    fuzz_client_say(&f.client, data + 2, size - 2, (f.how & 8) != 0);
    fuzz_close(&f);
    return 0;
}
