/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_net_pcap.c - net-pcap in the NET suite, on one end of a veth pair in a 
 * network of this program's own. The peer is a packet socket on the other end. It hands over and
 * takes what stands beside a frame (PACKET_VNET_HDR), so that unfinished checksums and super-frames
 * come to the module as the kernel's own would. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "net_pcap.h"
#include "net_pcap_running.h"
#include "suite.h"
#include "test_netns.h"
#include "unix/unix.h"

struct net_rig {
    struct rung_net_pcap pcap;
    struct rung_net_pcap_keys keys; /* as long as it is open */
    struct rung_platform *p;
    char device[IF_NAMESIZE], peer[IF_NAMESIZE];
    int fd; /* the peer's */
    uv_timer_t *tick;
};

static int pcap_socket(const char *name, unsigned protocol)
{
    struct sockaddr_ll sa = {
        .sll_family = AF_PACKET,
        .sll_protocol = (uint16_t)(protocol << 8 | protocol >> 8),
        .sll_ifindex = (int)test_link_index(name),
    };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&sa, sizeof(sa)), 0);
    return fd;
}

static void pcap_set(int fd, int level, int option, int value)
{
    assert_int_equal(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

/* The peer's end does not wake the loop; a tick does, each millisecond. */
static void pcap_on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static void pcap_free_tick(uv_handle_t *tick)
{
    free(tick);
}

static struct net_rig *pcap_make(struct rung_platform *p, const char *variant)
{
    static unsigned count;
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->keys = (struct rung_net_pcap_keys){
        .slot = "net", .device = rig->device, .offload = true, .buffer = 4 << 20, .pool = 512,
    };
    count++;
    snprintf(rig->device, sizeof(rig->device), "ours%u", count);
    snprintf(rig->peer, sizeof(rig->peer), "far%u", count);
    test_link_veth(rig->device, rig->peer);
    if (strcmp(variant, "plain") == 0) {
        rig->keys.offload = false;
        rig->keys.mac = "02:00:5e:10:00:01";
        if (count % 2)
            rig->keys.mac = "02-00-5E-10-00-02";
    } else if (strcmp(variant, "promisc") == 0) {
        rig->keys.promisc = true;
        rig->keys.pool = 60;
    } else if (strcmp(variant, "jumbo") == 0) {
        test_link_mtu(rig->device, 9000);
        test_link_mtu(rig->peer, 9000);
        rig->keys.mtu = 8000;
        rig->keys.offload = false;
    }
    test_link_up(rig->peer, true);
    test_link_up(rig->device, true);
    await_running(rig->device);
    await_running(rig->peer);
    rig->fd = pcap_socket(rig->peer, ETH_P_ALL);
    pcap_set(rig->fd, SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
    pcap_set(rig->fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    rig->tick = calloc(1, sizeof(*rig->tick));
    assert_non_null(rig->tick);
    uv_timer_init(rung_unix_loop(p), rig->tick);
    uv_timer_start(rig->tick, pcap_on_tick, 1, 1);
    return rig;
}

static void pcap_free(struct net_rig *rig)
{
    uv_close((uv_handle_t *)rig->tick, pcap_free_tick);
    close(rig->fd);
    if (test_link_exists(rig->device))
        test_link_delete(rig->device);
    free(rig);
}

static enum rung_err pcap_fixture_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_net_pcap_needs needs = {0};
    *net = &rig->pcap.net;
    return rung_net_pcap_open(&rig->pcap, rig->p, &rig->keys, &needs);
}

static bool pcap_fixture_inject(struct net_rig *rig, const struct net_wire *wire)
{
    static const uint8_t gso[] = {
        [RUNG_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4, [RUNG_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
    };
    bool ecn = wire->gso_size && (wire->flags & RUNG_FRAME_ECN);
    struct virtio_net_hdr hdr = {
        .flags = wire->flags & RUNG_FRAME_CSUM ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0,
        .gso_type = (uint8_t)(gso[wire->gso_type] | (ecn ? VIRTIO_NET_HDR_GSO_ECN : 0)),
        .hdr_len = wire->hdr_len, .gso_size = wire->gso_size,
        .csum_start = wire->csum_start, .csum_offset = wire->csum_offset,
    };
    struct iovec iov[] = {
        {.iov_base = &hdr, .iov_len = sizeof(hdr)},
        {.iov_base = (void *)(uintptr_t)wire->bytes, .iov_len = wire->len},
    };
    ssize_t sent = writev(rig->fd, iov, 2);
    if (sent < 0 && errno == ENETDOWN) /* of a time when it was */
        sent = writev(rig->fd, iov, 2);
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENETDOWN)
        fail_msg("the peer cannot send %u bytes: %s", wire->len, strerror(errno));
    return sent >= 0;
}

static bool pcap_fixture_take(struct net_rig *rig, struct net_wire *wire)
{
    struct virtio_net_hdr hdr;
    struct iovec iov[] = {
        {.iov_base = &hdr, .iov_len = sizeof(hdr)},
        {.iov_base = wire->bytes, .iov_len = sizeof(wire->bytes)},
    };
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t got = recvmsg(rig->fd, &msg, MSG_DONTWAIT);
    if (got < 0 && errno == ENETDOWN)
        got = recvmsg(rig->fd, &msg, MSG_DONTWAIT);
    if (got < (ssize_t)sizeof(hdr))
        return false;
    memset(wire, 0, offsetof(struct net_wire, bytes));
    wire->len = (uint32_t)((size_t)got - sizeof(hdr));
    assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE); /* it offers no such thing */
    assert_false(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
    return true;
}

static bool pcap_tc(const struct net_rig *rig, const char *rest)
{
    char command[160];
    snprintf(command, sizeof(command), "tc qdisc replace dev %s root %s", rig->device, rest);
    return system(command) == 0;
}

/* A veth never says no by itself; a shaper in front of it does. Letting go takes a frame of the
 * host's, which nobody knows: the shaper looks at its new rate when there is something to do. */
static bool pcap_stall(struct net_rig *rig, bool on)
{
    static const uint8_t kick[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, [12] = 0x88, 0xb6};
    if (on)
        return pcap_tc(rig, "tbf rate 8bit burst 1600 limit 100mb");
    if (!pcap_tc(rig, "tbf rate 10gbit burst 10mb limit 100mb"))
        return false;
    int fd = pcap_socket(rig->device, 0);
    ssize_t sent = send(fd, kick, sizeof(kick), 0);
    close(fd);
    return sent == (ssize_t)sizeof(kick);
}

/* Our end: then no frame is lost that is on its way already. */
static bool pcap_set_link(struct net_rig *rig, bool up)
{
    test_link_up(rig->device, up);
    if (up) {
        await_running(rig->device);
        await_running(rig->peer);
    }
    return true;
}

static bool pcap_unplug(struct net_rig *rig)
{
    test_link_delete(rig->device);
    return true;
}

static const char *const pcap_variants[] = {"offload", "plain", "promisc", "jumbo", NULL};

const struct net_fixture net_fixture = {
    .module = "net-pcap", .variants = pcap_variants, .super_max = 65535, /* of a veth */
    .enter = test_netns_enter,
    .make = pcap_make, .free = pcap_free, .open = pcap_fixture_open,
    .inject = pcap_fixture_inject, .take = pcap_fixture_take,
    .stall = pcap_stall, .set_link = pcap_set_link, .unplug = pcap_unplug,
};
