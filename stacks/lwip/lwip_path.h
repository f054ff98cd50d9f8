/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_path.h - what lwip_guard.c asks lwip_path.c. Not for others. */
#ifndef RUNG_LWIP_PATH_H
#define RUNG_LWIP_PATH_H

#include "lwip_int.h"

/* Whether p, an ICMPv6 message, says of a path's MTU what cannot be. */
bool rung_lwip_path_is_wrong(const struct pbuf *p, struct netif *netif);

/* Gives lwIP a message, and looks what it has made of the paths. */
void rung_lwip_path_input(struct lwip_core *core, struct pbuf *p, struct netif *inp);

#endif
