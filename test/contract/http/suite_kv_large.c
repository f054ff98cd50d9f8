/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_kv_large.c - values larger than what is in flight at once, and values
 * that change while they are sent. */
#include "suite.h"

#define END "Host: h\r\n\r\n"

/* Smaller where each byte is a turn of the loop. */
static size_t large_len(void)
{
    return http_way->segment == 1 ? 300001 : 3000001;
}

static void large_begin(struct http_test *t, struct http_client *c, char **bytes)
{
    size_t len = large_len();
    http_begin(t);
    t->app = http_app_kv;
    *bytes = malloc(len);
    assert_non_null(*bytes);
    for (size_t i = 0; i < len; i++)
        (*bytes)[i] = (char)(i * 2654435761u >> 13);
    t->kv.value[0] = (struct kv_fake_value){
        .key = "big", .bytes = *bytes, .len = len, .version = "1"};
    http_connect(t, c);
}

static void comes_whole(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    char *bytes;
    (void)state;
    large_begin(&t, &c, &bytes);
    http_say(&c, "GET /big HTTP/1.1\r\n" END "GET /big HTTP/1.1\r\nRange: bytes=7-\r\n" END
                 "HEAD /big HTTP/1.1\r\n" END);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, large_len());
    assert_memory_equal(a.body, bytes, a.body_len);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 206);
    assert_int_equal(a.body_len, large_len() - 7);
    assert_memory_equal(a.body, bytes + 7, a.body_len);
    http_take(&c, &a, true);
    assert_int_equal(a.status, 200);
    http_expect_open(&c);
    http_leave(&c, true);
    free(a.body);
    free(bytes);
    http_end(&t);
}

/* A client that takes nothing: what waits for it is bounded, and in the end it is reset. */
static void never_reading_client(void **state)
{
    struct http_test t;
    struct http_client c, other;
    char *bytes;
    (void)state;
    large_begin(&t, &c, &bytes);
    c.deaf = true;
    http_say(&c, "GET /big HTTP/1.1\r\n" END);
    assert_true(t.kv.bytes < large_len());
    assert_true(t.kv.bytes <= 400 << 10);
    assert_true(t.kv.lent <= 2);
    http_connect(&t, &other); /* others are served meanwhile */
    http_say(&other, "HEAD /big HTTP/1.1\r\n" END);
    struct http_answer a = {0};
    http_take(&other, &a, true);
    http_pass(&t, 59 * HTTP_S);
    assert_int_equal(c.error, 0);
    assert_true(t.kv.lent > 0);
    http_pass(&t, 2 * HTTP_S);
    assert_int_equal(t.kv.lent, 0);
    c.deaf = false;
    struct rung_buf *lent;
    assert_int_equal(rung_tcp_recv(c.conn, &lent, 1), RUNG_E_RESET);
    http_leave(&c, false);
    http_leave(&other, true);
    free(a.body);
    free(bytes);
    http_end(&t);
}

/* One that takes a little now and then is slow, not dead. shut: it has shut its own side. */
static void slow_client_with(const char *connection, bool shut, size_t queue)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    char *bytes, text[128];
    large_begin(&t, &c, &bytes);
    t.tcp.queue = queue;
    c.deaf = true;
    snprintf(text, sizeof text, "GET /big HTTP/1.1\r\nConnection: %s\r\n" END, connection);
    http_say(&c, text);
    if (shut)
        http_shut(&c);
    while (!c.eof && c.rx_len < large_len() + 100) {
        size_t sip, taken = 0;
        do {
            http_run(&t);
            taken += sip = http_sip(&c);
        } while (sip > 0 && taken < 70000);
        assert_int_equal(c.error, 0);
        http_pass(&t, 50 * HTTP_S);
    }
    c.deaf = false;
    http_take(&c, &a, false);
    assert_int_equal(a.body_len, large_len());
    assert_memory_equal(a.body, bytes, a.body_len);
    http_leave(&c, true);
    free(a.body);
    free(bytes);
    http_end(&t);
}

static void slow_client(void **state)
{
    (void)state;
    slow_client_with("close", false, 65536);
    slow_client_with("close", true, 65536);
    slow_client_with("keep-alive", true, 65536);
    slow_client_with("keep-alive", false, 65536);
    slow_client_with("keep-alive", false, 4 << 20); /* TCP takes it all at once */
    slow_client_with("close", true, 4 << 20);
    slow_client_with("keep-alive", true, 4 << 20);
}

static void hold_all(struct kv_fake *fake, unsigned nth)
{
    (void)nth;
    fake->hold = true;
}

/* A store that takes its time, while TCP has none to lose. */
static void slow_store(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    char *bytes;
    (void)state;
    large_begin(&t, &c, &bytes);
    t.kv.before = hold_all;
    http_say(&c, "GET /big HTTP/1.1\r\n" END);
    while (t.kv.held_count > 0) {
        http_pass(&t, 100 * HTTP_S); /* no time-out of the client's */
        kv_fake_go(&t.kv);
        http_run(&t);
    }
    http_take(&c, &a, false);
    assert_int_equal(a.body_len, large_len());
    assert_memory_equal(a.body, bytes, a.body_len);
    http_expect_open(&c);
    http_leave(&c, true);
    free(a.body);
    free(bytes);
    http_end(&t);
}

static void change_third(struct kv_fake *fake, unsigned nth)
{
    if (nth == 3)
        fake->value[0].version = "2";
}

static void shrink_third(struct kv_fake *fake, unsigned nth)
{
    if (nth == 3)
        fake->value[0].len = 200000;
}

static void fail_third(struct kv_fake *fake, unsigned nth)
{
    if (nth == 3)
        fake->error = RUNG_E_IO;
}

/* What has begun cannot be ended as if it were whole: the connection is reset. */
static void change_on_the_way(void **state)
{
    void (*const change[])(struct kv_fake *, unsigned) = {change_third, shrink_third, fail_third};
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(change); i++) {
        struct http_test t;
        struct http_client c;
        char *bytes;
        large_begin(&t, &c, &bytes);
        t.kv.before = change[i];
        http_say(&c, "GET /big HTTP/1.1\r\n" END "GET /big HTTP/1.1\r\n" END);
        assert_int_equal(c.error, RUNG_E_RESET);
        assert_true(c.rx_len < large_len());
        assert_non_null(strstr(test_log_last(t.p), "big"));
        assert_int_equal(t.kv.lent, 0);
        http_leave(&c, false);
        free(bytes);
        http_end(&t);
    }
}

static void change_second(struct kv_fake *fake, unsigned nth)
{
    if (nth == 2) {
        fake->value[0].version = "2";
        fake->value[0].len = 100;
    }
}

static void change_always(struct kv_fake *fake, unsigned nth)
{
    fake->value[0].len = nth % 2 != 0 ? large_len() : 100;
}

/* Before anything was sent, the answer is made anew from what the value is now. */
static void change_before_the_head(void **state)
{
    struct http_test t;
    struct http_client c;
    struct http_answer a = {0};
    char *bytes;
    (void)state;
    large_begin(&t, &c, &bytes);
    t.kv.before = change_second;
    http_say(&c, "GET /big HTTP/1.1\r\nRange: bytes=90-\r\n" END);
    http_take(&c, &a, false);
    assert_int_equal(a.status, 206);
    assert_string_equal(http_value(&a, "Content-Range"), "bytes 90-99/100");
    assert_string_equal(http_value(&a, "ETag"), "\"2\"");
    assert_memory_equal(a.body, bytes + 90, 10);
    t.kv.before = change_always;
    t.kv.gets = 0;
    http_say(&c, "GET /big HTTP/1.1\r\nRange: bytes=-150000\r\n" END);
    http_take(&c, &a, false);
    assert_true(a.status == 503 || a.status == 206); /* and it comes to an end */
    http_expect_open(&c);
    http_leave(&c, true);
    free(a.body);
    free(bytes);
    http_end(&t);
}

/* The client goes while the store is at it, or while bytes are on their way. */
static void client_goes(void **state)
{
    struct http_test t;
    struct http_client c;
    char *bytes;
    (void)state;
    large_begin(&t, &c, &bytes);
    t.kv.hold = true;
    http_say(&c, "GET /big HTTP/1.1\r\n" END);
    http_leave(&c, false);
    assert_int_equal(t.kv.held_count, 1);
    kv_fake_go(&t.kv);
    http_run(&t);
    assert_int_equal(t.kv.lent, 0);
    http_connect(&t, &c);
    c.deaf = true;
    t.kv.hold = false;
    http_say(&c, "GET /big HTTP/1.1\r\n" END);
    assert_true(t.kv.lent > 0);
    http_leave(&c, false);
    assert_int_equal(t.kv.lent, 0);
    http_connect(&t, &c);
    http_say(&c, "GET /big HTTP/1.1\r\n" END);
    http_leave(&c, true);
    free(bytes);
    http_end(&t);
}

const struct CMUnitTest http_kv_large_cases[] = {
    cmocka_unit_test(comes_whole),
    cmocka_unit_test(never_reading_client),
    cmocka_unit_test(slow_client),
    cmocka_unit_test(slow_store),
    cmocka_unit_test(change_on_the_way),
    cmocka_unit_test(change_before_the_head),
    cmocka_unit_test(client_goes),
    {0},
};
