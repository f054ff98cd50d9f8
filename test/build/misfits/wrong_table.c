/* SPDX-License-Identifier: ISC */
/* A table of another interface under the name of a NET table: must not compile. */
#include "rung/block.h"

#include "pair.h"

static int pair_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    (void)net;
    (void)f;
    (void)n;
    return 0;
}


const struct rung_block_ops rung_pair_net_ops = {.name = "pair"};
