/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_open.c - makes the module from its keys and from what the toolstack and
 * the back end say. See netfront.h. */
#include <string.h>
#include "xen/bus/abi.h" /* before Xen's own */
#include <xen/io/netif.h>

#include "netfront_impl.h"
#include "rung/heap.h"
#include "rung/log.h"

enum {
    OPEN_MTU = 1500,
    OPEN_MTU_MIN = 576,
    OPEN_MTU_MAX = 65521, /* NETFRONT_PACKET_MAX without Ethernet's header */
    OPEN_MTU_PLAIN = RUNG_XEN_PAGE - 18, /* without scatter-gather: a page, and a VLAN tag */
};

static int open_hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* "00:16:3e:00:00:01": of one station, and not of none. */
static bool open_mac(const char *text, uint8_t mac[6])
{
    static const uint8_t none[6];
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = open_hex(text[0]);
        int low = high < 0 ? -1 : open_hex(text[1]);
        if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

static bool open_says(const struct rung_netfront *nf, const char *feature)
{
    return rung_xen_device_number(&nf->device, feature, 0) == 1;
}

static uint32_t open_caps(const struct rung_netfront *nf)
{
    bool sg = open_says(nf, "feature-sg");
    uint32_t caps = sg ? RUNG_NET_TX_SG : 0;
    if (!nf->offload)
        return caps;
    caps |= RUNG_NET_RX_CSUM | RUNG_NET_RX_GSO;
    if (open_says(nf, "feature-no-csum-offload"))
        return caps;
    caps |= RUNG_NET_TX_CSUM; /* in IPv6 we make the sums if the back end does not */
    if (sg && open_says(nf, "feature-gso-tcpv4"))
        caps |= RUNG_NET_TX_TSO4;
    if (sg && nf->sum6 && open_says(nf, "feature-gso-tcpv6"))
        caps |= RUNG_NET_TX_TSO6;
    return caps;
}

static uint16_t open_mtu(const struct rung_netfront *nf, uint32_t caps)
{
    uint64_t mtu = rung_xen_device_number(&nf->device, "mtu", OPEN_MTU);
    uint64_t most = caps & RUNG_NET_TX_SG ? OPEN_MTU_MAX : OPEN_MTU_PLAIN;
    if (mtu < OPEN_MTU_MIN)
        mtu = OPEN_MTU_MIN;
    return (uint16_t)(mtu < most ? mtu : most);
}

static enum rung_err open_refuse(const struct rung_netfront *nf, const char *what,
                                 const char *value)
{
    rung_log(nf->p, RUNG_LOG_ERROR, nf->keys->slot, "vif %s: %s%s%s", nf->device.id, what,
             value ? ": " : "", value ? value : "");
    return value ? RUNG_E_INVAL : RUNG_E_NOTSUP;
}

/* A stack counts on what info said at first; less than that is no use to it. */
static enum rung_err open_same(const struct rung_netfront *nf, const struct rung_net_info *now)
{
    const struct rung_net_info *info = &nf->net.info;
    const char *what = NULL;
    if (memcmp(now->mac, info->mac, sizeof(info->mac)) != 0)
        what = "another address: attach it with the mac= that it had";
    else if (now->mtu < info->mtu)
        what = "a smaller mtu: attach it as it was";
    else if (info->caps & ~now->caps)
        what = "less than its back end offered at first (sg, gso or checksums): attach it as it "
               "was, or start with offload=off";
    if (!what)
        return RUNG_OK;
    rung_log(nf->p, RUNG_LOG_ERROR, nf->keys->slot,
             "vif %s has come back with %s; or start the guest again", nf->device.id, what);
    return RUNG_E_CHANGED;
}

enum rung_err rung_netfront_learn(struct rung_netfront *nf)
{
    struct rung_net_info info = {.max_frags = 1};
    const char *mac = rung_xen_device_text(&nf->device, "mac");
    if (!open_mac(mac, info.mac))
        return open_refuse(nf, "it has no usable Ethernet address; write mac=00:16:3e:... into the "
                           "guest's configuration", mac);
    if (!open_says(nf, "feature-rx-copy"))
        return open_refuse(nf, "its back end does not know how to copy (feature-rx-copy)", NULL);
    nf->trusted = rung_xen_device_number(&nf->device, "trusted", 1) != 0;
    nf->sum6 = open_says(nf, "feature-ipv6-csum-offload");
    nf->mcast.able = open_says(nf, "feature-multicast-control")
                     && open_says(nf, "feature-dynamic-multicast-control");
    info.caps = open_caps(nf);
    info.mtu = open_mtu(nf, info.caps);
    if (info.caps & RUNG_NET_TX_SG)
        info.max_frags = NETFRONT_PACKET_SLOTS;
    uint32_t hold = (nf->rx.limit - NETFRONT_POST_MIN) / 4 * 3 / NETFRONT_PACKET_SLOTS;
    info.rx_hold = (uint16_t)(hold < UINT16_MAX ? hold : UINT16_MAX);
    if (nf->opened)
        return open_same(nf, &info);
    nf->net.info = info;
    return RUNG_OK;
}

static void open_values(struct rung_netfront *nf)
{
    static const struct { const char *name; bool ours; } values[] = {
        {"mac", true}, {"mtu", true}, {"trusted", true}, {"feature-rx-copy", false},
        {"feature-sg", false}, {"feature-gso-tcpv4", false}, {"feature-gso-tcpv6", false},
        {"feature-no-csum-offload", false}, {"feature-ipv6-csum-offload", false},
        {"feature-split-event-channels", false},
        {"feature-multicast-control", false}, {"feature-dynamic-multicast-control", false},
    };
    _Static_assert(RUNG_ARRAY_LEN(values) == NETFRONT_VALUES, "as many as there is room for");
    for (unsigned i = 0; i < NETFRONT_VALUES; i++) {
        nf->tables->values[i].name = values[i].name;
        nf->tables->values[i].ours = values[i].ours;
    }
    nf->device.driver = &rung_netfront_driver;
    nf->device.who = nf->keys->slot;
    nf->device.keys = nf->tables->values;
    nf->device.key_count = NETFRONT_VALUES;
}

static enum rung_err open_memory(struct rung_netfront *nf)
{
    nf->tables = rung_zalloc(nf->p, 1, sizeof(*nf->tables));
    if (nf->tables && rung_netfront_pool_first(nf)) {
        rung_netfront_slot_init(nf);
        open_values(nf);
        return RUNG_OK;
    }
    if (nf->tables)
        rung_netfront_pool_end(nf);
    rung_free(nf->p, nf->tables);
    rung_log(nf->p, RUNG_LOG_ERROR, nf->keys->slot, "%s for a network device: give the guest more",
             rung_err_text(RUNG_E_NOMEM));
    return RUNG_E_NOMEM;
}

static void open_say_what_it_is(const struct rung_netfront *nf)
{
    const struct rung_net_info *info = &nf->net.info;
    const uint8_t *m = info->mac;
    rung_log(nf->p, RUNG_LOG_INFO, nf->keys->slot,
             "vif %s, mtu %u, address %02x:%02x:%02x:%02x:%02x:%02x%s%s", nf->device.id, info->mtu,
             m[0], m[1], m[2], m[3], m[4], m[5],
             info->caps & RUNG_NET_TX_CSUM ? "" : ", no offload",
             nf->trusted ? "" : ", back end not trusted");
}

enum rung_err rung_netfront_open(struct rung_netfront *self, struct rung_platform *p,
                                 const struct rung_netfront_keys *keys,
                                 const struct rung_netfront_needs *needs)
{
    uint64_t memory = rung_netfront_key_rx_memory(keys);
    (void)needs;
    *self = (struct rung_netfront){.p = p, .keys = keys};
    rung_net_init(&self->net, &rung_netfront_net_ops);
    if (memory < NETFRONT_LIMIT_MIN) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "rx-memory is too small: set %s.rx-memory to %uK or more", keys->slot,
                 NETFRONT_LIMIT_MIN >> 10);
        return RUNG_E_RANGE;
    }
    memory /= RUNG_XEN_PAGE;
    self->rx.limit = memory < UINT32_MAX / 2 ? (uint32_t)memory : UINT32_MAX / 2;
    self->rx.target = NETFRONT_POST_MIN;
    self->rx.want = true;
    self->offload = rung_netfront_key_offload(keys);
    rung_netfront_link_init(self);
    enum rung_err err = open_memory(self);
    if (err)
        return err;
    err = rung_xen_device_open(&self->device, p, rung_netfront_key_device(keys), 0,
                               rung_netfront_key_wait(keys));
    if (err) {
        rung_netfront_pool_end(self);
        rung_free(p, self->tables);
        return err;
    }
    rung_xen_resumer_add(self->device.x, &self->resumer);
    self->opened = true;
    self->events = 0;
    self->rx.want = true;
    rung_netfront_rx_look(self);
    open_say_what_it_is(self);
    return RUNG_OK;
}

const struct rung_net_ops rung_netfront_net_ops =
    RUNG_NET_TABLE("netfront", rung_netfront, .set_multicast = rung_netfront_set_multicast);
