/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_open.c - NET on libpcap: the constructor, its keys, the pool. */
#include <limits.h>
#include <string.h>

#include "net_pcap_impl.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

#define OPEN_BUFFER_MIN (256u << 10)
#define OPEN_MTU_MIN 576u

static bool open_source(struct rung_platform *p, const struct rung_net_pcap_keys *keys)
{
    const char *device = rung_net_pcap_key_device(keys), *file = rung_net_pcap_key_file(keys);
    if (!device == !file)
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 device ? "both an interface and a file: give one of %s.device and %s.file"
                        : "nothing to receive from: set %s.device to an Ethernet interface, or "
                          "%s.file to a capture", keys->slot, keys->slot);
    return !device != !file;
}

static int open_hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

/* Six pairs of hexadecimal digits with ':' or '-' between them, of one station. */
static bool open_mac_text(const char *text, uint8_t mac[6])
{
    static const uint8_t none[6];
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = open_hex(text[0]);
        int low = high < 0 ? -1 : open_hex(text[1]);
        if (low < 0)
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
        if (i == 5 ? text[2] != '\0' : text[2] != ':' && text[2] != '-')
            return false;
    }
    return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

static bool open_mac(struct rung_net_pcap *self, const struct rung_net_pcap_keys *keys)
{
    const char *text = rung_net_pcap_key_mac(keys);
    uint8_t *mac = self->net.info.mac;
    if (!text) {
        rung_entropy_fill(self->p, mac, 6);
        mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02); /* locally administered, of one station */
        return true;
    }
    if (open_mac_text(text, mac))
        return true;
    rung_log(self->p, RUNG_LOG_ERROR, keys->slot,
             "'%s' is no hardware address of a station: set %s.mac to one like 02:00:00:12:34:56",
             text, keys->slot);
    return false;
}

static bool open_sizes(struct rung_net_pcap *self, const struct rung_net_pcap_keys *keys)
{
    unsigned mtu = rung_net_pcap_key_mtu(keys);
    uint64_t buffer = rung_net_pcap_key_buffer(keys);
    const char *slot = keys->slot;
    if (mtu && mtu < OPEN_MTU_MIN)
        rung_log(self->p, RUNG_LOG_ERROR, slot,
                 "an mtu of %u is too small: set %s.mtu to %u or more, or to 0", mtu, slot,
                 OPEN_MTU_MIN);
    else if (buffer < OPEN_BUFFER_MIN || buffer > INT_MAX)
        rung_log(self->p, RUNG_LOG_ERROR, slot,
                 "a buffer of %llu bytes will not do: set %s.buffer to 256K or more, below 2G",
                 (unsigned long long)buffer, slot);
    else
        return true;
    return false;
}

/* Only now is the mtu known for sure. */
static enum rung_err open_frame_fits(struct rung_net_pcap *self)
{
    self->most_pages = rung_net_pcap_pages(self->offload ? RUNG_FRAME_MAX
                                                         : 14u + self->net.info.mtu);
    unsigned hold = self->most_pages ? self->free_count / self->most_pages : 0;
    self->net.info.rx_hold = (uint16_t)(hold < 2 ? 1 : hold < UINT16_MAX ? hold - 1 : UINT16_MAX);
    if (self->free_count >= self->most_pages)
        return RUNG_OK;
    rung_log(self->p, RUNG_LOG_ERROR, self->slot,
             "a pool of %u is too small for one frame: set %s.pool to %u or more",
             self->free_count, self->slot, self->most_pages);
    return RUNG_E_RANGE;
}

static bool open_pool(struct rung_net_pcap *self, const struct rung_net_pcap_keys *keys)
{
    unsigned pool = rung_net_pcap_key_pool(keys);
    if (pool == 0)
        return true; /* for open_frame_fits() to say how many */
    self->pages = rung_zalloc(self->p, pool, sizeof(*self->pages));
    self->bytes = rung_alloc_aligned(self->p, RUNG_NET_PCAP_PAGE,
                                     (size_t)pool * RUNG_NET_PCAP_PAGE);
    if (!self->pages || !self->bytes) {
        rung_log(self->p, RUNG_LOG_ERROR, keys->slot,
                 "no memory for %u pages: set %s.pool to less, or give more memory", pool,
                 keys->slot);
        return false;
    }
    for (unsigned i = 0; i < pool; i++) {
        struct rung_net_pcap_page *page = &self->pages[i];
        page->self = self;
        page->bytes = self->bytes + (size_t)i * RUNG_NET_PCAP_PAGE;
        page->next = self->free_pages;
        self->free_pages = page;
    }
    self->free_count = pool;
    return true;
}

void rung_net_pcap_free(struct rung_net_pcap *self)
{
    if (self->pcap)
        pcap_close(self->pcap);
    rung_free(self->p, self->live);
    rung_free(self->p, self->bytes);
    rung_free(self->p, self->pages);
}

/* Whatever stops half-way has logged its line. */
static enum rung_err open_all(struct rung_net_pcap *self, const struct rung_net_pcap_keys *keys)
{
    enum rung_err err = RUNG_OK;
    if (!open_pool(self, keys))
        return RUNG_E_NOMEM;
    if (!self->file)
        err = rung_net_pcap_device_open(self, keys);
    if (!err)
        err = open_frame_fits(self);
    if (err)
        return err;
    return self->file ? rung_net_pcap_file_open(self) : rung_net_pcap_live_start(self);
}

enum rung_err rung_net_pcap_open(struct rung_net_pcap *self, struct rung_platform *p,
                                 const struct rung_net_pcap_keys *keys,
                                 const struct rung_net_pcap_needs *needs)
{
    struct rung_net_info *info = &self->net.info;
    (void)needs;
    memset(self, 0, sizeof(*self));
    rung_net_init(&self->net, &rung_net_pcap_net_ops);
    self->p = p;
    self->slot = keys->slot;
    self->file = rung_net_pcap_key_file(keys);
    self->offload = rung_net_pcap_key_offload(keys);
    self->rx_waits = true;
    self->tell.fn = rung_net_pcap_tell_task;
    self->again.fn = rung_net_pcap_tell_again;
    if (!open_source(p, keys) || !open_mac(self, keys) || !open_sizes(self, keys))
        return RUNG_E_RANGE;
    bool promisc = self->file || rung_net_pcap_key_promisc(keys);
    info->mtu = rung_net_pcap_key_mtu(keys) ? rung_net_pcap_key_mtu(keys) : 1500;
    info->max_frags = RUNG_NET_PCAP_FRAGS;
    info->caps = RUNG_NET_TX_SG | (promisc ? RUNG_NET_PROMISC : 0)
                 | (self->offload ? RUNG_NET_RX_CSUM | RUNG_NET_RX_GSO : 0);
    enum rung_err err = open_all(self, keys);
    if (err)
        rung_net_pcap_free(self);
    return err;
}
