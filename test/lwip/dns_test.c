/* SPDX-License-Identifier: ISC */
/* test/lwip/dns_test.c - DNS on lwip beyond its contract: answers that are forged or odd, and what
 * is remembered and for how long. */
#include "dns_asking.h"

/* Puts another name into an answer to "four.test": what follows it moves. */
static void dns_rename(struct forged_udp *answer, const uint8_t *name, size_t len)
{
    size_t old = sizeof("\4four\4test");
    memmove(answer->data + 12 + len, answer->data + 12 + old, answer->len - 12 - old);
    memcpy(answer->data + 12, name, len);
    answer->len += len - old;
}

static void forged_answers_are_ignored(void **state)
{
    static const uint8_t other[] = "\4five\4test", shorter[] = "\4four", dotted[] = "\011four.test",
                         inner[] = "\5four\0\4test", beyond[] = "\4four\5test\0",
                         far[64] = "\4four\062test";
    struct forger f;
    struct dns_ask ask, second;
    (void)state;
    dns_open(&f, "10.0.0.1");
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    struct forged_udp question = dns_question(&f);
    dns_ask(&f, &second, "both.test", RUNG_AF_IPV4);
    struct forged_udp second_question = dns_question(&f);
    assert_int_not_equal(question.theirs, second_question.theirs);
    struct forged_udp truth = dns_answer_to(&question), lies[13];
    for (size_t i = 0; i < RUNG_ARRAY_LEN(lies); i++) {
        lies[i] = truth;
        lies[i].data[truth.len - 1] = 66;
    }
    lies[0].data[1] ^= 1;                    /* number */
    lies[1].ours = 5353;                     /* from another port */
    lies[2].host = 9;                        /* from another host */
    lies[3].theirs = second_question.theirs; /* to a port that did not ask that */
    lies[4].data[2] &= 0x7f;                 /* a question */
    lies[5].data[5] = 2;                     /* two questions in it */
    lies[6].data[12 + 11 + 1] = 28;          /* of another type */
    dns_rename(&lies[7], other, sizeof(other));
    dns_rename(&lies[8], shorter, sizeof(shorter));
    dns_rename(&lies[9], dotted, sizeof(dotted));
    dns_rename(&lies[10], inner, sizeof(inner));
    dns_rename(&lies[11], beyond, sizeof(beyond));
    dns_rename(&lies[12], far, sizeof(far));
    for (size_t i = 0; i < RUNG_ARRAY_LEN(lies); i++) {
        dns_put(&f, &lies[i]);
        if (ask.done || second.done)
            fail_msg("lie %zu is believed", i);
    }
    dns_put(&f, &truth);
    dns_found(&ask, "192.0.2.4");
    dns_put(&f, &truth); /* once more, when nobody waits for it */
    dns_answer(&f, &second_question);
    dns_found(&second, "192.0.2.2");
    forger_close(&f);
}

/* Nobody else is asked about this host's own names (RFC 6761 6.3). */
static void localhost_is_no_question(void **state)
{
    static const char *const own[] = {"localhost", "LocalHost.", "a.localhost", "b.a.localhost."};
    static const char *const others[] = {"alocalhost", "localhost.test", "ocalhost"};
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, "10.0.0.1");
    for (size_t i = 0; i < RUNG_ARRAY_LEN(own); i++) {
        dns_ask(&f, &ask, own[i], RUNG_AF_NONE);
        assert_int_equal(ask.done, 1);
        assert_int_equal(ask.result, RUNG_E_NOTFOUND);
        assert_false(dns_is_asked(&f));
    }
    for (size_t i = 0; i < RUNG_ARRAY_LEN(others); i++) {
        dns_ask(&f, &ask, others[i], RUNG_AF_IPV4);
        assert_true(dns_is_asked(&f));
        assert_int_equal(rung_op_cancel(&ask.how.op), RUNG_OK);
        test_run_turns(f.p, 2);
    }
    forger_close(&f);
}

/* Cut short at each length, an answer is none, or says that nothing was found; nothing else
 * happens. */
static void short_answers_do_no_harm(void **state)
{
    (void)state;
    for (size_t len = 0; len < 56; len++) {
        struct forger f;
        struct dns_ask ask;
        dns_open(&f, "10.0.0.1");
        dns_ask(&f, &ask, "alias.test", RUNG_AF_IPV4);
        struct forged_udp question = dns_question(&f), truth = dns_answer_to(&question);
        struct forged_udp cut = truth;
        assert_in_range(truth.len, len + 1, sizeof(truth.data));
        cut.len = len;
        dns_put(&f, &cut);
        if (!ask.done)
            dns_put(&f, &truth);
        assert_int_equal(ask.done, 1);
        assert_true(ask.result == RUNG_OK || ask.result == RUNG_E_NOTFOUND);
        forger_close(&f);
    }
}

static void letters_may_come_back_in_another_case(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, "10.0.0.1");
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    struct forged_udp question = dns_question(&f), answer = dns_answer_to(&question);
    answer.data[13] = 'F';
    dns_put(&f, &answer);
    dns_found(&ask, "192.0.2.4");
    forger_close(&f);
}

static void an_answer_is_remembered_as_long_as_it_says(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, "10.0.0.1");
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    struct forged_udp question = dns_question(&f);
    dns_answer(&f, &question);
    dns_found(&ask, "192.0.2.4");
    for (unsigned s = 0; s < ZONE_TTL - 20; s += 10) {
        rung_virtual_advance_ns(f.p, 10 * RUNG_NS_PER_S);
        forger_drain(&f);
        dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
        dns_found(&ask, "192.0.2.4");
        assert_false(dns_is_asked(&f));
    }
    rung_virtual_advance_ns(f.p, 25 * RUNG_NS_PER_S);
    forger_drain(&f);
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    assert_int_equal(ask.done, 0);
    question = dns_question(&f);
    dns_answer(&f, &question);
    dns_found(&ask, "192.0.2.4");
    forger_close(&f);
}

static void a_lost_question_is_sent_again(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, "10.0.0.1:5300");
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    struct forged_udp first = dns_question(&f);
    assert_int_equal(first.ours, 5300);
    assert_false(dns_is_asked(&f));
    rung_virtual_advance_ns(f.p, 1100 * RUNG_NS_PER_MS);
    struct forged_udp again = dns_question(&f);
    assert_int_equal(again.theirs, first.theirs);
    assert_int_equal(again.ours, 5300);
    dns_answer(&f, &again);
    dns_found(&ask, "192.0.2.4");
    forger_close(&f);
}

/* Of two questions one is never answered: what is there is given soon, whichever it is, and a late
 * answer after it does no harm. */
static void a_mute_family_is_not_waited_for(void **state)
{
    (void)state;
    for (unsigned mute = 0; mute < 2; mute++) {
        struct forger f;
        struct dns_ask ask;
        dns_open(&f, "10.0.0.1");
        dns_ask(&f, &ask, "both.test", RUNG_AF_NONE);
        struct forged_udp questions[2] = {dns_question(&f), dns_question(&f)};
        dns_answer(&f, &questions[!mute]);
        rung_virtual_advance_ns(f.p, 900 * RUNG_NS_PER_MS);
        assert_int_equal(ask.done, 0);
        rung_virtual_advance_ns(f.p, 1200 * RUNG_NS_PER_MS);
        assert_int_equal(ask.done, 1);
        dns_found(&ask, mute ? "192.0.2.2" : "2001:db8::2");
        dns_ask(&f, &ask, "both.test", RUNG_AF_NONE); /* one is remembered, one on its way */
        rung_virtual_advance_ns(f.p, 2100 * RUNG_NS_PER_MS);
        dns_found(&ask, mute ? "192.0.2.2" : "2001:db8::2");
        dns_answer(&f, &questions[mute]);
        rung_virtual_advance_ns(f.p, 20 * RUNG_NS_PER_S);
        forger_drain(&f);
        dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
        struct forged_udp question = dns_question(&f);
        dns_answer(&f, &question);
        dns_found(&ask, "192.0.2.4");
        forger_close(&f);
    }
}

static void an_answer_that_did_not_fit_is_a_failure(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, "10.0.0.1");
    dns_ask(&f, &ask, "cut.test", RUNG_AF_IPV4);
    struct forged_udp question = dns_question(&f);
    dns_answer(&f, &question);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.result, RUNG_E_IO);
    forger_close(&f);
}

/* dns.c's tables are the program's, and empty for the next stack. */
static void the_next_stack_remembers_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct forger f;
        struct dns_ask asks[3];
        dns_open(&f, "10.0.0.1");
        dns_ask(&f, &asks[0], "four.test", RUNG_AF_IPV4);
        struct forged_udp question = dns_question(&f);
        dns_answer(&f, &question);
        dns_found(&asks[0], "192.0.2.4");
        dns_ask(&f, &asks[1], "six.test", RUNG_AF_NONE);
        dns_ask(&f, &asks[2], "both.test", RUNG_AF_NONE);
        assert_int_equal(rung_op_cancel(&asks[2].how.op), RUNG_OK);
        forger_close(&f);
        assert_int_equal(asks[1].result, RUNG_E_CANCELED);
        assert_int_equal(asks[2].result, RUNG_E_CANCELED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_answers_are_ignored),
        cmocka_unit_test(localhost_is_no_question),
        cmocka_unit_test(short_answers_do_no_harm),
        cmocka_unit_test(letters_may_come_back_in_another_case),
        cmocka_unit_test(an_answer_is_remembered_as_long_as_it_says),
        cmocka_unit_test(a_lost_question_is_sent_again),
        cmocka_unit_test(a_mute_family_is_not_waited_for),
        cmocka_unit_test(an_answer_that_did_not_fit_is_a_failure),
        cmocka_unit_test(the_next_stack_remembers_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
