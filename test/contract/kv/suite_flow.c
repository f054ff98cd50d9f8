/* SPDX-License-Identifier: ISC */
/* test/contract/kv/suite_flow.c - many requests in flight: each done once, gets see what was done,
 * requests from inside done(), no memory. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far more gets than any module works on at once; good ones and bad ones. */
static void flow_many_gets(void **state)
{
    enum { MANY = 1500 };
    struct kv_test t;
    size_t count;
    const struct kv_file *files = kv_content(&count);
    (void)state;
    kv_begin_filled(&t);
    struct kv_get *gets = calloc(MANY, sizeof(*gets));
    assert_non_null(gets);
    for (size_t i = 0; i < MANY; i++) {
        const struct kv_file *file = &files[i % count];
        gets[i].req = (struct rung_kv_get){
            .key = i % 3 == 2 ? "nothing" : file->key, .key_len = i % 3 == 2 ? 7 : file->key_len,
            .len = RUNG_KV_ALL,
        };
        kv_start_get(&t, &gets[i]);
        assert_int_equal(gets[i].wait.done, 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        int result = kv_wait(&t, &gets[i].wait);
        assert_int_equal(result, i % 3 == 2 ? RUNG_E_NOTFOUND : 0);
        if (result)
            continue;
        assert_int_equal(gets[i].req.value.len, files[i % count].len);
        if (gets[i].req.value.len)
            assert_memory_equal(gets[i].req.value.data, files[i % count].value,
                                files[i % count].len);
        kv_release(&gets[i]);
    }
    test_run_turns(t.p, 5);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gets[i].wait.done, 1);
    free(gets);
    kv_end(&t);
}

struct flow_write {
    struct kv_write write;
    struct rung_kv_change change;
    struct rung_vec vec;
    char text[16];
    struct flow_order *order;
};
struct flow_order {
    char last[16]; /* the value whose done() ran last */
    unsigned done;
};

static void flow_write_done(struct rung_op *op, int result)
{
    struct rung_kv_write *req = rung_container_of(op, struct rung_kv_write, op);
    struct kv_write *write = rung_container_of(req, struct kv_write, req);
    struct flow_write *flow = rung_container_of(write, struct flow_write, write);
    assert_int_equal(result, 0);
    memcpy(flow->order->last, flow->text, sizeof(flow->text));
    flow->order->done++;
    flow->write.wait.done++;
}

/* Writes of one key at once: the one that was done last is the one that counts. */
static void flow_last_done_wins(void **state)
{
    enum { WRITES = 100 };
    struct kv_test t;
    struct flow_order order = {.done = 0};
    (void)state;
    kv_begin(&t, KV_FAST);
    struct flow_write *writes = calloc(WRITES, sizeof(*writes));
    assert_non_null(writes);
    for (unsigned i = 0; i < WRITES; i++) {
        struct flow_write *w = &writes[i];
        snprintf(w->text, sizeof(w->text), "value %u", i);
        w->vec = (struct rung_vec){w->text, strlen(w->text)};
        w->change = (struct rung_kv_change){
            .key = "key", .key_len = 3, .value = i % 10 == 5 ? NULL : &w->vec, .value_count = 1,
        };
        if (!w->change.value)
            w->text[0] = 0;
        w->order = &order;
        w->write.req = (struct rung_kv_write){
            .op = {.done = flow_write_done}, .change = &w->change, .change_count = 1,
        };
        rung_kv_write(t.kv, &w->write.req);
        assert_int_equal(order.done, 0);
    }
    for (unsigned i = 0; i < WRITES; i++)
        kv_wait(&t, &writes[i].write.wait);
    assert_int_equal(order.done, WRITES);
    kv_expect_text(&t, "key", order.last);
    free(writes);
    kv_end(&t);
}

/* A chain: each done() starts the next request, a get after each write. */
struct flow_chain {
    struct kv_test *t;
    struct rung_kv_get get;
    struct rung_kv_write write;
    struct rung_kv_change change;
    struct rung_vec vec;
    unsigned round;
    bool over;
    char text[16];
};

enum { FLOW_ROUNDS = 50 };

static void flow_chain_next(struct flow_chain *chain);

static void flow_chain_got(struct rung_op *op, int result)
{
    struct rung_kv_get *get = rung_container_of(op, struct rung_kv_get, op);
    struct flow_chain *chain = rung_container_of(get, struct flow_chain, get);
    assert_int_equal(result, 0);
    assert_int_equal(get->value.len, chain->vec.len);
    assert_memory_equal(get->value.data, chain->text, chain->vec.len);
    rung_buf_release(&get->value); /* inside done(), as most callers will */
    flow_chain_next(chain);
}

static void flow_chain_written(struct rung_op *op, int result)
{
    struct rung_kv_write *write = rung_container_of(op, struct rung_kv_write, op);
    struct flow_chain *chain = rung_container_of(write, struct flow_chain, write);
    assert_int_equal(result, 0);
    chain->get = (struct rung_kv_get){
        .op = {.done = flow_chain_got}, .key = "chain", .key_len = 5, .len = RUNG_KV_ALL,
    };
    rung_kv_get(chain->t->kv, &chain->get);
}

static void flow_chain_next(struct flow_chain *chain)
{
    if (++chain->round > FLOW_ROUNDS) {
        chain->over = true;
        return;
    }
    snprintf(chain->text, sizeof(chain->text), "round %u", chain->round);
    chain->vec = (struct rung_vec){chain->text, strlen(chain->text)};
    chain->change = (struct rung_kv_change){
        .key = "chain", .key_len = 5, .value = &chain->vec, .value_count = 1,
    };
    chain->write = (struct rung_kv_write){
        .op = {.done = flow_chain_written}, .change = &chain->change, .change_count = 1,
    };
    rung_kv_write(chain->t->kv, &chain->write);
}

static bool flow_chain_over(void *arg)
{
    return ((struct flow_chain *)arg)->over;
}

static void flow_chained(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin(&t, KV_FAST);
    struct flow_chain chains[3] = {{.t = &t}, {.t = &t}, {.t = &t}};
    flow_chain_next(&chains[0]);
    test_run_until(t.p, flow_chain_over, &chains[0]);
    kv_end(&t);
}

/* No memory for a get or a write, at whichever allocation: NOMEM, and nothing has changed. */
static void flow_no_memory(void **state)
{
    struct kv_test t;
    struct kv_get get = {0};
    size_t count;
    const struct kv_file *files = kv_content(&count), *big = files;
    int result = RUNG_E_NOMEM;
    (void)state;
    kv_begin_filled(&t);
    for (size_t i = 0; i < count; i++)
        big = files[i].len > big->len ? &files[i] : big;
    for (long n = 1; result == RUNG_E_NOMEM && n < 100; n++) {
        test_heap_fail_after(t.p, n);
        result = kv_get_range(&t, &get, big->key, big->key_len, 0, RUNG_KV_ALL);
        test_heap_fail_after(t.p, 0);
    }
    assert_int_equal(result, 0);
    assert_int_equal(get.req.value.len, big->len);
    kv_release(&get);
    for (long n = 1; t.kv->info.max_batch > 0 && n < 100; n++) {
        test_heap_fail_after(t.p, n);
        result = kv_put(&t, "new key", "value");
        test_heap_fail_after(t.p, 0);
        if (result == 0)
            break;
        assert_int_equal(result, RUNG_E_NOMEM);
        kv_expect_none(&t, "new key");
    }
    assert_int_equal(result, 0);
    kv_end(&t);
}

/* The store is one of several users of the loop: it takes its time in pieces. */
static void flow_opened_again(void **state)
{
    struct kv_test t;
    (void)state;
    kv_begin_filled(&t);
    kv_close(&t);
    for (int i = 0; i < 20; i++) {
        t.kv = kv_fixture.open(t.p, KV_AGAIN);
        if (!t.kv)
            t.kv = kv_fixture.open(t.p, KV_FILLED);
        if (!t.kv)
            break;
        kv_expect_text(&t, "one", "x");
        kv_close(&t);
    }
    kv_end(&t);
}

KV_TESTS(flow, cmocka_unit_test(flow_many_gets), cmocka_unit_test(flow_last_done_wins),
         cmocka_unit_test(flow_chained), cmocka_unit_test(flow_no_memory),
         cmocka_unit_test(flow_opened_again));
