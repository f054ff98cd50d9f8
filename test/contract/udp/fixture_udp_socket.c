/* SPDX-License-Identifier: ISC */
/* test/contract/udp/fixture_udp_socket.c - udp-socket in the UDP suite. The peer is plain
 * non-blocking sockets of the same process, on loopback. */
#include "suite.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sockaddr.h"
#include "udp_socket.h"
#include "unix/unix.h"

struct udp_rig {
    struct rung_platform *p;
    struct rung_udp_socket stack;
    struct rung_udp_socket_keys keys; /* as long as it is open */
};

struct udp_peer {
    int fd;
};

static struct udp_rig *fix_make(struct rung_platform *p)
{
    struct udp_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    return rig;
}

static void fix_free(struct udp_rig *rig)
{
    free(rig);
}

static enum rung_err fix_open(struct udp_rig *rig, const struct udp_how *how, struct rung_udp **udp)
{
    struct rung_udp_socket_needs needs = {0};
    rig->keys = (struct rung_udp_socket_keys){
        .slot = "udp", .rx_memory = how->rx_memory ? how->rx_memory : 4u << 20,
    };
    *udp = &rig->stack.udp;
    return rung_udp_socket_open(&rig->stack, rig->p, &rig->keys, &needs);
}

static int fix_bind(enum rung_family family, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    rung_addr_parse(addr, family == RUNG_AF_IPV4 ? "127.0.0.1" : "::1");
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(addr), addr);
    int fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, &sa.any, len) || getsockname(fd, &sa.any, &len))) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0)
        *addr = rung_sockaddr_get(&sa);
    return fd;
}

static bool fix_host(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    int fd = fix_bind(family, addr); /* no IPv6 on some hosts */
    if (fd < 0)
        return false;
    close(fd);
    addr->port = 0;
    return true;
}

static struct udp_peer *fix_peer_open(struct udp_rig *rig, enum rung_family family,
                                      struct rung_addr *addr)
{
    struct udp_peer *peer = calloc(1, sizeof(*peer));
    (void)rig;
    assert_non_null(peer);
    peer->fd = fix_bind(family, addr);
    assert_true(peer->fd >= 0);
    if (family == RUNG_AF_IPV4) { /* groups are reached on loopback as well */
        struct ip_mreqn on = {.imr_ifindex = (int)if_nametoindex("lo")};
        setsockopt(peer->fd, IPPROTO_IP, IP_MULTICAST_IF, &on, sizeof(on));
    } else {
        int on = (int)if_nametoindex("lo");
        setsockopt(peer->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &on, sizeof(on));
    }
    return peer;
}

static void fix_peer_send(struct udp_peer *peer, const struct rung_addr *to, const void *data,
                          size_t len)
{
    union rung_sockaddr sa;
    socklen_t sa_len = rung_sockaddr_set(&sa, rung_sockaddr_domain(to), to);
    if (sendto(peer->fd, data, len, 0, &sa.any, sa_len) != (ssize_t)len)
        fail_msg("the peer cannot send: %s", strerror(errno));
}

static long fix_peer_recv(struct udp_peer *peer, void *data, size_t len, struct rung_addr *from)
{
    union rung_sockaddr sa;
    socklen_t sa_len = sizeof(sa);
    ssize_t got = recvfrom(peer->fd, data, len, 0, &sa.any, &sa_len);
    if (got < 0)
        return RUNG_E_AGAIN;
    *from = rung_sockaddr_get(&sa);
    return got;
}

static void fix_peer_close(struct udp_peer *peer)
{
    close(peer->fd);
    free(peer);
}

static bool fix_second_host(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig; /* all of 127.0.0.0/8 is this host; of IPv6 there is only ::1 */
    return family == RUNG_AF_IPV4 && rung_addr_parse(addr, "127.0.0.2") == RUNG_OK;
}

/* A group on the loopback interface. IPv6 does not deliver there on most hosts: tried out first. */
static bool fix_group(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    union rung_sockaddr sa;
    struct rung_addr own;
    char byte;
    rung_addr_parse(addr, family == RUNG_AF_IPV4 ? "239.255.77.77" : "ff02::7777");
    addr->scope = if_nametoindex("lo");
    struct udp_peer *peer = fix_peer_open(rig, family, &own);
    int fd = socket(rung_sockaddr_domain(addr), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    addr->port = own.port + 1u < 65536u ? (uint16_t)(own.port + 1) : 1024;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(addr), addr);
    struct ip_mreqn req4 = {.imr_multiaddr = sa.in.sin_addr, .imr_ifindex = (int)addr->scope};
    struct ipv6_mreq req6 = {.ipv6mr_interface = addr->scope};
    memcpy(&req6.ipv6mr_multiaddr, addr->ip, 16);
    bool works = bind(fd, &sa.any, len) == 0
                 && (family == RUNG_AF_IPV4
                     ? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req4, sizeof(req4))
                     : setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &req6, sizeof(req6))) == 0
                 && sendto(peer->fd, "x", 1, 0, &sa.any, len) == 1;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    works = works && poll(&wait, 1, 200) == 1 && recv(fd, &byte, 1, 0) == 1;
    close(fd);
    fix_peer_close(peer);
    addr->port = 0;
    return works;
}

/* The soft limit: down to the lowest number that is free, or up again. */
static bool fix_exhaust(struct udp_rig *rig, bool on)
{
    struct rlimit limit;
    (void)rig;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int fd = on ? dup(0) : -1;
    limit.rlim_cur = on ? (rlim_t)fd : limit.rlim_max;
    if (on)
        close(fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return true;
}

static bool fix_unprivileged(struct udp_rig *rig, bool on)
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

/* Loopback is never full: the receiver's side drops. So the system call itself is made to say it,
 * after a few datagrams, as it would on a slow link. */
static int fix_clogged_after = -1;

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);
int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
    if (fix_clogged_after == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (fix_clogged_after > 0 && n > (unsigned)fix_clogged_after)
        n = (unsigned)fix_clogged_after;
    if (fix_clogged_after > 0)
        fix_clogged_after -= (int)n;
    return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

static bool fix_clog(struct udp_rig *rig, bool on)
{
    (void)rig;
    fix_clogged_after = on ? 20 : -1;
    return true;
}

static bool fix_unreachable(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig; /* a link-local address that names a link with no such neighbours */
    return family == RUNG_AF_IPV6 && rung_addr_parse(addr, "[fe80::1]:9") == RUNG_OK;
}

const struct udp_fixture udp_fixture = {
    .module = "udp-socket", .make = fix_make, .free = fix_free, .open = fix_open,
    .host = fix_host, .peer_open = fix_peer_open, .peer_send = fix_peer_send,
    .peer_recv = fix_peer_recv, .peer_close = fix_peer_close, .second_host = fix_second_host,
    .group = fix_group, .exhaust = fix_exhaust, .unprivileged = fix_unprivileged,
    .clog = fix_clog, .unreachable = fix_unreachable,
};
