/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_work_test.c - commands at work: however many connections pipe however many of them,
 * they take no more memory than `memory` lets them, and every connection has its turn. */
#include "kvd_rig.h"

enum {
    CLIENTS = 200, PIPED = 1000,
    MEMORY = 2 << 20,
    /* With the pieces that TCP has not sent, keys and lists of free ones; for each connection there
     * is a command or two besides, and a piece. */
    BOUND = MEMORY + CLIENTS * 8192
};

struct crowd {
    struct rig rig;
    struct client *c[CLIENTS];
    size_t before; /* bytes of the heap */
    unsigned piped, times; /* lines that all pipe, and how often they have */
};

static void crowd_open(struct crowd *crowd, bool deaf)
{
    *crowd = (struct crowd){.piped = PIPED, .times = 1, .rig = {
        .config = {.memory = MEMORY, .max_query = 1 << 20, .max_connections = CLIENTS + 10,
                   .max_pipeline = PIPED + 24},
        .tcp = {.segment = 1 << 16, .queue = 1 << 16}}};
    rig_open(&crowd->rig);
    crowd->rig.tcp.window = 1 << 16;
    for (unsigned i = 0; i < CLIENTS; i++) {
        crowd->c[i] = client_new(&crowd->rig);
        crowd->c[i]->deaf = deaf;
    }
    crowd->before = rung_virtual_heap_bytes(crowd->rig.p);
    (void)rung_virtual_heap_most(crowd->rig.p);
}

/* All of them in one turn: first once, then the line so many times. */
static void crowd_pipe(const struct crowd *crowd, const char *first, const char *line)
{
    static char text[1 << 16];
    size_t len = (size_t)sprintf(text, "%s", first), one = strlen(line);
    for (unsigned k = 0; k < crowd->piped; k++, len += one)
        memcpy(text + len, line, one);
    assert_in_range(len, 1, sizeof text);
    for (unsigned i = 0; i < CLIENTS; i++)
        client_send(crowd->c[i], text, len);
}

static void crowd_bound(const struct crowd *crowd)
{
    assert_in_range(rung_virtual_heap_most(crowd->rig.p) - crowd->before, 0, BOUND);
}

/* Everybody has the first reply and then the other for each that was piped, and nothing is at work
 * any more. */
static void crowd_answers(struct crowd *crowd, const char *first, const char *reply)
{
    size_t one = strlen(reply);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = crowd->c[i];
        if (c->deaf)
            client_listen(c);
        assert_int_equal(c->len, strlen(first) + crowd->times * crowd->piped * one);
        assert_memory_equal(c->rx, first, strlen(first));
        for (const char *at = c->rx + strlen(first); *at != '\0'; at += one)
            assert_memory_equal(at, reply, one);
        c->len = 0;
        c->rx[0] = '\0';
    }
    struct client *c = client_new(&crowd->rig);
    uint64_t idle = client_info(c, "kvd_work_bytes");
    assert_in_range(idle, 1, 1000); /* INFO itself */
    assert_int_equal(client_info(c, "kvd_work_bytes"), idle);
    assert_in_range(client_info(c, "kvd_reply_bytes"), 0, 1 << 16);
    assert_int_equal(client_info(c, "kvd_query_bytes"), 0);
}

static const char ping[] = "*1\r\n$4\r\nPING\r\n", no_such[] = "NO\r\n";
static const char no_such_reply[] = "-ERR unknown command 'NO'; COMMAND lists those that there "
                                    "are\r\n";

/* Short replies, which TCP takes though the clients do not. */
static void test_pings_never_read(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_open(&crowd, true);
    crowd_pipe(&crowd, "", ping);
    rig_run(&crowd.rig);
    crowd_bound(&crowd);
    client_ask(client_new(&crowd.rig), "PING", "+PONG\r\n");
    crowd_answers(&crowd, "", "+PONG\r\n");
    rig_close(&crowd.rig);
}

/* Replies that are there and wait behind that of a write; others are served, one at a time. */
static void behind_a_write(const char *line, const char *reply)
{
    struct crowd crowd;
    crowd_open(&crowd, false);
    struct client *other = client_new(&crowd.rig);
    crowd.rig.gate.hold = true;
    crowd_pipe(&crowd, "SET k v\r\n", line);
    rig_run(&crowd.rig);
    crowd_bound(&crowd);
    uint64_t used = client_info(other, "kvd_work_bytes");
    assert_in_range(used, MEMORY / 8, client_info(other, "kvd_work_max") + (CLIENTS << 10));
    for (unsigned i = 0; i < 5; i++)
        client_ask(other, "PING", "+PONG\r\n");
    crowd.rig.gate.hold = false;
    gate_open(&crowd.rig);
    crowd_bound(&crowd);
    crowd_answers(&crowd, "+OK\r\n", reply);
    rig_close(&crowd.rig);
}

static void test_errors_behind_a_write(void **state)
{
    (void)state;
    behind_a_write(no_such, no_such_reply);
}

static void test_gets_behind_a_write(void **state)
{
    (void)state;
    behind_a_write("GET k\r\n", "$1\r\nv\r\n");
}

static void test_errors(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_open(&crowd, false);
    crowd_pipe(&crowd, "", no_such);
    rig_run(&crowd.rig);
    crowd_bound(&crowd);
    crowd_answers(&crowd, "", no_such_reply);
    rig_close(&crowd.rig);
}

/* What is queued is paid for by the query budget, its answers and the commands once they have run
 * by this one; and who holds a transaction is not in the way of others. */
static void test_transactions(void **state)
{
    struct crowd crowd;
    unsigned good = 0, oom = 0;
    (void)state;
    crowd_open(&crowd, false);
    crowd_pipe(&crowd, "MULTI\r\n", "SET k v\r\n");
    rig_run(&crowd.rig);
    crowd_bound(&crowd);
    struct client *other = client_new(&crowd.rig);
    assert_in_range(client_info(other, "kvd_work_bytes"), 1, 1000);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = crowd.c[i];
        assert_memory_equal(c->rx, "+OK\r\n", 5);
        bool failed = strstr(c->rx, "-OOM too many transactions at once\r\n") != NULL;
        c->len = 0;
        client_words(c, "EXEC");
        oom += failed;
        good += c->rx[0] == '*';
        assert_int_equal(c->rx[0], failed ? '-' : '*');
    }
    assert_int_equal(good + oom, CLIENTS);
    crowd_bound(&crowd);
    assert_in_range(client_info(other, "kvd_work_bytes"), 1, 1000);
    assert_int_equal(client_info(other, "kvd_query_bytes"), 0);
    rig_close(&crowd.rig);
}

/* Inline commands, whose words are copied, wait for a value that is being read. Each connection may
 * have 16 KiB, and two batches 1 MiB each. */
static void test_long_words(void **state)
{
    enum { LEN = 15000 };
    static char line[LEN + 20];
    struct crowd crowd;
    (void)state;
    crowd_open(&crowd, false);
    crowd.piped = 4;
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "GETSET k ", 9);
    memcpy(line + LEN, "\r\n", 3);
    client_ask(client_new(&crowd.rig), "SET k v", "+OK\r\n");
    crowd_pipe(&crowd, "GET k\r\n", line);
    rig_run(&crowd.rig);
    assert_in_range(rung_virtual_heap_most(crowd.rig.p) - crowd.before, 0,
                    BOUND + CLIENTS * (16 << 10) + (2 << 20));
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_in_range(crowd.c[i]->len, 3 * (LEN - 9), 5 * (LEN + 20));
    rig_close(&crowd.rig);
}

static size_t crowd_least(const struct crowd *crowd, size_t *most)
{
    size_t least = *most = crowd->c[0]->len;
    for (unsigned i = 1; i < CLIENTS; i++) {
        least = crowd->c[i]->len < least ? crowd->c[i]->len : least;
        *most = crowd->c[i]->len > *most ? crowd->c[i]->len : *most;
    }
    return least;
}

/* Nobody is ahead of others by more than the turn in which the line began and one of his in it; and
 * who asks for one thing need not wait. */
static void test_in_turn(void **state)
{
    struct crowd crowd;
    unsigned turns = 0;
    (void)state;
    crowd_open(&crowd, false);
    struct client *other = client_new(&crowd.rig);
    for (crowd.times = 0; crowd.times < 4; crowd.times++)
        crowd_pipe(&crowd, "", ping);
    client_send(other, ping, sizeof ping - 1);
    while (rung_virtual_turn(crowd.rig.p)) {
        size_t most, least = crowd_least(&crowd, &most);
        assert_in_range(most - least, 0, 2 * 7 * PIPED);
        assert_true(other->len > 0 || ++turns < 6);
    }
    client_expect(other, "+PONG\r\n");
    crowd_answers(&crowd, "", "+PONG\r\n");
    rig_close(&crowd.rig);
}

/* Those who go away meanwhile leave nothing behind. */
static void test_who_goes_away(void **state)
{
    struct crowd crowd;
    (void)state;
    crowd_open(&crowd, false);
    struct client *other = client_new(&crowd.rig);
    crowd.rig.gate.hold = true;
    crowd_pipe(&crowd, "SET k v\r\n", ping);
    rig_run(&crowd.rig);
    for (unsigned i = 0; i < CLIENTS; i += 2)
        client_abort(crowd.c[i]);
    crowd.rig.gate.hold = false;
    gate_open(&crowd.rig);
    for (unsigned i = 1; i < CLIENTS; i += 2)
        assert_int_equal(crowd.c[i]->len, 5 + 7 * PIPED);
    assert_in_range(client_info(other, "kvd_work_bytes"), 1, 1000);
    rig_close(&crowd.rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(pings_never_read), CASE(errors), CASE(errors_behind_a_write), CASE(gets_behind_a_write),
    CASE(transactions), CASE(long_words), CASE(in_turn), CASE(who_goes_away), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-work", files, 1);
}
