/* SPDX-License-Identifier: ISC */
/* test/e2e/client_net.c - sockets, time, chance, and a way to fail. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

void client_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("client: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint64_t client_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* splitmix64: any seed is good, and the same one gives the same run everywhere. */
uint32_t client_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

void client_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        client_die("fcntl: %s", strerror(errno));
}

int client_socket(uint16_t port, int type)
{
    const char *host = getenv("E2E_HOST");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host ? host : "127.0.0.1", &to.sin_addr) != 1)
        client_die("E2E_HOST=%s is no IPv4 address", host);
    int fd = socket(AF_INET, type, 0);
    if (fd < 0)
        client_die("socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        client_die("connect to port %u: %s", port, strerror(errno));
    return fd;
}

int client_connect(uint16_t port)
{
    return client_socket(port, SOCK_STREAM);
}

int client_connect_start(uint16_t port)
{
    return client_socket(port, SOCK_STREAM | SOCK_NONBLOCK);
}

void client_send_all(int fd, const void *data, size_t len)
{
    const char *next = data;
    while (len > 0) {
        ssize_t n = send(fd, next, len, MSG_NOSIGNAL);
        if (n < 0)
            client_die("send: %s", strerror(errno));
        next += n;
        len -= (size_t)n;
    }
}

void client_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

void client_wait_stdin(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
        ;
}

unsigned long client_number(const char *text, unsigned long max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end || value > max)
        client_die("'%s' is no number up to %lu", text, max);
    return value;
}
