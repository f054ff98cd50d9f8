/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_limits.c - sizes, times and numbers. */
#include "suite.h"

#define END "Host: h\r\n\r\n"

/* "GET /aaa... HTTP/1.1" with a head of exactly so many bytes, in the target or in a header. */
static char *limits_head(size_t head, bool in_target)
{
    char *text = malloc(head + 64), *at = text;
    size_t fixed = strlen("GET / HTTP/1.1\r\nX: \r\n" END);
    assert_non_null(text);
    at += sprintf(at, "GET /");
    if (in_target) {
        memset(at, 'a', head - fixed);
        at += head - fixed;
    }
    at += sprintf(at, " HTTP/1.1\r\nX: ");
    if (!in_target) {
        memset(at, 'b', head - fixed);
        at += head - fixed;
    }
    sprintf(at, "\r\n" END);
    return text;
}

static void head_size(void **state)
{
    struct http_test t;
    (void)state;
    http_begin(&t);
    static const struct {
        size_t len;
        bool in_target;
        unsigned status;
    } cases[] = {
        {8192, false, 200}, {8193, false, 431}, {20000, false, 431}, {100000, false, 431},
        {8192, true, 200},  {8200, true, 431},  {9000, true, 414},   {100000, true, 414},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http_client c;
        char *text = limits_head(cases[i].len, cases[i].in_target);
        http_connect(&t, &c);
        http_say(&c, text);
        http_expect(&c, cases[i].status, NULL);
        if (cases[i].status == 200)
            http_leave(&c, true);
        else
            http_expect_closed(&c);
        free(text);
    }
    http_end(&t);
}

/* A method without end. */
static void method_size(void **state)
{
    struct http_test t;
    struct http_client c;
    char text[9001];
    (void)state;
    memset(text, 'M', 9000);
    text[9000] = '\0';
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, text);
    http_expect(&c, 414, NULL);
    http_expect_closed(&c);
    http_end(&t);
}

static void header_count(void **state)
{
    struct http_test t;
    struct http_client c;
    char text[4096], *at;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    at = text + sprintf(text, "GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i < 99; i++)
        at += sprintf(at, "X%u: y\r\n", i);
    sprintf(at, END);
    http_say(&c, text);
    http_expect(&c, 200, "/|");
    sprintf(at, "Y: z\r\n" END);
    http_say(&c, text);
    http_expect(&c, 431, NULL);
    http_expect_closed(&c);
    http_end(&t);
}

static void body_size(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_limits limits = http_defaults;
    (void)state;
    limits.max_body = 10;
    http_begin_with(&t, &limits);
    http_connect(&t, &c);
    http_say(&c, "POST / HTTP/1.1\r\nContent-Length: 10\r\n" END "0123456789"
                 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
                 "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
    http_expect(&c, 200, "/|0123456789");
    http_expect(&c, 200, "/|0123456789");
    http_say(&c, "POST / HTTP/1.1\r\nContent-Length: 11\r\n" END "0123456789a");
    http_expect(&c, 413, NULL);
    http_expect_closed(&c);
    http_connect(&t, &c);
    http_say(&c, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
                 "5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n");
    http_expect(&c, 413, NULL);
    http_expect_closed(&c);
    http_end(&t);
}

/* A body without end, of which nothing but framing comes: it is bounded too. */
static void framing_without_end(void **state)
{
    struct http_test t;
    struct http_client c;
    char *text = malloc(60000), *at;
    (void)state;
    assert_non_null(text);
    http_begin(&t);
    for (unsigned i = 0; i < 2; i++) {
        http_connect(&t, &c);
        at = text + sprintf(text, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
        at += sprintf(at, "%s", i == 0 ? "1;" : "0\r\nX: ");
        memset(at, 'x', 50000);
        at[50000] = '\0';
        http_say(&c, text);
        http_expect(&c, 400, NULL);
        http_expect_closed(&c);
    }
    free(text);
    http_end(&t);
}

/* A client that floods on after its error is read for a while, and not for ever. */
static void flood_after_error(void **state)
{
    struct http_test t;
    struct http_client c;
    char *text = malloc(1 << 20);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', 1 << 20);
    http_begin(&t);
    http_connect(&t, &c);
    http_send(&c, "@", 1);
    for (unsigned i = 0; i < 4 && c.error == 0; i++) {
        http_send(&c, text, http_way->segment == 1 ? 100000 : 1 << 20);
        http_run(&t);
    }
    assert_int_equal(c.error, RUNG_E_RESET);
    http_leave(&c, false);
    free(text);
    http_end(&t);
}

/* One byte a second: cut off when the head's time is up, not when it is idle, and others served. */
static void slow_loris(void **state)
{
    static const char text[] = "GET /abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\n" END;
    struct http_test t;
    struct http_client c, other;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_connect(&t, &other);
    http_pass(&t, 30 * HTTP_S); /* the time starts with the first byte */
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(c.rx_len, 0);
        http_send(&c, text + i, 1);
        http_run(&t);
        http_say(&other, "GET / HTTP/1.1\r\n" END);
        http_expect(&other, 200, "/|");
        http_pass(&t, HTTP_S);
    }
    http_expect(&c, 408, NULL);
    http_expect_closed(&c);
    http_expect_open(&other);
    http_leave(&other, true);
    http_end(&t);
}

static void slow_body(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    http_connect(&t, &c);
    http_say(&c, "POST / HTTP/1.1\r\nContent-Length: 100\r\n" END);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(c.rx_len, 0);
        http_say(&c, "x");
        http_pass(&t, HTTP_S);
    }
    http_expect(&c, 408, NULL);
    http_expect_closed(&c);
    http_end(&t);
}

/* As long as can be said: not so long that it wraps and is over at once. */
static void longest_timeouts(void **state)
{
    struct http_limits limits = http_defaults;
    struct http_test t;
    struct http_client c;
    (void)state;
    limits.idle_ns = limits.header_ns = limits.body_ns = limits.send_ns = UINT64_MAX;
    http_begin_with(&t, &limits);
    http_pass(&t, 1000 * HTTP_S);
    http_connect(&t, &c);
    http_pass(&t, 1000 * HTTP_S);
    http_say(&c, "POST / HTTP/1.1\r\n");
    http_pass(&t, 1000 * HTTP_S);
    http_say(&c, "Content-Length: 2\r\n" END "a");
    http_pass(&t, 1000 * HTTP_S);
    http_say(&c, "b");
    http_expect(&c, 200, "/|ab");
    t.tcp.window = 10;
    c.deaf = true;
    http_say(&c, "GET /a HTTP/1.1\r\n" END);
    http_pass(&t, 1000 * HTTP_S);
    c.deaf = false;
    while (http_sip(&c) > 0)
        http_run(&t);
    http_expect(&c, 200, "/a|");
    http_expect_open(&c);
    http_leave(&c, true);
    http_end(&t);
}

static void idle_connections(void **state)
{
    struct http_test t;
    static struct http_client c[200];
    (void)state;
    http_begin(&t);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(c); i++)
        http_connect(&t, &c[i]);
    size_t blocks = test_heap_blocks(t.p);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(c); i++) {
        http_say(&c[i], "GET / HTTP/1.1\r\n" END);
        http_expect(&c[i], 200, "/|");
    }
    http_run(&t);
    assert_true(test_heap_blocks(t.p) <= blocks + 8); /* they hold nothing but themselves */
    assert_int_equal(t.tcp.segments, 0);
    http_pass(&t, 59 * HTTP_S);
    http_say(&c[0], "GET / HTTP/1.1\r\n" END);
    http_expect(&c[0], 200, "/|");
    http_pass(&t, 2 * HTTP_S);
    http_expect_open(&c[0]);
    http_leave(&c[0], true);
    for (unsigned i = 1; i < RUNG_ARRAY_LEN(c); i++)
        http_expect_closed(&c[i]);
    http_end(&t);
}

static void too_many_connections(void **state)
{
    struct http_test t;
    struct http_limits limits = http_defaults;
    static struct http_client c[300];
    unsigned refused = 0, waiting = 0;
    (void)state;
    limits.max_connections = 3;
    http_begin_with(&t, &limits);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(c); i++) {
        c[i].deaf = i == 10;
        http_connect(&t, &c[i]);
    }
    for (unsigned i = 3; i < RUNG_ARRAY_LEN(c); i++) {
        if (c[i].rx_len > 0)
            refused++;
        else
            waiting++;
    }
    assert_true(refused > 0 && waiting > 0); /* the flood waits in the backlog */
    for (unsigned i = 3; i < RUNG_ARRAY_LEN(c); i++) {
        http_pass(&t, HTTP_S / 10);
        http_expect(&c[i], 503, NULL);
        http_expect_closed(&c[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        http_say(&c[i], "GET / HTTP/1.1\r\n" END);
        http_expect(&c[i], 200, "/|");
        http_leave(&c[i], true);
    }
    http_connect(&t, &c[0]);
    http_say(&c[0], "GET / HTTP/1.1\r\n" END); /* room again */
    http_expect(&c[0], 200, "/|");
    http_leave(&c[0], true);
    http_end(&t);
}

/* No descriptor for a while: nothing is lost. */
static void accept_stops_and_goes_on(void **state)
{
    struct http_test t;
    struct http_client c;
    (void)state;
    http_begin(&t);
    t.tcp.full = true;
    http_connect(&t, &c);
    http_say(&c, "GET / HTTP/1.1\r\n" END);
    assert_int_equal(c.rx_len, 0);
    t.tcp.full = false;
    tcp_loop_wake(&t.tcp);
    http_run(&t);
    http_expect(&c, 200, "/|");
    http_leave(&c, true);
    http_end(&t);
}

const struct CMUnitTest http_limit_cases[] = {
    cmocka_unit_test(head_size),
    cmocka_unit_test(method_size),
    cmocka_unit_test(header_count),
    cmocka_unit_test(body_size),
    cmocka_unit_test(framing_without_end),
    cmocka_unit_test(flood_after_error),
    cmocka_unit_test(slow_loris),
    cmocka_unit_test(slow_body),
    cmocka_unit_test(longest_timeouts),
    cmocka_unit_test(idle_connections),
    cmocka_unit_test(too_many_connections),
    cmocka_unit_test(accept_stops_and_goes_on),
    {0},
};
