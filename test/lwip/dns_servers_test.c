/* SPDX-License-Identifier: ISC */
/* test/lwip/dns_servers_test.c - DNS on lwip: where servers are known from, which of them are
 * asked, and which of a name's addresses comes first. */
#include "dns_asking.h"

/* An advertisement's option with one name server (the last byte of its address), or a pair of
 * neighbours, for so many seconds. */
struct dns_option {
    uint8_t host, lifetime;
    uint8_t units; /* its length in the message, 0: as it is */
    bool two;
};

/* Name servers: 0 is our link-local address, others fe80::<host>. */
static void dns_advertise_all(struct forger *f, const struct dns_option *options, unsigned count)
{
    uint8_t message[16 + 3 * 40] = {134, [4] = 64, [6] = 7}, *at = message + 16;
    for (unsigned i = 0; i < count; i++) {
        uint8_t servers = options[i].two ? 2 : 1;
        uint8_t units = options[i].units ? options[i].units : (uint8_t)(1 + 2 * servers);
        at[0] = 25;
        at[1] = units;
        at[7] = options[i].lifetime;
        for (uint8_t k = 0; k < servers; k++) {
            uint8_t *ip = at + 8 + 16 * k;
            memcpy(ip, f->ip6[0], 16);
            if (options[i].host) {
                memset(ip + 2, 0, 13);
                ip[15] = (uint8_t)(options[i].host + k);
            }
        }
        at += 8 * units;
    }
    forger_send_icmp6(f, message, (size_t)(at - message));
}

/* An advertisement with a name server that is us, for so many seconds. */
static void dns_advertise(struct forger *f, uint8_t lifetime)
{
    struct dns_option option = {.lifetime = lifetime};
    dns_advertise_all(f, &option, 1);
}

/* Whom the stack would ask: the last bytes of their addresses, as a number in hexadecimal. */
static unsigned dns_servers(struct forger *f)
{
    unsigned list = 0, count = rung_lwip_dns_servers(f->stack.core->dns);
    for (unsigned i = 0; i < count; i++)
        list = list << 8 | ((const uint8_t *)ip_2_ip6(dns_getserver((u8_t)i))->addr)[15];
    return list;
}

/* Each has its own time, whatever option it came in. */
static void routers_servers_are_taken_one_by_one(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, NULL);
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4); /* from now on advertisements count */
    const struct dns_option exchanged[] = {{.host = 0xa, .lifetime = 200}, {.host = 0xb}};
    dns_advertise_all(&f, exchanged, 2);
    assert_int_equal(dns_servers(&f), 0x0a);
    const struct dns_option apart[] = {{.host = 0xa, .lifetime = 200},
                                       {.host = 0xc, .lifetime = 100}};
    dns_advertise_all(&f, apart, 2);
    assert_int_equal(dns_servers(&f), 0x0a0c);
    const struct dns_option again = {.host = 0xc, .lifetime = 50};
    dns_advertise_all(&f, &again, 1);
    assert_int_equal(dns_servers(&f), 0x0a0c);
    const struct dns_option odd = {.host = 0xa, .units = 2}, even = {.host = 0xa, .units = 4};
    dns_advertise_all(&f, &odd, 1);
    dns_advertise_all(&f, &even, 1);
    assert_int_equal(dns_servers(&f), 0x0a0c);
    const struct dns_option sooner = {.host = 0xd, .lifetime = 40};
    dns_advertise_all(&f, &sooner, 1); /* no room for one with less time than any */
    assert_int_equal(dns_servers(&f), 0x0a0c);
    const struct dns_option later = {.host = 0xd, .lifetime = 150};
    dns_advertise_all(&f, &later, 1);
    assert_int_equal(dns_servers(&f), 0x0a0d);
    rung_virtual_advance_ns(f.p, 160 * RUNG_NS_PER_S);
    assert_int_equal(dns_servers(&f), 0x0a);
    const struct dns_option pair = {.host = 0xe, .lifetime = 100, .two = true};
    dns_advertise_all(&f, &pair, 1);
    assert_int_equal(dns_servers(&f), 0x0f0e);
    const struct dns_option back = {.host = 0xe, .two = true};
    dns_advertise_all(&f, &back, 1);
    assert_int_equal(dns_servers(&f), 0);
    forger_close(&f);
}

static void a_router_tells_of_a_server(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, NULL);
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4); /* waits for one */
    rung_virtual_advance_ns(f.p, 5 * RUNG_NS_PER_S); /* RFC 4861 10: every 4 s */
    assert_int_equal(ask.done, 0);
    struct forged frame;
    do /* and asks routers */
        assert_true(forger_next(&f, 0x86dd, 58, &frame));
    while (frame.at[FORGED_ETHER + FORGED_IP6] != 133);
    forger_drain(&f);
    dns_advertise(&f, 200);
    rung_virtual_advance_ns(f.p, 2 * RUNG_NS_PER_S);
    struct forged_udp question = {.ip6 = true};
    assert_true(forger_next_udp(&f, &question));
    assert_int_equal(question.ours, RUNG_DNS_PORT);
    dns_answer(&f, &question);
    dns_found(&ask, "192.0.2.4");
    forger_drain(&f);
    dns_ask(&f, &ask, "twice.test", RUNG_AF_IPV4); /* it is known now */
    assert_true(forger_next_udp(&f, &question));
    dns_answer(&f, &question);
    dns_found(&ask, "192.0.2.7");
    rung_virtual_advance_ns(f.p, 199 * RUNG_NS_PER_S);
    dns_ask(&f, &ask, "six.test", RUNG_AF_IPV4); /* its time is over: it is not asked */
    rung_virtual_advance_ns(f.p, 1 * RUNG_NS_PER_S);
    assert_int_equal(ask.done, 0);
    assert_int_equal(rung_op_cancel(&ask.how.op), RUNG_OK);
    dns_advertise(&f, 200);
    dns_advertise(&f, 0); /* and taken back */
    dns_ask(&f, &ask, "six.test", RUNG_AF_IPV4);
    size_t lines = test_log_count(f.p);
    rung_virtual_advance_ns(f.p, 12 * RUNG_NS_PER_S);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.result, RUNG_E_UNREACH);
    assert_int_equal(test_log_count(f.p), lines + 1);
    assert_non_null(strstr(test_log_last(f.p), "error: tcp: no name server is known"));
    assert_non_null(strstr(test_log_last(f.p), "tcp.dns"));
    forger_close(&f);
}

/* A router's advertisement with fd88::/64 to take an address from; lifetime: seconds for which it
 * is a way to other networks. */
static void dns_route(struct forger *f, uint8_t lifetime)
{
    uint8_t message[16 + 32] = {134, [4] = 64, [7] = lifetime, [16] = 3, [17] = 4, [18] = 64,
                                [19] = 0xc0, [22] = 0xff, [26] = 0xff, [32] = 0xfd, [33] = 0x88};
    forger_send_icmp6(f, message, sizeof(message));
    rung_virtual_advance_ns(f->p, 3 * RUNG_NS_PER_S);
    forger_drain(f);
}

static void dns_ask_both(struct forger *f, struct dns_ask *ask, const char *name)
{
    dns_ask(f, ask, name, RUNG_AF_NONE);
    for (unsigned i = 0; i < 2; i++) {
        struct forged_udp question = dns_question(f);
        dns_answer(f, &question);
    }
    assert_int_equal(ask->done, 1);
    assert_int_equal(ask->result, RUNG_OK);
    assert_int_equal(ask->how.count, 2);
}

/* An address of our own is no way beyond the link. */
static void what_can_be_reached_comes_first(void **state)
{
    struct forger f;
    struct dns_ask ask;
    ip4_addr_t router;
    (void)state;
    dns_open(&f, "10.0.0.1");
    dns_route(&f, 0);
    dns_ask_both(&f, &ask, "n1.test"); /* neither can: by family */
    assert_int_equal(ask.addrs[0].family, RUNG_AF_IPV6);
    IP4_ADDR(&router, 10, 0, 0, 1);
    netif_set_gw(&f.stack.core->netif, &router);
    dns_ask_both(&f, &ask, "n2.test");
    assert_int_equal(ask.addrs[0].family, RUNG_AF_IPV4);
    dns_route(&f, 200);
    dns_ask_both(&f, &ask, "n3.test");
    assert_int_equal(ask.addrs[0].family, RUNG_AF_IPV6);
    rung_virtual_advance_ns(f.p, 201 * RUNG_NS_PER_S); /* the router does not say it again */
    forger_drain(&f);
    dns_ask_both(&f, &ask, "n4.test");
    assert_int_equal(ask.addrs[0].family, RUNG_AF_IPV4);
    forger_close(&f);
}

static void a_server_may_be_where_routers_say_that_neighbours_are(void **state)
{
    static const char *const servers[] = {"[fd88::99]", "[fd89::99]"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct forger f;
        struct dns_ask ask;
        dns_open(&f, servers[i]);
        dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4); /* waits for a way there */
        struct lwip_dns *dns = f.stack.core->dns;
        assert_int_equal(rung_lwip_dns_servers(dns), 0);
        dns_route(&f, 0);
        assert_int_equal(rung_lwip_dns_servers(dns), i == 0 ? 1 : 0);
        dns_route(&f, 200);
        assert_int_equal(rung_lwip_dns_servers(dns), 1);
        forger_close(&f);
    }
}

enum dns_message { DNS_OFFER = 2, DNS_ACK = 5 };

/* An option of DHCP's with servers, 10.0.0.<last>, of which len bytes count. */
static void dns_dhcp_option(enum dns_message type, uint8_t first, uint8_t second, uint8_t len)
{
    uint8_t servers[] = {10, 0, 0, first, 10, 0, 0, second};
    struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof(servers), PBUF_RAM);
    assert_non_null(p);
    assert_int_equal(pbuf_take(p, servers, sizeof(servers)), ERR_OK);
    rung_lwip_port_dhcp_option((uint8_t)type, 6, len, p, 0);
    pbuf_free(p);
}

/* A lease of the address that we have. */
static void dns_lease(struct forger *f)
{
    struct netif *netif = &f->stack.core->netif;
    ip4_addr_t ip = *netif_ip4_addr(netif), mask = *netif_ip4_netmask(netif), none = {0};
    rung_lwip_port_dhcp_lease(netif, &ip, &mask, &none);
}

static void dns_teach(struct forger *f, uint8_t first, uint8_t second)
{
    dns_dhcp_option(DNS_ACK, first, second, second ? 8 : 4);
    dns_lease(f);
}

static void servers_go_with_the_lease(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, NULL);
    dns_ask(&f, &ask, "four.test", RUNG_AF_IPV4);
    struct lwip_dns *dns = f.stack.core->dns;
    dns_dhcp_option(DNS_OFFER, 1, 3, 8);
    dns_lease(&f); /* what is granted has none */
    assert_int_equal(rung_lwip_dns_servers(dns), 0);
    dns_dhcp_option(DNS_ACK, 1, 3, 8);
    dns_dhcp_option(DNS_OFFER, 4, 0, 4); /* another server's, too late */
    assert_int_equal(rung_lwip_dns_servers(dns), 0); /* the address is still being looked for */
    dns_lease(&f);
    assert_int_equal(rung_lwip_dns_servers(dns), 2);
    for (uint8_t len = 0; len < 8; len++) { /* no list of addresses, but for 4 */
        dns_dhcp_option(DNS_ACK, 1, 3, len);
        dns_lease(&f);
        assert_int_equal(rung_lwip_dns_servers(dns), len == 4 ? 1 : 0);
    }
    dns_teach(&f, 1, 3);
    assert_int_equal(rung_lwip_dns_servers(dns), 2);
    dns_lease(&f); /* says nothing of servers */
    assert_int_equal(rung_lwip_dns_servers(dns), 0);
    forger_close(&f);
}

/* That there is no such name is said by one of them for all; a failure is its own. */
static void of_two_servers_the_second_is_asked_if_the_first_fails(void **state)
{
    struct forger f;
    struct dns_ask ask;
    (void)state;
    dns_open(&f, NULL);
    dns_teach(&f, 3, 4);
    dns_teach(&f, 1, 0); /* a new list: the second of the old one does not count */
    dns_ask(&f, &ask, "fails.test", RUNG_AF_IPV4);
    struct forged_udp question = dns_question(&f);
    dns_answer(&f, &question);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.result, RUNG_E_IO);
    dns_teach(&f, 1, 9); /* nobody is there */
    dns_ask(&f, &ask, "nothing.test", RUNG_AF_IPV4);
    question = dns_question(&f);
    dns_answer(&f, &question);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.result, RUNG_E_NOTFOUND);
    dns_ask(&f, &ask, "fails.test", RUNG_AF_IPV4);
    question = dns_question(&f);
    dns_answer(&f, &question);
    assert_int_equal(ask.done, 0);
    rung_virtual_advance_ns(f.p, 8 * RUNG_NS_PER_S);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.result, RUNG_E_TIMEDOUT);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router_tells_of_a_server),
        cmocka_unit_test(routers_servers_are_taken_one_by_one),
        cmocka_unit_test(a_server_may_be_where_routers_say_that_neighbours_are),
        cmocka_unit_test(servers_go_with_the_lease),
        cmocka_unit_test(what_can_be_reached_comes_first),
        cmocka_unit_test(of_two_servers_the_second_is_asked_if_the_first_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
