/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_time_test.c - expiry: what is asked for, what nobody asks for, and restarts; and the
 * tail of a value that holds it. */
#include "kvd_int.h"
#include "kvd_rig.h"

static uint64_t stored(struct rig *rig)
{
    return rig->memory.count;
}

static void test_expires_when_asked(void **state)
{
    struct rig rig = {0}; /* without a sweep */
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1 PX 1000", "+OK\r\n");
    client_ask(c, "MSET b 2 c 3", "+OK\r\n");
    client_ask(c, "EXPIRE b 2", ":1\r\n");
    rig_pass(&rig, 999 * RUNG_NS_PER_MS);
    client_ask(c, "MGET a b c", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
    client_ask(c, "PTTL a", ":1\r\n");
    rig_pass(&rig, RUNG_NS_PER_MS);
    assert_int_equal(stored(&rig), 3);
    client_ask(c, "MGET a b c", "*3\r\n$-1\r\n$1\r\n2\r\n$1\r\n3\r\n");
    assert_int_equal(stored(&rig), 2);
    client_ask(c, "TTL a", ":-2\r\n");
    rig_pass(&rig, RUNG_NS_PER_S);
    client_ask(c, "INCR b", ":1\r\n"); /* anew, and for ever */
    client_ask(c, "TTL b", ":-1\r\n");
    client_ask(c, "SET c 4 PX 10", "+OK\r\n");
    rig_pass(&rig, RUNG_NS_PER_S);
    client_ask(c, "SET c 5 XX", "$-1\r\n");
    client_ask(c, "SETNX c 6", ":1\r\n");
    rig_close(&rig);
}

/* What has expired in a read-only or full store is not there, and no error. */
static void test_expires_without_writing(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1 PX 10", "+OK\r\n");
    rig.gate.refuse = RUNG_E_READONLY;
    rig_pass(&rig, RUNG_NS_PER_S);
    client_ask(c, "GET a", "$-1\r\n");
    client_ask(c, "EXISTS a", ":0\r\n");
    client_say(c, "MULTI\r\nGET a\r\nTTL a");
    client_expect(c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    client_ask(c, "EXEC", "*2\r\n$-1\r\n:-2\r\n");
    client_ask(c, "SET a 2", RIG_NO_MORE);
    client_ask(c, "GET a", "$-1\r\n");
    rig_close(&rig);
}

/* Readers that find keys expired remove as many as there is room for beside what others write, and
 * when that is refused, others are not answered for them. */
static void test_expired_beside_others(void **state)
{
    static const char none[] = "*12\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n"
                               "$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n";
    static const struct { uint32_t room; unsigned over, left; } sets[] = {{8, 8, 5}, {4096, 5, 11}};
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(sets); i++) {
        struct rig rig = {0};
        char line[32];
        rig_open(&rig);
        struct client *a = client_new(&rig), *b = client_new(&rig), *c = client_new(&rig);
        rig.gate.kv.info.max_batch = sets[i].room;
        for (char key = 'a'; key < 'a' + 12; key++) {
            snprintf(line, sizeof line, "SET %c 1 PX 10", key);
            client_ask(a, line, "+OK\r\n");
        }
        rig_pass(&rig, RUNG_NS_PER_S);
        rig.gate.hold = true;
        client_words(a, "SET first 1");
        client_words(c, "SET other 1");
        client_words(b, "MGET a b c d e f g h i j k l");
        rig.gate.hold = false;
        rig.gate.refuse = RUNG_E_FULL;
        rig.gate.refuse_over = sets[i].over;
        gate_open(&rig);
        client_expect(a, "+OK\r\n");
        client_expect(b, none);
        client_expect(c, "+OK\r\n");
        assert_int_equal(rig.memory.count, 2 + sets[i].left);
        client_ask(b, "MGET a b c d e f g h i j k l", none);
        assert_int_equal(rig.memory.count, 2 + (sets[i].left == 5 ? 0 : 11));
        rig_close(&rig);
    }
}

static void test_sweep(void **state)
{
    struct rig rig = {.config = {.sweep = 1000}};
    char line[64];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "SET key%u value-of-some-length PX %u", i,
                 i % 2 ? 5000 : 5000000);
        client_ask(c, line, "+OK\r\n");
    }
    rig_pass(&rig, 3 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 1000);
    rig_pass(&rig, 6 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 500);
    unsigned gets = rig.gate.gets;
    rig_pass(&rig, 3000 * RUNG_NS_PER_S); /* nothing can have expired: one look at most */
    assert_in_range(rig.gate.gets - gets, 0, 1500);
    rig_pass(&rig, 2100 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 0);
    gets = rig.gate.gets;
    rig_pass(&rig, 100000 * RUNG_NS_PER_S);
    assert_int_equal(rig.gate.gets, gets); /* nothing is left to look at */
    rig_close(&rig);
}

/* An expiry that is set before the first walk does not put it off; nor does a walk pass over what
 * is on its way to the store. */
static void test_sweep_misses_nothing(void **state)
{
    struct rig rig = {.config = {.sweep = 1000}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a a-value-of-some-length PX 100000", "+OK\r\n");
    rig_stop(&rig); /* which lets 120 s pass */
    rig_start(&rig);
    c = client_new(&rig);
    client_ask(c, "SET far a-value-of-some-length PX 100000000", "+OK\r\n");
    rig_pass(&rig, 5 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 1);
    client_ask(c, "SET a a-value-of-some-length PX 5000", "+OK\r\n");
    rig_pass(&rig, 4900 * RUNG_NS_PER_MS);
    rig.gate.hold = true;
    client_words(c, "SET b a-value-of-some-length PX 5000");
    client_words(c, "SET c a-value-of-some-length PX 6000");
    rig_pass(&rig, 500 * RUNG_NS_PER_MS); /* the walk for a */
    rig.gate.hold = false;
    gate_open(&rig);
    client_expect(c, "+OK\r\n+OK\r\n");
    rig_pass(&rig, 3 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 3);
    rig_pass(&rig, 5 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 1);
    rig_close(&rig);
}

static void test_restart(void **state)
{
    struct rig rig = {.config = {.sweep = 1000}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1 PX 100000", "+OK\r\n");
    client_ask(c, "SET b a-value-of-some-length PX 300000", "+OK\r\n");
    client_ask(c, "SET c 3", "+OK\r\n");
    rig_stop(&rig); /* which lets 120 s pass */
    rig_start(&rig);
    c = client_new(&rig);
    client_ask(c, "PTTL b", ":180000\r\n");
    client_ask(c, "MGET a b c", "*3\r\n$-1\r\n$22\r\na-value-of-some-length\r\n$1\r\n3\r\n");
    rig_pass(&rig, 182 * RUNG_NS_PER_S);
    assert_int_equal(stored(&rig), 1); /* though it was set before the start */
    client_ask(c, "TTL c", ":-1\r\n");
    rig_close(&rig);
}

/* Values that end as a tail does stay what they are. */
static void test_tails(void **state)
{
    static const struct { const char *bytes; size_t len, tail; } plain[] = {
        {"", 0, 0}, {"a", 1, 0}, {"\xf5", 1, 1}, {"\xf4", 1, 1}, {"12345678\xf5", 9, 1},
        {"123456789\xf4", 10, 1}, {"\xf4\xf5", 2, 1}, {"\xf5z", 2, 0}, {"12345678", 8, 0}};
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(plain); i++) {
        for (uint64_t expiry = 0; expiry < 3; expiry++) {
            uint8_t bytes[64];
            uint64_t when = expiry == 2 ? UINT64_C(0x1122334455667788) : expiry, got;
            size_t len = plain[i].len;
            uint8_t last = len > 0 ? (uint8_t)plain[i].bytes[len - 1] : 0;
            struct kvd_tail tail = kvd_tail_make(last, len, when);
            assert_int_equal(tail.len, when > 0 ? KVD_TAIL_MAX : plain[i].tail);
            memcpy(bytes, plain[i].bytes, len);
            memcpy(bytes + len, tail.bytes, tail.len);
            size_t all = len + tail.len, n = all < KVD_TAIL_MAX ? all : KVD_TAIL_MAX;
            assert_int_equal(kvd_tail_read(bytes + all - n, n, &got), tail.len);
            assert_int_equal(got, when);
        }
    }
}

static void set_done(struct rung_op *op, int result)
{
    (void)op;
    assert_int_equal(result, 0);
}

/* What another program has set and ends as a tail does, but at no time there is, is a value. */
static void test_tails_of_others(void **state)
{
    static const struct { const char bytes[10], *length, *time; } others[] = {
        {"x\xff\xff\xff\xff\xff\xff\xff\xff\xf5", ":10\r\n", ":-1\r\n"},
        {"x\0\0\0\0\0\0\0\x80\xf5", ":10\r\n", ":-1\r\n"},
        {"x\0\0\0\0\0\0\0\0\xf5", ":10\r\n", ":-1\r\n"},
        {"x\xff\xff\xff\xff\xff\xff\xff\x7f\xf5", ":1\r\n", ":9223372036854775807\r\n"}};
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(others); i++) {
        struct rig rig = {.config = {.sweep = 1000}};
        char bytes[10];
        memcpy(bytes, others[i].bytes, sizeof bytes);
        struct rung_vec vec = {bytes, sizeof bytes};
        struct rung_kv_change change = {.key = "a", .key_len = 1, .value = &vec, .value_count = 1};
        struct rung_kv_write write = {
            .op = {.done = set_done}, .change = &change, .change_count = 1};
        rig_open(&rig);
        rung_kv_write(&rig.memory.kv, &write);
        rig_pass(&rig, 10 * RUNG_NS_PER_S);
        struct client *c = client_new(&rig);
        client_ask(c, "STRLEN a", others[i].length);
        client_ask(c, "PEXPIRETIME a", others[i].time);
        client_words(c, "TTL a");
        assert_int_equal(c->rx[1] == '-', i < 3);
        c->len = 0;
        client_ask(c, "PERSIST a", i < 3 ? ":0\r\n" : ":1\r\n");
        client_ask(c, "STRLEN a", others[i].length);
        rig_close(&rig);
    }
}

static void test_glob(void **state)
{
    static const struct { const char *pattern, *name; bool fits; } globs[] = {
        {"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a", "a", true},
        {"a", "ab", false}, {"ab", "a", false}, {"a*", "abc", true}, {"*c", "abc", true},
        {"*b*", "abc", true}, {"a*c*e", "abcde", true}, {"a*c*e", "abcdf", false},
        {"**a", "a", true}, {"a?c", "abc", true}, {"a?", "a", false}, {"[abc]", "b", true},
        {"[abc]", "d", false}, {"[^abc]", "d", true}, {"[a-c]x", "bx", true},
        {"[c-a]", "b", true}, {"[a-]", "-", true}, {"[\\]]", "]", true}, {"[a", "a", true},
        {"\\*", "*", true}, {"\\*", "a", false}, {"a\\", "a\\", true},
        {"*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}};
    (void)state;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(globs); i++) {
        struct kvd_bytes p = {(const uint8_t *)globs[i].pattern, strlen(globs[i].pattern), NULL};
        struct kvd_bytes n = {(const uint8_t *)globs[i].name, strlen(globs[i].name), NULL};
        uint64_t steps = 0;
        if (kvd_glob(p, n, &steps) != globs[i].fits)
            fail_msg("'%s' and '%s'", globs[i].pattern, globs[i].name);
    }
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(expires_when_asked), CASE(expires_without_writing),
    CASE(expired_beside_others), CASE(sweep), CASE(sweep_misses_nothing), CASE(restart),
    CASE(tails), CASE(tails_of_others), CASE(glob), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-time", files, 1);
}
