/* SPDX-License-Identifier: ISC */
/* test/contract/loop/suite_sink.c - sink.h: what is written is there, in order, and no more. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "rung/sink.h"

struct sink_test {
    struct rung_platform *p;
    struct rung_sink *sink;
    struct rung_op op;
    unsigned done;
    int result;
    bool in_call;
};

static void sink_on_done(struct rung_op *op, int result)
{
    struct sink_test *t = rung_container_of(op, struct sink_test, op);
    assert_false(t->in_call);
    t->done++;
    t->result = result;
}

static bool sink_is_done(void *arg)
{
    return ((struct sink_test *)arg)->done > 0;
}

static int sink_wait(struct sink_test *t)
{
    t->in_call = false;
    test_run_until(t->p, sink_is_done, t);
    test_run_turns(t->p, 3);
    assert_int_equal(t->done, 1);
    t->done = 0;
    return t->result;
}

static int sink_write(struct sink_test *t, const struct rung_vec vec[], unsigned n)
{
    t->in_call = true;
    t->op.done = sink_on_done;
    rung_sink_write(t->sink, &t->op, vec, n);
    return sink_wait(t);
}

static void sink_begin(struct sink_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    if (!fixture_sink_name(t->p)) {
        assert_int_equal(rung_sink_open(t->p, "a sink", &t->sink), RUNG_E_NOTSUP);
        test_platform_free(t->p);
        print_message("skipped: this platform has no sinks\n");
        skip();
    }
    assert_int_equal(rung_sink_open(t->p, fixture_sink_name(t->p), &t->sink), RUNG_OK);
}

static void sink_close(struct sink_test *t)
{
    t->in_call = true;
    t->op.done = sink_on_done;
    rung_sink_close(t->sink, &t->op);
    assert_int_equal(sink_wait(t), RUNG_OK);
}

static void sink_expect(struct sink_test *t, const uint8_t *bytes, size_t len)
{
    uint8_t *got = malloc(len + 2);
    assert_non_null(got);
    assert_int_equal(fixture_sink_read(t->p, got, len + 2), len);
    if (len > 0)
        assert_memory_equal(got, bytes, len);
    free(got);
}

/* Writes of every shape: many segments, empty ones, none, long ones. */
static void test_sink_keeps_what_is_written(void **state)
{
    enum { SIZE = 1 << 20 };
    uint64_t chance = test_seed();
    struct sink_test t;
    size_t at = 0;
    (void)state;
    sink_begin(&t);
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) + (i >> 16));
    sink_expect(&t, bytes, 0);
    for (unsigned round = 0; at < SIZE; round++) {
        struct rung_vec vec[RUNG_SINK_VECS];
        unsigned n = round % 7 ? suite_random(&chance, RUNG_SINK_VECS + 1) : RUNG_SINK_VECS;
        size_t before = at;
        for (unsigned i = 0; i < n; i++) {
            size_t len = suite_random(&chance, round % 5 ? 300 : 30000);
            len = suite_random(&chance, 4) ? len : 0;
            len = len < SIZE - at ? len : SIZE - at;
            vec[i] = (struct rung_vec){.base = bytes + at, .len = len};
            at += len;
        }
        assert_int_equal(sink_write(&t, vec, n), RUNG_OK);
        if (before == 0 || round % 16 == 0)
            sink_expect(&t, bytes, at);
    }
    sink_close(&t);
    sink_expect(&t, bytes, SIZE);
    fixture_sink_end(t.p);
    test_platform_free(t.p);
    free(bytes);
}

/* Opened anew it is empty again, and another sink is another. */
static void test_sink_is_made_anew(void **state)
{
    static uint8_t bytes[] = "longer than the second time";
    struct sink_test t;
    (void)state;
    sink_begin(&t);
    assert_int_equal(sink_write(&t, &(struct rung_vec){bytes, sizeof(bytes)}, 1), RUNG_OK);
    sink_close(&t);
    sink_expect(&t, bytes, sizeof(bytes));
    assert_int_equal(rung_sink_open(t.p, fixture_sink_name(t.p), &t.sink), RUNG_OK);
    sink_expect(&t, bytes, 0);
    assert_int_equal(sink_write(&t, &(struct rung_vec){bytes, 3}, 1), RUNG_OK);
    rung_sink_cancel(t.sink); /* nothing is in flight: nothing happens */
    sink_close(&t);
    sink_expect(&t, bytes, 3);
    fixture_sink_end(t.p);
    test_platform_free(t.p);
}

int suite_sink(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_keeps_what_is_written),
        cmocka_unit_test(test_sink_is_made_anew),
    };
    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
