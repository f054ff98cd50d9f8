/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_kv.c - stored values: names, variants, conditions, ranges, failures. */
#include "suite.h"

#define END "Host: h\r\n\r\n"
#define ALPHABET "abcdefghijklmnopqrstuvwxyz"

static void kv_begin(struct http_test *t, struct http_client *c)
{
    http_begin(t);
    t->app = http_app_kv;
    t->kv.value[0] = (struct kv_fake_value){.key = "index.html", .bytes = "<p>", .len = 3};
    t->kv.value[1] = (struct kv_fake_value){
        .key = "a.txt", .bytes = ALPHABET, .len = 26, .gzip = "GZIPPED", .gzip_len = 7,
        .version = "v1-2"};
    t->kv.value[2] = (struct kv_fake_value){
        .key = "dir/index.html", .bytes = "dir", .len = 3, .type = "text/x-own", .version = "d"};
    t->kv.value[3] = (struct kv_fake_value){.key = "empty", .bytes = "", .version = "e"};
    t->kv.value[4] = (struct kv_fake_value){
        .key = "d\xc3\xa4 %/index.html", .bytes = "x", .len = 1};
    http_connect(t, c);
}

static void kv_end(struct http_test *t, struct http_client *c, struct http_answer *a)
{
    http_expect_open(c);
    http_leave(c, true);
    free(a->body);
    http_end(t);
}

/* One request with further header lines, and its response. */
static void kv_ask(struct http_client *c, struct http_answer *a, const char *line,
                   const char *headers)
{
    char text[512];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\n%s" END, line, headers);
    http_say(c, text);
    http_take(c, a, strncmp(line, "HEAD", 4) == 0);
}

static void names_and_types(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    kv_ask(&c, &a, "GET /", "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "<p>");
    assert_string_equal(http_value(&a, "Content-Type"), "text/html; charset=utf-8");
    assert_null(http_value(&a, "ETag")); /* its version is not known */
    assert_string_equal(http_value(&a, "Vary"), "Accept-Encoding");
    assert_string_equal(http_value(&a, "Accept-Ranges"), "bytes");
    kv_ask(&c, &a, "GET /dir/?q", "");
    assert_string_equal(a.body, "dir");
    assert_string_equal(http_value(&a, "Content-Type"), "text/x-own");
    assert_string_equal(http_value(&a, "ETag"), "\"d\"");
    kv_ask(&c, &a, "GET /dir?q=/&x", "");
    assert_int_equal(a.status, 301);
    assert_string_equal(http_value(&a, "Location"), "/dir/?q=/&x");
    kv_ask(&c, &a, "HEAD //dir", "");
    assert_int_equal(a.status, 301);
    assert_string_equal(http_value(&a, "Location"), "/dir/");
    kv_ask(&c, &a, "GET /d%c3%a4%20%25", "");
    assert_int_equal(a.status, 301);
    assert_string_equal(http_value(&a, "Location"), "/d%C3%A4%20%25/");
    kv_ask(&c, &a, "GET /none", "");
    assert_int_equal(a.status, 404);
    kv_ask(&c, &a, "GET /none/", "");
    assert_int_equal(a.status, 404);
    kv_ask(&c, &a, "GET /dir/none?q", "");
    assert_int_equal(a.status, 404);
    kv_ask(&c, &a, "POST /a.txt", "Content-Length: 0\r\n");
    assert_int_equal(a.status, 405);
    assert_string_equal(http_value(&a, "Allow"), "GET, HEAD");
    kv_ask(&c, &a, "GET /empty", "");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, 0);
    assert_string_equal(http_value(&a, "Content-Type"), "application/octet-stream");
    kv_end(&t, &c, &a);
}

/* Longer than any key, and longer than what a request has room for without a block. */
static void long_names(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    static const size_t lens[] = {1000, 1023, 1024, 1025, 1099, 1100, 1101, 2000, 8000};
    char *text = malloc(9000);
    (void)state;
    assert_non_null(text);
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(lens); i++) {
        for (unsigned slash = 0; slash < 2; slash++) {
            char *at = text + sprintf(text, "GET /");
            memset(at, 'k', lens[i]);
            at[lens[i] - 1] = slash != 0 ? '/' : 'k';
            sprintf(at + lens[i], "?query HTTP/1.1\r\n" END);
            http_say(&c, text);
            http_take(&c, &a, false);
            assert_int_equal(a.status, 404);
        }
    }
    free(text);
    kv_end(&t, &c, &a);
}

static void gzip_by_accept_encoding(void **state)
{
    static const struct {
        const char *accept;
        bool gzip;
    } cases[] = {
        {"gzip", true},           {"GZip, deflate, br", true},   {"br, x-gzip;q=0.1", true},
        {"*", true},              {"deflate", false},            {"gzip;q=0", false},
        {"gzip;q=0.000", false},  {"identity, gzip;q=0.9", false}, {"*;q=0", false},
        {"identity;q=0.5, gzip;q=1.0", true}, {"gzip;q=2", false},  {"gzip;q=x", false},
        {"*, gzip;q=0", false},   {"identity", false},
    };
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        char header[64];
        snprintf(header, sizeof header, "Accept-Encoding: %s\r\n", cases[i].accept);
        kv_ask(&c, &a, "GET /a.txt", header);
        assert_string_equal(a.body, cases[i].gzip ? "GZIPPED" : ALPHABET);
        assert_string_equal(http_value(&a, "ETag"), cases[i].gzip ? "\"v1-2-gz\"" : "\"v1-2\"");
        assert_int_equal(http_value(&a, "Content-Encoding") != NULL, cases[i].gzip);
        assert_string_equal(http_value(&a, "Vary"), "Accept-Encoding");
    }
    kv_ask(&c, &a, "GET /a.txt", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n");
    assert_string_equal(a.body, "GZIPPED");
    kv_ask(&c, &a, "GET /", "Accept-Encoding: gzip\r\n"); /* has no such variant */
    assert_string_equal(a.body, "<p>");
    assert_null(http_value(&a, "Content-Encoding"));
    kv_ask(&c, &a, "HEAD /a.txt", "Accept-Encoding: gzip\r\n");
    assert_string_equal(http_value(&a, "Content-Length"), "7");
    kv_ask(&c, &a, "GET /a.txt", "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n");
    assert_int_equal(a.status, 206); /* of what would be sent: the gzip variant */
    assert_string_equal(a.body, "ZI");
    kv_end(&t, &c, &a);
}

static void conditions(void **state)
{
    static const struct {
        unsigned status;
        const char *headers;
    } cases[] = {
        {304, "If-None-Match: \"v1-2\"\r\n"},
        {304, "If-None-Match: W/\"v1-2\"\r\n"},
        {304, "If-None-Match: \"x\", \"v1-2\"\r\n"},
        {304, "If-None-Match: \"x\"\r\nIf-None-Match: \"v1-2\"\r\n"},
        {304, "If-None-Match: *\r\n"},
        {200, "If-None-Match: \"v1\"\r\n"},
        {200, "If-None-Match: v1-2\r\n"},
        {200, "If-None-Match: \"v1-2-gz\"\r\n"},
        {304, "If-None-Match: \"v1-2-gz\"\r\nAccept-Encoding: gzip\r\n"},
        {200, "If-None-Match: \"v1-2\"\r\nAccept-Encoding: gzip\r\n"},
        {200, "If-Match: \"v1-2\"\r\n"},
        {200, "If-Match: *\r\n"},
        {412, "If-Match: W/\"v1-2\"\r\n"},
        {412, "If-Match: \"v1\"\r\n"},
        {412, "If-Match: \"v1\"\r\nIf-None-Match: \"v1-2\"\r\n"},
        {304, "If-Match: \"v1-2\"\r\nIf-None-Match: \"v1-2\"\r\n"},
        {200, "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"},
        {200, "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n"},
        {304, "If-None-Match: \"v1-2\"\r\nRange: bytes=0-1\r\n"},
    };
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        uint64_t bytes = t.kv.bytes;
        kv_ask(&c, &a, "GET /a.txt", cases[i].headers);
        if (a.status != cases[i].status)
            fail_msg("%u, not %u, for %s", a.status, cases[i].status, cases[i].headers);
        if (a.status == 304) {
            assert_non_null(http_value(&a, "ETag"));
            assert_non_null(http_value(&a, "Vary"));
            assert_null(http_value(&a, "Content-Encoding"));
        }
        if (a.status != 200)
            assert_int_equal(t.kv.bytes, bytes); /* nothing fetched that is not sent */
        kv_ask(&c, &a, "HEAD /a.txt", cases[i].headers);
        assert_int_equal(a.status, cases[i].status);
    }
    kv_ask(&c, &a, "GET /", "If-None-Match: \"\"\r\n"); /* no version: no tag equals it */
    assert_int_equal(a.status, 200);
    kv_end(&t, &c, &a);
}

static void ranges(void **state)
{
    static const struct {
        unsigned status;
        const char *headers, *range, *body;
    } cases[] = {
        {206, "Range: bytes=0-0\r\n", "bytes 0-0/26", "a"},
        {206, "Range: bytes=1-3\r\n", "bytes 1-3/26", "bcd"},
        {206, "Range: Bytes=24-\r\n", "bytes 24-25/26", "yz"},
        {206, "Range: bytes=24-99999999999999999999999\r\n", "bytes 24-25/26", "yz"},
        {206, "Range: bytes=-3\r\n", "bytes 23-25/26", "xyz"},
        {206, "Range: bytes=-99\r\n", "bytes 0-25/26", ALPHABET},
        {416, "Range: bytes=26-\r\n", "bytes */26", ""},
        {416, "Range: bytes=99999999999999999999999-\r\n", "bytes */26", ""},
        {416, "Range: bytes=-0\r\n", "bytes */26", ""},
        {200, "Range: bytes=3-2\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0,2-3\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nRange: bytes=1-1\r\n", NULL, ALPHABET},
        {200, "Range: bytes=-\r\n", NULL, ALPHABET},
        {200, "Range: bytes=a-b\r\n", NULL, ALPHABET},
        {200, "Range: lines=0-0\r\n", NULL, ALPHABET},
        {206, "Range: bytes=0-0\r\nIf-Range: \"v1-2\"\r\n", "bytes 0-0/26", "a"},
        {200, "Range: bytes=0-0\r\nIf-Range: \"v1\"\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nIf-Range: *\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nIf-Range: \"x\", \"v1-2\"\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nIf-Range: \"v1-2\"\r\nIf-Range: \"x\"\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nIf-Range: W/\"v1-2\"\r\n", NULL, ALPHABET},
        {200, "Range: bytes=0-0\r\nIf-Range: Thu, 01 Jan 2026 00:00:00 GMT\r\n", NULL, ALPHABET},
    };
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        kv_ask(&c, &a, "GET /a.txt", cases[i].headers);
        const char *range = http_value(&a, "Content-Range");
        if (a.status != cases[i].status)
            fail_msg("%u, not %u, for %s", a.status, cases[i].status, cases[i].headers);
        assert_string_equal(a.body, cases[i].body);
        if (cases[i].range != NULL)
            assert_string_equal(range, cases[i].range);
        else
            assert_null(range);
    }
    kv_ask(&c, &a, "HEAD /a.txt", "Range: bytes=0-0\r\n");
    assert_int_equal(a.status, 200); /* ranges are for GET */
    kv_ask(&c, &a, "GET /empty", "Range: bytes=-5\r\n");
    assert_int_equal(a.status, 200);
    kv_ask(&c, &a, "GET /empty", "Range: bytes=0-\r\n");
    assert_int_equal(a.status, 416);
    kv_end(&t, &c, &a);
}

/* Whatever a module does differently with short values and long ones, no byte shows it. */
static void lengths(void **state)
{
    static const size_t cases[] = {1, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 65536};
    static char bytes[65536];
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        t.kv.value[5] = (struct kv_fake_value){.key = "n", .bytes = bytes, .len = cases[i]};
        for (unsigned n = 0; n < 3; n++)
            http_send(&c, "GET /n HTTP/1.1\r\n" END, sizeof "GET /n HTTP/1.1\r\n" END - 1);
        http_run(&t);
        for (unsigned n = 0; n < 3; n++) {
            http_take(&c, &a, false);
            assert_int_equal(a.status, 200);
            assert_int_equal(a.body_len, cases[i]);
            assert_memory_equal(a.body, bytes, cases[i]);
        }
    }
    kv_end(&t, &c, &a);
}

static void store_failures(void **state)
{
    static const struct {
        int error;
        unsigned status;
        bool logged;
    } cases[] = {
        {RUNG_E_NOTFOUND, 404, false}, {RUNG_E_INVAL, 404, false}, {RUNG_E_NOMEM, 503, false},
        {RUNG_E_IO, 500, true},        {RUNG_E_CORRUPT, 500, true}, {RUNG_E_DOWN, 500, true},
        {RUNG_E_LIMIT, 503, false},    {RUNG_E_CHANGED, 503, true},
    };
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        size_t lines = test_log_count(t.p);
        t.kv.error = cases[i].error;
        kv_ask(&c, &a, "GET /a.txt", "");
        assert_int_equal(a.status, cases[i].status);
        assert_int_equal(http_value(&a, "Retry-After") != NULL, a.status == 503);
        assert_int_equal(test_log_count(t.p) - lines, cases[i].logged);
    }
    assert_non_null(strstr(test_log_last(t.p), "a.txt"));
    t.kv.error = 0;
    kv_ask(&c, &a, "GET /a.txt", "");
    assert_int_equal(a.status, 200);
    kv_end(&t, &c, &a);
}

static void changing_twice(struct kv_fake *fake, unsigned nth)
{
    fake->error = nth < 3 ? RUNG_E_CHANGED : RUNG_OK;
}

/* A file that somebody writes to just now: asked for again. */
static void store_is_written_to(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    (void)state;
    kv_begin(&t, &c);
    size_t lines = test_log_count(t.p);
    t.kv.before = changing_twice;
    kv_ask(&c, &a, "GET /a.txt", "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, ALPHABET);
    assert_int_equal(test_log_count(t.p), lines);
    kv_end(&t, &c, &a);
}

const struct CMUnitTest http_kv_cases[] = {
    cmocka_unit_test(names_and_types),
    cmocka_unit_test(long_names),
    cmocka_unit_test(gzip_by_accept_encoding),
    cmocka_unit_test(conditions),
    cmocka_unit_test(ranges),
    cmocka_unit_test(lengths),
    cmocka_unit_test(store_failures),
    cmocka_unit_test(store_is_written_to),
    {0},
};
