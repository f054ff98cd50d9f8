/* SPDX-License-Identifier: ISC */
/* test/contract/dns/suite_flight.c - requests under way: many, called off, stopped, started by each
 * other, and without memory. */
#include "suite.h"

#include "test_wait.h"

#define FLIGHT_MANY 30u
#define FLIGHT_FLOOD 1000u

static void many_are_answered_each_by_its_own(void **state)
{
    struct dns_test t;
    struct dns_ask asks[FLIGHT_MANY] = {0};
    char names[FLIGHT_MANY][16], four[RUNG_ADDR_TEXT], six[RUNG_ADDR_TEXT];
    (void)state;
    dns_begin(&t);
    for (unsigned i = 0; i < FLIGHT_MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "n%u.test", i + 1);
        asks[i].how.port = (uint16_t)(1000 + i);
        ask_start(&t, &asks[i], names[i], RUNG_AF_NONE);
    }
    for (unsigned i = 0; i < FLIGHT_MANY; i++) {
        ask_wait(&asks[i]);
        snprintf(four, sizeof(four), "192.0.2.%u", i + 1);
        snprintf(six, sizeof(six), "2001:db8::%x", i + 1);
        ask_found(&asks[i], four, six);
    }
    dns_end(&t);
}

static void the_same_name_may_be_asked_for_twice_at_once(void **state)
{
    struct dns_test t;
    struct dns_ask asks[5] = {0};
    (void)state;
    dns_begin(&t);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(asks); i++)
        ask_start(&t, &asks[i], "both.test", RUNG_AF_NONE);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(asks); i++) {
        ask_wait(&asks[i]);
        ask_found(&asks[i], "192.0.2.2", "2001:db8::2");
    }
    dns_end(&t);
}

/* Too many at once: some are told so, at once, and the others are answered. */
static void a_flood_is_bounded(void **state)
{
    struct dns_test t;
    struct dns_ask *asks = calloc(FLIGHT_FLOOD, sizeof(*asks));
    unsigned found = 0, refused = 0;
    (void)state;
    assert_non_null(asks);
    dns_begin(&t);
    for (unsigned i = 0; i < FLIGHT_FLOOD; i++)
        ask_start(&t, &asks[i], i % 2 ? "four.test" : "six.test", RUNG_AF_NONE);
    for (unsigned i = 0; i < FLIGHT_FLOOD; i++) {
        ask_wait(&asks[i]);
        found += asks[i].result == RUNG_OK;
        refused += asks[i].result == RUNG_E_LIMIT;
    }
    assert_int_equal(found + refused, FLIGHT_FLOOD);
    assert_in_range(found, 16, FLIGHT_FLOOD - 1);
    assert_int_equal(ask_for(&t, &asks[0], "both.test", RUNG_AF_NONE), RUNG_OK);
    dns_end(&t);
    free(asks);
}

static void a_canceled_request_ends_once(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0}, other = {0};
    (void)state;
    dns_begin(&t);
    t.silent = true;
    ask_start(&t, &ask, "four.test", RUNG_AF_NONE);
    ask_start(&t, &other, "four.test", RUNG_AF_NONE);
    test_run_turns(t.p, 3);
    t.in_call++;
    assert_int_equal(rung_op_cancel(&ask.how.op), RUNG_OK);
    t.in_call--;
    ask_wait(&ask);
    assert_int_equal(ask.result, RUNG_E_CANCELED);
    t.silent = false; /* what was asked comes again, or is answered now */
    ask_wait(&other);
    ask_found(&other, "192.0.2.4", NULL);
    test_run_turns(t.p, 5);
    assert_int_equal(ask.done, 1);
    dns_end(&t);
}

static void one_that_has_ended_cannot_be_canceled(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    ask_start(&t, &ask, "192.0.2.1", RUNG_AF_NONE);
    assert_int_equal(rung_op_cancel(&ask.how.op), RUNG_E_NOTSUP);
    ask_wait(&ask);
    ask_found(&ask, "192.0.2.1", NULL);
    dns_end(&t);
}

static void stopping_ends_what_is_under_way(void **state)
{
    struct dns_test t;
    struct dns_ask asks[8] = {0};
    (void)state;
    dns_begin(&t);
    t.silent = true;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(asks); i++)
        ask_start(&t, &asks[i], i % 2 ? "four.test" : "six.test", RUNG_AF_NONE);
    test_run_turns(t.p, 3);
    dns_stop(&t);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(asks); i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].result, RUNG_E_CANCELED);
    }
    dns_end(&t);
}

static struct dns_ask flight_next;

static void flight_ask_next(struct dns_ask *ask)
{
    assert_int_equal(ask->result, RUNG_OK);
    ask_start(ask->t, &flight_next, "six.test", RUNG_AF_IPV6);
}

static void done_may_ask_again(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {.on_done = flight_ask_next};
    (void)state;
    dns_begin(&t);
    memset(&flight_next, 0, sizeof(flight_next));
    ask_for(&t, &ask, "four.test", RUNG_AF_NONE);
    ask_wait(&flight_next);
    ask_found(&flight_next, "2001:db8::6", NULL);
    dns_end(&t);
}

/* Whatever it lacks it says, or does without. */
static void a_lack_of_memory_is_an_answer(void **state)
{
    struct dns_test t;
    (void)state;
    for (long n = 1; n < 12; n++) {
        struct dns_ask ask = {0};
        dns_begin(&t);
        test_heap_fail_after(t.p, n);
        int result = ask_for(&t, &ask, "both.test", RUNG_AF_NONE);
        test_heap_fail_after(t.p, 0);
        if (result != RUNG_OK && result != RUNG_E_LIMIT)
            assert_int_equal(result, RUNG_E_NOMEM);
        ask_for(&t, &ask, "both.test", RUNG_AF_NONE);
        ask_found(&ask, "192.0.2.2", "2001:db8::2");
        dns_end(&t);
    }
}

const struct CMUnitTest dns_flight_cases[] = {
    cmocka_unit_test(many_are_answered_each_by_its_own),
    cmocka_unit_test(the_same_name_may_be_asked_for_twice_at_once),
    cmocka_unit_test(a_flood_is_bounded),
    cmocka_unit_test(a_canceled_request_ends_once),
    cmocka_unit_test(one_that_has_ended_cannot_be_canceled),
    cmocka_unit_test(stopping_ends_what_is_under_way),
    cmocka_unit_test(done_may_ask_again),
    cmocka_unit_test(a_lack_of_memory_is_an_answer),
    {0},
};
