/* SPDX-License-Identifier: ISC */
/* test/support/kernel_udp.c - the UDP half of kernel_peer.h. */
#include "kernel_peer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "unix-socket/sockaddr.h"

#define KERNEL_GROUP_MS 200 /* for a datagram that the kernel delivers to itself */

struct udp_peer {
    int fd;
};

struct udp_peer *kernel_udp_open(struct rung_addr *addr, unsigned link)
{
    struct udp_peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    peer->fd = kernel_bind(SOCK_DGRAM, addr);
    assert_true(peer->fd >= 0);
    int on = (int)link, much = 1 << 20; /* or what the host allows: bursts come from a full link */
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &much, sizeof(much));
    if (addr->family == RUNG_AF_IPV4) {
        struct ip_mreqn req = {.imr_ifindex = on};
        setsockopt(peer->fd, IPPROTO_IP, IP_MULTICAST_IF, &req, sizeof(req));
    } else {
        setsockopt(peer->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &on, sizeof(on));
    }
    return peer;
}

void kernel_udp_send(struct udp_peer *peer, const struct rung_addr *to, const void *data,
                     size_t len)
{
    union rung_sockaddr sa;
    socklen_t sa_len = rung_sockaddr_set(&sa, rung_sockaddr_domain(to), to);
    if (sendto(peer->fd, data, len, 0, &sa.any, sa_len) != (ssize_t)len)
        fail_msg("the peer cannot send: %s", strerror(errno));
}

long kernel_udp_recv(struct udp_peer *peer, void *data, size_t len, struct rung_addr *from)
{
    union rung_sockaddr sa;
    socklen_t sa_len = sizeof(sa);
    ssize_t got = recvfrom(peer->fd, data, len, 0, &sa.any, &sa_len);
    if (got < 0)
        return RUNG_E_AGAIN;
    *from = rung_sockaddr_get(&sa);
    return got;
}

void kernel_udp_close(struct udp_peer *peer)
{
    close(peer->fd);
    free(peer);
}

static bool kernel_join(int fd, const struct rung_addr *group)
{
    if (group->family == RUNG_AF_IPV4) {
        struct ip_mreqn req = {.imr_ifindex = (int)group->scope};
        memcpy(&req.imr_multiaddr, group->ip, 4);
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req, sizeof(req)) == 0;
    }
    struct ipv6_mreq req = {.ipv6mr_interface = group->scope};
    memcpy(&req.ipv6mr_multiaddr, group->ip, 16);
    return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &req, sizeof(req)) == 0;
}

bool kernel_udp_group_works(const struct rung_addr *from, const struct rung_addr *group)
{
    struct rung_addr own = *from, at = *group;
    char byte;
    int fd = kernel_bind(SOCK_DGRAM, &at);
    if (fd < 0)
        return false;
    struct udp_peer *peer = kernel_udp_open(&own, group->scope);
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(&at), &at);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    bool works = kernel_join(fd, group) && sendto(peer->fd, "x", 1, 0, &sa.any, len) == 1
                 && poll(&wait, 1, KERNEL_GROUP_MS) == 1 && recv(fd, &byte, 1, 0) == 1;
    close(fd);
    kernel_udp_close(peer);
    return works;
}
