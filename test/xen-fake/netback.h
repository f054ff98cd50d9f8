/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netback.h - a back end for network devices, for tests of netfront: honest and
 * strict, or not.
 * Model    Both rings as Linux's netback serves them, but only when the test asks: netback_take()
 *          takes one packet of the guest's, netback_send() puts one into the guest's pages. What
 *          netback would drop, or shut the device down for (more slots than it takes, a page that
 *          is crossed, lengths that do not agree, extra info that makes no sense, an id that is in
 *          flight, a page lent for writing) ends the program with a line "netback: ...". A liar is
 *          made of the raw calls: any response, any index.
 * Units    Bytes of whole packets, Ethernet header included.
 * Owner    The test's, from new to free. Free it before the fake.
 * Context  Test code; anywhere. config counts from the next connection on.
 * Errors   Running out of the host's memory ends the program. */
#ifndef NETBACK_H
#define NETBACK_H

#include <setjmp.h>

#include "fake.h"
#include "xen/bus/abi.h"
#include "xen/bus/device.h"

#include <xen/io/netif.h>

#define NETBACK_RING 256u
#define NETBACK_GROUPS 64u

struct netback_config {  /* zero: all that Linux has */
    const char *mac;     /* NULL: 00:16:3e:00:00:01 */
    unsigned mtu;        /* 0: says nothing */
    bool untrusted;      /* the toolstack tells the guest not to trust it */
    bool no_sg, no_csum, no_csum6, no_gso4, no_gso6, no_split, no_queues, no_copy;
    bool no_mcast, no_dynamic; /* multicast control: not at all; not while connected */
};

struct netback_packet {
    uint32_t len;
    uint16_t flags;      /* NETTXF_* or NETRXF_*: csum_blank, data_validated */
    uint16_t gso_size;   /* 0: none */
    uint8_t gso_type;
    unsigned slots;      /* of data, of a packet that was taken */
    uint8_t bytes[65536];
};

struct netback {
    struct netback_config config;
    /* knobs */
    bool hold;           /* takes packets, answers none: see netback_answer() */
    bool keeps;          /* maps pages of packets, and answers without unmapping */
    int16_t status;      /* of the next answers */
    uint32_t part;       /* bytes of a received frame in one slot, at most; 0: a page */
    uint16_t offset;     /* where they start in a page */
    bool careless;       /* a front end that does wrong is not served any more: no fault, for it was
                            lied to */
    bool no_id;          /* answers extra info with nonsense for an id, as Linux does */
    void *arg;           /* the test's */
    /* what happened */
    unsigned connects;
    uint64_t notified;   /* by the guest */
    /* its own */
    struct fake *fake;
    struct fake_backend device;
    struct fake_port tx_port, rx_port;
    const char *id;
    bool confused;       /* careless: until the next connection */
    jmp_buf way_out;
    bool up, split, sg, gso4, gso6, csum, csum6;
    struct netif_tx_sring *tx;
    struct netif_rx_sring *rx;
    uint32_t tx_ref, rx_ref;
    uint32_t tx_taken, tx_said, rx_taken, rx_said; /* requests and responses */
    struct { uint16_t id; bool extra; } held[NETBACK_RING]; /* to be answered */
    uint32_t held_count;
    bool flying[65536];  /* ids */
    uint32_t kept[NETBACK_RING];
    unsigned kept_count;
    uint8_t groups[NETBACK_GROUPS][6];
    unsigned group_count;
};

/* The toolstack adds a vif, and a back end starts for it. id: "0". */
struct netback *netback_new(struct fake *fake, const char *id, const struct netback_config *config);
void netback_free(struct netback *back); /* stops it, and removes the device */

/* The same device with a back end that starts anew, with config as it is now. plug: the toolstack
 * adds the device once more before. */
void netback_restart(struct netback *back, bool plug);

/* It closes, as if its domain were going down; and says InitWait again. */
void netback_down(struct netback *back);
void netback_up(struct netback *back);

/* The next packet that the guest has sent; false: there is none. Requests that carry multicast
 * groups only are carried out on the way. */
bool netback_take(struct netback *back, struct netback_packet *packet);

/* Sends the guest a packet. False: there are not enough requests; it asks to be notified. A packet
 * for a group that the guest does not want is lost, and true. */
bool netback_send(struct netback *back, const struct netback_packet *packet);

/* With hold: answers the first count of those taken. */
void netback_answer(struct netback *back, uint32_t count);

/* With keeps: unmaps. */
void netback_let_go(struct netback *back);

/* Requests that wait in the rings. */
uint32_t netback_tx_there(const struct netback *back);
uint32_t netback_rx_there(const struct netback *back);

/* What a liar says: eight bytes into the next slot of the receive ring, an id and a status into
 * that of the other; told at once. */
void netback_rx_raw(struct netback *back, uint64_t raw);
void netback_tx_raw(struct netback *back, uint16_t id, int16_t status);

/* Eight bytes for netback_rx_raw(). */
uint64_t netback_rsp(uint32_t id, uint32_t offset, uint32_t flags, int status);
uint64_t netback_gso(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso_type);

/* Takes the next receive request without an answer; *ref is its grant. Its slot's number. */
uint32_t netback_rx_request(struct netback *back, uint32_t *ref);

/* Shows the responses written so far, and notifies if the guest wants it, or in any case. */
void netback_tx_push(struct netback *back, bool always);
void netback_rx_push(struct netback *back, bool always);

/* netback_io.c */
void netback_fault(struct netback *back, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
