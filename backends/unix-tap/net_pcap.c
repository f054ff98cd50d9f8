/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap.c - NET on libpcap: the operations, and how events are told. */
#include "net_pcap.h"

#include "net_pcap_impl.h"
#include "rung/clock.h"

#define NETPCAP_AGAIN_NS (20 * RUNG_NS_PER_MS)

static struct rung_net_pcap *netpcap_of(struct rung_net *net)
{
    return rung_container_of(net, struct rung_net_pcap, net);
}

void rung_net_pcap_tell_now(struct rung_net_pcap *self, unsigned events)
{
    self->events |= events;
    events = self->events;
    if (!events || self->closing)
        return;
    if (!self->net.ready) { /* nobody says when that changes */
        rung_timer_start(self->p, &self->again, NETPCAP_AGAIN_NS);
        return;
    }
    self->events = 0;
    self->net.ready(&self->net, events, self->net.arg);
}

void rung_net_pcap_tell_later(struct rung_net_pcap *self, unsigned events)
{
    self->events |= events;
    rung_loop_defer(self->p, &self->tell);
}

void rung_net_pcap_tell_task(struct rung_task *task)
{
    rung_net_pcap_tell_now(rung_container_of(task, struct rung_net_pcap, tell), 0);
}

void rung_net_pcap_tell_again(struct rung_timer *timer)
{
    rung_net_pcap_tell_now(rung_container_of(timer, struct rung_net_pcap, again), 0);
}

static int netpcap_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_net_pcap *self = netpcap_of(net);
    if (self->gone)
        return RUNG_E_DOWN;
    if (self->live)
        return rung_net_pcap_live_send(self, f, n);
    net->stats.tx_dropped += n; /* a file is only read */
    for (unsigned i = 0; i < n; i++) {
        assert(rung_net_pcap_may_send(net, f[i]));
        f[i]->release(f[i]);
    }
    return (int)n;
}

/* Takes n frames, or all that there are, or as many as surely have room: what does not stays
 * where it is, in the kernel's ring or the file. */
static void netpcap_take(struct rung_net_pcap *self, unsigned n)
{
    bool more = true;
    while (more && self->out_count < n) {
        unsigned room = self->free_count / self->most_pages;
        unsigned ask = n - self->out_count;
        self->dry = room == 0;
        if (self->dry)
            return;
        if (ask > room)
            ask = room;
        more = self->live ? rung_net_pcap_live_fill(self, ask)
                          : rung_net_pcap_file_fill(self, ask);
    }
}

static int netpcap_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_pcap *self = netpcap_of(net);
    if (self->gone)
        return RUNG_E_DOWN;
    if (n == 0)
        return 0;
    self->out = f;
    self->out_count = 0;
    if (!self->ended)
        netpcap_take(self, n);
    self->out = NULL;
    if (self->live)
        rung_net_pcap_live_drops(self);
    if (self->gone && self->out_count == 0)
        return RUNG_E_DOWN;
    self->rx_waits = self->out_count < n;
    if (self->rx_waits && !self->gone) {
        self->events &= ~(unsigned)RUNG_NET_RX_READY; /* it would tell of what is taken already */
        if (self->live)
            rung_net_pcap_live_watch(self);
    }
    return (int)self->out_count;
}

void rung_net_pcap_closed(struct rung_net_pcap *self)
{
    rung_net_pcap_free(self);
    rung_op_finish(self->p, self->closing, RUNG_OK);
}

static void netpcap_end_task(struct rung_task *task)
{
    rung_net_pcap_closed(rung_container_of(task, struct rung_net_pcap, tell));
}

/* What is sent has gone to the kernel at once, so nothing of the caller's is left here. The memory
 * goes on a later turn: a close may come out of a release() in the midst of send(). */
static void netpcap_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_pcap *self = netpcap_of(net);
    assert(!self->closing && op->done);
    assert(!self->lent_count); /* frames that the caller holds are to be released first */
    op->cancel = NULL;
    self->closing = op;
    rung_timer_stop(self->p, &self->again);
    rung_loop_undefer(self->p, &self->tell);
    if (self->live) {
        rung_net_pcap_live_close(self);
        return;
    }
    self->tell.fn = netpcap_end_task;
    rung_loop_defer(self->p, &self->tell);
}

const struct rung_net_ops rung_net_pcap_net_ops = RUNG_NET_TABLE("net-pcap", netpcap);
