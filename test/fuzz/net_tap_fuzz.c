/* SPDX-License-Identifier: ISC */
/* test/fuzz/net_tap_fuzz.c - the tap's header with any frame behind it. Input: a virtio_net_hdr,
 * two bytes that say how much longer the frame is than its first fragment, the fragment. What is
 * accepted must keep to net.h. */
#include <stdlib.h>
#include <string.h>

#include "net_tap_hdr.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct virtio_net_hdr hdr, again;
    if (size < sizeof(hdr) + 2 + 14)
        return 0;
    memcpy(&hdr, data, sizeof(hdr));
    size_t rest = (size_t)data[sizeof(hdr)] << 8 | data[sizeof(hdr) + 1];
    size_t len = size - sizeof(hdr) - 2;
    if (len + rest > RUNG_FRAME_MAX)
        return 0;
    uint8_t *bytes = malloc(len);
    check(bytes);
    memcpy(bytes, data + sizeof(hdr) + 2, len);
    struct rung_frame f = {.data = bytes, .len = (uint32_t)len};
    if (rung_net_tap_hdr_to_frame(&hdr, &f, len + rest)) {
        check((f.gso_size == 0) == (f.gso_type == RUNG_GSO_NONE));
        check(!f.gso_size || (f.hdr_len >= 54 && f.hdr_len <= f.len && f.hdr_len < len + rest));
        check(!(f.flags & RUNG_FRAME_CSUM) || !(f.flags & RUNG_FRAME_VERIFIED));
        check((size_t)f.csum_start + f.csum_offset + 2 <= len + rest);
        rung_net_tap_hdr_from_frame(&again, &f);
        check(again.gso_size == f.gso_size && again.hdr_len == f.hdr_len);
    }
    free(bytes);
    return 0;
}
