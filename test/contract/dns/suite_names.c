/* SPDX-License-Identifier: ISC */
/* test/contract/dns/suite_names.c - what names are, and what is found for them. */
#include "suite.h"

#include "test_wait.h"

static void an_address_is_its_own_answer(void **state)
{
    static const char *const texts[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1",
                                        "::", "::ffff:192.0.2.1", "fe80::1%3"};
    struct dns_test t;
    (void)state;
    dns_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(texts); i++) {
        enum rung_family own = strchr(texts[i], ':') ? RUNG_AF_IPV6 : RUNG_AF_IPV4;
        struct dns_ask ask = {.how.port = (uint16_t)(8000 + i)};
        ask_for(&t, &ask, texts[i], RUNG_AF_NONE);
        ask_found(&ask, texts[i], NULL);
        ask_for(&t, &ask, texts[i], own);
        ask_found(&ask, texts[i], NULL);
        assert_int_equal(ask_for(&t, &ask, texts[i], RUNG_AF_IPV4 + RUNG_AF_IPV6 - own),
                         RUNG_E_NOTFOUND);
    }
    assert_int_equal(dns_asked(&t), 0);
    dns_end(&t);
}

static void names_that_no_host_has_are_not_asked_for(void **state)
{
    static const char *const names[] = {
        "", ".", "..", ".test", "a..test", "four.test..", "four test", "four.test ", "four.test:80",
        "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80", "192.0.2.1.", "192.0.2", "192.0.2.256",
        "192.0.2.01", "10", "0x7f.1", "four.0xA", "four.1", "2001:db8::1%2", "2001:db8::g",
        "::1%lo",
        "four/test", "f\xc3\xb6ur.test", "four\ttest", "four.test\n", "*.test", "%20",
    };
    char label[80] = "", name[300] = "";
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(names); i++)
        if (ask_for(&t, &ask, names[i], RUNG_AF_NONE) != RUNG_E_RANGE)
            fail_msg("'%s' gives %s", names[i], rung_err_name(ask.result));
    memset(label, 'a', RUNG_DNS_LABEL + 1);
    snprintf(name, sizeof(name), "%s.test", label);
    assert_int_equal(ask_for(&t, &ask, name, RUNG_AF_NONE), RUNG_E_RANGE);
    for (size_t len = 0; len < RUNG_DNS_NAME; len += 2)
        memcpy(name + len, "a.", 3);
    assert_int_equal(strlen(name), RUNG_DNS_NAME + 1);
    memcpy(name + RUNG_DNS_NAME, "bc", 3);
    assert_int_equal(ask_for(&t, &ask, name, RUNG_AF_NONE), RUNG_E_RANGE);
    assert_int_equal(dns_asked(&t), 0);
    dns_end(&t);
}

static void the_longest_names_are(void **state)
{
    char name[300] = "";
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    for (size_t at = 0; at < 4 * 64; at += 64) {
        memset(name + at, 'a', RUNG_DNS_LABEL);
        name[at + RUNG_DNS_LABEL] = '.';
    }
    memcpy(name + RUNG_DNS_NAME, ".", 2); /* that one does not count */
    assert_int_equal(ask_for(&t, &ask, name, RUNG_AF_IPV4), RUNG_E_NOTFOUND);
    assert_int_not_equal(dns_asked(&t), 0);
    dns_end(&t);
}

static void a_name_has_addresses(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {.how.port = 80};
    (void)state;
    dns_begin(&t);
    ask_for(&t, &ask, "four.test", RUNG_AF_IPV4);
    ask_found(&ask, "192.0.2.4", NULL);
    ask_for(&t, &ask, "six.test", RUNG_AF_IPV6);
    ask_found(&ask, "2001:db8::6", NULL);
    ask_for(&t, &ask, "both.test", RUNG_AF_IPV4);
    ask_found(&ask, "192.0.2.2", NULL);
    ask_for(&t, &ask, "both.test", RUNG_AF_IPV6);
    ask_found(&ask, "2001:db8::2", NULL);
    ask_for(&t, &ask, "four.test", RUNG_AF_NONE);
    ask_found(&ask, "192.0.2.4", NULL);
    ask_for(&t, &ask, "six.test", RUNG_AF_NONE);
    ask_found(&ask, "2001:db8::6", NULL);
    ask_for(&t, &ask, "both.test", RUNG_AF_NONE);
    ask_found(&ask, "192.0.2.2", "2001:db8::2");
    ask_for(&t, &ask, "both.test.", RUNG_AF_NONE); /* the root's dot */
    ask_found(&ask, "192.0.2.2", "2001:db8::2");
    dns_end(&t);
}

static void an_alias_has_those_of_its_name(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    ask_for(&t, &ask, "alias.test", RUNG_AF_IPV4);
    ask_found(&ask, "192.0.2.2", NULL);
    ask_for(&t, &ask, "alias.test", RUNG_AF_IPV6);
    ask_found(&ask, "2001:db8::2", NULL);
    ask_for(&t, &ask, "alias.test", RUNG_AF_NONE);
    ask_found(&ask, "192.0.2.2", "2001:db8::2");
    dns_end(&t);
}

static void what_does_not_fit_is_left_out(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    ask_for(&t, &ask, "twice.test", RUNG_AF_IPV4);
    if (dns_fixture.all)
        ask_found(&ask, "192.0.2.7", "192.0.2.8");
    else
        ask_found(&ask, "192.0.2.7", NULL);
    ask.how.room = 1;
    assert_int_equal(ask_for(&t, &ask, "both.test", RUNG_AF_NONE), RUNG_OK);
    assert_int_equal(ask.how.count, 1);
    dns_end(&t);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    assert_int_equal(ask_for(&t, &ask, "nothing.test", RUNG_AF_IPV4), RUNG_E_NOTFOUND);
    assert_int_equal(ask_for(&t, &ask, "nothing.test", RUNG_AF_IPV6), RUNG_E_NOTFOUND);
    assert_int_equal(ask_for(&t, &ask, "nothing.test", RUNG_AF_NONE), RUNG_E_NOTFOUND);
    assert_int_equal(ask_for(&t, &ask, "four.test", RUNG_AF_IPV6), RUNG_E_NOTFOUND);
    assert_int_equal(ask_for(&t, &ask, "six.test", RUNG_AF_IPV4), RUNG_E_NOTFOUND);
    dns_end(&t);
}

static void a_failing_server_is_said(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    assert_int_equal(ask_for(&t, &ask, "fails.test", RUNG_AF_NONE), dns_fixture.failed);
    ask_for(&t, &ask, "four.test", RUNG_AF_IPV4);
    ask_found(&ask, "192.0.2.4", NULL);
    dns_end(&t);
}

static void a_silent_server_ends_in_a_time_out(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin(&t);
    assert_int_equal(ask_for(&t, &ask, "silent.test", RUNG_AF_NONE), RUNG_E_TIMEDOUT);
    ask_for(&t, &ask, "four.test", RUNG_AF_IPV4);
    ask_found(&ask, "192.0.2.4", NULL);
    dns_end(&t);
}

static void without_a_server_it_ends_too(void **state)
{
    struct dns_test t;
    struct dns_ask ask = {0};
    (void)state;
    dns_begin_without_server(&t);
    assert_int_equal(ask_for(&t, &ask, "four.test", RUNG_AF_NONE), dns_fixture.no_server);
    ask_for(&t, &ask, "192.0.2.9", RUNG_AF_NONE);
    ask_found(&ask, "192.0.2.9", NULL);
    dns_end(&t);
}

const struct CMUnitTest dns_name_cases[] = {
    cmocka_unit_test(an_address_is_its_own_answer),
    cmocka_unit_test(names_that_no_host_has_are_not_asked_for),
    cmocka_unit_test(the_longest_names_are),
    cmocka_unit_test(a_name_has_addresses),
    cmocka_unit_test(an_alias_has_those_of_its_name),
    cmocka_unit_test(what_does_not_fit_is_left_out),
    cmocka_unit_test(what_is_not_there_is_not_found),
    cmocka_unit_test(a_failing_server_is_said),
    cmocka_unit_test(a_silent_server_ends_in_a_time_out),
    cmocka_unit_test(without_a_server_it_ends_too),
    {0},
};
