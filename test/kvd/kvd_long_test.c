/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_long_test.c - values that are long: all of them, parts of them, and ones that are
 * too long for the store; lines that are long but for their words; and whose turn it is. */
#include "kvd_int.h"
#include "kvd_rig.h"

static void test_long_values(void **state)
{
    static const size_t lens[] = {1023, 1024, 4095, 16375, 16383, 16384, 16385, 70000, 1 << 20};
    (void)state;
    struct rig rig = {0};
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        char answer[64];
        client_set(c, "v", lens[i]);
        client_expect(c, "+OK\r\n");
        client_words(c, "GET v");
        client_letters(c, 0, lens[i]);
        snprintf(answer, sizeof answer, ":%zu\r\n", lens[i]);
        client_ask(c, "STRLEN v", answer);
        client_ask(c, "GETRANGE v 2 4", "$3\r\ncde\r\n");
        client_ask(c, "PEXPIRE v 100000", ":1\r\n");
        client_ask(c, "PTTL v", ":100000\r\n"); /* its tail is read from its end */
        client_ask(c, "PERSIST v", ":1\r\n");
        client_words(c, "GET v");
        client_letters(c, 0, lens[i]);
        if (i % 2 == 0)
            client_ask(c, "DEL v", ":1\r\n");
    }
    rig_close(&rig);
}

/* Of a long value GETRANGE reads what it shows, whoever asks for what else besides. */
static void test_ranges_of_long_values(void **state)
{
    static const struct { const char *range; size_t from, len; } ranges[] = {
        {"0 9", 0, 10}, {"-5 -1", 69995, 5}, {"16380 16389", 16380, 10}, {"69999 80000", 69999, 1},
        {"100 99", 0, 0}, {"70000 70001", 0, 0}, {"-1 -70001", 0, 0}, {"1000 31000", 1000, 30001},
        {"0 69998", 0, 69999}};
    struct rig rig = {0};
    char line[64];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *d = client_new(&rig);
    for (unsigned expires = 0; expires < 2; expires++) {
        client_set(c, "v", 70000);
        client_expect(c, "+OK\r\n");
        if (expires)
            client_ask(c, "PEXPIRE v 1000", ":1\r\n");
        for (unsigned i = 0; i < RUNG_ARRAY_LEN(ranges); i++) {
            size_t most = ranges[i].len > KVD_INLINE ? ranges[i].len : KVD_INLINE;
            rig.gate.got_most = 0;
            snprintf(line, sizeof line, "GETRANGE v %s", ranges[i].range);
            client_words(c, line);
            client_letters(c, ranges[i].from, ranges[i].len);
            assert_int_equal(rig.gate.got_most, most);
        }
    }
    client_ask(c, "GETRANGE v 0 x", "-ERR value is not an integer or out of range\r\n");
    client_send(c, "GETRANGE v 3 4\r\nGETRANGE v 5 6\r\n", 32);
    client_send(d, "GETRANGE v 7 8\r\nSTRLEN v\r\nAPPEND v !\r\nGETRANGE v -2 -1\r\n", 56);
    rig_run(&rig);
    client_expect(c, "$2\r\nde\r\n$2\r\nfg\r\n");
    client_expect(d, "$2\r\nhi\r\n:70000\r\n:70001\r\n$2\r\nh!\r\n");
    client_send(c, "MULTI\r\nGETRANGE v 3 4\r\nGETRANGE v 5 6\r\nEXEC\r\n", 45);
    rig_run(&rig);
    client_expect(c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$2\r\nde\r\n$2\r\nfg\r\n");
    rig_pass(&rig, RUNG_NS_PER_S);
    client_ask(c, "GETRANGE v 3 4", "$0\r\n\r\n");
    rig.gate.refuse_get = RUNG_E_CORRUPT;
    client_ask(c, "GETRANGE v 3 4", "-ERR the value is damaged on the disk\r\n");
    rig_close(&rig);
}

/* A change that the store refuses is void for those who have asked for a part meanwhile, too. */
static void test_ranges_behind_what_is_refused(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig);
    client_set(a, "v", 70000);
    client_expect(a, "+OK\r\n");
    rig.gate.refuse = RUNG_E_FULL;
    rig.gate.refuse_key = "v";
    rig.gate.hold = true;
    client_send(b, "GETRANGE v 40000 40001\r\n", 24);
    client_send(a, "MSET v short w 1\r\n", 18);
    client_send(b, "GETRANGE v 1 2\r\nGETRANGE v 27 28\r\n", 34);
    rig_run(&rig);
    rig.gate.hold = false;
    gate_open(&rig);
    client_expect(a, RIG_FULL);
    client_expect(b, "$2\r\nmn\r\n$2\r\nbc\r\n$2\r\nbc\r\n");
    client_ask(a, "GET w", "$-1\r\n");
    rig_close(&rig);
}

/* A store that takes less than max-value is what the error names. */
static void test_longer_than_the_store_takes(void **state)
{
    struct rig rig = {.config = {.max_value = 1000, .max_query = 3000}};
    (void)state;
    rig_open(&rig);
    rig_stop(&rig);
    rig.gate.kv.info.max_value = 500;
    rig_start(&rig);
    struct client *c = client_new(&rig);
    client_set(c, "v", 491); /* and its tail */
    client_expect(c, "+OK\r\n");
    client_ask(c, "EXPIRE v 100", ":1\r\n");
    client_set(c, "w", 492);
    client_expect(c, "-ERR an argument is longer than 491 bytes, the longest value that this store "
                  "takes\r\n");
    client_ask(c, "APPEND v x", "-ERR the value would be longer than 491 bytes, the longest value "
               "that this store takes\r\n");
    rig_close(&rig);
}

/* Who takes a long reply slowly is not taken for one who does not take it, though all of it needs
 * longer than a stalled client has; and who stops within it is. */
static void test_slow_readers(void **state)
{
    struct rig rig = {.tcp = {.segment = 16384, .queue = 16384}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *stops = client_new(&rig);
    client_set(c, "v", 1 << 20);
    client_expect(c, "+OK\r\n");
    c->deaf = stops->deaf = true;
    client_words(c, "GET v");
    client_words(stops, "GET v");
    for (unsigned s = 0; s < 150; s++) {
        rig_pass(&rig, RUNG_NS_PER_S);
        client_take(c, 1);
        if (s < 20)
            client_take(stops, 1);
        rig_run(&rig);
    }
    client_letters(c, 0, 1 << 20);
    assert_int_equal(c->error, 0);
    client_take(stops, 1);
    assert_int_equal(rung_tcp_recv(stops->conn, &(struct rung_buf *){0}, 1), RUNG_E_RESET);
    assert_in_range(client_info(client_new(&rig), "kvd_reply_bytes"), 0, 1 << 16);
    rig_close(&rig);
}

/* The last bytes of a reply keep all of its value, with TCP too: who does not take them is stalled,
 * and who does is idle from then on. */
static void test_the_last_bytes(void **state)
{
    struct rig rig = {.tcp = {.segment = 16384, .queue = 16384}};
    (void)state;
    rig_open(&rig);
    struct client *c[2] = {client_new(&rig), client_new(&rig)}, *other = client_new(&rig);
    client_set(other, "v", 1 << 20);
    client_expect(other, "+OK\r\n");
    for (unsigned i = 0; i < 2; i++) {
        c[i]->deaf = true;
        client_words(c[i], "GET v");
        while (c[i]->len < (1 << 20) - 70000) {
            assert_int_equal(client_take(c[i], 1), 1);
            rig_run(&rig);
        }
    }
    rig_pass(&rig, 20 * RUNG_NS_PER_S);
    client_listen(c[1]);
    client_letters(c[1], 0, 1 << 20);
    assert_in_range(client_info(other, "kvd_reply_bytes"), 1 << 20, 2 << 20);
    rig_pass(&rig, 20 * RUNG_NS_PER_S);
    assert_in_range(client_info(other, "kvd_reply_bytes"), 0, 1 << 16);
    client_listen(c[0]);
    assert_int_equal(c[0]->error, RUNG_E_RESET);
    rig_pass(&rig, 100 * RUNG_NS_PER_S);
    client_ask(c[1], "PING", "+PONG\r\n");
    client_send(c[1], "GET v\r\nQUIT\r\n", 13); /* let go while TCP has the last of it */
    rig_run(&rig);
    assert_in_range(c[1]->len, (1 << 20) + 5, (1 << 20) + 30);
    rig_close(&rig);
}

/* Lines of blanks: of each its words are kept, for as long as it waits or is not taken. */
static void test_blanks(void **state)
{
    struct rig rig = {.config = {.max_pipeline = 1024}};
    static char line[16000];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig), *deaf = client_new(&rig);
    client_set(deaf, "v", 1 << 20);
    client_expect(deaf, "+OK\r\n");
    for (unsigned times = 0; times < 3; times++) {
        static const char *const words[] = {"PING", "ECHO \"\" ", "\"\""};
        size_t before = rung_virtual_heap_bytes(rig.p);
        memset(line, ' ', sizeof line);
        memcpy(line, words[times], strlen(words[times]));
        line[sizeof line - 1] = '\n';
        if (times == 0)
            client_say(c, "MULTI"); /* else they are done, behind a reply that is not taken */
        deaf->deaf = times > 0;
        if (times > 0)
            client_send(deaf, "GET v\r\n", 7);
        for (unsigned i = 0; i < 500; i++) {
            client_send(times > 0 ? deaf : c, line, sizeof line);
            rig_run(&rig);
        }
        assert_in_range(rung_virtual_heap_bytes(rig.p) - before, 0, 3 << 20);
        client_say(c, "DISCARD");
        client_listen(deaf);
    }
    rig_close(&rig);
}

/* The reply that is count times the value of len letters, behind what stands before it. */
static void expect_times(struct client *c, const char *before, unsigned count, size_t len)
{
    char head[32];
    const char *at = c->rx;
    size_t n = (size_t)snprintf(head, sizeof head, "$%zu\r\n", len);
    assert_int_equal(c->len, strlen(before) + count * (n + len + 2));
    assert_memory_equal(at, before, strlen(before));
    at += strlen(before);
    for (unsigned i = 0; i < count; i++, at += n + len + 2) {
        assert_memory_equal(at, head, n);
        for (size_t k = 0; k < len; k += len / 64 + 1)
            assert_int_equal(at[n + k], 'a' + k % 26);
        assert_int_equal(at[n + len - 1], 'a' + (len - 1) % 26);
        assert_memory_equal(at + n + len, "\r\n", 2);
    }
    c->len = 0;
    c->rx[0] = '\0';
}

/* Asks for a value, so many times at once; gives what stands before it in the reply. */
static void say_times(struct client *c, bool multi, unsigned count, char *before)
{
    char line[16384] = "MGET";
    size_t len = 4;
    int n = sprintf(before, multi ? "+OK\r\n" : "*%u\r\n", count);
    if (multi)
        client_send(c, "MULTI\r\n", 7);
    for (unsigned i = 0; i < count; i++) {
        if (multi)
            client_send(c, "GET v\r\n", 7);
        else
            len += (size_t)sprintf(line + len, " v");
        if (multi)
            n += sprintf(before + n, "+QUEUED\r\n");
        if (multi && i % 16 == 15)
            rig_run(c->rig);
    }
    if (multi)
        sprintf(before + n, "*%u\r\n", count);
    client_send(c, multi ? "EXEC" : line, multi ? 4 : len);
    c->deaf = true;
    client_send(c, "\r\n", 2);
    rig_run(c->rig);
}

/* However long a reply is: what is on its way to a client at once is little. */
static void test_one_value_many_times(void **state)
{
    static const struct { size_t len; unsigned count, taken; bool multi; } sets[] = {
        {1 << 20, 5000, 0, false}, {1 << 20, 2000, 0, true}, {1000, 5000, 5000, false},
        {1000, 2000, 2000, true}, {1 << 20, 20, 20, false}, {1 << 20, 20, 20, true},
        {70000, 100, 100, false}, {70000, 100, 100, true}, {1024, 800, 800, false}};
    static char before[32768];
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(sets); i++) {
        struct rig rig = {.config = {.max_pipeline = 1024, .max_value = 1 << 20}};
        rig_open(&rig);
        struct client *c = client_new(&rig);
        client_set(c, "v", sets[i].len);
        client_expect(c, "+OK\r\n");
        size_t heap = rung_virtual_heap_bytes(rig.p), each = 0;
        say_times(c, sets[i].multi, sets[i].count, before);
        each = sets[i].multi ? sizeof(struct kvd_cmd) : sizeof(struct kvd_reply);
        assert_in_range(rung_virtual_heap_bytes(rig.p) - heap, 0,
                        sets[i].len + sets[i].count * (each + 64) + (640 << 10));
        if (sets[i].taken > 0) {
            client_listen(c);
            expect_times(c, before, sets[i].count, sets[i].len);
            client_ask(c, "PING", "+PONG\r\n");
        }
        rig_close(&rig);
    }
}

/* What grows does so in place, behind those who have it as it was: all hold the same memory. */
static void test_values_that_grow(void **state)
{
    enum { LEN = 1000000, TIMES = 12 };
    struct rig rig = {.tcp = {.segment = 16384}};
    char say[1024] = "MULTI\r\n", head[512] = "+OK\r\n";
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_set(c, "v", LEN);
    client_expect(c, "+OK\r\n");
    for (unsigned i = 0; i < TIMES; i++) {
        sprintf(say + strlen(say), "APPEND v %c\r\nGET v\r\n", 'A' + i);
        strcat(head, "+QUEUED\r\n+QUEUED\r\n");
    }
    strcat(say, "EXEC\r\n");
    sprintf(head + strlen(head), "*%u\r\n", 2 * TIMES);
    size_t heap = rung_virtual_heap_bytes(rig.p);
    c->deaf = true;
    client_send(c, say, strlen(say));
    rig_run(&rig);
    assert_in_range(rung_virtual_heap_bytes(rig.p) - heap, LEN, 4 * LEN);
    client_listen(c);
    const char *at = c->rx + strlen(head);
    assert_memory_equal(c->rx, head, strlen(head));
    for (unsigned i = 0; i < TIMES; i++) {
        int n = sprintf(say, ":%u\r\n$%u\r\n", LEN + i + 1, LEN + i + 1);
        assert_memory_equal(at, say, (size_t)n);
        at += n + LEN;
        for (unsigned k = 0; k <= i; k++)
            assert_int_equal(*at++, 'A' + k);
        at += 2;
    }
    assert_ptr_equal(at, c->rx + c->len);
    rig_close(&rig);
}

/* Nor is a batch disturbed that the store has got meanwhile; and what it refuses is not kept. */
static void test_growing_at_the_store(void **state)
{
    struct rig rig = {.tcp = {.segment = 16384}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned refuse = 0; refuse < 2; refuse++) {
        rig.gate.hold = true;
        client_send(c, "MSET v a o 1\r\nAPPEND v b\r\nAPPEND v c\r\n", 38);
        rig_run(&rig);
        client_send(c, "APPEND v d\r\nGET v\r\nAPPEND v e\r\n", 31);
        rig_run(&rig);
        rig.gate.hold = false;
        rig.gate.refuse = refuse > 0 ? RUNG_E_FULL : 0;
        rig.gate.refuse_key = "o";
        gate_open(&rig);
        client_expect(c, refuse > 0 ? RIG_FULL ":1\r\n:2\r\n:3\r\n$3\r\nbcd\r\n:4\r\n"
                                    : "+OK\r\n:2\r\n:3\r\n:4\r\n$4\r\nabcd\r\n:5\r\n");
        client_ask(c, "GET v", refuse > 0 ? "$4\r\nbcde\r\n" : "$5\r\nabcde\r\n");
        client_ask(c, "DEL v", ":1\r\n");
    }
    rig_close(&rig);
}

/* There is room for one at a time, and a client pipes them: who has waited is the next, and nobody
 * has a place in the line when all is over. */
static void test_long_commands_take_turns(void **state)
{
    static const char head[] = "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1500000\r\nxxx";
    static char rest[1499997 + 2 + sizeof head - 1];
    struct rig rig = {.config = {.memory = 4 << 20, .max_value = 1500000, .max_query = 1600000}};
    (void)state;
    memset(rest, 'x', 1499997);
    memcpy(rest + 1499997, "\r\n", 2);
    memcpy(rest + 1499999, head, sizeof head - 1); /* the next one begins */
    rig_open(&rig);
    struct client *piper = client_new(&rig), *one = client_new(&rig);
    client_send(piper, head, sizeof head - 1);
    rig_run(&rig);
    client_send(one, head, sizeof head - 1);
    rig_run(&rig);
    rig.gate.hold = true;
    client_send(piper, rest, sizeof rest);
    rig_run(&rig);
    rig.gate.hold = false;
    gate_open(&rig);
    client_expect(piper, "+OK\r\n");
    client_send(one, rest, 1499999);
    rig_run(&rig);
    client_expect(one, "+OK\r\n");
    client_send(piper, rest, 1499999);
    rig_run(&rig);
    client_expect(piper, "+OK\r\n");
    assert_int_equal(rig.kvd->parked_long, 0);
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(long_values), CASE(ranges_of_long_values), CASE(ranges_behind_what_is_refused),
    CASE(longer_than_the_store_takes), CASE(slow_readers), CASE(the_last_bytes), CASE(blanks),
    CASE(one_value_many_times), CASE(values_that_grow), CASE(growing_at_the_store),
    CASE(long_commands_take_turns), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-long", files, 1);
}
