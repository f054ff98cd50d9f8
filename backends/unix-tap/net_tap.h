/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap.h - NET on a Linux tap device: the host's kernel is at the other end.
 * Model    One system call for each frame of up to 64 KiB, each way; super-frames and sums that are
 *          still to be made cross as they are, described by a virtio_net_hdr in front. Nothing is
 *          queued here: what the kernel has taken is copied, what it has not handed over waits in
 *          the device (`txqueuelen` frames), which drops when it is full and counts that on the
 *          host's side. A long frame is lent in the page that it was read into, a plain one in a
 *          copy. When pages run out, rx_dropped counts.
 *          The device lets in whatever the host sends into it, hence PROMISC. The link is up when
 *          the device is, as `ip link` shows it. A device that the program made goes with it.
 * Units    Bytes.
 * Owner    The state is the opener's; memory and descriptors are given back by close.
 * Context  The loop; open does not block.
 * Errors   open: RANGE (a key), NOTFOUND (no /dev/net/tun), ACCESS, BUSY, INVAL (no tap device),
 *          NOTSUP, LIMIT, NOMEM. */
#ifndef RUNG_NET_TAP_H
#define RUNG_NET_TAP_H

#include "net_tap_module.h"
#include "net_tap_pool.h"
#include "rung/net.h"

struct rung_net_tap_watch; /* libuv's part; see net_tap_event.c */

struct rung_net_tap {
    struct rung_net net;
    struct rung_platform *p;
    const struct rung_net_tap_keys *keys;
    int fd;           /* -1: closed */
    uint8_t hdr_size; /* of the virtio_net_hdr before each frame: 10, or 0 without */
    bool gone;        /* the device has been taken away */
    bool rx_want;     /* recv() came short: RX_READY is due */
    bool rx_armed;    /* watching for frames */
    bool tx_want;     /* send() came short: TX_READY is due; watching for room */
    struct rung_net_tap_pool pool;
    struct rung_net_tap_page *in; /* large: what the next frame is read into */
    char name[16];
    unsigned index;  /* the device's number, which stays when it is renamed */
    int link_fd;     /* tells when the link goes up or down; -1: nobody does */
    unsigned events; /* to be told, when the loop is back, or somebody listens */
    struct rung_task tell;
    struct rung_net_tap_watch *watch;
    struct rung_op *closing;
};

enum rung_err rung_net_tap_open(struct rung_net_tap *self, struct rung_platform *p,
                                const struct rung_net_tap_keys *keys,
                                const struct rung_net_tap_needs *needs);

#endif
