/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_line_test.c - who arrives when, and in which order. */
#include "fault_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test_platform.h"
#include "test_suite.h"

enum { N = 64, US = 1000 };

struct line_test {
    struct rung_fault_line line;
    struct rung_fault_slot slots[N];
    struct rung_frame frames[N];
};

static void begin(struct line_test *t)
{
    memset(t, 0, sizeof(*t));
    rung_fault_line_init(&t->line, t->slots, N);
}

/* Who has arrived by now, as letters: the first frame is a. */
static void expect(struct line_test *t, uint64_t now_ns, const char *letters)
{
    struct rung_frame *f;
    char got[N + 1] = "";
    size_t n = 0;
    rung_fault_line_move(&t->line, now_ns);
    while ((f = rung_fault_line_pick(&t->line)) != NULL)
        got[n++] = (char)('a' + (f - t->frames));
    assert_string_equal(got, letters);
}

static void enter(struct line_test *t, unsigned i, uint64_t due_ns, unsigned overtaken)
{
    rung_fault_line_enter(&t->line, &t->frames[i], due_ns, overtaken);
}

static void everyone_arrives_in_time(void **state)
{
    struct line_test t;
    (void)state;
    begin(&t);
    assert_true(rung_fault_line_due(&t.line) == UINT64_MAX);
    enter(&t, 0, 5 * US, 0);
    enter(&t, 1, 3 * US, 0);
    enter(&t, 2, 5 * US, 0);
    enter(&t, 3, 4 * US, 0);
    assert_true(rung_fault_line_due(&t.line) == 3 * US);
    expect(&t, 3 * US - 1, "");
    expect(&t, 3 * US, "b");
    assert_true(rung_fault_line_due(&t.line) == 4 * US);
    expect(&t, 9 * US, "dac");
    assert_int_equal(t.line.used, 0);
}

static void some_are_overtaken(void **state)
{
    struct line_test t;
    (void)state;
    begin(&t);
    for (unsigned i = 0; i < 8; i++)
        enter(&t, i, 0, i == 1 ? 3 : i == 3 ? 1 : 0);
    expect(&t, 0, "acedfbgh"); /* b after c, e and f; d after e */
    for (unsigned i = 0; i < 3; i++)
        enter(&t, i, US, i == 0 ? 5 : 0);
    expect(&t, US, "bc"); /* a waits for three more */
    assert_true(rung_fault_line_due(&t.line) == US + RUNG_FAULT_ASIDE_NS);
    enter(&t, 3, 2 * US, 0);
    expect(&t, 2 * US, "d");
    expect(&t, US + RUNG_FAULT_ASIDE_NS - 1, "");
    expect(&t, US + RUNG_FAULT_ASIDE_NS, "a"); /* nobody came: it is late, and not lost */
    assert_int_equal(t.line.used, 0);
}

/* Overtaken is who is already there: frames ahead of it do not count. */
static void those_ahead_do_not_overtake(void **state)
{
    struct line_test t;
    (void)state;
    begin(&t);
    enter(&t, 0, US, 0);
    enter(&t, 1, 2 * US, 1);
    enter(&t, 2, 3 * US, 0);
    enter(&t, 3, 4 * US, 0);
    expect(&t, 2 * US, "a");
    expect(&t, 4 * US, "cbd");
}

static void what_is_put_back_comes_first(void **state)
{
    struct line_test t;
    (void)state;
    begin(&t);
    for (unsigned i = 0; i < 4; i++)
        enter(&t, i, 0, 0);
    rung_fault_line_move(&t.line, 0);
    struct rung_frame *a = rung_fault_line_pick(&t.line), *b = rung_fault_line_pick(&t.line);
    rung_fault_line_unpick(&t.line, b);
    rung_fault_line_unpick(&t.line, a);
    expect(&t, 0, "abcd");
}

static void striking_empties_what_is_under_way(void **state)
{
    struct line_test t;
    (void)state;
    begin(&t);
    for (unsigned i = 0; i < 6; i++)
        enter(&t, i, i < 4 ? 0 : US, i == 3);
    rung_fault_line_move(&t.line, 0); /* d stands aside, e and f travel */
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(rung_fault_line_strike(&t.line));
    assert_null(rung_fault_line_strike(&t.line));
    expect(&t, US, "abc");
    assert_int_equal(t.line.used, 0);
}

/* By chance, against a plain sort: nobody is early, nobody is lost, ties keep their order. */
static void a_line_sorts(void **state)
{
    struct rung_platform *p = test_platform_new();
    uint64_t chance = test_seed() | 1, due[N];
    struct line_test t;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        begin(&t);
        for (unsigned i = 0; i < N; i++) {
            due[i] = test_chance(&chance, 20);
            enter(&t, i, due[i], 0);
        }
        for (uint64_t now = 0; now < 20; now++) {
            rung_fault_line_move(&t.line, now);
            for (unsigned i = 0; i < N; i++) {
                if (due[i] == now)
                    assert_ptr_equal(rung_fault_line_pick(&t.line), &t.frames[i]);
            }
            assert_null(rung_fault_line_pick(&t.line));
        }
        assert_int_equal(t.line.used, 0);
    }
    test_platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_arrives_in_time),
        cmocka_unit_test(some_are_overtaken),
        cmocka_unit_test(those_ahead_do_not_overtake),
        cmocka_unit_test(what_is_put_back_comes_first),
        cmocka_unit_test(striking_empties_what_is_under_way),
        cmocka_unit_test(a_line_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
