/* SPDX-License-Identifier: ISC */
/* test/e2e/client_bad.c - clients that hold a server up: one trickles, one never reads, one
 * floods. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

#define MAX_BAD 256

/* Sends a request that never ends, a byte at a time, and tells how the server ended it. */
int client_slow(char **args)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: slow\r\nX-Slow: ";
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    int interval_ms = (int)client_number(args[1], 60000);
    int fd = client_connect(port);
    uint64_t start = client_now_ms(), due = start;
    struct client_answer answer = {0};
    bool done = false;
    for (size_t sent = 0;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        uint64_t now = client_now_ms();
        if (poll(&poll_fd, 1, now >= due ? 0 : (int)(due - now)) > 0) {
            char data[2048];
            ssize_t n = recv(fd, data, sizeof(data), 0);
            if (n <= 0)
                break;
            (void)client_answer_feed(&answer, data, (size_t)n, &done);
        } else if (client_now_ms() >= due) {
            char byte = sent < sizeof(head) - 1 ? head[sent] : 'a';
            if (send(fd, &byte, 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
                client_die("send: %s", strerror(errno));
            sent++;
            due += (uint64_t)interval_ms;
        }
    }
    printf("closed %u %llu\n", done ? answer.status : 0,
           (unsigned long long)(client_now_ms() - start));
    close(fd);
    return 0;
}

/* The kernel's own buffers prove nothing and take long to fill: they are kept little. */
static void mute_open(struct pollfd *poll_fd, uint16_t port)
{
    int little = 16384;
    poll_fd->fd = client_connect(port);
    poll_fd->events = POLLOUT;
    (void)setsockopt(poll_fd->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    (void)setsockopt(poll_fd->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    client_nonblocking(poll_fd->fd);
}

/* Asks and asks on n connections and never reads, until little went out for a second (what a
 * full kernel still squeezes in, a segment here and there, would go on for minutes). Then
 * says how much went out, and keeps the connections until it is told to go. */
int client_mute(char **args)
{
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    unsigned n = (unsigned)client_number(args[2], MAX_BAD);
    struct pollfd polls[MAX_BAD];
    size_t offset[MAX_BAD] = {0};
    char ask[32768];
    size_t len = 0;
    /* Many at a time: little segments would fill the server's kernel by and by for minutes. */
    while (len + strlen(args[1]) + 64 < sizeof(ask))
        len += (size_t)snprintf(ask + len, sizeof(ask) - len,
                                "GET %s HTTP/1.1\r\nHost: mute\r\n\r\n", args[1]);
    unsigned long long total = 0, before = 0;
    uint64_t due = client_now_ms() + 1000;
    for (unsigned k = 0; k < n; k++)
        mute_open(&polls[k], port);
    while (poll(polls, n, 1000) > 0) {
        if (client_now_ms() >= due) {
            if (total - before < n * 65536u)
                break;
            before = total;
            due += 1000;
        }
        for (unsigned k = 0; k < n; k++) {
            ssize_t sent = 0;
            if (polls[k].fd >= 0 && polls[k].revents)
                sent = send(polls[k].fd, ask + offset[k], len - offset[k], MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN)
                polls[k].fd = -1; /* cut off: that is an answer too */
            if (sent <= 0)
                continue;
            total += (unsigned long long)sent;
            offset[k] = (offset[k] + (size_t)sent) % len;
        }
    }
    printf("stuck %llu\n", total);
    fflush(stdout);
    client_wait_stdin();
    return 0;
}

/* Asks once and reads steadily, but slowly, for so many seconds; then says whether the server held
 * out, and how much it took. */
int client_sip(char **args)
{
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    size_t rate = client_number(args[2], 1u << 20);
    uint64_t start = client_now_ms(), end = start + 1000 * client_number(args[3], 600);
    struct pollfd poll_fd;
    char text[4096];
    size_t total = 0;
    mute_open(&poll_fd, port);
    int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: sip\r\n\r\n", args[1]);
    if (send(poll_fd.fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        client_die("send: %s", strerror(errno));
    for (uint64_t now = start; now < end; now = client_now_ms()) {
        poll_fd.events = POLLIN;
        if (total >= rate * (now - start) / 1000) {
            poll_fd.events = 0;
            (void)poll(&poll_fd, 1, 10); /* a reset is told all the same */
            continue;
        }
        if (poll(&poll_fd, 1, 1000) <= 0)
            continue;
        ssize_t n = recv(poll_fd.fd, text, sizeof(text), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            printf("cut %zu\n", total);
            return 0;
        }
        total += n > 0 ? (size_t)n : 0;
    }
    printf("alive %zu\n", total);
    return 0;
}

struct flood {
    struct client_answer answer;
    size_t offset;
};

/* Reads what is there and counts the answers. */
static unsigned flood_read(int fd, struct flood *flood)
{
    char data[65536];
    unsigned answers = 0;
    ssize_t n = recv(fd, data, sizeof(data), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        client_die("the server ended a flood that reads its answers");
    for (size_t took = 0; n > 0 && took < (size_t)n;) {
        bool done;
        took += client_answer_feed(&flood->answer, data + took, (size_t)n - took, &done);
        if (done && flood->answer.status != 200)
            client_die("status %u in the flood", flood->answer.status);
        answers += done;
    }
    return answers;
}

/* Pipelines without end on n connections for so many milliseconds, and reads every answer. */
int client_flood(char **args)
{
    static const char ask[] = "GET / HTTP/1.1\r\nHost: flood\r\n\r\n";
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    unsigned n = (unsigned)client_number(args[1], MAX_BAD);
    uint64_t end = client_now_ms() + client_number(args[2], 600000);
    static struct flood floods[MAX_BAD];
    struct pollfd polls[MAX_BAD];
    unsigned long long answers = 0;
    for (unsigned k = 0; k < n; k++) {
        polls[k].fd = client_connect(port);
        polls[k].events = POLLIN | POLLOUT;
        client_nonblocking(polls[k].fd);
    }
    while (client_now_ms() < end && poll(polls, n, 1000) >= 0) {
        for (unsigned k = 0; k < n; k++) {
            struct flood *flood = &floods[k];
            if (polls[k].revents & (POLLIN | POLLHUP | POLLERR))
                answers += flood_read(polls[k].fd, flood);
            if (!(polls[k].revents & POLLOUT))
                continue;
            ssize_t sent = send(polls[k].fd, ask + flood->offset, sizeof(ask) - 1 - flood->offset,
                                MSG_NOSIGNAL);
            if (sent > 0)
                flood->offset = (flood->offset + (size_t)sent) % (sizeof(ask) - 1);
        }
    }
    printf("answered %llu\n", answers);
    return 0;
}
