/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_memory_test.c - the key `memory` bounds what kvd holds, whoever asks for more; and
 * what waits for memory gets it. */
#include "kvd_rig.h"

static void starts(const struct client *c, const char *text)
{
    assert_in_range(c->len, strlen(text), SIZE_MAX);
    assert_memory_equal(c->rx, text, strlen(text));
}

/* Clients that ask for ever and never read: bounded, others are served, and in the end they go. */
static void test_deaf_clients(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20, .max_connections = 20},
                      .tcp = {.segment = 16384, .queue = 16384}};
    (void)state;
    rig_open(&rig);
    struct client *good = client_new(&rig);
    client_set(good, "v", 1 << 20);
    client_expect(good, "+OK\r\n");
    for (unsigned i = 0; i < 16; i++) {
        struct client *c = client_new(&rig);
        c->deaf = true;
        for (unsigned k = 0; k < 200; k++)
            client_send(c, k % 2 ? "GET v\r\n" : "GETRANGE v 0 900000\r\n", k % 2 ? 7 : 21);
        rig_run(&rig);
    }
    assert_in_range(client_info(good, "kvd_reply_bytes"), 1, (4 << 20) + (3 << 20));
    rig_pass(&rig, 10 * RUNG_NS_PER_S); /* they are hurried */
    client_words(good, "GET v");
    client_letters(good, 0, 1 << 20);
    rig_pass(&rig, 31 * RUNG_NS_PER_S);
    assert_in_range(client_info(good, "connected_clients"), 1, 1);
    assert_in_range(client_info(good, "kvd_reply_bytes"), 0, 1 << 16);
    client_words(good, "GET v");
    client_letters(good, 0, 1 << 20);
    rig_close(&rig);
}

/* A command of many keys, k0 and up, in pieces that are short. */
static void many_keys(struct client *c, const char *name, unsigned count)
{
    char text[64];
    client_send(c, text, (size_t)sprintf(text, "*%u\r\n$%zu\r\n%s\r\n", count + 1, strlen(name),
                                         name));
    for (unsigned i = 0; i < count; i++)
        client_send(c, text, (size_t)sprintf(text, "$5\r\nk%04u\r\n", i));
    rig_run(c->rig);
}

/* Values that one command reads: no more than there is memory for, however many it names. */
static void test_many_values(void **state)
{
    static const struct { unsigned count, read; size_t len; } sets[] = {
        {12, 12 + 12 + 4, 1 << 20}, {3000, 2048 + 600, 8000}};
    (void)state;
    for (unsigned s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        struct rig rig = {.config = {.memory = 8 << 20}};
        rig_open(&rig);
        struct client *c = client_new(&rig);
        for (unsigned i = 0; i < sets[s].count; i++) {
            char key[16];
            sprintf(key, "k%04u", i);
            client_set(c, key, sets[s].len);
            client_expect(c, "+OK\r\n");
        }
        unsigned gets = rig.gate.gets;
        many_keys(c, "MGET", sets[s].count);
        client_expect(c, "-OOM out of memory: nothing was changed\r\n");
        assert_in_range(rig.gate.gets - gets, 1, sets[s].read);
        assert_in_range(client_info(c, "kvd_reply_bytes"), 0, 1 << 16);
        many_keys(c, "MGET", 3);
        assert_in_range(c->len, 3 * sets[s].len, 3 * sets[s].len + 100);
        c->len = 0;
        char answer[16];
        sprintf(answer, ":%u\r\n", sets[s].count);
        many_keys(c, "DEL", sets[s].count);
        client_expect(c, answer);
        rig_close(&rig);
    }
}

/* The memory is held by values whose replies stand behind one that there is none for. */
static void test_first_goes_on(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *other = client_new(&rig);
    for (const char *key = "abcdez"; *key != '\0'; key++) {
        client_set(c, (char[]){*key, '\0'}, 1 << 20);
        client_expect(c, "+OK\r\n");
    }
    static const char all[] = "GETRANGE z 0 9\r\nGET z\r\nGET a\r\nGET b\r\nGET c\r\nGET d\r\n"
                              "GET e\r\n";
    client_send(c, all, sizeof all - 1);
    client_send(other, "MGET z a\r\n", 10);
    rig_run(&rig);
    assert_in_range(c->len, 6 << 20, (6 << 20) + 200);
    assert_in_range(other->len, 10, (2 << 20) + 200); /* or there was no memory */
    assert_in_range(client_info(client_new(&rig), "kvd_reply_bytes"), 0, 1 << 16);
    rig_close(&rig);
}

/* A deaf client has all memory, and one value is read without room: who waits for that and for
 * another does not keep it, so that the other's turn comes. */
static void test_one_after_another(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20}, .tcp = {.segment = 16384, .queue = 16384}};
    (void)state;
    rig_open(&rig);
    struct client *deaf = client_new(&rig), *x = client_new(&rig), *z = client_new(&rig);
    struct client *both = client_new(&rig);
    for (const char *key = "abcdxz"; *key != '\0'; key++) {
        client_set(x, (char[]){*key, '\0'}, 1 << 20);
        client_expect(x, "+OK\r\n");
    }
    deaf->deaf = true;
    client_say(deaf, "MGET a b c d");
    assert_in_range(client_info(x, "kvd_reply_bytes"), 4 << 20, 5 << 20);
    client_send(x, "GET x\r\n", 7);
    client_send(z, "GET z\r\n", 7);
    client_send(both, "MGET x z\r\n", 10);
    rig_run(&rig);
    client_letters(x, 0, 1 << 20);
    client_letters(z, 0, 1 << 20);
    client_expect(both, "-OOM out of memory: nothing was changed\r\n");
    rig_close(&rig);
}

/* Long replies at once: one grows at a time, no more than there is memory for, and all come. */
static void test_long_lists(void **state)
{
    enum { CLIENTS = 20, KEYS = 2000, LEN = 1000 };
    struct rig rig = {.config = {.memory = 8 << 20, .max_connections = 30},
                      .tcp = {.segment = 16384, .queue = 16384}};
    struct client *c[CLIENTS], *good;
    static char set[LEN + 64];
    (void)state;
    rig_open(&rig);
    good = client_new(&rig);
    for (unsigned i = 0; i < KEYS; i++) {
        int n = sprintf(set, "*3\r\n$3\r\nSET\r\n$%u\r\nk%0*u\r\n$1\r\nv\r\n", LEN, LEN - 1, i);
        client_send(good, set, (size_t)n);
        rig_run(&rig);
    }
    good->len = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        c[i] = client_new(&rig);
        c[i]->deaf = true;
        client_words(c[i], i % 2 == 0 ? "KEYS *" : "SCAN 0 COUNT 10000");
    }
    assert_in_range(client_info(good, "kvd_reply_bytes"), 2 << 20, (6 << 20) + (CLIENTS << 15));
    client_words(good, "SCAN 0 COUNT 2"); /* short ones do not wait */
    assert_in_range(good->len, 2 * LEN, 2 * LEN + 50);
    client_abort(c[CLIENTS - 1]); /* whose turn has not come, and does not */
    unsigned lists = rig.gate.lists;
    for (unsigned i = 0; i < CLIENTS - 1; i++) {
        static const char keys[] = "*2000\r\n", scan[] = "*2\r\n$1\r\n0\r\n*2000\r\n";
        client_listen(c[i]);
        rig_run(&rig);
        starts(c[i], i % 2 == 0 ? keys : scan);
        assert_int_equal(c[i]->len, strlen(i % 2 == 0 ? keys : scan) + KEYS * (LEN + 9));
        for (unsigned k = 0; k < KEYS; k++) {
            const char *at = c[i]->rx + c[i]->len - (KEYS - k) * (LEN + 9);
            assert_int_equal(strtoul(at + 7 + LEN - 10, NULL, 10), k);
        }
    }
    assert_int_equal(rig.gate.lists - lists, CLIENTS - 2 - 1); /* two had theirs at once */
    assert_in_range(client_info(good, "kvd_reply_bytes"), 0, 1 << 16);
    rig_close(&rig);
}

/* Longer than one reply may be; and walks that wait when the server is to stop. */
static void test_too_long_a_list(void **state)
{
    struct rig rig = {.config = {.memory = 2 << 20, .max_connections = 30},
                      .tcp = {.segment = 16384, .queue = 16384}};
    static char set[1100];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned i = 0; i < 1000; i++) {
        if (i == 500) {
            client_words(c, "KEYS *");
            starts(c, "*500\r\n");
        }
        client_send(c, set, (size_t)sprintf(set, "*3\r\n$3\r\nSET\r\n$1000\r\nk%0999u\r\n$1\r\nv"
                                            "\r\n", i));
        rig_run(&rig);
        c->len = 0;
    }
    client_ask(c, "KEYS *", "-OOM the answer needs more memory than there is for it\r\n");
    for (unsigned i = 0; i < 10; i++) {
        c = client_new(&rig);
        c->deaf = true;
        client_words(c, "SCAN 0 COUNT 400");
    }
    rig_close(&rig);
}

/* MULTI, the two commands so many times, EXEC. */
static void transaction(struct client *c, const char *one, const char *two, unsigned times)
{
    client_words(c, "MULTI");
    for (unsigned i = 0; i < times; i++) {
        client_words(c, one);
        client_words(c, two);
    }
    c->len = 0;
    client_words(c, "EXEC");
}

/* Each GET of a transaction holds its own version of what an APPEND has made. */
static void test_many_versions(void **state)
{
    static const char none[] = "-OOM the transaction makes and shows values that there is no "
                               "memory for: nothing was changed\r\n";
    struct rig rig = {.config = {.memory = 8 << 20, .max_value = 2 << 20}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_set(c, "v", 1 << 20);
    client_expect(c, "+OK\r\n");
    unsigned writes = rig.gate.writes;
    transaction(c, "APPEND v x", "GET v", 20);
    client_expect(c, none);
    transaction(c, "APPEND v x", "GETRANGE v 0 0", 20);
    client_expect(c, none);
    transaction(c, "APPEND v x", "MGET w v", 20);
    client_expect(c, none);
    assert_int_equal(rig.gate.writes, writes);
    client_ask(c, "STRLEN v", ":1048576\r\n");
    transaction(c, "APPEND v x", "STRLEN v", 20);
    starts(c, "*40\r\n:1048577\r\n:1048577\r\n:1048578\r\n");
    transaction(c, "SETNX v x", "GET v", 20);
    assert_in_range(c->len, 20 << 20, (20 << 20) + 1000);
    transaction(c, "APPEND v x", "GET v", 2);
    assert_in_range(c->len, 2 << 20, (2 << 20) + 200);
    transaction(c, "SET v 1", "GET v", 20); /* then it is short */
    starts(c, "*40\r\n+OK\r\n$1\r\n1\r\n");
    transaction(c, "APPEND v x", "GETDEL v", 20);
    starts(c, "*40\r\n:2\r\n$2\r\n1x\r\n:1\r\n$1\r\nx\r\n");
    assert_in_range(client_info(c, "kvd_reply_bytes"), 0, 1 << 16);
    rig_close(&rig);
}

/* What a command has brought along and its reply holds: paid for as long as it does. */
static void test_brought_along(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20, .max_value = 3000000, .max_query = 3100000},
                      .tcp = {.segment = 16384, .queue = 16384}};
    static char echo[3000000];
    (void)state;
    rig_open(&rig);
    struct client *good = client_new(&rig);
    struct client *c[4];
    memset(echo, 'e', sizeof echo);
    for (unsigned i = 0; i < 4; i++) {
        c[i] = client_new(&rig);
        c[i]->deaf = true;
        for (size_t at = 0; at < sizeof echo; at += 15000) {
            if (at == 0)
                client_send(c[i], "*2\r\n$4\r\nECHO\r\n$3000000\r\n", 24);
            client_send(c[i], echo + at, 15000);
            rig_run(&rig);
        }
        client_send(c[i], "\r\n", 2);
        rig_run(&rig);
    }
    assert_in_range(client_info(good, "kvd_reply_bytes"), 4 << 20, 7 << 20);
    client_listen(c[3]);
    rig_run(&rig);
    client_expect(c[3], "-OOM out of memory: nothing was changed\r\n");
    rig_pass(&rig, 31 * RUNG_NS_PER_S); /* the others take nothing, and go */
    assert_in_range(client_info(good, "kvd_reply_bytes"), 0, 1 << 16);
    rig_close(&rig);
}

/* More long commands at once than there is memory for: those that hold nothing wait. */
static void test_long_commands_wait(void **state)
{
    struct rig rig = {.config = {.memory = 4 << 20, .max_value = 1500000, .max_query = 1600000}};
    struct client *c[4];
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 4; i++) {
        c[i] = client_new(&rig);
        client_send(c[i], "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1500000\r\nabc", 33);
        rig_run(&rig);
    }
    static char rest[1500000 - 3 + 2];
    memset(rest, 'x', sizeof rest);
    memcpy(rest + sizeof rest - 2, "\r\n", 2);
    struct client *other = client_new(&rig);
    assert_in_range(client_info(other, "kvd_query_bytes"), 1, 2 << 20);
    for (unsigned i = 0; i < 4; i++)
        client_send(c[i], rest, sizeof rest);
    rig_run(&rig);
    for (unsigned i = 0; i < 4; i++)
        client_expect(c[i], "+OK\r\n");
    rig_close(&rig);
}

/* A half command has what there is for long ones, and a transaction finds no room: that counts as
 * waiting for it, though nobody does. */
static void test_transactions_need_room(void **state)
{
    struct rig rig = {.config = {.memory = 3100000, .max_value = 1500000, .max_query = 1550000}};
    (void)state;
    rig_open(&rig);
    struct client *half = client_new(&rig), *c = client_new(&rig);
    client_send(half, "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1500000\r\nabc", 33);
    rig_pass(&rig, 20 * RUNG_NS_PER_S);
    assert_int_equal(half->error, 0);
    client_ask(c, "MULTI", "+OK\r\n");
    for (unsigned i = 0; i < 7; i++)
        client_set(c, "v", 10000);
    assert_non_null(strstr(c->rx, "-OOM too many transactions at once\r\n"));
    c->len = 0;
    rig_pass(&rig, RUNG_NS_PER_S);
    client_gone(half);
    client_ask(c, "DISCARD", "+OK\r\n");
    client_ask(c, "MULTI", "+OK\r\n");
    for (unsigned i = 0; i < 7; i++)
        client_set(c, "v", 10000);
    assert_null(strstr(c->rx, "-"));
    rig_close(&rig);
}

/* Commands of many keys that wait for one another: their keys are paid for, and so are replies. */
static void test_many_keys_wait(void **state)
{
    static const char refused[] = "-OOM too many long commands at once\r\n";
    enum { CLIENTS = 20, KEYS = 4000 };
    struct rig rig = {.config = {.memory = 8 << 20, .max_connections = 30}};
    struct client *c[CLIENTS];
    unsigned oom = 0;
    (void)state;
    rig_open(&rig);
    struct client *first = client_new(&rig);
    for (unsigned i = 0; i < CLIENTS; i++)
        c[i] = client_new(&rig);
    rig.gate.hold = true;
    client_words(first, "SET k0000 v"); /* their replies wait for this */
    size_t before = rung_virtual_heap_bytes(rig.p);
    for (unsigned i = 0; i < CLIENTS; i++)
        many_keys(c[i], i % 2 ? "MGET" : "EXISTS", KEYS);
    assert_in_range(rung_virtual_heap_bytes(rig.p) - before, 0, 9 << 20);
    assert_in_range(client_info(client_new(&rig), "kvd_query_bytes"), 2 << 20, 4 << 20);
    rig.gate.hold = false;
    gate_open(&rig);
    for (unsigned i = 0; i < CLIENTS; i++) {
        oom += strcmp(c[i]->rx, refused) == 0;
        if (strcmp(c[i]->rx, refused) != 0 && i % 2 == 0)
            client_expect(c[i], ":1\r\n");
        else if (strcmp(c[i]->rx, refused) != 0)
            starts(c[i], "*4000\r\n$1\r\nv\r\n$-1\r\n");
    }
    assert_in_range(oom, 1, CLIENTS - 2);
    assert_int_equal(client_info(first, "kvd_query_bytes"), 0);
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(deaf_clients), CASE(many_values), CASE(first_goes_on), CASE(one_after_another),
    CASE(many_versions),
    CASE(long_lists), CASE(too_long_a_list),
    CASE(brought_along), CASE(long_commands_wait),
    CASE(transactions_need_room), CASE(many_keys_wait), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-memory", files, 1);
}
