/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_testing.h - one network device on the fake hypervisor, for netfront's
 * tests.
 * Model    A test begins with a back end, opens the device, sends and receives, and ends; nf_end()
 *          fails if a page, a grant, a port, a watch or a block of memory is left. Frames that are
 *          sent stand in pages of their own among bytes that are a secret: 0x5a.
 * Units    Bytes of whole frames.
 * Owner    All of it is the test's.
 * Context  cmocka tests, outside callbacks. */
#ifndef NETFRONT_TESTING_H
#define NETFRONT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "netback.h"
#include "netfront_impl.h"
#include "test_platform.h"
#include "test_virtual.h"

#include <xen/io/xenbus.h>

#define NF_SECRET 0x5a

struct nf_test {
    struct rung_platform *p;
    struct fake *fake;
    struct netback *back;
    struct rung_netfront front;
    struct rung_netfront_keys keys;
    struct rung_net *net;
    bool open;
    unsigned rx_events, tx_events, link_events;
    struct netback_packet packet; /* scratch */
};

struct nf_out { /* a frame to send */
    struct rung_frame frame[24];
    uint8_t *block;
    unsigned released;
    void (*then)(struct nf_out *out); /* at the end of release; may be NULL */
    void *arg;
};

void nf_begin(struct nf_test *t, const struct netback_config *config);
void nf_begin_small(struct nf_test *t, const struct netback_config *config,
                    const struct fake_config *guest);
enum rung_err nf_open(struct nf_test *t);
void nf_close(struct nf_test *t);
void nf_end(struct nf_test *t); /* closes if it is open */

/* A frame of the experimental type, its bytes made from seed. offset: behind a page's start. */
void nf_make(struct nf_out *out, uint32_t len, uint32_t offset, uint8_t seed);
void nf_cut(struct nf_out *out, uint32_t at, unsigned frag); /* cuts fragment frag in two */
/* TCP headers, with a sum that is left to the link. */
void nf_tcp(struct nf_out *out, uint32_t len, uint16_t gso_size, bool ipv6);
int nf_send(struct nf_test *t, struct nf_out *out); /* alone */
void nf_free(struct nf_out *out);

/* Expects a packet with the frame's bytes. */
void nf_expect(struct nf_test *t, const struct nf_out *out, uint32_t len);

/* Has the back end send a frame to us: len bytes made from seed. */
void nf_packet(struct nf_test *t, uint32_t len, uint8_t seed);
bool nf_inject(struct nf_test *t, uint32_t len, uint8_t seed);
struct rung_frame *nf_recv(struct nf_test *t); /* or NULL */
uint32_t nf_len(const struct rung_frame *f);
void nf_settle(struct nf_test *t);
void nf_advance_ms(struct nf_test *t, unsigned ms);
bool nf_log_has(struct nf_test *t, const char *text); /* in all of it */
unsigned nf_log_errors(struct nf_test *t);

#endif
