/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_dns_servers.c - whom to ask for names: the server that the key names, or else
 * those that DHCP has told of, and those that routers have, each for its time (RFC 8106). */
#include "lwip_dns.h"

#include "rung/clock.h"

#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/nd6.h"

#define SERVERS_TOLD_NS (60 * RUNG_NS_PER_S) /* between two lines about the same trouble */
#define SERVERS_FIRST_OPTION 16u /* of an advertisement, RFC 4861 4.2 */
#define SERVERS_HEAD 8u          /* of the option, before its addresses */

/* What nd6.c asks of an advertisement before it believes it (RFC 4861 6.1.2), and the sum. */
static bool servers_is_honest(struct lwip_dns *dns, struct pbuf *p)
{
    uint16_t sum = 0;
    IF__NETIF_CHECKSUM_ENABLED(&dns->core->netif, NETIF_CHECKSUM_CHECK_ICMP6) {
        sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len,
                                ip6_current_src_addr(), ip6_current_dest_addr());
    }
    return sum == 0 && IP6H_HOPLIM(ip6_current_header()) == ND6_HOPLIM
           && ip6_addr_islinklocal(ip6_current_src_addr()) && pbuf_try_get_at(p, 1) == 0;
}

/* One server, to be used until then: now, if it is taken back. With no room for another the one
 * whose time is over first makes way (RFC 8106 5.3.1). */
static void servers_note(struct lwip_dns *dns, const ip6_addr_t *ip, uint64_t until_ns)
{
    struct lwip_router_server *at = dns->router_servers, *first = at;
    for (unsigned i = 0; i < LWIP_ROUTER_SERVERS; i++, at++) {
        if (ip6_addr_cmp_zoneless(&at->ip, ip)) {
            at->until_ns = until_ns;
            return;
        }
        if (at->until_ns < first->until_ns)
            first = at;
    }
    if (first->until_ns < until_ns)
        *first = (struct lwip_router_server){*ip, until_ns};
}

/* An option of len bytes at at: a time, and the servers that it is about. */
static void servers_take(struct lwip_dns *dns, const struct pbuf *p, uint16_t at, uint16_t len)
{
    ip6_addr_t ip = {0};
    uint32_t seconds;
    pbuf_copy_partial(p, &seconds, sizeof(seconds), (uint16_t)(at + 4));
    uint64_t until_ns = rung_loop_now_ns(dns->core->p) + lwip_ntohl(seconds) * RUNG_NS_PER_S;
    for (uint16_t next = SERVERS_HEAD; next < len; next = (uint16_t)(next + sizeof(ip.addr))) {
        pbuf_copy_partial(p, ip.addr, sizeof(ip.addr), (uint16_t)(at + next));
        servers_note(dns, &ip, until_ns);
    }
}

void rung_lwip_dns_servers_look(struct lwip_dns *dns, struct pbuf *p)
{
    unsigned len;
    if (pbuf_try_get_at(p, 0) != ICMP6_TYPE_RA || !servers_is_honest(dns, p))
        return;
    for (unsigned at = SERVERS_FIRST_OPTION; at + 2 <= p->tot_len; at += len) {
        len = 8u * pbuf_get_at(p, (uint16_t)(at + 1));
        if (len == 0 || at + len > p->tot_len)
            return;
        if (pbuf_get_at(p, (uint16_t)at) == ND6_OPTION_TYPE_RDNSS
            && len > SERVERS_HEAD && len % 16 == SERVERS_HEAD)
            servers_take(dns, p, (uint16_t)at, (uint16_t)len);
    }
}

/* The next server, if it is one, and can be reached as things are. */
static unsigned servers_add(struct lwip_dns *dns, unsigned n, const ip_addr_t *ip)
{
    if (rung_lwip_addr_way(dns->core, ip))
        return n;
    dns_setserver((u8_t)n, ip);
    return n + 1;
}

unsigned rung_lwip_dns_servers(struct lwip_dns *dns)
{
    struct lwip_core *core = dns->core;
    unsigned n = 0;
    ip_addr_t ip;
    if (core->dns_key.family) {
        rung_lwip_from_addr(&ip, &core->dns_key);
        n = servers_add(dns, n, &ip);
    } else {
        for (unsigned i = 0; i < RUNG_ARRAY_LEN(core->dhcp_servers); i++) {
            ip_addr_set_ip4_u32_val(ip, core->dhcp_servers[i]);
            n = servers_add(dns, n, &ip);
        }
        for (unsigned i = 0; i < LWIP_ROUTER_SERVERS; i++) {
            ip_addr_copy_from_ip6(ip, dns->router_servers[i].ip);
            if (rung_loop_now_ns(core->p) < dns->router_servers[i].until_ns)
                n = servers_add(dns, n, &ip);
        }
    }
    for (unsigned i = n; i < DNS_MAX_SERVERS; i++)
        dns_setserver((u8_t)i, NULL);
    return n;
}

void rung_lwip_dns_servers_none(struct lwip_dns *dns)
{
    struct lwip_core *core = dns->core;
    uint64_t now = rung_loop_now_ns(core->p);
    if (now < dns->told_ns)
        return;
    dns->told_ns = now + SERVERS_TOLD_NS;
    if (core->dns_key.family)
        rung_log(core->p, RUNG_LOG_ERROR, core->slot, "no way to the name server that %s.dns gives",
                 core->slot);
    else
        rung_log(core->p, RUNG_LOG_ERROR, core->slot, "no name server is known, neither DHCP nor a "
                 "router has told of one: give %s.dns", core->slot);
}
