/* SPDX-License-Identifier: ISC */
/* A table without its required operation recv: must not compile. */
#include "pair.h"

const struct rung_net_ops rung_pair_net_ops = RUNG_NET_TABLE("pair", pair, .set_multicast = 0);
