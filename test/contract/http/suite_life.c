/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_life.c - ends of all kinds: clients that go, late answers, unlisten,
 * close. */
#include "suite.h"

#define END "Host: h\r\n\r\n"

static void late_answer(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.app = http_app_hold;
    http_connect(&t, &c);
    http_say(&c, "POST /a?q HTTP/1.1\r\nX: y\r\nContent-Length: 2\r\n" END "ab");
    http_leave(&c, false);
    http_pass(&t, 100 * HTTP_S);
    struct rung_http_request *r = t.held[0]; /* still good, and the answer still due */
    assert_string_equal(r->path, "/a");
    assert_string_equal(r->query, "q");
    assert_memory_equal(r->body, "ab", 2);
    assert_string_equal(rung_http_header(r, "x"), "y");
    http_respond_text(&t, r, 200, "late", 4);
    assert_int_equal(t.bodies, 0); /* nobody to send it to */
    http_connect(&t, &c);
    http_say(&c, "GET /b HTTP/1.1\r\n" END);
    http_leave(&c, false);
    rung_http_respond_kv(t.held[1], &t.kv.kv);
    assert_int_equal(t.kv.gets, 0);
    http_end(&t);
}

static void client_shuts_while_the_app_thinks(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.app = http_app_hold;
    http_connect(&t, &c);
    http_say(&c, "GET /a HTTP/1.1\r\n" END);
    http_shut(&c);
    http_pass(&t, 10 * HTTP_S);
    http_respond_text(&t, t.held[0], 200, "done", 4);
    http_run(&t);
    http_expect(&c, 200, "done");
    http_expect_closed(&c);
    http_end(&t);
}

/* At each step of a request the client resets the connection. */
static void client_goes_anywhere(void **state)
{
    static const char text[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /";
    struct http_test t;
    (void)state;
    http_begin(&t);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct http_client c;
        http_connect(&t, &c);
        if (cut > 0)
            http_send(&c, text, cut);
        if (cut % 2 == 0)
            http_run(&t);
        http_leave(&c, cut % 3 == 0);
    }
    http_end(&t);
}

/* The server shuts its side and waits for the client's: for a while. */
static void client_does_not_close(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\nConnection: close\r\n" END "and more that nobody wants");
    http_expect(&c, 200, "/|");
    assert_true(c.eof);
    assert_int_equal(c.error, 0);
    http_pass(&t, 10 * HTTP_S);
    http_say(&c, "x"); /* the server is gone by now */
    assert_int_equal(c.error, RUNG_E_RESET);
    http_leave(&c, false);
    http_end(&t);
}

static void unlisten_lets_requests_end(void **state)
{
    struct http_test t;
    struct http_client idle, half, held, big;
    struct http_answer a = {0};
    (void)state;
    http_begin(&t);
    t.app = http_app_hold;
    http_connect(&t, &idle);
    http_connect(&t, &half);
    http_connect(&t, &held);
    http_connect(&t, &big);
    http_say(&half, "GET / HTTP/1.1\r\nHo");
    http_say(&held, "GET /held HTTP/1.1\r\n" END "GET /next HTTP/1.1\r\n" END);
    http_unlisten(&t);
    http_run(&t);
    http_expect_closed(&idle);
    http_expect(&half, 503, NULL);
    http_expect_closed(&half);
    http_expect_closed(&big);
    http_respond_text(&t, t.held[0], 200, "ok", 2);
    http_run(&t);
    http_take(&held, &a, false);
    assert_int_equal(a.status, 200);
    assert_string_equal(http_value(&a, "Connection"), "close");
    assert_int_equal(t.requests, 1);
    http_expect_closed(&held);
    struct http_client late;
    memset(&late, 0, sizeof late);
    assert_int_equal(rung_http_listen(t.http, &t.server), RUNG_OK); /* and again */
    t.listening = true;
    t.app = http_app_echo;
    http_connect(&t, &late);
    http_say(&late, "GET / HTTP/1.1\r\n" END);
    http_expect(&late, 200, "/|");
    http_leave(&late, true);
    free(a.body);
    http_end(&t);
}

static void app_unlistens(struct http_test *t, struct rung_http_request *request)
{
    http_unlisten(t);
    http_respond_text(t, request, 200, "bye", 3);
}

static void unlisten_inside_a_request(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.app = app_unlistens;
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\n" END);
    http_expect(&c, 200, "bye");
    http_expect_closed(&c);
    http_end(&t);
}

static void address_in_use(void **state)
{
    struct http_test t;
    struct rung_http_server second;
    (void)state;
    http_begin(&t);
    second = t.server;
    assert_int_equal(rung_http_listen(t.http, &second), RUNG_E_ADDRINUSE);
    second.local.port = 0;
    assert_int_equal(rung_http_listen(t.http, &second), RUNG_OK);
    assert_int_not_equal(second.local.port, 0);
    rung_http_unlisten(t.http, &second);
    test_heap_fail_after(t.p, 1);
    assert_int_equal(rung_http_listen(t.http, &second), RUNG_E_NOMEM);
    http_end(&t);
}

/* Close at every stage: connections are reset, and done() runs when nothing is held any more. */
static void close_at_any_time(void **state)
{
    struct http_test t;
    struct http_client idle, half, held, kv, deaf;
    static char big[200000];
    (void)state;
    http_begin(&t);
    http_connect(&t, &idle);
    http_connect(&t, &half);
    http_connect(&t, &held);
    http_connect(&t, &kv);
    http_connect(&t, &deaf);
    http_say(&half, "POST / HTTP/1.1\r\nContent-Length: 9\r\n" END "abc");
    t.app = http_app_hold;
    http_say(&held, "GET / HTTP/1.1\r\n" END);
    t.app = http_app_kv;
    t.kv.value[0] = (struct kv_fake_value){.key = "big", .bytes = big, .len = sizeof big};
    deaf.deaf = true;
    http_say(&deaf, "GET /big HTTP/1.1\r\n" END);
    t.kv.hold = true;
    http_say(&kv, "GET /big HTTP/1.1\r\n" END);
    http_close(&t);
    assert_int_equal(idle.error, RUNG_E_RESET);
    assert_int_equal(half.error, RUNG_E_RESET);
    assert_int_equal(held.error, RUNG_E_RESET);
    assert_int_equal(kv.error, RUNG_E_RESET);
    http_leave(&idle, false);
    http_leave(&half, false);
    http_leave(&held, false);
    http_leave(&kv, false);
    http_leave(&deaf, false);
    http_end(&t);
}

/* An answer of which TCP still holds the end: kept for connections, or their last. */
static void close_with_answers_on_their_way(void **state)
{
    static const char *const ask[] = {
        "GET /long HTTP/1.1\r\n" END, "GET /long HTTP/1.1\r\nConnection: close\r\n" END};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct http_test t;
        struct http_client c;
        bool unlisten = (i & 2) != 0, reads = (i & 4) != 0;
        http_begin(&t);
        t.tcp.window = 10;
        http_connect(&t, &c);
        c.deaf = true;
        http_say(&c, ask[i & 1]);
        assert_true(t.tcp.sent > 0);
        if (unlisten) {
            http_unlisten(&t);
            http_run(&t);
        }
        http_close_start(&t);
        assert_int_equal(t.closing.count, 0);
        if (reads) {
            c.deaf = false;
            http_pass(&t, HTTP_S / 2);
            while (http_sip(&c) > 0)
                http_run(&t);
            http_expect(&c, 200, "/long|");
        } else {
            http_pass(&t, 3 * HTTP_S);
        }
        assert_int_equal(t.closing.count, 1);
        assert_int_equal(t.tcp.sent, 0);
        http_leave(&c, false);
        http_end(&t);
    }
}

static void many_connections_come_and_go(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_leave(&c, true);
    http_run(&t);
    size_t blocks = test_heap_blocks(t.p);
    for (unsigned i = 0; i < 300; i++) {
        http_connect(&t, &c);
        http_say(&c, i % 2 == 0 ? "GET / HTTP/1.0\r\n\r\n" : "GET / HTTP/1.1\r\n" END);
        http_expect(&c, 200, "/|");
        http_leave(&c, i % 3 != 0);
    }
    http_pass(&t, 5 * HTTP_S);
    assert_true(test_heap_blocks(t.p) <= blocks + 8);
    http_end(&t);
}

/* A line for each request, at the level of its key; nobody can forge one. */
static void access_log(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    size_t lines = test_log_count(t.p);
    http_say(&c, "GET /a?b HTTP/1.1\r\n" END);
    http_expect(&c, 200, NULL);
    assert_int_equal(test_log_count(t.p), lines);
    rung_log_set_level(t.p, RUNG_LOG_DEBUG);
    http_say(&c, "GET /a?b HTTP/1.1\r\n" END);
    http_expect(&c, 200, NULL);
    assert_int_equal(test_log_count(t.p), lines + 1);
    assert_non_null(strstr(test_log_last(t.p), "127.0.0.1"));
    assert_non_null(strstr(test_log_last(t.p), "\"GET /a?b\" 200 5"));
    http_say(&c, "BREW / HTTP/1.1\r\n" END);
    http_expect(&c, 501, NULL);
    assert_int_equal(test_log_count(t.p), lines + 2);
    assert_non_null(strstr(test_log_last(t.p), " 501 "));
    http_expect_closed(&c);
    http_end(&t);
}

const struct CMUnitTest http_life_cases[] = {
    cmocka_unit_test(access_log),
    cmocka_unit_test(late_answer),
    cmocka_unit_test(client_shuts_while_the_app_thinks),
    cmocka_unit_test(client_goes_anywhere),
    cmocka_unit_test(client_does_not_close),
    cmocka_unit_test(unlisten_lets_requests_end),
    cmocka_unit_test(unlisten_inside_a_request),
    cmocka_unit_test(address_in_use),
    cmocka_unit_test(close_at_any_time),
    cmocka_unit_test(close_with_answers_on_their_way),
    cmocka_unit_test(many_connections_come_and_go),
    {0},
};
