/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/udp_socket.c - UDP on kernel sockets: the stack and its sockets. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rung/heap.h"
#include "rung/log.h"
#include "sockaddr.h"
#include "udp_impl.h"
#include "unix/unix.h"

/* Sets up and binds; an errno, or 0. */
static int udp_bind(int fd, int domain, const struct rung_addr *local)
{
    static const int on = 1;
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, domain, local);
    int only = local->family == RUNG_AF_IPV6;
    if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)))
        return errno;
    if (domain == AF_INET && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)))
        return errno;
    if (domain == AF_INET6
        && (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only))
            || setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on))))
        return errno;
    if (bind(fd, &sa.any, len))
        return errno == EINVAL ? EADDRNOTAVAIL : errno; /* EINVAL: link-local without a scope */
    return 0;
}

static int udp_make(int domain, const struct rung_addr *local, int *fd)
{
    *fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno;
    int err = udp_bind(*fd, domain, local);
    if (err)
        close(*fd);
    return err;
}

static int udp_start(struct rung_udp_socket *self, struct rung_udp_socket_sock *sock,
                     const struct rung_addr *local)
{
    union rung_sockaddr sa;
    socklen_t len = sizeof(sa);
    sock->domain = rung_sockaddr_domain(local);
    int err = udp_make(sock->domain, local, &sock->fd);
    /* "Any" means what the host has: without IPv6 that is IPv4. */
    if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && local->family == RUNG_AF_NONE) {
        sock->domain = AF_INET;
        err = udp_make(AF_INET, local, &sock->fd);
    }
    if (err)
        return rung_err_from_errno(err);
    err = uv_poll_init(rung_unix_loop(self->p), &sock->poll, sock->fd);
    if (err) {
        close(sock->fd);
        return err == UV_ENOSPC ? RUNG_E_LIMIT : rung_err_from_uv(err);
    }
    self->handle_count++;
    getsockname(sock->fd, &sa.any, &len); /* cannot fail on a bound socket */
    sock->base.local = rung_sockaddr_get(&sa);
    sock->only_in6 = local->family == RUNG_AF_IPV6;
    return RUNG_OK;
}

static int udp_open(struct rung_udp *udp, const struct rung_addr *local,
                    struct rung_udp_sock **out)
{
    struct rung_udp_socket *self = udp_self(udp);
    struct rung_udp_socket_sock *sock = rung_zalloc(self->p, 1, sizeof(*sock));
    if (!sock)
        return RUNG_E_NOMEM;
    int err = udp_start(self, sock, local);
    if (err) {
        rung_free(self->p, sock);
        return err;
    }
    sock->base.udp = udp;
    sock->next = self->socks;
    sock->link = &self->socks;
    if (sock->next)
        sock->next->link = &sock->next;
    self->socks = sock;
    sock->rx_want = sock->rx_armed = true;
    rung_udp_socket_watch(sock);
    *out = &sock->base;
    return RUNG_OK;
}

static int udp_group_error(int err)
{
    switch (err) {
    case EADDRINUSE: return RUNG_OK; /* a member already */
    case ENOBUFS: return RUNG_E_LIMIT;
    case EADDRNOTAVAIL: case ENODEV: return RUNG_E_NOTFOUND; /* no member; no such interface */
    case EINVAL: return RUNG_E_RANGE;
    default: return rung_err_from_errno(err);
    }
}

static int udp_group(struct rung_udp_sock *base, const struct rung_addr *group, bool join)
{
    struct rung_udp_socket_sock *sock = udp_sock(base);
    int err;
    if (group->family == RUNG_AF_IPV4) {
        struct ip_mreqn req = {.imr_ifindex = (int)group->scope};
        if ((group->ip[0] & 0xf0) != 0xe0)
            return RUNG_E_RANGE;
        if (sock->only_in6)
            return RUNG_E_NOTSUP;
        memcpy(&req.imr_multiaddr, group->ip, 4);
        err = setsockopt(sock->fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &req,
                         sizeof(req));
    } else {
        struct ipv6_mreq req = {.ipv6mr_multiaddr = rung_sockaddr_in6(group),
                                .ipv6mr_interface = group->scope};
        if (group->family != RUNG_AF_IPV6 || group->ip[0] != 0xff)
            return RUNG_E_RANGE;
        if (sock->domain != AF_INET6)
            return RUNG_E_NOTSUP;
        err = setsockopt(sock->fd, IPPROTO_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP,
                         &req, sizeof(req));
    }
    return err ? udp_group_error(errno) : RUNG_OK;
}

static void udp_end(struct rung_udp_socket *self)
{
    if (!self->stopping || self->handle_count > 0)
        return;
    struct rung_op *op = self->stopping;
    rung_rx_pool_free(self->pool);
    self->stopping = NULL;
    rung_op_finish(self->p, op, RUNG_OK);
}

static void udp_closed(uv_handle_t *handle)
{
    struct rung_udp_socket_sock *sock =
        rung_container_of((uv_poll_t *)(void *)handle, struct rung_udp_socket_sock, poll);
    struct rung_udp_socket *self = udp_self(sock->base.udp);
    rung_free(self->p, sock);
    self->handle_count--;
    udp_end(self);
}

static void udp_close(struct rung_udp_sock *base)
{
    struct rung_udp_socket_sock *sock = udp_sock(base);
    *sock->link = sock->next;
    if (sock->next)
        sock->next->link = sock->link;
    sock->link = NULL;
    rung_rx_unwait(udp_self(base->udp)->pool, &sock->waiter);
    uv_close((uv_handle_t *)&sock->poll, udp_closed); /* first: epoll forgets the number */
    close(sock->fd);
}

static void udp_stop(struct rung_udp *udp, struct rung_op *op)
{
    struct rung_udp_socket *self = udp_self(udp);
    assert(!self->stopping);
    self->stopping = op;
    while (self->socks)
        udp_close(&self->socks->base);
    udp_end(self);
}

static int udp_send(struct rung_udp_sock *base, struct rung_dgram *const d[], unsigned n)
{
    return rung_udp_socket_send(base, d, n);
}

static int udp_recv(struct rung_udp_sock *base, struct rung_dgram *d[], unsigned n)
{
    return rung_udp_socket_recv(base, d, n);
}

enum rung_err rung_udp_socket_open(struct rung_udp_socket *self, struct rung_platform *p,
                                   const struct rung_udp_socket_keys *keys,
                                   const struct rung_udp_socket_needs *needs)
{
    uint64_t memory = rung_udp_socket_key_rx_memory(keys);
    (void)needs;
    *self = (struct rung_udp_socket){.p = p};
    rung_udp_init(&self->udp, &rung_udp_socket_udp_ops);
    if (memory < RUNG_RX_LIMIT_MIN) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "rx-memory is too small to receive anything: give at least 128K");
        return RUNG_E_RANGE;
    }
    self->pool = rung_rx_pool_new(p, memory, RUNG_RX_BIG, rung_udp_socket_wake);
    if (!self->pool) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "out of memory: give the program more");
        return RUNG_E_NOMEM;
    }
    return RUNG_OK;
}

const struct rung_udp_ops rung_udp_socket_udp_ops = RUNG_UDP_TABLE("udp-socket", udp,
                                                                   .group = udp_group);
