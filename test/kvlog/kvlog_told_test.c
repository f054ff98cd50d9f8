/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_told_test.c - when the log calls a store full: if it is, and not each time. */
#include <stdio.h>
#include <string.h>

#include "kvlog_rig.h"
#include "rung/clock.h"
#include "virtual/virtual.h"

static void told_begin(struct rig *rig)
{
    rig_begin(rig, 1 << 20, 512);
    assert_int_equal(rig_open(rig), 0);
}

/* Sets keys from `from` on to that many bytes each, or removes them for 0: in one write. */
static int told_write(struct rig *rig, unsigned from, unsigned count, uint32_t len)
{
    struct rig_write write = {.count = 0};
    struct rig_value value = {.number = len > 0, .len = len};
    char keys[RIG_CHANGES][16];
    for (unsigned i = 0; i < count; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key-%u", from + i);
        rig_add(rig, &write, keys[i], strlen(keys[i]), &value);
    }
    rig_start(rig, &write);
    return rig_wait(rig, &write);
}

/* Sets keys from *n on until one is refused, some in each write: so many lines. */
static unsigned told_lines(struct rig *rig, unsigned *n, unsigned batch, uint32_t len)
{
    size_t before = test_log_count(rig->p);
    int result;
    while ((result = told_write(rig, *n, batch, len)) == 0)
        *n += batch;
    assert_int_equal(result, RUNG_E_FULL);
    return (unsigned)(test_log_count(rig->p) - before);
}

static void told_remove(struct rig *rig, unsigned *n, unsigned count)
{
    while (count-- > 0)
        assert_int_equal(told_write(rig, --*n, 1, 0), 0);
}

/* A batch that is too long for what is left makes no full store. What was refused is not in use,
 * and not said to be. */
static void only_what_is_full_is_told(void **state)
{
    struct rig rig;
    unsigned n = 0;
    char words[64];
    (void)state;
    told_begin(&rig);
    assert_int_equal(told_lines(&rig, &n, RIG_CHANGES, 100000), 0);
    assert_int_equal(told_lines(&rig, &n, 1, 100000), 1);
    assert_true(n > 0);
    snprintf(words, sizeof(words), "full: %llu bytes are in use",
             (unsigned long long)rig.store.index.live);
    assert_non_null(strstr(test_log_last(rig.p), words));
    rig_end(&rig);
    n = 0;
    told_begin(&rig); /* nor is it hidden from who writes in batches alone */
    assert_int_equal(told_lines(&rig, &n, 1, 1000), 1);
    assert_int_equal(rig_close(&rig), 0);
    assert_int_equal(rig_open(&rig), 0);
    assert_int_equal(told_lines(&rig, &n, 2, 1000), 1);
    rig_end(&rig);
}

/* A store that stays full while much comes and goes says so once; when it was a good deal less in
 * between, once more, but not each time in a minute. */
static void a_full_store_says_so_seldom(void **state)
{
    struct rig rig;
    unsigned n = 0;
    (void)state;
    told_begin(&rig);
    assert_int_equal(told_lines(&rig, &n, 1, 1000), 1);
    for (unsigned i = 0; i < 200; i++) {
        told_remove(&rig, &n, 1 + i % 20);
        rung_virtual_advance_ns(rig.p, RUNG_NS_PER_S);
        assert_int_equal(told_lines(&rig, &n, 1, 1000), 0);
    }
    told_remove(&rig, &n, n / 4);
    assert_int_equal(told_lines(&rig, &n, 1, 1000), 1);
    for (unsigned i = 0; i < 20; i++) {
        told_remove(&rig, &n, n / 4);
        assert_int_equal(told_lines(&rig, &n, 1, 1000), 0);
    }
    rung_virtual_advance_ns(rig.p, 60 * RUNG_NS_PER_S);
    assert_int_equal(told_lines(&rig, &n, 1, 1000), 1);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_full_is_told),
        cmocka_unit_test(a_full_store_says_so_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
