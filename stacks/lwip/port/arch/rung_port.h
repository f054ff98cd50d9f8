/* SPDX-License-Identifier: ISC */
/* stacks/lwip/port/arch/rung_port.h - the functions that lwIP calls; lwip_port.c has them. */
#ifndef RUNG_LWIP_PORT_H
#define RUNG_LWIP_PORT_H

#include <stddef.h>
#include <stdint.h>

void *rung_lwip_port_alloc(size_t size);
void *rung_lwip_port_zalloc(size_t count, size_t size);
void rung_lwip_port_free(void *block);
uint32_t rung_lwip_port_random(void); /* from the entropy service */

uint32_t rung_lwip_port_dhcp_step(void); /* seconds between two ticks of a lease's clock */

/* An option of DHCP's that lwIP does not know: its value is len bytes of p from at on. */
struct pbuf;
void rung_lwip_port_dhcp_option(uint8_t type, uint8_t option, uint8_t len, struct pbuf *p,
                                uint16_t at);

#endif
