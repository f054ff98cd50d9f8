/* SPDX-License-Identifier: ISC */
/* An operation of the wrong type in a table: must not compile. */
#include "pair.h"

static int pair_recv(struct rung_net *net, struct rung_frame *f[], unsigned char *n)
{
    (void)net;
    (void)f;
    (void)n;
    return 0;
}
const struct rung_net_ops rung_pair_net_ops = RUNG_NET_TABLE("pair", pair, .set_multicast = 0);
