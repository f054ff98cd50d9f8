/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_impl.h - what the files of net-pcap share; nobody else includes it. */
#ifndef RUNG_NET_PCAP_IMPL_H
#define RUNG_NET_PCAP_IMPL_H

#include <net/if.h>
#include <pcap/pcap.h>
#include <uv.h>

#include "net_pcap.h"

#define RUNG_NET_PCAP_FRAGS 32u /* of a frame to send; what a system call gathers is far more */

/* A page of received bytes. A frame is a chain of them. */
struct rung_net_pcap_page {
    struct rung_frame frame;
    struct rung_net_pcap *self;
    struct rung_net_pcap_page *chain; /* the frame's next page; frame.next is the borrower's */
    struct rung_net_pcap_page *next;  /* in the list of free pages */
    uint8_t *bytes;
    bool lent;
};

/* An interface in use. */
struct rung_net_pcap_live {
    struct rung_net_pcap *self; /* NULL: open() has failed */
    struct rung_platform *p;
    char name[IF_NAMESIZE]; /* when it was opened; the index holds when it is renamed */
    unsigned index, mtu;
    int fd;      /* libpcap's socket */
    int link_fd; /* netlink: changes of interfaces */
    uv_poll_t poll, link_poll;
    unsigned handle_count; /* what libuv still knows */
    int watch;             /* what poll watches: enum uv_poll_event */
    bool in_event;         /* watch is set at its end */
    bool no_wake;          /* the interface's queue is full, and the kernel does not say when not */
    struct rung_timer room;
    unsigned drops; /* as libpcap counts them */
    uint64_t drops_ns;
};

/* net_pcap_frame.c */
unsigned rung_net_pcap_pages(size_t frame_len);
void rung_net_pcap_arrive(u_char *self, const struct pcap_pkthdr *head, const u_char *bytes);

/* net_pcap_sum.c: whether the TCP or UDP checksum of a frame of at least 14 bytes was left to be
 * made by somebody further on. Then f's flags, csum_start, csum_offset say so, and for TCP
 * hdr_len. */
bool rung_net_pcap_unfinished(const uint8_t *bytes, uint32_t len, struct rung_frame *f);

/* net_pcap.c: adds to what is to be told. Now: only in a callback of the loop, and the link may be
 * closing afterwards. Later: from inside a call. */
void rung_net_pcap_tell_now(struct rung_net_pcap *self, unsigned events);
void rung_net_pcap_tell_later(struct rung_net_pcap *self, unsigned events);
void rung_net_pcap_tell_task(struct rung_task *task);
void rung_net_pcap_tell_again(struct rung_timer *timer);
void rung_net_pcap_closed(struct rung_net_pcap *self);

/* net_pcap_open.c: gives back the pool. */
void rung_net_pcap_free(struct rung_net_pcap *self);

/* net_pcap_file.c. fill: takes up to n frames; false: there are no more. */
enum rung_err rung_net_pcap_file_open(struct rung_net_pcap *self);
bool rung_net_pcap_file_fill(struct rung_net_pcap *self, unsigned n);

/* net_pcap_device.c: finds the interface, and sets libpcap up on it. */
enum rung_err rung_net_pcap_device_open(struct rung_net_pcap *self,
                                        const struct rung_net_pcap_keys *keys);

/* net_pcap_live.c. fill: takes up to n frames; false: no more for now. */
enum rung_err rung_net_pcap_live_start(struct rung_net_pcap *self);
bool rung_net_pcap_live_fill(struct rung_net_pcap *self, unsigned n);
void rung_net_pcap_live_watch(struct rung_net_pcap *self); /* for what is due */
void rung_net_pcap_live_drops(struct rung_net_pcap *self);
bool rung_net_pcap_live_look(struct rung_net_pcap *self); /* the device is there; events later */
void rung_net_pcap_live_close(struct rung_net_pcap *self);

/* net_pcap_send.c: whether a frame keeps to net.h and the link's info; send for an interface. */
bool rung_net_pcap_may_send(const struct rung_net *net, const struct rung_frame *f);
int rung_net_pcap_live_send(struct rung_net_pcap *self, struct rung_frame *const f[], unsigned n);

#endif
