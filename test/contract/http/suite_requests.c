/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_requests.c - requests that are in order, however they arrive. */
#include "suite.h"

#define HOST "Host: h\r\n\r\n"

static void get_is_answered(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "GET /a/b?x=1&y HTTP/1.1\r\n" HOST);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "/a/b?x=1&y|");
    assert_string_equal(http_value(&a, "Content-Type"), "text/plain");
    assert_string_equal(http_value(&a, "Date"), "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_null(http_value(&a, "Connection"));
    http_pass(&t, 3 * HTTP_S);
    http_say(&c, "GET / HTTP/1.1\r\n" HOST);
    http_take(&c, &a, false);
    assert_string_equal(http_value(&a, "Date"), "Thu, 01 Jan 2026 00:00:03 GMT");
    assert_int_equal(t.requests, 2);
    http_expect_open(&c);
    http_leave(&c, true);
    free(a.body);
    http_end(&t);
}

static void head_has_no_body(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "HEAD /a HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST);
    http_take(&c, &a, true);
    assert_int_equal(a.status, 200);
    assert_string_equal(http_value(&a, "Content-Length"), "3");
    http_expect(&c, 200, "/b|");
    http_leave(&c, true);
    free(a.body);
    http_end(&t);
}

struct path_case {
    const char *target, *path; /* NULL: 400 */
};

static void paths_are_decoded(void **state)
{
    static const struct path_case cases[] = {
        {"/", "/|"},
        {"/a%20b/%c3%A4", "/a b/\xc3\xa4|"},
        {"//a///b/", "/a/b/|"},
        {"/a/./b/../c", "/a/c|"},
        {"/a/b/..", "/a/|"},
        {"/a/%2e%2e/b", "/b|"},
        {"/a/..%2fb", "/b|"},
        {"/.../..a", "/.../..a|"},
        {"http://h/x?q", "/x?q|"},
        {"HTTPS://h:1?q", "/?q|"},
        {"/a?b?c/../d%zz", "/a?b?c/../d%zz|"},
        {"/a?", "/a?|"},
        {"/..", NULL},
        {"/a/../../b", NULL},
        {"/%2e%2e/b", NULL},
        {"/%00", NULL},
        {"/%", NULL},
        {"/%4", NULL},
        {"/%g0", NULL},
        {"/a#b", NULL},
        {"ftp://h/", NULL},
        {"http:///x", NULL},
        {"http://u@h/", NULL},
        {"*", NULL},
    };
    struct http_test t;
    (void)state;
    http_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http_client c;
        char text[128];
        http_connect(&t, &c);
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST, cases[i].target);
        http_say(&c, text);
        http_expect(&c, cases[i].path != NULL ? 200 : 400, cases[i].path);
        http_leave(&c, true);
    }
    http_end(&t);
}

static void bodies_come_whole(void **state)
{
    struct http_test t;
    struct http_client c;
    char text[9000], *at;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "POST /a HTTP/1.1\r\nContent-Length: 5\r\n" HOST "hello"
                 "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST
                 "3\r\nabc\r\n00a;name=\"v: w;\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
                 "PUT /c HTTP/1.1\r\nContent-Length: 0\r\n" HOST
                 "PATCH /d HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n" HOST "0\r\n\r\n"
                 "DELETE /e HTTP/1.1\r\n" HOST);
    http_expect(&c, 200, "/a|hello");
    http_expect(&c, 200, "/b|abc0123456789");
    http_expect(&c, 200, "/c|");
    http_expect(&c, 200, "/d|");
    http_expect(&c, 200, "/e|");
    at = text + sprintf(text, "POST /f HTTP/1.1\r\nContent-Length: 8000\r\n" HOST);
    memset(at, 'x', 8000);
    at[8000] = '\0';
    http_say(&c, text);
    http_expect(&c, 200, NULL);
    http_expect_open(&c);
    http_leave(&c, true);
    http_end(&t);
}

static void app_headers(struct http_test *t, struct rung_http_request *request)
{
    char text[256];
    const char *a = rung_http_header(request, "x-a"), *b = rung_http_header(request, "x-b");
    assert_null(rung_http_header(request, "x-none"));
    assert_null(rung_http_header(request, "x"));
    assert_string_equal(rung_http_header(request, "host"), "h");
    assert_string_equal(rung_http_header(request, "x-empty"), "");
    assert_ptr_equal(rung_http_header(request, "x-a"), a); /* asking again takes nothing more */
    snprintf(text, sizeof text, "[%s][%s]", a, b);
    http_respond_text(t, request, 200, text, strlen(text));
}

static void headers_are_found(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.app = app_headers;
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\nX-A: one\r\nx-b:\t two words \t\r\nX-a:three\r\nX-Empty:\r\n"
                 "x-A:  four\r\n" HOST);
    http_expect(&c, 200, "[one, three, four][two words]");
    /* The body comes later, and the buffers of the head have gone back by then. */
    http_say(&c, "POST / HTTP/1.1\r\nX-A: 1\r\nX-B: 2\r\nX-Empty: \r\nContent-Length: 4\r\n" HOST
                 "ab");
    assert_int_equal(t.tcp.segments, 0);
    http_say(&c, "cd");
    http_expect(&c, 200, "[1][2]");
    http_leave(&c, true);
    http_end(&t);
}

static void versions_and_connection(void **state)
{
    static const struct {
        const char *text;
        bool stays;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, keep-alive\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h.example:8080\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a-b_%7E:\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: 192.0.2.1:65535\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.1]:080\r\n\r\n", true},
        {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n", true},
    };
    struct http_test t;
    (void)state;
    http_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http_client c;
        struct http_answer a = {0};
        http_connect(&t, &c);
        http_say(&c, cases[i].text);
        http_take(&c, &a, false);
        assert_int_equal(a.status, 200);
        const char *connection = http_value(&a, "Connection");
        if (!cases[i].stays)
            assert_string_equal(connection, "close");
        if (cases[i].stays) {
            http_say(&c, cases[i].text);
            http_expect(&c, 200, "/|");
            http_expect_open(&c);
            http_leave(&c, true);
        } else {
            http_expect_closed(&c);
        }
        free(a.body);
    }
    http_end(&t);
}

static void pipelining(void **state)
{
    struct http_test t;
    struct http_client c;
    char text[100 * 64], *at = text;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    for (unsigned i = 0; i < 100; i++)
        at += sprintf(at, "%s /%u HTTP/1.1\r\nHost: h\r\n%s", i % 3 == 1 ? "POST" : "GET", i,
                      i % 3 == 1 ? "Content-Length: 3\r\n\r\nabc" : "\r\n");
    http_say(&c, text);
    for (unsigned i = 0; i < 100; i++) {
        char body[32];
        snprintf(body, sizeof body, "/%u|%s", i, i % 3 == 1 ? "abc" : "");
        http_expect(&c, 200, body);
    }
    http_expect_open(&c);
    assert_int_equal(t.requests, 100);
    http_leave(&c, true);
    http_end(&t);
}

static void pipelined_requests_wait_for_the_answer(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.app = http_app_hold;
    http_connect(&t, &c);
    http_say(&c, "GET /1 HTTP/1.1\r\n" HOST "GET /2 HTTP/1.1\r\n" HOST);
    assert_int_equal(t.requests, 1);
    http_pass(&t, 3600 * HTTP_S); /* the app takes its time: no time-out is running */
    assert_string_equal(t.held[0]->path, "/1");
    http_respond_text(&t, t.held[0], 200, "one", 3);
    assert_int_equal(t.requests, 1); /* not inside respond() */
    http_run(&t);
    assert_int_equal(t.requests, 2);
    http_expect(&c, 200, "one");
    http_respond_text(&t, t.held[1], 200, "two", 3);
    http_run(&t);
    http_expect(&c, 200, "two");
    http_expect_open(&c);
    http_leave(&c, true);
    http_end(&t);
}

static void every_cut(void **state)
{
    static const char text[] = "\r\nPOST /a%41?q HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                               "Connection: keep-alive\r\n\r\nbody"
                               "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        http_send(&c, text, cut);
        if (cut % 2 == 0) /* once in two buffers at once, once one after the other */
            http_run(&t);
        http_send(&c, text + cut, sizeof text - 1 - cut);
        http_run(&t);
        http_expect(&c, 200, "/aA?q|body");
        http_expect(&c, 200, "/2|abc");
        http_expect(&c, 200, "/3|");
    }
    http_expect_open(&c);
    http_leave(&c, true);
    http_end(&t);
}

static void expect_100(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n" HOST);
    http_expect(&c, 100, NULL);
    assert_int_equal(t.requests, 0);
    http_say(&c, "ab");
    http_expect(&c, 200, "/|ab");
    http_say(&c, "POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
                 "Content-Length: 2\r\n" HOST);
    assert_int_equal(c.rx_len, 0); /* HTTP/1.0 knows no 1xx */
    http_say(&c, "ab");
    http_expect(&c, 200, "/|ab");
    http_say(&c, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n" HOST);
    http_expect(&c, 413, NULL); /* not asked to send what is not wanted */
    http_expect_closed(&c);
    http_end(&t);
}

static void options_of_the_server(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "OPTIONS * HTTP/1.1\r\n" HOST);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 204);
    assert_non_null(strstr(http_value(&a, "Allow"), "GET, HEAD"));
    assert_int_equal(t.requests, 0); /* '*' is no path */
    http_say(&c, "OPTIONS /a HTTP/1.1\r\n" HOST);
    http_expect(&c, 200, "/a|");
    http_leave(&c, true);
    free(a.body);
    http_end(&t);
}

static void app_statuses(struct http_test *t, struct rung_http_request *request)
{
    struct rung_http_response r = {.status = 204};
    (void)t;
    if (strcmp(request->path, "/304") == 0)
        r.status = 304;
    if (strcmp(request->path, "/299") == 0)
        r = (struct rung_http_response){.status = 299, .headers = "X-A: b\r\nX-C: d\r\n"};
    if (strcmp(request->path, "/503") == 0)
        r.status = 503;
    rung_http_respond(request, &r);
}

static void app_answers(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    http_begin(&t);
    t.app = app_statuses;
    http_connect(&t, &c);
    http_say(&c, "GET /204 HTTP/1.1\r\n" HOST "GET /304 HTTP/1.1\r\n" HOST
                 "GET /299 HTTP/1.1\r\n" HOST "GET /503 HTTP/1.1\r\n" HOST
                 "HEAD /503 HTTP/1.1\r\n" HOST);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 204);
    assert_null(http_value(&a, "Content-Length"));
    http_take(&c, &a, false);
    assert_int_equal(a.status, 304);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 299);
    assert_string_equal(http_value(&a, "Content-Length"), "0");
    assert_string_equal(http_value(&a, "X-C"), "d");
    http_expect(&c, 503, "503 Service Unavailable\n");
    http_take(&c, &a, true);
    assert_int_equal(a.status, 503);
    http_expect_open(&c);
    http_leave(&c, true);
    free(a.body);
    http_end(&t);
}

const struct CMUnitTest http_request_cases[] = {
    cmocka_unit_test(get_is_answered),
    cmocka_unit_test(head_has_no_body),
    cmocka_unit_test(paths_are_decoded),
    cmocka_unit_test(bodies_come_whole),
    cmocka_unit_test(headers_are_found),
    cmocka_unit_test(versions_and_connection),
    cmocka_unit_test(pipelining),
    cmocka_unit_test(pipelined_requests_wait_for_the_answer),
    cmocka_unit_test(every_cut),
    cmocka_unit_test(expect_100),
    cmocka_unit_test(options_of_the_server),
    cmocka_unit_test(app_answers),
    {0},
};
