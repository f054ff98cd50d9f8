/* SPDX-License-Identifier: ISC */
/* test/support/forger.h - a stack on one end of a net-pair, and on the other a host that is no
 * host: it puts frames together by hand and reads what comes back.
 * Model    10.0.0.2 is the stack's address, 10.0.0.1 ours; over IPv6 both have link-local ones.
 *          Time is the virtual platform's.
 * Owner    The caller allocates the state; it does not move while open.
 * Context  The test's main flow. What must not fail fails the running cmocka test. */
#ifndef FORGER_H
#define FORGER_H

#include "lwip.h"
#include "net_pair.h"

#define FORGED_MAX 1514u

struct forged { /* one frame, ours or theirs */
    size_t len;
    uint16_t flags, gso_size; /* as the link has them */
    uint8_t at[FORGED_MAX];
};

struct forger {
    struct rung_platform *p;
    bool own_platform, dns_stopped; /* what forger_close() is to do, or not */
    struct rung_net_pair pair;
    struct rung_net_pair_keys pair_keys;
    struct rung_lwip stack;
    struct rung_lwip_keys keys;
    struct rung_tcp_listener *listener; /* at FORGED_PORT */
    struct rung_tcp_conn *conn;         /* the last one accepted */
    size_t received;                    /* bytes that the app was handed */
    uint16_t shut; /* our windows are less than the largest by so much */
    bool six;      /* segments go over IPv6 */
    uint8_t ip4[4];     /* ours, which a test may change, as it may the next */
    uint8_t ip6[2][16]; /* ours, the stack's */
};

enum { FORGED_PORT = 9, FORGED_ETHER = 14, FORGED_IP4 = 20, FORGED_IP6 = 40 };
enum { FORGED_FIN = 1, FORGED_SYN = 2, FORGED_RST = 4, FORGED_ACK = 16 };

struct forged_udp { /* a datagram from or to the stack */
    bool ip6;       /* between link-local addresses */
    uint8_t host;   /* ours, the last byte of the IPv4 address; 0: 10.0.0.1 */
    uint16_t ours, theirs; /* ports */
    size_t len;
    uint8_t data[FORGED_MAX - 62];
};

struct forged_tcp { /* a segment */
    uint16_t port;  /* ours */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window; /* as it stands in theirs; ours is the forger's */
    const uint8_t *options;
    size_t options_len; /* a multiple of 4 */
    const char *text;
};

void forger_open(struct forger *f);
void forger_open_plain(struct forger *f); /* on a link that makes no sums and cuts nothing */
/* The same on the caller's platform, with a name server as the key says it, or NULL. */
void forger_open_on(struct forger *f, struct rung_platform *p, const char *dns);
/* The same without an IPv4 address: the stack asks for one by DHCP. */
void forger_open_dhcp(struct forger *f);
void forger_close(struct forger *f);

/* Sends a frame and lets the stack have a few turns. */
void forger_send(struct forger *f, const struct forged *frame);
void forger_send_tcp(struct forger *f, const struct forged_tcp *segment);

/* A datagram put on the link: it arrives when the loop runs. */
void forger_put_udp(struct forger *f, const struct forged_udp *dgram);

/* The next datagram that the stack has sent, of the family that dgram->ip6 says; false: none. */
bool forger_next_udp(struct forger *f, struct forged_udp *dgram);

/* The next frame from the stack of that EtherType and IP protocol (0: any); false: none waits. */
bool forger_next(struct forger *f, uint16_t type, uint8_t protocol, struct forged *frame);

/* The same for a segment to our port: its numbers, and how much payload it has. */
bool forger_next_tcp(struct forger *f, struct forged_tcp *segment, size_t *payload);

/* The stack learns our hardware address, for a while, if it has an IPv4 address. */
void forger_introduce(struct forger *f);

/* Throws away what the stack has sent so far. */
void forger_drain(struct forger *f);

/* Shakes hands from port; what our next segment has to carry. */
struct forged_tcp forger_connect(struct forger *f, uint16_t port, uint32_t seq,
                                 const uint8_t *options, size_t options_len);

/* An ICMPv6 message to the stack, its sum filled in. */
void forger_send_icmp6(struct forger *f, const uint8_t *message, size_t len);

uint32_t forged_get32(const uint8_t *at);

#endif
