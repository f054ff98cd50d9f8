/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_impl.h - what the files of net-capture share; nobody else includes it. */
#ifndef RUNG_CAPTURE_IMPL_H
#define RUNG_CAPTURE_IMPL_H

#include "net_capture.h"

/* A frame on its way, between being recorded and being known to have gone. */
struct rung_capture_mark {
    uint8_t *block; /* in the ring; NULL: not recorded */
    uint32_t len;   /* of the whole frame */
    bool tried;     /* to be recorded: it is lost if there is no block */
    uint64_t lost;  /* what the block says of frames lost before it */
};

/* capture_record.c: puts a copy of a frame into the ring. time_ns: by the wall clock; flags: enum
 * rung_pcapng_flag. */
void rung_capture_record(struct rung_net_capture *capture, struct rung_capture_mark *mark,
                         const struct rung_frame *f, uint64_t time_ns, uint32_t flags);
/* It has gone, or has not and the copy is taken back. Once for each mark. */
void rung_capture_gone(struct rung_net_capture *capture, const struct rung_capture_mark *mark);
void rung_capture_stayed(struct rung_net_capture *capture, const struct rung_capture_mark *mark);

/* capture_write.c: starts the file in the ring. */
void rung_capture_start(struct rung_net_capture *capture);
/* Sees to it that what is in the ring gets written. */
void rung_capture_write_soon(struct rung_net_capture *capture);
/* Writes the rest and the statistics, closes the file, and then ends op with 0. */
void rung_capture_finish(struct rung_net_capture *capture, struct rung_op *op);

/* net_capture.c: for the constructor. */
void rung_capture_on_ready(struct rung_net *link, unsigned events, void *arg);
void rung_capture_on_keep(struct rung_timer *timer);

#endif
