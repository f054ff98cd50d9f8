/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_order_test.c - what happens when: replies wait until what they show is durable, come
 * in order, and many commands share a write; what the store refuses runs again one by one. */
#include "kvd_rig.h"

static void words(struct client *c, const char *line)
{
    client_words(c, line);
}

static void test_reply_waits(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig);
    client_ask(a, "SET k 1", "+OK\r\n");
    rig.gate.hold = true;
    words(a, "SET k 2");
    words(a, "PING");
    words(b, "GET k"); /* it has run on what is not durable yet */
    words(b, "GET other");
    client_expect(a, "");
    client_expect(b, "");
    gate_open(&rig);
    client_expect(a, "+OK\r\n+PONG\r\n");
    client_expect(b, "$1\r\n2\r\n$-1\r\n");
    rig_close(&rig);
}

static void test_others_do_not_wait(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig);
    client_ask(a, "SET other 1", "+OK\r\n");
    rig.gate.hold = true;
    words(a, "SET k 2");
    client_ask(b, "GET other", "$1\r\n1\r\n");
    client_ask(b, "PING", "+PONG\r\n");
    gate_open(&rig);
    rig_close(&rig);
}

static void test_pipeline_sees_itself(void **state)
{
    static const char say[] = "SET k 1\r\nGET k\r\nAPPEND k 2\r\nGET k\r\nDEL k\r\nGET k\r\n"
                              "INCR k\r\nINCR k\r\nGET k\r\n";
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_send(c, say, sizeof say - 1);
    rig_run(&rig);
    client_expect(c, "+OK\r\n$1\r\n1\r\n:2\r\n$2\r\n12\r\n:1\r\n$-1\r\n:1\r\n:2\r\n$1\r\n2\r\n");
    assert_int_equal(rig.gate.writes, 1);
    assert_int_equal(rig.gate.changes, 1); /* only the last value */
    assert_int_equal(rig.gate.gets, 0);    /* a SET need not know what was there */
    rig_close(&rig);
}

static void test_writes_are_shared(void **state)
{
    struct rig rig = {0};
    struct client *c[8];
    char line[32];
    (void)state;
    rig_open(&rig);
    rig.gate.hold = true;
    for (unsigned i = 0; i < 8; i++) {
        c[i] = client_new(&rig);
        snprintf(line, sizeof line, "SET k%u %u", i, i);
        words(c[i], line);
    }
    gate_open(&rig); /* the first alone; then the others, who have waited */
    client_expect(c[0], "+OK\r\n");
    client_expect(c[1], "");
    gate_open(&rig);
    for (unsigned i = 1; i < 8; i++)
        client_expect(c[i], "+OK\r\n");
    assert_int_equal(rig.gate.writes, 2);
    assert_int_equal(rig.gate.changes, 8);
    rig_close(&rig);
}

static void test_counting_together(void **state)
{
    struct rig rig = {0};
    struct client *c[8];
    bool seen[401] = {false};
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 8; i++)
        c[i] = client_new(&rig);
    for (unsigned k = 0; k < 50; k++) {
        for (unsigned i = 0; i < 8; i++)
            client_send(c[i], "INCR n\r\n", 8);
        if (k % 7 == 0)
            rig_run(&rig);
    }
    rig_run(&rig);
    for (unsigned i = 0; i < 8; i++) {
        char *at = c[i]->rx;
        for (long last = 0, n; *at != '\0'; last = n) {
            assert_int_equal(*at, ':');
            n = strtol(at + 1, &at, 10);
            at += 2;
            assert_in_range(n, last + 1, 400);
            assert_false(seen[n]);
            seen[n] = true;
        }
    }
    for (unsigned n = 1; n <= 400; n++)
        assert_true(seen[n]);
    client_ask(client_new(&rig), "GET n", "-ERR max number of clients reached\r\n");
    rig_close(&rig);
}

static void test_only_one_sets(void **state)
{
    struct rig rig = {0};
    struct client *c[8];
    unsigned ones = 0;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 8; i++)
        c[i] = client_new(&rig);
    for (unsigned i = 0; i < 8; i++)
        client_send(c[i], i % 2 ? "SETNX k 1\r\n" : "SET k 1 NX\r\n", i % 2 ? 11 : 12);
    rig_run(&rig);
    for (unsigned i = 0; i < 8; i++)
        ones += strcmp(c[i]->rx, ":1\r\n") == 0 || strcmp(c[i]->rx, "+OK\r\n") == 0;
    assert_int_equal(ones, 1);
    rig_close(&rig);
}

static void test_transaction_is_one_write(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig);
    client_say(a, "MULTI\r\nSET x 1\r\nSET y 2\r\nDEL z\r\nINCR x");
    client_ask(b, "MGET x y", "*2\r\n$-1\r\n$-1\r\n");
    rig.gate.hold = true;
    client_say(a, "EXEC");
    words(b, "MGET x y");
    client_expect(b, "");
    client_expect(a, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
    gate_open(&rig);
    client_expect(a, "*4\r\n+OK\r\n+OK\r\n:0\r\n:2\r\n");
    client_expect(b, "*2\r\n$1\r\n2\r\n$1\r\n2\r\n");
    assert_int_equal(rig.gate.writes, 1);
    assert_int_equal(rig.gate.changes, 2);
    rig_close(&rig);
}

static void test_refused_alone(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "MSET gone 1 big old", "+OK\r\n");
    rig.gate.refuse = RUNG_E_FULL;
    rig.gate.refuse_key = "big";
    client_say(c, "SET a 1\r\nSET big new\r\nDEL gone\r\nINCR n\r\nGET big\r\nMSET b 1 big x\r\n"
                  "MGET a b big gone n");
    client_expect(c, "+OK\r\n" RIG_FULL ":1\r\n:1\r\n$3\r\nold\r\n" RIG_FULL
                     "*5\r\n$1\r\n1\r\n$-1\r\n$3\r\nold\r\n$-1\r\n$1\r\n1\r\n");
    rig.gate.refuse = 0;
    client_ask(c, "SET big new", "+OK\r\n");
    client_ask(c, "GET big", "$3\r\nnew\r\n");
    rig_close(&rig);
}

/* Those that stand behind a write for ever refused and change nothing themselves are no reason to
 * try it again. */
static void test_refused_for_ever(void **state)
{
    static const char *const behind[][2] = {
        {"SETNX k q", ":0\r\n"}, {"SET k q NX", "$-1\r\n"}, {"PERSIST k", ":0\r\n"},
        {"EXPIRE k 100 XX", ":0\r\n"}, {"INCR k", RIG_FULL}, {"GETDEL none", "$-1\r\n"},
        {"MULTI\r\nGET k\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n"},
    };
    struct rig rig = {.tcp = {.segment = 4096}};
    char line[128], reply[512];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET k 1", "+OK\r\n");
    rig.gate.refuse = RUNG_E_FULL;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(behind); i++) {
        rig.gate.writes = 0;
        snprintf(line, sizeof line, "SET k new\r\n%s", behind[i][0]);
        client_say(c, line);
        snprintf(reply, sizeof reply, RIG_FULL "%s", behind[i][1]);
        client_expect(c, reply);
        assert_in_range(rig.gate.writes, 0, 8);
    }
    client_ask(c, "GET k", "$1\r\n1\r\n");
    rig_close(&rig);
}

static void test_refused_below_others(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig), *c = client_new(&rig);
    client_ask(a, "SET n 10", "+OK\r\n");
    rig.gate.hold = true;
    words(a, "SET n 5");
    words(b, "INCR n"); /* runs on 5, which will not be */
    words(c, "MGET n m");
    rig.gate.refuse = RUNG_E_FULL;
    rig.gate.refuse_left = 1;
    gate_open(&rig);
    client_expect(a, RIG_FULL);
    client_expect(b, "");
    gate_open(&rig);
    client_expect(b, ":11\r\n");
    client_expect(c, "*2\r\n$2\r\n11\r\n$-1\r\n");
    rig_close(&rig);
}

/* A store that takes nothing any more because a write has failed says that, and why. */
static void test_nothing_after_a_failure(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1", "+OK\r\n");
    rig.gate.refuse = RUNG_E_IO;
    client_ask(c, "SET a 2", "-ERR the store failed: input/output error\r\n");
    rig.gate.refuse = RUNG_E_READONLY;
    client_ask(c, "SET a 3", "-READONLY the store is read-only until it is started anew: a write "
               "has failed (input/output error)\r\n");
    client_ask(c, "GET a", "$1\r\n1\r\n");
    rig.gate.refuse = 0; /* another kind of store may go on */
    client_ask(c, "SET a 4", "+OK\r\n");
    rig.gate.refuse = RUNG_E_READONLY;
    client_ask(c, "SET a 5", RIG_NO_MORE); /* it was the store's own work that failed */
    rig_close(&rig);
}

static void test_medium_fails(void **state)
{
    static const char failed[] = "-ERR the store failed: input/output error\r\n";
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1", "+OK\r\n");
    rig.gate.refuse = RUNG_E_IO;
    client_say(c, "SET a 2\r\nSET b 2");
    assert_int_equal(strncmp(c->rx, failed, sizeof failed - 1), 0);
    client_expect(c, "-ERR the store failed: input/output error\r\n"
                     "-ERR the store failed: input/output error\r\n");
    client_ask(c, "GET a", "$1\r\n1\r\n");
    rig.gate.refuse_get = RUNG_E_IO;
    client_ask(c, "GET a", failed);
    client_ask(c, "MGET a b", failed);
    client_ask(c, "INCR a", failed);
    rig.gate.refuse_get = RUNG_E_CORRUPT;
    client_ask(c, "GET a", "-ERR the value is damaged on the disk\r\n");
    rig.gate.refuse_get = rig.gate.refuse = 0;
    client_ask(c, "GET a", "$1\r\n1\r\n");
    rig_close(&rig);
}

static void test_client_goes(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig), *c = client_new(&rig);
    rig.gate.hold = true;
    words(a, "SET k 1");
    words(b, "INCR k");
    words(b, "KEYS *");
    client_abort(a);
    client_abort(b);
    words(c, "INCR k");
    gate_open(&rig);
    gate_open(&rig);
    client_expect(c, ":3\r\n"); /* what was sent has happened */
    rig_close(&rig);
}

static void test_half_closed(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig);
    rig.gate.hold = true;
    client_say(a, "SET k 1\r\nGET k");
    client_shut(a);
    client_expect(a, "");
    gate_open(&rig);
    client_expect(a, "+OK\r\n$1\r\n1\r\n");
    client_gone(a);
    rig_close(&rig);
}

/* Stopped while commands wait: what the store was given is waited for. */
static void test_stopped_at_work(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig);
    rig.gate.hold = true;
    client_say(a, "SET k 1\r\nGET other\r\nFLUSHDB");
    client_say(client_new(&rig), "INCR k\r\nMGET k l m\r\nMULTI\r\nSET a 1");
    rig_close(&rig);
}

/* More words than a byte can count are keys all the same. */
static void test_many_keys(void **state)
{
    struct rig rig = {0};
    enum { MANY = 300 };
    char set[8192] = "MSET", names[8192] = "", line[8300], values[8192] = "*300\r\n";
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(set + strlen(set), " k%03u %u", i, i % 10);
        sprintf(names + strlen(names), " k%03u", i);
        sprintf(values + strlen(values), "$1\r\n%u\r\n", i % 10);
    }
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, set, "+OK\r\n");
    client_ask(c, "DBSIZE", ":300\r\n");
    snprintf(line, sizeof line, "MGET%s", names);
    client_ask(c, line, values);
    snprintf(line, sizeof line, "EXISTS%s", names);
    client_ask(c, line, ":300\r\n");
    snprintf(line, sizeof line, "DEL%s", names);
    client_ask(c, line, ":300\r\n");
    client_ask(c, "DBSIZE", ":0\r\n");
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(reply_waits), CASE(others_do_not_wait), CASE(pipeline_sees_itself),
    CASE(writes_are_shared), CASE(counting_together), CASE(only_one_sets),
    CASE(transaction_is_one_write), CASE(refused_alone), CASE(refused_for_ever),
    CASE(refused_below_others),
    CASE(medium_fails), CASE(nothing_after_a_failure), CASE(client_goes), CASE(half_closed),
    CASE(stopped_at_work), CASE(many_keys), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-order", files, 1);
}
