/* SPDX-License-Identifier: ISC */
/* stacks/fault/net_fault_flow.c - what befalls a frame, and how it gets to the other side. */
#include "fault_copy.h"
#include "fault_impl.h"
#include "fault_segment.h"

enum { FLOW_TURN = 256 }; /* frames that are fetched in one turn of the loop, if nobody asks */

bool rung_fault_has_room(const struct rung_net_fault *fault, unsigned way)
{
    return fault->ways[way].line.used < rung_net_fault_key_queue(fault->keys);
}

static uint32_t flow_headroom(const struct rung_net_fault *fault, unsigned way)
{
    return way == RUNG_FAULT_TX ? fault->net.info.headroom : 0;
}

static void flow_enter(struct rung_net_fault *fault, unsigned way, struct rung_frame *f,
                       const struct rung_fault_fate *fate)
{
    struct rung_fault_way *w = &fault->ways[way];
    uint64_t due_ns = rung_loop_now_ns(fault->p) + fate->delay_ns;
    struct rung_frame *twin = NULL;
    /* A copy and not the same bytes twice: the link may write its sum into a frame to send, and the
     * borrower anything into a lent one. */
    if (fate->duplicated && w->line.free && w->line.free->next)
        twin = rung_fault_copy(fault->p, f, flow_headroom(fault, way));
    w->overtaken += fate->overtaken > 0;
    rung_fault_line_enter(&w->line, f, due_ns, fate->overtaken);
    if (twin) {
        w->duplicated++;
        rung_fault_line_enter(&w->line, twin, due_ns, fate->overtaken);
    }
}

/* Changes one bit. A link that still has to make the frame's sum would make a right one for wrong
 * bytes, and a frame said to be verified would not be looked at: damage that no wire does. So the
 * sum is made here, before, and the flags go. For the same reason a super-frame is cut here, and
 * one of its segments corrupted. The bytes of a frame to send are the sender's and stay as they
 * are, for it may send them again; those of a lent one may be changed. */
static struct rung_frame *flow_corrupt(struct rung_net_fault *fault, unsigned way,
                                       struct rung_frame *f, uint64_t place)
{
    if (way == RUNG_FAULT_TX) {
        struct rung_frame *copy = rung_fault_copy(fault->p, f, flow_headroom(fault, way));
        f->release(f);
        f = copy;
    }
    if (!f)
        return NULL;
    rung_fault_finish_sum(f); /* if it cannot be, the frame was broken before */
    f->flags &= (uint16_t)~(RUNG_FRAME_CSUM | RUNG_FRAME_VERIFIED);
    rung_fault_flip(f, place);
    return f;
}

/* Cuts a super-frame. corrupt: NULL, or chance for which bit of which segment is changed. */
static void flow_cut(struct rung_net_fault *fault, unsigned way, struct rung_frame *f,
                     const struct rung_fault_fate *fate, const uint64_t *corrupt)
{
    struct rung_fault_way *w = &fault->ways[way];
    struct rung_frame *segments[RUNG_FAULT_SEGMENTS];
    unsigned n = rung_fault_segment(fault->p, f, flow_headroom(fault, way), segments);
    f->release(f);
    if (!n)
        w->broken++;
    if (n && corrupt)
        rung_fault_flip(segments[*corrupt % n], *corrupt / n);
    for (unsigned i = 0; i < n; i++) {
        struct rung_fault_fate each = fate ? *fate : rung_fault_roll(&w->dice, &w->shares);
        if (!fate && each.corrupted)
            rung_fault_flip(segments[i], each.place);
        w->corrupted += !fate && each.corrupted;
        if (fault->gone || each.lost) {
            w->lost += each.lost;
            segments[i]->release(segments[i]);
        } else {
            flow_enter(fault, way, segments[i], &each);
        }
    }
}

static bool flow_fits(const struct rung_net_fault *fault, const struct rung_frame *f)
{
    uint32_t longest = 14u + fault->net.info.mtu;
    return f->gso_size ? (uint32_t)f->hdr_len + f->gso_size <= longest
                       : rung_fault_len(f) <= longest;
}

void rung_fault_admit(struct rung_net_fault *fault, unsigned way, struct rung_frame *f)
{
    struct rung_fault_way *w = &fault->ways[way];
    if (!flow_fits(fault, f)) {
        w->too_long++;
        f->release(f);
        return;
    }
    if (fault->plain && way == RUNG_FAULT_RX) {
        if (f->gso_size) {
            flow_cut(fault, way, f, NULL, NULL);
            return;
        }
        rung_fault_finish_sum(f); /* a broken one is for the stack to see */
        f->flags = 0;
    }
    struct rung_fault_fate fate = rung_fault_roll(&w->dice, &w->shares);
    if (fate.lost) {
        w->lost++;
        f->release(f);
        return;
    }
    if (fate.corrupted && f->gso_size) {
        w->corrupted++;
        flow_cut(fault, way, f, &fate, &fate.place);
        return;
    }
    if (fate.corrupted) {
        f = flow_corrupt(fault, way, f, fate.place);
        w->corrupted += f != NULL;
        w->broken += f == NULL;
    }
    if (f && !fault->gone)
        flow_enter(fault, way, f, &fate);
    else if (f)
        f->release(f);
}

/* The frames are measured before: what the link has taken is not ours to look at. */
int rung_fault_hand_on(struct rung_net_fault *fault, struct rung_frame *const f[], unsigned n)
{
    struct rung_fault_way *tx = &fault->ways[RUNG_FAULT_TX];
    unsigned done = 0;
    int k;
    if (!n) /* f may be NULL */
        return rung_net_send(fault->link, f, 0);
    do {
        uint32_t len[RUNG_FAULT_BATCH];
        unsigned some = n - done < RUNG_FAULT_BATCH ? n - done : RUNG_FAULT_BATCH;
        for (unsigned i = 0; i < some; i++)
            len[i] = rung_fault_len(f[done + i]);
        k = rung_net_send(fault->link, f + done, some);
        for (int i = 0; i < k; i++)
            tx->bytes += len[i];
        if (k > 0) {
            tx->passed += (unsigned)k;
            done += (unsigned)k;
        }
        if (k < (int)some)
            break;
    } while (done < n);
    return done > 0 || k >= 0 ? (int)done : k;
}

/* A release() that the link runs may send: what it sends enters the line behind, and the loop here
 * hands it on. It may close us: then what the link did not take goes back. */
void rung_fault_send_on(struct rung_net_fault *fault)
{
    struct rung_fault_line *line = &fault->ways[RUNG_FAULT_TX].line;
    struct rung_frame *batch[RUNG_FAULT_BATCH];
    if (fault->sending)
        return;
    fault->sending = true;
    for (;;) {
        unsigned n = 0;
        rung_fault_line_move(line, rung_loop_now_ns(fault->p));
        while (n < RUNG_FAULT_BATCH && (batch[n] = rung_fault_line_pick(line)) != NULL)
            n++;
        if (!n)
            break;
        int k = rung_fault_hand_on(fault, batch, n);
        if (k < 0)
            rung_fault_gone(fault);
        for (unsigned left = n; left-- > (k > 0 ? (unsigned)k : 0);) {
            if (fault->gone) {
                fault->ways[RUNG_FAULT_TX].lost++;
                batch[left]->release(batch[left]);
            } else {
                rung_fault_line_unpick(line, batch[left]);
            }
        }
        if (k < (int)n)
            break;
    }
    fault->sending = false;
}

void rung_fault_fetch(struct rung_net_fault *fault)
{
    struct rung_fault_line *line = &fault->ways[RUNG_FAULT_RX].line;
    unsigned budget = FLOW_TURN;
    while (rung_fault_has_room(fault, RUNG_FAULT_RX)) {
        if (!budget) { /* a flood of which all is lost must not keep the loop from other things */
            rung_loop_defer(fault->p, &fault->more);
            break;
        }
        struct rung_frame *batch[RUNG_FAULT_BATCH];
        unsigned n = fault->plain ? 1 : rung_net_fault_key_queue(fault->keys) - line->used;
        n = n < RUNG_FAULT_BATCH ? n : RUNG_FAULT_BATCH;
        n = n < budget ? n : budget;
        budget -= n;
        int k = rung_net_recv(fault->link, batch, n);
        if (k < 0) {
            rung_fault_gone(fault);
            return;
        }
        for (int i = 0; i < k; i++)
            rung_fault_admit(fault, RUNG_FAULT_RX, batch[i]);
        if (k < (int)n)
            break;
    }
    rung_fault_line_move(line, rung_loop_now_ns(fault->p));
}

void rung_fault_strike(struct rung_net_fault *fault, unsigned way, bool all)
{
    struct rung_fault_way *w = &fault->ways[way];
    struct rung_frame *f;
    while ((f = rung_fault_line_strike(&w->line)) != NULL
           || (all && (f = rung_fault_line_pick(&w->line)) != NULL)) {
        w->lost++;
        f->release(f);
    }
}
