/* SPDX-License-Identifier: ISC */
/* stacks/net-pair/net_pair.c - NET, two links back to back: the data path. See net_pair.h. */
#include "net_pair.h"

#include <string.h>

#include "net_pair_impl.h"
#include "rung/heap.h"

#define PAIR_SCRIBBLE 0xa5 /* what the headroom of a frame is overwritten with */

static struct rung_net_pair_end *pair_end_of(struct rung_net *net)
{
    return rung_container_of(net, struct rung_net_pair_end, net);
}

static void pair_tell(struct rung_net_pair_end *end, unsigned events)
{
    if (!end->open)
        return;
    end->events |= events;
    rung_loop_defer(end->pair->p, &end->notify);
}

void rung_net_pair_notify(struct rung_task *task)
{
    struct rung_net_pair_end *end = rung_container_of(task, struct rung_net_pair_end, notify);
    unsigned events = end->events;
    end->events = 0;
    if (events && end->net.ready) {
        end->net.ready(&end->net, events, end->net.arg);
        return; /* it may have closed the link */
    }
    end->rx_waits |= (events & RUNG_NET_RX_READY) != 0; /* nobody heard it: the next frame tells */
    end->tx_waits |= (events & RUNG_NET_TX_READY) != 0;
}

static void pair_free_page(struct rung_net_pair_page *page)
{
    page->next = page->end->free_pages;
    page->end->free_pages = page;
    page->end->free_count++;
}

static void pair_free_frame(struct rung_net_pair_page *page)
{
    while (page) {
        struct rung_net_pair_page *rest = page->chain;
        pair_free_page(page);
        page = rest;
    }
}

void rung_net_pair_release(struct rung_frame *frame)
{
    struct rung_net_pair_page *page = rung_container_of(frame, struct rung_net_pair_page, frame);
    assert(page->lent);
    page->lent = false;
    page->end->lent_count--;
    pair_free_frame(page);
}

/* Takes a page for as many bytes as it and the frame have. */
static struct rung_net_pair_page *pair_take_page(struct rung_net_pair_end *end, size_t shift,
                                                 size_t left)
{
    struct rung_net_pair_page *page = end->free_pages;
    size_t room = RUNG_NET_PAIR_PAGE - shift;
    end->free_pages = page->next;
    end->free_count--;
    page->chain = NULL;
    page->next = NULL;
    page->frame = (struct rung_frame){
        .data = page->bytes + shift,
        .len = (uint32_t)(left < room ? left : room),
        .release = rung_net_pair_release,
    };
    return page;
}

/* Copies the frame into pages of the receiving end, of which there are enough. This is the wire's
 * one copy: the sender may use its bytes again at once, and the receiver may keep its own. */
static struct rung_net_pair_page *pair_copy(struct rung_net_pair_end *to,
                                            const struct rung_frame *f, size_t left)
{
    struct rung_net_pair_page *page = pair_take_page(to, RUNG_NET_PAIR_SHIFT, left);
    struct rung_net_pair_page *first = page;
    size_t filled = 0;
    first->frame.flags = f->flags & (RUNG_FRAME_CSUM | RUNG_FRAME_ECN);
    first->frame.gso_size = f->gso_size;
    first->frame.gso_type = f->gso_type;
    first->frame.hdr_len = f->hdr_len;
    first->frame.csum_start = f->csum_start;
    first->frame.csum_offset = f->csum_offset;
    for (; f; f = f->next) {
        for (size_t used = 0; used < f->len;) {
            if (filled == page->frame.len) {
                page->chain = pair_take_page(to, 0, left);
                page->frame.next = &page->chain->frame;
                page = page->chain;
                filled = 0;
            }
            size_t room = page->frame.len - filled;
            size_t part = f->len - used < room ? f->len - used : room;
            memcpy(page->frame.data + filled, f->data + used, part);
            filled += part;
            used += part;
            left -= part;
        }
    }
    return first;
}

/* Whether the address filter lets a frame in. The destination comes first, in the first fragment or
 * spread over several. */
static bool pair_lets_in(const struct rung_net_pair_end *end, const struct rung_frame *f)
{
    static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t to[6];
    size_t have = 0;
    if (!end->pair->filter)
        return true;
    for (; have < sizeof(to); f = f->next) {
        size_t part = f->len < sizeof(to) - have ? f->len : sizeof(to) - have;
        memcpy(to + have, f->data, part);
        have += part;
    }
    if (!(to[0] & 1))
        return memcmp(to, end->net.info.mac, sizeof(to)) == 0;
    if (end->all_groups || memcmp(to, everyone, sizeof(to)) == 0)
        return true;
    for (unsigned i = 0; i < end->group_count; i++) {
        if (memcmp(to, end->groups[i], sizeof(to)) == 0)
            return true;
    }
    return false;
}

static void pair_arrive(struct rung_net_pair_end *end, const struct rung_frame *f, size_t len)
{
    if (!pair_lets_in(end, f))
        return;
    if (end->free_count < rung_net_pair_pages(len)) {
        end->net.stats.rx_dropped++;
        return;
    }
    struct rung_net_pair_page *page = pair_copy(end, f, len);
    *end->received_end = page;
    end->received_end = &page->next;
    end->net.stats.rx_frames++;
    end->net.stats.rx_bytes += len;
    if (end->rx_waits) {
        end->rx_waits = false;
        pair_tell(end, RUNG_NET_RX_READY);
    }
}

static size_t pair_frame_len(const struct rung_frame *f)
{
    size_t len = 0;
    for (; f; f = f->next)
        len += f->len;
    return len;
}

static struct rung_frame *pair_dequeue(struct rung_net_pair_end *end)
{
    struct rung_frame *f = end->queue[end->queue_first];
    end->queue_first = (end->queue_first + 1) % end->pair->depth;
    end->queue_count--;
    return f;
}

static void pair_tell_room(struct rung_net_pair_end *end)
{
    if (end->tx_waits && end->queue_count < end->pair->depth) {
        end->tx_waits = false;
        pair_tell(end, RUNG_NET_TX_READY);
    }
}

/* Carries over what was queued when it started: a release() that sends does not keep it going. */
void rung_net_pair_carry(struct rung_task *task)
{
    struct rung_net_pair_end *end = rung_container_of(task, struct rung_net_pair_end, carry);
    unsigned n = end->queue_count;
    while (n-- && end->queue_count) {
        struct rung_frame *f = pair_dequeue(end);
        size_t len = pair_frame_len(f);
        end->net.stats.tx_frames++;
        end->net.stats.tx_bytes += len;
        pair_arrive(end->far, f, len);
        f->release(f);
    }
    if (end->queue_count)
        rung_loop_defer(end->pair->p, &end->carry);
    pair_tell_room(end);
}

static void pair_drop_queue(struct rung_net_pair_end *end)
{
    while (end->queue_count) {
        struct rung_frame *f = pair_dequeue(end);
        end->net.stats.tx_dropped++;
        f->release(f);
    }
}

/* What a caller owes a link: net.h, and the link's own info. */
static bool pair_may_send(const struct rung_net *net, const struct rung_frame *f)
{
    uint32_t caps = net->info.caps;
    size_t len = pair_frame_len(f);
    unsigned frags = 0;
    for (const struct rung_frame *part = f; part; part = part->next, frags++) {
        if (!part->len || !part->data)
            return false;
    }
    bool csum = (f->flags & RUNG_FRAME_CSUM) != 0;
    uint32_t tso = f->gso_type == RUNG_GSO_TCP4 ? RUNG_NET_TX_TSO4
                   : f->gso_type == RUNG_GSO_TCP6 ? RUNG_NET_TX_TSO6 : 0;
    if (!f->release || frags > net->info.max_frags || len < 14 || len > RUNG_FRAME_MAX)
        return false;
    if (csum && (!(caps & RUNG_NET_TX_CSUM)
                 || (size_t)f->csum_start + f->csum_offset + 2 > len))
        return false;
    if (!f->gso_size)
        return f->gso_type == RUNG_GSO_NONE && len <= 14u + net->info.mtu;
    return csum && tso && (caps & tso) && f->hdr_len && f->hdr_len <= f->len;
}

static int pair_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_net_pair_end *end = pair_end_of(net);
    unsigned k = 0;
    if (end->gone)
        return RUNG_E_DOWN;
    for (; k < n && (end->queue_count < end->pair->depth || !net->link_up); k++) {
        bool may = pair_may_send(net, f[k]);
        assert(may);
        memset(f[k]->data - net->info.headroom, PAIR_SCRIBBLE, net->info.headroom);
        if (!net->link_up || !may) {
            net->stats.tx_dropped++;
            f[k]->release(f[k]);
            continue;
        }
        end->queue[(end->queue_first + end->queue_count++) % end->pair->depth] = f[k];
    }
    if (end->queue_count)
        rung_loop_defer(end->pair->p, &end->carry);
    end->tx_waits |= k < n;
    return (int)k;
}

static int pair_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_pair_end *end = pair_end_of(net);
    unsigned k = 0;
    if (end->gone)
        return RUNG_E_DOWN;
    for (; k < n && end->received; k++) {
        struct rung_net_pair_page *page = end->received;
        end->received = page->next;
        if (!end->received)
            end->received_end = &end->received;
        page->lent = true;
        end->lent_count++;
        f[k] = &page->frame;
    }
    if (k < n) {
        end->rx_waits = true;
        end->events &= ~(unsigned)RUNG_NET_RX_READY; /* it would tell of what is taken already */
    }
    return (int)k;
}

static int pair_set_multicast(struct rung_net *net, const uint8_t (*groups)[6], unsigned n)
{
    struct rung_net_pair_end *end = pair_end_of(net);
    end->all_groups = n > RUNG_NET_PAIR_GROUPS;
    end->group_count = end->all_groups ? 0 : n;
    if (end->all_groups)
        return RUNG_E_LIMIT;
    if (n)
        memcpy(end->groups, groups, n * sizeof(end->groups[0]));
    return RUNG_OK;
}

static void pair_link(struct rung_net_pair_end *end, bool up)
{
    if (end->net.link_up == up)
        return;
    end->net.link_up = up;
    pair_tell(end, RUNG_NET_LINK);
    if (!up) {
        pair_drop_queue(end);
        pair_tell_room(end);
    }
}

void rung_net_pair_set_link(struct rung_net_pair *self, bool up)
{
    if (up && (self->near_end.gone || self->far_end.gone))
        return;
    pair_link(&self->near_end, up);
    pair_link(&self->far_end, up);
}

/* Takes an end out of service: what it owns goes back. */
static void pair_end_service(struct rung_net_pair_end *end)
{
    end->gone = true;
    end->net.link_up = false;
    rung_loop_undefer(end->pair->p, &end->carry);
    pair_drop_queue(end);
    while (end->received) {
        struct rung_net_pair_page *page = end->received;
        end->received = page->next;
        pair_free_frame(page);
    }
    end->received_end = &end->received;
}

void rung_net_pair_unplug(struct rung_net_pair *self)
{
    if (self->near_end.gone)
        return;
    pair_end_service(&self->near_end);
    pair_tell(&self->near_end, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
    pair_link(&self->far_end, false);
}

static void pair_end_close(struct rung_net_pair_end *end)
{
    if (!end->open)
        return;
    end->open = false;
    pair_end_service(end);
    rung_loop_undefer(end->pair->p, &end->notify);
    assert(!end->lent_count); /* frames that the caller holds are to be released first */
}

static void pair_closed(struct rung_task *task)
{
    struct rung_net_pair *pair = rung_container_of(task, struct rung_net_pair, close_task);
    struct rung_op *op = pair->closing;
    rung_free(pair->p, pair->queues);
    rung_free(pair->p, pair->pages);
    rung_free(pair->p, pair->bytes);
    op->done(op, RUNG_OK);
}

/* The memory goes on a later turn: a close may come out of a release() deep in the data path. */
static void pair_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_pair_end *end = pair_end_of(net);
    struct rung_net_pair *pair = end->pair;
    assert(end->open && op->done);
    pair_end_close(end);
    op->cancel = NULL;
    if (end == &pair->far_end) {
        pair_link(&pair->near_end, false);
        rung_op_finish(pair->p, op, RUNG_OK);
        return;
    }
    pair_end_close(&pair->far_end);
    pair->closing = op;
    pair->close_task.fn = pair_closed;
    rung_loop_defer(pair->p, &pair->close_task);
}

const struct rung_net_ops rung_net_pair_net_ops =
    RUNG_NET_TABLE("net-pair", pair, .set_multicast = pair_set_multicast);
