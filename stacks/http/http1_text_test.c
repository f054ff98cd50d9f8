/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_text_test.c - the pure functions of HTTP, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http1_text.h"

/* A copy of its exact length, so that the sanitizer sees a read behind the end. */
static struct http1_span exact(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return (struct http1_span){copy, len};
}

static void drop(struct http1_span span)
{
    free((char *)(uintptr_t)span.at);
}

static void targets(void **state)
{
    static const struct {
        const char *target, *path, *query, *host;
    } cases[] = {
        {"/", "/", NULL, NULL},
        {"/a/b.c", "/a/b.c", NULL, NULL},
        {"/a?", "/a", "", NULL},
        {"/a?b=c?d", "/a", "b=c?d", NULL},
        {"/%61%2Fb", "/a/b", NULL, NULL},
        {"/a/../b/./c//d/", "/b/c/d/", NULL, NULL},
        {"/a/b/../..", "/", NULL, NULL},
        {"/.", "/", NULL, NULL},
        {"//", "/", NULL, NULL},
        {"/..a/.b/c..", "/..a/.b/c..", NULL, NULL},
        {"/%2e", "/", NULL, NULL},
        {"/%25%32%65", "/%2e", NULL, NULL}, /* decoded once, not twice */
        {"/%ff%c0%af", "/\xff\xc0\xaf", NULL, NULL},
        {"http://h", "/", NULL, "h"},
        {"HTTP://h:80/x", "/x", NULL, "h:80"},
        {"https://[::1]?q", "/", "q", "[::1]"},
        {"*", "*", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http1_span in = exact(cases[i].target);
        char *space = malloc(HTTP1_TARGET_SPACE(in.len));
        struct http1_target out;
        assert_non_null(space);
        assert_int_equal(rung_http1_target(in, space, &out), 0);
        assert_string_equal(out.path, cases[i].path);
        assert_int_equal(out.path_len, strlen(cases[i].path));
        assert_int_equal(out.query != NULL, cases[i].query != NULL);
        if (out.query != NULL) {
            assert_string_equal(out.query, cases[i].query);
            assert_int_equal(out.query_len, strlen(cases[i].query));
        }
        assert_int_equal(out.host.at != NULL, cases[i].host != NULL);
        if (out.host.at != NULL) {
            assert_int_equal(out.host.len, strlen(cases[i].host));
            assert_memory_equal(out.host.at, cases[i].host, out.host.len);
        }
        free(space);
        drop(in);
    }
}

static void bad_targets(void **state)
{
    static const char *const cases[] = {
        "", "/..", "/../", "/a/../..", "/%2e%2e/", "/%2e./", "/a%2f..%2f..", "/%", "/%1", "/a%",
        "/%g1", "/%1g", "/%00", "/a%00b", "/a#b", "/a?b#c", "x", "http:", "http://", "http:///",
        "http://?a", "ftp://a/", "**", "a/b",
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http1_span in = exact(cases[i]);
        char *space = malloc(HTTP1_TARGET_SPACE(in.len));
        struct http1_target out;
        assert_non_null(space);
        if (rung_http1_target(in, space, &out) != 400)
            fail_msg("'%s' is taken for a target", cases[i]);
        free(space);
        drop(in);
    }
}

/* What is escaped decodes to what it was. */
static void escapes(void **state)
{
    char all[256], text[1024], space[1200];
    struct http1_target out;
    size_t n = 0;
    (void)state;
    all[n++] = '/';
    for (int c = 1; c < 256; c++) {
        if (c != '/')
            all[n++] = (char)c;
    }
    size_t len = rung_http1_escape((struct http1_span){all, n}, NULL);
    assert_true(len < sizeof text);
    assert_int_equal(rung_http1_escape((struct http1_span){all, n}, text), len);
    for (size_t i = 0; i < len; i++)
        assert_true(text[i] > ' ' && text[i] < 0x7f && strchr("?#\"<>\\", text[i]) == NULL);
    assert_int_equal(rung_http1_target((struct http1_span){text, len}, space, &out), 0);
    assert_int_equal(out.path_len, n);
    assert_memory_equal(out.path, all, n);
}

static void ranges(void **state)
{
    static const struct {
        const char *value;
        uint64_t size;
        enum http1_range kind;
        uint64_t first, count;
    } cases[] = {
        {"bytes=0-0", 10, HTTP1_RANGE_ONE, 0, 1},
        {"bytes=0-", 10, HTTP1_RANGE_ONE, 0, 10},
        {"bytes=9-9", 10, HTTP1_RANGE_ONE, 9, 1},
        {"bytes=9-10", 10, HTTP1_RANGE_ONE, 9, 1},
        {"bytes=-1", 10, HTTP1_RANGE_ONE, 9, 1},
        {"bytes=-10", 10, HTTP1_RANGE_ONE, 0, 10},
        {"bytes=-11", 10, HTTP1_RANGE_ONE, 0, 10},
        {"bytes= 2-3 ", 10, HTTP1_RANGE_ONE, 2, 2},
        {"BYTES=2-3", 10, HTTP1_RANGE_ONE, 2, 2},
        {"bytes=0-18446744073709551615", 10, HTTP1_RANGE_ONE, 0, 10},
        {"bytes=0-99999999999999999999999999", 10, HTTP1_RANGE_ONE, 0, 10},
        {"bytes=1-", UINT64_MAX, HTTP1_RANGE_ONE, 1, UINT64_MAX - 1},
        {"bytes=10-", 10, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=18446744073709551616-", 10, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, HTTP1_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-1", 0, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=5-4", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=-", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=1", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=1-2,3-4", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=1-2x", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes=+1-2", 10, HTTP1_RANGE_NONE, 0, 0},
        {"byte=1-2", 10, HTTP1_RANGE_NONE, 0, 0},
        {"bytes", 10, HTTP1_RANGE_NONE, 0, 0},
        {"", 10, HTTP1_RANGE_NONE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http1_span in = exact(cases[i].value);
        uint64_t first = 0, count = 0;
        if (rung_http1_range(in, cases[i].size, &first, &count) != cases[i].kind)
            fail_msg("'%s' of %llu", cases[i].value, (unsigned long long)cases[i].size);
        if (cases[i].kind == HTTP1_RANGE_ONE) {
            assert_true(first == cases[i].first && count == cases[i].count);
            assert_true(count > 0 && first + count <= cases[i].size);
        }
        drop(in);
    }
}

static void etags(void **state)
{
    static const struct {
        const char *list;
        bool strong, weak; /* whether "a" is in it, compared so */
    } cases[] = {
        {"\"a\"", true, true},          {" \"a\" ", true, true},     {"\"b\", \"a\"", true, true},
        {"\"b\",,\"a\",", true, true},  {"W/\"a\"", false, true},    {"W/\"a\", \"a\"", true, true},
        {"*", true, true},              {" * ", true, true},         {"\"b\"", false, false},
        {"", false, false},             {"a", false, false},         {"\"a", false, false},
        {"a\"", false, false},          {"\"\"", false, false},      {"w/\"a\"", false, false},
        {"x, \"a\"", false, false},     {"\"b,a\"", false, false},   {"\"a\"\"a\"", true, true},
        {"W/", false, false},           {"\"A\"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http1_span in = exact(cases[i].list);
        struct http1_span etag = http1_span("\"a\"");
        if (rung_http1_etag_listed(in, etag, true) != cases[i].strong
            || rung_http1_etag_listed(in, etag, false) != cases[i].weak)
            fail_msg("[%s]", cases[i].list);
        drop(in);
    }
}

static void accepted(void **state)
{
    static const struct {
        const char *value;
        bool gzip;
    } cases[] = {
        {"gzip", true},
        {"GZIP", true},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"gzip ; q=0.5", true},
        {"gzip;q=0.001", true},
        {"*", true},
        {"identity;q=0, *", true},
        {"", false},
        {"gzipped", false},
        {"gzi", false},
        {"gzip;q=0", false},
        {"gzip;q=0.0000", false},
        {"gzip;q=1.001", false},
        {"gzip;q=", false},
        {"gzip;q", false},
        {"gzip;", true}, /* an empty parameter is none */
        {"gzip;x=1", false},
        {"identity", false},
        {"identity;q=1, gzip;q=0.999", false},
        {",,;;,", false},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        struct http1_span in = exact(cases[i].value);
        if (rung_http1_takes_gzip(in) != cases[i].gzip)
            fail_msg("[%s]", cases[i].value);
        drop(in);
    }
}

static void dates(void **state)
{
    static const struct {
        uint64_t s;
        const char *text;
    } cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110, 5.6.7 */
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
        {1767225599, "Wed, 31 Dec 2025 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"}, /* 2100 has no 29 February */
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {18446744073, "Sun, 21 Jul 2554 23:34:33 GMT"},
    };
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(cases); i++) {
        char text[HTTP1_DATE_TEXT];
        rung_http1_date(cases[i].s, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void types(void **state)
{
    (void)state;
    assert_string_equal(rung_http1_type(http1_span("a/b.html")), "text/html; charset=utf-8");
    assert_string_equal(rung_http1_type(http1_span("B.SVG")), "image/svg+xml");
    assert_string_equal(rung_http1_type(http1_span("x.tar.gz")), "application/gzip");
    assert_string_equal(rung_http1_type(http1_span(".css")), "text/css; charset=utf-8");
    assert_string_equal(rung_http1_type(http1_span("a.html/b")), "application/octet-stream");
    assert_string_equal(rung_http1_type(http1_span("html")), "application/octet-stream");
    assert_string_equal(rung_http1_type(http1_span("a.")), "application/octet-stream");
    assert_string_equal(rung_http1_type(http1_span("")), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),  cmocka_unit_test(bad_targets), cmocka_unit_test(escapes),
        cmocka_unit_test(ranges),   cmocka_unit_test(etags),       cmocka_unit_test(accepted),
        cmocka_unit_test(dates),    cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
