/* SPDX-License-Identifier: ISC */
/* backends/xen/args_test.c - command lines to words. */
#include "xen/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16

/* Splits a copy that ends where its memory does, so that a sanitizer sees a step beyond. */
static void expect(const char *line, const char *const words[], int count)
{
    size_t size = strlen(line) + 1;
    char *text = memcpy(malloc(size), line, size);
    const char *got[WORDS_MAX] = {0};
    assert_int_equal(rung_xen_args_count(text), count);
    assert_string_equal(text, line);
    rung_xen_args_split(text, got);
    for (int i = 0; i < count; i++)
        assert_string_equal(got[i], words[i]);
    assert_null(got[count]);
    free(text);
}

static void test_blanks(void **state)
{
    (void)state;
    expect("", NULL, 0);
    expect(" \t\n ", NULL, 0);
    expect("port=80", (const char *const[]){"port=80"}, 1);
    expect("  a \t b\n", (const char *const[]){"a", "b"}, 2);
    expect("a b c", (const char *const[]){"a", "b", "c"}, 3);
}

static void test_quotes(void **state)
{
    (void)state;
    expect("name=\"a b\" x", (const char *const[]){"name=a b", "x"}, 2);
    expect("\"name=a b\"", (const char *const[]){"name=a b"}, 1);
    expect("\"\" x \"\"", (const char *const[]){"", "x", ""}, 3);
    expect("a\"b\"\"c d\"e f", (const char *const[]){"abc de", "f"}, 2);
    expect("'a b'", (const char *const[]){"'a", "b'"}, 2); /* only double ones */
    expect("a\\\"b c\"", (const char *const[]){"a\\b c"}, 1);
}

static void test_open_quote(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"", "a\"", "a \"b c", "\"a\"\"", "\"a\" b\""};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(bad); i++)
        assert_int_equal(rung_xen_args_count(bad[i]), RUNG_E_INVAL);
}

/* Any text of these letters: never a step outside, and as many words as were counted. */
static void test_any(void **state)
{
    (void)state;
    static const char letters[] = "a \"=";
    for (unsigned n = 0; n < 1u << 16; n++) {
        char *text = malloc(9);
        const char *words[WORDS_MAX] = {0};
        for (unsigned i = 0; i < 8; i++)
            text[i] = letters[n >> 2 * i & 3];
        text[8] = '\0';
        int count = rung_xen_args_count(text);
        if (count >= 0) {
            rung_xen_args_split(text, words);
            assert_null(words[count]);
            for (int i = 0; i < count; i++)
                assert_true(words[i] >= text && strlen(words[i]) <= 8);
        }
        free(text);
    }
}

static void test_take(void **state)
{
    (void)state;
    const char *words[] = {"a=1", "xen.x=1", "--xen.x=2", "xen.xy=3", "xen.x", "--b"};
    size_t count = RUNG_ARRAY_LEN(words);
    assert_string_equal(rung_xen_args_take(words, &count, "xen.x"), "2");
    assert_int_equal(count, 4);
    assert_string_equal(words[0], "a=1");
    assert_string_equal(words[1], "xen.xy=3");
    assert_string_equal(words[2], "xen.x");
    assert_string_equal(words[3], "--b");
    assert_null(rung_xen_args_take(words, &count, "xen.x"));
    assert_int_equal(count, 4);
    count = 0;
    assert_null(rung_xen_args_take(words, &count, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks), cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_open_quote), cmocka_unit_test(test_any), cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
