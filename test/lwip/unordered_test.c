/* SPDX-License-Identifier: ISC */
/* test/lwip/unordered_test.c - data out of order when the memory for copies is used up: it is given
 * up first, so that whoever sends in order goes on. No time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "lwip_int.h"
#include "test_platform.h"

enum { ORDER_PIECE = 1000, ORDER_MEMORY = 64 * 1024, ORDER_HOLD = 16, ORDER_PEERS = 20 };
enum { ORDER_PIECES = 20, ORDER_PORT = 5000 };

static char order_text[ORDER_PIECE + 1];

/* The link has no frame to spare: a connection whose app does not read keeps them. */
static struct rung_tcp_conn *order_idle(struct forger *f, uint16_t port)
{
    struct forged_tcp next = forger_connect(f, port, 1000, NULL, 0);
    struct rung_tcp_conn *idle = f->conn;
    f->conn = NULL;
    next.text = "x";
    for (; f->stack.core->frames_held < ORDER_HOLD / 2; next.seq++)
        forger_send_tcp(f, &next);
    return idle;
}

static struct rung_tcp_conn *order_open(struct forger *f)
{
    memset(order_text, 'x', ORDER_PIECE);
    forger_open(f);
    f->pair.net.info.rx_hold = ORDER_HOLD;
    f->stack.core->max_copied = ORDER_MEMORY;
    return order_idle(f, 4000);
}

/* A piece that stands so many pieces ahead of what is to come next. */
static void order_ahead(struct forger *f, struct forged_tcp next, unsigned pieces)
{
    next.seq += pieces * ORDER_PIECE;
    next.text = order_text;
    forger_send_tcp(f, &next);
}

/* The missing piece comes: what is acknowledged then, in pieces from there. */
static unsigned order_fill(struct forger *f, struct forged_tcp next)
{
    struct forged_tcp got = next;
    size_t payload;
    forger_drain(f);
    order_ahead(f, next, 0);
    order_ahead(f, next, 0); /* once more: that is answered at once */
    while (forger_next_tcp(f, &got, &payload))
        continue;
    return (got.ack - next.seq) / ORDER_PIECE;
}

/* Peers whose first piece never comes send all the others, as long as there is memory, and on. */
static void order_flood(struct forger *f, struct forged_tcp peers[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        peers[i] = forger_connect(f, (uint16_t)(ORDER_PORT + i), 1000, NULL, 0);
    f->conn = NULL;
    for (unsigned ahead = 1; ahead <= 2 * ORDER_MEMORY / ORDER_PIECE / count + 1; ahead++)
        for (unsigned i = 0; i < count; i++)
            order_ahead(f, peers[i], ahead);
    assert_in_range(f->stack.core->copied, ORDER_MEMORY - 2 * ORDER_PIECE, ORDER_MEMORY);
}

static void order_take(struct rung_tcp_conn *conn, unsigned pieces)
{
    size_t received = 0;
    struct rung_buf *b[8];
    int n;
    while ((n = rung_tcp_recv(conn, b, RUNG_ARRAY_LEN(b))) > 0)
        for (int k = 0; k < n; k++) {
            received += b[k]->len;
            rung_buf_release(b[k]);
        }
    assert_int_equal(received, pieces * ORDER_PIECE);
}

static void who_sends_in_order_is_served(void **state)
{
    struct forger f;
    struct forged_tcp peers[ORDER_PEERS], got;
    size_t payload;
    (void)state;
    struct rung_tcp_conn *idle = order_open(&f);
    order_flood(&f, peers, ORDER_PEERS);
    struct forged_tcp good = forger_connect(&f, 4001, 1000, NULL, 0);
    struct rung_tcp_conn *conn = f.conn;
    f.conn = NULL; /* it reads only when all has come */
    for (unsigned i = 0; i < ORDER_PIECES; i++)
        order_ahead(&f, good, i);
    while (forger_next_tcp(&f, &got, &payload))
        continue;
    assert_int_equal(got.ack, good.seq + ORDER_PIECES * ORDER_PIECE);
    order_take(conn, ORDER_PIECES);
    assert_in_range(f.stack.core->copied, 0, ORDER_MEMORY - ORDER_PIECES * ORDER_PIECE);
    rung_tcp_abort(conn);
    rung_tcp_abort(idle);
    forger_close(&f);
}

static void so_are_datagrams(void **state)
{
    struct forger f;
    struct forged_tcp peers[ORDER_PEERS];
    struct forged_udp dgram = {.ours = 7000, .theirs = 7, .len = ORDER_PIECE};
    struct rung_addr local = {.port = 7};
    struct rung_udp_sock *sock;
    struct rung_dgram *d[8];
    (void)state;
    struct rung_tcp_conn *idle = order_open(&f);
    order_flood(&f, peers, ORDER_PEERS);
    assert_int_equal(rung_udp_open(&f.stack.udp, &local, &sock), RUNG_OK);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(d); i++)
        forger_put_udp(&f, &dgram);
    test_run_turns(f.p, 4);
    assert_int_equal(rung_udp_recv(sock, d, RUNG_ARRAY_LEN(d)), RUNG_ARRAY_LEN(d));
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(d); i++)
        d[i]->release(d[i]);
    rung_udp_close(sock);
    rung_tcp_abort(idle);
    forger_close(&f);
}

/* What is given up is that of the connection which has waited longest; it goes on when the peer
 * sends all of it again. Of the others nothing is lost. */
static void the_longest_wait_is_given_up_first(void **state)
{
    enum { AHEAD = 10 };
    struct forger f;
    struct forged_tcp peers[4];
    (void)state;
    struct rung_tcp_conn *idle = order_open(&f), *conns[4];
    for (unsigned i = 0; i < 4; i++) {
        peers[i] = forger_connect(&f, (uint16_t)(ORDER_PORT + i), 1000, NULL, 0);
        conns[i] = f.conn;
    }
    f.conn = NULL;
    for (unsigned i = 0; i < 4; i++)
        for (unsigned ahead = 2; ahead < 2 + AHEAD; ahead++)
            order_ahead(&f, peers[i], ahead);
    rung_tcp_abort(idle);
    order_ahead(&f, peers[0], 0); /* it gets on, and waits since then for the one in between */
    peers[0].seq += ORDER_PIECE;
    idle = order_idle(&f, 4002);
    f.stack.core->max_copied = f.stack.core->copied;
    struct forged_tcp good = forger_connect(&f, 4001, 1000, NULL, 0);
    order_ahead(&f, good, 0);
    f.stack.core->max_copied += ORDER_MEMORY;
    assert_int_equal(order_fill(&f, peers[0]), 1 + AHEAD);
    assert_int_equal(order_fill(&f, peers[1]), 1);
    assert_int_equal(order_fill(&f, peers[2]), 1);
    peers[2].seq += ORDER_PIECE;
    assert_int_equal(order_fill(&f, peers[2]), 1 + AHEAD);
    for (unsigned ahead = 1; ahead < 2 + AHEAD; ahead++)
        order_ahead(&f, peers[1], ahead);
    order_take(conns[1], 2 + AHEAD);
    for (unsigned i = 0; i < 4; i++)
        rung_tcp_abort(conns[i]);
    rung_tcp_abort(idle);
    forger_close(&f);
}

/* One that has used up the memory alone: what is missing is taken in all the same. */
static void what_is_missing_always_has_room(void **state)
{
    struct forger f;
    struct forged_tcp peer;
    (void)state;
    struct rung_tcp_conn *idle = order_open(&f);
    order_flood(&f, &peer, 1);
    unsigned kept = (unsigned)(f.stack.core->copied / (ORDER_PIECE + sizeof(struct lwip_piece)));
    assert_in_range(order_fill(&f, peer), kept - 2, kept + 1);
    rung_tcp_abort(idle);
    forger_close(&f);
}

/* A connection that nobody reads any more keeps nothing. */
static void nobody_keeps_it_for_the_dead(void **state)
{
    struct forger f;
    (void)state;
    struct rung_tcp_conn *idle = order_open(&f);
    uint64_t before = f.stack.core->copied;
    struct forged_tcp peer = forger_connect(&f, 4001, 1000, NULL, 0), got;
    struct rung_tcp_conn *conn = f.conn;
    size_t payload;
    f.conn = NULL;
    order_ahead(&f, peer, 1);
    assert_true(f.stack.core->copied > before);
    forger_drain(&f);
    rung_tcp_close(conn);
    test_run_turns(f.p, 4);
    assert_true(forger_next_tcp(&f, &got, &payload));
    assert_true(got.flags & FORGED_FIN);
    peer.ack++;
    forger_send_tcp(&f, &peer);
    order_ahead(&f, peer, 2);
    assert_int_equal(f.stack.core->copied, before);
    rung_tcp_abort(idle);
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sends_in_order_is_served),
        cmocka_unit_test(so_are_datagrams),
        cmocka_unit_test(the_longest_wait_is_given_up_first),
        cmocka_unit_test(what_is_missing_always_has_room),
        cmocka_unit_test(nobody_keeps_it_for_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
