/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_udp.c - UDP's table: sockets, groups, and their end. */
#include "lwip_udp.h"

#include "lwip/igmp.h"
#include "lwip/mld6.h"

#define UDP_PORT_MIN 49152u /* RFC 6335 6: dynamic ports */

static bool udp_port_taken(uint16_t port)
{
    for (struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next)
        if (pcb->local_port == port)
            return true;
    return false;
}

static uint16_t udp_pick_port(void)
{
    uint32_t count = 65536u - UDP_PORT_MIN, start = rung_lwip_port_random() % count;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(UDP_PORT_MIN + (start + i) % count);
        if (!udp_port_taken(port))
            return port;
    }
    return 0;
}

/* Two sockets clash at one port unless each has an address of its own. */
static bool udp_clashes(const ip_addr_t *ip, uint16_t port)
{
    for (struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next) {
        if (pcb->local_port != port)
            continue;
        if (IP_IS_ANY_TYPE_VAL(pcb->local_ip) || IP_IS_ANY_TYPE_VAL(*ip))
            return true;
        if (IP_GET_TYPE(ip) == IP_GET_TYPE(&pcb->local_ip)
            && (ip_addr_isany(ip) || ip_addr_isany(&pcb->local_ip)
                || ip_addr_cmp(ip, &pcb->local_ip)))
            return true;
    }
    return false;
}

static int udp_bind_to(struct lwip_core *core, struct rung_addr *local, struct udp_pcb **out)
{
    ip_addr_t ip = *IP_ANY_TYPE;
    if (local->family != RUNG_AF_NONE) {
        if (!rung_lwip_from_addr(&ip, local))
            return RUNG_E_NOTSUP;
        if (!ip_addr_isany(&ip) && !ip_addr_ismulticast(&ip) && !rung_lwip_addr_ours(core, &ip))
            return RUNG_E_ADDRNOTAVAIL;
    }
    if (!local->port)
        local->port = udp_pick_port();
    if (!local->port)
        return RUNG_E_LIMIT;
    if (udp_clashes(&ip, local->port))
        return RUNG_E_ADDRINUSE;
    *out = udp_new_ip_type(IP_GET_TYPE(&ip));
    if (!*out)
        return RUNG_E_NOMEM;
    if (udp_bind(*out, &ip, local->port)) {
        udp_remove(*out);
        return RUNG_E_ADDRINUSE;
    }
    return RUNG_OK;
}

static int lwip_open(struct rung_udp *udp, const struct rung_addr *local,
                     struct rung_udp_sock **out)
{
    struct lwip_core *core = rung_container_of(udp, struct rung_lwip, udp)->core;
    struct lwip_sock *sock = rung_zalloc(core->p, 1, sizeof(*sock));
    if (!sock)
        return RUNG_E_NOMEM;
    sock->base.udp = udp;
    sock->base.local = *local;
    int err = udp_bind_to(core, &sock->base.local, &sock->pcb);
    if (err) {
        rung_free(core->p, sock);
        return err;
    }
    if (local->family == RUNG_AF_NONE) /* both families: as the one that can name both */
        sock->base.local.family = RUNG_AF_IPV6;
    sock->core = core;
    sock->rx_end = &sock->rx;
    sock->rx_want = true;
    lwip_node_append(&core->sockets, &sock->all);
    udp_recv(sock->pcb, rung_lwip_udp_arrived, sock);
    *out = &sock->base;
    return RUNG_OK;
}

static void udp_leave(struct lwip_core *core, const ip_addr_t *ip)
{
    if (IP_IS_V4(ip))
        igmp_leavegroup_netif(&core->netif, ip_2_ip4(ip));
    else
        mld6_leavegroup_netif(&core->netif, ip_2_ip6(ip));
}

static int udp_join(struct lwip_core *core, const ip_addr_t *ip)
{
    err_t err = IP_IS_V4(ip) ? igmp_joingroup_netif(&core->netif, ip_2_ip4(ip))
                             : mld6_joingroup_netif(&core->netif, ip_2_ip6(ip));
    if (!err && !core->group_timer.active)
        rung_timer_start(core->p, &core->group_timer, 0);
    return err ? RUNG_E_LIMIT : RUNG_OK;
}

static struct lwip_membership **udp_find(struct lwip_sock *sock, const ip_addr_t *ip)
{
    struct lwip_membership **at = &sock->groups;
    while (*at && !ip_addr_cmp(&(*at)->ip, ip))
        at = &(*at)->next;
    return at;
}

static void udp_forget(struct lwip_sock *sock, struct lwip_membership **at)
{
    struct lwip_membership *member = *at;
    *at = member->next;
    udp_leave(sock->core, &member->ip);
    rung_free(sock->core->p, member);
}

static void lwip_close(struct rung_udp_sock *base)
{
    struct lwip_sock *sock = lwip_sock(base);
    udp_remove(sock->pcb);
    while (sock->groups)
        udp_forget(sock, &sock->groups);
    while (sock->rx) {
        struct rung_dgram *dgram = sock->rx;
        sock->rx = dgram->next;
        dgram->release(dgram);
    }
    lwip_node_remove(&sock->all);
    rung_lwip_tx_drop_of(sock->core, sock);
    rung_lwip_dispatch_soon(sock->core); /* others may have room now */
    rung_free(sock->core->p, sock);
}

static int lwip_group(struct rung_udp_sock *base, const struct rung_addr *group, bool join)
{
    struct lwip_sock *sock = lwip_sock(base);
    struct lwip_core *core = sock->core;
    ip_addr_t ip;
    if (group->scope && group->scope != netif_get_index(&core->netif))
        return RUNG_E_NOTFOUND;
    if (!rung_lwip_from_addr(&ip, group))
        return RUNG_E_NOTSUP;
    if (!ip_addr_ismulticast(&ip))
        return RUNG_E_RANGE;
    struct lwip_membership **at = udp_find(sock, &ip), *member;
    if (!join && !*at)
        return RUNG_E_NOTFOUND;
    if (!join)
        udp_forget(sock, at);
    if (!join || *at) /* a member already */
        return RUNG_OK;
    member = rung_zalloc(core->p, 1, sizeof(*member));
    if (!member)
        return RUNG_E_LIMIT;
    member->ip = ip;
    int err = udp_join(core, &ip);
    if (err) {
        rung_free(core->p, member);
        return err;
    }
    *at = member;
    return RUNG_OK;
}

static void lwip_stop(struct rung_udp *udp, struct rung_op *op)
{
    struct lwip_core *core = rung_container_of(udp, struct rung_lwip, udp)->core;
    while (!lwip_node_alone(&core->sockets))
        lwip_close(&rung_container_of(core->sockets.next, struct lwip_sock, all)->base);
    rung_lwip_stopped(core, LWIP_UDP_PART, op);
}

#define lwip_send rung_lwip_udp_send
#define lwip_recv rung_lwip_udp_recv

const struct rung_udp_ops rung_lwip_udp_ops = RUNG_UDP_TABLE("lwip", lwip, .group = lwip_group);
