/* SPDX-License-Identifier: ISC */
/* stacks/capture/net_capture_open.c - NET around a NET: the constructor. See net_capture.h. */
#include <string.h>

#include "capture_impl.h"
#include "capture_pcapng.h"
#include "rung/heap.h"
#include "rung/log.h"

#define OPEN_RING_LEAST (128u * 1024) /* holds the longest frame, and one more */
#define OPEN_RING_MOST (1024u * 1024 * 1024)
#define OPEN_LIMIT_LEAST 4096u

static bool open_keys_ok(struct rung_platform *p, const struct rung_net_capture_keys *keys)
{
    uint64_t ring = rung_net_capture_key_ring(keys), limit = rung_net_capture_key_limit(keys);
    if (ring < OPEN_RING_LEAST || ring > OPEN_RING_MOST) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "a ring of %llu bytes is too %s: set %s.ring to 128K at least and 1G at most",
                 (unsigned long long)ring, ring < OPEN_RING_LEAST ? "small" : "large", keys->slot);
        return false;
    }
    if (limit && limit < OPEN_LIMIT_LEAST) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "a limit of %llu bytes holds next to nothing: set %s.limit to 4K or more, or to 0 "
                 "for none", (unsigned long long)limit, keys->slot);
        return false;
    }
    return true;
}

static void open_say_why(struct rung_platform *p, const char *slot, const char *file,
                         enum rung_err err)
{
    if (err == RUNG_E_DOWN)
        rung_log(p, RUNG_LOG_ERROR, slot, "nobody reads %s: start its reader first", file);
    else if (err == RUNG_E_NOTSUP)
        rung_log(p, RUNG_LOG_ERROR, slot, "%s: nothing can be recorded on this platform: leave "
                 "%s.file out", file, slot);
    else if (err != RUNG_E_AGAIN)
        rung_log(p, RUNG_LOG_ERROR, slot, "cannot write to %s: %s: set %s.file to a file in a "
                 "folder that is there and may be written", file, rung_err_text(err), slot);
}

static enum rung_err open_file(struct rung_net_capture *capture, const char *file)
{
    struct rung_platform *p = capture->p;
    const char *slot = capture->keys->slot;
    uint64_t ring = rung_net_capture_key_ring(capture->keys);
    capture->ring.size = (uint32_t)ring & ~3u;
    capture->ring.bytes = rung_alloc(p, capture->ring.size);
    if (!capture->ring.bytes) {
        rung_log(p, RUNG_LOG_ERROR, slot, "no memory for a ring of %llu bytes: set %s.ring to "
                 "less, or give more memory", (unsigned long long)ring, slot);
        return RUNG_E_NOMEM;
    }
    enum rung_err err = rung_sink_open(p, file, &capture->sink);
    if (err) {
        open_say_why(p, slot, file, err);
        rung_free(p, capture->ring.bytes);
        return err;
    }
    rung_log(p, RUNG_LOG_INFO, slot, "frames are recorded in %s", file);
    rung_capture_start(capture);
    return RUNG_OK;
}

enum rung_err rung_net_capture_open(struct rung_net_capture *self, struct rung_platform *p,
                                    const struct rung_net_capture_keys *keys,
                                    const struct rung_net_capture_needs *needs)
{
    const char *file = rung_net_capture_key_file(keys);
    uint32_t snaplen = rung_net_capture_key_snaplen(keys);
    uint64_t limit = rung_net_capture_key_limit(keys);
    enum rung_err err = RUNG_OK;
    if (!open_keys_ok(p, keys))
        return RUNG_E_RANGE;
    memset(self, 0, sizeof(*self));
    rung_net_init(&self->net, &rung_net_capture_net_ops);
    self->link = needs->net;
    self->net.info = self->link->info;
    self->net.link_up = self->link->link_up;
    self->net.stats = self->link->stats;
    self->sent = self->link->stats.tx_frames + self->link->stats.tx_dropped;
    self->sent_bytes = self->link->stats.tx_bytes;
    self->p = p;
    self->keys = keys;
    self->keep.fn = rung_capture_on_keep;
    self->snaplen = snaplen ? snaplen : UINT32_MAX;
    self->file_limit = limit ? limit - RUNG_PCAPNG_STATISTICS_LEN : UINT64_MAX;
    if (file)
        err = open_file(self, file);
    else
        rung_log(p, RUNG_LOG_INFO, keys->slot, "nothing is recorded: set %s.file to do so",
                 keys->slot);
    if (err)
        return err;
    self->link->ready = rung_capture_on_ready;
    self->link->arg = self;
    return RUNG_OK;
}
