/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_open.c - makes the module from its keys. See net_tap.h. */
#include <string.h>
#include <unistd.h>

#include "net_tap.h"
#include "net_tap_impl.h"
#include "rung/entropy.h"
#include "rung/log.h"

static int tap_hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* "02:00:00:00:00:01": of one station, and not of none. */
static bool tap_parse_mac(const char *text, uint8_t mac[6])
{
    static const uint8_t none[6];
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = tap_hex(text[0]);
        int low = high < 0 ? -1 : tap_hex(text[1]);
        if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

static bool tap_name_ok(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < 16 && strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.@+") == len
           && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum rung_err tap_keys(struct rung_net_tap *self, const struct rung_net_tap_keys *keys)
{
    const char *device = rung_net_tap_key_device(keys), *mac = rung_net_tap_key_mac(keys);
    unsigned mtu = rung_net_tap_key_mtu(keys);
    uint64_t memory = rung_net_tap_key_rx_memory(keys);
    if (device && !tap_name_ok(device)) {
        rung_log(self->p, RUNG_LOG_ERROR, keys->slot, "'%s' is no name for a device: say "
                 "--%s.device=tap0, or leave it out", device, keys->slot);
        return RUNG_E_RANGE;
    }
    if (device)
        memcpy(self->name, device, strlen(device));
    if (mac && !tap_parse_mac(mac, self->net.info.mac)) {
        rung_log(self->p, RUNG_LOG_ERROR, keys->slot, "'%s' is no Ethernet address of a station: "
                 "say --%s.mac=02:00:00:00:00:01, or leave it out", mac, keys->slot);
        return RUNG_E_RANGE;
    }
    if (!mac) { /* locally administered, of one station */
        rung_entropy_fill(self->p, self->net.info.mac, sizeof(self->net.info.mac));
        self->net.info.mac[0] = (uint8_t)((self->net.info.mac[0] & 0xfc) | 2);
    }
    if (mtu && mtu < 576) {
        rung_log(self->p, RUNG_LOG_ERROR, keys->slot, "an mtu of %u is too small: set %s.mtu to "
                 "576 or more", mtu, keys->slot);
        return RUNG_E_RANGE;
    }
    if (memory < RUNG_NET_TAP_LIMIT_MIN) {
        rung_log(self->p, RUNG_LOG_ERROR, keys->slot, "rx-memory is too small: set %s.rx-memory to "
                 "%uK or more", keys->slot, RUNG_NET_TAP_LIMIT_MIN >> 10);
        return RUNG_E_RANGE;
    }
    return RUNG_OK;
}

static void tap_say_what_it_is(const struct rung_net_tap *self)
{
    const struct rung_net_info *info = &self->net.info;
    const uint8_t *m = info->mac;
    rung_log(self->p, RUNG_LOG_INFO, self->keys->slot,
             "%s, mtu %u, address %02x:%02x:%02x:%02x:%02x:%02x%s", self->name, info->mtu, m[0],
             m[1], m[2], m[3], m[4], m[5], info->caps & RUNG_NET_TX_CSUM ? "" : ", no offload");
    if (!self->net.link_up)
        rung_log(self->p, RUNG_LOG_WARN, self->keys->slot, "%s is down: sudo ip link set dev %s up",
                 self->name, self->name);
}

/* A first page of each size is made now: who has no memory for them learns it here. */
static bool tap_first_pages(struct rung_net_tap *self)
{
    struct rung_net_tap_page *small = rung_net_tap_page_get(&self->pool, RUNG_NET_TAP_SMALL);
    self->in = rung_net_tap_page_get(&self->pool, RUNG_NET_TAP_LARGE);
    if (small)
        rung_net_tap_page_put(small);
    return small && self->in;
}

/* How many frames may be held at once if all are as long as can be, beside the page that is read
 * into and one more. */
static uint16_t tap_hold(const struct rung_net_tap *self)
{
    const struct rung_net_tap_pool *pool = &self->pool;
    bool large = (self->net.info.caps & RUNG_NET_RX_GSO)
                 || 14u + self->net.info.mtu > pool->of[RUNG_NET_TAP_SMALL].room;
    uint64_t pages = large ? pool->of[RUNG_NET_TAP_LARGE].limit / pool->of[RUNG_NET_TAP_LARGE].cost
                           : (pool->limit - pool->of[RUNG_NET_TAP_LARGE].cost)
                                 / pool->of[RUNG_NET_TAP_SMALL].cost;
    uint64_t hold = pages > 3 ? pages - 2 : 1;
    return hold < UINT16_MAX ? (uint16_t)hold : UINT16_MAX;
}

static void tap_undo(struct rung_net_tap *self)
{
    if (self->in)
        rung_net_tap_page_put(self->in);
    rung_net_tap_pool_end(&self->pool);
    if (self->link_fd >= 0)
        close(self->link_fd);
    close(self->fd); /* and with it goes a device that was made */
}

enum rung_err rung_net_tap_open(struct rung_net_tap *self, struct rung_platform *p,
                                const struct rung_net_tap_keys *keys,
                                const struct rung_net_tap_needs *needs)
{
    bool made;
    (void)needs;
    *self = (struct rung_net_tap){.p = p, .keys = keys, .fd = -1, .link_fd = -1};
    rung_net_init(&self->net, &rung_net_tap_net_ops);
    enum rung_err err = tap_keys(self, keys);
    if (err)
        return err;
    err = rung_net_tap_device_open(self, &made);
    if (err)
        return err;
    rung_net_tap_pool_init(&self->pool, p, rung_net_tap_key_rx_memory(keys), self->net.info.mtu);
    self->net.info.rx_hold = tap_hold(self);
    if (made)
        err = rung_net_tap_device_up(self);
    if (err) {
        tap_undo(self);
        return err;
    }
    rung_net_tap_link_open(self);
    err = tap_first_pages(self) ? rung_net_tap_watch_open(self) : RUNG_E_NOMEM;
    if (err) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot, "%s: %s: give the program more", self->name,
                 rung_err_text(err));
        tap_undo(self);
        return err;
    }
    tap_say_what_it_is(self);
    return RUNG_OK;
}
