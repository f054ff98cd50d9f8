/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_live.c - an interface in use: what the loop watches, the state of the
 * link, frames in. The kernel's ring (PACKET_MMAP, which libpcap reads) holds what nobody has
 * taken: it is watched only while somebody waits, for a socket with frames in its ring is ready all
 * the time. */
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_pcap_impl.h"
#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

#define LIVE_DROPS_NS (10 * RUNG_NS_PER_MS) /* how often the kernel is asked what it has lost */

static void live_on_poll(uv_poll_t *poll, int status, int events);
static void live_on_link(uv_poll_t *poll, int status, int events);

void rung_net_pcap_live_watch(struct rung_net_pcap *self)
{
    struct rung_net_pcap_live *live = self->live;
    int watch = (self->rx_waits && !self->dry ? UV_READABLE : 0)
                | (self->tx_waits && !live->no_wake ? UV_WRITABLE : 0);
    if (self->closing || live->in_event)
        return;
    if (self->gone)
        watch = 0;
    if (watch == live->watch)
        return;
    live->watch = watch;
    if (watch)
        uv_poll_start(&live->poll, watch, live_on_poll);
    else
        uv_poll_stop(&live->poll);
}

/* libuv takes an error that the kernel left on the socket (the interface went down, say) for a bad
 * descriptor, and stops watching. Asking for the error clears it. */
static void live_clear_error(int fd)
{
    int err;
    socklen_t len = sizeof(err);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

static void live_on_poll(uv_poll_t *poll, int status, int events)
{
    struct rung_net_pcap_live *live = rung_container_of(poll, struct rung_net_pcap_live, poll);
    struct rung_net_pcap *self = live->self;
    unsigned say = 0;
    rung_unix_had_io(self->p);
    if (status < 0) {
        live_clear_error(live->fd);
        live->watch = 0;
        rung_net_pcap_live_look(self);
    } else {
        if ((events & UV_READABLE) && self->rx_waits && !self->dry) {
            self->rx_waits = false;
            say |= RUNG_NET_RX_READY;
        }
        if ((events & UV_WRITABLE) && self->tx_waits) {
            self->tx_waits = false;
            say |= RUNG_NET_TX_READY;
        }
    }
    live->in_event = true;
    rung_net_pcap_tell_now(self, say);
    live->in_event = false;
    rung_net_pcap_live_watch(self);
}

static void live_gone(struct rung_net_pcap *self)
{
    self->gone = true;
    self->net.link_up = false;
    rung_net_pcap_live_watch(self);
    rung_net_pcap_tell_later(self, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
}

static void live_link(struct rung_net_pcap *self, bool up)
{
    unsigned events = RUNG_NET_LINK;
    if (self->net.link_up == up)
        return;
    self->net.link_up = up;
    rung_log(self->p, up ? RUNG_LOG_INFO : RUNG_LOG_WARN, self->slot, "%s is %s",
             self->live->name, up ? "up again" : "down");
    if (!up && self->tx_waits) { /* there is room now: all is dropped */
        self->tx_waits = false;
        events |= RUNG_NET_TX_READY;
    }
    rung_net_pcap_live_watch(self);
    rung_net_pcap_tell_later(self, events);
}

/* Goes by what is, not by what was told: messages may be lost or late. The index stays when the
 * name changes. */
bool rung_net_pcap_live_look(struct rung_net_pcap *self)
{
    struct ifreq ifr = {.ifr_ifindex = (int)self->live->index};
    if (self->gone)
        return false;
    if (ioctl(self->live->link_fd, SIOCGIFNAME, &ifr)
        || ioctl(self->live->link_fd, SIOCGIFFLAGS, &ifr)) {
        if (errno != ENODEV && errno != ENXIO)
            return true;
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "%s has been removed: make it again, and start the program again",
                 self->live->name);
        live_gone(self);
        return false;
    }
    live_link(self, (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING));
    return true;
}

static void live_on_link(uv_poll_t *poll, int status, int events)
{
    struct rung_net_pcap_live *live = rung_container_of(poll, struct rung_net_pcap_live, link_poll);
    struct rung_net_pcap *self = live->self;
    char messages[4096];
    (void)events;
    if (status < 0) { /* more came than the socket holds */
        live_clear_error(live->link_fd);
        uv_poll_start(&live->link_poll, UV_READABLE, live_on_link);
    }
    while (recv(live->link_fd, messages, sizeof(messages), MSG_DONTWAIT) > 0)
        ; /* what has changed is asked for below */
    rung_net_pcap_live_look(self);
}

static void live_on_room(struct rung_timer *timer)
{
    struct rung_net_pcap_live *live = rung_container_of(timer, struct rung_net_pcap_live, room);
    bool waits = live->self->tx_waits;
    live->no_wake = false;
    live->self->tx_waits = false;
    rung_net_pcap_tell_now(live->self, waits ? RUNG_NET_TX_READY : 0);
}

bool rung_net_pcap_live_fill(struct rung_net_pcap *self, unsigned n)
{
    int got = pcap_dispatch(self->pcap, (int)n, rung_net_pcap_arrive, (u_char *)self);
    if (got >= 0)
        return (unsigned)got == n;
    if (rung_net_pcap_live_look(self)) {
        /* Not to be mended from here, and watching on would spin. */
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "capture on %s has ended: %s",
                 self->live->name, pcap_geterr(self->pcap));
        live_gone(self);
    }
    return false;
}

/* A system call, so not for each batch. */
void rung_net_pcap_live_drops(struct rung_net_pcap *self)
{
    struct rung_net_pcap_live *live = self->live;
    struct pcap_stat stat;
    uint64_t now = rung_loop_now_ns(self->p);
    if (now - live->drops_ns < LIVE_DROPS_NS)
        return;
    live->drops_ns = now;
    if (pcap_stats(self->pcap, &stat))
        return;
    self->net.stats.rx_dropped += stat.ps_drop - live->drops; /* modulo 2^32, as libpcap counts */
    live->drops = stat.ps_drop;
}

static void live_closed(uv_handle_t *handle)
{
    struct rung_net_pcap_live *live = handle->data;
    if (--live->handle_count)
        return;
    close(live->link_fd);
    if (live->self)
        rung_net_pcap_closed(live->self); /* frees this too */
    else
        rung_free(live->p, live);
}

static void live_close_handle(struct rung_net_pcap_live *live, uv_poll_t *poll)
{
    poll->data = live;
    live->handle_count++;
    uv_close((uv_handle_t *)poll, live_closed);
}

void rung_net_pcap_live_close(struct rung_net_pcap *self)
{
    rung_timer_stop(self->p, &self->live->room);
    live_close_handle(self->live, &self->live->poll);
    live_close_handle(self->live, &self->live->link_poll);
}

/* A socket that hears of every change of an interface. -1: errno says why. */
static int live_link_socket(void)
{
    struct sockaddr_nl sa = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&sa, sizeof(sa))) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* 0 or an errno, and nothing is left behind. */
static int live_start_handles(struct rung_net_pcap *self)
{
    struct rung_net_pcap_live *live = self->live;
    struct uv_loop_s *loop = rung_unix_loop(self->p);
    live->link_fd = live_link_socket();
    if (live->link_fd < 0)
        return errno;
    int err = uv_poll_init(loop, &live->link_poll, live->link_fd);
    if (err) {
        close(live->link_fd);
        return -err;
    }
    err = uv_poll_init(loop, &live->poll, live->fd);
    if (err) { /* libuv wants the memory of the first for one turn more */
        live->self = NULL;
        self->live = NULL;
        live_close_handle(live, &live->link_poll);
    }
    return -err;
}

enum rung_err rung_net_pcap_live_start(struct rung_net_pcap *self)
{
    struct rung_net_pcap_live *live = self->live;
    const uint8_t *m = self->net.info.mac;
    struct ifreq ifr = {.ifr_ifindex = (int)live->index};
    int err = live_start_handles(self);
    if (err) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot watch the interface: %s",
                 strerror(err));
        return rung_err_from_errno(err);
    }
    live->room.fn = live_on_room;
    self->net.link_up = ioctl(live->link_fd, SIOCGIFNAME, &ifr) == 0
                        && ioctl(live->link_fd, SIOCGIFFLAGS, &ifr) == 0
                        && (ifr.ifr_flags & IFF_RUNNING);
    uv_poll_start(&live->link_poll, UV_READABLE, live_on_link);
    rung_net_pcap_live_watch(self);
    rung_log(self->p, RUNG_LOG_INFO, self->slot,
             "on %s with address %02x:%02x:%02x:%02x:%02x:%02x, mtu %u%s", live->name, m[0], m[1],
             m[2], m[3], m[4], m[5], self->net.info.mtu, self->net.link_up ? "" : ", link down");
    return RUNG_OK;
}
