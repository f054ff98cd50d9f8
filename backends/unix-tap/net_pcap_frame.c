/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_frame.c - received frames: from libpcap's buffer into pages. */
#include <inttypes.h>
#include <string.h>

#include "net_pcap_impl.h"
#include "rung/log.h"

#define FRAME_HEAD 14u
#define FRAME_SHIFT 2u /* into the first page: the IP header is then at a multiple of 4 */
#define FRAME_TAG 4u   /* of a VLAN */

unsigned rung_net_pcap_pages(size_t frame_len)
{
    return (unsigned)((FRAME_SHIFT + frame_len + RUNG_NET_PCAP_PAGE - 1) / RUNG_NET_PCAP_PAGE);
}

static void frame_free(struct rung_net_pcap *self, struct rung_net_pcap_page *page)
{
    while (page) {
        struct rung_net_pcap_page *rest = page->chain;
        page->next = self->free_pages;
        self->free_pages = page;
        self->free_count++;
        page = rest;
    }
}

static void frame_release(struct rung_frame *frame)
{
    struct rung_net_pcap_page *page = rung_container_of(frame, struct rung_net_pcap_page, frame);
    struct rung_net_pcap *self = page->self;
    assert(page->lent);
    page->lent = false;
    self->lent_count--;
    frame_free(self, page);
    if (!self->dry || self->free_count < self->most_pages || self->closing)
        return;
    self->dry = false;
    if (self->live)
        rung_net_pcap_live_watch(self); /* what waits in the ring makes the event */
    else
        rung_net_pcap_tell_later(self, RUNG_NET_RX_READY);
}

/* Takes a page and fills it with as many bytes as it and the frame have. */
static struct rung_net_pcap_page *frame_page(struct rung_net_pcap *self, uint32_t shift,
                                             const uint8_t *bytes, uint32_t left)
{
    struct rung_net_pcap_page *page = self->free_pages;
    uint32_t room = RUNG_NET_PCAP_PAGE - shift;
    self->free_pages = page->next;
    self->free_count--;
    page->chain = NULL;
    page->frame = (struct rung_frame){
        .data = page->bytes + shift, .len = left < room ? left : room, .release = frame_release,
    };
    memcpy(page->frame.data, bytes, page->frame.len);
    return page;
}

/* The one copy of a received frame: libpcap's bytes are the kernel's ring or its reader's buffer,
 * and good only until libpcap is called again, while a lent frame stays as long as its borrower
 * likes. */
static struct rung_frame *frame_copy(struct rung_net_pcap *self, const uint8_t *bytes, uint32_t len)
{
    struct rung_net_pcap_page *first = frame_page(self, FRAME_SHIFT, bytes, len);
    struct rung_net_pcap_page *last = first;
    for (uint32_t at = first->frame.len; at < len; at += last->frame.len) {
        last->chain = frame_page(self, 0, bytes + at, len - at);
        last->frame.next = &last->chain->frame;
        last = last->chain;
    }
    first->lent = true;
    self->lent_count++;
    return &first->frame;
}

/* Once: who reads it knows why bytes are missing. */
static void frame_too_long(struct rung_net_pcap *self, uint32_t len)
{
    const char *name = self->live ? self->live->name : self->file;
    if (self->warned || (!self->live && len > RUNG_FRAME_MAX)) /* no mtu would help there */
        return;
    self->warned = true;
    if (self->live && len > FRAME_HEAD + FRAME_TAG + self->live->mtu)
        rung_log(self->p, RUNG_LOG_WARN, self->slot,
                 "%s hands over merged frames that nobody could cut again, and they are lost: run "
                 "`ethtool -K %s gro off lro off`, and on the peer of a veth `ethtool -K <peer> "
                 "tx off`", name, name);
    else
        rung_log(self->p, RUNG_LOG_WARN, self->slot,
                 "%s has frames longer than the mtu (%" PRIu32 " bytes), and they are lost: set "
                 "%s.mtu to %" PRIu32 " or more", name, len, self->slot, len - FRAME_HEAD);
}

/* A super-frame of TCP, if it can be one. Any cut of a byte stream is right, so it is cut to the
 * mtu: most likely as it was. CWR is the first segment's alone. */
static bool frame_is_super(struct rung_net_pcap *self, const uint8_t *bytes,
                           struct rung_frame *facts)
{
    if (!(facts->flags & RUNG_FRAME_CSUM) || !facts->hdr_len)
        return false;
    facts->gso_type = bytes[FRAME_HEAD] >> 4 == 4 ? RUNG_GSO_TCP4 : RUNG_GSO_TCP6;
    facts->gso_size = (uint16_t)(FRAME_HEAD + self->net.info.mtu - facts->hdr_len);
    if (bytes[facts->csum_start + 13] & 0x80)
        facts->flags |= RUNG_FRAME_ECN;
    return true;
}

static void frame_set_facts(struct rung_frame *f, const struct rung_frame *facts)
{
    f->flags = facts->flags;
    f->gso_size = facts->gso_size;
    f->gso_type = facts->gso_type;
    f->hdr_len = facts->gso_size ? facts->hdr_len : 0;
    f->csum_start = facts->csum_start;
    f->csum_offset = facts->csum_offset;
}

/* libpcap's callback for each frame; recv() has seen to it that there are pages and room. */
void rung_net_pcap_arrive(u_char *user, const struct pcap_pkthdr *head, const u_char *bytes)
{
    struct rung_net_pcap *self = (struct rung_net_pcap *)(void *)user;
    struct rung_frame facts = {.flags = 0};
    uint32_t len = head->len;
    bool longer = len > FRAME_HEAD + self->net.info.mtu;
    bool whole = head->caplen == len && len >= FRAME_HEAD && len <= RUNG_FRAME_MAX;
    if (whole && self->offload)
        rung_net_pcap_unfinished(bytes, len, &facts);
    if (longer && !(whole && frame_is_super(self, bytes, &facts))) {
        frame_too_long(self, len);
        whole = false;
    }
    if (!whole) { /* a runt, cut by who captured it, or not for our mtu */
        self->net.stats.rx_dropped++;
        return;
    }
    struct rung_frame *f = frame_copy(self, bytes, len);
    frame_set_facts(f, &facts);
    self->out[self->out_count++] = f;
    self->net.stats.rx_frames++;
    self->net.stats.rx_bytes += len;
}
