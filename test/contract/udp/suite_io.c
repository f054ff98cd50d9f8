/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite_io.c - datagrams: whole, in batches, by reference; what is lost and what
 * must not be. */
#include "suite.h"

struct io {
    struct udp_test t;
    struct udp_sock *sock;
    struct udp_peer *peer;
    struct rung_addr own, far; /* of the socket and of the peer */
};

static void io_begin(struct io *io, const struct udp_how *how)
{
    udp_begin(&io->t, how);
    io->sock = sock_open(&io->t);
    io->own = io->sock->socket->local;
    io->peer = udp_fixture.peer_open(io->t.rig, io->t.family, &io->far);
    assert_non_null(io->peer);
}

static void io_end(struct io *io)
{
    udp_fixture.peer_close(io->peer);
    udp_end(&io->t);
}

/* Around every size at which something may change. */
static const size_t io_sizes[] = {
    0, 1, 3, 4, 100, 511, 512, 1471, 1472, 1473, 1919, 1920, 1921, 2047, 2048, 2049, 4096, 9000,
    32768, 65000, 65506, RUNG_UDP_MAX,
};

static size_t io_longest(const struct io *io)
{
    bool less = io->t.family == RUNG_AF_IPV6 && udp_fixture.longest6;
    return less ? udp_fixture.longest6 : RUNG_UDP_MAX;
}

static size_t io_size(const struct io *io, unsigned i)
{
    size_t longest = io_longest(io);
    return io_sizes[i] < longest ? io_sizes[i] : longest;
}

static void datagrams_go_out_whole(void **state)
{
    struct io io;
    struct rung_addr from;
    uint32_t number;
    (void)state;
    io_begin(&io, NULL);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(io_sizes); i++) {
        size_t size = io_size(&io, i);
        assert_int_equal(sock_send_one(io.sock, &io.far, i, size), 1);
        assert_int_equal(far_recv(&io.t, io.peer, &number, &from), size);
        if (size >= sizeof(number))
            assert_int_equal(number, i);
        assert_true(rung_addr_equal(&from, &io.own));
    }
    udp_settle(&io.t);
    assert_int_equal(io.t.out_count, 0);
    assert_int_equal(io.sock->tx, 0);
    io_end(&io);
}

static void datagrams_come_in_whole(void **state)
{
    struct io io;
    (void)state;
    io_begin(&io, NULL);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(io_sizes); i++) {
        size_t size = io_size(&io, i);
        far_send(io.peer, &io.own, i, size);
        sock_wait_count(io.sock, i + 1);
        assert_int_equal(io.sock->last_len, size);
        if (size >= sizeof(uint32_t))
            assert_int_equal(io.sock->last_number, i);
        assert_true(rung_addr_equal(&io.sock->peer, &io.far));
        assert_true(io.sock->local.port == 0 || rung_addr_equal(&io.sock->local, &io.own));
    }
    io_end(&io);
}

static void batches_go_out(void **state)
{
    enum { N = 100 };
    struct io io;
    struct rung_addr from;
    size_t lens[N];
    uint32_t number;
    (void)state;
    io_begin(&io, NULL);
    for (unsigned i = 0; i < N; i++)
        lens[i] = 4 + udp_chance(&io.t, 500);
    assert_int_equal(sock_send(io.sock, &io.far, NULL, 1000, lens, N), N);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(far_recv(&io.t, io.peer, &number, &from), lens[i]);
        assert_int_equal(number, 1000 + i);
    }
    assert_int_equal(io.t.out_count, 0);
    io_end(&io);
}

static void batches_come_in(void **state)
{
    struct io io;
    unsigned total = 0;
    (void)state;
    io_begin(&io, NULL);
    for (unsigned round = 0; round < 20; round++) {
        unsigned n = 1 + udp_chance(&io.t, 40);
        for (unsigned i = 0; i < n; i++)
            far_send(io.peer, &io.own, total + i, 4 + udp_chance(&io.t, 2500));
        total += n;
        sock_wait_count(io.sock, total);
        assert_int_equal(io.sock->last_number, total - 1);
    }
    io_end(&io);
}

/* "taken and lost, as on the wire": nothing else in the batch suffers. */
static void what_cannot_be_sent_is_lost(void **state)
{
    struct io io;
    struct rung_addr from, nowhere = {0};
    uint32_t number;
    size_t lens[] = {100, 0, 200, 100000, 300};
    (void)state;
    io_begin(&io, NULL);
    lens[1] = io_longest(&io) + 1;
    assert_int_equal(sock_send(io.sock, &io.far, NULL, 0, lens, 5), 5);
    for (unsigned i = 0; i < 5; i += 2) {
        assert_int_equal(far_recv(&io.t, io.peer, &number, &from), lens[i]);
        assert_int_equal(number, i);
    }
    assert_int_equal(sock_send_one(io.sock, &nowhere, 1, 10), 1);
    nowhere = io.far;
    nowhere.port = 0;
    assert_int_equal(sock_send_one(io.sock, &nowhere, 1, 10), 1);
    if (udp_fixture.unreachable && udp_fixture.unreachable(io.t.rig, io.t.family, &nowhere))
        assert_int_equal(sock_send_one(io.sock, &nowhere, 1, 10), 1);
    lens[0] = 10; /* from an address that is not ours */
    rung_addr_parse(&nowhere, io.t.family == RUNG_AF_IPV4 ? "192.0.2.77" : "2001:db8::77");
    assert_int_equal(sock_send(io.sock, &io.far, &nowhere, 1, lens, 1), 1);
    udp_settle(&io.t);
    assert_int_equal(io.t.out_count, 0);
    assert_true(far_has_nothing(io.peer));
    assert_int_equal(sock_send_one(io.sock, &io.far, 9, 50), 1);
    assert_int_equal(far_recv(&io.t, io.peer, &number, &from), 50);
    io_end(&io);
}

/* The peer sends more than this stack can take: lost, and nothing else suffers. */
static void what_is_too_long_to_receive_is_lost(void **state)
{
    struct io io;
    (void)state;
    io_begin(&io, NULL);
    size_t longest = io_longest(&io);
    if (longest == RUNG_UDP_MAX) {
        udp_fixture.peer_close(io.peer);
        udp_skip(&io.t, "datagrams of any length are taken here");
    }
    for (size_t len = longest + 1; len <= RUNG_UDP_MAX; len++)
        far_send(io.peer, &io.own, 1, len);
    udp_settle(&io.t);
    assert_int_equal(sock_recv(io.sock, 4), 0);
    far_send(io.peer, &io.own, 2, longest);
    sock_wait_count(io.sock, 1);
    assert_int_equal(io.sock->last_number, 2);
    io_end(&io);
}

/* A port where nobody is: whatever comes back of it is no error of the socket. */
static void nobody_there_is_no_error(void **state)
{
    struct io io;
    struct rung_addr gone;
    (void)state;
    io_begin(&io, NULL);
    struct udp_peer *peer = udp_fixture.peer_open(io.t.rig, io.t.family, &gone);
    udp_fixture.peer_close(peer);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(sock_send_one(io.sock, &gone, i, 100), 1);
        udp_settle(&io.t);
    }
    far_send(io.peer, &io.own, 77, 100);
    sock_wait_count(io.sock, 1);
    assert_int_equal(io.sock->last_number, 77);
    io_end(&io);
}

static void one_event_for_a_call_that_came_short(void **state)
{
    struct io io;
    (void)state;
    io_begin(&io, NULL);
    udp_settle(&io.t);
    assert_int_equal(io.sock->rx, 0);
    for (unsigned i = 0; i < 5; i++) { /* the app does not come: sock_on_ready() sees to it */
        far_send(io.peer, &io.own, i, 10);
        udp_settle(&io.t);
    }
    assert_int_equal(io.sock->rx, 1);
    assert_int_equal(sock_recv(io.sock, 2), 2); /* not short */
    far_send(io.peer, &io.own, 5, 10);
    udp_settle(&io.t);
    assert_int_equal(io.sock->rx, 1);
    assert_int_equal(sock_recv(io.sock, 10), 4);
    far_send(io.peer, &io.own, 6, 10);
    sock_wait_rx(io.sock);
    assert_int_equal(io.sock->rx, 2);
    assert_int_equal(sock_recv(io.sock, 10), 1);
    io_end(&io);
}

static void ready_may_be_null(void **state)
{
    struct io io;
    (void)state;
    io_begin(&io, NULL);
    io.sock->socket->ready = NULL;
    for (unsigned i = 1; i <= 5; i++) {
        far_send(io.peer, &io.own, i, 10);
        for (unsigned turn = 0; io.sock->count < i && turn < 100; turn++) {
            udp_settle(&io.t);
            sock_recv(io.sock, 4);
        }
        assert_int_equal(io.sock->count, i);
    }
    io_end(&io);
}

static bool io_has_tx(void *arg)
{
    return !((struct udp_sock *)arg)->tx_due;
}

enum { IO_BATCH = 50, IO_BOUND = 4000 /* what may wait for a link */ };

/* Sends batches, numbered from sent on, until a call comes short; how many went by then. */
static uint32_t io_fill(struct io *io, uint32_t sent)
{
    size_t lens[IO_BATCH];
    int k;
    for (unsigned i = 0; i < IO_BATCH; i++)
        lens[i] = 100;
    do {
        k = sock_send(io->sock, &io->far, NULL, sent, lens, IO_BATCH);
        sent += (uint32_t)k;
        assert_true(sent < IO_BOUND);
    } while (k == IO_BATCH);
    return sent;
}

static void io_begin_clogged(struct io *io)
{
    io_begin(io, NULL);
    if (!udp_fixture.clog || !udp_fixture.clog(io->t.rig, true)) {
        udp_fixture.peer_close(io->peer);
        udp_skip(&io->t, "the link cannot be filled here");
    }
}

/* send() comes short; TX; the rest goes. */
static void a_full_link_is_waited_for(void **state)
{
    struct io io;
    struct rung_addr from;
    uint32_t number;
    (void)state;
    io_begin_clogged(&io);
    uint32_t sent = io_fill(&io, 0);
    udp_settle(&io.t); /* the link takes some of it */
    sent = io_fill(&io, sent);
    udp_settle(&io.t);
    assert_int_equal(sock_send_one(io.sock, &io.far, sent, 100), 0); /* full still */
    udp_fixture.clog(io.t.rig, false);
    for (unsigned more = 0; more < IO_BATCH;) {
        if (sock_send_one(io.sock, &io.far, sent + more, 100) == 1)
            more++;
        else
            udp_wait(&io.t, io_has_tx, io.sock);
    }
    for (unsigned i = 0; i < sent + IO_BATCH; i++) {
        assert_int_equal(far_recv(&io.t, io.peer, &number, &from), 100);
        assert_int_equal(number, i);
    }
    assert_true(io.sock->tx >= 1);
    udp_settle(&io.t);
    assert_int_equal(io.t.out_count, 0);
    io_end(&io);
}

/* "datagrams taken and not yet sent are dropped and released" */
static void closing_drops_what_waits_for_the_link(void **state)
{
    struct io io;
    (void)state;
    io_begin_clogged(&io);
    io_fill(&io, 0);
    sock_close(io.sock);
    udp_settle(&io.t);
    assert_int_equal(io.t.out_count, 0);
    udp_fixture.clog(io.t.rig, false);
    io_end(&io);
}

/* "With the app holding many, further ones wait or are dropped", and memory is bounded. */
static void holding_many_stops_receiving(void **state)
{
    struct udp_how how = {.rx_memory = 256u << 10};
    struct io io;
    (void)state;
    io_begin(&io, &how);
    io.sock->hold = true;
    unsigned number = 0, idle = 0;
    while (idle < 10) {
        unsigned before = io.sock->count;
        for (unsigned i = 0; i < 10; i++)
            far_send(io.peer, &io.own, number++, 1000);
        udp_settle(&io.t);
        if (!io.sock->rx_due)
            while (sock_recv(io.sock, 16) == 16)
                ;
        idle = io.sock->count == before ? idle + 1 : 0;
        assert_true(io.sock->held_count * 1000 <= udp_fixture.lends(io.t.rig));
    }
    assert_true(io.sock->rx_due); /* no RX while nothing can be lent */
    sock_release_held(io.sock);
    io.sock->hold = false;
    while (io.sock->last_number != 9999) { /* those that waited first, if any did */
        far_send(io.peer, &io.own, 9999, 1000);
        sock_wait_rx(io.sock);
        while (sock_recv(io.sock, 16) == 16)
            ;
    }
    io_end(&io);
}

static void receiving_survives_an_empty_heap(void **state)
{
    struct io io;
    (void)state;
    io_begin(&io, NULL);
    far_send(io.peer, &io.own, 1, 1000);
    far_send(io.peer, &io.own, 2, 5000);
    udp_settle(&io.t);
    for (unsigned i = 1; i <= 4 && io.sock->count < 2; i++) {
        test_heap_fail_after(io.t.p, i);
        sock_recv(io.sock, 1);
        test_heap_fail_after(io.t.p, 0);
        if (io.sock->rx_due && io.sock->count < 2)
            sock_wait_rx(io.sock);
    }
    sock_wait_count(io.sock, 2);
    io_end(&io);
}

const struct CMUnitTest udp_io_cases[] = {
    cmocka_unit_test(datagrams_go_out_whole),
    cmocka_unit_test(datagrams_come_in_whole),
    cmocka_unit_test(batches_go_out),
    cmocka_unit_test(batches_come_in),
    cmocka_unit_test(what_cannot_be_sent_is_lost),
    cmocka_unit_test(what_is_too_long_to_receive_is_lost),
    cmocka_unit_test(nobody_there_is_no_error),
    cmocka_unit_test(one_event_for_a_call_that_came_short),
    cmocka_unit_test(ready_may_be_null),
    cmocka_unit_test(a_full_link_is_waited_for),
    cmocka_unit_test(closing_drops_what_waits_for_the_link),
    cmocka_unit_test(holding_many_stops_receiving),
    cmocka_unit_test(receiving_survives_an_empty_heap),
    {0},
};
