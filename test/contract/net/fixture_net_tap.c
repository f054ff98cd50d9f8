/* SPDX-License-Identifier: ISC */
/* test/contract/net/fixture_net_tap.c - net-tap in the NET suite: a real device, in a network of
 * the program's own. The peer is the host's kernel at the device's other side, reached with a
 * packet socket that shows and takes super-frames and unfinished sums (packet(7),
 * PACKET_VNET_HDR). */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net_tap.h"
#include "suite.h"
#include "test_netns.h"

struct net_rig {
    struct rung_net_tap tap;
    struct rung_net_tap_keys keys; /* as long as it is open */
    struct rung_platform *p;
    int peer;
};

static bool tap_enter(const char **why)
{
    if (!test_netns_enter_with_tun(why))
        return false;
    test_link_quiet("default");
    return true;
}

static struct net_rig *tap_make(struct rung_platform *p, const char *variant)
{
    struct net_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->peer = -1;
    rig->keys = (struct rung_net_tap_keys){
        .slot = "net", .offload = strcmp(variant, "offload") == 0, .rx_memory = 1 << 20,
        .mtu = strcmp(variant, "jumbo") == 0 ? 9000 : 0,
    };
    return rig;
}

static void tap_free(struct net_rig *rig)
{
    if (rig->peer >= 0)
        close(rig->peer);
    free(rig);
}

static void tap_peer_open(struct net_rig *rig)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_protocol = (uint16_t)(ETH_P_ALL << 8), /* in network order; it is less than 256 */
        .sll_ifindex = (int)test_link_index(rig->tap.name),
    };
    int on = 1, bytes = 64 << 20;
    /* Holds all that a case injects: what is dropped before the device nobody counts here. */
    test_link_queue(rig->tap.name, 20000);
    rig->peer = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(rig->peer >= 0);
    assert_int_equal(setsockopt(rig->peer, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
    assert_int_equal(setsockopt(rig->peer, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
    setsockopt(rig->peer, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    assert_int_equal(bind(rig->peer, (struct sockaddr *)&at, sizeof(at)), 0);
}

static enum rung_err tap_open(struct net_rig *rig, struct rung_net **net)
{
    struct rung_net_tap_needs needs = {0};
    *net = &rig->tap.net;
    enum rung_err err = rung_net_tap_open(&rig->tap, rig->p, &rig->keys, &needs);
    if (!err)
        tap_peer_open(rig);
    return err;
}

static bool tap_inject(struct net_rig *rig, const struct net_wire *wire)
{
    struct virtio_net_hdr hdr = {.gso_size = wire->gso_size};
    union { /* writev() writes to no memory */
        const uint8_t *from;
        void *base;
    } bytes = {.from = wire->bytes};
    struct iovec iov[] = {{&hdr, sizeof(hdr)}, {bytes.base, wire->len}};
    if (wire->flags & RUNG_FRAME_CSUM) {
        hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        hdr.csum_start = wire->csum_start;
        hdr.csum_offset = wire->csum_offset;
    }
    if (wire->gso_size) {
        hdr.gso_type = wire->gso_type == RUNG_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4
                                                       : VIRTIO_NET_HDR_GSO_TCPV6;
        hdr.hdr_len = wire->hdr_len;
    }
    if (wire->flags & RUNG_FRAME_ECN)
        hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = RUNG_ARRAY_LEN(iov)};
    ssize_t put = sendmsg(rig->peer, &msg, 0);
    if (put < 0 && errno != EAGAIN && errno != ENOBUFS)
        fail_msg("a frame of %u cannot be sent: %s", (unsigned)wire->len, strerror(errno));
    return put > 0;
}

static bool tap_take(struct net_rig *rig, struct net_wire *wire)
{
    struct virtio_net_hdr hdr;
    struct iovec iov[] = {{&hdr, sizeof(hdr)}, {wire->bytes, sizeof(wire->bytes)}};
    ssize_t got = readv(rig->peer, iov, RUNG_ARRAY_LEN(iov));
    if (got < 0 && (errno == ENETDOWN || errno == ENXIO)) /* it says so once */
        got = readv(rig->peer, iov, RUNG_ARRAY_LEN(iov));
    if (got < (ssize_t)sizeof(hdr))
        return false;
    memset(wire, 0, offsetof(struct net_wire, bytes));
    wire->len = (uint32_t)got - (uint32_t)sizeof(hdr);
    if (hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        wire->flags = RUNG_FRAME_CSUM;
        wire->csum_start = hdr.csum_start;
        wire->csum_offset = hdr.csum_offset;
    }
    if (hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    assert_true(wire->flags & RUNG_FRAME_CSUM);
    if (hdr.gso_type & VIRTIO_NET_HDR_GSO_ECN)
        wire->flags |= RUNG_FRAME_ECN;
    wire->gso_type = (hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_TCPV4
                         ? RUNG_GSO_TCP4 : RUNG_GSO_TCP6;
    wire->gso_size = hdr.gso_size;
    /* The kernel's hdr_len is how much lies in its first piece. */
    wire->hdr_len = (uint16_t)(wire->csum_start + (wire->bytes[wire->csum_start + 12] >> 4) * 4);
    return true;
}

/* A tap is full when frames that it was given are held up in the host and a limit was set for them
 * (TUNSETSNDBUF), which takes a whole network to bring about. So the system calls themselves are
 * made to say it, after a few frames. */
static int tap_stalled_fd = -1, tap_stalled_after;

static bool tap_is_full(int fd)
{
    if (fd != tap_stalled_fd || tap_stalled_after-- > 0)
        return false;
    errno = EAGAIN;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return tap_is_full(fd) ? -1 : syscall(SYS_write, fd, bytes, len);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    return tap_is_full(fd) ? -1 : syscall(SYS_writev, fd, iov, count);
}

static bool tap_stall(struct net_rig *rig, bool on)
{
    tap_stalled_fd = on ? rig->tap.fd : -1;
    tap_stalled_after = 120;
    return true;
}

static bool tap_set_link(struct net_rig *rig, bool up)
{
    test_link_up(rig->tap.name, up);
    return true;
}

static bool tap_unplug(struct net_rig *rig)
{
    test_link_delete(rig->tap.name);
    return true;
}

static const char *const tap_variants[] = {"offload", "plain", "jumbo", NULL};

/* The kernel itself cuts what is longer than a device's gso_max_size. */
const struct net_fixture net_fixture = {
    .module = "net-tap", .variants = tap_variants, .super_max = 65535, .enter = tap_enter,
    .make = tap_make, .free = tap_free, .open = tap_open, .inject = tap_inject, .take = tap_take,
    .stall = tap_stall, .set_link = tap_set_link, .unplug = tap_unplug,
};
