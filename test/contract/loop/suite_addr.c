/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_addr.c - addr.h: addresses as text, both ways. */
#include "suite.h"

#include <string.h>

#include "rung/addr.h"

static const struct {
    const char *text;
    const char *canonical; /* NULL: the same */
    enum rung_family family;
    uint16_t port;
    uint32_t scope;
} good[] = {
    {"192.0.2.1", NULL, RUNG_AF_IPV4, 0, 0},
    {"192.0.2.1:80", NULL, RUNG_AF_IPV4, 80, 0},
    {"0.0.0.0:65535", NULL, RUNG_AF_IPV4, 65535, 0},
    {"255.255.255.255", NULL, RUNG_AF_IPV4, 0, 0},
    {"127.0.0.1:0", "127.0.0.1", RUNG_AF_IPV4, 0, 0},
    {"::", NULL, RUNG_AF_IPV6, 0, 0},
    {"::1", NULL, RUNG_AF_IPV6, 0, 0},
    {"::1:80", NULL, RUNG_AF_IPV6, 0, 0}, /* no port without brackets */
    {"[::1]", "::1", RUNG_AF_IPV6, 0, 0},
    {"[::1]:80", NULL, RUNG_AF_IPV6, 80, 0},
    {"[::]:1", NULL, RUNG_AF_IPV6, 1, 0},
    {"[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443", RUNG_AF_IPV6, 443, 0},
    {"2001:db8:0:1:1:1:1:1", NULL, RUNG_AF_IPV6, 0, 0}, /* RFC 5952, 4.2.2: one zero stays */
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", RUNG_AF_IPV6, 0, 0},           /* 4.2.3: the longest */
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", RUNG_AF_IPV6, 0, 0},     /* the first of two */
    {"2001:0db8::0001", "2001:db8::1", RUNG_AF_IPV6, 0, 0},
    {"::ffff:192.0.2.1", NULL, RUNG_AF_IPV6, 0, 0}, /* section 5 */
    {"0000:0000:0000:0000:0000:ffff:255.255.255.255", "::ffff:255.255.255.255", RUNG_AF_IPV6, 0, 0},
    {"[fe80::1%2]:80", NULL, RUNG_AF_IPV6, 80, 2},
    {"fe80::1%4294967295", NULL, RUNG_AF_IPV6, 0, UINT32_MAX},
    {"[ff02::1%7]", "ff02::1%7", RUNG_AF_IPV6, 0, 7},
    {"fe80:1111:2222:3333:4444:5555:6666:7777%1", NULL, RUNG_AF_IPV6, 0, 1},
    {"[febf:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535", NULL, RUNG_AF_IPV6, 65535,
     UINT32_MAX}, /* as long as they get */
};

static const char *const bad[] = {
    "", " ", "localhost", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "01.2.3.4",
    "1.2.3.04",
    "0x7f.0.0.1", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:100000",
    "1.2.3.4:000080",
    "1.2.3.4:+80", "1.2.3.4:-1", "1.2.3.4: 80", "1.2.3.4:80 ", "1.2.3.4:80x", "1.2.3.4:0x50",
    "1.2.3.4:80:80", ":80", "1.2.3.4/24", "[1.2.3.4]:80", "[1.2.3.4]", ":", ":::", "::1::", "1:2:3",
    "1:2:3:4:5:6:7:8:9", "12345::", "::g", "[::1", "::1]", "[::1]80", "[::1]:", "[::1]:65536",
    "[::1]x", "[]:80", "[]", "[[::1]]", "::1%2", "2001:db8::1%1", "fe80::1%", "fe80::1%0",
    "fe80::1%eth0", "fe80::1%4294967296", "fe80::1%99999999999", "fe80::1%1%2", "fe80::1%-1",
    "1.2.3.4%1", "%1", "[fe80::1]%1:80", "::1/64", "::1.2.3", "::256.1.1.1",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666:7777:8888",
    "111111111111111111111111111111111111111111111111111111111111111.2.3.4",
};

static void test_good_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(good); i++) {
        struct rung_addr addr, again;
        char text[RUNG_ADDR_TEXT];
        memset(&addr, 0xff, sizeof(addr)); /* nothing of what was there remains */
        assert_int_equal(rung_addr_parse(&addr, good[i].text), RUNG_OK);
        assert_int_equal(addr.family, good[i].family);
        assert_int_equal(addr.port, good[i].port);
        assert_int_equal(addr.scope, good[i].scope);
        const char *want = good[i].canonical ? good[i].canonical : good[i].text;
        assert_ptr_equal(rung_addr_format(&addr, text), text);
        assert_string_equal(text, want);
        assert_int_equal(rung_addr_parse(&again, text), RUNG_OK);
        assert_true(rung_addr_equal(&addr, &again));
    }
}

static void test_bad_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++) {
        struct rung_addr addr, before;
        memset(&addr, 0x5a, sizeof(addr));
        before = addr;
        if (rung_addr_parse(&addr, bad[i]) != RUNG_E_INVAL)
            fail_msg("'%s' is no address", bad[i]);
        assert_memory_equal(&addr, &before, sizeof(addr)); /* unchanged */
    }
}

static void test_bytes(void **state)
{
    static const uint8_t four[4] = {192, 0, 2, 1};
    static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34};
    struct rung_addr addr;
    (void)state;
    assert_int_equal(rung_addr_parse(&addr, "192.0.2.1:513"), RUNG_OK);
    assert_memory_equal(addr.ip, four, 4); /* network order */
    assert_int_equal(addr.port, 513);      /* host order */
    assert_int_equal(rung_addr_parse(&addr, "2001:db8::1234"), RUNG_OK);
    assert_memory_equal(addr.ip, six, 16);
}

static void test_none_and_any(void **state)
{
    struct rung_addr none = {0}, any = rung_addr_any(RUNG_AF_IPV6, 8080);
    char text[RUNG_ADDR_TEXT];
    (void)state;
    assert_string_equal(rung_addr_format(&none, text), "none");
    assert_string_equal(rung_addr_format(&any, text), "[::]:8080");
    any = rung_addr_any(RUNG_AF_IPV4, 0);
    assert_string_equal(rung_addr_format(&any, text), "0.0.0.0");
}

static void test_equal(void **state)
{
    struct rung_addr a, b;
    (void)state;
    assert_int_equal(rung_addr_parse(&a, "[fe80::1%2]:80"), RUNG_OK);
    b = a;
    assert_true(rung_addr_equal(&a, &b));
    b.port = 81;
    assert_false(rung_addr_equal(&a, &b));
    b = a;
    b.scope = 3;
    assert_false(rung_addr_equal(&a, &b));
    b = a;
    b.ip[15] = 2;
    assert_false(rung_addr_equal(&a, &b));
    assert_int_equal(rung_addr_parse(&a, "10.0.0.1:80"), RUNG_OK);
    b = a;
    memset(b.ip + 4, 0xff, 12); /* not part of an IPv4 address */
    assert_true(rung_addr_equal(&a, &b));
}

/* Any value survives being written and read. */
static void test_random_round_trips(void **state)
{
    uint64_t random = test_seed();
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct rung_addr addr = {0}, again;
        char text[RUNG_ADDR_TEXT];
        addr.family = suite_random(&random, 3) ? RUNG_AF_IPV6 : RUNG_AF_IPV4;
        for (unsigned i = 0; i < (addr.family == RUNG_AF_IPV4 ? 4u : 16u); i++)
            addr.ip[i] = (uint8_t)(suite_random(&random, 3) ? 0 : suite_random(&random, 256));
        addr.port = (uint16_t)(suite_random(&random, 2) ? 0 : suite_random(&random, 65536));
        if (addr.family == RUNG_AF_IPV6 && suite_random(&random, 4) == 0) {
            addr.ip[0] = 0xfe;
            addr.ip[1] = 0x80;
            addr.scope = 1 + suite_random(&random, 1000);
        }
        assert_int_equal(rung_addr_parse(&again, rung_addr_format(&addr, text)), RUNG_OK);
        assert_true(rung_addr_equal(&addr, &again));
    }
}

/* Damaged text is refused or understood, and never more. */
static void test_random_damage(void **state)
{
    static const char letters[] = "0123456789abcdefABCDEF:.%[]/ x";
    uint64_t random = test_seed();
    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        struct rung_addr addr, again;
        char text[80] = {0}, formatted[RUNG_ADDR_TEXT];
        snprintf(text, sizeof(text), "%s", good[suite_random(&random, RUNG_ARRAY_LEN(good))].text);
        for (unsigned n = suite_random(&random, 3) + 1; n > 0; n--)
            text[suite_random(&random, (unsigned)strlen(text) + 1)]
                = letters[suite_random(&random, sizeof(letters))]; /* its NUL as well */
        text[sizeof(text) - 1] = '\0';
        if (rung_addr_parse(&addr, text) != RUNG_OK)
            continue;
        assert_int_equal(rung_addr_parse(&again, rung_addr_format(&addr, formatted)), RUNG_OK);
        assert_true(rung_addr_equal(&addr, &again));
    }
}

int suite_addr(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_text), cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_bytes), cmocka_unit_test(test_none_and_any),
        cmocka_unit_test(test_equal), cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
