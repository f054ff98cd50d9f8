/* SPDX-License-Identifier: ISC */
/* test/support/kernel_tcp.c - the TCP half of kernel_peer.h. */
#include "kernel_peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "unix-socket/sockaddr.h"

#define KERNEL_BACKLOG 16

struct tcp_peer {
    int fd;
};

static int kernel_socket(int type, int domain)
{
    return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int kernel_bind(int type, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(addr), addr);
    int fd = kernel_socket(type, rung_sockaddr_domain(addr));
    if (fd >= 0 && (bind(fd, &sa.any, len) || getsockname(fd, &sa.any, &len))) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        *addr = rung_sockaddr_get(&sa);
    return fd;
}

struct rung_addr kernel_loopback(enum rung_family family)
{
    struct rung_addr addr;
    assert_int_equal(rung_addr_parse(&addr, family == RUNG_AF_IPV4 ? "127.0.0.1" : "::1"), RUNG_OK);
    return addr;
}

bool kernel_has(const struct rung_addr *addr)
{
    struct rung_addr at = *addr;
    int fd = kernel_bind(SOCK_DGRAM, &at);
    return fd >= 0 && close(fd) == 0;
}

static void kernel_narrow(int fd)
{
    int small = 2048;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
}

static struct tcp_peer *kernel_tcp_new(int fd)
{
    struct tcp_peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    assert_true(fd >= 0);
    peer->fd = fd;
    return peer;
}

struct tcp_peer *kernel_tcp_connect(const struct rung_addr *to, bool narrow)
{
    union rung_sockaddr sa;
    int domain = rung_sockaddr_domain(to);
    struct tcp_peer *peer = kernel_tcp_new(kernel_socket(SOCK_STREAM, domain));
    socklen_t len = rung_sockaddr_set(&sa, domain, to);
    if (narrow)
        kernel_narrow(peer->fd);
    assert_true(connect(peer->fd, &sa.any, len) == 0 || errno == EINPROGRESS);
    return peer;
}

struct tcp_peer *kernel_tcp_listen(struct rung_addr *addr, bool narrow)
{
    struct tcp_peer *peer = kernel_tcp_new(kernel_bind(SOCK_STREAM, addr));
    if (narrow)
        kernel_narrow(peer->fd);
    assert_int_equal(listen(peer->fd, KERNEL_BACKLOG), 0);
    return peer;
}

struct tcp_peer *kernel_tcp_accept(struct tcp_peer *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? NULL : kernel_tcp_new(fd);
}

static long kernel_error(int err)
{
    switch (err) {
    case EAGAIN: case ENOTCONN: case EINPROGRESS: return RUNG_E_AGAIN;
    case ECONNREFUSED: return RUNG_E_REFUSED;
    case ECONNRESET: case EPIPE: return RUNG_E_RESET;
    default: fail_msg("the peer gets %s", strerror(err)); return RUNG_E_UNKNOWN;
    }
}

long kernel_tcp_write(struct tcp_peer *peer, const void *data, size_t len)
{
    ssize_t put = send(peer->fd, data, len, MSG_NOSIGNAL);
    return put < 0 ? kernel_error(errno) : put;
}

long kernel_tcp_read(struct tcp_peer *peer, void *data, size_t len)
{
    ssize_t got = recv(peer->fd, data, len, 0);
    return got < 0 ? kernel_error(errno) : got == 0 ? RUNG_E_EOF : got;
}

void kernel_tcp_shutdown(struct tcp_peer *peer)
{
    assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
}

void kernel_tcp_close(struct tcp_peer *peer)
{
    close(peer->fd);
    free(peer);
}

void kernel_tcp_reset(struct tcp_peer *peer)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    kernel_tcp_close(peer);
}

void kernel_tcp_address(struct tcp_peer *peer, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    socklen_t len = sizeof(sa);
    assert_int_equal(getsockname(peer->fd, &sa.any, &len), 0);
    *addr = rung_sockaddr_get(&sa);
}

bool kernel_silence_begin(struct kernel_silence *silence, struct rung_addr *addr)
{
    int fd = kernel_bind(SOCK_STREAM, addr);
    if (fd < 0)
        return false;
    assert_int_equal(listen(fd, 0), 0);
    silence->peers[0] = kernel_tcp_new(fd);
    for (unsigned i = 1; i <= KERNEL_SILENCE_FILL; i++)
        silence->peers[i] = kernel_tcp_connect(addr, false);
    return true;
}

void kernel_silence_end(struct kernel_silence *silence)
{
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(silence->peers); i++)
        if (silence->peers[i])
            kernel_tcp_close(silence->peers[i]);
}
