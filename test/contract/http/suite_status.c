/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_status.c - malformed requests: each gets its status and a closed
 * connection, the same one however its bytes arrive, and the app sees none of it. */
#include "suite.h"

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"
#define ALL(text) text, sizeof(text) - 1

struct status_case {
    unsigned status;
    const char *text;
    size_t len;
};

static const struct status_case status_cases[] = {
    /* Request lines. */
    {400, ALL("GET / HTTP/1.1\nHost: h\n\n")},
    {400, ALL("GET / HTTP/1.1\nHost: h\r\n\r\n")},
    {400, ALL("GET /\r\n\r\n")},
    {400, ALL("GET\r\n\r\n")},
    {400, ALL("GET  / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET /  HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET / HTTP/1.1 \r\nHost: h\r\n\r\n")},
    {400, ALL("GET / http/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET / HTTP/x.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET / HTTP/1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET / RTSP/1.0\r\nHost: h\r\n\r\n")},
    {400, ALL("OPTIONS * RTSP/1.0\r\nHost: h\r\n\r\n")},
    {400, ALL("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL(" GET / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("\r\rGET / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")}, /* TLS */
    {400, ALL("\0")},
    {400, ALL("G@T / HTTP/1.1\r\n\r\n")},
    {400, ALL("rubbish\r\n\r\n")},
    {400, ALL("BREW\r\n\r\n")},
    {400, ALL("BREW /\r\n\r\n")},
    {400, ALL("BREW / HTTP/1.1\nHost: h\n\n")},
    {400, ALL("BREW  / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {400, ALL("BREW HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("BREW / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("GETS / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("\r\nBREW / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n")},
    {501, ALL("get / HTTP/1.1\r\nHost: h\r\n\r\n")},
    {505, ALL("GET / HTTP/2.0\r\nHost: h\r\n\r\n")},
    {505, ALL("GET / HTTP/0.9\r\nHost: h\r\n\r\n")},
    {505, ALL("GET / HTTP/3.7\r\nHost: h\r\n\r\n")},
    {505, ALL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    /* Header lines. */
    {400, ALL(GET "Host: h\n\r\n")},
    {400, ALL(GET "Host: h\r\n\n")},
    {400, ALL(GET "Host: h\rX: y\r\n\r\n")},
    {400, ALL(GET "Host: h\r\r\n\r\n")},
    {400, ALL(GET "Host : h\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX: a\r\n b\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX: a\r\n\tb\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX:\r\n b\r\n\r\n")},
    {400, ALL(GET " Host: h\r\n\r\n")},
    {400, ALL(GET "Host: h\r\n X: y\r\n\r\n")},
    {400, ALL(GET "Host: h\r\n: y\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX Y: z\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX(: z\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX: a\0b\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX: a\x7f\r\n\r\n")},
    {400, ALL(GET "Host: h\r\nX: a\x0b\r\n\r\n")},
    /* Host. */
    {400, ALL(GET "\r\n")},
    {400, ALL(GET "Host: a\r\nHost: a\r\n\r\n")},
    {400, ALL("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")},
    {400, ALL(GET "Host: a/b\r\n\r\n")},
    {400, ALL(GET "Host: a b\r\n\r\n")},
    {400, ALL(GET "Host: u@a\r\n\r\n")},
    {400, ALL(GET "Host: a,b\r\n\r\n")},
    {400, ALL(GET "Host: [::1\r\n\r\n")},
    {400, ALL(GET "Host: ::1]\r\n\r\n")},
    {400, ALL(GET "Host: []\r\n\r\n")},
    {400, ALL(GET "Host: [::1]a\r\n\r\n")},
    {400, ALL(GET "Host: [::1]:a\r\n\r\n")},
    {400, ALL(GET "Host: [[::1]]\r\n\r\n")},
    {400, ALL(GET "Host: a[::1]\r\n\r\n")},
    {400, ALL(GET "Host: ::1\r\n\r\n")},
    {400, ALL(GET "Host: a:b\r\n\r\n")},
    {400, ALL(GET "Host: a:80:80\r\n\r\n")},
    {400, ALL(GET "Host: a:65536\r\n\r\n")},
    {400, ALL(GET "Host: a:4294967376\r\n\r\n")},
    {400, ALL(GET "Host: a:-1\r\n\r\n")},
    {400, ALL(GET "Host: \x80\r\n\r\n")},
    {400, ALL("GET http://a:b/ HTTP/1.1\r\nHost: h\r\n\r\n")},
    /* Framing: what two readers might see differently. */
    {400, ALL(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")},
    {400, ALL(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: 5, 5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: +5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: -5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: 0x5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: 5 5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length:\r\n\r\nhello")},
    {400, ALL(POST "Content-Length : 5\r\n\r\nhello")},
    {400, ALL(POST "Content-Length: 18446744073709551616\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding:\x0b" "chunked\r\n\r\n0\r\n\r\n")},
    {400, ALL("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {501, ALL(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {501, ALL(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {417, ALL(POST "Expect: wonders\r\n\r\n")},
    /* Chunks. */
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\ng\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3;a=b\nc\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\nc\"\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\n\r\n")},
    /* What RFC 9112, 7.1.1 allows and llhttp does not know. */
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3 ;a\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3;a=\"\\\"\"\r\nabc\r\n0\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\tz\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n: y\r\n\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n")},
    {413, ALL(POST "Transfer-Encoding: chunked\r\n\r\n10001\r\n")}, /* no byte of it has come */
    {413, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nffffffffffffffff\r\n")},
    {413, ALL(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nfffe\r\n")},
    {400, ALL(POST "Transfer-Encoding: chunked\r\n\r\n10001;a\x01\r\n")},
};

static void malformed_requests(void **state)
{
    struct http_test t;
    (void)state;
    http_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(status_cases); i++) {
        const struct status_case *s = &status_cases[i];
        struct http_client c;
        struct http_answer a = {0};
        http_connect(&t, &c);
        http_send(&c, s->text, s->len);
        http_run(&t);
        if (c.rx_len == 0)
            fail_msg("no answer to: %s", s->text);
        http_take(&c, &a, false);
        if (a.status != s->status)
            fail_msg("%u, not %u, for: %s", a.status, s->status, s->text);
        assert_string_equal(http_value(&a, "Connection"), "close");
        http_expect_closed(&c);
        free(a.body);
    }
    assert_int_equal(t.requests, 0);
    http_end(&t);
}

/* Behind a request that is in order: nothing of the second is taken for part of the first. */
static void malformed_after_good(void **state)
{
    struct http_test t;
    (void)state;
    http_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(status_cases); i++) {
        const struct status_case *s = &status_cases[i];
        struct http_client c;
        http_connect(&t, &c);
        http_send(&c, ALL(POST "Content-Length: 3"));
        http_leave(&c, false); /* cut short: no answer is due, and nothing is left behind */
        http_connect(&t, &c);
        http_send(&c, ALL(POST "Content-Length: 3\r\n\r\nabc"));
        http_send(&c, s->text, s->len);
        http_run(&t);
        http_expect(&c, 200, "/|abc");
        http_expect(&c, s->status, NULL);
        http_expect_closed(&c);
    }
    http_end(&t);
}

/* A client that shuts its side in the middle of a request is told so. */
static void half_a_request(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\nHo");
    http_shut(&c);
    http_expect(&c, 400, NULL);
    http_expect_closed(&c);
    http_connect(&t, &c);
    http_say(&c, POST "Content-Length: 3\r\n\r\nab");
    http_shut(&c);
    http_expect(&c, 400, NULL);
    http_expect_closed(&c);
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); /* a whole one is answered */
    http_shut(&c);
    http_expect(&c, 200, "/|");
    http_expect_closed(&c);
    http_connect(&t, &c);
    http_shut(&c); /* and none at all needs no answer */
    http_expect_closed(&c);
    http_end(&t);
}

const struct CMUnitTest http_status_cases[] = {
    cmocka_unit_test(malformed_requests),
    cmocka_unit_test(malformed_after_good),
    cmocka_unit_test(half_a_request),
    {0},
};
