/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/udp_io.c - UDP on kernel sockets: datagrams in and out, in batches. */
#include <errno.h>
#include <sys/socket.h>

#include "sockaddr.h"
#include "udp_impl.h"
#include "unix/unix.h"

#define UDP_BATCH 16u /* datagrams moved by one system call */

union udp_control { /* room for one packet information, aligned as CMSG wants it */
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void udp_event(uv_poll_t *poll, int status, int events);

void rung_udp_socket_watch(struct rung_udp_socket_sock *sock)
{
    int watch = (sock->rx_armed ? UV_READABLE : 0) | (sock->tx_want ? UV_WRITABLE : 0);
    if (!sock->link || watch == sock->watch)
        return;
    sock->watch = (uint8_t)watch;
    if (watch)
        uv_poll_start(&sock->poll, watch, udp_event);
    else
        uv_poll_stop(&sock->poll);
}

/* The kernel's own error reports (ICMP) come only to connected sockets, which these are not; one
 * that comes all the same is cleared by asking for it. */
static void udp_event(uv_poll_t *poll, int status, int events)
{
    struct rung_udp_socket_sock *sock =
        rung_container_of(poll, struct rung_udp_socket_sock, poll);
    unsigned say = 0;
    rung_unix_had_io(udp_self(sock->base.udp)->p);
    if (status < 0) {
        int err = 0;
        socklen_t len = sizeof(err);
        getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        sock->watch = 0; /* libuv has stopped it */
    }
    if (events & UV_READABLE) {
        sock->rx_ready = true;
        sock->rx_armed = sock->rx_want; /* the second time that nobody came for: ask no more */
        if (sock->rx_want)
            say |= RUNG_UDP_RX;
        sock->rx_want = false;
    }
    if ((events & UV_WRITABLE) && sock->tx_want) {
        sock->tx_want = false;
        say |= RUNG_UDP_TX;
    }
    rung_udp_socket_watch(sock);
    if (say && sock->base.ready)
        sock->base.ready(&sock->base, say);
}

/* Blocks have come back, or the heap may have some. */
void rung_udp_socket_wake(struct rung_rx_waiter *waiter)
{
    struct rung_udp_socket_sock *sock =
        rung_container_of(waiter, struct rung_udp_socket_sock, waiter);
    if (sock->base.ready)
        sock->base.ready(&sock->base, RUNG_UDP_RX);
}

/* The address to send from, as packet information. */
static void udp_from(struct msghdr *msg, union udp_control *control, int domain,
                     const struct rung_addr *local)
{
    memset(control, 0, sizeof(*control));
    msg->msg_control = control;
    msg->msg_controllen = sizeof(*control);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
    if (domain == AF_INET) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        cmsg->cmsg_level = IPPROTO_IP;
        cmsg->cmsg_type = IP_PKTINFO;
        cmsg->cmsg_len = CMSG_LEN(sizeof(info));
        msg->msg_controllen = CMSG_SPACE(sizeof(info));
        memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
    } else {
        struct in6_pktinfo info = {.ipi6_addr = rung_sockaddr_in6(local),
                                   .ipi6_ifindex = local->scope};
        cmsg->cmsg_level = IPPROTO_IPV6;
        cmsg->cmsg_type = IPV6_PKTINFO;
        cmsg->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
    }
}

/* Whether a datagram can leave through this socket at all. */
static bool udp_sendable(const struct rung_udp_socket_sock *sock, const struct rung_dgram *dgram)
{
    const struct rung_addr *local = &dgram->local;
    uint8_t family = dgram->peer.family;
    if (dgram->len > RUNG_UDP_MAX || (local->family != RUNG_AF_NONE && local->family != family))
        return false;
    if (family == RUNG_AF_IPV4)
        return !sock->only_in6;
    return family == RUNG_AF_IPV6 && sock->domain == AF_INET6;
}

/* One system call for d[0..n), n <= UDP_BATCH, all sendable: how many went, or a negative errno
 * that is about d[0]. */
static int udp_send_batch(struct rung_udp_socket_sock *sock, struct rung_dgram *const d[],
                          unsigned n)
{
    struct mmsghdr msgs[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    union rung_sockaddr to[UDP_BATCH];
    union udp_control control[UDP_BATCH];
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *msg = &msgs[i].msg_hdr;
        iov[i].iov_base = (void *)(uintptr_t)d[i]->data;
        iov[i].iov_len = d[i]->len;
        *msg = (struct msghdr){.msg_name = &to[i], .msg_iov = &iov[i], .msg_iovlen = 1};
        msg->msg_namelen = rung_sockaddr_set(&to[i], sock->domain, &d[i]->peer);
        if (d[i]->local.family != RUNG_AF_NONE)
            udp_from(msg, &control[i], sock->domain, &d[i]->local);
    }
    int sent = sendmmsg(sock->fd, msgs, n, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

/* Nothing is kept: what the kernel takes has been copied by it, and can be released at once. What
 * it refuses for another reason than a lack of room has nowhere to go. */
int rung_udp_socket_send(struct rung_udp_sock *base, struct rung_dgram *const d[], unsigned n)
{
    struct rung_udp_socket_sock *sock = udp_sock(base);
    unsigned k = 0;
    while (k < n && sock->link) { /* a release() may close it */
        unsigned m = 0;
        while (m < UDP_BATCH && k + m < n && udp_sendable(sock, d[k + m]))
            m++;
        int sent = m > 0 ? udp_send_batch(sock, d + k, m) : 1; /* the one that is not sendable */
        if (sent == -EAGAIN || sent == -EINTR) {
            sock->tx_want = true;
            rung_udp_socket_watch(sock);
            break;
        }
        for (unsigned gone = sent > 0 ? (unsigned)sent : 1; gone > 0; gone--, k++)
            d[k]->release(d[k]);
    }
    return (int)k;
}

static void udp_release(struct rung_dgram *dgram)
{
    rung_rx_put(rung_container_of(dgram, struct rung_rx_block, dgram));
}

static struct rung_addr udp_to(struct msghdr *msg, uint16_t port)
{
    struct rung_addr addr = {0};
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
            addr = rung_sockaddr_from_in(info.ipi_addr);
        } else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
            addr = rung_sockaddr_from_in6(&info.ipi6_addr);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&info.ipi6_addr))
                addr.scope = info.ipi6_ifindex;
        }
    }
    addr.port = addr.family == RUNG_AF_NONE ? 0 : port;
    return addr;
}

struct udp_batch {
    struct rung_rx_block *small[UDP_BATCH];
    struct rung_rx_block *big[UDP_BATCH];
    struct mmsghdr msgs[UDP_BATCH];
    struct iovec iov[UDP_BATCH][2];
    union rung_sockaddr from[UDP_BATCH];
    union udp_control control[UDP_BATCH];
};

/* Blocks for up to n datagrams: the head of each goes to a small one, the rest, if there is any, to
 * its place in a big one. */
static unsigned udp_prepare(struct rung_rx_pool *pool, struct udp_batch *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        b->small[i] = rung_rx_get(pool, RUNG_RX_SMALL);
        b->big[i] = b->small[i] ? rung_rx_get(pool, RUNG_RX_BIG) : NULL;
        if (!b->big[i]) {
            if (b->small[i])
                rung_rx_put(b->small[i]);
            return i;
        }
        b->iov[i][0] = (struct iovec){b->small[i]->bytes, RUNG_RX_SMALL_BYTES};
        b->iov[i][1] = (struct iovec){b->big[i]->bytes + RUNG_RX_SMALL_BYTES,
                                      RUNG_RX_BIG_BYTES - RUNG_RX_SMALL_BYTES};
        b->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &b->from[i], .msg_namelen = sizeof(b->from[i]), .msg_iov = b->iov[i],
            .msg_iovlen = 2, .msg_control = &b->control[i],
            .msg_controllen = sizeof(b->control[i]),
        };
    }
    return n;
}

/* The block that the i-th datagram is in; the other one goes back. */
static struct rung_rx_block *udp_pick(struct udp_batch *b, unsigned i)
{
    struct rung_rx_block *small = b->small[i], *big = b->big[i];
    if (b->msgs[i].msg_len <= RUNG_RX_SMALL_BYTES) {
        rung_rx_put(big);
        return small;
    }
    /* The one copy: a datagram is contiguous, and how long it is was not known before. */
    memcpy(big->bytes, small->bytes, RUNG_RX_SMALL_BYTES);
    rung_rx_put(small);
    return big;
}

/* The first got datagrams of the batch, as d; the rest of its n blocks goes back. Over IPv6 a few
 * bytes more than RUNG_UDP_MAX are possible: apps need not know, such a datagram is lost. */
static unsigned udp_lend(struct rung_udp_socket_sock *sock, struct udp_batch *b, unsigned got,
                         unsigned n, struct rung_dgram *d[])
{
    unsigned k = 0;
    for (unsigned i = n; i > got; i--) {
        rung_rx_put(b->big[i - 1]);
        rung_rx_put(b->small[i - 1]);
    }
    for (unsigned i = 0; i < got; i++) {
        struct rung_rx_block *block = udp_pick(b, i);
        if (b->msgs[i].msg_len > RUNG_UDP_MAX) {
            rung_rx_put(block);
            continue;
        }
        block->dgram.next = NULL;
        block->dgram.data = block->bytes;
        block->dgram.len = b->msgs[i].msg_len;
        block->dgram.peer = rung_sockaddr_get(&b->from[i]);
        block->dgram.local = udp_to(&b->msgs[i].msg_hdr, sock->base.local.port);
        block->dgram.release = udp_release;
        d[k++] = &block->dgram;
    }
    return k;
}

/* One system call. Fewer than asked for: the socket is drained. */
static unsigned udp_recv_batch(struct rung_udp_socket_sock *sock, struct rung_dgram *d[],
                               unsigned n)
{
    struct rung_udp_socket *self = udp_self(sock->base.udp);
    struct udp_batch b; /* 4 KiB that need no clearing */
    n = udp_prepare(self->pool, &b, n < UDP_BATCH ? n : UDP_BATCH);
    if (n == 0) { /* the datagrams stay in the kernel, until it drops some */
        if (!sock->waiter.link)
            rung_rx_wait(self->pool, &sock->waiter);
        return 0;
    }
    int got = recvmmsg(sock->fd, b.msgs, n, MSG_DONTWAIT, NULL);
    if (got < (int)n)
        sock->rx_ready = false;
    return udp_lend(sock, &b, got > 0 ? (unsigned)got : 0, n, d);
}

int rung_udp_socket_recv(struct rung_udp_sock *base, struct rung_dgram *d[], unsigned n)
{
    struct rung_udp_socket_sock *sock = udp_sock(base);
    unsigned k = 0;
    rung_rx_unwait(udp_self(base->udp)->pool, &sock->waiter);
    while (k < n && sock->rx_ready && !sock->waiter.link)
        k += udp_recv_batch(sock, d + k, n - k);
    if (k < n && !sock->waiter.link) {
        sock->rx_want = sock->rx_armed = true;
        rung_udp_socket_watch(sock);
    }
    return (int)k;
}
