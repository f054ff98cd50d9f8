/* SPDX-License-Identifier: ISC */
/* test/contract/udp/fixture_udp_socket.c - udp-socket in the UDP suite. The peer is the
 * kernel, on loopback. */
#include "suite.h"

#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_peer.h"
#include "test_process.h"
#include "udp_socket.h"

struct udp_rig {
    struct rung_platform *p;
    struct rung_udp_socket stack;
    struct rung_udp_socket_keys keys; /* as long as it is open */
};

static struct udp_rig *fix_make(struct rung_platform *p)
{
    struct udp_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    return rig;
}

static void fix_free(struct udp_rig *rig)
{
    free(rig);
}

static enum rung_err fix_open(struct udp_rig *rig, const struct udp_how *how, struct rung_udp **udp)
{
    struct rung_udp_socket_needs needs = {0};
    rig->keys = (struct rung_udp_socket_keys){
        .slot = "udp", .rx_memory = how->rx_memory ? how->rx_memory : 4u << 20,
    };
    *udp = &rig->stack.udp;
    return rung_udp_socket_open(&rig->stack, rig->p, &rig->keys, &needs);
}

static uint64_t fix_lends(struct udp_rig *rig)
{
    return rig->keys.rx_memory;
}

static bool fix_host(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = kernel_loopback(family);
    return kernel_has(addr); /* no IPv6 on some hosts */
}

static struct udp_peer *fix_peer_open(struct udp_rig *rig, enum rung_family family,
                                      struct rung_addr *addr)
{
    (void)rig;
    *addr = kernel_loopback(family);
    return kernel_udp_open(addr, if_nametoindex("lo"));
}

static bool fix_second_host(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig; /* all of 127.0.0.0/8 is this host; of IPv6 there is only ::1 */
    return family == RUNG_AF_IPV4 && rung_addr_parse(addr, "127.0.0.2") == RUNG_OK;
}

/* A group on the loopback interface. IPv6 does not deliver there on most hosts: tried out first. */
static bool fix_group(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    struct rung_addr own = kernel_loopback(family);
    (void)rig;
    rung_addr_parse(addr, family == RUNG_AF_IPV4 ? "239.255.77.77" : "ff02::7777");
    addr->scope = if_nametoindex("lo");
    return kernel_udp_group_works(&own, addr);
}

static bool fix_exhaust(struct udp_rig *rig, bool on)
{
    (void)rig;
    test_process_descriptors(on);
    return true;
}

static bool fix_unprivileged(struct udp_rig *rig, bool on)
{
    (void)rig;
    return test_process_unprivileged(on);
}

/* Loopback is never full: the receiver's side drops. So the system call itself is made to say it,
 * after a few datagrams, as it would on a slow link. */
static int fix_clogged_after = -1;

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);
int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
    if (fix_clogged_after == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (fix_clogged_after > 0 && n > (unsigned)fix_clogged_after)
        n = (unsigned)fix_clogged_after;
    if (fix_clogged_after > 0)
        fix_clogged_after -= (int)n;
    return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

static bool fix_clog(struct udp_rig *rig, bool on)
{
    (void)rig;
    fix_clogged_after = on ? 20 : -1;
    return true;
}

static bool fix_unreachable(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig; /* a link-local address that names a link with no such neighbours */
    return family == RUNG_AF_IPV6 && rung_addr_parse(addr, "[fe80::1]:9") == RUNG_OK;
}

const struct udp_fixture udp_fixture = {
    .module = "udp-socket", .make = fix_make, .free = fix_free, .open = fix_open,
    .lends = fix_lends, .host = fix_host, .peer_open = fix_peer_open, KERNEL_UDP_PEER,
    .second_host = fix_second_host, .group = fix_group, .exhaust = fix_exhaust,
    .unprivileged = fix_unprivileged, .clog = fix_clog, .unreachable = fix_unreachable,
};
