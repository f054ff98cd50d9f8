/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_segment.h - a super-frame as the frames that a wire would carry.
 * Model    What a NIC does for TSO: headers for each segment with its own length, identification
 *          (IPv4), sequence number and flags (FIN and PSH on the last, CWR on the first), and right
 *          sums.
 *          Nothing that the frame says is trusted: a header is where the bytes say so.
 * Units    Bytes.
 * Owner    The segments are copies (fault_copy.h), the caller's to release. The frame stays as it
 *          is.
 * Errors   0: it is no TCP over IPv4 or IPv6 as gso_type says, it would make too many, or there is
 *          no memory. */
#ifndef RUNG_FAULT_SEGMENT_H
#define RUNG_FAULT_SEGMENT_H

#include "rung/net.h"

#define RUNG_FAULT_SEGMENTS 1024u /* 64 KiB of 64 bytes each */

unsigned rung_fault_segment(struct rung_platform *p, const struct rung_frame *f, uint32_t headroom,
                            struct rung_frame *segments[RUNG_FAULT_SEGMENTS]);

#endif
