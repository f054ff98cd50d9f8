/* SPDX-License-Identifier: ISC */
/* stacks/boot/keys_test.c - words to keys: every type, every refusal and its one line. */
#include "boot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rung/addr.h"
#include "rung/log.h"

#include "test_platform.h"

struct program {
    bool on;
    uint16_t port;
    uint32_t count;
    uint64_t big;
    uint64_t size;
    uint64_t wait;
    const char *name;
    const char *folder;
    struct rung_addr dns;
    struct rung_cidr ip;
    enum rung_log_level level;
    unsigned word;
};

#define KEY(path, type, optional, member, value, words) \
    {path, RUNG_KEY_##type, optional, offsetof(struct program, member), value, words, "help text"}

static const struct rung_boot_key keys[] = {
    KEY("tcp.on", BOOL, false, on, "off", NULL),
    KEY("port", U16, false, port, "8080", NULL),
    KEY("count", U32, false, count, "1", NULL),
    KEY("big", U64, false, big, "1", NULL),
    KEY("tcp.size", SIZE, false, size, "1K", NULL),
    KEY("tcp.wait", DURATION, false, wait, "10s", NULL),
    KEY("name", STRING, true, name, NULL, NULL),
    KEY("content.folder", PATH, true, folder, NULL, NULL),
    KEY("dns", ADDR, true, dns, NULL, NULL),
    KEY("ip", CIDR, true, ip, NULL, NULL),
    KEY("level", LEVEL, false, level, "warn", NULL),
    KEY("word", WORD, false, word, "b", "a|b|c"),
    {0},
};
static const struct rung_boot_fixed fixed[] = {{"http.gzip", "off"}, {0}};
static const struct rung_boot_about about = {"prog", "Under test", keys, fixed};

/* Reads the words; leaves the last log line in line. */
static int read_words(const char *const words[], size_t n, struct program *g,
                      char line[RUNG_LOG_MAX])
{
    struct rung_platform *p = test_platform_new_args(words, n);
    memset(g, 0, sizeof(*g));
    int status = rung_boot_keys(p, &about, g);
    snprintf(line, RUNG_LOG_MAX, "%s", test_log_last(p));
    test_platform_free(p);
    return status;
}

static void expect(const char *word, int status, const char *part)
{
    struct program g;
    char line[RUNG_LOG_MAX];
    int got = read_words(&word, 1, &g, line);
    if (got != status || !strstr(line, part))
        fail_msg("'%s' gave %d, '%s'; expected %d, '...%s...'", word, got, line, status, part);
}

static void test_defaults(void **state)
{
    (void)state;
    struct program g;
    char line[RUNG_LOG_MAX];
    assert_int_equal(read_words(NULL, 0, &g, line), RUNG_BOOT_GO);
    assert_string_equal(line, "");
    assert_int_equal(g.port, 8080);
    assert_int_equal(g.size, 1024);
    assert_int_equal(g.wait, UINT64_C(10000000000));
    assert_int_equal(g.level, RUNG_LOG_WARN);
    assert_int_equal(g.word, 1);
    assert_null(g.name);
    assert_int_equal(g.dns.family, RUNG_AF_NONE);
    assert_false(g.on);
}

static void test_values(void **state)
{
    (void)state;
    static const char *const words[] = {
        "--tcp.on", "port=65535", "--count=4294967295", "--big=18446744073709551615",
        "--tcp.size=3G", "tcp.wait=250ms", "--name=", "--content.folder=a b=c", "--dns=[::1]:53",
        "--ip=10.0.0.2/24", "--level=debug", "--word=c", "--port=65534"};
    struct program g;
    char line[RUNG_LOG_MAX];
    assert_int_equal(read_words(words, RUNG_ARRAY_LEN(words), &g, line), RUNG_BOOT_GO);
    assert_true(g.on);
    assert_int_equal(g.port, 65534); /* the last word wins */
    assert_int_equal(g.count, UINT32_MAX);
    assert_true(g.big == UINT64_MAX);
    assert_true(g.size == UINT64_C(3) << 30);
    assert_int_equal(g.wait, 250000000);
    assert_string_equal(g.name, "");
    assert_string_equal(g.folder, "a b=c");
    assert_int_equal(g.dns.family, RUNG_AF_IPV6);
    assert_int_equal(g.dns.port, 53);
    assert_int_equal(g.ip.prefix, 24);
    assert_int_equal(g.ip.addr.ip[3], 2);
    assert_int_equal(g.level, RUNG_LOG_DEBUG);
    assert_int_equal(g.word, 2);
}

static void test_bad_values(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"--tcp.on=maybe", "--tcp.on=maybe: the value must be on or off"},
        {"--port=65536", "a number from 0 to 65535"},
        {"--port=-1", "a number from 0 to 65535"},
        {"--port=", "a number from 0 to 65535"},
        {"--port=8080x", "a number from 0 to 65535"},
        {"--count=4294967296", "a number from 0 to 4294967295"},
        {"--big=18446744073709551616", "18446744073709551615"},
        {"--tcp.size=1T", "such as 4096, 64K"},
        {"--tcp.size=17179869184G", "the value must be at most 17179869183G"},
        {"--tcp.size=18446744073709551616", "the value must be at most 17179869183G"},
        {"--tcp.size=17179869184GB", "such as 4096, 64K"},
        {"--tcp.wait=10", "a time with its unit"},
        {"--tcp.wait=99999999h", "the value must be at most 5124095h"},
        {"--tcp.wait=99999999999999999999h", "the value must be at most 5124095h"},
        {"--tcp.wait=h", "a time with its unit"},
        {"--content.folder=", "a path"},
        {"--dns=localhost", "an IP address"},
        {"--ip=10.0.0.2", "with its prefix"},
        {"--ip=10.0.0.2/33", "with its prefix"},
        {"--ip=::1/129", "with its prefix"},
        {"--level=loud", "error, warn, info or debug"},
        {"--word=d", "must be one of a|b|c"},
        {"--word=", "must be one of a|b|c"},
        {"--port", "--port needs a value: --port=..."},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++)
        expect(bad[i][0], RUNG_BOOT_USAGE, bad[i][1]);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    expect("--prot=1", RUNG_BOOT_USAGE, "unknown key 'prot'; did you mean --port");
    expect("folder=x", RUNG_BOOT_USAGE, "did you mean --content.folder");
    expect("--lgo=info", RUNG_BOOT_USAGE, "did you mean --log");
    expect("--foo=1", RUNG_BOOT_USAGE, "unknown key 'foo'; --help lists");
    expect("--tcp.wiat=1", RUNG_BOOT_USAGE, "unknown key 'tcp.wiat'; did you mean --tcp.wait");
    expect("--zzzzzzzzzzzz=1", RUNG_BOOT_USAGE, "unknown key 'zzzzzzzzzzzz'; --help lists");
    expect("", RUNG_BOOT_USAGE, "unknown key ''");
    expect("--http.gzip=on", RUNG_BOOT_USAGE, "--http.gzip was fixed at build time as 'off'");
    expect("--log=loud", RUNG_BOOT_USAGE, "error, warn, info or debug");
}

/* Words longer than any key, with a key's beginning, must not be taken for it or overflow. */
static void test_long_words(void **state)
{
    (void)state;
    char word[1000];
    memset(word, 'p', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    expect(word, RUNG_BOOT_USAGE, "unknown key 'ppp");
}

static void test_help(void **state)
{
    (void)state;
    expect("--help", RUNG_BOOT_DONE, "");
    expect("-h", RUNG_BOOT_DONE, "");
}

static void test_missing(void **state)
{
    (void)state;
    static const struct rung_boot_key needed[] = {
        {"content.path", RUNG_KEY_PATH, false, 0, NULL, NULL, "Folder with the site"}, {0}};
    static const struct rung_boot_fixed none[] = {{0}};
    static const struct rung_boot_about prog = {"prog", "Under test", needed, none};
    static const char *const words[] = {"--content.path=x"};
    const char *path = NULL;
    struct rung_platform *p = test_platform_new();
    assert_int_equal(rung_boot_keys(p, &prog, &path), RUNG_BOOT_USAGE);
    const char *line = test_log_last(p);
    assert_non_null(strstr(line, "--content.path=... must be given: Folder with the site"));
    test_platform_free(p);
    p = test_platform_new_args(words, 1);
    assert_int_equal(rung_boot_keys(p, &prog, &path), RUNG_BOOT_GO);
    assert_string_equal(path, "x");
    test_platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad_values), cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_long_words), cmocka_unit_test(test_help),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
