/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_demux.c - finds a segment's connection in constant time. lwIP looks for it in
 * one linked list of all connections, and takes one out of that list by walking it, which costs
 * microseconds at 10,000 of them. Here the list is kept in pieces, one for each value of a hash
 * of the four numbers that name a connection; for the time of a call lwIP gets the piece that
 * the call is about, as if there were no other connection. The timers get all of them as one.
 * lwIP's source is as it came: tcp_in.c and tcp.c are compiled with two of their functions
 * renamed (core.cmake), and those of the old names are below. */
#include "lwip_int.h"

#include "rung/entropy.h"

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#define DEMUX_MIN 64u
#define DEMUX_MAX 16384u
#define DEMUX_WORD 64u

void rung_lwip_real_tcp_netif_ip_addr_changed(const ip_addr_t *before, const ip_addr_t *now);

enum rung_err rung_lwip_demux_open(struct lwip_core *core)
{
    uint32_t count = DEMUX_MIN;
    while (count < core->max_conns && count < DEMUX_MAX)
        count *= 2;
    /* Behind them a bit for each: DEMUX_MIN bits are a whole word. */
    core->buckets = rung_zalloc(core->p, count + count / DEMUX_MIN, sizeof(*core->buckets));
    if (!core->buckets)
        return RUNG_E_NOMEM;
    core->buckets_used = (uint64_t *)(core->buckets + count);
    core->bucket_mask = count - 1;
    rung_entropy_fill(core->p, core->hash_key, sizeof(core->hash_key));
    return RUNG_OK;
}

static uint64_t demux_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* The peer's address and both ports; ours is the same for nearly all. Multiply-shift with secret
 * multipliers (Dietzfelbinger 1997), so that nobody outside can pick addresses that collide. */
struct lwip_bucket *rung_lwip_bucket(struct lwip_core *core, const ip_addr_t *local,
                                     uint16_t local_port, const ip_addr_t *peer,
                                     uint16_t peer_port)
{
    const uint64_t *key = core->hash_key;
    uint64_t sum = key[0] + (key[1] | 1) * ((uint64_t)local_port << 16 | peer_port);
    (void)local;
    if (IP_IS_V4(peer)) {
        sum += (key[2] | 1) * ip4_addr_get_u32(ip_2_ip4(peer));
    } else {
        const uint8_t *bytes = (const uint8_t *)ip_2_ip6(peer)->addr;
        for (unsigned i = 0; i < 4; i++)
            sum += (key[2 + i] | 1) * demux_word(bytes + 4u * i);
    }
    return &core->buckets[(sum >> 40) & core->bucket_mask];
}

static void demux_use(struct lwip_core *core, const struct lwip_bucket *bucket)
{
    size_t i = (size_t)(bucket - core->buckets);
    core->buckets_used[i / DEMUX_WORD] |= UINT64_C(1) << i % DEMUX_WORD;
}

void rung_lwip_enter(struct lwip_core *core, struct lwip_bucket *bucket)
{
    assert(!core->entered && !core->joined);
    core->entered = bucket;
    tcp_active_pcbs = bucket->active;
    tcp_tw_pcbs = bucket->waiting;
}

void rung_lwip_leave(struct lwip_core *core)
{
    core->entered->active = tcp_active_pcbs;
    core->entered->waiting = tcp_tw_pcbs;
    if (tcp_active_pcbs || tcp_tw_pcbs)
        demux_use(core, core->entered);
    core->entered = NULL;
    tcp_active_pcbs = NULL;
    tcp_tw_pcbs = NULL;
}

static struct tcp_pcb **demux_append(struct tcp_pcb **end, struct tcp_pcb **list)
{
    *end = *list;
    *list = NULL;
    while (*end)
        end = &(*end)->next;
    return end;
}

/* Ten times a second while there are connections: most buckets are empty, and passed over. */
void rung_lwip_join(struct lwip_core *core)
{
    struct tcp_pcb **active = &tcp_active_pcbs, **waiting = &tcp_tw_pcbs;
    assert(!core->entered && !core->joined);
    core->joined = true;
    for (uint32_t word = 0; word <= core->bucket_mask / DEMUX_WORD; word++) {
        struct lwip_bucket *buckets = &core->buckets[word * DEMUX_WORD];
        for (uint64_t left = core->buckets_used[word]; left; left &= left - 1) {
            struct lwip_bucket *bucket = &buckets[__builtin_ctzll(left)];
            active = demux_append(active, &bucket->active);
            waiting = demux_append(waiting, &bucket->waiting);
        }
        core->buckets_used[word] = 0;
    }
}

static struct lwip_bucket *demux_of(struct lwip_core *core, const struct tcp_pcb *pcb)
{
    return rung_lwip_bucket(core, &pcb->local_ip, pcb->local_port, &pcb->remote_ip,
                            pcb->remote_port);
}

/* Puts the connections back where they belong. */
void rung_lwip_part(struct lwip_core *core)
{
    struct tcp_pcb *pcb;
    while ((pcb = tcp_active_pcbs)) {
        struct lwip_bucket *bucket = demux_of(core, pcb);
        tcp_active_pcbs = pcb->next;
        pcb->next = bucket->active;
        bucket->active = pcb;
        demux_use(core, bucket);
    }
    while ((pcb = tcp_tw_pcbs)) {
        struct lwip_bucket *bucket = demux_of(core, pcb);
        tcp_tw_pcbs = pcb->next;
        pcb->next = bucket->waiting;
        bucket->waiting = pcb;
        demux_use(core, bucket);
    }
    core->joined = false;
}

struct tcp_pcb *rung_lwip_pcb_of(struct tcp_pcb *pcb, const struct tcp_hdr *head)
{
    while (pcb && (pcb->remote_port != lwip_ntohs(head->src)
                   || pcb->local_port != lwip_ntohs(head->dest)
                   || !ip_addr_cmp(&pcb->remote_ip, ip_current_src_addr())
                   || !ip_addr_cmp(&pcb->local_ip, ip_current_dest_addr())))
        pcb = pcb->next;
    return pcb;
}

/* Gives lwIP a segment. It takes an MSS from any, and one of 12 from a forger would leave no room
 * for a byte: only handshakes have one (RFC 9293 3.2), and ours is over here but where we call. */
static void demux_input(struct lwip_conn *conn, struct pbuf *p, struct netif *inp)
{
    bool settled = conn && conn->pcb && conn->pcb->state != SYN_SENT;
    uint16_t mss = settled ? conn->pcb->mss : 0;
    rung_lwip_real_tcp_input(p, inp);
    if (settled && conn->pcb)
        conn->pcb->mss = mss;
}

/* ip4.c and ip6.c call this with a segment, p at its TCP header. */
void tcp_input(struct pbuf *p, struct netif *inp)
{
    struct lwip_core *core = rung_lwip_port_core();
    const struct tcp_hdr *head = p->payload;
    if (p->len < TCP_HLEN) {
        pbuf_free(p);
        return;
    }
    struct lwip_bucket *bucket =
        rung_lwip_bucket(core, ip_current_dest_addr(), lwip_ntohs(head->dest),
                         ip_current_src_addr(), lwip_ntohs(head->src));
    struct tcp_pcb *pcb = rung_lwip_pcb_of(bucket->active, head);
    struct lwip_conn *conn = pcb ? pcb->callback_arg : NULL;
    struct lwip_ack ack;
    if (pcb && rung_lwip_guard_refuses(conn, pcb, p)) {
        pbuf_free(p);
        return;
    }
    if (!pcb)
        rung_lwip_guard_reopen(core, bucket, head);
    if (rung_lwip_link_is_short(core))
        p = rung_lwip_unordered_spare(core, pcb, p);
    if (p) {
        rung_lwip_loss_look(conn, p, &ack);
        rung_lwip_enter(core, bucket);
        demux_input(conn, p, inp);
        rung_lwip_loss_act(&ack);
        rung_lwip_leave(core);
    }
    if (conn)
        rung_lwip_unordered_note(conn);
}

/* netif.c calls this when an address of ours goes. */
void tcp_netif_ip_addr_changed(const ip_addr_t *before, const ip_addr_t *now)
{
    struct lwip_core *core = rung_lwip_port_core();
    if (core->joined) {
        rung_lwip_real_tcp_netif_ip_addr_changed(before, now);
        return;
    }
    rung_lwip_join(core);
    rung_lwip_real_tcp_netif_ip_addr_changed(before, now);
    rung_lwip_part(core);
}
