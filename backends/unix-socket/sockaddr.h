/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/sockaddr.h - addresses as Rung and as the kernel write them.
 * Model    On an AF_INET6 socket an IPv4 address travels as ::ffff:a.b.c.d and is shown to the app
 *          as the IPv4 address that it is.
 * Units    As rung/addr.h.
 * Owner    Values are copied.
 * Context  Any.
 * Errors   Length 0: a socket of that domain cannot reach such an address. */
#ifndef RUNG_SOCKADDR_H
#define RUNG_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "rung/addr.h"

union rung_sockaddr {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* The socket domain for an address; for family NONE both families are wanted. */
static inline int rung_sockaddr_domain(const struct rung_addr *addr)
{
    return addr->family == RUNG_AF_IPV4 ? AF_INET : AF_INET6;
}

/* As 16 bytes for an AF_INET6 socket. */
static inline struct in6_addr rung_sockaddr_in6(const struct rung_addr *addr)
{
    struct in6_addr in6 = {0};
    if (addr->family == RUNG_AF_IPV6) {
        memcpy(&in6, addr->ip, sizeof(in6));
    } else if (addr->family == RUNG_AF_IPV4) {
        in6.s6_addr[10] = in6.s6_addr[11] = 0xff;
        memcpy(&in6.s6_addr[12], addr->ip, 4);
    }
    return in6;
}

/* From 16 bytes of an AF_INET6 socket; leaves port and scope 0. */
static inline struct rung_addr rung_sockaddr_from_in6(const struct in6_addr *in6)
{
    struct rung_addr addr = rung_addr_any(RUNG_AF_IPV6, 0);
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        addr.family = RUNG_AF_IPV4;
        memcpy(addr.ip, &in6->s6_addr[12], 4);
    } else {
        memcpy(addr.ip, in6, 16);
    }
    return addr;
}

static inline struct rung_addr rung_sockaddr_from_in(struct in_addr in)
{
    struct rung_addr addr = rung_addr_any(RUNG_AF_IPV4, 0);
    memcpy(addr.ip, &in, 4);
    return addr;
}

static inline socklen_t rung_sockaddr_set(union rung_sockaddr *sa, int domain,
                                          const struct rung_addr *addr)
{
    memset(sa, 0, sizeof(*sa));
    if (domain == AF_INET) {
        if (addr->family == RUNG_AF_IPV6)
            return 0;
        sa->in.sin_family = AF_INET;
        sa->in.sin_port = htons(addr->port);
        memcpy(&sa->in.sin_addr, addr->ip, 4);
        return sizeof(sa->in);
    }
    sa->in6.sin6_family = AF_INET6;
    sa->in6.sin6_port = htons(addr->port);
    sa->in6.sin6_addr = rung_sockaddr_in6(addr);
    sa->in6.sin6_scope_id = addr->scope;
    return sizeof(sa->in6);
}

static inline struct rung_addr rung_sockaddr_get(const union rung_sockaddr *sa)
{
    struct rung_addr addr = {0};
    if (sa->any.sa_family == AF_INET) {
        addr = rung_sockaddr_from_in(sa->in.sin_addr);
        addr.port = ntohs(sa->in.sin_port);
    } else if (sa->any.sa_family == AF_INET6) {
        addr = rung_sockaddr_from_in6(&sa->in6.sin6_addr);
        addr.port = ntohs(sa->in6.sin6_port);
        addr.scope = sa->in6.sin6_scope_id;
    }
    return addr;
}

#endif
