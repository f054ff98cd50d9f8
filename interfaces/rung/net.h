/* SPDX-License-Identifier: ISC */
/* interfaces/rung/net.h - NET: one Ethernet link, frames in batches.
 * Model    Whole frames without FCS. One frame is a list of fragments; it may be a super-frame of
 *          up to 64 KiB that the link cuts (gso_size) or has put together. No data call blocks.
 *          csum_start, csum_offset, gso_*: the facts of virtio_net_hdr (virtio 1.2, 5.1.6) and of
 *          Xen's netif_tx_request and netif_extra_info (xen/io/netif.h).
 * Units    Bytes. mtu leaves out the 14-byte Ethernet header.
 * Owner    A frame has one owner. send() takes the frames it accepts and runs release once on each
 *          first fragment, now or later, for the whole list; recv() lends frames out, and the
 *          caller runs release when done. Until then their bytes are the caller's to change. A link
 *          changes nothing in a frame to send but its headroom and its checksum field, so that it
 *          can be sent again.
 * Context  The loop. ready() never runs inside a call, release() may. An event that comes while
 *          ready is NULL is kept until it is set.
 * Errors   Negative enum rung_err, listed per call. A device that goes away reports RX, TX and LINK
 *          once, and every call answers RUNG_E_DOWN from then on. Lost frames are counted in
 *          stats, not reported. Misuse is a bug and asserts. */
#ifndef RUNG_NET_H
#define RUNG_NET_H

#include "rung/base.h"
#include "rung/loop.h"

enum rung_net_cap {             /* work the link takes over; the stack does the rest itself */
    RUNG_NET_TX_CSUM = 1u << 0, /* honours RUNG_FRAME_CSUM */
    RUNG_NET_RX_CSUM = 1u << 1, /* may set RUNG_FRAME_VERIFIED, or lend frames with FRAME_CSUM */
    RUNG_NET_TX_TSO4 = 1u << 2, /* honours gso_size on TCP over IPv4; comes with TX_CSUM */
    RUNG_NET_TX_TSO6 = 1u << 3, /* the same over IPv6 */
    RUNG_NET_RX_GSO = 1u << 4,  /* may lend super-frames, gso_size set, longer than the mtu */
    RUNG_NET_TX_SG = 1u << 5,   /* takes up to max_frags fragments; without: one */
    RUNG_NET_PROMISC = 1u << 6, /* lends frames for other stations too */
};

enum rung_frame_flag {
    /* Of the first fragment. The sum of the bytes from csum_start to the end goes at csum_start +
     * csum_offset, where the pseudo-header's sum stands already. Lent frames may carry it too: they
     * never crossed a wire, and the stack must not check them. */
    RUNG_FRAME_CSUM = 1u << 0,
    RUNG_FRAME_VERIFIED = 1u << 1, /* lent frames: the TCP or UDP sum has been checked */
    RUNG_FRAME_ECN = 1u << 2,      /* a super-frame whose first segment alone may carry CWR */
};

enum rung_gso { RUNG_GSO_NONE = 0, RUNG_GSO_TCP4 = 1, RUNG_GSO_TCP6 = 2 };

struct rung_frame {
    struct rung_frame *next; /* next fragment of the same frame, or NULL */
    uint8_t *data;           /* first fragment: the link may write info.headroom bytes before it */
    uint32_t len;            /* of this fragment, > 0 */
    uint16_t flags;          /* enum rung_frame_flag */
    uint16_t gso_size;       /* TCP payload per segment; 0: send as it is */
    uint8_t gso_type;        /* enum rung_gso; NONE if and only if gso_size is 0 */
    uint16_t hdr_len;        /* with gso_size: length of all headers, all in the first fragment */
    uint16_t csum_start;     /* first byte to sum, from the start of the frame */
    uint16_t csum_offset;    /* where the sum goes, from csum_start */
    void (*release)(struct rung_frame *frame); /* of the first fragment; gives back all of them */
};

#define RUNG_FRAME_MAX 65549u /* 14 + 65,535: the longest frame, all fragments together */

struct rung_net_info {
    uint8_t mac[6];
    uint16_t mtu;       /* 576 to 65535; of plain frames */
    uint16_t headroom;  /* bytes a sender leaves free before the first fragment */
    uint16_t max_frags; /* 1 without TX_SG */
    uint16_t rx_hold;   /* frames, however long, that a caller may hold while others come in still;
                           0: as many as it likes */
    uint32_t caps;      /* enum rung_net_cap */
};

struct rung_net_stats { /* since the link was opened */
    uint64_t rx_frames, rx_bytes, rx_dropped;
    uint64_t tx_frames, tx_bytes, tx_dropped;
};

enum rung_net_event {
    RUNG_NET_RX_READY = 1u << 0,
    RUNG_NET_TX_READY = 1u << 1,
    RUNG_NET_LINK = 1u << 2, /* link_up has changed */
};

struct rung_net;
struct rung_net_ops {
    const char *name; /* the module's; for logs */
    /* Takes f[0..k), returns k. k < n: full; TX_READY follows once there is room. With the link
     * down frames are taken and dropped, as a NIC does. RUNG_E_DOWN: the device is gone, nothing
     * was taken. One batch is one notification of the other side. */
    int (*send)(struct rung_net *net, struct rung_frame *const f[], unsigned n);
    /* Puts k frames in f, returns k. k < n: drained; RX_READY follows the next frame. A caller that
     * holds more than info.rx_hold may make the link run dry: frames are dropped and counted then.
     * RUNG_E_DOWN: the device is gone and f is untouched. */
    int (*recv)(struct rung_net *net, struct rung_frame *f[], unsigned n);
    /* Optional. Says which multicast groups to let in, replacing the last list; without it the
     * link lets all in. RUNG_E_LIMIT: too many, all are let in. */
    int (*set_multicast)(struct rung_net *net, const uint8_t (*groups)[6], unsigned n);
    /* Ends ready(), releases every frame the link still owns, then op->done(0). Frames that the
     * caller still holds must be released first. */
    void (*close)(struct rung_net *net, struct rung_op *op);
};

struct rung_net { /* a member of each module's own state */
    const struct rung_net_ops *ops;
    struct rung_net_info info; /* fixed while the link is open */
    struct rung_net_stats stats;
    bool link_up;
    void (*ready)(struct rung_net *net, unsigned events, void *arg); /* the caller's; may be NULL */
    void *arg;                                                       /* the caller's */
};

/* The table of a module whose required operations are named <prefix>_send and so on; optional ones
 * follow as designated initialisers. A missing operation does not compile. */
#define RUNG_NET_TABLE(module_name, prefix, ...) \
    { .name = (module_name), .send = prefix##_send, .recv = prefix##_recv, \
      .close = prefix##_close, __VA_ARGS__ }

#ifdef RUNG_NET_ONLY /* set by the resolver when a program binds one NET module: direct calls */
extern const struct rung_net_ops RUNG_NET_ONLY;
#define RUNG_NET_OPS(net) ((void)(net), &RUNG_NET_ONLY)
#define RUNG_NET_KEEP(table) (assert((table) == &RUNG_NET_ONLY), (const struct rung_net_ops *)0)
#else
#define RUNG_NET_OPS(net) ((net)->ops)
#define RUNG_NET_KEEP(table) (table)
#endif

/* For modules, when they open: all zero but the table. */
static inline void rung_net_init(struct rung_net *net, const struct rung_net_ops *table)
{
    (void)table;
    *net = (struct rung_net){.ops = RUNG_NET_KEEP(table)};
}

static inline int rung_net_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    int k = RUNG_NET_OPS(net)->send(net, f, n);
    assert(k <= (int)n); /* f[0..k) is no longer ours, not even to count its bytes */
    return k;
}

static inline int rung_net_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    int k = RUNG_NET_OPS(net)->recv(net, f, n);
    assert(k <= (int)n);
    return k;
}

static inline int rung_net_set_multicast(struct rung_net *net, const uint8_t (*groups)[6],
                                         unsigned n)
{
    const struct rung_net_ops *ops = RUNG_NET_OPS(net);
    return ops->set_multicast ? ops->set_multicast(net, groups, n) : RUNG_E_NOTSUP;
}

static inline void rung_net_close(struct rung_net *net, struct rung_op *op)
{
    RUNG_NET_OPS(net)->close(net, op);
}

#endif
