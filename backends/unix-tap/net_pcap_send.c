/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_send.c - frames out of an interface. pcap_inject() is a send() of one
 * piece on libpcap's own socket; sendmmsg() on the same socket does the same for frames in
 * fragments, without putting them together first, and for many at once. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net_pcap_impl.h"
#include "rung/clock.h"

#define SEND_BATCH 32u /* frames of one system call */
#define SEND_IOV 128u  /* fragments of one system call */
#define SEND_ROOM_NS RUNG_NS_PER_MS

static size_t send_len(const struct rung_frame *f)
{
    size_t len = 0;
    for (; f; f = f->next)
        len += f->len;
    return len;
}

/* Hands the kernel as many of f[0..n) as one call takes: how many it took, or a negative errno that
 * is about f[0]. */
static int send_batch(int fd, struct rung_frame *const f[], unsigned n)
{
    struct mmsghdr msgs[SEND_BATCH];
    struct iovec iov[SEND_IOV];
    unsigned count = 0, used = 0;
    for (; count < n && count < SEND_BATCH && used + RUNG_NET_PCAP_FRAGS <= SEND_IOV; count++) {
        unsigned first = used;
        for (const struct rung_frame *part = f[count]; part; part = part->next)
            iov[used++] = (struct iovec){.iov_base = part->data, .iov_len = part->len};
        msgs[count] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &iov[first], .msg_iovlen = used - first},
        };
    }
    int sent = sendmmsg(fd, msgs, count, MSG_DONTWAIT);
    return sent < 0 ? -errno : sent;
}

bool rung_net_pcap_may_send(const struct rung_net *net, const struct rung_frame *f)
{
    size_t len = 0;
    unsigned frags = 0;
    for (const struct rung_frame *part = f; part; part = part->next, frags++) {
        if (!part->len || !part->data)
            return false;
        len += part->len;
    }
    return f->release && frags <= net->info.max_frags && len >= 14 && len <= 14u + net->info.mtu
           && !(f->flags & RUNG_FRAME_CSUM) && !f->gso_size && !f->gso_type;
}

/* How many of f[0..n) from the first on keep to net.h. */
static unsigned send_good(const struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    unsigned good = 0;
    for (; good < n && good < SEND_BATCH; good++) {
        bool may = rung_net_pcap_may_send(net, f[good]);
        assert(may); /* without assertions it is dropped */
        if (!may)
            break;
    }
    return good;
}

static void send_count(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        net->stats.tx_bytes += send_len(f[i]);
    net->stats.tx_frames += n;
}

/* The interface's queue is full. EAGAIN: our frames fill the socket's share, and the kernel wakes
 * us. ENOBUFS: it is full of others' frames, and nobody wakes us, so we look again soon. */
static void send_wait(struct rung_net_pcap *self, bool wakes)
{
    self->tx_waits = true;
    if (!wakes) {
        self->live->no_wake = true;
        rung_timer_start(self->p, &self->live->room, SEND_ROOM_NS);
    }
    rung_net_pcap_live_watch(self);
}

/* How many of f[0..n) are the link's now, sent or dropped. */
static unsigned send_all(struct rung_net_pcap *self, struct rung_frame *const f[], unsigned n)
{
    struct rung_net *net = &self->net;
    bool again = true; /* ENETDOWN may be of long ago: the socket kept it for us */
    unsigned k = 0;
    while (k < n) {
        unsigned good = net->link_up ? send_good(net, f + k, n - k) : 0;
        int sent = good ? send_batch(self->live->fd, f + k, good) : -EMSGSIZE;
        if (sent > 0) {
            send_count(net, f + k, (unsigned)sent);
            k += (unsigned)sent;
        } else if (sent == -EINTR || (sent == -ENETDOWN && again)) {
            again = sent == -EINTR && again;
        } else if (sent == -EAGAIN || sent == -ENOBUFS) {
            send_wait(self, sent == -EAGAIN);
            break;
        } else if ((sent == -ENXIO || sent == -ENODEV) && !rung_net_pcap_live_look(self)) {
            break;
        } else { /* the link is down, the interface's mtu has shrunk, a firewall says no */
            if (sent == -ENETDOWN)
                rung_net_pcap_live_look(self);
            net->stats.tx_dropped++;
            k++;
        }
    }
    return k;
}

/* Frames are released when all are sent: a release may send, and its frame comes after these, or
 * close the link. */
int rung_net_pcap_live_send(struct rung_net_pcap *self, struct rung_frame *const f[], unsigned n)
{
    unsigned k = send_all(self, f, n);
    if (k == 0 && self->gone)
        return RUNG_E_DOWN;
    for (unsigned i = 0; i < k; i++)
        f[i]->release(f[i]);
    return (int)k;
}
