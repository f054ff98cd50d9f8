/* SPDX-License-Identifier: ISC */
/* stacks/capture/net_capture.c - NET around a NET: the data path. See net_capture.h. */
#include "net_capture.h"

#include <string.h>

#include "capture_impl.h"
#include "capture_pcapng.h"
#include "rung/clock.h"

enum { CAPTURE_BATCH = 64 }; /* frames that are recorded and passed on at a time */

#define CAPTURE_KEEP_NS (10 * RUNG_NS_PER_MS) /* how often is looked whether somebody listens now */

static struct rung_net_capture *capture_of(struct rung_net *net)
{
    return rung_container_of(net, struct rung_net_capture, net);
}

/* The link's facts are ours. It counts a frame as sent some time after it took it; ours is counted
 * at once, and taken back when the link has dropped it. */
static void capture_sync(struct rung_net_capture *capture)
{
    const struct rung_net_stats *link = &capture->link->stats;
    struct rung_net_stats *stats = &capture->net.stats;
    if (link->tx_frames + link->tx_dropped == capture->sent)
        capture->sent_bytes = link->tx_bytes; /* without those it dropped */
    *stats = *link;
    stats->tx_frames = capture->sent - link->tx_dropped;
    stats->tx_bytes = capture->sent_bytes;
    capture->net.link_up = capture->link->link_up;
}

static void capture_tell(struct rung_net_capture *capture)
{
    unsigned events = capture->kept_events;
    if (!capture->net.ready) {
        rung_timer_start(capture->p, &capture->keep, CAPTURE_KEEP_NS);
        return;
    }
    capture->kept_events = 0;
    capture->net.ready(&capture->net, events, capture->net.arg); /* it may close the link */
}

void rung_capture_on_keep(struct rung_timer *timer)
{
    capture_tell(rung_container_of(timer, struct rung_net_capture, keep));
}

/* The link has told us, so it will not tell again: what nobody hears yet is kept here. */
void rung_capture_on_ready(struct rung_net *link, unsigned events, void *arg)
{
    struct rung_net_capture *capture = arg;
    (void)link;
    capture_sync(capture);
    capture->kept_events |= events;
    capture_tell(capture);
}

/* What the link has taken it may release at once: the copy is made before, and taken back if the
 * frame stays. A release() may send more through us meanwhile. */
static int capture_send_some(struct rung_net_capture *capture, struct rung_frame *const f[],
                             unsigned n)
{
    struct rung_capture_mark marks[CAPTURE_BATCH];
    uint64_t time_ns = capture->recording ? rung_clock_wall_ns(capture->p) : 0;
    for (unsigned i = 0; i < n; i++)
        rung_capture_record(capture, &marks[i], f[i], time_ns, RUNG_PCAPNG_OUT);
    int k = rung_net_send(capture->link, f, n);
    unsigned gone = k > 0 ? (unsigned)k : 0;
    for (unsigned i = n; i-- > gone;)
        rung_capture_stayed(capture, &marks[i]);
    for (unsigned i = 0; i < gone; i++) {
        rung_capture_gone(capture, &marks[i]);
        capture->sent_bytes += marks[i].len;
    }
    capture->sent += gone;
    return k;
}

static int capture_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_net_capture *capture = capture_of(net);
    unsigned done = 0;
    int k;
    if (!n) /* f may be NULL */
        return rung_net_send(capture->link, f, 0);
    do {
        unsigned some = n - done < CAPTURE_BATCH ? n - done : CAPTURE_BATCH;
        k = capture_send_some(capture, f + done, some);
        if (k > 0)
            done += (unsigned)k;
        if (k < (int)some)
            break;
    } while (done < n);
    capture_sync(capture);
    rung_capture_write_soon(capture);
    return done > 0 || k >= 0 ? (int)done : k;
}

/* The kind of destination, which comes first in the frame, perhaps spread over fragments. */
static uint32_t capture_kind(const struct rung_net_capture *capture, const struct rung_frame *f)
{
    static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t to[6] = {0};
    size_t have = 0;
    for (; f && have < sizeof(to); f = f->next) {
        size_t part = f->len < sizeof(to) - have ? f->len : sizeof(to) - have;
        memcpy(to + have, f->data, part);
        have += part;
    }
    if (to[0] & 1)
        return memcmp(to, everyone, sizeof(to)) == 0 ? RUNG_PCAPNG_BROADCAST
                                                     : RUNG_PCAPNG_MULTICAST;
    return memcmp(to, capture->net.info.mac, sizeof(to)) == 0 ? RUNG_PCAPNG_UNICAST
                                                              : RUNG_PCAPNG_PROMISCUOUS;
}

static int capture_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_capture *capture = capture_of(net);
    int k = rung_net_recv(capture->link, f, n);
    if (k > 0 && capture->recording) {
        uint64_t time_ns = rung_clock_wall_ns(capture->p);
        for (int i = 0; i < k; i++) {
            struct rung_capture_mark mark;
            rung_capture_record(capture, &mark, f[i], time_ns,
                                RUNG_PCAPNG_IN | capture_kind(capture, f[i]));
            rung_capture_gone(capture, &mark);
        }
        rung_capture_write_soon(capture);
    } else if (k > 0) {
        capture->seen += (unsigned)k;
    }
    capture_sync(capture);
    return k;
}

static int capture_set_multicast(struct rung_net *net, const uint8_t (*groups)[6], unsigned n)
{
    return rung_net_set_multicast(capture_of(net)->link, groups, n);
}

static void capture_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_capture *capture = capture_of(net);
    assert(!capture->closed && op->done);
    capture->closed = true;
    op->cancel = NULL;
    capture->link->ready = NULL;
    capture->link->arg = NULL;
    rung_timer_stop(capture->p, &capture->keep);
    rung_capture_finish(capture, op);
}

const struct rung_net_ops rung_net_capture_net_ops =
    RUNG_NET_TABLE("net-capture", capture, .set_multicast = capture_set_multicast);
