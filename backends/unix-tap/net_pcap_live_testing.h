/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_live_testing.h - what the tests of net-pcap on an interface share: a
 * veth pair "ours" and "far" in a network of the program's own, the module on the one, and packet
 * sockets on both. */
#ifndef RUNG_NET_PCAP_LIVE_TESTING_H
#define RUNG_NET_PCAP_LIVE_TESTING_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "net_pcap.h"
#include "net_pcap_running.h"
#include "test_netns.h"
#include "test_platform.h"
#include "test_wait.h"

struct live_test {
    struct rung_platform *p;
    struct rung_net_pcap pcap;
    struct rung_net_pcap_keys keys;
    int peer, host; /* packet sockets on the far end and on our own */
    unsigned events, rx_events, link_events;
    struct rung_frame *got;
};

static inline void on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct live_test *t = arg;
    assert_ptr_equal(net, &t->pcap.net);
    t->events |= events;
    t->rx_events += (events & RUNG_NET_RX_READY) != 0;
    t->link_events += (events & RUNG_NET_LINK) != 0;
}

static inline int packet_socket(const char *name)
{
    struct sockaddr_ll sa = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)test_link_index(name),
    };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&sa, sizeof(sa)), 0);
    return fd;
}

/* Both ends are up; the module is not open yet. */
static inline void begin(struct live_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->keys = (struct rung_net_pcap_keys){
        .slot = "net", .device = "ours", .offload = true, .buffer = 1 << 20, .pool = 64,
        .mac = "02:00:00:00:00:07",
    };
    if (test_link_exists("far")) /* of a case that has failed */
        test_link_delete("far");
    test_link_veth("ours", "far");
    test_link_up("far", true);
    test_link_up("ours", true);
    await_running("ours");
    await_running("far");
    t->peer = packet_socket("far");
    t->host = packet_socket("ours");
}

static inline bool link_is_up(void *arg)
{
    return ((struct live_test *)arg)->pcap.net.link_up;
}

static inline bool link_is_down(void *arg)
{
    return !link_is_up(arg);
}

static inline enum rung_err try_open(struct live_test *t)
{
    struct rung_net_pcap_needs needs = {0};
    enum rung_err err = rung_net_pcap_open(&t->pcap, t->p, &t->keys, &needs);
    t->pcap.net.ready = err ? NULL : on_ready;
    t->pcap.net.arg = t;
    return err;
}

static inline void must_open(struct live_test *t)
{
    enum rung_err err = try_open(t);
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    assert_true(t->pcap.net.link_up);
}

static inline void must_refuse(struct live_test *t, enum rung_err want, const char *says)
{
    size_t lines = test_log_count(t->p), blocks = test_heap_blocks(t->p);
    assert_int_equal(try_open(t), want);
    if (!strstr(test_log_last(t->p), says))
        fail_msg("'%s' does not say '%s'", test_log_last(t->p), says);
    assert_int_equal(test_log_count(t->p), lines + 1);
    assert_int_equal(test_heap_blocks(t->p), blocks);
}

static inline void must_say(struct live_test *t, const char *says)
{
    if (!strstr(test_log_last(t->p), says))
        fail_msg("'%s' does not say '%s'", test_log_last(t->p), says);
}

struct closing {
    struct rung_op op;
    bool done;
};

static inline void on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct closing, op)->done = true;
}

static inline bool is_closed(void *arg)
{
    return ((struct closing *)arg)->done;
}

static inline void close_it(struct live_test *t)
{
    struct closing closing = {.op.done = on_closed};
    rung_net_close(&t->pcap.net, &closing.op);
    test_run_until(t->p, is_closed, &closing);
    t->pcap.net.ready = NULL;
}

static inline void end(struct live_test *t)
{
    if (t->pcap.net.ready)
        close_it(t);
    close(t->peer);
    close(t->host);
    if (test_link_exists("far"))
        test_link_delete("far");
    test_platform_free(t->p);
}

/* recv() comes short: an event is due. */
static inline void drain(struct live_test *t)
{
    while (rung_net_recv(&t->pcap.net, &t->got, 1) == 1)
        t->got->release(t->got);
    t->got = NULL;
    t->events = 0;
}

/* A frame of 60 bytes; mark tells it from others. */
static inline bool put_frame(int fd, const char *to, const char *from, uint8_t mark)
{
    uint8_t b[60] = {[12] = 0x88, [13] = 0xb5, [14] = mark};
    memcpy(b, to, 6);
    memcpy(b + 6, from, 6);
    return send(fd, b, sizeof(b), 0) == (ssize_t)sizeof(b);
}

#define OURS "\x02\0\0\0\0\x07"
#define OTHER "\x02\0\0\0\0\x09"
#define THIRD "\x02\0\0\0\0\x0b"
#define ALL "\xff\xff\xff\xff\xff\xff"

static inline bool has_frame(void *arg)
{
    struct live_test *t = arg;
    return t->got || rung_net_recv(&t->pcap.net, &t->got, 1) == 1;
}

/* The mark of the next frame that comes in; 0 for foreign ones. */
static inline uint8_t await_mark(struct live_test *t)
{
    test_wait(t->p, has_frame, t);
    uint8_t mark = t->got->data[12] == 0x88 ? t->got->data[14] : 0;
    t->got->release(t->got);
    t->got = NULL;
    return mark;
}

static inline void release(struct rung_frame *frame)
{
    frame->flags |= 0x8000; /* seen */
}

static inline int send_one(struct live_test *t, uint8_t *bytes, uint32_t len)
{
    struct rung_frame frame = {.data = bytes, .len = len, .release = release};
    struct rung_frame *f = &frame;
    int k = rung_net_send(&t->pcap.net, &f, 1);
    assert_int_equal(frame.flags, k == 1 ? 0x8000 : 0);
    return k;
}

#endif
