/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_addr.c - the host's own addresses: static, by DHCP, by IPv6
 * autoconfiguration; the name servers that come with them; and the lines that tell a person. */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/dhcp.h"
#include "lwip/ip4_addr.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"

#define ADDR_CLASH_NS (60 * RUNG_NS_PER_S) /* between two lines about the same trouble */
#define ADDR_DHCP_FIRST_S 5u
#define ADDR_DHCP_AGAIN_S 60u
#define ADDR_MTU6 1280u /* RFC 8200 5: a link with less carries no IPv6 */

bool rung_lwip_from_addr(ip_addr_t *ip, const struct rung_addr *addr)
{
    memset(ip, 0, sizeof(*ip));
    if (addr->family == RUNG_AF_IPV4) {
        u32_t word;
        memcpy(&word, addr->ip, sizeof(word));
        ip_addr_set_ip4_u32(ip, word);
        return true;
    }
    if (addr->family != RUNG_AF_IPV6)
        return false;
    IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(ip)->addr, addr->ip, 16);
    return true;
}

struct rung_addr rung_lwip_to_addr(const ip_addr_t *ip, uint16_t port)
{
    struct rung_addr addr = {.family = RUNG_AF_IPV4, .port = port};
    if (IP_IS_V4(ip)) {
        u32_t word = ip4_addr_get_u32(ip_2_ip4(ip));
        memcpy(addr.ip, &word, sizeof(word));
    } else {
        addr.family = RUNG_AF_IPV6;
        memcpy(addr.ip, ip_2_ip6(ip)->addr, 16);
        addr.scope = ip6_addr_islinklocal(ip_2_ip6(ip)) ? 1 : 0; /* there is one interface */
    }
    return addr;
}

static const char *addr_text(const ip_addr_t *ip, char text[RUNG_ADDR_TEXT])
{
    struct rung_addr addr = rung_lwip_to_addr(ip, 0);
    return rung_addr_format(&addr, text);
}

bool rung_lwip_addr_ours(struct lwip_core *core, const ip_addr_t *ip)
{
    if (IP_IS_V4(ip))
        return ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(&core->netif));
    return netif_get_ip6_addr_match(&core->netif, ip_2_ip6(ip)) >= 0;
}

bool rung_lwip_addr_is_host(const ip4_addr_t *ip, const ip4_addr_t *mask)
{
    u32_t hosts = lwip_ntohl(~ip4_addr_get_u32(mask));
    u32_t host = lwip_ntohl(ip4_addr_get_u32(ip)) & hosts;
    return !ip4_addr_isany(ip) && !ip4_addr_ismulticast(ip) && ip4_addr1(ip) != 127
           && ip4_addr_get_u32(ip) != IPADDR_BROADCAST
           && (hosts <= 1 || (host != 0 && host != hosts));
}

/* Whether it can be another host's: ours does not come back to us, loopback is not compiled in. */
static bool addr_other(struct lwip_core *core, const ip_addr_t *ip)
{
    const ip6_addr_t *ip6 = ip_2_ip6(ip);
    const ip4_addr_t *ip4 = ip_2_ip4(ip), *own = netif_ip4_addr(&core->netif);
    const ip4_addr_t *mask = netif_ip4_netmask(&core->netif);
    if (rung_lwip_addr_ours(core, ip))
        return false;
    if (IP_IS_V6(ip))
        return !ip6_addr_isany(ip6) && !ip6_addr_ismulticast(ip6) && !ip6_addr_isloopback(ip6);
    return !ip4_addr_isbroadcast(ip4, &core->netif) /* or any */ && !ip4_addr_ismulticast(ip4)
           && !ip4_addr_isloopback(ip4)
           && (!ip4_addr_netcmp(ip4, own, mask) || rung_lwip_addr_is_host(ip4, mask));
}

/* A neighbour, as a router's prefix or a static address of ours has it (RFC 5942), or by way of a
 * router. nd6_find_route() would do, but has its place in programs that call nobody, too. */
static bool addr_reaches6(struct netif *netif, const ip6_addr_t *to)
{
    if (ip6_addr_islinklocal(to))
        return true;
    for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
        if (default_router_list[i].neighbor_entry)
            return true;
    for (unsigned i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].netif && ip6_addr_netcmp(to, &prefix_list[i].prefix))
            return true;
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) && netif_ip6_addr_isstatic(netif, i)
            && ip6_addr_netcmp(to, netif_ip6_addr(netif, i)))
            return true;
    return false;
}

/* What lwIP finds out only when it sends, and then keeps to itself. */
int rung_lwip_addr_way(struct lwip_core *core, const ip_addr_t *ip)
{
    struct netif *netif = &core->netif;
    bool way;
    if (!addr_other(core, ip))
        return RUNG_E_INVAL;
    if (IP_IS_V6(ip))
        way = addr_reaches6(netif, ip_2_ip6(ip));
    else
        way = !ip4_addr_isany(netif_ip4_addr(netif))
              && (ip4_addr_netcmp(ip_2_ip4(ip), netif_ip4_addr(netif), netif_ip4_netmask(netif))
                  || !ip4_addr_isany(netif_ip4_gw(netif)));
    return way ? RUNG_OK : RUNG_E_UNREACH;
}

/* Lines. */

static void addr_tell4(struct lwip_core *core)
{
    const struct netif *netif = &core->netif;
    uint32_t now = ip4_addr_get_u32(netif_ip4_addr(netif));
    char text[RUNG_ADDR_TEXT], router[RUNG_ADDR_TEXT];
    if (now == core->told4)
        return;
    core->told4 = now;
    if (!now) {
        core->dhcp_since_ns = rung_loop_now_ns(core->p);
        core->dhcp_told = 0;
        rung_log(core->p, RUNG_LOG_WARN, core->slot,
                 "the IPv4 address is gone; asking for one again");
        return;
    }
    bool routed = !ip4_addr_isany(netif_ip4_gw(netif));
    rung_log(core->p, RUNG_LOG_INFO, core->slot, "address %s%s%s%s",
             addr_text(&netif->ip_addr, text), core->static4.addr.family ? "" : " by DHCP",
             routed ? ", router " : "", routed ? addr_text(&netif->gw, router) : "");
}

/* Of an IPv6 address that another host has, or says that it has. */
static void addr_tell_clash6(struct lwip_core *core, s8_t index, const char *has)
{
    char text[RUNG_ADDR_TEXT];
    rung_log(core->p, RUNG_LOG_WARN, core->slot,
             "another host on this link %s the address %s: give one of them another", has,
             addr_text(netif_ip_addr6(&core->netif, index), text));
}

static void addr_tell6(struct lwip_core *core)
{
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        u8_t state = netif_ip6_addr_state(&core->netif, i);
        char text[RUNG_ADDR_TEXT];
        u8_t kind = ip6_addr_ispreferred(state) ? 1 : ip6_addr_isduplicated(state) ? 2 : 0;
        if (kind == core->told6[i])
            continue;
        core->told6[i] = kind;
        if (kind == 1)
            rung_log(core->p, RUNG_LOG_INFO, core->slot, "address %s",
                     addr_text(netif_ip_addr6(&core->netif, i), text));
        else if (kind == 2)
            addr_tell_clash6(core, i, "has");
    }
}

static void addr_on_status(struct netif *netif)
{
    addr_tell4(netif->state);
}

void rung_lwip_addr_clash6(struct lwip_core *core, s8_t index)
{
    uint64_t now = rung_loop_now_ns(core->p);
    if (now < core->clash_due_ns)
        return;
    core->clash_due_ns = now + ADDR_CLASH_NS;
    addr_tell_clash6(core, index, "says that it has");
}

/* Asks who has our static address, in nobody's name (RFC 5227 2.1.1): whoever has it too answers,
 * and rung_lwip_addr_arp() tells. lwIP only announces it. */
static void addr_probe(struct lwip_core *core)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
    struct pbuf *p = pbuf_alloc(PBUF_RAW, LWIP_ETHERNET_HEAD + 28, PBUF_RAM);
    if (!p)
        return;
    uint8_t *frame = p->payload;
    memset(frame, 0, p->len);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, core->netif.hwaddr, 6);
    memcpy(frame + 12, head, sizeof(head));
    memcpy(frame + 22, core->netif.hwaddr, 6);
    memcpy(frame + 38, core->static4.addr.ip, 4);
    rung_lwip_output(&core->netif, p);
    pbuf_free(p);
}

void rung_lwip_addr_link_up(struct lwip_core *core)
{
    netif_set_link_up(&core->netif);
    if (core->static4.addr.family)
        addr_probe(core);
}

/* Somebody else says that our address is theirs. */
void rung_lwip_addr_arp(struct lwip_core *core, const uint8_t *arp)
{
    uint32_t own = ip4_addr_get_u32(netif_ip4_addr(&core->netif)), sender;
    uint64_t now = rung_loop_now_ns(core->p);
    char text[RUNG_ADDR_TEXT];
    memcpy(&sender, arp + 14, sizeof(sender));
    if (!own || sender != own || memcmp(arp + 8, core->netif.hwaddr, 6) == 0
        || now < core->clash_due_ns)
        return;
    core->clash_due_ns = now + ADDR_CLASH_NS;
    rung_log(core->p, RUNG_LOG_WARN, core->slot,
             "%02x:%02x:%02x:%02x:%02x:%02x on this link has the address %s too: give one of them "
             "another", arp[8], arp[9], arp[10], arp[11], arp[12], arp[13],
             addr_text(&core->netif.ip_addr, text));
}

void rung_lwip_addr_slow(struct lwip_core *core)
{
    addr_tell6(core);
    if (core->static4.addr.family || core->told4 || !core->net->link_up)
        return;
    uint64_t waited = (rung_loop_now_ns(core->p) - core->dhcp_since_ns) / RUNG_NS_PER_S;
    uint64_t due = (uint64_t)core->dhcp_told * ADDR_DHCP_AGAIN_S;
    if (!core->dhcp_told)
        due = ADDR_DHCP_FIRST_S;
    if (waited < due)
        return;
    core->dhcp_told++;
    rung_log(core->p, RUNG_LOG_WARN, core->slot,
             "no %sDHCP answer for %llu s; asking on. A fixed address needs no server: %s.ipv4=",
             core->dhcp_refused ? "usable " : "", (unsigned long long)waited, core->slot);
}

/* Beginning and end. */

static enum rung_err addr_refuse(struct lwip_core *core, const char *key, const char *why)
{
    rung_log(core->p, RUNG_LOG_ERROR, core->slot, "%s.%s %s", core->slot, key, why);
    return RUNG_E_RANGE;
}

static enum rung_err addr_set4(struct lwip_core *core)
{
    ip_addr_t ip, gw = {0};
    ip4_addr_t mask;
    unsigned prefix = core->static4.prefix;
    if (core->static4.addr.family != RUNG_AF_IPV4
        || !rung_lwip_from_addr(&ip, &core->static4.addr))
        return addr_refuse(core, "ipv4", "takes an IPv4 address, such as 10.0.0.2/24");
    ip4_addr_set_u32(&mask, lwip_htonl(prefix ? ~UINT32_C(0) << (32 - prefix) : 0));
    if (prefix == 0 || !rung_lwip_addr_is_host(ip_2_ip4(&ip), &mask))
        return addr_refuse(core, "ipv4",
                           "is no address of a host on a link, as 10.0.0.2/24 is");
    if (core->gateway.family) {
        if (!rung_lwip_from_addr(&gw, &core->gateway) || IP_IS_V6(&gw) || core->gateway.port)
            return addr_refuse(core, "gateway",
                               "takes an IPv4 address without a port, such as 10.0.0.1");
        if (ip4_addr_cmp(ip_2_ip4(&gw), ip_2_ip4(&ip))
            || !rung_lwip_addr_is_host(ip_2_ip4(&gw), &mask)
            || !ip4_addr_netcmp(ip_2_ip4(&gw), ip_2_ip4(&ip), &mask))
            return addr_refuse(core, "gateway", "is no other host in the network of the IPv4 "
                               "address: a router must be on this link");
    }
    netif_set_addr(&core->netif, ip_2_ip4(&ip), &mask, ip_2_ip4(&gw));
    return RUNG_OK;
}

static enum rung_err addr_check_dns(struct lwip_core *core)
{
    ip_addr_t ip;
    if (core->dns_key.family && rung_lwip_from_addr(&ip, &core->dns_key)
        && !addr_other(core, &ip))
        return addr_refuse(core, "dns", "is no address of another host");
    return RUNG_OK;
}

static enum rung_err addr_set6(struct lwip_core *core, bool dad)
{
    struct netif *netif = &core->netif;
    u8_t state = dad ? IP6_ADDR_TENTATIVE : IP6_ADDR_PREFERRED;
    if (netif->mtu < ADDR_MTU6) {
        rung_log(core->p, RUNG_LOG_WARN, core->slot,
                 "an mtu of %u is too small for IPv6 (%u): none here", netif->mtu, ADDR_MTU6);
        return RUNG_OK;
    }
    netif_create_ip6_linklocal_address(netif, 1);
    netif_ip6_addr_set_state(netif, 0, state);
    netif_set_ip6_autoconfig_enabled(netif, 1);
    if (core->static6.addr.family) {
        ip_addr_t ip;
        s8_t index;
        if (core->static6.addr.family != RUNG_AF_IPV6
            || !rung_lwip_from_addr(&ip, &core->static6.addr)
            || ip6_addr_ismulticast(ip_2_ip6(&ip)) || ip6_addr_isany(ip_2_ip6(&ip))
            || ip6_addr_islinklocal(ip_2_ip6(&ip)) || ip6_addr_isloopback(ip_2_ip6(&ip)))
            return addr_refuse(core, "ipv6", "takes an IPv6 address of a host, such as fd00::2/64");
        if (core->static6.prefix != 64)
            return addr_refuse(core, "ipv6",
                               "takes a prefix of 64 bits (RFC 4291 2.5.1), as in fd00::2/64");
        if (netif_add_ip6_address(netif, ip_2_ip6(&ip), &index) == ERR_OK)
            netif_ip6_addr_set_state(netif, index, state);
    }
    return RUNG_OK;
}

enum rung_err rung_lwip_addr_open(struct lwip_core *core, const struct rung_lwip_keys *keys)
{
    core->static4 = rung_lwip_key_ipv4(keys);
    core->static6 = rung_lwip_key_ipv6(keys);
    core->gateway = rung_lwip_key_gateway(keys);
    core->dns_key = rung_lwip_key_dns(keys);
    if (core->gateway.family && !core->static4.addr.family) {
        rung_log(core->p, RUNG_LOG_ERROR, core->slot, "%s.gateway goes with a static address only: "
                 "give %s.ipv4 too", core->slot, core->slot);
        return RUNG_E_RANGE;
    }
    netif_set_status_callback(&core->netif, addr_on_status);
    enum rung_err err = core->static4.addr.family ? addr_set4(core) : RUNG_OK;
    if (!err)
        err = addr_set6(core, rung_lwip_key_dad(keys));
    if (!err)
        err = addr_check_dns(core);
    if (err)
        return err;
    netif_set_up(&core->netif);
    if (core->net->link_up)
        rung_lwip_addr_link_up(core);
    addr_tell4(core);
    if (!core->static4.addr.family) {
        core->dhcp_since_ns = rung_loop_now_ns(core->p);
        if (dhcp_start(&core->netif))
            return RUNG_E_NOMEM;
        rung_log(core->p, RUNG_LOG_INFO, core->slot, "asking for an address by DHCP");
    }
    return RUNG_OK;
}

void rung_lwip_addr_close(struct lwip_core *core)
{
    netif_set_status_callback(&core->netif, NULL);
    if (!core->static4.addr.family) {
        dhcp_release_and_stop(&core->netif);
        dhcp_cleanup(&core->netif);
    }
}
