/* SPDX-License-Identifier: ISC */
/* stacks/lwip/port/arch/dhcp_asks.h - read before dhcp.c (core.cmake), whose list of the options
 * that it asks for ends with this one. lwIP's own way to name servers takes 300 bytes more in each
 * program. And the clock that it counts leases by is ours (lwip_dhcp.c). */
#ifndef RUNG_LWIP_DHCP_ASKS_H
#define RUNG_LWIP_DHCP_ASKS_H

#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"

enum { RUNG_DHCP_BROADCAST = DHCP_OPTION_BROADCAST };
#undef DHCP_OPTION_BROADCAST
#define DHCP_OPTION_BROADCAST RUNG_DHCP_BROADCAST, DHCP_OPTION_DNS_SERVER
#undef DHCP_COARSE_TIMER_SECS
#define DHCP_COARSE_TIMER_SECS rung_lwip_port_dhcp_step()

#endif
