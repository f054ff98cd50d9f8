/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_share_test.c - what clients share: TCP's buffers, and the memory for transactions.
 * Whoever holds some and does not go on does not keep others from their turn. */
#include "kvd_rig.h"
#include "test_platform.h"

enum { DEAF = 10, PIPED = 250, PIPED_LEN = 1000 };

/* PIPED commands at once, twice, whose replies show PIPED_LEN bytes each. */
static void pipe_up(struct client *c, const char *format)
{
    static char text[PIPED * 1200], word[PIPED_LEN + 1];
    memset(word, 'w', PIPED_LEN);
    for (unsigned k = 0; k < 2; k++) {
        int len = 0;
        for (unsigned i = 0; i < PIPED; i++)
            len += snprintf(text + len, sizeof text - (size_t)len, format, word);
        client_send(c, text, (size_t)len);
        rig_run(c->rig);
    }
}

static void replies_are_whole(const struct client *c)
{
    static const char head[] = "$1000\r\n";
    unsigned count = 0;
    for (const char *at = c->rx; (at = strstr(at, head)) != NULL; at += PIPED_LEN, count++)
        assert_memory_equal(at + sizeof head - 1 + PIPED_LEN, "\r\n", 2);
    assert_int_equal(count, 2 * PIPED);
}

/* All of TCP's buffers that are lent are those that these clients have before them, and take. */
static void only_unread(const struct rig *rig, struct client *c[], unsigned count)
{
    size_t lent = rig->tcp.segments, unread = 0;
    for (unsigned i = 0; i < count; i++)
        unread += client_take(c[i], 1000);
    assert_int_equal(lent, unread);
}

/* Clients that pipeline and do not take the replies: no buffer of TCP's is kept for them, what is
 * kept is paid for, and when that is too much they have a second. */
static void test_deaf_pipelines(void **state)
{
    static const char *const formats[] = {
        "*2\r\n$4\r\nECHO\r\n$1000\r\n%s\r\n", "*2\r\n$4\r\nPING\r\n$1000\r\n%s\r\n",
        "*4\r\n$3\r\nSET\r\n$1\r\nv\r\n$1000\r\n%s\r\n$3\r\nGET\r\n",
        "MULTI\r\n*2\r\n$4\r\nECHO\r\n$1000\r\n%s\r\nEXEC\r\n"};
    (void)state;
    for (unsigned f = 0; f < RUNG_ARRAY_LEN(formats); f++) {
        struct rig rig = {.config = {.memory = 3 << 20, .max_query = 1 << 20,
                                     .max_pipeline = f % 2 ? 10000 : 50, /* a part */
                                     .max_connections = 20},
                          .tcp = {.segment = 300000, .queue = 16384}};
        struct client *c[DEAF], *good;
        unsigned left = 0;
        rig_open(&rig);
        rig.tcp.window = 300000;
        good = client_new(&rig);
        client_set(good, "v", PIPED_LEN);
        client_expect(good, "+OK\r\n");
        for (unsigned i = 0; i < DEAF; i++) {
            c[i] = client_new(&rig);
            c[i]->deaf = true;
            pipe_up(c[i], formats[f]);
            if (i == 2)
                only_unread(&rig, c, 3);
        }
        rig_pass(&rig, 2 * RUNG_NS_PER_S);
        assert_in_range(client_info(good, "connected_clients"), 2, DEAF);
        assert_in_range(client_info(good, "kvd_reply_bytes"), 1 << 18, 3 << 19);
        for (unsigned i = 0; i < DEAF; i++) {
            client_listen(c[i]);
            if (c[i]->error == 0 && ++left > 0)
                replies_are_whole(c[i]);
        }
        assert_in_range(left, 4, DEAF - 1);
        rig_close(&rig);
    }
}

/* A client may take its time between MULTI and EXEC; others do not pay for that. */
static void test_transactions_are_paid_for(void **state)
{
    struct rig rig = {.config = {.memory = 4 << 20, .max_query = 1 << 20, .max_pipeline = 100000},
                      .tcp = {.segment = 4096}};
    static const char head[] = "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1024\r\n";
    static char set[sizeof head - 1 + 1024 + 2];
    unsigned queued = 0;
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *other = client_new(&rig);
    client_ask(c, "MULTI", "+OK\r\n");
    memset(set, 'x', sizeof set);
    memcpy(set, head, sizeof head - 1);
    memcpy(set + sizeof set - 2, "\r\n", 2);
    for (; strstr(c->rx, "-") == NULL && queued < 2000; queued++) {
        client_send(c, set, sizeof set);
        rig_run(&rig);
    }
    assert_int_equal(rig.tcp.segments, 0);
    assert_in_range(queued, 500, 1024); /* half of the half of memory */
    assert_non_null(strstr(c->rx, "-ERR the transaction is longer than max-query allows"));
    assert_in_range(client_info(other, "kvd_query_bytes"), 512 << 10, 1 << 20);
    static const char none[] = "-OOM too many transactions at once\r\n";
    client_ask(other, "MULTI", "+OK\r\n");
    client_send(other, set, sizeof set);
    rig_run(&rig);
    client_expect(other, none);
    client_ask(other, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    client_set(other, "long", 900000); /* long commands have the other half */
    client_expect(other, "+OK\r\n");
    client_abort(c);
    rig_run(&rig);
    client_ask(other, "MULTI", "+OK\r\n");
    client_send(other, set, sizeof set);
    rig_run(&rig);
    client_expect(other, "+QUEUED\r\n");
    client_ask(other, "EXEC", "*1\r\n+OK\r\n");
    assert_int_equal(client_info(other, "kvd_query_bytes"), 0);
    rig_close(&rig);
}

enum { QUEUED_LEN = 60000 };

/* A command of about so many bytes for a transaction. */
static void queue_one(struct client *c)
{
    static char set[QUEUED_LEN + 64];
    int n = sprintf(set, "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$%u\r\n", QUEUED_LEN);
    memset(set + n, 'x', QUEUED_LEN);
    memcpy(set + n + QUEUED_LEN, "\r\n", 2);
    client_send(c, set, (size_t)n + QUEUED_LEN + 2);
    rig_run(c->rig);
}

static void hold_most(struct rig *rig, struct client *c, unsigned commands)
{
    client_ask(c, "MULTI", "+OK\r\n");
    for (unsigned i = 0; i < commands; i++)
        queue_one(c);
    assert_null(strstr(c->rx, "-"));
    c->len = 0;
    rig_pass(rig, 300 * RUNG_NS_PER_S);
    client_ask(c, "PING", "+QUEUED\r\n"); /* nobody has needed it: it is left alone */
}

static const char no_transaction[] = "-OOM too many transactions at once\r\n";

/* A transaction that has more than its share may wait for its EXEC until others need the memory:
 * then its client has a second, and a byte now and then does not help. */
static void test_held_transactions(void **state)
{
    (void)state;
    for (unsigned drips = 0; drips < 2; drips++) {
        struct rig rig = {.config = {.memory = 4 << 20, .max_query = 2 << 20}};
        rig_open(&rig);
        struct client *small = client_new(&rig), *hog = client_new(&rig), *c = client_new(&rig);
        client_ask(small, "MULTI", "+OK\r\n");
        client_ask(small, "SET small 1", "+QUEUED\r\n");
        hold_most(&rig, hog, 17);
        client_ask(c, "MULTI", "+OK\r\n");
        queue_one(c);
        client_expect(c, no_transaction);
        for (unsigned i = 0; i < 8 && drips && hog->error == 0 && !hog->eof; i++) {
            rig_pass(&rig, RUNG_NS_PER_S / 5);
            client_words(hog, "PING");
        }
        hog->len = 0;
        rig_pass(&rig, RUNG_NS_PER_S);
        hog->rx[hog->len] = '\0';
        client_gone(hog);
        client_ask(c, "DISCARD", "+OK\r\n");
        client_ask(c, "MULTI", "+OK\r\n");
        queue_one(c);
        client_expect(c, "+QUEUED\r\n");
        client_ask(c, "EXEC", "*1\r\n+OK\r\n");
        client_ask(small, "EXEC", "*1\r\n+OK\r\n"); /* it was in nobody's way */
        assert_int_equal(client_info(c, "kvd_query_bytes"), 0);
        rig_close(&rig);
    }
}

/* Who goes on with a transaction keeps it, and so does he whose own has no more room. */
static void test_transactions_that_go_on(void **state)
{
    struct rig rig = {.config = {.memory = 4 << 20, .max_query = 2 << 20}};
    static const char begin[] = "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$60000\r\n";
    static char part[QUEUED_LEN / 3];
    (void)state;
    rig_open(&rig);
    struct client *slow = client_new(&rig);
    hold_most(&rig, slow, 16);
    client_send(slow, begin, sizeof begin - 1);
    memset(part, 'x', sizeof part);
    for (unsigned i = 0; i < 3; i++) {
        struct client *other = client_new(&rig);
        client_ask(other, "MULTI", "+OK\r\n");
        queue_one(other);
        queue_one(other);
        assert_non_null(strstr(other->rx, no_transaction));
        client_abort(other);
        rig_pass(&rig, RUNG_NS_PER_S * 9 / 10);
        client_send(slow, part, sizeof part);
        rig_run(&rig);
    }
    client_send(slow, "\r\n", 2);
    rig_run(&rig);
    client_expect(slow, "+QUEUED\r\n");
    queue_one(slow);
    client_expect(slow, no_transaction);
    rig_pass(&rig, 300 * RUNG_NS_PER_S);
    client_ask(slow, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    rig_close(&rig);
}

/* Inline commands that come in two parts: each is as long as it is, not as the longest. */
static void test_inline_in_a_transaction(void **state)
{
    struct rig rig = {.config = {.memory = 4 << 20}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "MULTI", "+OK\r\n");
    for (unsigned i = 0; i < 200; i++) {
        client_send(c, "PI", 2);
        rig_run(&rig);
        client_send(c, "NG\r\n", 4);
        rig_run(&rig);
    }
    assert_null(strstr(c->rx, "-"));
    assert_int_equal(rig.tcp.segments, 0);
    client_say(c, "EXEC");
    assert_non_null(strstr(c->rx, "*200\r\n+PONG\r\n"));
    rig_close(&rig);
}

/* What a browser can be made to send: a POST with a body of somebody else's choice. */
static void test_http(void **state)
{
    static const char *const says[] = {"POST / HTTP/1.1\r\n", "post /\r\n", "Host: a:6379\r\n",
                                       "GET k\r\nHost: a\r\n"};
    static const char body[] = "\r\nFLUSHALL\r\nSET owned 1\r\n";
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(says); i++) {
        struct rig rig = {.tcp = {.segment = 4096}};
        rig_open(&rig);
        struct client *c = client_new(&rig), *other = client_new(&rig);
        client_ask(other, "SET k 1", "+OK\r\n");
        client_send(c, says[i], strlen(says[i]));
        client_send(c, body, sizeof body - 1);
        rig_run(&rig);
        client_expect(c, i < 3 ? "-ERR Protocol error: this is no HTTP server\r\n"
                               : "$1\r\n1\r\n-ERR Protocol error: this is no HTTP server\r\n");
        client_gone(c);
        client_ask(other, "MGET k owned", "*2\r\n$1\r\n1\r\n$-1\r\n");
        rig_close(&rig);
    }
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(deaf_pipelines), CASE(transactions_are_paid_for), CASE(held_transactions),
    CASE(transactions_that_go_on), CASE(inline_in_a_transaction), CASE(http), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-share", files, 1);
}
