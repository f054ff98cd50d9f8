/* SPDX-License-Identifier: ISC */
/* test/e2e/client_rubbish.c - requests in odd pieces, damaged requests, and datagrams. All chance
 * comes from the seed on the command line. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

struct question {
    const char *text;
    unsigned status;
    bool head;
};

static const struct question questions[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, true},
    {"GET /there/is/no/such/page HTTP/1.1\r\nHost: a\r\n\r\n", 404, false},
    {"GET /index.html HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n", 206, false},
    {"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", 405, false},
    {"GET /index.html?x=1 HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", 304, false},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* Sends what is left of one burst in a piece of random size, if there is room. */
static size_t pipeline_send(int fd, const char *burst, size_t len, uint64_t *seed)
{
    size_t piece = 1 + client_random(seed) % 200;
    ssize_t n = send(fd, burst, piece < len ? piece : len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        client_die("send: %s", strerror(errno));
    return n > 0 ? (size_t)n : 0;
}

struct pipeline {
    const struct question **asked;
    unsigned count, answered;
    struct client_answer answer;
};

static void pipeline_read(int fd, struct pipeline *pipeline)
{
    char data[4096];
    ssize_t n = recv(fd, data, sizeof(data), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        client_die("closed after %u of %u answers", pipeline->answered, pipeline->count);
    for (size_t took = 0; n > 0 && took < (size_t)n;) {
        bool done;
        if (pipeline->answered == pipeline->count)
            client_die("more answers than questions");
        const struct question *asked = pipeline->asked[pipeline->answered];
        pipeline->answer.bodiless = asked->head;
        took += client_answer_feed(&pipeline->answer, data + took, (size_t)n - took, &done);
        if (done && pipeline->answer.status != asked->status)
            client_die("answer %u has status %u instead of %u", pipeline->answered,
                       pipeline->answer.status, asked->status);
        pipeline->answered += done;
    }
}

/* Many different requests on one connection, cut anywhere; the answers come in their order. */
int client_pipeline(char **args)
{
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    unsigned count = (unsigned)client_number(args[1], 100000);
    uint64_t seed = client_number(args[2], 4294967295);
    struct pipeline pipeline = {.count = count};
    char *text = calloc(count, 128);
    pipeline.asked = calloc(count, sizeof(struct question *));
    if (!text || !pipeline.asked)
        client_die("no memory");
    size_t len = 0, sent = 0;
    for (unsigned k = 0; k < count; k++) {
        pipeline.asked[k] = &questions[client_random(&seed) % QUESTIONS];
        size_t one = strlen(pipeline.asked[k]->text);
        memcpy(text + len, pipeline.asked[k]->text, one);
        len += one;
    }
    struct pollfd fd = {.fd = client_connect(port)};
    client_nonblocking(fd.fd);
    while (pipeline.answered < count) {
        fd.events = sent < len ? POLLIN | POLLOUT : POLLIN;
        if (poll(&fd, 1, 60000) <= 0)
            client_die("no answer for a minute after %u of %u", pipeline.answered, count);
        if (fd.revents & (POLLIN | POLLHUP | POLLERR))
            pipeline_read(fd.fd, &pipeline);
        if (fd.revents & POLLOUT)
            sent += pipeline_send(fd.fd, text + sent, len - sent, &seed);
    }
    printf("answered %u\n", pipeline.answered);
    close(fd.fd);
    free(text);
    free((void *)pipeline.asked);
    return 0;
}

/* A request with damage: bytes changed, dropped or doubled, or nothing but random bytes. */
static size_t fuzz_make(char *out, size_t max, uint64_t *seed)
{
    size_t len = 0;
    if (client_random(seed) % 4 == 0) {
        len = 1 + client_random(seed) % max;
        for (size_t k = 0; k < len; k++)
            out[k] = (char)client_random(seed);
        return len;
    }
    for (unsigned n = 1 + client_random(seed) % 3; n > 0; n--) {
        const char *text = questions[client_random(seed) % QUESTIONS].text;
        for (; *text && len < max; text++) {
            uint32_t dice = client_random(seed) % 400;
            if (dice != 0)
                out[len++] = dice == 1 ? (char)client_random(seed) : *text;
            if (dice == 2 && len < max)
                out[len++] = *text;
        }
    }
    return len;
}

/* Reads to the end, or for a moment: damage may well leave a request that waits for more. */
static void fuzz_read(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char data[4096];
    size_t got = 0;
    while (poll(&poll_fd, 1, 20) > 0) {
        ssize_t n = recv(fd, data + got, sizeof(data) - got, 0);
        if (n <= 0)
            break;
        got += (size_t)n;
        if (got >= 9 && memcmp(data, "HTTP/1.", 7) != 0)
            client_die("a damaged request was answered by '%.20s'", data);
        got = got > 9 ? 9 : got; /* the beginning is enough */
    }
}

int client_fuzz(char **args)
{
    uint16_t port = (uint16_t)client_number(args[0], 65535);
    unsigned count = (unsigned)client_number(args[1], 1000000);
    uint64_t seed = client_number(args[2], 4294967295);
    for (unsigned k = 0; k < count; k++) {
        char text[1500];
        size_t len = fuzz_make(text, sizeof(text), &seed);
        int fd = client_connect(port);
        for (size_t sent = 0; sent < len;) {
            size_t piece = 1 + client_random(&seed) % 700;
            ssize_t n = send(fd, text + sent, piece < len - sent ? piece : len - sent,
                             MSG_NOSIGNAL);
            if (n < 0)
                break; /* the server has seen enough */
            sent += (size_t)n;
        }
        if (client_random(&seed) % 2)
            shutdown(fd, SHUT_WR);
        if (client_random(&seed) % 4)
            fuzz_read(fd);
        if (client_random(&seed) % 2)
            client_reset(fd);
        else
            close(fd);
    }
    printf("sent %u\n", count);
    return 0;
}

/* Datagrams of random length and content, one at a time; a lost one is sent again. */
int client_udp(char **args)
{
    unsigned count = (unsigned)client_number(args[1], 1000000), tries = 0;
    uint64_t seed = client_number(args[2], 4294967295);
    int fd = client_socket((uint16_t)client_number(args[0], 65535), SOCK_DGRAM);
    static char out[65507], in[65536];
    for (unsigned k = 0; k < count;) {
        size_t len = client_random(&seed) % (k % 16 == 0 ? sizeof(out) + 1 : 1400);
        memset(out, (int)client_random(&seed), len);
        if (send(fd, out, len, 0) < 0)
            client_die("udp send of %zu bytes: %s", len, strerror(errno));
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 2000) <= 0) {
            if (++tries > 5)
                client_die("datagram %u never came back", k);
            continue;
        }
        ssize_t n = recv(fd, in, sizeof(in), 0);
        if (n < 0 || (size_t)n != len || memcmp(in, out, len) != 0)
            client_die("datagram %u: sent %zu bytes, got %zd", k, len, n);
        k++;
    }
    printf("answered %u\n", count);
    close(fd);
    return 0;
}
