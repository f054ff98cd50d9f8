/* SPDX-License-Identifier: ISC */
/* test/support/test_net.h - a NET that a test plays: for what stands on one, and wrappers.
 * Model    What is sent is kept to be looked at, in the order it was taken; what the test puts is
 *          received. The test says how much room there is, whether frames are released at once or
 *          on demand, and pulls the cable or the card. It checks what a caller owes a link.
 * Units    Bytes of whole frames.
 * Owner    The test's. Frames are copied both ways; close frees what is left.
 * Context  Test code; the link itself from the loop.
 * Errors   What breaks net.h's rules fails the cmocka test. */
#ifndef TEST_NET_H
#define TEST_NET_H

#include "rung/net.h"

/* A frame as it was sent, or as it shall be received; all in one piece. */
struct test_net_frame {
    struct test_net_frame *next;
    struct test_net *link;
    struct rung_frame *held;  /* a sent frame that is not released yet */
    struct rung_frame frame;  /* how it was sent; the lent frame itself; data: bytes */
    struct rung_frame second; /* a lent frame's other fragment */
    uint32_t len;
    uint8_t *bytes;
};

struct test_net {
    struct rung_net net;
    struct rung_platform *p;
    unsigned room;  /* frames that send() takes until it is full; UINT_MAX at first */
    bool hold;      /* sent frames are released by test_net_release() only */
    bool gone;
    unsigned lent;  /* frames that the caller holds */
    unsigned calls; /* of send(), with frames */
    unsigned cut;   /* lent frames come in two fragments, the first of so many bytes; 0: in one */
    struct test_net_frame *sent, **sent_end;
    struct test_net_frame *waiting, **waiting_end;
    unsigned events;
    bool rx_waits, tx_waits;
    struct rung_task notify;
};

/* caps: enum rung_net_cap. mtu 1500, headroom 12, 18 fragments with TX_SG. */
void test_net_open(struct test_net *link, struct rung_platform *p, uint32_t caps);

/* The oldest sent frame, or NULL; the test's from here on, to be freed. */
struct test_net_frame *test_net_take(struct test_net *link);
void test_net_free(struct test_net_frame *frame);

/* A frame comes in. as: its flags, gso_*, hdr_len and csum_*; NULL: a plain one. */
void test_net_put(struct test_net *link, const void *bytes, uint32_t len,
                  const struct rung_frame *as);

void test_net_set_room(struct test_net *link, unsigned room); /* TX_READY follows if it was owed */
void test_net_release(struct test_net *link);                 /* all that are held */
void test_net_set_link(struct test_net *link, bool up);
void test_net_unplug(struct test_net *link);

/* A frame to send, of the test's own memory, with room in front for any link's headroom. */
struct test_net_out {
    struct rung_frame frame;
    unsigned released;
    uint8_t room[64], bytes[2048]; /* one behind the other */
};
void test_net_out(struct test_net_out *out, uint32_t len);

#endif
