/* SPDX-License-Identifier: ISC */
/* stacks/net-pair/net_pair_impl.h - what the two files of net-pair share; nobody else includes
 * it. */
#ifndef RUNG_NET_PAIR_IMPL_H
#define RUNG_NET_PAIR_IMPL_H

#include "net_pair.h"

/* Received frames start so far into their first page: the IP header is then at a multiple of 4. */
#define RUNG_NET_PAIR_SHIFT 2u

static inline unsigned rung_net_pair_pages(size_t frame_len)
{
    return (unsigned)((RUNG_NET_PAIR_SHIFT + frame_len + RUNG_NET_PAIR_PAGE - 1)
                      / RUNG_NET_PAIR_PAGE);
}

/* Task and release functions of net_pair.c that the constructor in net_pair_open.c sets. */
void rung_net_pair_carry(struct rung_task *task);
void rung_net_pair_notify(struct rung_task *task);
void rung_net_pair_release(struct rung_frame *frame);

#endif
