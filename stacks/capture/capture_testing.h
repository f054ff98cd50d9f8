/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_testing.h - net-capture around a link that the test plays, for its tests.
 * With RUNG_TEST_CAPTURE_DIR set, files are left there, for other readers to try:
 * test/contract/net/capture_test.sh. */
#ifndef RUNG_CAPTURE_TESTING_H
#define RUNG_CAPTURE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "capture_pcapng.h"
#include "net_capture.h"
#include "rung/clock.h"
#include "test_net.h"
#include "test_pcapng.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { CAPTURE_ALL_CAPS = RUNG_NET_TX_CSUM | RUNG_NET_RX_CSUM | RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6
                  | RUNG_NET_RX_GSO | RUNG_NET_TX_SG };

struct capture_test {
    struct rung_platform *p;
    struct test_net link;
    struct rung_net_capture capture;
    struct rung_net_capture_keys keys;
    unsigned events, calls;
    struct rung_op op;
    bool closed;
};

static inline void capture_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct capture_test *t = arg;
    assert_ptr_equal(net, &t->capture.net);
    t->events |= events;
    t->calls++;
}

static inline void capture_begin(struct capture_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    test_net_open(&t->link, t->p, CAPTURE_ALL_CAPS);
    t->keys = (struct rung_net_capture_keys){
        .slot = "net.capture", .file = "f", .ring = 256 << 10, .delay = 100 * RUNG_NS_PER_MS,
    };
}

static inline enum rung_err capture_try_open(struct capture_test *t)
{
    struct rung_net_capture_needs needs = {.net = &t->link.net};
    enum rung_err err = rung_net_capture_open(&t->capture, t->p, &t->keys, &needs);
    if (err)
        return err;
    t->capture.net.ready = capture_on_ready;
    t->capture.net.arg = t;
    return RUNG_OK;
}

static inline void capture_open(struct capture_test *t)
{
    assert_int_equal(capture_try_open(t), RUNG_OK);
}

static inline void capture_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct capture_test, op)->closed = true;
}

static inline bool capture_is_closed(void *arg)
{
    return ((struct capture_test *)arg)->closed;
}

static inline void capture_close(struct capture_test *t)
{
    t->op.done = capture_on_closed;
    t->closed = false;
    rung_net_close(&t->capture.net, &t->op);
    assert_false(t->closed);
    test_run_until(t->p, capture_is_closed, t);
}

static inline void capture_end(struct capture_test *t)
{
    t->op.done = capture_on_closed;
    t->closed = false;
    rung_net_close(&t->link.net, &t->op);
    test_run_until(t->p, capture_is_closed, t);
    test_platform_free(t->p);
}

/* The file as it is now, checked from front to end as far as its packets. */
static inline void capture_read(struct capture_test *t, struct test_pcapng *file)
{
    size_t len;
    const uint8_t *bytes = rung_virtual_sink(t->p, "f", &len);
    test_pcapng_begin(file, bytes, len);
}

/* Leaves the file for other readers. */
static inline void capture_leave(struct capture_test *t, const char *name)
{
    const char *folder = getenv("RUNG_TEST_CAPTURE_DIR");
    char path[512];
    size_t len;
    const uint8_t *bytes = rung_virtual_sink(t->p, "f", &len);
    if (!folder)
        return;
    snprintf(path, sizeof(path), "%s/%s.pcapng", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static inline void capture_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline uint32_t capture_sum_of(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* A TCP or UDP frame of len bytes over IPv4 with the pseudo-header's sum where the sum goes. */
static inline void capture_frame(uint8_t *bytes, uint32_t len, unsigned protocol,
                                 struct rung_frame *as)
{
    uint8_t *ip = bytes + 14, *tcp = ip + 20;
    memset(bytes, 0, len);
    memset(bytes, 0x02, 12);
    capture_put16(bytes + 12, 0x0800);
    ip[0] = 0x45;
    capture_put16(ip + 2, len - 14);
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    memcpy(ip + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
    capture_put16(ip + 10, ~capture_sum_of(ip, 20, 0));
    capture_put16(tcp, 4000);
    capture_put16(tcp + 2, 9);
    if (protocol == 6) {
        tcp[12] = 5 << 4;
        tcp[13] = 0x10;
    } else {
        capture_put16(tcp + 4, len - 34);
    }
    for (uint32_t i = 34 + (protocol == 6 ? 20 : 8); i < len; i++)
        bytes[i] = (uint8_t)(i * 7);
    uint32_t place = protocol == 6 ? 16 : 6;
    capture_put16(tcp + place, capture_sum_of(ip + 12, 8, protocol + len - 34));
    *as = (struct rung_frame){.flags = RUNG_FRAME_CSUM, .csum_start = 34,
                              .csum_offset = (uint16_t)place};
}

/* Whether the sum in a recorded frame of capture_frame() is right. */
static inline bool capture_sum_is_right(const struct test_pcapng_packet *packet)
{
    uint32_t sum = capture_sum_of(packet->bytes + 26, 8, packet->bytes[23] + packet->len - 34);
    return capture_sum_of(packet->bytes + 34, packet->len - 34, sum) == 0xffff;
}

static inline void capture_send(struct capture_test *t, struct test_net_out *out)
{
    struct rung_frame *f = &out->frame;
    assert_int_equal(rung_net_send(&t->capture.net, &f, 1), 1);
}

static inline void capture_recv(struct capture_test *t)
{
    struct rung_frame *f;
    assert_int_equal(rung_net_recv(&t->capture.net, &f, 1), 1);
    f->release(f);
}

#endif
