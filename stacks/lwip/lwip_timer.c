/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_timer.c - lwIP's clockwork on the loop's timers. Each runs only while it has
 * something to do, but for one tick a second for what ages by itself (ARP, ND, DHCP). */
#include "lwip_int.h"

#include "rung/clock.h"

#include "lwip/dhcp.h"
#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"

#define TIMER_SLOW_NS (500 * RUNG_NS_PER_MS) /* DHCP_FINE_TIMER_MSECS */
#define TIMER_SLOW_PER_S 2u
#define TIMER_TCP_SLOW (TCP_SLOW_INTERVAL / TCP_TMR_INTERVAL)
#define TIMER_TCP_FAST (20u * TIMER_TCP_SLOW)

/* TIME-WAIT is a courtesy to late segments (RFC 9293 3.6.1), not worth the memory of new
 * connections: when there are too many, the older ones go; half of them where memory is short. */
static void timer_trim_waiting(struct lwip_core *core)
{
    uint32_t age = 2 * TCP_MSL / TCP_SLOW_INTERVAL, count = 0;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        count++;
    uint32_t most = rung_lwip_port_is_short(core) ? count / 2 : count;
    most = most < core->max_waiting ? most : core->max_waiting;
    while (count > most) {
        struct tcp_pcb *pcb = tcp_tw_pcbs;
        age /= 2;
        while (pcb && count > most) {
            struct tcp_pcb *next = pcb->next;
            if (tcp_ticks - pcb->tmr >= age) {
                tcp_abort(pcb); /* sends nothing in this state */
                count--;
            }
            pcb = next;
        }
    }
}

/* What tcp_fasttmr() does for delayed acknowledgements, for those connections alone that have
 * received something: to walk all of them twenty times a second is what 10,000 idle ones would
 * cost most. */
void rung_lwip_acknowledge(struct lwip_node *ring)
{
    while (!lwip_node_alone(ring)) {
        struct lwip_conn *conn = rung_container_of(ring->next, struct lwip_conn, ack);
        lwip_node_remove(&conn->ack);
        if (!conn->pcb || !(conn->pcb->flags & TF_ACK_DELAY))
            continue;
        tcp_ack_now(conn->pcb);
        tcp_output(conn->pcb);
        tcp_clear_flags(conn->pcb, TF_ACK_DELAY | TF_ACK_NOW);
    }
}

static void timer_tcp(struct rung_timer *timer)
{
    struct lwip_core *core = rung_container_of(timer, struct lwip_core, tcp_timer);
    bool more = true;
    core->in_turn = true;
    rung_lwip_acknowledge(&core->unacknowledged);
    rung_lwip_loss_tick(core);
    if (core->tcp_ticks++ % TIMER_TCP_SLOW == 0) {
        rung_lwip_join(core);
        rung_lwip_guard_persist();
        tcp_slowtmr();
        if (core->tcp_ticks % TIMER_TCP_FAST == 1)
            tcp_fasttmr(); /* a FIN that found no memory */
        timer_trim_waiting(core);
        more = tcp_active_pcbs || tcp_tw_pcbs;
        rung_lwip_part(core);
    }
    if (more)
        rung_timer_start(core->p, timer, TCP_TMR_INTERVAL * RUNG_NS_PER_MS);
    rung_lwip_turn_end(core);
}

/* lwIP calls this whenever it makes a connection. */
void tcp_timer_needed(void)
{
    struct lwip_core *core = rung_lwip_port_core();
    if (!core->tcp_timer.active)
        rung_timer_start(core->p, &core->tcp_timer, TCP_TMR_INTERVAL * RUNG_NS_PER_MS);
}

/* Whether a report on a multicast group is still to be sent. */
static bool timer_groups_wait(struct lwip_core *core)
{
    for (struct igmp_group *g = netif_igmp_data(&core->netif); g; g = g->next)
        if (g->timer)
            return true;
    for (struct mld_group *g = netif_mld6_data(&core->netif); g; g = g->next)
        if (g->timer)
            return true;
    return false;
}

static void timer_group(struct rung_timer *timer)
{
    struct lwip_core *core = rung_container_of(timer, struct lwip_core, group_timer);
    core->in_turn = true;
    igmp_tmr();
    mld6_tmr();
    if (timer_groups_wait(core))
        rung_timer_start(core->p, timer, MLD6_TMR_INTERVAL * RUNG_NS_PER_MS);
    rung_lwip_turn_end(core);
}

static void timer_slow(struct rung_timer *timer)
{
    struct lwip_core *core = rung_container_of(timer, struct lwip_core, slow_timer);
    core->in_turn = true;
    dhcp_fine_tmr();
    if (++core->slow_ticks % TIMER_SLOW_PER_S == 0) {
        core->arp_asked = core->errors = 0;
        etharp_tmr();
        ip_reass_tmr();
        ip6_reass_tmr();
        nd6_tmr();
        rung_lwip_addr_slow(core);
        if (core->slow_ticks % (TIMER_SLOW_PER_S * rung_lwip_port_dhcp_step()) == 0)
            dhcp_coarse_tmr();
    }
    if (timer_groups_wait(core) && !core->group_timer.active)
        rung_timer_start(core->p, &core->group_timer, MLD6_TMR_INTERVAL * RUNG_NS_PER_MS);
    rung_timer_start(core->p, timer, TIMER_SLOW_NS);
    rung_lwip_turn_end(core);
}

void rung_lwip_timers_start(struct lwip_core *core)
{
    core->tcp_timer.fn = timer_tcp;
    core->group_timer.fn = timer_group;
    core->slow_timer.fn = timer_slow;
    rung_timer_start(core->p, &core->slow_timer, TIMER_SLOW_NS);
    rung_timer_start(core->p, &core->group_timer, MLD6_TMR_INTERVAL * RUNG_NS_PER_MS);
}

void rung_lwip_timers_stop(struct lwip_core *core)
{
    rung_timer_stop(core->p, &core->tcp_timer);
    rung_timer_stop(core->p, &core->slow_timer);
    rung_timer_stop(core->p, &core->group_timer);
}
