/* SPDX-License-Identifier: ISC */
/* test/contract/udp/fixture_lwip.c - lwip in the UDP suite. The peer is a kernel, at the other
 * end of a link. The stack has one address of each family, needs no right for a low port, and no
 * descriptors. */
#include "suite.h"

#include "kernel_peer.h"
#include "lwip_host.h"
#include "lwip_int.h"

#define FIX_LONGEST6 (65535u - 40u - 8u) /* lwIP counts a packet in 16 bits, headers and all */

struct udp_rig {
    struct rung_platform *p;
    struct lwip_host host;
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
    lwip_host_stop_tcp(&rig->host);
    lwip_host_stop_dns(&rig->host);
    lwip_host_close(&rig->host);
    free(rig);
}

static enum rung_err fix_open(struct udp_rig *rig, const struct udp_how *how, struct rung_udp **udp)
{
    struct rung_lwip_keys keys = lwip_host_keys();
    if (how->rx_memory)
        keys.rx_memory = how->rx_memory;
    enum rung_err err = lwip_host_open(&rig->host, rig->p, &keys);
    if (!err)
        *udp = &rig->host.stack.udp;
    return err;
}

/* Some of the link's own frames, and copies of what came after. */
static uint64_t fix_lends(struct udp_rig *rig)
{
    return LWIP_FRAMES_HELD * (uint64_t)RUNG_FRAME_MAX + rig->host.keys.rx_memory;
}

static bool fix_host(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = lwip_host_address(family);
    return true;
}

static struct udp_peer *fix_peer_open(struct udp_rig *rig, enum rung_family family,
                                      struct rung_addr *addr)
{
    *addr = lwip_host_peer(family);
    return kernel_udp_open(addr, lwip_host_link(&rig->host));
}

/* Scope 0: the stack has one link; the kernel is told which by the peer's socket. */
static bool fix_group(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    const char *text = family == RUNG_AF_IPV4 ? "239.255.77.77" : "ff02::7777";
    (void)rig;
    return rung_addr_parse(addr, text) == RUNG_OK;
}

static bool fix_clog(struct udp_rig *rig, bool on)
{
    lwip_host_clog(&rig->host, on);
    return true;
}

static bool fix_unreachable(struct udp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = lwip_host_elsewhere(family);
    return true;
}

const struct udp_fixture udp_fixture = {
    .module = "lwip", .longest6 = FIX_LONGEST6, .enter = lwip_link_enter,
    .make = fix_make, .free = fix_free, .open = fix_open, .lends = fix_lends, .host = fix_host,
    .peer_open = fix_peer_open, KERNEL_UDP_PEER, .group = fix_group, .clog = fix_clog,
    .unreachable = fix_unreachable,
};
