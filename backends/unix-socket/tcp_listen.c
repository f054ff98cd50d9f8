/* SPDX-License-Identifier: ISC */
/* backends/unix-socket/tcp_listen.c - TCP on kernel sockets: listeners and accepting. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "sockaddr.h"
#include "tcp_impl.h"
#include "unix/unix.h"

#define LISTEN_RETRY_NS (100 * RUNG_NS_PER_MS)
#define LISTEN_WARN_NS (10 * RUNG_NS_PER_S) /* at the brink, episodes are short and many */

static struct rung_tcp_socket_listener *listen_of(struct rung_tcp_listener *base)
{
    return rung_container_of(base, struct rung_tcp_socket_listener, base);
}

static void listen_event(uv_poll_t *poll, int status, int events);

static void listen_watch(struct rung_tcp_socket_listener *listener, bool on)
{
    if (!on)
        uv_poll_stop(&listener->poll);
    else if (!uv_is_active((uv_handle_t *)&listener->poll))
        uv_poll_start(&listener->poll, UV_READABLE, listen_event);
}

/* Leaves connections in the kernel's backlog until a connection of ours is freed, or a while has
 * passed: others may have given back descriptors or memory. */
static void listen_rest(struct rung_tcp_socket_listener *listener)
{
    struct rung_tcp_socket *self = tcp_self(listener->base.tcp);
    listener->want = true;
    listener->waiting = false;
    listener->resting = true;
    listen_watch(listener, false);
    self->resting = true;
    if (!self->retry.active)
        rung_timer_start(self->p, &self->retry, LISTEN_RETRY_NS);
}

/* The same, with one warning for as long as the shortage lasts. */
static void listen_short(struct rung_tcp_socket_listener *listener, const char *of,
                         const char *mend)
{
    struct rung_tcp_socket *self = tcp_self(listener->base.tcp);
    uint64_t now = rung_loop_now_ns(self->p);
    if (!listener->warned && now >= listener->warn_due_ns) {
        char text[RUNG_ADDR_TEXT];
        rung_log(self->p, RUNG_LOG_WARN, self->keys->slot,
                 "%s: no %s for another connection; new ones wait until one is closed (%s)",
                 rung_addr_format(&listener->base.local, text), of, mend);
        listener->warn_due_ns = now + LISTEN_WARN_NS;
    }
    listener->warned = true;
    listen_rest(listener);
}

void rung_tcp_socket_wake_listeners(struct rung_tcp_socket *self)
{
    self->resting = false;
    rung_timer_stop(self->p, &self->retry);
    for (struct rung_tcp_socket_listener *l = self->listeners; l; l = l->next) {
        if (l->resting)
            listen_watch(l, true);
        l->resting = false;
    }
}

/* As long as an app does not accept, the poll would say the same at every turn: it is switched off
 * then, at the second time, so that the usual case makes no system call for it. */
static void listen_event(uv_poll_t *poll, int status, int events)
{
    struct rung_tcp_socket_listener *listener =
        rung_container_of(poll, struct rung_tcp_socket_listener, poll);
    (void)events;
    if (status < 0 || !listener->base.ready) { /* it may be set later: try again */
        listen_rest(listener);
        listener->waiting = true;
        return;
    }
    listener->waiting = true;
    if (!listener->want) {
        listen_watch(listener, false);
        return;
    }
    listener->want = false;
    listener->base.ready(&listener->base);
}

/* What the connection lost on its way, or a firewall took: the next one may be well. EPERM and the
 * rest are named so in accept(2). */
static bool listen_passing(int err)
{
    switch (err) {
    case ECONNABORTED: case EINTR: case EPERM: case EPROTO: case ENOPROTOOPT: case ENETDOWN:
    case ENETUNREACH: case EHOSTDOWN: case EHOSTUNREACH: case ENONET: case EOPNOTSUPP:
    case ETIMEDOUT:
        return true;
    default: return false;
    }
}

/* Whether the next descriptor is one of those kept for others. The kernel gives the lowest free
 * number, so a number tells that all below are taken, by whomever. The number that a connection has
 * got is there to see; only as long as one lies too high it takes two calls to ask for the next. */
static bool listen_at_brink(const struct rung_tcp_socket *self, int fd)
{
    if (self->fd_over == 0)
        return false;
    int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (next >= 0)
        close(next);
    return next < 0 || next >= self->fd_kept;
}

static void listen_failed(struct rung_tcp_socket_listener *listener, int err)
{
    switch (err) {
    case EAGAIN:
        listener->waiting = false;
        listener->want = true;
        listener->warned = false; /* all who waited are in: the shortage is over */
        listen_watch(listener, true);
        break;
    case EMFILE: listen_short(listener, "descriptor", "raise ulimit -n"); break;
    case ENFILE: listen_short(listener, "descriptor", "raise fs.file-max"); break;
    default: listen_short(listener, "memory", "give the host more"); break;
    }
}

/* The memory first: a connection that was accepted is one that somebody has. */
int rung_tcp_socket_accept(struct rung_tcp_listener *base, struct rung_tcp_conn **conn)
{
    struct rung_tcp_socket_listener *listener = listen_of(base);
    struct rung_tcp_socket *self = tcp_self(base->tcp);
    if (!listener->waiting) {
        listener->want = true;
        listen_watch(listener, !listener->resting);
        return 0;
    }
    if (!rung_tcp_socket_has_slot(self)) {
        listen_short(listener, "slot", "raise max-connections");
        return 0;
    }
    if (listen_at_brink(self, listener->fd)) {
        listen_failed(listener, EMFILE);
        return 0;
    }
    struct rung_tcp_socket_conn *fresh = rung_tcp_socket_conn_new(self);
    if (!fresh) {
        listen_failed(listener, ENOMEM);
        return 0;
    }
    int fd;
    do
        fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && listen_passing(errno));
    int err = fd < 0 ? errno : 0;
    if (fd >= 0 && rung_tcp_socket_conn_adopt(self, fresh, fd)) {
        close(fd); /* the one case where a connection is lost: the kernel cannot watch it */
        err = ENOMEM;
    }
    if (err) {
        rung_free(self->p, fresh);
        listen_failed(listener, err);
        return 0;
    }
    fresh->rx_want = fresh->rx_armed = true;
    rung_tcp_socket_conn_watch(fresh);
    *conn = &fresh->base;
    return 1;
}

/* Binds and listens; an errno, or 0. Connections inherit both TCP options from here: no system call
 * for each. SO_REUSEADDR: a restarted server need not wait for the old connections' TIME_WAIT. */
static int listen_bind(int fd, int domain, const struct rung_tcp_listen *how, uint32_t backlog)
{
    static const int on = 1, unsent = RUNG_TCP_UNSENT_BYTES;
    union rung_sockaddr sa;
    socklen_t len = rung_sockaddr_set(&sa, domain, &how->local);
    int only = how->local.family == RUNG_AF_IPV6;
    if (domain == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)))
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
        || setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)))
        return errno;
    if (bind(fd, &sa.any, len))
        return errno == EINVAL ? EADDRNOTAVAIL : errno; /* EINVAL: link-local without a scope */
    return listen(fd, backlog > INT_MAX ? INT_MAX : (int)backlog) ? errno : 0;
}

static int listen_socket(int domain, const struct rung_tcp_listen *how, uint32_t backlog, int *fd)
{
    *fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno;
    int err = listen_bind(*fd, domain, how, backlog);
    if (err)
        close(*fd);
    return err;
}

static int listen_start(struct rung_tcp_socket *self, struct rung_tcp_socket_listener *listener,
                        const struct rung_tcp_listen *how)
{
    uint32_t backlog = how->backlog ? how->backlog : rung_tcp_socket_key_backlog(self->keys);
    union rung_sockaddr sa;
    socklen_t len = sizeof(sa);
    int domain = rung_sockaddr_domain(&how->local);
    int err = listen_socket(domain, how, backlog, &listener->fd);
    /* "Any" means what the host has: without IPv6 that is IPv4. */
    if ((err == EAFNOSUPPORT || err == EADDRNOTAVAIL) && how->local.family == RUNG_AF_NONE)
        err = listen_socket(AF_INET, how, backlog, &listener->fd);
    if (err)
        return rung_err_from_errno(err);
    err = uv_poll_init(rung_unix_loop(self->p), &listener->poll, listener->fd);
    if (err) {
        close(listener->fd);
        return err == UV_ENOSPC ? RUNG_E_LIMIT : rung_err_from_uv(err);
    }
    self->handle_count++;
    getsockname(listener->fd, &sa.any, &len); /* cannot fail on a bound socket */
    listener->base.local = rung_sockaddr_get(&sa);
    return RUNG_OK;
}

int rung_tcp_socket_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                           struct rung_tcp_listener **out)
{
    struct rung_tcp_socket *self = tcp_self(tcp);
    struct rung_tcp_socket_listener *listener = rung_zalloc(self->p, 1, sizeof(*listener));
    if (!listener)
        return RUNG_E_NOMEM;
    int err = listen_start(self, listener, how);
    if (err) {
        rung_free(self->p, listener);
        return err;
    }
    listener->base.tcp = tcp;
    listener->next = self->listeners;
    listener->link = &self->listeners;
    if (listener->next)
        listener->next->link = &listener->next;
    self->listeners = listener;
    listener->want = true;
    listen_watch(listener, true);
    *out = &listener->base;
    return RUNG_OK;
}

static void listen_closed(uv_handle_t *handle)
{
    struct rung_tcp_socket_listener *listener = rung_container_of(
        (uv_poll_t *)(void *)handle, struct rung_tcp_socket_listener, poll);
    struct rung_tcp_socket *self = tcp_self(listener->base.tcp);
    rung_free(self->p, listener);
    rung_tcp_socket_handle_closed(self);
}

void rung_tcp_socket_unlisten(struct rung_tcp_listener *base)
{
    struct rung_tcp_socket_listener *listener = listen_of(base);
    *listener->link = listener->next;
    if (listener->next)
        listener->next->link = listener->link;
    uv_close((uv_handle_t *)&listener->poll, listen_closed);
    close(listener->fd); /* the kernel resets those nobody accepted */
}
