/* SPDX-License-Identifier: ISC */
/* stacks/capture/net_capture.h - NET around a NET: what passes is recorded in a pcapng file.
 * Model    Frames go through untouched and are not held. A copy of each, as many bytes of it as
 *          snaplen says, goes into a ring of memory, and from there to the file while other things
 *          are done. With a full ring frames pass unrecorded and are counted: in the log, in the
 *          next packet of the file, and in the statistics at its end. The copy shows what a wire
 *          would carry: a checksum that is left to the link is finished in it if the whole frame is
 *          kept. A super-frame is recorded in one piece, with a comment that says how it is cut.
 * Units    Bytes; nanoseconds.
 * Owner    The state is the opener's. Frames are the link's and its caller's, as without
 *          it: those that were passed on are released by the link behind, which is closed after.
 * Context  The loop; open may block for as long as opening the file does.
 * Errors   open: RANGE (ring, snaplen), NOMEM, and those of sink.h for the file. Calls: those of
 *          the link behind. A file that cannot be written any more ends the recording, with a line
 *          in the log, and not the traffic. */
#ifndef RUNG_NET_CAPTURE_H
#define RUNG_NET_CAPTURE_H

#include "capture_ring.h"
#include "net_capture_module.h"
#include "rung/net.h"
#include "rung/sink.h"

struct rung_net_capture {
    struct rung_net net;
    struct rung_net *link; /* the one behind */
    struct rung_platform *p;
    const struct rung_net_capture_keys *keys;
    uint64_t sent, sent_bytes; /* frames that the link has taken */
    unsigned kept_events;      /* nobody was there to hear them */
    struct rung_timer keep;
    bool closed;

    bool recording;
    struct rung_sink *sink; /* NULL: no file */
    struct rung_capture_ring ring;
    uint32_t snaplen;      /* UINT32_MAX: all */
    uint64_t file_len;     /* bytes put into the ring so far, and what they may come to */
    uint64_t file_limit;
    uint64_t start_ns;     /* by the wall clock */
    uint64_t seen, recorded, lost, lost_since; /* frames; lost_since: since the last one recorded */
    struct rung_timer write_soon;
    bool hurry;              /* the timer has been set to now, since the ring fills up */
    struct rung_op write_op; /* in flight: ring.out > 0 */
    struct rung_vec vec[RUNG_SINK_VECS];
    struct rung_timer patience; /* how long closing waits for a slow reader */
    struct rung_op *closing;
    bool ended;             /* closing: the statistics are in the ring */
    bool failed;            /* the file could not be written */
};

enum rung_err rung_net_capture_open(struct rung_net_capture *self, struct rung_platform *p,
                                    const struct rung_net_capture_keys *keys,
                                    const struct rung_net_capture_needs *needs);

#endif
