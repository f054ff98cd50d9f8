/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_impl.h - what the files of net-tap share; nobody else includes it. */
#ifndef RUNG_NET_TAP_IMPL_H
#define RUNG_NET_TAP_IMPL_H

#include "net_tap.h"

/* Of one frame to send; with TX_SG. A super-frame put together from 45 segments, head and body
 * each in a fragment of its own, fits. */
#define RUNG_NET_TAP_FRAGS 128u

/* Frames of several fragments up to this length, with their header, are put together first. */
#define RUNG_NET_TAP_SHORT 2048u

/* net_tap_device.c: gets the device and sets it up: fd, hdr_size, name, index, and net.info but for
 * max_frags. Logs what is wrong, and leaves nothing open then. *made: it is new, and still down. */
enum rung_err rung_net_tap_device_open(struct rung_net_tap *self, bool *made);

/* Brings a new device up. */
enum rung_err rung_net_tap_device_up(struct rung_net_tap *self);

/* Whether the descriptor has lost its device. */
bool rung_net_tap_device_is_gone(const struct rung_net_tap *self);

/* net_tap_link.c: link_fd and net.link_up. Without the right to a netlink socket link_fd is -1, and
 * link_up stays as it is when the device is opened. */
void rung_net_tap_link_open(struct rung_net_tap *self);

/* Takes in what link_fd has to tell. */
void rung_net_tap_link_read(struct rung_net_tap *self);

/* net_tap_event.c: libuv's part. */
enum rung_err rung_net_tap_watch_open(struct rung_net_tap *self);

/* Ends all watching. op->done() runs when libuv has let go. */
void rung_net_tap_watch_close(struct rung_net_tap *self, struct rung_op *op);

/* Has the device watched for what rx_armed and tx_want say. */
void rung_net_tap_watch(struct rung_net_tap *self);

/* Has ready(events) run on a later turn; safe inside a call. */
void rung_net_tap_tell(struct rung_net_tap *self, unsigned events);

/* The device has gone away: all calls answer DOWN from here on. */
void rung_net_tap_lost(struct rung_net_tap *self);

#endif
