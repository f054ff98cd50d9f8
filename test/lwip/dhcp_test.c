/* SPDX-License-Identifier: ISC */
/* test/lwip/dhcp_test.c - a DHCP server that refuses, lies, or falls silent, played by hand, in
 * virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "lwip_int.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"

enum { DHCP_OPTIONS = 240, DHCP_TICK_MS = 500 };
enum dhcp_type { DHCP_IS_DISCOVER = 1, DHCP_IS_OFFER, DHCP_IS_REQUEST, DHCP_IS_DECLINE, DHCP_IS_ACK,
                 DHCP_IS_NAK, DHCP_IS_RELEASE };

/* What the server does: nothing but bytes, so that all of it can be wrong. */
struct dhcp_server {
    uint8_t ip[4], mask[4], router[4];
    uint32_t lease, t1, t2; /* t1, t2: 0: not told */
    bool refuses;           /* requests: NAK */
    bool silent;
    unsigned asked[8];      /* by type */
};

static const struct dhcp_server dhcp_good = {
    .ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .router = {10, 0, 0, 1}, .lease = 3600};

static uint8_t *dhcp_add(uint8_t *at, uint8_t option, const uint8_t value[4])
{
    static const uint8_t none[4];
    if (memcmp(value, none, 4) == 0 && option != 51)
        return at;
    *at++ = option;
    *at++ = 4;
    memcpy(at, value, 4);
    return at + 4;
}

static uint8_t *dhcp_add_time(uint8_t *at, uint8_t option, uint32_t s)
{
    uint8_t value[] = {(uint8_t)(s >> 24), (uint8_t)(s >> 16), (uint8_t)(s >> 8), (uint8_t)s};
    return dhcp_add(at, option, value);
}

static void dhcp_answer(struct forger *f, const struct dhcp_server *s,
                        const struct forged_udp *asked, enum dhcp_type type)
{
    static const uint8_t self[4] = {10, 0, 0, 1};
    struct forged_udp answer = {.ours = 67, .theirs = 68};
    uint8_t *at = answer.data + DHCP_OPTIONS;
    memcpy(answer.data, asked->data, DHCP_OPTIONS); /* its number, its hardware address */
    answer.data[0] = 2;
    if (type != DHCP_IS_NAK)
        memcpy(answer.data + 16, s->ip, 4);
    *at++ = 53;
    *at++ = 1;
    *at++ = (uint8_t)type;
    at = dhcp_add(at, 54, self);
    if (type != DHCP_IS_NAK) {
        at = dhcp_add_time(at, 51, s->lease);
        at = dhcp_add_time(at, 58, s->t1);
        at = dhcp_add_time(at, 59, s->t2);
        at = dhcp_add(at, 1, s->mask);
        at = dhcp_add(at, 3, s->router);
    }
    *at++ = 255;
    answer.len = (size_t)(at - answer.data);
    forger_put_udp(f, &answer);
    test_run_turns(f->p, 4);
}

/* Answers all that is asked now, at most so many questions; how many it were. */
static unsigned dhcp_serve(struct forger *f, struct dhcp_server *s, unsigned most)
{
    struct forged_udp asked = {0};
    unsigned count = 0;
    while (count < most && forger_next_udp(f, &asked)) {
        if (asked.ours != 67 || asked.len <= DHCP_OPTIONS + 2)
            continue;
        unsigned type = asked.data[DHCP_OPTIONS + 2];
        assert_in_range(type, DHCP_IS_DISCOVER, DHCP_IS_RELEASE);
        s->asked[type]++;
        count++;
        if (s->silent)
            continue;
        if (type == DHCP_IS_DISCOVER)
            dhcp_answer(f, s, &asked, DHCP_IS_OFFER);
        else if (type == DHCP_IS_REQUEST)
            dhcp_answer(f, s, &asked, s->refuses ? DHCP_IS_NAK : DHCP_IS_ACK);
    }
    return count;
}

static bool dhcp_said(const struct forger *f, const char *what)
{
    return strstr(rung_virtual_log(f->p), what) != NULL;
}

/* Serves for so long. */
static void dhcp_pass(struct forger *f, struct dhcp_server *s, unsigned seconds)
{
    for (unsigned k = 0; k < seconds * 1000 / DHCP_TICK_MS; k++) {
        if (k % 8 == 0)
            forger_introduce(f); /* who asks for it is not answered here */
        dhcp_serve(f, s, 100);
        rung_virtual_advance_ns(f->p, DHCP_TICK_MS * RUNG_NS_PER_MS);
    }
}

static bool dhcp_has(const struct forger *f, const uint8_t ip[4])
{
    return memcmp(netif_ip4_addr(&f->stack.core->netif), ip, 4) == 0;
}

static bool dhcp_has_none(const struct forger *f)
{
    static const uint8_t none[4];
    return dhcp_has(f, none);
}

/* Each refusal began anew at once: as often as the link could carry. */
static void a_server_that_refuses_is_asked_seldom(void **state)
{
    struct dhcp_server s = dhcp_good;
    struct forger f;
    (void)state;
    forger_open_dhcp(&f);
    s.refuses = true;
    assert_int_equal(dhcp_serve(&f, &s, 100), 4); /* the first refusal may be of an old lease */
    dhcp_pass(&f, &s, 66);                        /* after 2, 4, 8, 16, 32 s */
    assert_int_equal(s.asked[DHCP_IS_DISCOVER], 7);
    assert_int_equal(s.asked[DHCP_IS_REQUEST], 7);
    dhcp_pass(&f, &s, 320);
    assert_int_equal(s.asked[DHCP_IS_DISCOVER], 17);
    assert_true(dhcp_said(&f, "no usable DHCP answer for 60 s"));
    s.refuses = false;
    dhcp_pass(&f, &s, 36);
    assert_true(dhcp_has(&f, s.ip));
    forger_close(&f);
}

/* What no host can have is not taken, with one line for all of it, and asking goes on. */
static void what_cannot_be_is_not_taken(void **state)
{
    static const struct {
        struct dhcp_server s;
        const char *line;
    } lies[] = {
        {{.ip = {0, 0, 0, 0}, .mask = {255, 255, 255, 0}, .lease = 3600}, "that is no host's"},
        {{.ip = {255, 255, 255, 255}, .mask = {255, 255, 255, 255}, .lease = 3600},
         "that is no host's"},
        {{.ip = {224, 0, 0, 5}, .mask = {255, 255, 255, 0}, .lease = 3600}, "that is no host's"},
        {{.ip = {127, 0, 0, 1}, .mask = {255, 255, 255, 0}, .lease = 3600}, "that is no host's"},
        {{.ip = {10, 0, 0, 255}, .mask = {255, 255, 255, 0}, .lease = 3600}, "that is no host's"},
        {{.ip = {10, 0, 0, 0}, .mask = {255, 255, 255, 0}, .lease = 3600}, "that is no host's"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 0, 255, 0}, .lease = 3600}, "its mask"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .router = {10, 0, 0, 2}, .lease = 3600},
         "its router"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .router = {10, 0, 0, 255},
          .lease = 3600}, "its router"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .router = {224, 0, 0, 1}, .lease = 3600},
         "its router"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}}, "for less than 10 s"},
        {{.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .lease = 9}, "for less than 10 s"},
    };
    (void)state;
    for (size_t k = 0; k < RUNG_ARRAY_LEN(lies); k++) {
        struct dhcp_server s = lies[k].s, good = dhcp_good;
        struct forger f;
        forger_open_dhcp(&f);
        for (unsigned i = 0; i < 34; i++) {
            dhcp_pass(&f, &s, 1);
            assert_true(dhcp_has_none(&f));
        }
        assert_in_range(s.asked[DHCP_IS_DISCOVER], 4, 6);
        assert_true(dhcp_said(&f, "warn: tcp: the DHCP server 10.0.0.1 offers"));
        assert_true(dhcp_said(&f, lies[k].line));
        size_t lines = test_log_count(f.p);
        dhcp_pass(&f, &s, 20);
        assert_int_equal(test_log_count(f.p), lines);
        dhcp_pass(&f, &good, 40);
        assert_true(dhcp_has(&f, good.ip));
        forger_close(&f);
    }
}

/* What looks odd, and is what some networks do. */
static void what_may_be_is_taken(void **state)
{
    static const struct dhcp_server odd[] = {
        {.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 255}, .router = {10, 0, 0, 1}, .lease = 3600},
        {.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 254}, .router = {10, 0, 0, 3}, .lease = 3600},
        {.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .router = {192, 168, 7, 1}, .lease = 600},
        {.ip = {10, 0, 0, 2}, .mask = {255, 255, 255, 0}, .lease = UINT32_MAX},
        {.ip = {10, 0, 0, 2}, .lease = 10},
    };
    (void)state;
    for (size_t k = 0; k < RUNG_ARRAY_LEN(odd); k++) {
        struct dhcp_server s = odd[k];
        struct forger f;
        forger_open_dhcp(&f);
        dhcp_pass(&f, &s, 3);
        assert_true(dhcp_has(&f, s.ip));
        forger_close(&f);
    }
}

/* An offer of what no host has is passed over: that of another server is taken at once. */
static void another_servers_offer_may_follow(void **state)
{
    struct dhcp_server liar = {.ip = {224, 0, 0, 5}, .lease = 3600}, s = dhcp_good;
    struct forged_udp asked = {0};
    struct forger f;
    (void)state;
    forger_open_dhcp(&f);
    assert_true(forger_next_udp(&f, &asked));
    dhcp_answer(&f, &liar, &asked, DHCP_IS_OFFER);
    assert_int_equal(dhcp_serve(&f, &liar, 100), 0);
    dhcp_answer(&f, &s, &asked, DHCP_IS_OFFER);
    dhcp_pass(&f, &s, 2);
    assert_int_equal(s.asked[DHCP_IS_DISCOVER], 0);
    assert_true(dhcp_has(&f, s.ip));
    forger_close(&f);
}

/* A lease of any length is renewed at its half, as often as it takes, and ends with it if the
 * server is silent, whose times count only if they can be. */
static void a_lease_is_kept_as_long_as_it_is_said(void **state)
{
    static const uint32_t leases[][3] = {
        {10, 0, 0}, {60, 0, 0}, {90, 0, 0}, {120, 0, 0}, {60, 100, 50}, {60, UINT32_MAX, 0},
        {60, 1, 1}, {60, 1, 50}};
    (void)state;
    for (size_t k = 0; k < RUNG_ARRAY_LEN(leases); k++) {
        struct dhcp_server s = dhcp_good;
        struct forger f;
        forger_open_dhcp(&f);
        s.lease = leases[k][0];
        s.t1 = leases[k][1];
        s.t2 = leases[k][2];
        dhcp_pass(&f, &s, 3);
        assert_true(dhcp_has(&f, s.ip));
        assert_int_equal(s.asked[DHCP_IS_REQUEST], 1);
        for (unsigned renewed = 1; renewed <= 5; renewed++) { /* each from the last one on */
            dhcp_pass(&f, &s, s.lease / 2);
            assert_in_range(s.asked[DHCP_IS_REQUEST], renewed, renewed + 1);
        }
        s.silent = true;
        dhcp_pass(&f, &s, s.lease / 2 - 3);
        assert_true(dhcp_has(&f, s.ip));
        assert_int_equal(s.asked[DHCP_IS_DISCOVER], 1);
        dhcp_pass(&f, &s, s.lease / 2 + 3);
        assert_true(dhcp_has_none(&f));
        forger_close(&f);
    }
}

/* Half of it is more than lwIP counts to in minutes. */
static void so_is_one_of_a_hundred_days(void **state)
{
    struct dhcp_server s = dhcp_good;
    struct forger f;
    (void)state;
    forger_open_dhcp(&f);
    s.lease = 100 * 86400u;
    dhcp_pass(&f, &s, 3);
    rung_virtual_advance_ns(f.p, 49 * 86400 * RUNG_NS_PER_S);
    assert_int_equal(netif_dhcp_data(&f.stack.core->netif)->state, DHCP_STATE_BOUND);
    rung_virtual_advance_ns(f.p, 86400 * RUNG_NS_PER_S);
    assert_int_equal(netif_dhcp_data(&f.stack.core->netif)->state, DHCP_STATE_RENEWING);
    assert_true(dhcp_has(&f, s.ip));
    forger_close(&f);
}

/* From the end of a lease on the time without an answer counts, and its lines come seldom. */
static void a_lease_that_ends_is_told_once(void **state)
{
    struct dhcp_server s = dhcp_good;
    struct forger f;
    (void)state;
    forger_open_dhcp(&f);
    s.lease = 120;
    s.silent = true;
    dhcp_pass(&f, &s, 8);
    assert_true(dhcp_said(&f, "no DHCP answer for 5 s"));
    s.silent = false;
    dhcp_pass(&f, &s, 10);
    assert_true(dhcp_has(&f, s.ip));
    s.silent = true;
    while (!dhcp_has_none(&f))
        dhcp_pass(&f, &s, 1);
    assert_non_null(strstr(test_log_last(f.p), "address is gone"));
    size_t lines = test_log_count(f.p);
    dhcp_pass(&f, &s, 4);
    assert_int_equal(test_log_count(f.p), lines);
    dhcp_pass(&f, &s, 3);
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_non_null(strstr(test_log_last(f.p), "no DHCP answer for 5 s"));
    dhcp_pass(&f, &s, 120);
    assert_int_equal(test_log_count(f.p), lines + 3);
    assert_non_null(strstr(test_log_last(f.p), "no DHCP answer for 120 s"));
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_refuses_is_asked_seldom),
        cmocka_unit_test(what_cannot_be_is_not_taken),
        cmocka_unit_test(what_may_be_is_taken),
        cmocka_unit_test(another_servers_offer_may_follow),
        cmocka_unit_test(a_lease_is_kept_as_long_as_it_is_said),
        cmocka_unit_test(so_is_one_of_a_hundred_days),
        cmocka_unit_test(a_lease_that_ends_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
