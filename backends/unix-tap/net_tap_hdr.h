/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_hdr.h - between the tap's virtio_net_hdr and struct rung_frame.
 * Model    Both say the same (net.h), but for hdr_len: from the kernel it is a hint, how much of
 *          the frame lay in one piece there. For a super-frame it is found in the packet itself.
 * Units    Bytes; numbers in the host's order, as the tap has them (TUNSETVNETLE is not set).
 * Errors   to_frame: false for a header that contradicts the frame. The kernel makes none, but what
 *          stands here is checked before anybody computes with it. */
#ifndef RUNG_NET_TAP_HDR_H
#define RUNG_NET_TAP_HDR_H

#include <linux/virtio_net.h>

#include "rung/net.h"

/* For a frame that keeps to net.h. Those that do not the kernel refuses. */
static inline void rung_net_tap_hdr_from_frame(struct virtio_net_hdr *hdr,
                                               const struct rung_frame *f)
{
    static const uint8_t types[] = {
        [RUNG_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
        [RUNG_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
        [RUNG_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
    };
    *hdr = (struct virtio_net_hdr){.flags = 0};
    if (f->flags & RUNG_FRAME_CSUM) {
        hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        hdr->csum_start = f->csum_start;
        hdr->csum_offset = f->csum_offset;
    }
    if (f->gso_size) {
        assert(f->gso_type < RUNG_ARRAY_LEN(types));
        hdr->gso_type = types[f->gso_type % RUNG_ARRAY_LEN(types)];
        if (f->flags & RUNG_FRAME_ECN)
            hdr->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
        hdr->gso_size = f->gso_size;
        hdr->hdr_len = f->hdr_len;
    }
}

/* Fills in all of f but next, data, len and release; data and len are set. len: of the whole
 * frame, of which f is the first fragment. */
bool rung_net_tap_hdr_to_frame(const struct virtio_net_hdr *hdr, struct rung_frame *f, size_t len);

#endif
