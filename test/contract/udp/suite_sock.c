/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite_sock.c - the app's sockets and the peer's. Every call and every event
 * goes through here, so that the rules that hold always are checked always: ready() never inside a
 * call, one event for a call that came short and none otherwise, datagrams released once, what was
 * not taken left alone, whole contents. */
#include "suite.h"

static void sock_on_ready(struct rung_udp_sock *socket, unsigned events)
{
    struct udp_sock *sock = socket->arg;
    assert_int_equal(sock->t->in_call, 0);
    assert_ptr_equal(sock->socket, socket); /* not after close */
    assert_true(events != 0);
    assert_int_equal(events & ~(unsigned)(RUNG_UDP_RX | RUNG_UDP_TX), 0);
    if (events & RUNG_UDP_RX) {
        assert_true(sock->rx_due);
        sock->rx_due = false;
        sock->rx++;
    }
    if (events & RUNG_UDP_TX) {
        assert_true(sock->tx_due);
        sock->tx_due = false;
        sock->tx++;
    }
    if (sock->on_ready)
        sock->on_ready(sock, events);
}

int sock_open_at(struct udp_test *t, const struct rung_addr *local, struct udp_sock **out)
{
    struct rung_udp_sock *socket = NULL;
    size_t lines = test_log_count(t->p);
    t->in_call++;
    int err = rung_udp_open(t->udp, local, &socket);
    t->in_call--;
    assert_int_equal(test_log_count(t->p), lines); /* the app says it, not the module */
    if (err)
        return err;
    assert_true(t->sock_count < UDP_TEST_SOCKS);
    struct udp_sock *sock = &t->socks[t->sock_count++];
    *sock = (struct udp_sock){.t = t, .socket = socket, .rx_due = true};
    assert_ptr_equal(socket->udp, t->udp);
    assert_int_not_equal(socket->local.port, 0);
    socket->ready = sock_on_ready;
    socket->arg = sock;
    *out = sock;
    return RUNG_OK;
}

struct udp_sock *sock_open(struct udp_test *t)
{
    struct rung_addr local = udp_host(t, 0);
    struct udp_sock *sock = NULL;
    assert_int_equal(sock_open_at(t, &local, &sock), RUNG_OK);
    return sock;
}

static void out_release(struct rung_dgram *dgram)
{
    struct udp_out *out = rung_container_of(dgram, struct udp_out, dgram);
    assert_int_equal(out->released, 0);
    out->released = 1;
    out->t->out_count--;
    memset(out->data, 0xdd, out->len); /* whoever still reads it is found out */
    free(out->data);
}

static struct udp_out *out_new(struct udp_test *t, uint32_t number, size_t len)
{
    struct udp_out *out = calloc(1, sizeof(*out));
    assert_non_null(out);
    out->data = malloc(len + 1);
    assert_non_null(out->data);
    udp_fill(out->data, len, number);
    out->t = t;
    out->len = len;
    out->dgram = (struct rung_dgram){.data = out->data, .len = len, .release = out_release};
    return out;
}

int sock_send(struct udp_sock *sock, const struct rung_addr *to, const struct rung_addr *from,
              uint32_t number, const size_t *lens, unsigned n)
{
    struct udp_test *t = sock->t;
    struct udp_out **outs = calloc(n, sizeof(*outs));
    struct rung_dgram **dgrams = calloc(n, sizeof(*dgrams));
    assert_true(outs && dgrams);
    for (unsigned i = 0; i < n; i++) {
        outs[i] = out_new(t, number + i, lens[i]);
        outs[i]->dgram.peer = *to;
        if (from)
            outs[i]->dgram.local = *from;
        dgrams[i] = &outs[i]->dgram;
    }
    t->out_count += n;
    t->in_call++;
    int k = rung_udp_send(sock->socket, dgrams, n);
    t->in_call--;
    assert_in_range(k, 0, n);
    if (k < (int)n)
        sock->tx_due = true;
    for (int i = 0; i < (int)n; i++) {
        if (i < k) {
            outs[i]->next = t->outs;
            t->outs = outs[i];
            continue;
        }
        assert_int_equal(outs[i]->released, 0); /* still ours */
        assert_ptr_equal(outs[i]->dgram.data, outs[i]->data);
        t->out_count--;
        free(outs[i]->data);
        free(outs[i]);
    }
    free(outs);
    free(dgrams);
    return k;
}

int sock_send_one(struct udp_sock *sock, const struct rung_addr *to, uint32_t number, size_t len)
{
    return sock_send(sock, to, NULL, number, &len, 1);
}

int sock_recv(struct udp_sock *sock, unsigned n)
{
    struct rung_dgram *dgrams[64];
    assert_in_range(n, 1, RUNG_ARRAY_LEN(dgrams));
    sock->t->in_call++;
    int k = rung_udp_recv(sock->socket, dgrams, n);
    sock->t->in_call--;
    assert_in_range(k, 0, n);
    if (k < (int)n)
        sock->rx_due = true;
    for (int i = 0; i < k; i++) {
        assert_true(dgrams[i]->len <= RUNG_UDP_MAX);
        sock->last_number = udp_check(dgrams[i]->data, dgrams[i]->len);
        sock->last_len = dgrams[i]->len;
        sock->peer = dgrams[i]->peer;
        sock->local = dgrams[i]->local;
        sock->count++;
        if (sock->hold) {
            dgrams[i]->next = sock->held;
            sock->held = dgrams[i];
            sock->held_count++;
        } else {
            dgrams[i]->release(dgrams[i]);
        }
    }
    return k;
}

void sock_release_held(struct udp_sock *sock)
{
    while (sock->held) {
        struct rung_dgram *dgram = sock->held;
        sock->held = dgram->next;
        dgram->release(dgram);
    }
    sock->held_count = 0;
}

void sock_close(struct udp_sock *sock)
{
    struct rung_udp_sock *socket = sock->socket;
    sock->socket = NULL;
    sock->t->in_call++;
    rung_udp_close(socket);
    sock->t->in_call--;
}

static bool sock_has_rx(void *arg)
{
    return !((struct udp_sock *)arg)->rx_due;
}

void sock_wait_rx(struct udp_sock *sock)
{
    udp_wait(sock->t, sock_has_rx, sock);
}

void sock_wait_count(struct udp_sock *sock, unsigned count)
{
    while (sock->count < count)
        if (sock_recv(sock, 1 + udp_chance(sock->t, 40)) == 0)
            sock_wait_rx(sock);
    assert_int_equal(sock->count, count);
}

void far_send(struct udp_peer *peer, const struct rung_addr *to, uint32_t number, size_t len)
{
    uint8_t *data = malloc(len + 1);
    assert_non_null(data);
    udp_fill(data, len, number);
    udp_fixture.peer_send(peer, to, data, len);
    free(data);
}

struct far_wait {
    struct udp_peer *peer;
    long len;
    uint32_t number;
    struct rung_addr from;
};

static bool far_has_one(void *arg)
{
    static uint8_t data[65536];
    struct far_wait *wait = arg;
    if (wait->len < 0)
        wait->len = udp_fixture.peer_recv(wait->peer, data, sizeof(data), &wait->from);
    else
        return true; /* asked again */
    if (wait->len >= 0)
        wait->number = udp_check(data, (size_t)wait->len);
    return wait->len >= 0;
}

size_t far_recv(struct udp_test *t, struct udp_peer *peer, uint32_t *number,
                struct rung_addr *from)
{
    struct far_wait wait = {.peer = peer, .len = -1};
    udp_wait(t, far_has_one, &wait);
    *number = wait.number;
    *from = wait.from;
    return (size_t)wait.len;
}

bool far_has_nothing(struct udp_peer *peer)
{
    struct far_wait wait = {.peer = peer, .len = -1};
    return !far_has_one(&wait);
}
