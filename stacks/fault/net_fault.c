/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault.c - NET around a NET: the calls, the events, the end. See net_fault.h. */
#include "net_fault.h"

#include "fault_copy.h"
#include "fault_impl.h"
#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"

#define FAULT_KEEP_NS (10 * RUNG_NS_PER_MS) /* how often is looked whether somebody listens now */

static struct rung_net_fault *fault_of(struct rung_net *net)
{
    return rung_container_of(net, struct rung_net_fault, net);
}

static uint64_t fault_losses(const struct rung_fault_way *way)
{
    return way->lost + way->too_long + way->broken;
}

/* The link counts a frame as sent some time after it took it; ours is counted at once, and taken
 * back when the link has dropped it. */
void rung_fault_sync(struct rung_net_fault *fault)
{
    const struct rung_net_stats *link = &fault->link->stats;
    struct rung_fault_way *tx = &fault->ways[RUNG_FAULT_TX], *rx = &fault->ways[RUNG_FAULT_RX];
    struct rung_net_stats *stats = &fault->net.stats;
    if (link->tx_frames + link->tx_dropped == tx->passed)
        tx->bytes = link->tx_bytes; /* without those it dropped */
    stats->tx_frames = tx->passed - link->tx_dropped;
    stats->tx_bytes = tx->bytes;
    stats->tx_dropped = link->tx_dropped + fault_losses(tx);
    stats->rx_frames = rx->active ? rx->passed : link->rx_frames;
    stats->rx_bytes = rx->active ? rx->bytes : link->rx_bytes;
    stats->rx_dropped = link->rx_dropped + fault_losses(rx);
}

void rung_fault_tell(struct rung_net_fault *fault, unsigned events)
{
    fault->events |= events;
    if (fault->events && !fault->closed)
        rung_loop_defer(fault->p, &fault->notify);
}

/* What nobody hears yet is kept: the link has told us, and will not tell again. */
static void fault_notify(struct rung_net_fault *fault)
{
    unsigned events = fault->events;
    if (!events)
        return;
    if (!fault->net.ready) {
        rung_timer_start(fault->p, &fault->keep, FAULT_KEEP_NS);
        return;
    }
    fault->events = 0;
    fault->net.ready(&fault->net, events, fault->net.arg); /* it may close us */
}

void rung_fault_on_notify(struct rung_task *task)
{
    fault_notify(rung_container_of(task, struct rung_net_fault, notify));
}

void rung_fault_on_keep(struct rung_timer *timer)
{
    fault_notify(rung_container_of(timer, struct rung_net_fault, keep));
}

void rung_fault_gone(struct rung_net_fault *fault)
{
    if (fault->gone)
        return;
    fault->gone = true;
    fault->net.link_up = false;
    rung_fault_strike(fault, RUNG_FAULT_TX, true);
    rung_fault_strike(fault, RUNG_FAULT_RX, true);
    rung_fault_tell(fault, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
}

void rung_fault_arm(struct rung_net_fault *fault)
{
    uint64_t tx_due = rung_fault_line_due(&fault->ways[RUNG_FAULT_TX].line);
    uint64_t rx_due = rung_fault_line_due(&fault->ways[RUNG_FAULT_RX].line);
    uint64_t due_ns = tx_due < rx_due ? tx_due : rx_due, now_ns = rung_loop_now_ns(fault->p);
    if (due_ns == UINT64_MAX || fault->closed)
        rung_timer_stop(fault->p, &fault->timer);
    else if (!fault->timer.active || fault->timer.due_ns != due_ns)
        rung_timer_start(fault->p, &fault->timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

/* Whom frames have arrived for, and who waits for room, hears of it. */
static void fault_tell_news(struct rung_net_fault *fault)
{
    unsigned events = 0;
    if (fault->rx_waits && fault->ways[RUNG_FAULT_RX].line.arrived.first) {
        fault->rx_waits = false;
        events |= RUNG_NET_RX_READY;
    }
    if (fault->tx_waits && rung_fault_has_room(fault, RUNG_FAULT_TX)) {
        fault->tx_waits = false;
        events |= RUNG_NET_TX_READY;
    }
    rung_fault_tell(fault, events);
    rung_fault_arm(fault);
    rung_fault_sync(fault);
}

static void fault_move(struct rung_net_fault *fault)
{
    rung_fault_send_on(fault);
    if (fault->ways[RUNG_FAULT_RX].active && !fault->gone)
        rung_fault_fetch(fault);
    fault_tell_news(fault);
}

void rung_fault_on_timer(struct rung_timer *timer)
{
    fault_move(rung_container_of(timer, struct rung_net_fault, timer));
}

void rung_fault_on_more(struct rung_task *task)
{
    fault_move(rung_container_of(task, struct rung_net_fault, more));
}

static void fault_link_changed(struct rung_net_fault *fault)
{
    fault->net.link_up = fault->link->link_up;
    if (fault->net.link_up)
        return;
    rung_fault_strike(fault, RUNG_FAULT_TX, true);
    rung_fault_strike(fault, RUNG_FAULT_RX, false); /* what has arrived has left the wire */
    if (!fault->gone && rung_net_send(fault->link, NULL, 0) < 0)
        rung_fault_gone(fault);
}

void rung_fault_on_ready(struct rung_net *link, unsigned events, void *arg)
{
    struct rung_net_fault *fault = arg;
    unsigned pass = events & RUNG_NET_LINK;
    (void)link;
    if (fault->gone) /* it was noticed in a call, and has been told */
        return;
    if (events & RUNG_NET_LINK)
        fault_link_changed(fault);
    if (!fault->ways[RUNG_FAULT_TX].active)
        pass |= events & RUNG_NET_TX_READY;
    else if ((events & RUNG_NET_TX_READY) && !fault->gone)
        rung_fault_send_on(fault);
    if (!fault->ways[RUNG_FAULT_RX].active)
        pass |= events & RUNG_NET_RX_READY;
    else if ((events & RUNG_NET_RX_READY) && !fault->gone)
        rung_fault_fetch(fault);
    rung_fault_tell(fault, pass);
    fault_tell_news(fault);
}

static int fault_send_through(struct rung_net_fault *fault, struct rung_frame *const f[],
                              unsigned n)
{
    unsigned k = 0;
    if (rung_net_send(fault->link, NULL, 0) < 0) {
        rung_fault_gone(fault);
        return RUNG_E_DOWN;
    }
    while (k < n && !fault->gone && rung_fault_has_room(fault, RUNG_FAULT_TX)) {
        while (k < n && !fault->gone && rung_fault_has_room(fault, RUNG_FAULT_TX)) {
            if (fault->link->link_up) {
                rung_fault_admit(fault, RUNG_FAULT_TX, f[k]);
            } else {
                fault->ways[RUNG_FAULT_TX].lost++;
                f[k]->release(f[k]);
            }
            k++;
        }
        rung_fault_send_on(fault);
    }
    fault->tx_waits |= k < n;
    fault_tell_news(fault);
    return (int)k;
}

static int fault_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_net_fault *fault = fault_of(net);
    if (fault->gone)
        return RUNG_E_DOWN;
    if (fault->ways[RUNG_FAULT_TX].active)
        return fault_send_through(fault, f, n);
    int k = rung_fault_hand_on(fault, f, n);
    rung_fault_sync(fault);
    return k;
}

static int fault_recv_through(struct rung_net_fault *fault, struct rung_frame *f[], unsigned n)
{
    struct rung_fault_way *rx = &fault->ways[RUNG_FAULT_RX];
    struct rung_frame *next;
    unsigned k = 0, before;
    do {
        before = k;
        rung_fault_fetch(fault);
        for (; k < n && (next = rung_fault_line_pick(&rx->line)) != NULL; f[k++] = next) {
            rx->passed++;
            rx->bytes += rung_fault_len(next);
        }
    } while (k < n && k > before); /* there is room again, and perhaps more behind */
    if (fault->gone && !k)
        return RUNG_E_DOWN;
    if (k < n) {
        fault->rx_waits = true;
        fault->events &= ~(unsigned)RUNG_NET_RX_READY; /* it would tell of what is taken already */
    }
    fault_tell_news(fault);
    return (int)k;
}

static int fault_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_fault *fault = fault_of(net);
    if (fault->gone)
        return RUNG_E_DOWN;
    if (fault->ways[RUNG_FAULT_RX].active)
        return fault_recv_through(fault, f, n);
    int k = rung_net_recv(fault->link, f, n);
    rung_fault_sync(fault);
    return k;
}

static int fault_set_multicast(struct rung_net *net, const uint8_t (*groups)[6], unsigned n)
{
    return rung_net_set_multicast(fault_of(net)->link, groups, n);
}

static void fault_sum_up(const struct rung_net_fault *fault, unsigned way)
{
    const struct rung_fault_way *w = &fault->ways[way];
    if (!w->active)
        return;
    rung_log(fault->p, RUNG_LOG_INFO, fault->keys->slot,
             "%s: %llu frames passed, %llu of them twice, %llu overtaken, %llu corrupted; %llu "
             "lost, %llu too long, %llu broken", way == RUNG_FAULT_TX ? "sent" : "received",
             (unsigned long long)w->passed, (unsigned long long)w->duplicated,
             (unsigned long long)w->overtaken, (unsigned long long)w->corrupted,
             (unsigned long long)w->lost, (unsigned long long)w->too_long,
             (unsigned long long)w->broken);
}

static void fault_on_close(struct rung_task *task)
{
    struct rung_net_fault *fault = rung_container_of(task, struct rung_net_fault, close_task);
    rung_free(fault->p, fault->slots);
    fault->closing->done(fault->closing, RUNG_OK);
}

/* The memory goes on a later turn: a close may come out of a release() deep in the data path. */
static void fault_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_fault *fault = fault_of(net);
    assert(!fault->closed && op->done);
    fault->closed = fault->gone = true;
    op->cancel = NULL;
    fault->link->ready = NULL;
    fault->link->arg = NULL;
    rung_loop_undefer(fault->p, &fault->notify);
    rung_loop_undefer(fault->p, &fault->more);
    rung_timer_stop(fault->p, &fault->keep);
    rung_timer_stop(fault->p, &fault->timer);
    fault_sum_up(fault, RUNG_FAULT_TX);
    fault_sum_up(fault, RUNG_FAULT_RX);
    rung_fault_strike(fault, RUNG_FAULT_TX, true);
    rung_fault_strike(fault, RUNG_FAULT_RX, true);
    fault->closing = op;
    fault->close_task.fn = fault_on_close;
    rung_loop_defer(fault->p, &fault->close_task);
}

const struct rung_net_ops rung_net_fault_net_ops =
    RUNG_NET_TABLE("net-fault", fault, .set_multicast = fault_set_multicast);
