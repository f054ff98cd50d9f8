/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite.c - runs all cases for every way of cutting streams; set-up and apps. */
#include "suite.h"

#include "rung/heap.h"

const struct http_way *http_way;

static const struct http_way http_ways[] = {
    {"whole segments", 1460, false},
    {"sent at once, as sockets do", 1460, true},
    {"one byte at a time", 1, false},
    {"pieces by the seed", 0, false},
};

const struct http_limits http_defaults = {
    .max_header = 8192,
    .max_body = 65536,
    .memory = 64 << 20,
    .max_connections = 1000,
    .idle_ns = 60 * HTTP_S,
    .header_ns = 10 * HTTP_S,
    .body_ns = 30 * HTTP_S,
    .send_ns = 60 * HTTP_S,
};

static void http_on_request(struct rung_http_server *server, struct rung_http_request *request)
{
    struct http_test *t = server->arg;
    assert_false(t->in_call);
    assert_ptr_equal(request->server, server);
    assert_ptr_equal(request->http, t->http);
    assert_true(t->listening);
    assert_int_equal(request->path[0], '/');
    assert_int_equal(strlen(request->path), request->path_len);
    t->requests++;
    t->app(t, request);
}

void http_begin_with(struct http_test *t, const struct http_limits *limits)
{
    memset(t, 0, sizeof *t);
    t->p = test_platform_new();
    tcp_loop_open(&t->tcp, t->p, test_seed());
    t->tcp.segment = http_way->segment;
    t->tcp.eager = http_way->eager;
    kv_fake_open(&t->kv, t->p);
    t->rig = http_fixture.make();
    assert_int_equal(http_fixture.open(t->rig, t->p, &t->tcp.tcp, limits, &t->http), RUNG_OK);
    t->open = true;
    t->app = http_app_echo;
    t->server = (struct rung_http_server){
        .local = rung_addr_any(RUNG_AF_NONE, 80), .on_request = http_on_request, .arg = t};
    assert_int_equal(rung_http_listen(t->http, &t->server), RUNG_OK);
    assert_int_equal(t->server.local.port, 80);
    t->listening = true;
}

void http_begin(struct http_test *t)
{
    http_begin_with(t, &http_defaults);
}

void http_run(struct http_test *t)
{
    unsigned turns = 0;
    while (rung_virtual_turn(t->p)) {
        if (++turns == 3000000)
            fail_msg("the loop does not come to rest");
    }
}

void http_pass(struct http_test *t, uint64_t ns)
{
    rung_virtual_advance_ns(t->p, ns);
}

static void http_on_closed(struct rung_op *op, int result)
{
    struct http_closing *closing = rung_container_of(op, struct http_closing, op);
    closing->count++;
    closing->result = result;
}

void http_unlisten(struct http_test *t)
{
    t->in_call = true;
    rung_http_unlisten(t->http, &t->server);
    t->in_call = false;
    t->listening = false;
}

void http_close_start(struct http_test *t)
{
    t->closing = (struct http_closing){.op.done = http_on_closed};
    t->in_call = true;
    rung_http_close(t->http, &t->closing.op);
    t->in_call = false;
    t->listening = false;
    t->open = false;
    assert_int_equal(t->closing.count, 0);
    http_run(t);
}

void http_close(struct http_test *t)
{
    http_close_start(t);
    kv_fake_go(&t->kv); /* what it holds keeps the module from being closed */
    http_run(t);
    assert_int_equal(t->closing.count, 1);
    assert_int_equal(t->closing.result, RUNG_OK);
}

void http_end(struct http_test *t)
{
    if (t->open)
        http_close(t);
    http_fixture.free(t->rig);
    http_pass(t, 120 * HTTP_S); /* what TCP may still wait for */
    assert_int_equal(t->kv.lent, 0);
    assert_int_equal(t->bodies, 0);
    assert_true(tcp_loop_idle(&t->tcp));
    assert_true(rung_virtual_idle(t->p));
    test_platform_free(t->p);
}

struct body {
    struct rung_buf buf;
    struct http_test *t;
    char text[];
};

static void http_body_release(struct rung_buf *buf)
{
    struct body *body = rung_container_of(buf, struct body, buf);
    body->t->bodies--;
    free(body);
}

static struct rung_buf *http_body(struct http_test *t, const char *text, size_t len)
{
    struct body *body = malloc(sizeof *body + len);
    assert_non_null(body);
    memcpy(body->text, text, len);
    body->t = t;
    body->buf = (struct rung_buf){
        .data = (const uint8_t *)body->text, .len = len, .release = http_body_release};
    t->bodies++;
    return &body->buf;
}

/* In two pieces, when it can be. */
void http_respond_text(struct http_test *t, struct rung_http_request *request, unsigned status,
                       const char *text, size_t len)
{
    struct rung_http_response r = {.status = status, .type = "text/plain"};
    if (len > 0)
        r.body = http_body(t, text, len > 1 ? len / 2 : len);
    if (len > 1)
        r.body->next = http_body(t, text + len / 2, len - len / 2);
    bool outer = t->in_call;
    t->in_call = true;
    rung_http_respond(request, &r);
    t->in_call = outer;
}

void http_app_echo(struct http_test *t, struct rung_http_request *request)
{
    size_t len = request->path_len + request->query_len + request->body_len + 3;
    char *text = malloc(len);
    assert_non_null(text);
    int head = snprintf(text, len, "%s%s%s|", request->path, request->query != NULL ? "?" : "",
                        request->query != NULL ? request->query : "");
    if (request->body_len > 0)
        memcpy(text + head, request->body, request->body_len);
    http_respond_text(t, request, 200, text, (size_t)head + request->body_len);
    free(text);
}

void http_app_kv(struct http_test *t, struct rung_http_request *request)
{
    t->in_call = true;
    rung_http_respond_kv(request, &t->kv.kv);
    t->in_call = false;
}

void http_app_hold(struct http_test *t, struct rung_http_request *request)
{
    assert_true(t->held_count < RUNG_ARRAY_LEN(t->held));
    t->held[t->held_count++] = request;
}

static int http_run_group(const char *group, const struct CMUnitTest *cases)
{
    struct CMUnitTest all[40];
    size_t n = 0;
    char name[128];
    for (; cases[n].name != NULL; n++)
        all[n] = cases[n];
    snprintf(name, sizeof name, "%s: %s, %s", http_fixture.module, group, http_way->name);
    return _cmocka_run_group_tests(name, all, n, NULL, NULL);
}

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(http_ways); i++) {
        http_way = &http_ways[i];
        failed += http_run_group("requests", http_request_cases);
        failed += http_run_group("statuses", http_status_cases);
        failed += http_run_group("stored values", http_kv_cases);
        failed += http_run_group("large values", http_kv_large_cases);
        failed += http_run_group("limits", http_limit_cases);
        failed += http_run_group("life", http_life_cases);
        failed += http_run_group("memory", http_memory_cases);
    }
    return failed > 0;
}
