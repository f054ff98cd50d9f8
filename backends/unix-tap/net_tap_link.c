/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_link.c - whether the device is up, as rtnetlink(7) tells it. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "net_tap_impl.h"
#include "rung/log.h"

/* The start of a message about a link, which is all that is looked at. */
struct tap_news {
    struct nlmsghdr head;
    struct ifinfomsg link;
};

/* Asks for news of the device now. */
static bool link_ask(const struct rung_net_tap *tap)
{
    struct tap_news ask = {
        .head = {.nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
        .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)tap->index},
    };
    return send(tap->link_fd, &ask, sizeof(ask), MSG_DONTWAIT) == (ssize_t)sizeof(ask);
}

/* Has the kernel pass on only what is about our device: other interfaces that come and go are no
 * reason to wake an idle program. The filter reads in network order. */
static bool link_filter(int fd, unsigned index)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct tap_news, link) + offsetof(struct ifinfomsg, ifi_index)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(index), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = RUNG_ARRAY_LEN(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static void link_set(struct rung_net_tap *tap, bool up)
{
    unsigned events = RUNG_NET_LINK;
    tap->net.link_up = up;
    if (!tap->watch)
        return; /* it is being opened: nobody has seen it otherwise */
    if (!up && tap->tx_want) { /* there is room now: frames are taken and dropped */
        tap->tx_want = false;
        rung_net_tap_watch(tap);
        events |= RUNG_NET_TX_READY;
    }
    rung_net_tap_tell(tap, events);
}

static void link_news(struct rung_net_tap *tap, bool up)
{
    if (tap->net.link_up == up)
        return;
    if (tap->watch && up)
        rung_log(tap->p, RUNG_LOG_INFO, tap->keys->slot, "%s is up again", tap->name);
    else if (tap->watch)
        rung_log(tap->p, RUNG_LOG_WARN, tap->keys->slot, "%s is down: sudo ip link set dev %s up",
                 tap->name, tap->name);
    link_set(tap, up);
}

/* Up is what others can send through: administratively, and with its carrier. IFF_RUNNING would say
 * it too, but a while later. */
static bool link_is_up(unsigned flags)
{
    return (flags & IFF_UP) && (flags & IFF_LOWER_UP);
}

/* A device that was moved to another network namespace is deleted here, and works on. It was taken
 * down for that, and we do not see when it is brought up there. */
static void link_moved(struct rung_net_tap *tap)
{
    rung_log(tap->p, RUNG_LOG_INFO, tap->keys->slot,
             "%s has been moved to another network namespace: it counts as up from here on",
             tap->name);
    if (!tap->net.link_up)
        link_set(tap, true);
}

void rung_net_tap_link_read(struct rung_net_tap *self)
{
    struct tap_news news;
    bool deleted = false;
    for (;;) {
        ssize_t got = recv(self->link_fd, &news, sizeof(news), MSG_DONTWAIT);
        if (got < 0 && errno == ENOBUFS && link_ask(self)) /* some were lost: what is now? */
            continue;
        if (got < 0)
            break;
        if (got < (ssize_t)sizeof(news) || news.link.ifi_index != (int)self->index)
            continue;
        if (news.head.nlmsg_type == RTM_NEWLINK)
            link_news(self, link_is_up(news.link.ifi_flags));
        deleted = news.head.nlmsg_type == RTM_DELLINK;
    }
    if (!self->watch)
        return;
    if (rung_net_tap_device_is_gone(self))
        rung_net_tap_lost(self);
    else if (deleted)
        link_moved(self);
}

void rung_net_tap_link_open(struct rung_net_tap *self)
{
    struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    self->link_fd = fd;
    if (fd < 0)
        return;
    if (!link_filter(fd, self->index) || bind(fd, (struct sockaddr *)&local, sizeof(local))
        || !link_ask(self)) {
        close(fd);
        self->link_fd = -1;
        return;
    }
    rung_net_tap_link_read(self); /* the kernel has answered by now */
}
