/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite_open.c - open and its errors, both families on one socket, groups. */
#include "suite.h"

static void open_gives_port_and_address(void **state)
{
    struct udp_test t;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_sock *one = sock_open(&t), *two = sock_open(&t);
    struct rung_addr local = udp_host(&t, one->socket->local.port);
    assert_true(rung_addr_equal(&one->socket->local, &local));
    assert_int_not_equal(one->socket->local.port, two->socket->local.port);
    udp_end(&t);
}

static void open_names_its_errors(void **state)
{
    struct udp_test t;
    struct udp_sock *other;
    struct rung_addr foreign;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_sock *sock = sock_open(&t);
    struct rung_addr local = sock->socket->local;
    assert_int_equal(sock_open_at(&t, &local, &other), RUNG_E_ADDRINUSE);
    rung_addr_parse(&foreign, t.family == RUNG_AF_IPV4 ? "192.0.2.77" : "2001:db8::77");
    assert_int_equal(sock_open_at(&t, &foreign, &other), RUNG_E_ADDRNOTAVAIL);
    sock_close(sock);
    assert_int_equal(sock_open_at(&t, &local, &other), RUNG_OK); /* free again at once */
    size_t blocks = test_heap_blocks(t.p);
    local.port = 0;
    test_heap_fail_after(t.p, 1);
    assert_int_equal(sock_open_at(&t, &local, &other), RUNG_E_NOMEM);
    test_heap_fail_after(t.p, 0);
    assert_true(test_heap_blocks(t.p) <= blocks);
    udp_end(&t);
}

static void open_needs_the_right(void **state)
{
    struct udp_test t;
    struct udp_sock *sock;
    (void)state;
    udp_begin(&t, NULL);
    struct rung_addr local = udp_host(&t, 81);
    if (!udp_fixture.unprivileged || !udp_fixture.unprivileged(t.rig, true))
        udp_skip(&t, "anyone may listen anywhere here");
    int err = sock_open_at(&t, &local, &sock);
    udp_fixture.unprivileged(t.rig, false);
    assert_int_equal(err, RUNG_E_ACCESS);
    udp_end(&t);
}

static void open_tells_no_descriptor(void **state)
{
    struct udp_test t;
    struct udp_sock *sock;
    (void)state;
    udp_begin(&t, NULL);
    struct rung_addr local = udp_host(&t, 0);
    if (!udp_fixture.exhaust || !udp_fixture.exhaust(t.rig, true))
        udp_skip(&t, "descriptors cannot be made to run out here");
    int err = sock_open_at(&t, &local, &sock);
    udp_fixture.exhaust(t.rig, false);
    assert_int_equal(err, RUNG_E_LIMIT);
    assert_int_equal(sock_open_at(&t, &local, &sock), RUNG_OK);
    udp_end(&t);
}

/* Any address of both families: each peer is seen as what it is, and can be answered. */
static void any_takes_both_families(void **state)
{
    static const enum rung_family families[] = {RUNG_AF_IPV4, RUNG_AF_IPV6};
    struct udp_test t;
    struct udp_sock *sock;
    struct rung_addr any = rung_addr_any(RUNG_AF_NONE, 0), far_addr, to, from;
    uint32_t number;
    (void)state;
    udp_begin(&t, NULL);
    assert_int_equal(sock_open_at(&t, &any, &sock), RUNG_OK);
    for (unsigned i = 0; i < 2; i++) {
        if (!udp_fixture.host(t.rig, families[i], &to))
            continue;
        to.port = sock->socket->local.port;
        struct udp_peer *peer = udp_fixture.peer_open(t.rig, families[i], &far_addr);
        far_send(peer, &to, i, 500);
        sock->count = 0;
        sock_wait_count(sock, 1);
        assert_true(rung_addr_equal(&sock->peer, &far_addr));
        assert_true(sock->local.port == 0 || rung_addr_equal(&sock->local, &to));
        /* From the address that it came to. */
        size_t len = 600;
        assert_int_equal(sock_send(sock, &sock->peer, sock->local.port ? &sock->local : NULL, 7,
                                   &len, 1), 1);
        assert_int_equal(far_recv(&t, peer, &number, &from), 600);
        assert_int_equal(number, 7);
        assert_true(rung_addr_equal(&from, &to));
        udp_fixture.peer_close(peer);
    }
    udp_end(&t);
}

/* A socket of one family has no way to the other. */
static void one_family_does_not_reach_the_other(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr;
    (void)state;
    udp_begin(&t, NULL);
    enum rung_family other = t.family == RUNG_AF_IPV4 ? RUNG_AF_IPV6 : RUNG_AF_IPV4;
    if (!udp_fixture.host(t.rig, other, &far_addr))
        udp_skip(&t, "only one family here");
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, other, &far_addr);
    struct udp_sock *sock = sock_open(&t);
    assert_int_equal(sock_send_one(sock, &far_addr, 1, 100), 1); /* taken and lost */
    udp_settle(&t);
    assert_int_equal(t.out_count, 0);
    assert_true(far_has_nothing(peer));
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

static void the_sender_may_choose_its_address(void **state)
{
    struct udp_test t;
    struct udp_sock *sock;
    struct rung_addr any, far_addr, from, own = {0};
    uint32_t number;
    size_t len = 100;
    (void)state;
    udp_begin(&t, NULL);
    if (!udp_fixture.second_host || !udp_fixture.second_host(t.rig, t.family, &own))
        udp_skip(&t, "only one address of this family here");
    any = rung_addr_any(t.family, 0);
    assert_int_equal(sock_open_at(&t, &any, &sock), RUNG_OK);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    assert_int_equal(sock_send(sock, &far_addr, &own, 1, &len, 1), 1);
    assert_int_equal(far_recv(&t, peer, &number, &from), len);
    own.port = sock->socket->local.port;
    assert_true(rung_addr_equal(&from, &own));
    far_send(peer, &own, 2, 100); /* and sees which one was meant */
    sock_wait_count(sock, 1);
    assert_true(sock->local.port == 0 || rung_addr_equal(&sock->local, &own));
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

static int join(struct udp_sock *sock, const struct rung_addr *group, bool on)
{
    sock->t->in_call++;
    int err = rung_udp_group(sock->socket, group, on);
    sock->t->in_call--;
    return err;
}

static void groups_are_joined_and_left(void **state)
{
    struct udp_test t;
    struct udp_sock *sock;
    struct rung_addr group = {0}, far_addr, to, any;
    (void)state;
    udp_begin(&t, NULL);
    if (!udp_fixture.group || !udp_fixture.group(t.rig, t.family, &group))
        udp_skip(&t, "no multicast here");
    any = rung_addr_any(t.family, 0);
    assert_int_equal(sock_open_at(&t, &any, &sock), RUNG_OK);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    to = group;
    to.port = sock->socket->local.port;
    far_send(peer, &to, 1, 100);
    udp_settle(&t);
    assert_int_equal(sock_recv(sock, 4), 0); /* not a member */
    assert_int_equal(join(sock, &group, true), RUNG_OK);
    far_send(peer, &to, 2, 100);
    sock_wait_count(sock, 1);
    assert_int_equal(sock->last_number, 2);
    assert_int_equal(join(sock, &group, false), RUNG_OK);
    far_send(peer, &to, 3, 100);
    udp_settle(&t);
    assert_int_equal(sock_recv(sock, 4), 0);
    assert_int_equal(join(sock, &group, false), RUNG_E_NOTFOUND);
    struct rung_addr host = udp_host(&t, 0);
    assert_int_equal(join(sock, &host, true), RUNG_E_RANGE);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

/* Who has not joined cannot leave, and membership ends with the socket. */
static void groups_belong_to_their_socket(void **state)
{
    struct udp_test t;
    struct udp_sock *member, *other;
    struct rung_addr group = {0}, far_addr, to, any;
    (void)state;
    udp_begin(&t, NULL);
    if (!udp_fixture.group || !udp_fixture.group(t.rig, t.family, &group))
        udp_skip(&t, "no multicast here");
    any = rung_addr_any(t.family, 0);
    assert_int_equal(sock_open_at(&t, &any, &member), RUNG_OK);
    assert_int_equal(sock_open_at(&t, &any, &other), RUNG_OK);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    assert_int_equal(join(member, &group, true), RUNG_OK);
    assert_int_equal(join(other, &group, false), RUNG_E_NOTFOUND);
    to = group;
    to.port = member->socket->local.port;
    far_send(peer, &to, 1, 100);
    sock_wait_count(member, 1);
    any.port = to.port;
    sock_close(member);
    assert_int_equal(sock_open_at(&t, &any, &member), RUNG_OK);
    far_send(peer, &to, 2, 100);
    udp_settle(&t);
    assert_int_equal(sock_recv(member, 4), 0);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

/* Many groups: all fit, or LIMIT says that no more do. */
static void groups_have_a_limit(void **state)
{
    struct udp_test t;
    struct udp_sock *sock;
    struct rung_addr group = {0}, any;
    int err = RUNG_OK;
    (void)state;
    udp_begin(&t, NULL);
    if (!udp_fixture.group || !udp_fixture.group(t.rig, t.family, &group))
        udp_skip(&t, "no multicast here");
    any = rung_addr_any(t.family, 0);
    assert_int_equal(sock_open_at(&t, &any, &sock), RUNG_OK);
    for (unsigned i = 1; i < 250 && err == RUNG_OK; i++) {
        group.ip[t.family == RUNG_AF_IPV4 ? 3 : 15] = (uint8_t)i;
        err = join(sock, &group, true);
    }
    assert_true(err == RUNG_OK || err == RUNG_E_LIMIT);
    udp_end(&t);
}

const struct CMUnitTest udp_open_cases[] = {
    cmocka_unit_test(open_gives_port_and_address),
    cmocka_unit_test(open_names_its_errors),
    cmocka_unit_test(open_needs_the_right),
    cmocka_unit_test(open_tells_no_descriptor),
    cmocka_unit_test(any_takes_both_families),
    cmocka_unit_test(one_family_does_not_reach_the_other),
    cmocka_unit_test(the_sender_may_choose_its_address),
    cmocka_unit_test(groups_are_joined_and_left),
    cmocka_unit_test(groups_belong_to_their_socket),
    cmocka_unit_test(groups_have_a_limit),
    {0},
};
