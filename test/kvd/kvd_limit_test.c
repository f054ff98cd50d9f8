/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_limit_test.c - limits, time-outs and hostile input: an error that says so,
 * and a server that goes on for others. */
#include "kvd_rig.h"
#include "test_platform.h"

static void test_protocol_errors(void **state)
{
    static const struct { const char *say, *answer; } wrong[] = {
        {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*99999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1234567890123\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*--1\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\r\n:3\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"},
        {"*1\r\n\1", "-ERR Protocol error: expected '$', got '?'\r\n"},
        {"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$4\r\nPINGPING", "-ERR Protocol error: no CRLF behind an argument\r\n"},
        {"*1\r\n$4\r\nPING\rX", "-ERR Protocol error: no CRLF behind an argument\r\n"},
        {"SET a \"x\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
        {"SET a 'x'y\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (size_t segment = 1; segment < 4097; segment += 4095) {
            struct rig rig = {.tcp = {.segment = segment}};
            rig_open(&rig);
            struct client *c = client_new(&rig);
            client_say(c, "PING");
            client_send(c, wrong[i].say, strlen(wrong[i].say));
            client_send(c, "*1\r\n$4\r\nPING\r\n", 14); /* which nobody reads any more */
            rig_run(&rig);
            char answer[256];
            snprintf(answer, sizeof answer, "+PONG\r\n%s", wrong[i].answer);
            client_expect(c, answer);
            client_gone(c);
            client_ask(client_new(&rig), "PING", "+PONG\r\n");
            rig_close(&rig);
        }
    }
}

/* Bytes of every kind for so many bytes; the server must still be there. */
static void test_garbage(void **state)
{
    struct rig rig = {0};
    uint64_t chance = test_seed() | 1;
    static const char likely[] = "*$\r\n0123456789-GETSETMULTIEXEC \"'\\x";
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 400; i++) {
        struct client *c = client_new(&rig);
        uint8_t bytes[512];
        size_t len = 1 + test_chance(&chance, sizeof bytes - 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = test_chance(&chance, 4) != 0
                           ? (uint8_t)likely[test_chance(&chance, sizeof likely - 1)]
                           : (uint8_t)test_chance(&chance, 256);
        client_send(c, bytes, len);
        rig_run(&rig);
        client_abort(c);
    }
    client_ask(client_new(&rig), "PING", "+PONG\r\n");
    rig_close(&rig);
}

static void test_line_too_long(void **state)
{
    struct rig rig = {0};
    static char line[20000];
    (void)state;
    memset(line, 'x', sizeof line);
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_send(c, line, sizeof line);
    rig_run(&rig);
    client_expect(c, "-ERR Protocol error: too big inline request\r\n");
    client_gone(c);
    rig_close(&rig);
}

static void test_inline_quotes(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_say(c, "  SET \"a b\" 'it\\'s'  ");
    client_expect(c, "+OK\r\n");
    client_ask(c, "STRLEN x", ":0\r\n");
    client_say(c, "GET \"a\\x20b\"");
    client_expect(c, "$4\r\nit's\r\n");
    client_say(c, "ECHO \"\\n\\r\\t\\\\\\\"\"");
    client_expect(c, "$5\r\n\n\r\t\\\"\r\n");
    client_say(c, "ECHO \"\"");
    client_expect(c, "$0\r\n\r\n");
    client_say(c, "");
    client_expect(c, "");
    rig_close(&rig);
}

/* A name that is none is shown whatever it holds, as far as it goes. */
static void test_unknown_names(void **state)
{
    static const char nul[] = "*1\r\n$7\r\nG\0E\nT\x7f!\r\n";
    char line[100];
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_send(c, nul, sizeof nul - 1);
    rig_run(&rig);
    client_expect(c, "-ERR unknown command 'G?E?T?!'; COMMAND lists those that there are\r\n");
    for (size_t len = 1; len < 20; len++) { /* zeros behind it make it none either */
        char ping[32] = "PING", head[16];
        client_send(c, head, (size_t)sprintf(head, "*1\r\n$%zu\r\n", 4 + len));
        memcpy(ping + 4 + len, "\r\n", 2);
        client_send(c, ping, 4 + len + 2);
        rig_run(&rig);
        assert_memory_equal(c->rx, "-ERR unknown command 'PING?", 27);
        c->len = 0;
    }
    memset(line, 'z', sizeof line);
    line[sizeof line - 1] = '\0';
    client_words(c, line);
    client_expect(c, "-ERR unknown command "
                  "'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...'; "
                  "COMMAND lists those that there are\r\n");
    rig_close(&rig);
}

static void test_too_long(void **state)
{
    struct rig rig = {.config = {.max_value = 1000, .max_query = 3000}, .tcp = {.segment = 100}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_set(c, "v", 1000);
    client_expect(c, "+OK\r\n");
    client_set(c, "v", 1001);
    client_expect(c, "-ERR an argument is longer than 1000 bytes, which max-value allows\r\n");
    client_ask(c, "STRLEN v", ":1000\r\n"); /* and in step */
    client_ask(c, "APPEND v x", "-ERR the value would be longer than 1000 bytes, which max-value "
               "allows\r\n");
    char head[] = "*5\r\n$4\r\nMSET\r\n";
    client_send(c, head, sizeof head - 1);
    static char part[2048];
    int n = 0;
    memset(part, 'z', sizeof part);
    for (unsigned i = 0; i < 4; i++) {
        n = sprintf(part, "$1000\r\n");
        memset(part + n, 'z', 1000);
        memcpy(part + n + 1000, "\r\n", 2);
        client_send(c, part, (size_t)n + 1002);
    }
    rig_run(&rig);
    client_expect(c, "-ERR the command is longer than max-query allows\r\n");
    static char many[8 + 70000 * 6];
    memcpy(many, "*70000\r\n", 8);
    for (unsigned i = 0; i < 70000; i++)
        memcpy(many + 8 + 6 * i, "$0\r\n\r\n", 6);
    client_send(c, many, sizeof many);
    rig_run(&rig);
    client_expect(c, "-ERR the command has too many arguments\r\n");
    client_say(c, "MULTI");
    client_expect(c, "+OK\r\n");
    for (unsigned i = 0; i < 100; i++)
        client_say(c, "PING");
    assert_non_null(strstr(c->rx, "-ERR the transaction is longer than max-query allows\r\n"));
    c->len = 0;
    client_ask(c, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    rig_close(&rig);
}

/* A value from before max-value was made less is read and replaced, and never made longer. */
static void test_narrower_than_before(void **state)
{
    struct rig rig = {.config = {.max_value = 1000}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_set(c, "v", 1000);
    client_expect(c, "+OK\r\n");
    rig_stop(&rig);
    rig.config.max_value = 100;
    rig_start(&rig);
    c = client_new(&rig);
    client_ask(c, "APPEND v x", "-ERR the value would be longer than 100 bytes, which max-value "
               "allows\r\n");
    client_ask(c, "APPEND v \"\"", "-ERR the value would be longer than 100 bytes, which "
               "max-value allows\r\n");
    client_words(c, "GET v");
    client_letters(c, 0, 1000);
    client_ask(c, "SET v x", "+OK\r\n");
    client_ask(c, "APPEND v x", ":2\r\n");
    rig_close(&rig);
}

static void test_long_keys(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    static char key[1100];
    memset(key, 'k', 1025);
    memcpy(key + 1025, "", 1);
    static char line[1200];
    snprintf(line, sizeof line, "GET %s", key);
    client_ask(c, line, "-ERR a key is of 1 to 1024 bytes here, not 1025\r\n");
    line[4 + 1024] = '\0';
    client_ask(c, line, "$-1\r\n");
    rig_close(&rig);
}

static void test_long_patterns(void **state)
{
    static const char wrong[] = "-ERR a pattern is of at most 4096 bytes here\r\n";
    struct rig rig = {0};
    char pattern[4098], line[4200];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET k 1", "+OK\r\n");
    for (unsigned len = 4096; len <= 4097; len++) {
        memset(pattern, 'k', len);
        memcpy(pattern, "[", 1);
        pattern[len - 1] = ']';
        pattern[len] = '\0';
        snprintf(line, sizeof line, "KEYS %s", pattern);
        client_ask(c, line, len == 4096 ? "*1\r\n$1\r\nk\r\n" : wrong);
        snprintf(line, sizeof line, "SCAN 0 MATCH %s", pattern);
        client_ask(c, line, len == 4096 ? "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n" : wrong);
        snprintf(line, sizeof line, "CONFIG GET save %s", pattern + 4);
        client_ask(c, line, len == 4096 ? "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
                   : "-ERR patterns are of at most 4096 bytes here, all together\r\n");
    }
    rig_close(&rig);
}

/* A pattern that takes long for each key: others have their turn between any two of them, and of
 * all who ask one walks at a time. */
static void test_slow_patterns(void **state)
{
    enum { KEYS = 20, CLIENTS = 3 };
    struct rig rig = {0};
    struct client *c[CLIENTS];
    char line[4096], text[8192];
    (void)state;
    rig_open(&rig);
    struct client *other = client_new(&rig);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(line, sizeof line, "SET %0900u v", i);
        client_ask(other, line, "+OK\r\n");
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        c[i] = client_new(&rig);
    memset(line, '!', sizeof line);
    memcpy(line, "KEYS *[", 7);
    for (unsigned i = 0; i < CLIENTS; i++) {
        strcpy(line + 2000, i == 0 ? "]" : "5-9]"); /* nothing, or those that end so */
        client_send(c[i], text, rig_encode(line, text, sizeof text));
    }
    unsigned lists = rig.gate.lists, pings = 0;
    for (unsigned before = lists; rung_virtual_turn(rig.p); before = rig.gate.lists) {
        assert_in_range(rig.gate.lists - before, 0, 1);
        if (rig.gate.lists == before)
            continue;
        client_send(other, "PING\r\n", 6);
        pings++;
    }
    assert_in_range(rig.gate.lists - lists, CLIENTS * KEYS, CLIENTS * (KEYS + 1));
    assert_int_equal(other->len, 7 * pings);
    client_expect(c[0], "*0\r\n");
    for (unsigned i = 1; i < CLIENTS; i++) {
        assert_memory_equal(c[i]->rx, "*10\r\n", 5);
        assert_int_equal(c[i]->len, 5 + 10 * (900 + 8));
    }
    rig_close(&rig);
}

static void test_too_many_clients(void **state)
{
    struct rig rig = {.config = {.max_connections = 2}};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig), *c = client_new(&rig);
    client_expect(c, "-ERR max number of clients reached\r\n");
    client_gone(c);
    client_ask(b, "PING", "+PONG\r\n");
    client_abort(a);
    client_ask(client_new(&rig), "PING", "+PONG\r\n");
    rig_close(&rig);
}

static void test_endless_pipeline(void **state)
{
    struct rig rig = {.config = {.max_pipeline = 10}, .tcp = {.segment = 1000, .queue = 1 << 16}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *other = client_new(&rig);
    c->deaf = true;
    unsigned sent = 0;
    for (unsigned k = 0; k < 30000; k++) {
        client_send(c, "INCR n\r\n", 8);
        sent++;
        if (k % 1000 == 0)
            client_ask(other, "PING", "+PONG\r\n");
    }
    rig_run(&rig);
    client_listen(c);
    size_t lines = 0;
    for (size_t i = 0; i < c->len; i++)
        lines += c->rx[i] == '\n';
    assert_in_range(lines, 1, sent); /* what TCP had no room for was never sent */
    char answer[64];
    int n = snprintf(answer, sizeof answer, "%zu", lines);
    client_words(other, "GET n");
    assert_int_equal(strncmp(strchr(other->rx, '\n') + 1, answer, (size_t)n), 0);
    rig_close(&rig);
}

static void test_time_outs(void **state)
{
    struct rig rig = {.config = {.idle_timeout_ns = 100 * RUNG_NS_PER_S}};
    (void)state;
    rig_open(&rig);
    struct client *idle = client_new(&rig), *half = client_new(&rig), *busy = client_new(&rig);
    client_send(half, "*2\r\n$3\r\nGE", 10);
    rig_pass(&rig, 29 * RUNG_NS_PER_S);
    client_send(half, "T", 1); /* it moves */
    client_ask(busy, "PING", "+PONG\r\n");
    rig_pass(&rig, 29 * RUNG_NS_PER_S);
    assert_int_equal(half->error, 0);
    rig_pass(&rig, 2 * RUNG_NS_PER_S);
    client_gone(half);
    assert_false(idle->eof);
    rig_pass(&rig, 41 * RUNG_NS_PER_S);
    client_gone(idle);
    client_ask(busy, "PING", "+PONG\r\n");
    rig_pass(&rig, 99 * RUNG_NS_PER_S);
    client_ask(busy, "PING", "+PONG\r\n");
    rig_close(&rig);
}

/* So long that adding it to the time of day would wrap. */
static void test_endless_time_outs(void **state)
{
    struct rig rig = {.config = {.idle_timeout_ns = UINT64_MAX, .stall_timeout_ns = UINT64_MAX}};
    (void)state;
    rig_open(&rig);
    struct client *idle = client_new(&rig), *half = client_new(&rig);
    client_send(half, "*1\r\n$4\r\nPI", 10);
    rig_pass(&rig, 1000000 * RUNG_NS_PER_S);
    client_send(half, "NG\r\n", 4);
    rig_run(&rig);
    client_expect(half, "+PONG\r\n");
    client_ask(idle, "PING", "+PONG\r\n");
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(protocol_errors), CASE(garbage), CASE(line_too_long), CASE(inline_quotes),
    CASE(unknown_names), CASE(too_long), CASE(narrower_than_before), CASE(long_keys),
    CASE(long_patterns), CASE(slow_patterns), CASE(too_many_clients), CASE(endless_pipeline),
    CASE(time_outs), CASE(endless_time_outs), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-limit", files, 1);
}
