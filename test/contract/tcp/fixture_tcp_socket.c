/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/fixture_tcp_socket.c - tcp-socket in the TCP suite. The peer is the
 * kernel, on loopback. */
#include "suite.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kernel_peer.h"
#include "sockaddr.h"
#include "tcp_socket.h"
#include "test_process.h"

struct tcp_rig {
    struct rung_platform *p;
    struct rung_tcp_socket stack;
    struct rung_tcp_socket_keys keys; /* as long as it is open */
    struct kernel_silence silence;
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
    kernel_silence_end(&rig->silence);
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

static uint64_t fix_lends(struct tcp_rig *rig)
{
    return rig->keys.rx_memory;
}

static bool fix_host(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = kernel_loopback(family);
    return kernel_has(addr); /* no IPv6 on some hosts */
}

static struct tcp_peer *fix_peer_connect(struct tcp_rig *rig, const struct rung_addr *to,
                                         unsigned flags)
{
    (void)rig;
    return kernel_tcp_connect(to, flags & TCP_PEER_NARROW);
}

static struct tcp_peer *fix_peer_listen(struct tcp_rig *rig, enum rung_family family,
                                        unsigned flags, struct rung_addr *addr)
{
    (void)rig;
    *addr = kernel_loopback(family);
    return kernel_tcp_listen(addr, flags & TCP_PEER_NARROW);
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

/* Whether a connection that could not be accepted is still there later. Under valgrind it is not:
 * that accepts it, finds the number above the limit, and closes it. */
static bool fix_limit_keeps(void)
{
    struct rung_addr addr = kernel_loopback(RUNG_AF_IPV4);
    struct tcp_peer *listener = kernel_tcp_listen(&addr, false);
    struct tcp_peer *peer = kernel_tcp_connect(&addr, false);
    test_process_descriptors(true);
    assert_null(kernel_tcp_accept(listener));
    assert_int_equal(errno, EMFILE);
    test_process_descriptors(false);
    struct tcp_peer *kept = kernel_tcp_accept(listener);
    kernel_tcp_close(listener);
    kernel_tcp_close(peer);
    if (kept)
        kernel_tcp_close(kept);
    return kept != NULL;
}

static bool fix_exhaust(struct tcp_rig *rig, bool on)
{
    (void)rig;
    if (on && !fix_limit_keeps())
        return false;
    test_process_descriptors(on);
    return true;
}

static bool fix_unprivileged(struct tcp_rig *rig, bool on)
{
    (void)rig;
    return test_process_unprivileged(on);
}

static bool fix_silent(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    *addr = kernel_loopback(family);
    return kernel_silence_begin(&rig->silence, addr);
}

static bool fix_unreachable(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig; /* of no link, and whether there is a way to other hosts nobody knows */
    return family == RUNG_AF_IPV6 && rung_addr_parse(addr, "[fe80::1]:80") == RUNG_OK;
}

const struct tcp_fixture tcp_fixture = {
    .module = "tcp-socket", .make = fix_make, .free = fix_free, .open = fix_open,
    .lends = fix_lends, .host = fix_host, .peer_connect = fix_peer_connect,
    .peer_listen = fix_peer_listen, KERNEL_TCP_PEER, .option = fix_option,
    .exhaust = fix_exhaust, .unprivileged = fix_unprivileged, .silent = fix_silent,
    .unreachable = fix_unreachable,
};
