/* SPDX-License-Identifier: ISC */
/* test/support/test_net.c - see test_net.h. */
#include "test_net.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct test_net *link_of(struct rung_net *net)
{
    return rung_container_of(net, struct test_net, net);
}

static void link_on_notify(struct rung_task *task)
{
    struct test_net *link = rung_container_of(task, struct test_net, notify);
    unsigned events = link->events;
    link->events = 0;
    if (link->net.ready)
        link->net.ready(&link->net, events, link->net.arg);
    else
        link->events = events;
}

static void link_tell(struct test_net *link, unsigned events)
{
    link->events |= events;
    rung_loop_defer(link->p, &link->notify);
}

static struct test_net_frame *link_frame(struct test_net *link, uint32_t len)
{
    struct test_net_frame *frame = calloc(1, sizeof(*frame));
    assert_non_null(frame);
    frame->link = link;
    frame->len = len;
    frame->bytes = malloc(len);
    assert_non_null(frame->bytes);
    return frame;
}

static void link_check(const struct test_net *link, const struct rung_frame *f, uint32_t len)
{
    uint32_t caps = link->net.info.caps;
    unsigned frags = 0;
    for (const struct rung_frame *part = f; part; part = part->next, frags++)
        assert_true(part->len > 0);
    assert_in_range(frags, 1, link->net.info.max_frags);
    assert_in_range(len, 14, RUNG_FRAME_MAX);
    assert_non_null(f->release);
    if (f->flags & RUNG_FRAME_CSUM) {
        assert_true(caps & RUNG_NET_TX_CSUM);
        assert_true((uint32_t)f->csum_start + f->csum_offset + 2 <= len);
    }
    if (!f->gso_size) {
        assert_int_equal(f->gso_type, RUNG_GSO_NONE);
        assert_true(len <= 14u + link->net.info.mtu);
        return;
    }
    assert_true(caps & (f->gso_type == RUNG_GSO_TCP4 ? RUNG_NET_TX_TSO4 : RUNG_NET_TX_TSO6));
    assert_true(f->flags & RUNG_FRAME_CSUM);
    assert_in_range(f->hdr_len, 1, f->len);
}

static void link_take(struct test_net *link, struct rung_frame *f)
{
    uint32_t len = 0;
    for (struct rung_frame *part = f; part; part = part->next)
        len += part->len;
    link_check(link, f, len);
    struct test_net_frame *frame = link_frame(link, len);
    uint32_t at = 0;
    for (struct rung_frame *part = f; part; part = part->next) {
        memcpy(frame->bytes + at, part->data, part->len);
        at += part->len;
    }
    frame->frame = *f;
    frame->held = f;
    memset(f->data - link->net.info.headroom, 0xa5, link->net.info.headroom);
    *link->sent_end = frame;
    link->sent_end = &frame->next;
    link->net.stats.tx_frames++;
    link->net.stats.tx_bytes += len;
    if (!link->hold) {
        frame->held = NULL;
        f->release(f);
    }
}

static int link_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct test_net *link = link_of(net);
    unsigned k = 0;
    if (link->gone)
        return RUNG_E_DOWN;
    link->calls += n > 0;
    for (; k < n && (link->room > 0 || !net->link_up); k++) {
        if (!net->link_up) {
            net->stats.tx_dropped++;
            f[k]->release(f[k]);
            continue;
        }
        link->room -= link->room != UINT_MAX;
        link_take(link, f[k]);
    }
    link->tx_waits |= k < n;
    return (int)k;
}

static void link_release(struct rung_frame *f)
{
    struct test_net_frame *frame = rung_container_of(f, struct test_net_frame, frame);
    assert_true(frame->link->lent > 0);
    frame->link->lent--;
    test_net_free(frame);
}

static int link_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct test_net *link = link_of(net);
    unsigned k = 0;
    if (link->gone)
        return RUNG_E_DOWN;
    for (; k < n && link->waiting; k++) {
        struct test_net_frame *frame = link->waiting;
        link->waiting = frame->next;
        if (!link->waiting)
            link->waiting_end = &link->waiting;
        link->lent++;
        f[k] = &frame->frame;
    }
    link->rx_waits |= k < n;
    return (int)k;
}

static void link_close(struct rung_net *net, struct rung_op *op)
{
    struct test_net *link = link_of(net);
    link->gone = true;
    rung_loop_undefer(link->p, &link->notify);
    test_net_release(link);
    for (struct test_net_frame *frame; (frame = test_net_take(link)) != NULL;)
        test_net_free(frame);
    while (link->waiting) {
        struct test_net_frame *frame = link->waiting;
        link->waiting = frame->next;
        test_net_free(frame);
    }
    assert_int_equal(link->lent, 0);
    rung_op_finish(link->p, op, RUNG_OK);
}

void test_net_open(struct test_net *link, struct rung_platform *p, uint32_t caps)
{
    static const struct rung_net_ops ops = RUNG_NET_TABLE("test-net", link, .set_multicast = NULL);
    memset(link, 0, sizeof(*link));
    rung_net_init(&link->net, &ops);
    link->net.info = (struct rung_net_info){
        .mac = {0x02, 0, 0, 0, 0, 1}, .mtu = 1500, .headroom = 12,
        .max_frags = caps & RUNG_NET_TX_SG ? 18 : 1, .caps = caps,
    };
    link->net.link_up = true;
    link->p = p;
    link->room = UINT_MAX;
    link->rx_waits = true;
    link->sent_end = &link->sent;
    link->waiting_end = &link->waiting;
    link->notify.fn = link_on_notify;
}

struct test_net_frame *test_net_take(struct test_net *link)
{
    struct test_net_frame *frame = link->sent;
    if (!frame)
        return NULL;
    link->sent = frame->next;
    if (!link->sent)
        link->sent_end = &link->sent;
    return frame;
}

void test_net_free(struct test_net_frame *frame)
{
    assert_null(frame->held);
    free(frame->bytes);
    free(frame);
}

void test_net_put(struct test_net *link, const void *bytes, uint32_t len,
                  const struct rung_frame *as)
{
    struct test_net_frame *frame = link_frame(link, len);
    memcpy(frame->bytes, bytes, len);
    if (as)
        frame->frame = *as;
    frame->frame.next = NULL;
    frame->frame.data = frame->bytes;
    frame->frame.len = len;
    frame->frame.release = link_release;
    if (link->cut && link->cut < len) {
        frame->second = (struct rung_frame){.data = frame->bytes + link->cut,
                                            .len = len - link->cut};
        frame->frame.next = &frame->second;
        frame->frame.len = link->cut;
    }
    *link->waiting_end = frame;
    link->waiting_end = &frame->next;
    link->net.stats.rx_frames++;
    link->net.stats.rx_bytes += len;
    if (link->rx_waits) {
        link->rx_waits = false;
        link_tell(link, RUNG_NET_RX_READY);
    }
}

void test_net_set_room(struct test_net *link, unsigned room)
{
    link->room = room;
    if (room > 0 && link->tx_waits) {
        link->tx_waits = false;
        link_tell(link, RUNG_NET_TX_READY);
    }
}

void test_net_release(struct test_net *link)
{
    for (struct test_net_frame *frame = link->sent; frame; frame = frame->next) {
        struct rung_frame *f = frame->held;
        frame->held = NULL;
        if (f)
            f->release(f);
    }
}

void test_net_set_link(struct test_net *link, bool up)
{
    link->net.link_up = up;
    link_tell(link, RUNG_NET_LINK);
}

void test_net_unplug(struct test_net *link)
{
    link->gone = true;
    link->net.link_up = false;
    link_tell(link, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
}

static void out_release(struct rung_frame *f)
{
    rung_container_of(f, struct test_net_out, frame)->released++;
}

void test_net_out(struct test_net_out *out, uint32_t len)
{
    memset(out, 0, sizeof(*out));
    assert_in_range(len, 1, sizeof(out->bytes));
    out->frame = (struct rung_frame){.data = out->bytes, .len = len, .release = out_release};
}
