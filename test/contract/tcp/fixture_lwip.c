/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/fixture_lwip.c - lwip in the TCP suite. The peer is a kernel, at the other
 * end of a link. Options are read where lwIP keeps them. There are no descriptors to run out of,
 * and no rights: the case of max-connections is the suite's own. */
#include "suite.h"

#include "kernel_peer.h"
#include "lwip_host.h"
#include "lwip_int.h"

struct tcp_rig {
    struct rung_platform *p;
    struct lwip_host host;
    struct kernel_silence silence;
};

static struct tcp_rig *fix_make(struct rung_platform *p)
{
    struct tcp_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    return rig;
}

static void fix_free(struct tcp_rig *rig)
{
    kernel_silence_end(&rig->silence);
    lwip_host_stop_udp(&rig->host);
    lwip_host_stop_dns(&rig->host);
    lwip_host_close(&rig->host);
    free(rig);
}

static enum rung_err fix_open(struct tcp_rig *rig, const struct tcp_how *how, struct rung_tcp **tcp)
{
    struct rung_lwip_keys keys = lwip_host_keys();
    if (how->max_connections)
        keys.max_connections = how->max_connections;
    if (how->rx_memory)
        keys.rx_memory = how->rx_memory;
    if (how->linger_ns)
        keys.linger = how->linger_ns;
    enum rung_err err = lwip_host_open(&rig->host, rig->p, &keys);
    if (!err)
        *tcp = &rig->host.stack.tcp;
    return err;
}

static uint64_t fix_lends(struct tcp_rig *rig)
{
    (void)rig;
    return TCP_WND; /* held bytes narrow the window of their connection, and of no other */
}

static bool fix_host(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = lwip_host_address(family);
    return true;
}

static struct tcp_peer *fix_peer_connect(struct tcp_rig *rig, const struct rung_addr *to,
                                         unsigned flags)
{
    (void)rig;
    return kernel_tcp_connect(to, flags & TCP_PEER_NARROW);
}

static struct tcp_peer *fix_peer_listen(struct tcp_rig *rig, enum rung_family family,
                                        unsigned flags, struct rung_addr *addr)
{
    (void)rig;
    *addr = lwip_host_peer(family);
    return kernel_tcp_listen(addr, flags & TCP_PEER_NARROW);
}

static bool fix_option(struct tcp_rig *rig, struct rung_tcp_conn *base, enum rung_tcp_option option,
                       uint32_t *value)
{
    const struct tcp_pcb *pcb = rung_container_of(base, struct lwip_conn, base)->pcb;
    (void)rig;
    assert_non_null(pcb);
    if (option == RUNG_TCP_NODELAY)
        *value = tcp_nagle_disabled(pcb) ? 1 : 0;
    else
        *value = ip_get_option(pcb, SOF_KEEPALIVE) ? pcb->keep_idle / 1000 : 0;
    return true;
}

static bool fix_clog(struct tcp_rig *rig, bool on)
{
    lwip_host_clog(&rig->host, on);
    return true;
}

static bool fix_silent(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    *addr = lwip_host_peer(family);
    return kernel_silence_begin(&rig->silence, addr);
}

static bool fix_unreachable(struct tcp_rig *rig, enum rung_family family, struct rung_addr *addr)
{
    (void)rig;
    *addr = lwip_host_elsewhere(family);
    return true;
}

const struct tcp_fixture tcp_fixture = {
    .module = "lwip", .much = 1u << 20, .enter = lwip_link_enter, .make = fix_make,
    .free = fix_free, .open = fix_open, .lends = fix_lends, .host = fix_host,
    .peer_connect = fix_peer_connect, .peer_listen = fix_peer_listen, KERNEL_TCP_PEER,
    .option = fix_option, .clog = fix_clog, .silent = fix_silent,
    .unreachable = fix_unreachable, .alone = true,
};
