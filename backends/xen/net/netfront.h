/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront.h - NET on a Xen network device (xen/io/netif.h); a back end in another
 * domain is at its other end.
 * Model    Two rings of 256 slots, and pages lent through the grant table. Sending: the sender's
 *          own pages are lent, read-only, until the back end has answered; only a frame's first
 *          NETFRONT_CELL bytes are copied (see netfront_slot.c). A back end that the toolstack
 *          calls not trusted gets copies only, in pages that hold nothing else. Receiving: pages
 *          are lent for writing; a frame is lent up in the pages that it came in, after their
 *          grants have been ended, so that nobody changes it under its reader. That is why these
 *          grants cannot be kept from frame to frame. One queue. A back end that goes away takes
 *          the link down, until it, or another one, is there; frames in flight are lost then, and
 *          counted. So it is with a suspend. A back end that lies, or a new one that offers less
 *          than info promised, ends the device: RUNG_E_DOWN. Frames for other stations are passed
 *          over.
 * Units    Bytes.
 * Owner    The state is the opener's; pages, grants and ports are given back by close.
 * Context  The loop; open runs it until the back end is there, or the key `wait` is over.
 * Errors   open: RANGE (a key), NOTFOUND (no such device), TIMEDOUT, CANCELED (the loop was
 *          stopped), INVAL and NOTSUP (what the back end says), NOMEM, DOWN. */
#ifndef RUNG_NETFRONT_H
#define RUNG_NETFRONT_H

#include "netfront_module.h"
#include "rung/net.h"
#include "xen/bus/device.h"

struct netif_tx_sring; /* xen/io/netif.h */
struct netif_rx_sring;
struct rung_netfront_tables; /* netfront_impl.h; of the heap, for they are large */
struct rung_netfront_page;
struct rung_netfront_bounce;

struct rung_netfront_tx {
    struct netif_tx_sring *ring;   /* NULL: not connected */
    uint32_t ring_ref;             /* grants of the rings: 0 if there is none */
    uint32_t prod, pushed, cons;   /* requests written, and shown to the other side; responses */
    uint32_t armed;                /* the response that we have asked to be told of */
    uint32_t free, free_count;     /* slots that have no request out */
    uint32_t extras;               /* in flight; they have no slot of their own */
    uint32_t frames;               /* to be released when the responses are there */
    uint32_t stuck;                /* slots whose pages the other side does not let go of */
    struct rung_netfront_bounce *bounces; /* free ones */
    bool want;                     /* send() came short: TX_READY is due */
    bool sending, collecting;      /* a frame's release() may call us */
};

struct rung_netfront_rx {
    struct netif_rx_sring *ring;
    uint32_t ring_ref;
    uint32_t prod, cons;           /* requests written and shown; responses taken */
    uint32_t target;               /* requests to have out */
    struct rung_netfront_page *free;
    uint32_t free_count, made, lent, limit; /* pages */
    bool want;                     /* recv() came short: RX_READY is due */
};

struct rung_netfront_mcast {
    bool able;                     /* the back end filters, and can be told so at any time */
    bool filter;                   /* it is to let in the groups only */
    bool behind;                   /* it does not know everything yet */
    bool filtering;                /* as it has been told in the store */
    bool writing;                  /* that is under way */
    uint8_t count, told, adding;   /* groups: wanted; known there; on their way there */
    struct rung_xen_store_req req;
};

struct rung_netfront {
    struct rung_net net;
    struct rung_platform *p;
    const struct rung_netfront_keys *keys;
    struct rung_xen_device device;
    struct rung_xen_event tx_event, rx_event; /* rx_event is closed if one does for both */
    struct rung_netfront_tables *tables;
    struct rung_netfront_tx tx;
    struct rung_netfront_rx rx;
    struct rung_netfront_mcast mcast;
    bool opened;      /* info is fixed */
    bool trusted;     /* the back end; else it gets no page with anything but its frames */
    bool offload;     /* our key */
    bool sum6;        /* the back end makes sums in IPv6 */
    bool gone;        /* the device has been given up */
    unsigned events;  /* to be told, when the loop is back, or somebody listens */
    struct rung_task tell, again;
    struct rung_timer unheard, retry;
    struct rung_xen_resumer resumer; /* pages kept by a back end that is gone come back too */
    struct rung_op *closing, device_closing;
    unsigned close_tries;
};

enum rung_err rung_netfront_open(struct rung_netfront *self, struct rung_platform *p,
                                 const struct rung_netfront_keys *keys,
                                 const struct rung_netfront_needs *needs);

#endif
