/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_dhcp.c - around lwIP's DHCP: what a server offers is taken if it can be true,
 * one that refuses is asked again later and later, leases of any length are kept, and name servers
 * go with them. dhcp.c is compiled with two functions that it calls renamed, and with a clock that
 * ticks as the lease needs it (core.cmake, port/arch/dhcp_asks.h). */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/dhcp.h"
#include "lwip/ip4_addr.h"
#include "lwip/prot/dhcp.h"

#define DHCP_LEASE_LEAST_S 10u
#define DHCP_SAY_NS (60 * RUNG_NS_PER_S) /* between two lines about what is not taken */
#define DHCP_PAUSES 5u                   /* of 2, 4, 8, 16 and 32 s; then it stays so */
#define DHCP_TICKS 3600u                 /* that the longest lease may last */

/* Name servers (RFC 2132 3.8) are kept until somebody asks for a name: nobody knows when they
 * are told of again. They count once the lease does that they come with: what is offered may be
 * granted without them, or by another server. */
void rung_lwip_port_dhcp_option(uint8_t type, uint8_t option, uint8_t len, struct pbuf *p,
                                uint16_t at)
{
    struct lwip_core *core = rung_lwip_port_core();
    if (type == DHCP_OFFER || option != DHCP_OPTION_DNS_SERVER || len % 4)
        return;
    memset(core->dhcp_heard, 0, sizeof(core->dhcp_heard));
    pbuf_copy_partial(p, core->dhcp_heard, LWIP_MIN(len, sizeof(core->dhcp_heard)), at);
}

/* lwIP counts a lease in ticks, in 16 bits, and by its own clock of a minute: one of less was never
 * renewed, and so was one of more than 90 days. Here a tick is the 3600th part, and a second at
 * least. */
uint32_t rung_lwip_port_dhcp_step(void)
{
    const struct dhcp *dhcp = netif_dhcp_data(&rung_lwip_port_core()->netif);
    return dhcp ? 1 + dhcp->offered_t0_lease / DHCP_TICKS : 1;
}

/* The server's times for renewing, in ticks, if they come in their order; else the usual ones (RFC
 * 2131 4.4.5). A lease for ever has none. */
static void dhcp_set_times(struct dhcp *dhcp)
{
    uint32_t end = dhcp->t0_timeout;
    if (dhcp->offered_t0_lease == UINT32_MAX) {
        dhcp->t0_timeout = dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
    } else if (dhcp->t1_renew_time < end / 10 || dhcp->t1_renew_time >= dhcp->t2_rebind_time
               || dhcp->t2_rebind_time >= end) {
        dhcp->t1_timeout = dhcp->t1_renew_time = (u16_t)(end / 2);
        dhcp->t2_timeout = dhcp->t2_rebind_time = (u16_t)(end * 7 / 8);
    }
}

/* What is wrong with a lease; NULL: nothing. A router may be in another network: so it is on links
 * where each host has a network of its own. */
static const char *dhcp_flaw(const struct dhcp *dhcp, const ip4_addr_t *ip, const ip4_addr_t *mask,
                             const ip4_addr_t *gw)
{
    ip4_addr_t alone = {IPADDR_BROADCAST};
    u32_t hosts = ~lwip_ntohl(ip4_addr_get_u32(mask));
    if (hosts == UINT32_MAX || (hosts & (hosts + 1)))
        return "its mask is none";
    if (!rung_lwip_addr_is_host(ip, mask))
        return "that is no host's address";
    if (!ip4_addr_isany(gw)
        && (ip4_addr_cmp(gw, ip)
            || !rung_lwip_addr_is_host(gw, ip4_addr_netcmp(gw, ip, mask) ? mask : &alone)))
        return "its router is no other host";
    return dhcp->offered_t0_lease < DHCP_LEASE_LEAST_S ? "for less than 10 s" : NULL;
}

static void dhcp_say(struct lwip_core *core, const struct dhcp *dhcp, const ip4_addr_t *ip,
                     const char *flaw)
{
    uint64_t now = rung_loop_now_ns(core->p);
    char server[RUNG_ADDR_TEXT], offered[RUNG_ADDR_TEXT];
    ip_addr_t any;
    if (now < core->dhcp_said_ns)
        return;
    core->dhcp_said_ns = now + DHCP_SAY_NS;
    ip_addr_copy_from_ip4(any, *ip);
    struct rung_addr from = rung_lwip_to_addr(&dhcp->server_ip_addr, 0);
    struct rung_addr what = rung_lwip_to_addr(&any, 0);
    rung_log(core->p, RUNG_LOG_WARN, core->slot,
             "the DHCP server %s offers %s, and %s: it is not taken. Mend that server, or give an "
             "address by %s.ipv4=", rung_addr_format(&from, server),
             rung_addr_format(&what, offered), flaw, core->slot);
}

/* How often lwIP may believe that it has asked in vain, which is how long it waits now. */
static u8_t dhcp_tries(unsigned refused)
{
    return (u8_t)(refused < DHCP_PAUSES ? refused : DHCP_PAUSES - 1);
}

/* dhcp.c calls this to ask for an address: as udp_sendto_if_src(). It waits 2 s for an answer, and
 * twice as long after each try. An offer of an address that no host has is passed over; another
 * server's may follow. */
err_t rung_lwip_port_dhcp_send(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to, u16_t port,
                               struct netif *netif, const ip_addr_t *from)
{
    struct lwip_core *core = netif->state;
    struct dhcp *dhcp = netif_dhcp_data(netif);
    ip4_addr_t alone = {IPADDR_BROADCAST};
    if (dhcp->state == DHCP_STATE_SELECTING && core->dhcp_pause) {
        core->dhcp_pause = false;
        dhcp->tries = dhcp_tries(core->dhcp_refused - 2);
        return ERR_OK;
    }
    if (dhcp->state == DHCP_STATE_REQUESTING
        && !rung_lwip_addr_is_host(&dhcp->offered_ip_addr, &alone)) {
        dhcp_say(core, dhcp, &dhcp->offered_ip_addr, "that is no host's address");
        dhcp->state = DHCP_STATE_SELECTING;
        dhcp->tries = dhcp_tries(core->dhcp_refused++);
        return ERR_OK;
    }
    return udp_sendto_if_src(pcb, p, to, port, netif, from);
}

/* Asks anew after a while: nothing of what lwIP has just taken counts. */
static void dhcp_refuse(struct netif *netif)
{
    struct lwip_core *core = netif->state;
    struct dhcp *dhcp = netif_dhcp_data(netif);
    uint32_t pause_ms = 2000u << dhcp_tries(core->dhcp_refused++);
    dhcp->state = DHCP_STATE_BACKING_OFF;
    dhcp->tries = 0;
    dhcp->t0_timeout = dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
    dhcp->request_timeout = (u16_t)(pause_ms / DHCP_FINE_TIMER_MSECS);
    netif_set_addr(netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

/* A lease begins, goes on, or ends: one that names no servers has none, whatever the last had. It
 * ends by a refusal (NAK), too: lwIP asks anew at once, and the second time that would be in vain,
 * thousands of times in a second (RFC 2131 3.1.5: "should wait"). */
void rung_lwip_port_dhcp_lease(struct netif *netif, const ip4_addr_t *ip, const ip4_addr_t *mask,
                               const ip4_addr_t *gw)
{
    struct lwip_core *core = netif->state;
    struct dhcp *dhcp = netif_dhcp_data(netif);
    memcpy(core->dhcp_servers, core->dhcp_heard, sizeof(core->dhcp_servers));
    memset(core->dhcp_heard, 0, sizeof(core->dhcp_heard));
    if (dhcp && dhcp->state == DHCP_STATE_BOUND) {
        const char *flaw = dhcp_flaw(dhcp, ip, mask, gw);
        if (flaw) {
            memset(core->dhcp_servers, 0, sizeof(core->dhcp_servers));
            dhcp_say(core, dhcp, ip, flaw);
            dhcp_refuse(netif);
            return;
        }
        core->dhcp_refused = 0;
        dhcp_set_times(dhcp);
    } else if (dhcp && dhcp->state == DHCP_STATE_BACKING_OFF) {
        core->dhcp_pause = ++core->dhcp_refused > 1;
        dhcp->t0_timeout = dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
    }
    netif_set_addr(netif, ip, mask, gw);
}
