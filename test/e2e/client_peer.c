/* SPDX-License-Identifier: ISC */
/* test/e2e/client_peer.c - one non-blocking connection that asks one question at a time. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

static const char question_http[] = "GET / HTTP/1.1\r\nHost: e2e\r\n\r\n";
static const char question_echo[] = "The quick brown fox jumps over the lazy dog, and back.\n";

static const char *question(enum client_kind kind, size_t *len)
{
    *len = kind == CLIENT_HTTP ? sizeof(question_http) - 1 : sizeof(question_echo) - 1;
    return kind == CLIENT_HTTP ? question_http : question_echo;
}

void client_peer_open(struct client_peer *peer, uint16_t port)
{
    *peer = (struct client_peer){.fd = client_connect_start(port)};
}

void client_peer_again(struct client_peer *peer)
{
    peer->sent = 0;
    peer->echoed = 0;
    peer->answered = false;
    peer->answer = (struct client_answer){0};
}

void client_peer_close(struct client_peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
}

short client_peer_events(const struct client_peer *peer, enum client_kind kind)
{
    size_t len;
    (void)question(kind, &len);
    return (short)(peer->sent < len ? POLLIN | POLLOUT : POLLIN);
}

/* -1: broken, else 0. */
static int peer_send(struct client_peer *peer, enum client_kind kind)
{
    size_t len;
    const char *text = question(kind, &len);
    while (peer->sent < len) {
        ssize_t n = send(peer->fd, text + peer->sent, len - peer->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
        peer->sent += (size_t)n;
    }
    return 0;
}

static void peer_take(struct client_peer *peer, enum client_kind kind, const char *data, size_t n)
{
    if (kind == CLIENT_HTTP) {
        size_t took = client_answer_feed(&peer->answer, data, n, &peer->answered);
        if (took < n)
            client_die("%zu bytes behind the end of an answer", n - took);
        if (peer->answered && peer->answer.status != 200)
            client_die("status %u instead of 200", peer->answer.status);
        return;
    }
    size_t len;
    const char *text = question(kind, &len);
    if (n > len - peer->echoed || memcmp(text + peer->echoed, data, n) != 0)
        client_die("the echo differs");
    peer->echoed += n;
    peer->answered = peer->echoed == len;
}

int client_peer_step(struct client_peer *peer, enum client_kind kind)
{
    char data[16384];
    if (peer_send(peer, kind) < 0)
        return -1;
    while (!peer->answered) {
        ssize_t n = recv(peer->fd, data, sizeof(data), 0);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return 0;
        if (n <= 0)
            return -1;
        peer_take(peer, kind, data, (size_t)n);
    }
    return 1;
}
