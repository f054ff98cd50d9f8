/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap.h - NET on libpcap: an existing interface, or a capture file.
 * Model    With `device`: a second station on the interface's wire, beside the host, with a
 *          hardware address of its own (`mac`, or a random local one), so that the host's kernel
 *          and our stack do not answer the same frames. It gets what the wire brings for that
 *          address, for everyone and for groups; with promisc, for other stations too. It does not
 *          see what this host sends out of the same interface (checked on veth; any other
 *          interface marks it the same way), and this host does not see what it sends: to talk to
 *          the host itself take net-tap, or the other end of a veth pair. An interface without
 *          addresses of its own serves best. A wireless card and a macvlan carry their own address
 *          only: give that as `mac`.
 *          With `file`: the capture's Ethernet frames are lent in order, as fast as they are
 *          taken, whoever they are for, and sends are counted in stats.tx_dropped. At the end the
 *          link goes down.
 * Offload  libpcap tells nothing of a frame but its bytes (the kernel's TP_STATUS_CSUMNOTREADY and
 *          virtio_net_hdr do not come through), so what never crossed a wire is known by them: if
 *          a TCP or UDP checksum is exactly the pseudo-header's sum, it is unfinished, and the
 *          frame is lent with RUNG_FRAME_CSUM. One finished sum in 65,536 looks the same: that
 *          frame goes unchecked, which is no weaker than the sum itself is. A TCP frame over the
 *          mtu with that mark was merged by the kernel (GRO), or not yet cut by the sender (TSO on
 *          the other end of a veth): it is lent as a super-frame whose gso_size is what fits the
 *          mtu, for any cut of a byte stream is right. Other frames over the mtu are dropped and
 *          counted, with one line that names the cure. offload=off turns all of this off, for
 *          purists and for memory (below); the interface then needs
 *          `ethtool -K <device> gro off lro off`, and on a veth `ethtool -K <peer> tx off`.
 * Units    Bytes; pages of RUNG_NET_PCAP_PAGE bytes for the pool. The kernel's ring has one slot a
 *          frame, for the longest one: with offload on, on an interface that merges or cuts
 *          (`ethtool -k`), 64 KiB of `buffer` each, and 128 KiB of the kernel's memory; else about
 *          2 KiB at an mtu of 1500.
 * Owner    The state is the opener's. Pages are on the heap until the link is closed.
 * Context  The loop. A file is read where recv() is called.
 * Errors   open: RANGE (a key's value), NOTFOUND, ACCESS, DOWN (the interface), NOTSUP (not
 *          Ethernet), CORRUPT, INVAL (the file), NOMEM, LIMIT, IO. An interface that goes down
 *          and up makes LINK events, one that is removed is gone (net.h). A file that is damaged
 *          further on ends there. */
#ifndef RUNG_NET_PCAP_H
#define RUNG_NET_PCAP_H

#include "net_pcap_module.h"
#include "rung/net.h"

#define RUNG_NET_PCAP_PAGE 4096u

struct pcap;               /* libpcap's */
struct rung_net_pcap_live; /* net_pcap_impl.h: what libuv watches */
struct rung_net_pcap_page;

struct rung_net_pcap {
    struct rung_net net;
    struct rung_platform *p;
    const char *slot, *file;
    struct pcap *pcap;
    struct rung_net_pcap_live *live; /* NULL with a file */
    struct rung_net_pcap_page *pages, *free_pages;
    uint8_t *bytes;
    unsigned free_count, lent_count;
    unsigned most_pages; /* of one frame; with fewer free, nothing is taken */
    bool offload;
    bool gone, ended; /* the device; the file */
    bool warned;      /* of frames that are too long */
    bool rx_waits, tx_waits; /* recv() or send() came short: an event is due */
    bool dry;                /* recv() came short for want of pages */
    unsigned events;         /* to be told */
    struct rung_task tell;
    struct rung_timer again; /* for events that come while nobody listens */
    struct rung_frame **out; /* recv()'s array while it runs */
    unsigned out_count;
    struct rung_op *closing;
};

enum rung_err rung_net_pcap_open(struct rung_net_pcap *self, struct rung_platform *p,
                                 const struct rung_net_pcap_keys *keys,
                                 const struct rung_net_pcap_needs *needs);

#endif
