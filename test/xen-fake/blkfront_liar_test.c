/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_liar_test.c - a back end that lies loses the disk, with one line; requests
 * end, memory and grants come back, and nothing else is harmed. */
#include "blkfront_testing.h"

enum { N = 20 };

struct lie {
    const char *name, *line; /* what the log says */
    void (*spoil)(struct blkback *back, struct blkif_response *response);
    int result;              /* of the request that it is told about */
};

static void say_unknown_id(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->id ^= UINT64_C(1) << 32;
}

static void say_no_slot(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->id |= 0xffffff;
}

static void say_other_slot(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->id ^= 127;
}

static void say_twice(struct blkback *back, struct blkif_response *response)
{
    blkback_say(back, response);
}

static void say_other_operation(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->operation ^= BLKIF_OP_WRITE;
}

static void say_indirect(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->operation = BLKIF_OP_INDIRECT;
}

static void say_too_many(struct blkback *back, struct blkif_response *response)
{
    (void)response;
    blkback_claim(back, 1000);
}

static void say_less(struct blkback *back, struct blkif_response *response)
{
    (void)response;
    blkback_claim(back, UINT32_MAX - 3);
}

static void say_strange_status(struct blkback *back, struct blkif_response *response)
{
    (void)back;
    response->status = 12345;
}

static const struct lie lies[] = {
    {"an id with another number", "not in flight", say_unknown_id, RUNG_E_DOWN},
    {"an id that no request can have", "cannot be", say_no_slot, RUNG_E_DOWN},
    {"an id of a request that is not there", "not in flight", say_other_slot, RUNG_E_DOWN},
    {"an answer given twice", "not in flight", say_twice, RUNG_OK},
    {"another operation", "another operation", say_other_operation, RUNG_E_DOWN},
    {"indirect for what was direct", "another operation", say_indirect, RUNG_E_DOWN},
    {"more answers than requests", "more requests than there are", say_too_many, RUNG_E_DOWN},
    {"fewer answers than before", "more requests than there are", say_less, RUNG_E_DOWN},
    {"a status that there is none", "", say_strange_status, RUNG_E_IO},
};

/* Lies about the first answer; those after it are no longer listened to. */
static void tell(const struct lie *lie, bool persistent)
{
    static struct blk_io io[N];
    struct blk_test t;
    blk_begin(&t, &blk_rich);
    t.keys.persistent = persistent;
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(N * 8192, 512);
    size_t lines = test_log_count(t.p);
    t.back->hold = true;
    for (unsigned i = 0; i < N; i++)
        blk_submit(&t, &io[i], i % 2 ? RUNG_BLOCK_READ : RUNG_BLOCK_WRITE, i * 16,
                   memory + i * 8192, 8192);
    fake_settle(t.fake);
    assert_int_equal(t.back->flying, N);
    t.back->spoil = lie->spoil;
    blkback_finish(t.back, t.back->first);
    t.back->spoil = NULL;
    t.back->hold = false;
    fake_settle(t.fake);
    blkback_answer(t.back);
    blk_wait(&t);
    assert_int_equal(io[0].result, lie->result);
    bool down = lie->line[0] != '\0';
    for (unsigned i = 1; i < N; i++)
        assert_int_equal(io[i].result, down ? RUNG_E_DOWN : RUNG_OK);
    fake_settle(t.fake);
    assert_int_equal(t.disk.device.state, down ? RUNG_XEN_BROKEN : RUNG_XEN_RUNNING);
    assert_int_equal(test_log_count(t.p), lines + down);
    assert_true(blk_log_has(&t, lie->line));
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, memory, 512), down ? RUNG_E_DOWN : RUNG_OK);
    blk_close(&t);
    assert_int_equal(blk_open(&t), RUNG_OK); /* opened anew it gets another chance */
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, memory, 512), RUNG_OK);
    blk_free(memory, 512);
    blk_end(&t);
}

static void lies_cost_the_device(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * RUNG_ARRAY_LEN(lies); i++) {
        print_message("%s\n", lies[i / 2].name);
        tell(&lies[i / 2], i % 2);
    }
}

/* A request is answered by its id alone: each is another while it is in flight, and the one that an
 * index had before is not taken for the one that it has now. blkback looks at those in flight. */
static void ids_are_not_used_again(void **state)
{
    enum { MANY = 300 };
    static uint64_t seen[MANY];
    struct blk_test t;
    struct blk_io io = {.result = 1};
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(4096, 0);
    t.back->hold = true;
    for (unsigned i = 0; i < MANY; i++) {
        blk_submit(&t, &io, RUNG_BLOCK_READ, 0, memory, 4096);
        fake_settle(t.fake);
        assert_int_equal(t.back->flying, 1);
        seen[i] = t.back->first->id;
        for (unsigned k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
        blkback_answer(t.back);
        blk_wait(&t);
    }
    t.back->hold = false;
    blk_free(memory, 0);
    blk_end(&t);
}

/* Notifications without a reason, as many as it likes, cost turns of the loop and nothing else. */
static void a_flood_of_notifications(void **state)
{
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(4096, 0);
    for (unsigned i = 0; i < 1000; i++) {
        fake_notify(t.fake, &t.back->port);
        fake_raise(t.fake, t.disk.event.port);
        test_run_turns(t.p, 1);
    }
    assert_int_equal(blk_rw(&t, RUNG_BLOCK_READ, 0, memory, 4096), RUNG_OK);
    blk_free(memory, 0);
    blk_end(&t);
}

/* The indexes of the shared page that are the back end's to write, and those that are not: what we
 * put in we never read back. */
static void the_shared_page_is_scribbled_over(void **state)
{
    struct blk_test t;
    struct blk_io io[8] = {{.result = 1}};
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(8 * 4096, 0);
    t.back->hold = true;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 8; i++)
            blk_submit(&t, &io[i], RUNG_BLOCK_WRITE, i * 8, memory + i * 4096, 4096);
        fake_settle(t.fake);
        uint32_t next = t.back->ring->req_prod;
        for (unsigned i = 0; i < t.back->pages; i++)
            memset(t.back->page[i] + (i ? 0 : 64), 0xff, RUNG_XEN_PAGE - (i ? 0 : 64));
        t.back->ring->req_prod = 0x12345678;
        blkback_answer(t.back);
        blk_wait(&t);
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(io[i].result, RUNG_OK);
        t.back->ring->req_prod = next;
    }
    blk_free(memory, 0);
    blk_end(&t);
}

static bool changes; /* what has been read is another thing a moment later */

uint64_t __real_rung_blkfront_read64(const uint64_t *field);
uint64_t __wrap_rung_blkfront_read64(uint64_t *field);

uint64_t __wrap_rung_blkfront_read64(uint64_t *field)
{
    uint64_t value = __real_rung_blkfront_read64(field);
    if (changes)
        *field = ~value;
    return value;
}

/* Checked once and read again: somebody else's request would end, or this one with another status.
 */
static void fields_are_read_once(void **state)
{
    static struct blk_io io[N];
    struct blk_test t;
    (void)state;
    blk_begin(&t, &blk_rich);
    assert_int_equal(blk_open(&t), RUNG_OK);
    uint8_t *memory = blk_memory(N * 4096, 0);
    changes = true;
    for (unsigned i = 0; i < N; i++)
        blk_submit(&t, &io[i], RUNG_BLOCK_READ, i * 8, memory + i * 4096, 4096);
    blk_wait(&t);
    changes = false;
    for (unsigned i = 0; i < N; i++)
        assert_true(io[i].done_count == 1 && io[i].result == RUNG_OK);
    blk_free(memory, 0);
    blk_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_cost_the_device),
        cmocka_unit_test(fields_are_read_once),
        cmocka_unit_test(ids_are_not_used_again),
        cmocka_unit_test(a_flood_of_notifications),
        cmocka_unit_test(the_shared_page_is_scribbled_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
