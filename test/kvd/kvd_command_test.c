/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_command_test.c - every command and every error of it, as dialogues: what is said,
 * what is answered. Each dialogue is held in three ways: as arrays, as lines, and as one stream
 * that arrives byte by byte. */
#include "kvd_rig.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define WRONG(name) "-ERR wrong number of arguments for '" name "' command\r\n"
#define NOT_INT "-ERR value is not an integer or out of range\r\n"
#define SYNTAX "-ERR syntax error\r\n"

struct line {
    const char *say, *answer;
};

static const struct line strings[] = {
    {"PING", "+PONG\r\n"},
    {"ping hello", "$5\r\nhello\r\n"},
    {"PING a b", WRONG("ping")},
    {"ECHO x", "$1\r\nx\r\n"},
    {"ECHO", WRONG("echo")},
    {"GET a", "$-1\r\n"},
    {"GET", WRONG("get")},
    {"GET a b", WRONG("get")},
    {"SET a 1", "+OK\r\n"},
    {"GET a", "$1\r\n1\r\n"},
    {"SET a", WRONG("set")},
    {"SET a 2 NX", "$-1\r\n"},
    {"GET a", "$1\r\n1\r\n"},
    {"SET a 2 xx", "+OK\r\n"},
    {"SET b 2 XX", "$-1\r\n"},
    {"SET b 3 NX", "+OK\r\n"},
    {"SET b 4 GET", "$1\r\n3\r\n"},
    {"SET c 4 GET", "$-1\r\n"},
    {"SET c 5 NX GET", "$1\r\n4\r\n"},
    {"GET c", "$1\r\n4\r\n"},
    {"SET c 5 NX XX", SYNTAX},
    {"SET c 5 WHAT", SYNTAX},
    {"SET c 5 EX", SYNTAX},
    {"SET c 5 EX 10 PX 10", SYNTAX},
    {"SET c 5 EX 10 KEEPTTL", SYNTAX},
    {"SET c 5 EX x", NOT_INT},
    {"SET c 5 EX 0", "-ERR invalid expire time in 'set' command\r\n"},
    {"SET c 5 PX -1", "-ERR invalid expire time in 'set' command\r\n"},
    {"SET c 5 EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"},
    {"SETEX c 0 5", "-ERR invalid expire time in 'setex' command\r\n"},
    {"GETSET c 6", "$1\r\n4\r\n"},
    {"GETSET d 7", "$-1\r\n"},
    {"GETDEL d", "$1\r\n7\r\n"},
    {"GETDEL d", "$-1\r\n"},
    {"SETNX c 1", ":0\r\n"},
    {"SETNX d 1", ":1\r\n"},
    {"MSET a 1 b 2 a 3", "+OK\r\n"},
    {"MSET a 1 b", WRONG("mset")},
    {"MGET a b nothing a", "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n"},
    {"MGET", WRONG("mget")},
    {"APPEND a 45", ":3\r\n"},
    {"APPEND new 12", ":2\r\n"},
    {"GET a", "$3\r\n345\r\n"},
    {"STRLEN a", ":3\r\n"},
    {"STRLEN nothing", ":0\r\n"},
    {"SET r 0123456789", "+OK\r\n"},
    {"GETRANGE r 0 3", "$4\r\n0123\r\n"},
    {"GETRANGE r -3 -1", "$3\r\n789\r\n"},
    {"GETRANGE r 0 -1", "$10\r\n0123456789\r\n"},
    {"GETRANGE r 5 100", "$5\r\n56789\r\n"},
    {"GETRANGE r 10 100", "$0\r\n\r\n"},
    {"GETRANGE r 5 3", "$0\r\n\r\n"},
    {"GETRANGE r -100 2", "$3\r\n012\r\n"},
    {"GETRANGE r -100 -50", "$1\r\n0\r\n"},
    {"GETRANGE r 1 -50", "$0\r\n\r\n"},
    {"GETRANGE r -50 -100", "$0\r\n\r\n"},
    {"GETRANGE r -50 -50", "$1\r\n0\r\n"},
    {"SUBSTR r 9223372036854775807 -9223372036854775808", "$0\r\n\r\n"},
    {"GETRANGE nothing 0 -1", "$0\r\n\r\n"},
    {"GETRANGE r x 1", NOT_INT},
    {"SUBSTR r 1 2", "$2\r\n12\r\n"},
    {"EXISTS a b nothing a", ":3\r\n"},
    {"TYPE a", "+string\r\n"},
    {"TYPE nothing", "+none\r\n"},
    {"DEL a nothing a b", ":2\r\n"},
    {"UNLINK c", ":1\r\n"},
    {"DEL", WRONG("del")},
    {"GET \"\"", "-ERR a key is of 1 to 1024 bytes here, not 0\r\n"},
    {"FLY away", "-ERR unknown command 'FLY'; COMMAND lists those that there are\r\n"},
    {"AVERYLONGCOMMANDNAMETHATISNONE", "-ERR unknown command 'AVERYLONGCOMMANDNAMETHATISNONE'; "
                                        "COMMAND lists those that there are\r\n"},
};

static const struct line numbers[] = {
    {"INCR n", ":1\r\n"},
    {"INCRBY n 10", ":11\r\n"},
    {"DECR n", ":10\r\n"},
    {"DECRBY n 20", ":-10\r\n"},
    {"GET n", "$3\r\n-10\r\n"},
    {"INCRBY n -5", ":-15\r\n"},
    {"INCRBY n 1x", NOT_INT},
    {"INCRBY n +1", NOT_INT},
    {"INCRBY n 01", NOT_INT},
    {"DECRBY n x", NOT_INT},
    {"DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n"},
    {"SET n 9223372036854775807", "+OK\r\n"},
    {"INCR n", "-ERR increment or decrement would overflow\r\n"},
    {"GET n", "$19\r\n9223372036854775807\r\n"},
    {"SET n -9223372036854775808", "+OK\r\n"},
    {"DECR n", "-ERR increment or decrement would overflow\r\n"},
    {"SET n 9223372036854775808", "+OK\r\n"},
    {"INCR n", NOT_INT},
    {"SET n 12x", "+OK\r\n"},
    {"INCR n", NOT_INT},
    {"SET n \"\"", "+OK\r\n"},
    {"INCR n", NOT_INT},
};

static const struct line expiry[] = {
    {"TTL e", ":-2\r\n"},
    {"SET e 1", "+OK\r\n"},
    {"TTL e", ":-1\r\n"},
    {"EXPIRE e 100", ":1\r\n"},
    {"TTL e", ":100\r\n"},
    {"PTTL e", ":100000\r\n"},
    {"PERSIST e", ":1\r\n"},
    {"PERSIST e", ":0\r\n"},
    {"PERSIST nothing", ":0\r\n"},
    {"PTTL e", ":-1\r\n"},
    {"EXPIRE nothing 1", ":0\r\n"},
    {"EXPIRE e x", NOT_INT},
    {"EXPIRE e 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"},
    {"PEXPIRE e 5000 XX", ":0\r\n"},
    {"PEXPIRE e 5000 NX", ":1\r\n"},
    {"PEXPIRE e 6000 NX", ":0\r\n"},
    {"PEXPIRE e 4000 GT", ":0\r\n"},
    {"PEXPIRE e 6000 GT", ":1\r\n"},
    {"PEXPIRE e 7000 LT", ":0\r\n"},
    {"PEXPIRE e 3000 LT", ":1\r\n"},
    {"PEXPIRE e 3000 LT GT",
     "-ERR unsupported option, or options that contradict each other\r\n"},
    {"PEXPIRE e 3000 HUH",
     "-ERR unsupported option, or options that contradict each other\r\n"},
    {"PTTL e", ":3000\r\n"},
    {"GET e", "$1\r\n1\r\n"},
    {"SET e 2 KEEPTTL", "+OK\r\n"},
    {"PTTL e", ":3000\r\n"},
    {"APPEND e 3", ":2\r\n"},
    {"PTTL e", ":3000\r\n"},
    {"INCR e", ":24\r\n"},
    {"PTTL e", ":3000\r\n"},
    {"SET e 4", "+OK\r\n"},
    {"PTTL e", ":-1\r\n"},
    {"SETEX e 50 5", "+OK\r\n"},
    {"TTL e", ":50\r\n"},
    {"PSETEX e 50 5", "+OK\r\n"},
    {"PTTL e", ":50\r\n"},
    {"EXPIREAT e 1767225700", ":1\r\n"}, /* the virtual year begins at 1767225600 */
    {"TTL e", ":100\r\n"},
    {"EXPIRETIME e", ":1767225700\r\n"},
    {"PEXPIREAT e 1767225600500", ":1\r\n"},
    {"PEXPIRETIME e", ":1767225600500\r\n"},
    {"SET e 6 EXAT 1767225610", "+OK\r\n"},
    {"PTTL e", ":10000\r\n"},
    {"SET e 6 PXAT 1767225610", "+OK\r\n"}, /* in 1970 */
    {"GET e", "$-1\r\n"},
    {"SET e 7", "+OK\r\n"},
    {"EXPIRE e -1", ":1\r\n"},
    {"EXISTS e", ":0\r\n"},
};

static const struct line transactions[] = {
    {"EXEC", "-ERR EXEC without MULTI\r\n"},
    {"DISCARD", "-ERR DISCARD without MULTI\r\n"},
    {"MULTI", "+OK\r\n"},
    {"MULTI", "-ERR MULTI calls can not be nested\r\n"},
    {"EXEC", "*0\r\n"},
    {"MULTI", "+OK\r\n"},
    {"SET t 1", "+QUEUED\r\n"},
    {"INCR t", "+QUEUED\r\n"},
    {"GET t", "+QUEUED\r\n"},
    {"MGET t u", "+QUEUED\r\n"},
    {"PING", "+QUEUED\r\n"},
    {"EXEC", "*5\r\n+OK\r\n:2\r\n$1\r\n2\r\n*2\r\n$1\r\n2\r\n$-1\r\n+PONG\r\n"},
    {"MULTI", "+OK\r\n"},
    {"SET t 5", "+QUEUED\r\n"},
    {"DISCARD", "+OK\r\n"},
    {"GET t", "$1\r\n2\r\n"},
    {"MULTI", "+OK\r\n"},
    {"SET t x", "+QUEUED\r\n"},
    {"INCR t", "+QUEUED\r\n"},
    {"SET u y", "+QUEUED\r\n"},
    {"EXEC", "*3\r\n+OK\r\n" NOT_INT "+OK\r\n"},
    {"MULTI", "+OK\r\n"},
    {"SET t", WRONG("set")},
    {"SET t 9", "+QUEUED\r\n"},
    {"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
    {"MULTI", "+OK\r\n"},
    {"KEYS x", "-ERR 'keys' cannot be part of a transaction here\r\n"},
    {"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
    {"MULTI", "+OK\r\n"},
    {"WATCH t", "-ERR WATCH inside MULTI is not allowed\r\n"},
    {"DISCARD", "+OK\r\n"},
    {"WATCH t", "-ERR WATCH is not supported; SET NX and GETSET are\r\n"},
    {"UNWATCH", "+OK\r\n"},
    {"MGET t u", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n"},
};

static const struct line keyspace[] = {
    {"DBSIZE", ":0\r\n"},
    {"KEYS *", "*0\r\n"},
    {"SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"MSET aa 1 ab 2 ac 3 b 4 c* 5", "+OK\r\n"},
    {"DBSIZE", ":5\r\n"},
    {"KEYS a*", "*3\r\n$2\r\naa\r\n$2\r\nab\r\n$2\r\nac\r\n"},
    {"KEYS ?", "*1\r\n$1\r\nb\r\n"},
    {"KEYS a[b-c]", "*2\r\n$2\r\nab\r\n$2\r\nac\r\n"},
    {"KEYS a[^b]", "*2\r\n$2\r\naa\r\n$2\r\nac\r\n"},
    {"KEYS *b", "*2\r\n$2\r\nab\r\n$1\r\nb\r\n"},
    {"KEYS \"\"", "*0\r\n"},
    {"SCAN 0 MATCH \"\"", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"KEYS aa", "*1\r\n$2\r\naa\r\n"},
    {"SCAN 0 COUNT 2", "*2\r\n$1\r\n1\r\n*2\r\n$2\r\naa\r\n$2\r\nab\r\n"},
    {"SCAN 1 COUNT 2", "*2\r\n$1\r\n2\r\n*2\r\n$2\r\nac\r\n$1\r\nb\r\n"},
    {"SCAN 2 COUNT 2", "*2\r\n$1\r\n0\r\n*1\r\n$2\r\nc*\r\n"},
    {"SCAN 2 COUNT 1", "*2\r\n$1\r\n0\r\n*1\r\n$2\r\nc*\r\n"}, /* asked again */
    {"SCAN 0 MATCH b COUNT 100", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n"},
    {"SCAN 0 MATCH *c TYPE string", "*2\r\n$1\r\n0\r\n*1\r\n$2\r\nac\r\n"},
    {"SCAN 0 TYPE list", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"SCAN 0 TYPE list COUNT 10", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"SCAN 0 COUNT 10 TYPE list", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"SCAN 0 TYPE string COUNT 1", "*2\r\n$1\r\n3\r\n*1\r\n$2\r\naa\r\n"},
    {"SCAN 99", "-ERR unknown cursor: it is too old, or was never given out; begin with 0\r\n"},
    {"SCAN x", "-ERR invalid cursor\r\n"},
    {"SCAN -1", "-ERR invalid cursor\r\n"},
    {"SCAN 0 COUNT 0", NOT_INT},
    {"SCAN 0 COUNT", SYNTAX},
    {"SCAN 0 HUH 1", SYNTAX},
    {"FLUSHDB HUH", SYNTAX},
    {"FLUSHDB", "+OK\r\n"},
    {"DBSIZE", ":0\r\n"},
    {"SET a 1", "+OK\r\n"},
    {"FLUSHALL ASYNC", "+OK\r\n"},
    {"GET a", "$-1\r\n"},
};

static const struct line server[] = {
    {"SELECT 0", "+OK\r\n"},
    {"SELECT 1", "-ERR DB index is out of range; there is only 0\r\n"},
    {"SELECT x", NOT_INT},
    {"CLIENT GETNAME", "$-1\r\n"},
    {"CLIENT SETNAME me", "+OK\r\n"},
    {"CLIENT GETNAME", "$2\r\nme\r\n"},
    {"CLIENT SETINFO lib-name x", "+OK\r\n"},
    {"CLIENT HUH", "-ERR CLIENT knows ID, GETNAME, SETNAME name and SETINFO attribute value\r\n"},
    {"CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
    {"CONFIG GET append*", "*4\r\n$10\r\nappendonly\r\n$2\r\nno\r\n$11\r\nappendfsync\r\n"
                           "$6\r\nalways\r\n"},
    {"CONFIG GET nothing", "*0\r\n"},
    {"CONFIG SET save x",
     "-ERR CONFIG knows only GET pattern; the server's keys are set when it starts\r\n"},
    {"COMMAND COUNT", ":49\r\n"},
    {"COMMAND DOCS", "-ERR COMMAND knows COUNT, INFO and LIST\r\n"}, /* redis-cli has its own */
    {"COMMAND INFO get huh", "*2\r\n*6\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"
                             "*-1\r\n"},
    {"COMMAND HUH", "-ERR COMMAND knows COUNT, INFO and LIST\r\n"},
    {"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
    {"HELLO 3 AUTH a b", "-ERR AUTH is not supported: this server has no passwords\r\n"},
    {"HELLO 3 SETNAME", "-ERR syntax error in HELLO\r\n"},
    {"GET nothing", "$-1\r\n"},
    {"HELLO 3 SETNAME you", "%7\r\n$6\r\nserver\r\n$3\r\nkvd\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n"
                "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
                "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"},
    {"CLIENT GETNAME", "$3\r\nyou\r\n"},
    {"GET nothing", "_\r\n"},
    {"MGET nothing", "*1\r\n_\r\n"},
    {"COMMAND INFO huh", "*1\r\n_\r\n"},
    {"CONFIG GET save", "%1\r\n$4\r\nsave\r\n$0\r\n\r\n"},
    {"CLIENT ID", ":1\r\n"},
    {"QUIT", "+OK\r\n"},
};

#define DIALOGUES(X) X(strings) X(numbers) X(expiry) X(transactions) X(keyspace) X(server)

static void hold_as_arrays(const struct line *lines, size_t count)
{
    struct rig rig = {0};
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (size_t i = 0; i < count; i++)
        client_ask(c, lines[i].say, lines[i].answer);
    rig_close(&rig);
}

static void hold_as_lines(const struct line *lines, size_t count)
{
    struct rig rig = {0};
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (size_t i = 0; i < count; i++) {
        client_say(c, lines[i].say);
        client_expect(c, lines[i].answer);
    }
    rig_close(&rig);
}

/* All at once, in segments of so many bytes (0: of chance): the answers are the same. */
static void hold_as_stream(const struct line *lines, size_t count, size_t segment)
{
    static char say[65536], answer[65536];
    struct rig rig = {.tcp = {.segment = segment}};
    size_t said = 0, answered = 0;
    for (size_t i = 0; i < count; i++) {
        said += rig_encode(lines[i].say, say + said, sizeof say - said);
        answered += (size_t)snprintf(answer + answered, sizeof answer - answered, "%s",
                                     lines[i].answer);
    }
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_send(c, say, said);
    rig_run(&rig);
    client_expect(c, answer);
    rig_close(&rig);
}

#define DIALOGUE_TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        hold_as_arrays(name, ARRAY_LEN(name)); \
        hold_as_lines(name, ARRAY_LEN(name)); \
        hold_as_stream(name, ARRAY_LEN(name), 1); \
        hold_as_stream(name, ARRAY_LEN(name), 7); \
        hold_as_stream(name, ARRAY_LEN(name), 1 << 16); \
        hold_as_stream(name, ARRAY_LEN(name), 0); \
    }
DIALOGUES(DIALOGUE_TEST)

/* A stream in two parts, cut at every byte: the first is answered as far as it goes. */
static void test_cut_everywhere(void **state)
{
    static const char say[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nv\r\n12\r\n*1\r\n$4\r\nPING\r\n"
                              "INCR \"n\"\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*0\r\n\r\nPING 'x y'\n";
    static const char answer[] = "+OK\r\n+PONG\r\n:1\r\n$5\r\nv\r\n12\r\n$3\r\nx y\r\n";
    (void)state;
    for (size_t cut = 1; cut < sizeof say - 1; cut++) {
        struct rig rig = {.tcp = {.segment = 4096}};
        rig_open(&rig);
        struct client *c = client_new(&rig);
        client_send(c, say, cut);
        rig_run(&rig);
        assert_int_equal(strncmp(answer, c->rx, c->len), 0);
        client_send(c, say + cut, sizeof say - 1 - cut);
        rig_run(&rig);
        client_expect(c, answer);
        rig_close(&rig);
    }
}

static void test_info(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_say(c, "INFO");
    assert_non_null(strstr(c->rx, "redis_version:"));
    assert_non_null(strstr(c->rx, "total_commands_processed:1\r\n"));
    assert_non_null(strstr(c->rx, "store_durable:no\r\n"));
    assert_non_null(strstr(c->rx, "\r\nused_memory:")); /* for redis-cli --stat */
    assert_non_null(strstr(c->rx, "\r\nblocked_clients:0\r\n"));
    c->len = 0;
    client_say(c, "INFO clients");
    assert_non_null(strstr(c->rx, "connected_clients:1\r\n"));
    assert_null(strstr(c->rx, "redis_version"));
    c->len = 0;
    client_say(c, "INFO nothing");
    assert_string_equal(c->rx, "$0\r\n\r\n");
    c->len = 0;
    client_say(c, "COMMAND");
    assert_int_equal(strncmp(c->rx, "*49\r\n*6\r\n$6\r\nappend\r\n", 21), 0);
    rig_close(&rig);
}

#define DIALOGUE_CASE(name) cmocka_unit_test(test_##name),
static const struct CMUnitTest cases[] = {
    DIALOGUES(DIALOGUE_CASE) cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_info),
    {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-command", files, 1);
}
