/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_log.c - log.h: levels, the shape of a line, and what cannot be in it. */
#include "suite.h"

#include <string.h>

#include "rung/log.h"

static const enum rung_log_level levels[] = {
    RUNG_LOG_ERROR, RUNG_LOG_WARN, RUNG_LOG_INFO, RUNG_LOG_DEBUG,
};

static void test_a_line(void **state)
{
    struct rung_platform *p = test_platform_new();
    (void)state;
    assert_string_equal(test_log_last(p), "");
    rung_log(p, RUNG_LOG_ERROR, "tcp", "port %d is in use; choose another: --port=", 80);
    assert_string_equal(test_log_last(p),
                        "error: tcp: port 80 is in use; choose another: --port=");
    rung_log(p, RUNG_LOG_WARN, "", "%s", "nobody speaks");
    assert_string_equal(test_log_last(p), "warn: nobody speaks");
    assert_int_equal(test_log_count(p), 2);
    test_platform_free(p);
}

static void test_levels(void **state)
{
    static const char *const words[] = {"error: a: x", "warn: a: x", "info: a: x", "debug: a: x"};
    struct rung_platform *p = test_platform_new();
    (void)state;
    for (size_t highest = 0; highest < RUNG_ARRAY_LEN(levels); highest++) {
        rung_log_set_level(p, levels[highest]);
        for (size_t i = 0; i < RUNG_ARRAY_LEN(levels); i++) {
            size_t before = test_log_count(p);
            rung_log(p, levels[i], "a", "x");
            assert_int_equal(test_log_count(p) - before, i <= highest);
            assert_int_equal(rung_log_enabled(p, levels[i]), i <= highest);
            if (i <= highest)
                assert_string_equal(test_log_last(p), words[i]);
        }
    }
    test_platform_free(p);
}

static void test_info_is_the_default(void **state)
{
    struct rung_platform *p = test_platform_new();
    (void)state;
    assert_true(rung_log_enabled(p, RUNG_LOG_INFO));
    assert_false(rung_log_enabled(p, RUNG_LOG_DEBUG));
    test_platform_free(p);
}

/* "Dropped before they are formatted": %n is how one can tell from outside. */
static void test_dropped_lines_are_not_formatted(void **state)
{
    struct rung_platform *p = test_platform_new();
    int written = -1;
    (void)state;
    rung_log(p, RUNG_LOG_DEBUG, "a", "12345%n", &written);
    assert_int_equal(written, -1);
    rung_log_set_level(p, RUNG_LOG_DEBUG);
    rung_log(p, RUNG_LOG_DEBUG, "a", "12345%n", &written);
    assert_int_equal(written, 5);
    test_platform_free(p);
}

static void test_no_argument_forges_a_line(void **state)
{
    struct rung_platform *p = test_platform_new();
    char text[130];
    (void)state;
    rung_log(p, RUNG_LOG_INFO, "http", "GET %s", "/\r\nerror: tcp: forged\033[2J\177\t\xc3\xa9");
    assert_string_equal(test_log_last(p),
                        "info: http: GET /??error: tcp: forged?[2J??\xc3\xa9");
    for (int i = 1; i < 128; i++)
        text[i - 1] = (char)i;
    text[127] = '\0';
    rung_log(p, RUNG_LOG_INFO, text, "%s", text);
    for (const char *c = test_log_last(p); *c; c++)
        assert_in_range(*c, 0x20, 0x7e);
    assert_int_equal(test_log_count(p), 2);
    test_platform_free(p);
}

/* test_platform checks that every line has at most RUNG_LOG_MAX bytes and one newline at its
 * end. */
static void test_long_lines_are_cut(void **state)
{
    struct rung_platform *p = test_platform_new();
    char text[RUNG_LOG_MAX * 3];
    (void)state;
    for (size_t len = RUNG_LOG_MAX - 20; len <= RUNG_LOG_MAX + 20; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        rung_log(p, RUNG_LOG_INFO, "a", "%s", text);
        size_t whole = strlen("info: a: ") + len;
        size_t want = whole < RUNG_LOG_MAX - 1 ? whole : RUNG_LOG_MAX - 1;
        assert_int_equal(strlen(test_log_last(p)), want);
    }
    memset(text, 'w', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    rung_log(p, RUNG_LOG_INFO, text, "who is too long as well");
    assert_int_equal(strlen(test_log_last(p)), RUNG_LOG_MAX - 1);
    rung_log(p, RUNG_LOG_INFO, text, "%s", text);
    assert_int_equal(strlen(test_log_last(p)), RUNG_LOG_MAX - 1);
    test_platform_free(p);
}

static bool is_utf8(const char *text)
{
    while (*text) {
        unsigned char lead = (unsigned char)*text++;
        unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        if (lead >= 0x80 && lead < 0xc0)
            return false;
        for (; more > 0; more--)
            if (((unsigned char)*text++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void test_cut_leaves_characters_whole(void **state)
{
    static const char *const characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d"};
    struct rung_platform *p = test_platform_new();
    char text[RUNG_LOG_MAX * 2 + 8];
    (void)state;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(characters); i++)
        for (size_t shift = 0; shift < 8; shift++) {
            memset(text, 'y', shift);
            text[shift] = '\0';
            while (strlen(text) < RUNG_LOG_MAX)
                strcat(text, characters[i]);
            rung_log(p, RUNG_LOG_INFO, "a", "%s", text);
            assert_true(is_utf8(test_log_last(p)));
            assert_in_range(strlen(test_log_last(p)), RUNG_LOG_MAX - 4, RUNG_LOG_MAX - 1);
        }
    test_platform_free(p);
}

/* Bytes that are no UTF-8 do not confuse the cut. */
static void test_cut_of_binary_bytes(void **state)
{
    struct rung_platform *p = test_platform_new();
    uint64_t random = test_seed();
    char text[RUNG_LOG_MAX * 2];
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof(text) - 1; i++)
            text[i] = (char)(128 + suite_random(&random, 128));
        text[sizeof(text) - 1] = '\0';
        rung_log(p, RUNG_LOG_INFO, "a", "%s", text);
        assert_in_range(strlen(test_log_last(p)), RUNG_LOG_MAX - 4, RUNG_LOG_MAX - 1);
    }
    test_platform_free(p);
}

int suite_log(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_info_is_the_default),
        cmocka_unit_test(test_dropped_lines_are_not_formatted),
        cmocka_unit_test(test_no_argument_forges_a_line),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_cut_leaves_characters_whole),
        cmocka_unit_test(test_cut_of_binary_bytes),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
