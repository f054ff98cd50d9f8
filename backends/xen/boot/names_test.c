/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/names_test.c - names, packed as rung-image does and found again; and tables
 * that are damaged. */
#include "xen/boot/names.h"
#include "xen/tool/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 600u

/* Names that have much in common, as functions have; each at a place that is no multiple of
 * anything, some of them far from the one before. */
static struct rung_xen_name *make_names(void)
{
    static const char *const areas[] = {"rung_lwip_", "rung_netfront_", "tcp_", "Z9_"};
    static const char *const verbs[] = {"open", "close", "send", "receive", "X", "it_all_again"};
    struct rung_xen_name *names = calloc(COUNT, sizeof(*names));
    uint64_t place = 0;
    assert_non_null(names);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(names[i].text, RUNG_XEN_NAME, "%s%s_%u", areas[i % 4], verbs[i / 7 % 6], i);
        names[i].place = place;
        names[i].frame = 8 * (i % 300);
        place += i % 50 == 0 ? 1000003 : 1 + i * 37 % 300;
    }
    memset(names[COUNT / 2].text, 'n', RUNG_XEN_NAME - 1); /* the longest that there can be */
    return names;
}

static void expect(const uint8_t *table, size_t size, uint64_t place,
                   const struct rung_xen_name *name)
{
    struct rung_xen_name found;
    assert_true(rung_xen_names_find(table, size, place, &found));
    assert_string_equal(found.text, name->text);
    assert_true(found.place == name->place);
    assert_true(found.frame == name->frame);
}

static void test_found_again(void **state)
{
    (void)state;
    struct rung_xen_name *names = make_names();
    size_t size, letters = 0;
    uint8_t *table = pack_names(names, COUNT, &size);
    assert_non_null(table);
    for (unsigned i = 0; i < COUNT; i++) {
        expect(table, size, names[i].place, &names[i]);
        if (i + 1 < COUNT)
            expect(table, size, names[i + 1].place - 1, &names[i]);
        letters += strlen(names[i].text) + 1;
    }
    expect(table, size, UINT64_MAX, &names[COUNT - 1]);
    assert_true(size < letters / 2);
    free(table);
    free(names);
}

static void test_before_the_first(void **state)
{
    (void)state;
    struct rung_xen_name one = {.text = "only", .place = 7}, found;
    size_t size;
    uint8_t *table = pack_names(&one, 1, &size);
    assert_non_null(table);
    assert_false(rung_xen_names_find(table, size, 6, &found));
    expect(table, size, 7, &one);
    expect(table, size, 8, &one);
    free(table);
}

static void test_other_frame(void **state)
{
    (void)state;
    struct rung_xen_name names[] = {{.text = "one", .place = 7, .frame = 16},
                                    {.text = "", .place = 20, .frame = 32},
                                    {.text = "two", .place = 40, .frame = 0}};
    const struct rung_xen_name later = {.text = "one", .place = 7, .frame = 32};
    size_t size;
    uint8_t *table = pack_names(names, 3, &size);
    assert_non_null(table);
    expect(table, size, 19, &names[0]);
    expect(table, size, 20, &later);
    expect(table, size, 39, &later);
    expect(table, size, 40, &names[2]);
    free(table);
}

static void test_none(void **state)
{
    (void)state;
    struct rung_xen_name none = {.place = 0}, found;
    size_t size;
    uint8_t *table = pack_names(&none, 0, &size);
    assert_non_null(table);
    assert_false(rung_xen_names_find(table, size, 1, &found));
    assert_false(rung_xen_names_find(table, 0, 1, &found));
    free(table);
}

/* In a block of its own, behind whose end the sanitizers look. */
static bool find_in_copy(const uint8_t *table, size_t size, struct rung_xen_name *found)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, table, size);
    bool any = rung_xen_names_find(copy, size, UINT64_MAX, found);
    free(copy);
    return any;
}

static void test_cut_short(void **state)
{
    (void)state;
    struct rung_xen_name *names = make_names(), found;
    size_t size;
    uint8_t *table = pack_names(names, 40, &size);
    assert_non_null(table);
    for (size_t len = 0; len < size; len++)
        if (find_in_copy(table, len, &found))
            assert_true(found.place < names[39].place);
    assert_true(find_in_copy(table, size, &found));
    free(table);
    free(names);
}

/* Each byte of it as each other: whatever is found is a string. */
static void test_damaged(void **state)
{
    (void)state;
    struct rung_xen_name *names = make_names(), found;
    size_t size;
    uint8_t *table = pack_names(names, 40, &size);
    assert_non_null(table);
    for (size_t i = 0; i < size; i++) {
        uint8_t was = table[i];
        for (unsigned value = 0; value < 256; value++) {
            table[i] = (uint8_t)value;
            if (find_in_copy(table, size, &found))
                assert_non_null(memchr(found.text, '\0', sizeof(found.text)));
        }
        table[i] = was;
    }
    free(table);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again), cmocka_unit_test(test_before_the_first),
        cmocka_unit_test(test_other_frame), cmocka_unit_test(test_none),
        cmocka_unit_test(test_cut_short),   cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
