/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/fixture_tcp_socket.c - tcp-socket in the TCP suite. The peer is plain
 * non-blocking sockets of the same process, on loopback. */
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "tcp_socket.h"
#include "unix/unix.h"

#define FIX_FILL 4 /* connections that fill a backlog of 0, and more */

struct tcp_rig {
    struct rung_platform *p;
    struct rung_tcp_socket stack;
    struct rung_tcp_socket_keys keys; /* as long as it is open */
    int fill[FIX_FILL + 1];           /* what keeps silent() silent; 0: none */
};

struct tcp_peer {
    int fd;
};

static struct tcp_rig *fix_make(struct rung_platform *p)
{
    struct tcp_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    return rig;
}

static void fix_free(struct tcp_rig *rig)
{
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(rig->fill); i++)
        if (rig->fill[i] > 0)
            close(rig->fill[i]);
    free(rig);
}

static enum rung_err fix_open(struct tcp_rig *rig, const struct tcp_how *how, struct rung_tcp **tcp)
{
    struct rung_tcp_socket_needs needs = {0};
    rig->keys = (struct rung_tcp_socket_keys){
        .slot = "tcp", .backlog = 1024, .max_connections = how->max_connections,
        .rx_memory = how->rx_memory ? how->rx_memory : 16u << 20,
        .linger = how->linger_ns ? how->linger_ns : 30 * RUNG_NS_PER_S,
    };
    *tcp = &rig->stack.tcp;
    return rung_tcp_socket_open(&rig->stack, rig->p, &rig->keys, &needs);
}

static int fix_socket(enum rung_family family, unsigned flags)
{
    int fd = socket(family == RUNG_AF_IPV4 ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int small = 2048;
    if (fd >= 0 && (flags & TCP_PEER_NARROW))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    return fd;
}

static struct tcp_peer *fix_peer(int fd)
{
    struct tcp_peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    assert_true(fd >= 0);
    peer->fd = fd;
    return peer;
}

static int fix_bind(enum rung_family family, unsigned flags, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    socklen_t len;
    int fd = fix_socket(family, flags);
    if (fd < 0)
        return -1;
    rung_addr_parse(addr, family == RUNG_AF_IPV4 ? "127.0.0.1" : "::1");
    len = rung_sockaddr_set(&sa, rung_sockaddr_domain(addr), addr);
    if (bind(fd, &sa.any, len) || getsockname(fd, &sa.any, &len)) {
        close(fd);
        return -1;
    }
    *addr = rung_sockaddr_get(&sa);
    return fd;
}

static bool fix_host(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    int fd = fix_bind(family, 0, addr); /* no IPv6 on some hosts */
    if (fd < 0)
        return false;
    close(fd);
    addr->port = 0;
    return true;
}

static struct tcp_peer *fix_peer_connect(struct tcp_rig *rig, const struct rung_addr *to,
                                         unsigned flags)
{
    union rung_sockaddr sa;
    (void)rig;
    struct tcp_peer *peer = fix_peer(fix_socket(to->family, flags));
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(to), to);
    assert_true(connect(peer->fd, &sa.any, len) == 0 || errno == EINPROGRESS);
    return peer;
}

static struct tcp_peer *fix_peer_listen(struct tcp_rig *rig, enum rung_family family,
                                        unsigned flags, struct rung_addr *addr)
{
    (void)rig;
    struct tcp_peer *peer = fix_peer(fix_bind(family, flags, addr));
    assert_int_equal(listen(peer->fd, 16), 0);
    return peer;
}

static struct tcp_peer *fix_peer_accept(struct tcp_peer *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? NULL : fix_peer(fd);
}

static long fix_error(int err)
{
    switch (err) {
    case EAGAIN: case ENOTCONN: case EINPROGRESS: return RUNG_E_AGAIN;
    case ECONNREFUSED: return RUNG_E_REFUSED;
    case ECONNRESET: case EPIPE: return RUNG_E_RESET;
    default: fail_msg("the peer gets %s", strerror(err)); return RUNG_E_UNKNOWN;
    }
}

static long fix_peer_write(struct tcp_peer *peer, const void *data, size_t len)
{
    ssize_t put = send(peer->fd, data, len, MSG_NOSIGNAL);
    return put < 0 ? fix_error(errno) : put;
}

static long fix_peer_read(struct tcp_peer *peer, void *data, size_t len)
{
    ssize_t got = recv(peer->fd, data, len, 0);
    return got < 0 ? fix_error(errno) : got == 0 ? RUNG_E_EOF : got;
}

static void fix_peer_shutdown(struct tcp_peer *peer)
{
    assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
}

static void fix_peer_close(struct tcp_peer *peer)
{
    close(peer->fd);
    free(peer);
}

static void fix_peer_reset(struct tcp_peer *peer)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    fix_peer_close(peer);
}

static void fix_peer_address(struct tcp_peer *peer, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    socklen_t len = sizeof(sa);
    assert_int_equal(getsockname(peer->fd, &sa.any, &len), 0);
    *addr = rung_sockaddr_get(&sa);
}

/* The descriptor of a connection, found by its two ends: no need to look into the module. */
static int fix_descriptor(struct rung_tcp_conn *conn)
{
    struct rung_addr ends[2];
    assert_int_equal(rung_tcp_address(conn, RUNG_TCP_LOCAL, &ends[0]), RUNG_OK);
    assert_int_equal(rung_tcp_address(conn, RUNG_TCP_PEER, &ends[1]), RUNG_OK);
    for (int fd = 0; fd < 1024; fd++) {
        union rung_sockaddr local, peer;
        socklen_t local_len = sizeof(local), peer_len = sizeof(peer);
        if (getsockname(fd, &local.any, &local_len) || getpeername(fd, &peer.any, &peer_len))
            continue;
        struct rung_addr found[2] = {rung_sockaddr_get(&local), rung_sockaddr_get(&peer)};
        if (rung_addr_equal(&found[0], &ends[0]) && rung_addr_equal(&found[1], &ends[1]))
            return fd;
    }
    return -1;
}

static bool fix_option(struct tcp_rig *rig, struct rung_tcp_conn *conn, enum rung_tcp_option option,
                       uint32_t *value)
{
    int number = 0, fd = fix_descriptor(conn);
    socklen_t len = sizeof(number);
    (void)rig;
    assert_true(fd >= 0);
    if (option == RUNG_TCP_NODELAY) {
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &number, &len), 0);
    } else {
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &number, &len), 0);
        if (number)
            assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &number, &len), 0);
    }
    *value = (uint32_t)number;
    return true;
}

/* The soft limit: down to the lowest number that is free, or up again. */
static void fix_limit(bool low)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int fd = low ? dup(0) : -1;
    limit.rlim_cur = low ? (rlim_t)fd : limit.rlim_max;
    if (low)
        close(fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Whether a connection that could not be accepted is still there later. Under valgrind it is not:
 * that accepts it, finds the number above the limit, and closes it. */
static bool fix_limit_keeps(void)
{
    struct rung_addr addr;
    union rung_sockaddr sa;
    int listener = fix_bind(RUNG_AF_IPV4, 0, &addr), peer = fix_socket(RUNG_AF_IPV4, 0);
    socklen_t len = rung_sockaddr_set(&sa, AF_INET, &addr);
    assert_int_equal(listen(listener, 1), 0);
    connect(peer, &sa.any, len);
    fix_limit(true);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd < 0 && errno == EMFILE);
    fix_limit(false);
    fd = accept(listener, NULL, NULL);
    close(listener);
    close(peer);
    return fd >= 0 && close(fd) == 0;
}

static bool fix_exhaust(struct tcp_rig *rig, bool on)
{
    (void)rig;
    if (on && !fix_limit_keeps())
        return false;
    fix_limit(on);
    return true;
}

static bool fix_unprivileged(struct tcp_rig *rig, bool on)
{
    unsigned start = 1024;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    (void)rig;
    if (file && fscanf(file, "%u", &start) != 1)
        start = 1024;
    if (file)
        fclose(file);
    if (start < 1024)
        return false;
    if (getuid() == 0)
        assert_int_equal(seteuid(on ? 65534 : 0), 0);
    return true;
}

/* A listener whose backlog is full: the kernel drops whoever knocks. */
static bool fix_silent(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    int fd = fix_bind(family, 0, addr);
    if (fd < 0 || listen(fd, 0))
        return false;
    rig->fill[0] = fd;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(addr), addr);
    for (unsigned i = 1; i <= FIX_FILL; i++) {
        rig->fill[i] = fix_socket(family, 0);
        connect(rig->fill[i], &sa.any, len);
    }
    return true;
}

static bool fix_unreachable(struct tcp_rig *rig, struct rung_addr *addr)
{
    (void)rig; /* no stream goes to all hosts of a link */
    return rung_addr_parse(addr, "255.255.255.255:80") == RUNG_OK;
}

const struct tcp_fixture tcp_fixture = {
    .module = "tcp-socket", .make = fix_make, .free = fix_free, .open = fix_open,
    .host = fix_host, .peer_connect = fix_peer_connect, .peer_listen = fix_peer_listen,
    .peer_accept = fix_peer_accept, .peer_write = fix_peer_write, .peer_read = fix_peer_read,
    .peer_shutdown = fix_peer_shutdown, .peer_close = fix_peer_close,
    .peer_reset = fix_peer_reset, .peer_address = fix_peer_address, .option = fix_option,
    .exhaust = fix_exhaust, .unprivileged = fix_unprivileged, .silent = fix_silent,
    .unreachable = fix_unreachable,
};
