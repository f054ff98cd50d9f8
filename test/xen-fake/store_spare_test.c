/* SPDX-License-Identifier: ISC */
/* test/xen-fake/store_spare_test.c - the store client with a heap that is full: one request at a
 * time is answered all the same, for by that a guest is told to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fake.h"
#include "test_platform.h"

#define KEY "/local/domain/7/control/shutdown"

struct spare_test {
    struct rung_platform *p;
    struct fake *fake;
    struct rung_xen_store *store;
};

struct spare_read {
    struct rung_xen_store_req req;
    int result; /* 1: none yet */
    char reply[16];
};

static void spare_begin(struct spare_test *t)
{
    t->p = test_platform_new();
    t->fake = fake_new(t->p, NULL);
    t->store = &fake_xen(t->fake)->store;
    fake_store_write(t->fake, KEY, "poweroff");
    fake_settle(t->fake);
}

static void spare_end(struct spare_test *t)
{
    fake_free(t->fake);
    test_platform_free(t->p);
}

static void spare_on_read(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct spare_read *read = rung_container_of(req, struct spare_read, req);
    assert_true(read->result > 0);
    read->result = result < 0 ? result : 0;
    snprintf(read->reply, sizeof(read->reply), "%s", req->reply);
}

/* A read that gets no memory of the heap. */
static void spare_read(struct spare_test *t, struct spare_read *read, const char *path)
{
    size_t blocks = test_heap_blocks(t->p);
    *read = (struct spare_read){.req.op.done = spare_on_read, .result = 1};
    test_heap_fail_after(t->p, 1);
    rung_xen_store_read(t->store, &read->req, 0, path);
    test_heap_fail_after(t->p, 0);
    assert_int_equal(test_heap_blocks(t->p), blocks);
    assert_int_equal(read->result, 1);
}

static void spare_expect(const struct spare_read *read)
{
    assert_int_equal(read->result, 0);
    assert_string_equal(read->reply, "poweroff");
}

static void one_at_a_time(void **state)
{
    struct spare_test t;
    struct spare_read read;
    (void)state;
    spare_begin(&t);
    for (unsigned i = 0; i < 5; i++) {
        spare_read(&t, &read, KEY);
        fake_settle(t.fake);
        spare_expect(&read);
    }
    spare_end(&t);
}

static void a_second_one_finds_none(void **state)
{
    struct spare_test t;
    struct spare_read first, second, third;
    (void)state;
    spare_begin(&t);
    for (unsigned i = 0; i < 3; i++) {
        spare_read(&t, &first, KEY);
        spare_read(&t, &second, KEY);
        fake_settle(t.fake);
        spare_expect(&first);
        assert_int_equal(second.result, RUNG_E_NOMEM);
        spare_read(&t, &third, KEY);
        fake_settle(t.fake);
        spare_expect(&third);
    }
    spare_end(&t);
}

static void what_is_too_long_for_it(void **state)
{
    struct spare_test t;
    struct spare_read read;
    char path[400] = "/local/domain/7/";
    (void)state;
    memset(path + 16, 'x', sizeof(path) - 17);
    spare_begin(&t);
    spare_read(&t, &read, path);
    fake_settle(t.fake);
    assert_int_equal(read.result, RUNG_E_NOMEM);
    path[255] = '\0'; /* 256 bytes with its NUL: it just fits */
    spare_read(&t, &read, path);
    fake_settle(t.fake);
    assert_int_equal(read.result, RUNG_E_NOTFOUND);
    path[255] = 'x', path[256] = '\0';
    spare_read(&t, &read, path);
    fake_settle(t.fake);
    assert_int_equal(read.result, RUNG_E_NOMEM);
    spare_read(&t, &read, KEY);
    fake_settle(t.fake);
    spare_expect(&read);
    spare_end(&t);
}

/* A connection that is lost, or a guest that ends, while it is on its way. */
static void it_outlives_a_connection(void **state)
{
    struct spare_test t;
    struct spare_read read;
    (void)state;
    spare_begin(&t);
    spare_read(&t, &read, KEY);
    fake_suspend(t.fake);
    fake_settle(t.fake);
    assert_int_equal(read.result, RUNG_E_DOWN);
    fake_store_write(t.fake, KEY, "poweroff");
    spare_read(&t, &read, KEY);
    fake_settle(t.fake);
    spare_expect(&read);
    spare_read(&t, &read, KEY);
    spare_end(&t);
    assert_int_equal(read.result, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(a_second_one_finds_none),
        cmocka_unit_test(what_is_too_long_for_it),
        cmocka_unit_test(it_outlives_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
