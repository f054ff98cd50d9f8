/* SPDX-License-Identifier: ISC */
/* test/support/test_netns.h - a network of its own for a test program on Unix.
 * Model    A program moves into a new network namespace before it does anything else. What it makes
 *          there, interfaces and addresses, is invisible to the machine and vanishes with it.
 *          The kernel is asked by netlink; no tool is needed.
 * Units    Names as `ip link` shows them.
 * Owner    Strings are only read.
 * Context  enter: the start of main(), while the program has one thread. The rest: anywhere after.
 * Errors   enter: no right, or a kernel without namespaces. Anything else that goes wrong fails the
 *          running test, or ends the program if none runs. */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <stdbool.h>
#include <stdint.h>

enum { TEST_NETNS_SKIP = 77 }; /* exit status of a program that could not do its tests */

/* Moves the program into a network of its own, with `lo` up and nothing else in it: as root at
 * once, else inside a user namespace in which it is root. false: it stays where it was, *why is
 * a constant that says what is missing. Entering again does nothing. */
bool test_netns_enter(const char **why);

/* The same for a program that makes tap devices: false also where /dev/net/tun cannot be opened. */
bool test_netns_enter_with_tun(const char **why);

/* The whole of a test program's first lines: enters, or prints "skipped: ..." and exits with 77. */
void test_netns_enter_or_exit(void);

bool test_link_exists(const char *name);
unsigned test_link_index(const char *name);
void test_link_up(const char *name, bool up);
void test_link_mtu(const char *name, unsigned mtu);
void test_link_queue(const char *name, unsigned frames); /* txqueuelen */
void test_link_get_mac(const char *name, uint8_t mac[6]);
void test_link_set_mac(const char *name, const uint8_t mac[6]);

/* "192.0.2.1/24" or "2001:db8::1/64"; usable at once (no duplicate address detection). */
void test_link_addr(const char *name, const char *cidr);

/* Two interfaces back to back. They make no IPv6 frames of their own until they are told to. */
void test_link_veth(const char *name, const char *peer);

/* With its peer, if it is a veth. */
void test_link_delete(const char *name);

/* Into the network namespace of another process. */
void test_link_move(const char *name, int pid);

/* Writes a setting: "net/ipv6/conf/tap0/disable_ipv6", "1". The path is relative to /proc/sys. */
void test_sysctl(const char *path, const char *value);

/* Keeps the kernel from speaking on this interface on its own: no IPv6 there. "default": on those
 * that are made from now on. */
void test_link_quiet(const char *name);

#endif
