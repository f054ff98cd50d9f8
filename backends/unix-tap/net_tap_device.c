/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_device.c - gets a tap device from the kernel and sets it up. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>

#include "net_tap_hdr.h"
#include "net_tap_impl.h"
#include "rung/log.h"
#include "unix/unix.h"

#define TAP_DEVICE "/dev/net/tun"

_Static_assert(sizeof(struct virtio_net_hdr) == RUNG_NET_TAP_FRONT, "room for the header");
_Static_assert(sizeof(((struct rung_net_tap *)0)->name) == IFNAMSIZ, "room for the name");

/* An ioctl that names the device; ctl is any socket. 0 or an errno. */
static int tap_if(const struct rung_net_tap *tap, int ctl, unsigned long request, struct ifreq *ifr)
{
    memcpy(ifr->ifr_name, tap->name, sizeof(ifr->ifr_name));
    return ioctl(ctl, request, ifr) ? errno : 0;
}

static enum rung_err tap_no_tun(const struct rung_net_tap *tap, int err)
{
    if (err == EACCES || err == EPERM)
        rung_log(tap->p, RUNG_LOG_ERROR, tap->keys->slot,
                 "no permission to open " TAP_DEVICE ": use ./rung run, or let users make use of "
                 "their own taps with: sudo chmod 0666 " TAP_DEVICE);
    else if (err == ENOENT || err == ENODEV || err == ENXIO)
        rung_log(tap->p, RUNG_LOG_ERROR, tap->keys->slot,
                 "no " TAP_DEVICE " here: load it with: sudo modprobe tun (in a container: give it "
                 "the device " TAP_DEVICE ")");
    else
        rung_log(tap->p, RUNG_LOG_ERROR, tap->keys->slot, TAP_DEVICE ": %s", strerror(err));
    return err == ENODEV || err == ENXIO ? RUNG_E_NOTFOUND : rung_err_from_errno(err);
}

static enum rung_err tap_not_ours(const struct rung_net_tap *tap, bool existed, int err)
{
    const char *slot = tap->keys->slot, *name = tap->name[0] ? tap->name : "tap0";
    if (err == EPERM && existed)
        rung_log(tap->p, RUNG_LOG_ERROR, slot,
                 "%s belongs to another user: sudo ip tuntap del dev %s mode tap; sudo ip tuntap "
                 "add dev %s mode tap user $USER", name, name, name);
    else if (err == EPERM)
        rung_log(tap->p, RUNG_LOG_ERROR, slot,
                 "no permission to make a tap device: use ./rung run, or sudo ip tuntap add dev %s "
                 "mode tap user $USER, and say --%s.device=%s", name, slot, name);
    else if (err == EBUSY)
        rung_log(tap->p, RUNG_LOG_ERROR, slot,
                 "%s is in use by another program: end that one, or say --%s.device=...", name,
                 slot);
    else if (err == EINVAL && existed)
        rung_log(tap->p, RUNG_LOG_ERROR, slot,
                 "%s is no tap device of one queue: say --%s.device=... with a name from ip "
                 "tuntap, or with a new one", name, slot);
    else
        rung_log(tap->p, RUNG_LOG_ERROR, slot, "%s: %s", name, strerror(err));
    return rung_err_from_errno(err);
}

/* The features that the kernel has, of those that are of use. */
static short tap_flags(const struct rung_net_tap *tap)
{
    unsigned features = 0;
    int flags = IFF_TAP | IFF_NO_PI;
    if (rung_net_tap_key_offload(tap->keys) && ioctl(tap->fd, TUNGETFEATURES, &features) == 0
        && (features & IFF_VNET_HDR))
        flags |= IFF_VNET_HDR;
    return (short)flags;
}

static enum rung_err tap_attach(struct rung_net_tap *tap, int ctl, bool *made)
{
    struct ifreq ifr = {.ifr_flags = 0};
    bool existed = tap->name[0] && tap_if(tap, ctl, SIOCGIFINDEX, &ifr) == 0;
    memset(&ifr, 0, sizeof(ifr));
    ifr.ifr_flags = tap_flags(tap);
    tap->hdr_size = ifr.ifr_flags & IFF_VNET_HDR ? sizeof(struct virtio_net_hdr) : 0;
    int err = tap_if(tap, tap->fd, TUNSETIFF, &ifr);
    if (err)
        return tap_not_ours(tap, existed, err);
    memcpy(tap->name, ifr.ifr_name, sizeof(tap->name));
    *made = !existed;
    err = tap_if(tap, ctl, SIOCGIFINDEX, &ifr);
    if (err)
        return tap_not_ours(tap, true, err);
    tap->index = (unsigned)ifr.ifr_ifindex;
    return RUNG_OK;
}

/* Says what we take in, and so what the host may leave undone; what it does not know it refuses as
 * a whole. What we send it takes with any header. */
static void tap_offloads(struct rung_net_tap *tap)
{
    static const unsigned most_first[] = {
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
        TUN_F_CSUM,
        0,
    };
    size_t i = tap->hdr_size ? 0 : RUNG_ARRAY_LEN(most_first) - 1;
    int hdr_size = tap->hdr_size;
    struct tun_filter all = {.count = 0};
    /* A persistent device may have kept what another program set. */
    ioctl(tap->fd, TUNSETVNETHDRSZ, &hdr_size);
    ioctl(tap->fd, TUNSETTXFILTER, &all);
    while (ioctl(tap->fd, TUNSETOFFLOAD, most_first[i]) && i + 1 < RUNG_ARRAY_LEN(most_first))
        i++;
    tap->net.info.caps = RUNG_NET_TX_SG | RUNG_NET_PROMISC;
    if (tap->hdr_size)
        tap->net.info.caps |= RUNG_NET_TX_CSUM | RUNG_NET_TX_TSO4 | RUNG_NET_TX_TSO6;
    if (most_first[i] & TUN_F_CSUM)
        tap->net.info.caps |= RUNG_NET_RX_CSUM;
    if (most_first[i] & TUN_F_TSO4)
        tap->net.info.caps |= RUNG_NET_RX_GSO;
}

static enum rung_err tap_mtu(struct rung_net_tap *tap, int ctl)
{
    unsigned want = rung_net_tap_key_mtu(tap->keys);
    const char *slot = tap->keys->slot;
    struct ifreq ifr = {.ifr_mtu = 0};
    int err = tap_if(tap, ctl, SIOCGIFMTU, &ifr);
    if (!err && want && want != (unsigned)ifr.ifr_mtu) {
        ifr.ifr_mtu = (int)want;
        err = tap_if(tap, ctl, SIOCSIFMTU, &ifr);
    }
    if (err == EPERM) {
        rung_log(tap->p, RUNG_LOG_ERROR, slot, "no permission to set the mtu of %s: sudo ip link "
                 "set dev %s mtu %u, or leave --%s.mtu out", tap->name, tap->name, want, slot);
        return RUNG_E_ACCESS;
    }
    if (err) {
        rung_log(tap->p, RUNG_LOG_ERROR, slot, "%s does not take an mtu of %u (%s): give less with "
                 "--%s.mtu", tap->name, want, strerror(err), slot);
        return err == EINVAL ? RUNG_E_RANGE : rung_err_from_errno(err);
    }
    if (ifr.ifr_mtu < 576 || ifr.ifr_mtu > UINT16_MAX) {
        rung_log(tap->p, RUNG_LOG_ERROR, slot, "the mtu of %s is %d: sudo ip link set dev %s mtu "
                 "1500", tap->name, ifr.ifr_mtu, tap->name);
        return RUNG_E_INVAL;
    }
    tap->net.info.mtu = (uint16_t)ifr.ifr_mtu;
    return RUNG_OK;
}

/* The host has an address of its own on the same wire, and would not answer to its own. */
static enum rung_err tap_mac(struct rung_net_tap *tap, int ctl)
{
    struct ifreq ifr = {.ifr_flags = 0};
    uint8_t *mac = tap->net.info.mac;
    int err = tap_if(tap, ctl, SIOCGIFHWADDR, &ifr);
    if (!err && memcmp(mac, ifr.ifr_hwaddr.sa_data, sizeof(tap->net.info.mac)) != 0)
        return RUNG_OK;
    if (err) {
        rung_log(tap->p, RUNG_LOG_ERROR, tap->keys->slot, "%s: %s", tap->name, strerror(err));
        return rung_err_from_errno(err);
    }
    if (!rung_net_tap_key_mac(tap->keys)) { /* ours was drawn: 46 bits of luck */
        mac[5] ^= 1;
        return RUNG_OK;
    }
    rung_log(tap->p, RUNG_LOG_ERROR, tap->keys->slot,
             "the host itself has the address %02x:%02x:%02x:%02x:%02x:%02x on %s: give another "
             "with --%s.mac, or leave it out", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
             tap->name, tap->keys->slot);
    return RUNG_E_RANGE;
}

static bool tap_flags_up(const struct rung_net_tap *tap, int ctl)
{
    struct ifreq ifr = {.ifr_flags = 0};
    return tap_if(tap, ctl, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP);
}

static enum rung_err tap_set_up(struct rung_net_tap *tap, int ctl, bool *made)
{
    enum rung_err err = tap_attach(tap, ctl, made);
    if (err)
        return err;
    tap_offloads(tap);
    err = tap_mtu(tap, ctl);
    if (err)
        return err;
    tap->net.info.headroom = tap->hdr_size;
    tap->net.info.max_frags = RUNG_NET_TAP_FRAGS;
    tap->net.link_up = tap_flags_up(tap, ctl);
    return tap_mac(tap, ctl);
}

enum rung_err rung_net_tap_device_open(struct rung_net_tap *self, bool *made)
{
    int ctl = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    self->fd = open(TAP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    enum rung_err err = self->fd < 0 || ctl < 0 ? tap_no_tun(self, errno)
                                                : tap_set_up(self, ctl, made);
    if (ctl >= 0)
        close(ctl);
    if (err && self->fd >= 0)
        close(self->fd);
    return err;
}

enum rung_err rung_net_tap_device_up(struct rung_net_tap *self)
{
    struct ifreq ifr = {.ifr_flags = 0};
    int ctl = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int err = ctl < 0 ? errno : tap_if(self, ctl, SIOCGIFFLAGS, &ifr);
    if (!err) {
        ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP);
        err = tap_if(self, ctl, SIOCSIFFLAGS, &ifr);
    }
    if (ctl >= 0)
        close(ctl);
    if (err)
        rung_log(self->p, RUNG_LOG_ERROR, self->keys->slot, "%s cannot be brought up: %s",
                 self->name, strerror(err));
    self->net.link_up = !err;
    return rung_err_from_errno(err);
}

bool rung_net_tap_device_is_gone(const struct rung_net_tap *self)
{
    struct ifreq ifr;
    return ioctl(self->fd, TUNGETIFF, &ifr) && errno == EBADFD;
}
