/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_device.c - finds the interface and sets libpcap up on it. Every
 * failure is one line that says how to mend it; the opener gives back what was made until then. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_pcap_impl.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

#define DEVICE_TAG 4 /* libpcap puts a VLAN's tag back where the kernel took it out */

static enum rung_err device_unknown(struct rung_net_pcap *self, const char *device)
{
    char names[200] = "";
    size_t used = 0;
    struct if_nameindex *all = if_nameindex();
    for (struct if_nameindex *i = all; i && i->if_name; i++) {
        int len = snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                           i->if_name);
        if (len < 0 || used + (size_t)len >= sizeof(names)) {
            names[used] = '\0';
            break;
        }
        used += (size_t)len;
    }
    if (all)
        if_freenameindex(all);
    rung_log(self->p, RUNG_LOG_ERROR, self->slot,
             "there is no interface '%s': set %s.device to one of %s", device, self->slot, names);
    return RUNG_E_NOTFOUND;
}

static enum rung_err device_denied(struct rung_net_pcap *self, const char *device)
{
    char program[256];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[len > 0 ? len : 0] = '\0';
    rung_log(self->p, RUNG_LOG_ERROR, self->slot,
             "no permission to use %s: run as root, or once `sudo setcap cap_net_raw+ep %s`",
             device, len > 0 ? program : "<program>");
    return RUNG_E_ACCESS;
}

static enum rung_err device_failed(struct rung_net_pcap *self, const char *device, int status)
{
    const char *why = pcap_geterr(self->pcap);
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return device_unknown(self, device);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return device_denied(self, device);
    case PCAP_ERROR_IFACE_NOT_UP:
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "%s is down: run `ip link set %s up`",
                 device, device);
        return RUNG_E_DOWN;
    default:
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot capture on %s: %s", device,
                 *why ? why : pcap_statustostr(status));
        return RUNG_E_IO;
    }
}

/* Fills in what the interface says of itself. */
static enum rung_err device_facts(struct rung_net_pcap *self, const struct rung_net_pcap_keys *keys)
{
    struct rung_net_pcap_live *live = self->live;
    const char *device = rung_net_pcap_key_device(keys);
    struct rung_net_info *info = &self->net.info;
    struct ifreq ifr = {.ifr_mtu = 0};
    live->index = if_nametoindex(device);
    if (!live->index || strlen(device) >= sizeof(live->name))
        return device_unknown(self, device);
    snprintf(live->name, sizeof(live->name), "%s", device);
    memcpy(ifr.ifr_name, live->name, sizeof(live->name));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int err = fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr) ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (err) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot ask %s for its mtu: %s", device,
                 strerror(err));
        return rung_err_from_errno(err);
    }
    live->mtu = (unsigned)ifr.ifr_mtu;
    unsigned mtu = live->mtu > 65535 ? 65535 : live->mtu; /* lo has 65536 */
    if (mtu < 576 || rung_net_pcap_key_mtu(keys) > mtu) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "%s takes at most %u bytes: set %s.mtu to less, or run `ip link set %s mtu %u`",
                 device, mtu, self->slot, device, mtu < 576 ? 576u : rung_net_pcap_key_mtu(keys));
        return RUNG_E_RANGE;
    }
    info->mtu = rung_net_pcap_key_mtu(keys) ? rung_net_pcap_key_mtu(keys) : (uint16_t)mtu;
    return RUNG_OK;
}

static enum rung_err device_activate(struct rung_net_pcap *self,
                                     const struct rung_net_pcap_keys *keys)
{
    struct rung_net_pcap_live *live = self->live;
    char why[PCAP_ERRBUF_SIZE] = "";
    self->pcap = pcap_create(live->name, why);
    if (!self->pcap) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot capture on %s: %s", live->name, why);
        return RUNG_E_NOMEM;
    }
    unsigned longest = self->offload ? RUNG_FRAME_MAX : 14u + self->net.info.mtu;
    pcap_set_snaplen(self->pcap, (int)longest + DEVICE_TAG); /* longer ones show in their len */
    pcap_set_promisc(self->pcap, rung_net_pcap_key_promisc(keys));
    pcap_set_immediate_mode(self->pcap, 1); /* frames come as they come, not by the block */
    pcap_set_buffer_size(self->pcap, (int)rung_net_pcap_key_buffer(keys));
    int status = pcap_activate(self->pcap);
    if (status < 0)
        return device_failed(self, live->name, status);
    int type = pcap_datalink(self->pcap);
    if (type != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(type);
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "%s is not Ethernet but %s (%d): set %s.device to another interface", live->name,
                 name ? name : "unknown", type, self->slot);
        return RUNG_E_NOTSUP;
    }
    live->fd = pcap_get_selectable_fd(self->pcap);
    if (pcap_setnonblock(self->pcap, 1, why) || fcntl(live->fd, F_SETFD, FD_CLOEXEC)) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot set up the socket on %s: %s",
                 live->name, *why ? why : strerror(errno));
        return RUNG_E_IO;
    }
    return RUNG_OK;
}

/* What this host sends is not for us, be it our own frames or the kernel's. libpcap sorts them out
 * when they have been copied already; the kernel (4.20 and later) can leave them alone. */
static int device_direction(struct rung_net_pcap *self)
{
    int on = 1;
    setsockopt(self->live->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    return pcap_setdirection(self->pcap, PCAP_D_IN);
}

/* In the kernel. A loopback, a hub or a bridge may bring our own frames back: they would look like
 * another station with our address (RFC 4862, 5.4.3). */
static int device_filter(struct rung_net_pcap *self, bool promisc)
{
    const uint8_t *m = self->net.info.mac;
    struct bpf_program program;
    char mac[18], text[160];
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    if (promisc)
        snprintf(text, sizeof(text), "not ether src %s", mac);
    else
        snprintf(text, sizeof(text), "(ether dst %s or ether multicast) and not ether src %s", mac,
                 mac);
    if (pcap_compile(self->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN))
        return -1;
    int status = pcap_setfilter(self->pcap, &program);
    pcap_freecode(&program);
    return status;
}

/* Has the NIC let in our own address beside the host's, and all groups; the kernel puts it into
 * promiscuous mode where it cannot. Ends with the socket. 0 or an errno. */
static int device_join(struct rung_net_pcap *self)
{
    struct packet_mreq own = {
        .mr_ifindex = (int)self->live->index, .mr_type = PACKET_MR_UNICAST, .mr_alen = 6,
    };
    struct packet_mreq groups = {
        .mr_ifindex = (int)self->live->index, .mr_type = PACKET_MR_ALLMULTI,
    };
    int fd = self->live->fd;
    memcpy(own.mr_address, self->net.info.mac, 6);
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &own, sizeof(own))
        || setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &groups, sizeof(groups)))
        return errno;
    return 0;
}

enum rung_err rung_net_pcap_device_open(struct rung_net_pcap *self,
                                        const struct rung_net_pcap_keys *keys)
{
    bool promisc = rung_net_pcap_key_promisc(keys);
    self->live = rung_zalloc(self->p, 1, sizeof(*self->live));
    if (!self->live) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "out of memory: give the program more");
        return RUNG_E_NOMEM;
    }
    self->live->self = self;
    self->live->p = self->p;
    enum rung_err err = device_facts(self, keys);
    if (!err)
        err = device_activate(self, keys);
    if (err)
        return err;
    if (device_direction(self) || device_filter(self, promisc)) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "cannot filter on %s: %s", self->live->name,
                 pcap_geterr(self->pcap));
        return RUNG_E_IO;
    }
    int join = promisc ? 0 : device_join(self);
    if (join) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot,
                 "%s does not receive for a second address (%s): set %s.promisc=on",
                 self->live->name, strerror(join), self->slot);
        return rung_err_from_errno(join);
    }
    return RUNG_OK;
}
