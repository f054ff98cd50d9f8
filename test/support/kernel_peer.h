/* SPDX-License-Identifier: ISC */
/* test/support/kernel_peer.h - the other host of the TCP and UDP suites, made of the kernel's own
 * sockets: on loopback, or at the other end of a tap.
 * Model    A peer is one non-blocking socket of this process; in a Xen guest, one of the machine
 *          that the guest is tested from (test/xen-guest/remote_peer.c). The functions are
 *          those that the suites' fixtures want (suite.h of test/contract/tcp and udp), but for the
 *          address that a peer has, which only the fixture knows.
 * Units    Bytes.
 * Owner    A peer is the caller's until closed or reset.
 * Context  The test's main flow. What must not fail fails the running cmocka test.
 * Errors   As the suites' headers say. */
#ifndef KERNEL_PEER_H
#define KERNEL_PEER_H

#include "rung/addr.h"

struct tcp_peer;
struct udp_peer;

/* A plain socket of a type (SOCK_STREAM, SOCK_DGRAM) at *addr, port 0: one is picked and put there.
 * Its descriptor, or -1: this host has no such address. */
int kernel_bind(int type, struct rung_addr *addr);

struct rung_addr kernel_loopback(enum rung_family family);

/* Whether this host has such an address. */
bool kernel_has(const struct rung_addr *addr);

/* narrow: the smallest window that it can have. */
struct tcp_peer *kernel_tcp_connect(const struct rung_addr *to, bool narrow);
struct tcp_peer *kernel_tcp_listen(struct rung_addr *addr, bool narrow);
struct tcp_peer *kernel_tcp_accept(struct tcp_peer *listener);
long kernel_tcp_write(struct tcp_peer *peer, const void *data, size_t len);
long kernel_tcp_read(struct tcp_peer *peer, void *data, size_t len);
void kernel_tcp_shutdown(struct tcp_peer *peer);
void kernel_tcp_close(struct tcp_peer *peer);
void kernel_tcp_reset(struct tcp_peer *peer);
void kernel_tcp_address(struct tcp_peer *peer, struct rung_addr *addr);

/* What needs no address of the fixture's, as members of struct tcp_fixture. */
#define KERNEL_TCP_PEER \
    .peer_accept = kernel_tcp_accept, .peer_write = kernel_tcp_write, \
    .peer_read = kernel_tcp_read, .peer_shutdown = kernel_tcp_shutdown, \
    .peer_close = kernel_tcp_close, .peer_reset = kernel_tcp_reset, \
    .peer_address = kernel_tcp_address

#define KERNEL_SILENCE_FILL 4 /* connections that fill a backlog of 0, and more */

/* A listener whose backlog is full: the kernel drops whoever knocks. All zero: none. */
struct kernel_silence {
    struct tcp_peer *peers[KERNEL_SILENCE_FILL + 1];
};

/* One at *addr, whose port is picked; false: no such address here. */
bool kernel_silence_begin(struct kernel_silence *silence, struct rung_addr *addr);
void kernel_silence_end(struct kernel_silence *silence); /* also if it never began */

/* A socket at *addr that sends to multicast groups on the interface numbered link. */
struct udp_peer *kernel_udp_open(struct rung_addr *addr, unsigned link);
void kernel_udp_send(struct udp_peer *peer, const struct rung_addr *to, const void *data,
                     size_t len);
long kernel_udp_recv(struct udp_peer *peer, void *data, size_t len, struct rung_addr *from);
void kernel_udp_close(struct udp_peer *peer);

#define KERNEL_UDP_PEER \
    .peer_send = kernel_udp_send, .peer_recv = kernel_udp_recv, .peer_close = kernel_udp_close

/* Whether the kernel hands a datagram of a peer at *from, sent to the group *group on the interface
 * group->scope, to its own members there. */
bool kernel_udp_group_works(const struct rung_addr *from, const struct rung_addr *group);

#endif
