/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_open.c - opens the stack on its link, listens to the link, and stops. */
#include "lwip_int.h"

#include "rung/clock.h"
#include "rung/heap.h"

#include "lwip/init.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"

#define OPEN_HALF_BYTES 1024u /* of memory that a handshake takes, at most */
#define OPEN_HALF_LEAST 1024u
#define OPEN_REASS_TICKS 255u /* after so many seconds no fragment is kept */

static void open_on_link(struct lwip_core *core)
{
    bool up = core->net->link_up;
    rung_log(core->p, up ? RUNG_LOG_INFO : RUNG_LOG_WARN, core->slot, "the link is %s",
             up ? "up" : "down; going on when it is up again");
    core->in_turn = true;
    if (up)
        rung_lwip_addr_link_up(core);
    else
        netif_set_link_down(&core->netif);
    rung_lwip_turn_end(core);
}

static void open_on_net(struct rung_net *net, unsigned events, void *arg)
{
    struct lwip_core *core = arg;
    (void)net;
    if (events & RUNG_NET_LINK)
        open_on_link(core);
    if (events & RUNG_NET_TX_READY)
        rung_lwip_tx_ready(core);
    if (events & RUNG_NET_RX_READY)
        rung_lwip_receive(core);
}

static void open_flush_task(struct rung_task *task)
{
    rung_lwip_flush(rung_container_of(task, struct lwip_core, flush_task));
}

static err_t open_netif(struct netif *netif)
{
    struct lwip_core *core = netif->state;
    const struct rung_net_info *info = &core->net->info;
    uint16_t mtu = core->mtu ? core->mtu : info->mtu;
    netif->name[0] = 'r';
    netif->name[1] = 'g';
    netif->hwaddr_len = sizeof(netif->hwaddr);
    memcpy(netif->hwaddr, info->mac, sizeof(netif->hwaddr));
    netif->mtu = mtu;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP
                   | NETIF_FLAG_MLD6;
    netif->output = rung_lwip_output4;
    netif->output_ip6 = rung_lwip_output6;
    netif->linkoutput = rung_lwip_output;
    NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_IP
                            & ~(info->caps & RUNG_NET_TX_CSUM ? NETIF_CHECKSUM_GEN_TCP : 0));
    return ERR_OK;
}

static enum rung_err open_check(struct lwip_core *core, const struct rung_lwip_keys *keys)
{
    const char *slot = core->slot;
    if (core->mtu && (core->mtu < 576 || core->mtu > core->net->info.mtu)) {
        rung_log(core->p, RUNG_LOG_ERROR, slot,
                 "%s.mtu=%u is outside 576 to %u, what the link can do", slot, core->mtu,
                 core->net->info.mtu);
        return RUNG_E_RANGE;
    }
    struct {
        const char *name;
        uint64_t value, least;
    } limits[] = {
        {"backlog", core->backlog, 1}, {"max-connections", core->max_conns, 1},
        {"max-half-open", rung_lwip_key_max_half_open(keys), 1},
        {"memory", rung_lwip_key_memory(keys), 65536},
        {"tx-buffer", rung_lwip_key_tx_buffer(keys), 1},
    };
    for (size_t i = 0; i < RUNG_ARRAY_LEN(limits); i++) {
        if (limits[i].value >= limits[i].least)
            continue;
        rung_log(core->p, RUNG_LOG_ERROR, slot, "%s.%s=%llu is too small: set it to %llu or more",
                 slot, limits[i].name, (unsigned long long)limits[i].value,
                 (unsigned long long)limits[i].least);
        return RUNG_E_RANGE;
    }
    return RUNG_OK;
}

/* Who never ends a handshake leaves most of the memory and half of the connections to those who do;
 * but where there are few, many who will are not told apart from those, and may have all of the
 * connections, never of the memory. */
static uint32_t open_half(const struct lwip_core *core, uint32_t key)
{
    uint64_t all = core->max_memory / OPEN_HALF_BYTES, most = all / 4;
    most = most < core->max_conns / 2 ? most : core->max_conns / 2;
    if (most < OPEN_HALF_LEAST)
        most = all < OPEN_HALF_LEAST ? all : OPEN_HALF_LEAST;
    return key < most ? key : (uint32_t)most;
}

static void open_keys(struct lwip_core *core, const struct rung_lwip_keys *keys)
{
    core->mtu = rung_lwip_key_mtu(keys);
    core->backlog = rung_lwip_key_backlog(keys);
    core->max_conns = rung_lwip_key_max_connections(keys);
    core->max_waiting = rung_lwip_key_time_wait(keys);
    core->max_memory = rung_heap_left(core->p) / 2; /* the rest is the app's, and for frames */
    if (core->max_memory > rung_lwip_key_memory(keys))
        core->max_memory = rung_lwip_key_memory(keys);
    core->max_half_open = open_half(core, rung_lwip_key_max_half_open(keys));
    core->max_copied = rung_lwip_key_rx_memory(keys);
    core->max_tx = rung_lwip_key_tx_memory(keys);
    core->tx_buffer = (size_t)rung_lwip_key_tx_buffer(keys);
    core->linger_ns = rung_ns_bounded(rung_lwip_key_linger(keys));
}

static void open_rings(struct lwip_core *core)
{
    struct lwip_node *rings[] = {&core->conns, &core->half_open, &core->pending, &core->mute,
                                 &core->unacknowledged, &core->overdue, &core->watched,
                                 &core->unordered, &core->listeners, &core->doomed,
                                 &core->sockets, &core->tx_flying};
    for (size_t i = 0; i < RUNG_ARRAY_LEN(rings); i++)
        lwip_node_init(rings[i]);
    core->tx_end = &core->tx_head;
    core->limbo[0].end = &core->limbo[0].first;
    core->limbo[1].end = &core->limbo[1].first;
    core->flush_task.fn = open_flush_task;
    core->dispatch_task.fn = rung_lwip_dispatch_task;
    core->rx_task.fn = rung_lwip_receive_task;
}

static enum rung_err open_start(struct lwip_core *core, const struct rung_lwip_keys *keys)
{
    enum rung_err err = open_check(core, keys);
    if (!err)
        err = rung_lwip_demux_open(core);
    if (err)
        return err;
    lwip_init();
    if (!netif_add_noaddr(&core->netif, core, open_netif, NULL))
        return RUNG_E_NOMEM;
    netif_set_default(&core->netif);
    err = rung_lwip_addr_open(core, keys);
    if (err) {
        rung_lwip_addr_close(core);
        netif_remove(&core->netif);
        rung_lwip_tx_drop(core); /* joining groups was to be told */
        return err;
    }
    core->net->arg = core;
    core->net->ready = open_on_net;
    rung_lwip_timers_start(core);
    return RUNG_OK;
}

void rung_lwip_core_unref(struct lwip_core *core)
{
    if (core->self || core->pieces_out)
        return;
    rung_lwip_pieces_free(core);
    rung_free(core->p, core);
}

/* lwIP goes, if it ever came. What apps still hold keeps the core. */
static void open_undo(struct lwip_core *core)
{
    core->net->ready = NULL;
    rung_loop_undefer(core->p, &core->flush_task);
    rung_loop_undefer(core->p, &core->rx_task);
    rung_loop_undefer(core->p, &core->dispatch_task);
    rung_lwip_tx_free(core);
    rung_lwip_port_trim(core);
    rung_free(core->p, core->buckets);
    rung_lwip_port_end();
    core->self = NULL;
    rung_lwip_core_unref(core);
}

enum rung_err rung_lwip_open(struct rung_lwip *self, struct rung_platform *p,
                             const struct rung_lwip_keys *keys,
                             const struct rung_lwip_needs *needs)
{
    struct lwip_core *core = rung_zalloc(p, 1, sizeof(*core));
    if (!core)
        return RUNG_E_NOMEM;
    core->p = p;
    core->net = needs->net;
    core->slot = keys->slot;
    if (!rung_lwip_port_begin(core)) {
        rung_log(p, RUNG_LOG_ERROR, keys->slot,
                 "there can be one lwIP stack in a program, and this is the second: bind this slot "
                 "to another module");
        rung_free(p, core);
        return RUNG_E_BUSY;
    }
    open_rings(core);
    open_keys(core, keys);
    core->self = self;
    rung_tcp_init(&self->tcp, &rung_lwip_tcp_ops);
    rung_udp_init(&self->udp, &rung_lwip_udp_ops);
    rung_dns_init(&self->dns, &rung_lwip_dns_ops);
    self->core = core;
    enum rung_err err = open_start(core, keys);
    if (err) {
        if (err == RUNG_E_NOMEM)
            rung_log(p, RUNG_LOG_ERROR, keys->slot,
                     "no memory: give more, or set %s.max-connections to less", keys->slot);
        open_undo(core);
    }
    return err;
}

void rung_lwip_stop_check(struct lwip_core *core)
{
    struct rung_platform *p = core->p;
    bool all = core->stopped == LWIP_ALL_PARTS;
    struct rung_op *ops[] = {core->stopping[0], core->stopping[1], core->stopping[2]};
    if (!core->self || !lwip_node_alone(&core->tx_flying))
        return;
    core->stopping[0] = core->stopping[1] = core->stopping[2] = NULL;
    if (all)
        open_undo(core);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(ops); i++)
        if (ops[i])
            rung_op_finish(p, ops[i], RUNG_OK);
}

/* All parts have been stopped: the host leaves its link. */
static void open_leave(struct lwip_core *core)
{
    rung_lwip_addr_close(core);
    netif_set_down(&core->netif);
    rung_lwip_flush(core);
    netif_remove(&core->netif);
    rung_lwip_tx_drop(core);
    for (unsigned i = 0; i < OPEN_REASS_TICKS; i++) { /* lwIP keeps fragments for so long */
        ip_reass_tmr();
        ip6_reass_tmr();
    }
    rung_lwip_timers_stop(core);
}

void rung_lwip_stopped(struct lwip_core *core, enum lwip_part part, struct rung_op *op)
{
    op->cancel = NULL;
    core->in_turn = true;
    rung_lwip_flush(core); /* the resets */
    core->stopping[part] = op;
    core->stopped |= 1u << part;
    if (core->stopped == LWIP_ALL_PARTS)
        open_leave(core);
    core->in_turn = false;
    rung_lwip_stop_check(core);
}
