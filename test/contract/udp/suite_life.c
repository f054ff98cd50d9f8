/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite_life.c - closing sockets, stopping the stack, calls from callbacks. */
#include "suite.h"

static void lent_datagrams_outlive_socket_and_stack(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_sock *sock = sock_open(&t);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    sock->hold = true;
    for (unsigned i = 0; i < 5; i++)
        far_send(peer, &sock->socket->local, i, 1000 + i * 500);
    sock_wait_count(sock, 5);
    sock_close(sock);
    udp_settle(&t);
    udp_stop(&t);
    unsigned i = 5;
    for (struct rung_dgram *dgram = sock->held; dgram; dgram = dgram->next) {
        i--;
        assert_int_equal(dgram->len, 1000 + i * 500);
        assert_int_equal(udp_check(dgram->data, dgram->len), i);
    }
    assert_int_equal(i, 0);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

static void close_in_ready(struct udp_sock *sock, unsigned events)
{
    (void)events;
    sock_close(sock);
}

static bool sock_is_closed(void *arg)
{
    return !((struct udp_sock *)arg)->socket;
}

static void a_socket_may_be_closed_in_its_ready(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_sock *sock = sock_open(&t), *other = sock_open(&t);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    sock->on_ready = close_in_ready;
    far_send(peer, &sock->socket->local, 1, 100);
    udp_wait(&t, sock_is_closed, sock);
    far_send(peer, &other->socket->local, 2, 100);
    sock_wait_count(other, 1);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

/* Several in one turn: those that are closed by the first do not hear of it. */
static struct udp_sock *life_socks[3];

static void close_the_others(struct udp_sock *sock, unsigned events)
{
    (void)events;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(life_socks); i++)
        if (life_socks[i] != sock && life_socks[i]->socket)
            sock_close(life_socks[i]);
}

static bool one_is_ready(void *arg)
{
    (void)arg;
    return life_socks[0]->rx + life_socks[1]->rx + life_socks[2]->rx > 0;
}

static void a_ready_may_close_other_sockets(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    for (unsigned i = 0; i < 3; i++) {
        life_socks[i] = sock_open(&t);
        life_socks[i]->on_ready = close_the_others;
    }
    test_run_turns(t.p, 2);
    for (unsigned i = 0; i < 3; i++)
        far_send(peer, &life_socks[i]->socket->local, i, 100);
    udp_wait(&t, one_is_ready, NULL);
    udp_settle(&t);
    assert_int_equal(life_socks[0]->rx + life_socks[1]->rx + life_socks[2]->rx, 1);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

/* Closed while it waits for a datagram that another socket's app holds. */
static void closing_while_dry(void **state)
{
    struct udp_how how = {.rx_memory = 128u << 10};
    struct udp_test t;
    struct rung_addr far_addr;
    (void)state;
    udp_begin(&t, &how);
    struct udp_sock *greedy = sock_open(&t), *closed = sock_open(&t), *stopped = sock_open(&t);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    greedy->hold = true;
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned k = 0; k < 10; k++)
            far_send(peer, &greedy->socket->local, k, 1000);
        udp_settle(&t);
        while (sock_recv(greedy, 16) == 16)
            ;
    }
    far_send(peer, &closed->socket->local, 1, 1000);
    far_send(peer, &stopped->socket->local, 2, 1000);
    udp_settle(&t);
    sock_recv(closed, 4); /* none, unless each has a share of its own */
    sock_recv(stopped, 4);
    sock_close(closed);
    sock_release_held(greedy); /* wakes the others, later */
    udp_stop(&t);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

static void stop_closes_what_is_open(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr, local;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_sock *sock = sock_open(&t);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    sock_open(&t);
    local = sock->socket->local;
    far_send(peer, &local, 1, 100); /* never taken */
    assert_int_equal(sock_send_one(sock, &far_addr, 1, 100), 1);
    udp_stop(&t);
    assert_int_equal(t.out_count, 0);
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

static void stop_with_nothing_open(void **state)
{
    struct udp_test t;
    (void)state;
    udp_begin(&t, NULL);
    udp_stop(&t);
    udp_end(&t);
}

static void many_come_and_go(void **state)
{
    struct udp_test t;
    struct rung_addr far_addr, from;
    uint32_t number;
    size_t blocks = 0;
    (void)state;
    udp_begin(&t, NULL);
    struct udp_peer *peer = udp_fixture.peer_open(t.rig, t.family, &far_addr);
    for (unsigned i = 0; i < 100; i++) {
        t.sock_count = 0;
        struct udp_sock *sock = sock_open(&t);
        far_send(peer, &sock->socket->local, i, 100);
        sock_wait_count(sock, 1);
        assert_int_equal(sock_send_one(sock, &far_addr, i, 100), 1);
        assert_int_equal(far_recv(&t, peer, &number, &from), 100);
        sock_close(sock);
        test_run_turns(t.p, 3);
        if (i == 10)
            blocks = test_heap_blocks(t.p);
        /* A leak is a block each round, 89 in all; a few may come to a stack's spares, as when a
         * neighbour is asked for again in the turn in which a datagram leaves. */
        if (i > 10)
            assert_true(test_heap_blocks(t.p) <= blocks + 8);
    }
    udp_fixture.peer_close(peer);
    udp_end(&t);
}

const struct CMUnitTest udp_life_cases[] = {
    cmocka_unit_test(lent_datagrams_outlive_socket_and_stack),
    cmocka_unit_test(a_socket_may_be_closed_in_its_ready),
    cmocka_unit_test(a_ready_may_close_other_sockets),
    cmocka_unit_test(closing_while_dry),
    cmocka_unit_test(stop_closes_what_is_open),
    cmocka_unit_test(stop_with_nothing_open),
    cmocka_unit_test(many_come_and_go),
    {0},
};
