/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_tx.c - sends batches of frames: one look at the ring for all of them,
 * and one notification at most, at the end. */
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"

enum tx_fate { TX_FULL, TX_RELEASE, TX_KEEP };

uint32_t rung_netfront_room(const struct rung_netfront *nf)
{
    uint32_t ring = NETFRONT_RING - (nf->tx.prod - nf->tx.cons);
    return ring < nf->tx.free_count ? ring : nf->tx.free_count;
}

/* Length of all fragments; *copy: of the first ones that are copied. 0: no frame. */
static uint32_t tx_measure(const struct rung_frame *f, uint32_t *copy)
{
    uint32_t len = 0;
    bool fits = true;
    *copy = 0;
    for (; f; f = f->next) {
        if (f->len == 0 || f->len > RUNG_FRAME_MAX - len)
            return 0;
        len += f->len;
        fits = fits && len <= NETFRONT_HEAD;
        if (fits)
            *copy = len;
    }
    if (len <= NETFRONT_CELL)
        *copy = len;
    return len;
}

static void tx_plan(const struct rung_netfront *nf, const struct rung_frame *f, uint32_t len,
                    uint32_t copy, struct netfront_piece *piece)
{
    *piece = (struct netfront_piece){
        .head = f->data, .from = {f, 0}, .copy_len = copy, .rest_len = len - copy,
        .gather = !nf->trusted, .csum_start = f->csum_start, .csum_offset = f->csum_offset,
    };
    if (f->flags & RUNG_FRAME_CSUM) {
        piece->sum = !f->gso_size && !rung_netfront_head_sums(f, nf->sum6);
        piece->gather |= piece->sum;
        if (!piece->sum)
            piece->flags = NETTXF_csum_blank | NETTXF_data_validated;
    }
    /* A super-frame of one segment is none to Linux, which drops it. */
    if (f->gso_size && len - f->hdr_len > f->gso_size) {
        piece->gso_size = f->gso_size;
        piece->gso_type = f->gso_type;
    }
}

/* How many slots of the ring it takes, extra info too. */
static uint32_t tx_slots(const struct netfront_piece *piece)
{
    struct netfront_cursor rest = piece->from;
    uint32_t extra = piece->gso_size ? 1 : 0;
    if (piece->gather)
        return extra + (piece->copy_len + piece->rest_len + RUNG_XEN_PAGE - 1) / RUNG_XEN_PAGE;
    if (piece->rest_len == 0)
        return extra + 1;
    rung_netfront_skip(&rest, piece->copy_len);
    return extra + (piece->copy_len > 0) + rung_netfront_count(rest, piece->rest_len);
}

/* Misuse asserts; in a build without assertions such a frame is lost. */
static bool tx_is_sound(const struct rung_netfront *nf, const struct rung_frame *f, uint32_t len)
{
    bool super = f->gso_size > 0;
    bool sound = len >= 14 && (super || len <= NETFRONT_PACKET_MAX)
                 && (super == (f->gso_type != RUNG_GSO_NONE))
                 && (!super || ((f->flags & RUNG_FRAME_CSUM) && f->hdr_len > 14
                                && f->hdr_len <= f->len && f->hdr_len < len))
                 && (!(f->flags & RUNG_FRAME_CSUM) || (nf->net.info.caps & RUNG_NET_TX_CSUM));
    assert(sound);
    return sound;
}

static enum tx_fate tx_dropped(struct rung_netfront *nf)
{
    nf->net.stats.tx_dropped++;
    return TX_RELEASE;
}

static bool tx_has_room(struct rung_netfront *nf, uint32_t slots)
{
    if (rung_netfront_room(nf) < slots)
        rung_netfront_collect(nf);
    return nf->tx.ring && rung_netfront_room(nf) >= slots;
}

/* keep: a frame that was copied is released with its responses too. So it is with frames that are
 * sent from a release(): else they could go round and round on the stack. */
static enum tx_fate tx_frame(struct rung_netfront *nf, struct rung_frame *f, bool keep)
{
    struct netfront_piece piece;
    uint32_t copy, owner = NETFRONT_NONE, len = tx_measure(f, &copy);
    if (!tx_is_sound(nf, f, len))
        return tx_dropped(nf);
    tx_plan(nf, f, len, copy, &piece);
    uint32_t slots = tx_slots(&piece), extra = piece.gso_size ? 1 : 0;
    uint32_t most = nf->net.info.caps & RUNG_NET_TX_SG ? NETFRONT_PACKET_SLOTS : 1;
    bool cut = len > NETFRONT_PACKET_MAX || (piece.gso_size && slots - extra > most)
               || (piece.gso_size && (f->flags & RUNG_FRAME_ECN));
    if (cut) {
        slots = NETFRONT_ROOM;
    } else if (slots - extra > most) {
        piece.gather = true;
        slots = tx_slots(&piece);
    }
    if (!tx_has_room(nf, slots))
        return TX_FULL;
    bool whole = cut ? rung_netfront_cut(nf, f, len, &owner)
                     : rung_netfront_piece(nf, &piece, &owner);
    if (owner == NETFRONT_NONE)
        return tx_dropped(nf);
    nf->net.stats.tx_frames++;
    nf->net.stats.tx_bytes += len;
    nf->tables->slots[owner].lost |= !whole;
    if (!keep && !cut && (piece.gather || piece.rest_len == 0))
        return TX_RELEASE;
    nf->tables->slots[owner].frame = f;
    nf->tx.frames++;
    return TX_KEEP;
}

void rung_netfront_tx_push(struct rung_netfront *nf)
{
    struct rung_netfront_tx *tx = &nf->tx;
    uint32_t before = tx->pushed;
    if (!tx->ring || tx->prod == before)
        return;
    __atomic_store_n(&tx->ring->req_prod, tx->prod, __ATOMIC_RELEASE);
    tx->pushed = tx->prod;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* it is seen before we look whether to say so */
    if (tx->prod - rung_netfront_read32(&tx->ring->req_event) < tx->prod - before)
        rung_xen_event_notify(&nf->tx_event);
}

int rung_netfront_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_netfront *nf = rung_container_of(net, struct rung_netfront, net);
    struct rung_netfront_tx *tx = &nf->tx;
    bool inner = tx->sending, keep = tx->sending || tx->collecting, full = false;
    unsigned k = 0;
    if (nf->gone)
        return RUNG_E_DOWN;
    if (!keep && net->link_up) /* the slots that were used last are used first again */
        rung_netfront_collect(nf);
    tx->sending = true;
    while (k < n && !full && !nf->gone && !nf->closing) {
        enum tx_fate fate = net->link_up ? tx_frame(nf, f[k], keep) : tx_dropped(nf);
        full = fate == TX_FULL;
        if (fate == TX_RELEASE)
            f[k]->release(f[k]);
        k += !full;
    }
    tx->sending = inner;
    if (full && !nf->gone && net->link_up) {
        tx->want = true;
        nf->events &= ~(unsigned)RUNG_NET_TX_READY; /* it would tell of what is taken already */
    }
    if (!inner) {
        rung_netfront_tx_push(nf);
        if (rung_netfront_arm(nf))
            rung_loop_defer(nf->p, &nf->again);
    }
    return k == 0 && nf->gone ? RUNG_E_DOWN : (int)k;
}
