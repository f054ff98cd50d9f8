/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_memory.c - memory that is bounded, and memory that runs out. */
#include "suite.h"

#define END "Host: h\r\n\r\n"

/* Much more than a connection holds of it; smaller where each byte is a turn of the loop. */
static size_t memory_len(void)
{
    if (getenv("RUNG_TEST_SLOW"))
        return http_way->segment == 1 ? 100001 : 300001;
    return http_way->segment == 1 ? 300001 : 3000001;
}

static void read_whole(struct http_client *c, const char *bytes)
{
    struct http_answer a = {0};
    c->deaf = false;
    while (http_sip(c) > 0)
        http_run(c->t);
    http_take(c, &a, false);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, memory_len());
    assert_memory_equal(a.body, bytes, a.body_len);
    free(a.body);
    http_leave(c, true);
}

/* What many hold that ask and do not read is bounded, but for a little for each, and they get it
 * all when they do read. What a store lends in place is no memory, and is not cut. */
static void many_never_reading(void **state)
{
    enum { MANY = 30, MEMORY = 1 << 20 };
    (void)state;
    for (unsigned in_place = 0; in_place < 2; in_place++) {
        struct http_test t;
        static struct http_client c[MANY];
        struct http_limits limits = http_defaults;
        char *bytes = malloc(memory_len());
        assert_non_null(bytes);
        for (size_t i = 0; i < memory_len(); i++)
            bytes[i] = (char)(i * 2654435761u >> 13);
        limits.memory = MEMORY;
        http_begin_with(&t, &limits);
        t.app = http_app_kv;
        t.tcp.window = 2000;
        t.kv.kv.info.caps |= in_place != 0 ? RUNG_KV_IN_PLACE : 0;
        t.kv.value[0] = (struct kv_fake_value){
            .key = "big", .bytes = bytes, .len = memory_len()};
        for (unsigned i = 0; i < MANY; i++) {
            http_connect(&t, &c[i]);
            c[i].deaf = true;
            http_say(&c[i], "GET /big HTTP/1.1\r\n" END);
        }
        assert_true(t.kv.lent >= MANY);
        if (in_place != 0)
            assert_true(t.kv.lent_bytes > 2 * MEMORY);
        else
            assert_in_range(t.kv.lent_bytes, MEMORY / 2, MEMORY + MANY * 4096);
        read_whole(&c[MANY - 1], bytes); /* which got the least */
        read_whole(&c[0], bytes);
        for (unsigned i = 1; i < MANY - 1; i++)
            http_leave(&c[i], false);
        assert_int_equal(t.kv.lent_bytes, 0);
        free(bytes);
        http_end(&t);
    }
}

/* Bodies that have half come, by Content-Length and in chunks, may take so much and no more. */
static void bodies_without_end(void **state)
{
    struct http_limits limits = http_defaults;
    struct http_test t;
    struct http_client c[3];
    struct http_answer a = {0};
    (void)state;
    limits.max_body = limits.memory = 10000;
    http_begin_with(&t, &limits);
    for (unsigned i = 0; i < 3; i++)
        http_connect(&t, &c[i]);
    http_say(&c[0], "POST / HTTP/1.1\r\nContent-Length: 9000\r\n" END "a");
    for (unsigned i = 0; i < 2; i++) {
        http_say(&c[1], i == 0 ? "POST / HTTP/1.1\r\nContent-Length: 1001\r\n" END "b"
                               : "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "9\r\nb");
        http_take(&c[1], &a, false);
        assert_int_equal(a.status, 503);
        assert_string_equal(http_value(&a, "Retry-After"), "1");
        http_expect_closed(&c[1]);
        http_connect(&t, &c[1]);
    }
    http_say(&c[1], "POST / HTTP/1.1\r\nContent-Length: 900\r\n" END "b"); /* this one fits */
    http_expect_open(&c[1]);
    http_leave(&c[0], false); /* and there is room again */
    http_say(&c[2], "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "5\r\nhel");
    http_say(&c[2], "lo\r\n0\r\n\r\n");
    http_expect(&c[2], 200, "/|hello");
    http_leave(&c[1], true);
    http_leave(&c[2], true);
    free(a.body);
    http_end(&t);
}

/* Every allocation of a few requests fails once: an answer or a reset, never a crash or a leak. */
static void out_of_memory(void **state)
{
    (void)state;
    for (long n = 1; n < 60; n++) {
        struct http_test t;
        struct http_client c;
        struct http_answer a = {0};
        http_begin(&t);
        http_connect(&t, &c);
        test_heap_fail_after(t.p, n);
        http_say(&c, "POST /a HTTP/1.1\r\nContent-Length: 5\r\n" END);
        http_say(&c, "hello");
        http_pass(&t, HTTP_S);
        test_heap_fail_after(t.p, 0);
        http_pass(&t, 11 * HTTP_S);
        if (c.error == 0 && c.rx_len > 0) {
            http_take(&c, &a, false);
            if (a.status != 200 && a.status != 503 && a.status != 408)
                fail_msg("status %u", a.status);
        }
        free(a.body);
        http_leave(&c, c.error == 0);
        http_connect(&t, &c); /* and it goes on */
        http_say(&c, "GET / HTTP/1.1\r\n" END);
        http_expect(&c, 200, "/|");
        http_leave(&c, true);
        http_end(&t);
    }
}

const struct CMUnitTest http_memory_cases[] = {
    cmocka_unit_test(many_never_reading),
    cmocka_unit_test(bodies_without_end),
    cmocka_unit_test(out_of_memory),
    {0},
};
